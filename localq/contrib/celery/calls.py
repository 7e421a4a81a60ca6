"""What a file does with apps and tasks: how it makes them, and what it asks of an app."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from localq.app import LocalQ
from localq.app.absent import INSTEAD
from localq.app.arguments import WITHOUT_EFFECT
from localq.contrib.celery.app_names import AppNames
from localq.contrib.celery.difference import Difference
from localq.contrib.celery.names import APP, MADE
from localq.contrib.celery.options import read_options
from localq.contrib.celery.places import TWO_PLACES, read_place, two_places
from localq.contrib.celery.project import Source
from localq.contrib.celery.values import Values, called, dotted
from localq.model.hints import near_miss
from localq.settings import NEW_NAMES, SETTINGS
from localq.tasks.task import TASK_OPTIONS, Task

__all__ = ["has_path", "read_calls", "task_names"]

#: Arguments of an app that are no settings.
_OF_APP = {
    "main", "path", "url", "broker", "backend", "eager", "include", "config_source", "namespace", "tasks",
    "set_as_current", "autofinalize", "strict_typing", "task_cls", "changes",
}  # fmt: skip
#: Arguments of an app that name its place.
_BROKERS, _BACKENDS = ("broker", "broker_url"), ("backend", "result_backend")
#: Arguments of the decorator that are no attributes of tasks.
_OF_DECORATOR = {"bind", "base", "name", "shared", "lazy", "filter"}
#: What Celery's apps have and ours do not.
_LACKING = ({name for name in APP if not hasattr(LocalQ, name)} - MADE["app"]) | INSTEAD.keys()
#: Of these, what nothing but an app of Celery's has.
_UNMISTAKABLE = {"amqp", "broker_connection", "connection_for_read", "connection_for_write", "producer_or_acquire"}
_USUAL = {"app", "celery", "celery_app", "q"}
_RATES = "rates count over all workers, not for each"


def has_path(source: Source, apps: AppNames) -> bool:
    """Whether a file makes an app with a path=."""
    return any(apps.makes(call) and any(k.arg == "path" for k in call.keywords) for call in source.nodes(ast.Call))


def task_names(source: Source, apps: AppNames) -> set[str]:
    """Return the names of the functions that a file makes tasks of."""
    decorators = _decorators(source)
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = [*source.nodes(ast.FunctionDef)]
    functions += source.nodes(ast.AsyncFunctionDef)
    return {
        one.name
        for one in functions
        if any(_decorates(source, decorator, apps, decorators) for decorator in one.decorator_list)
    }


def read_calls(
    source: Source, apps: AppNames, values: Values, tasks: set[str], *, placed: bool
) -> Iterator[Difference]:
    """Yield what is to be said about the calls of a file, and about what it asks of its apps.

    Args:
        tasks: The names that tasks of the project have.
        placed: An app of the project has a path=.
    """
    decorators = _decorators(source)
    for call in source.nodes(ast.Call):
        if apps.makes(call):
            yield from _read_app(source, call, values, placed=placed)
        elif _decorates(source, call, apps, decorators):
            yield from _read_decorator(source, call)
        elif called(call) == "config_from_obj":
            yield Difference(source.name, call.lineno, "error", "there is no config_from_obj: use config_from_object")
        elif called(call) == "start" and not call.args and _of_app(source, call.func, apps):
            text = "app.start() starts a worker in this program, unless the program was called with a command"
            yield Difference(source.name, call.lineno, "differs", text)
        else:
            yield from read_options(source, call, tasks)
    for node in source.nodes(ast.Attribute):
        if node.attr in _LACKING and _is_lacking(source, node, apps):
            why = f": {INSTEAD[node.attr]}" if node.attr in INSTEAD else ""
            yield Difference(source.name, node.lineno, "error", f"LocalQ has no app.{node.attr}{why}")


def _of_app(source: Source, node: ast.expr, apps: AppNames) -> bool:
    return isinstance(node, ast.Attribute) and apps.is_app(source, node.value)


def _is_lacking(source: Source, node: ast.Attribute, apps: AppNames) -> bool:
    """Whether what has an attribute is an app: by its name, or as the `app` of a task or a worker."""
    last = (dotted(node.value) or [""])[-1]
    return apps.is_app(source, node.value) or (last in ("app", "_app") and node.attr in _UNMISTAKABLE)


def _decorators(source: Source) -> set[str]:
    """Return the names that `shared_task` and the `task` of old have in a file."""
    return {"shared_task"} | {
        alias.asname or alias.name
        for node in source.nodes(ast.ImportFrom)
        if (node.module or "").partition(".")[0] in ("celery", "localq")
        for alias in node.names
        if alias.name in ("shared_task", "task")
    }


def _decorates(source: Source, node: ast.expr, apps: AppNames, decorators: set[str]) -> bool:
    made = node.func if isinstance(node, ast.Call) else node
    if isinstance(made, ast.Name):
        return made.id in decorators
    usual = isinstance(made, ast.Attribute) and (dotted(made.value) or [""])[-1] in _USUAL
    return isinstance(made, ast.Attribute) and (
        made.attr == "shared_task" or (made.attr == "task" and (usual or _of_app(source, made, apps)))
    )


def _read_app(source: Source, call: ast.Call, values: Values, *, placed: bool) -> Iterator[Difference]:
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for name, value in given.items():
        known = name in _OF_APP or NEW_NAMES.get(name, name) in SETTINGS
        if name in WITHOUT_EFFECT:
            text = f"the argument {name} of an app has no effect: {WITHOUT_EFFECT[name]}"
            yield Difference(source.name, value.lineno, "note", text)
        elif not known and (meant := near_miss(name, [*SETTINGS, *_OF_APP])) is not None:
            text = f"an app has no argument {name}. Did you mean {meant!r}?"
            yield Difference(source.name, value.lineno, "error", text)
    if len(call.args) > 1:
        yield Difference(source.name, call.lineno, "error", "an app takes one argument without a name; name the others")
    texts = {name: values.texts(source.name, given[name]) for name in (*_BROKERS, *_BACKENDS) if name in given}
    for name, several in texts.items():
        found = read_place(source.name, given[name].lineno, name, several, placed=placed or "path" in given)
        yield from found
    brokers, backends = (next((texts[one] for one in ones if one in texts), set()) for ones in (_BROKERS, _BACKENDS))
    if not placed and two_places(brokers, backends):
        yield Difference(source.name, call.lineno, "error", TWO_PLACES)


def _read_decorator(source: Source, node: ast.expr) -> Iterator[Difference]:
    names = {one.arg: one.value for one in node.keywords if one.arg} if isinstance(node, ast.Call) else {}
    for name, value in names.items():
        known = name in TASK_OPTIONS or name in _OF_DECORATOR or hasattr(Task, name)
        if not known and (meant := near_miss(name, TASK_OPTIONS)) is not None:
            said = f"a task has no option {name}. Did you mean {meant!r}?"
            yield Difference(source.name, value.lineno, "error", said)
    if "rate_limit" in names:
        yield Difference(source.name, names["rate_limit"].lineno, "differs", f"rate_limit: {_RATES}")
    late = names.get("acks_late")
    if isinstance(late, ast.Constant) and late.value is False:
        text = "acks_late=False: at most once; the default is at least once"
        yield Difference(source.name, late.lineno, "differs", text)
