"""What a file sets: settings that are misspelt, mixed, wrong, without effect, or with another meaning here."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from localq.contrib.celery.difference import Difference
from localq.contrib.celery.entries import READERS, read_entry
from localq.contrib.celery.project import Source
from localq.exceptions import ImproperlyConfigured
from localq.settings import NEW_NAMES, SETTINGS
from localq.settings.all_settings import suggestion
from localq.settings.old_names import refuse_mixed
from localq.store.location import embedded

__all__ = ["Given", "namespaces", "read_settings"]

#: What some settings mean here, where that is not what they mean in Celery.
_DIFFERENT = {
    "task_default_rate_limit": "rates count over all workers, not for each",
    "beat_schedule": "an interval entry seen for the first time runs at once; each due time runs once, however many "
    "schedulers there are",
    "task_default_priority": "a higher number runs first, whatever the broker's order was",
}
#: Settings of which some values mean something else here.
_DIFFERENT_IF = {
    "task_acks_late": (False, "a job is run again unless it finished; False: at most once"),
}
#: Names of modules that are read as configurations.
_CONFIGS = {"celeryconfig", "localqconfig"}
_APPS = {"Celery", "LocalQ"}
#: Settings that are arguments of an app too, which `localq.contrib.celery.calls` reads.
_PLACES = {"broker_url", "result_backend"}


class Given(NamedTuple):
    """A name that is set, its line and what it is set to."""

    name: str
    line: int
    value: ast.expr | None


def namespaces(sources: Iterable[Source]) -> set[str]:
    """Return the namespaces that configurations of a project have, such as "CELERY"."""
    return {
        keyword.value.value
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "namespace"
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
    }


def read_settings(
    source: Source, configs: set[str], prefixes: set[str], *, placed: bool = False
) -> Iterator[Difference]:
    """Yield what is to be said about the settings of a file.

    Args:
        configs: Names of modules and classes that are configurations.
        prefixes: See `namespaces`.
        placed: The project's app has a path=, before which servers have no effect.
    """
    for found in _read(source, configs, prefixes):
        if placed and found.level == "error" and "Use path=" in found.text:
            found = found._replace(
                level="note", text=f"{found.text.partition(':')[0]} has no effect: path= comes first"
            )
        yield found


def _read(source: Source, configs: set[str], prefixes: set[str]) -> Iterator[Difference]:
    for scope in _scopes(source, configs, prefixes):
        yield from _read_scope(source, scope)
    for given in _assigned(source.tree.body):
        for prefix in prefixes:
            bare = given.name.removeprefix(f"{prefix}_")
            if bare != given.name and given.name.isupper():
                yield from _read_one(source, given._replace(name=bare.lower()), given.name)
    for given in _in_calls(source.tree):
        yield from _read_one(source, given, given.name)
    for given in _added_entries(source.tree):
        assert given.value is not None
        for one in read_entry(f"beat_schedule[{given.name!r}]", given.value):
            yield Difference(source.name, *one)


def _prefixed(name: str, prefixes: set[str]) -> bool:
    return name.isupper() and any(name.startswith(f"{prefix}_") for prefix in prefixes)


def _scopes(source: Source, configs: set[str], prefixes: set[str]) -> Iterator[list[Given]]:
    module = source.name.rpartition("/")[2].removesuffix(".py")
    # What bears a prefix is read without it, though CELERY_RESULT_BACKEND is an old name too.
    top = [one for one in _assigned(source.tree.body) if not _prefixed(one.name, prefixes)]
    if module in configs | _CONFIGS or any(given.name in NEW_NAMES for given in top):
        yield top
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and node.name in configs:
            yield list(_assigned(node.body))


def _assigned(body: list[ast.stmt]) -> Iterator[Given]:
    for node in body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and not target.id.startswith("_"):
                yield Given(target.id, node.lineno, getattr(node, "value", None))


def _in_calls(tree: ast.Module) -> Iterator[Given]:
    """Yield what is set on `app.conf` by attribute, item or update, and where the app is made."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and _is_conf(target.value):
                    yield Given(target.attr, node.lineno, node.value)
                elif isinstance(target, ast.Subscript) and _is_conf(target.value):
                    yield from _keyed([target.slice], [node.value])
        elif isinstance(node, ast.Call) and _updates_conf(node.func):
            yield from (Given(k.arg, k.value.lineno, k.value) for k in node.keywords if k.arg)
            for argument in node.args:
                if isinstance(argument, ast.Dict):
                    yield from _keyed(argument.keys, argument.values)
        elif isinstance(node, ast.Call) and (getattr(node.func, "attr", "") or getattr(node.func, "id", "")) in _APPS:
            yield from (
                Given(keyword.arg, keyword.value.lineno, keyword.value)
                for keyword in node.keywords
                if keyword.arg and NEW_NAMES.get(keyword.arg, keyword.arg) in SETTINGS.keys() - _PLACES
            )


def _added_entries(tree: ast.Module) -> Iterator[Given]:
    """Yield what is added to the schedule: `app.conf.beat_schedule["nightly"] = {...}`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            added = [one for one in node.targets if isinstance(one, ast.Subscript) and _is_schedule(one.value)]
            yield from _keyed([one.slice for one in added], [node.value] * len(added))


def _is_schedule(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "beat_schedule" and _is_conf(node.value)


def _keyed(keys: Iterable[ast.expr | None], values: Iterable[ast.expr]) -> Iterator[Given]:
    for key, value in zip(keys, values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield Given(key.value, key.lineno, value)


def _updates_conf(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "update" and _is_conf(node.value)


def _is_conf(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "conf"


def _read_scope(source: Source, scope: list[Given]) -> Iterator[Difference]:
    try:
        refuse_mixed(given.name for given in scope)
    except ImproperlyConfigured as error:
        renames = [" ".join(line.split()) for line in str(error).splitlines() if "->" in line]
        line = next((given.line for given in scope if given.name in NEW_NAMES), 1)
        yield Difference(
            source.name, line, "error", f"old and new names of settings are mixed; rename: {'; '.join(renames)}"
        )
    for given in scope:
        yield from _read_one(source, given, given.name)


def _read_one(source: Source, given: Given, shown: str) -> Iterator[Difference]:
    name = NEW_NAMES.get(given.name, given.name)
    setting = SETTINGS.get(name)
    if setting is None:
        hint = suggestion(given.name)
        if hint and isinstance(given.value, ast.Constant | ast.List | ast.Tuple | ast.Dict):
            yield Difference(source.name, given.line, "error", f"{shown} is no setting, and has no effect.{hint}")
        return
    known, value = _value(given.value)
    if known:
        try:
            kept = setting.check(value)
        except (TypeError, ValueError) as error:
            yield Difference(source.name, given.line, "error", f"{shown} is {value!r}: it {error}")
            return
        if name in ("broker_url", "result_backend"):
            yield from _read_place(source, given, shown, kept)
        if name in _DIFFERENT_IF and value == _DIFFERENT_IF[name][0]:
            yield Difference(source.name, given.line, "differs", f"{shown}: {_DIFFERENT_IF[name][1]}")
    if given.value is not None and name in READERS:
        yield from (Difference(source.name, *one) for one in READERS[name](shown, given.value))
    if not setting.used and not (known and value == setting.default):
        yield Difference(source.name, given.line, "note", f"{shown} has no effect: {setting.doc}")
    elif name in _DIFFERENT:
        yield Difference(source.name, given.line, "differs", f"{shown}: {_DIFFERENT[name]}")


def _read_place(source: Source, given: Given, shown: str, url: str | None) -> Iterator[Difference]:
    try:
        embedded(url)
    except ImproperlyConfigured as error:
        yield Difference(source.name, given.line, "error", f"{shown}: {error}")


def _value(node: ast.expr | None) -> tuple[bool, object]:
    try:
        return (False, None) if node is None else (True, ast.literal_eval(node))
    except ValueError:
        return False, None
