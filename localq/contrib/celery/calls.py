"""What a file does with apps, tasks and results."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from localq.app import LocalQ
from localq.app.absent import INSTEAD
from localq.contrib.celery.difference import Difference
from localq.contrib.celery.names import APP, MADE
from localq.contrib.celery.project import Source
from localq.exceptions import ImproperlyConfigured
from localq.model.hints import near_miss, nearest
from localq.settings import NEW_NAMES, SETTINGS
from localq.store.location import embedded
from localq.tasks.call_options import BROKER_ONLY, OPTIONS
from localq.tasks.task import TASK_OPTIONS

__all__ = ["configurations", "has_path", "read_calls"]

_APPS = {"Celery", "LocalQ"}
#: Arguments of an app that are no settings.
_OF_APP = {
    "main", "path", "url", "broker", "backend", "eager", "include", "config_source", "namespace", "tasks",
    "set_as_current", "autofinalize", "strict_typing", "task_cls",
}  # fmt: skip
#: Arguments of the decorator that are no attributes of tasks.
_OF_DECORATOR = {"bind", "base", "name", "shared", "lazy", "filter"}
_OF_CALL = {"args", "kwargs", "task_id", "throw"}
#: What Celery's apps have and ours do not.
_LACKING = ({name for name in APP if not hasattr(LocalQ, name)} - MADE["app"]) | INSTEAD.keys()
_RATES = "rates count over all workers, not for each"


def configurations(source: Source) -> set[str]:
    """Return the names of modules and classes that a file takes as configurations, all of whose names are settings."""
    found = set()
    for call in _calls(source.tree):
        if any(k.arg == "namespace" for k in call.keywords):
            continue
        given = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "config_source")]
        if _called(call) == "config_from_object" or any(k.arg == "config_source" for k in call.keywords):
            for node in given:
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found |= {part for part in node.value.replace(":", ".").split(".")[-2:] if part != "py"}
                elif isinstance(node, ast.Name | ast.Attribute):
                    found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return found


def has_path(source: Source) -> bool:
    """Whether a file makes an app with a path=."""
    return any(_called(call) in _APPS and any(k.arg == "path" for k in call.keywords) for call in _calls(source.tree))


def read_calls(source: Source) -> Iterator[Difference]:
    """Yield what is to be said about the calls of a file, and about what it asks of its apps."""
    apps = _app_names(source.tree)
    for call in _calls(source.tree):
        name = _called(call)
        if name in _APPS:
            yield from _read_app(source, call)
        elif name in ("task", "shared_task"):
            yield from _read_decorator(source, call, apps)
        elif name in ("apply_async", "send_task"):
            yield from _read_options(source, call)
        elif name == "config_from_obj":
            yield Difference(source.name, call.lineno, "error", "there is no config_from_obj: use config_from_object")
        elif name == "start" and not call.args and _of_app(call.func, apps):
            yield Difference(
                source.name,
                call.lineno,
                "differs",
                "app.start() starts a worker in this program, unless the program was called with a command",
            )
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in _LACKING and _of_app(node, apps):
            why = f": {INSTEAD[node.attr]}" if node.attr in INSTEAD else ""
            yield Difference(source.name, node.lineno, "error", f"LocalQ has no app.{node.attr}{why}")


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def _app_names(tree: ast.Module) -> set[str]:
    """Return the names that apps are kept under."""
    made = [n for n in ast.walk(tree) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call)]
    targets = [target for node in made if _called(node.value) in _APPS for target in node.targets]  # type: ignore[arg-type]
    return {target.id for target in targets if isinstance(target, ast.Name)} | {"current_app"}


def _of_app(node: ast.expr, apps: set[str]) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in apps


def _read_app(source: Source, call: ast.Call) -> Iterator[Difference]:
    given = {keyword.arg for keyword in call.keywords}
    for keyword in call.keywords:
        name = keyword.arg
        if name is None or name in _OF_APP:
            continue
        if NEW_NAMES.get(name, name) not in SETTINGS:
            hint = nearest(name, [*SETTINGS, *_OF_APP])
            yield Difference(source.name, keyword.value.lineno, "error", f"an app has no argument {name}.{hint}")
    if len(call.args) > 1:
        yield Difference(source.name, call.lineno, "error", "an app takes one argument without a name; name the others")
    for keyword in call.keywords:
        url = getattr(keyword.value, "value", None)
        if keyword.arg in ("broker", "backend", "broker_url", "result_backend") and isinstance(url, str):
            try:
                embedded(url)
            except ImproperlyConfigured as error:
                level, more = ("note", " (path= comes first)") if "path" in given else ("error", "")
                yield Difference(source.name, keyword.value.lineno, level, f"{keyword.arg}: {error}{more}")  # type: ignore[arg-type]


def _read_decorator(source: Source, call: ast.Call, apps: set[str]) -> Iterator[Difference]:
    if _called(call) == "task" and not _of_app(call.func, apps | {"app", "celery", "celery_app", "q"}):
        return
    names = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for name, value in names.items():
        if name not in TASK_OPTIONS and name not in _OF_DECORATOR and "base" not in names:
            meant = near_miss(name, TASK_OPTIONS)
            if meant is not None:
                said = f"a task has no option {name}. Did you mean {meant!r}?"
                yield Difference(source.name, value.lineno, "error", said)
    if "rate_limit" in names:
        yield Difference(source.name, names["rate_limit"].lineno, "differs", f"rate_limit: {_RATES}")
    late = names.get("acks_late")
    if isinstance(late, ast.Constant) and late.value is False:
        yield Difference(
            source.name, late.lineno, "differs", "acks_late=False: at most once; the default is at least once"
        )


def _read_options(source: Source, call: ast.Call) -> Iterator[Difference]:
    for keyword in call.keywords:
        name = keyword.arg
        if name is None or name in _OF_CALL or name == "name":
            continue
        if name in BROKER_ONLY:
            text = f"the option {name} has no effect: there is no broker"
            yield Difference(source.name, keyword.value.lineno, "note", text)
        elif name not in OPTIONS:
            meant = near_miss(name, OPTIONS)
            if meant is not None:
                said = f"a call has no option {name}. Did you mean {meant!r}?"
                yield Difference(source.name, keyword.value.lineno, "error", said)
