"""Which names of a project are settings: those of configurations, of Django's with their prefix, and of `app.conf`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from localq.contrib.celery.app_names import AppNames
from localq.contrib.celery.beside import is_django
from localq.contrib.celery.configfile import CONFIG_FILES
from localq.contrib.celery.project import Source
from localq.contrib.celery.values import Values, called, dotted
from localq.settings import NEW_NAMES, SETTINGS

__all__ = ["Given", "Scope", "Scopes", "added_entries", "in_calls"]

#: Names of modules that are read as configurations.
_CONFIGS = {"celeryconfig", "localqconfig", *CONFIG_FILES}
#: What names of settings before Celery 4 begin with, so that they are nothing else wherever they stand.
_CELERYS = ("CELERY", "BROKER_")
#: What Flask's users call the two, which were never settings of those names.
_FLASK = {"CELERY_BROKER_URL": "broker_url", "CELERY_RESULT_BACKEND": "result_backend"}
#: What settings of Django have, in which BROKER_URL is Celery's.
_DJANGO_S = {"INSTALLED_APPS", "ROOT_URLCONF"}
#: A mapping with settings in Flask's configuration.
_MAPPINGS = {"CELERY", "CELERY_CONFIG", "CELERY_SETTINGS"}
#: Settings that are arguments of an app too, which `localq.contrib.celery.calls` reads.
_PLACES = {"broker_url", "result_backend"}


class Given(NamedTuple):
    """A setting that is given: its name, its line, what it is set to, and the name it is set under."""

    name: str
    line: int
    value: ast.expr | None
    shown: str


class Scope(NamedTuple):
    """Settings that are given together.

    Args:
        whole: They are all of a configuration, whose names before Celery 4 and of today are not mixed.
        guess: All names there are settings, so that a slip can be told.
    """

    given: list[Given]
    whole: bool = False
    guess: bool = False


class Scopes:
    """What a project's configurations are."""

    def __init__(self, sources: Iterable[Source], apps: AppNames) -> None:
        sources = list(sources)
        self.apps = apps
        self.prefixes = {name for source in sources for name in _namespaces(source)}
        self._configs = {name for source in sources for name in _configurations(source)}

    def of(self, source: Source) -> Iterator[Scope]:
        """Yield the settings that a file gives as names of a module or a class."""
        module = source.name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        whole = source.name.rpartition("/")[2].removesuffix(".py") in _CONFIGS or self._is_config(module)
        if whole and not is_django(source):
            # What bears a prefix is read without it, though CELERY_RESULT_BACKEND is an old name too.
            top = [one for one in _assigned(source.tree.body) if not self._prefixed(one.name)]
            yield Scope(top, whole=True, guess=True)
        else:
            yield Scope(list(self._unmistakable(source.tree.body)))
        yield Scope(list(self._with_prefix(source.tree.body)), guess=True)
        for node in source.nodes(ast.ClassDef):
            if node.name in self._class_names():
                yield Scope(list(_assigned(node.body)), whole=True, guess=True)
            else:
                yield Scope(list(self._unmistakable(node.body)))
                yield Scope(list(self._with_prefix(node.body)), guess=True)

    def _class_names(self) -> set[str]:
        return {name.rpartition(".")[2] for name in self._configs}

    def _is_config(self, module: str) -> bool:
        return any(f".{module}".endswith(f".{name}") or f".{name}".endswith(f".{module}") for name in self._configs)

    def _prefixed(self, name: str) -> bool:
        return name.isupper() and any(name.startswith(f"{prefix}_") for prefix in self.prefixes)

    def _with_prefix(self, body: list[ast.stmt]) -> Iterator[Given]:
        for given in _assigned(body):
            for prefix in self.prefixes:
                bare = given.name.removeprefix(f"{prefix}_")
                if bare == given.name or not given.name.isupper():
                    continue
                if bare.lower() not in SETTINGS and given.name in NEW_NAMES:
                    yield given
                else:
                    yield given._replace(name=bare.lower())

    def _unmistakable(self, body: list[ast.stmt]) -> Iterator[Given]:
        """Yield settings that are so by their names alone; other programs have brokers too."""
        several = list(_assigned(body))
        if not any(given.name.startswith("CELERY") or given.name in _DJANGO_S for given in several):
            return
        for given in several:
            if self._prefixed(given.name):
                continue
            if given.name in _FLASK:
                yield given._replace(name=_FLASK[given.name])
            elif given.name in NEW_NAMES and given.name.startswith(_CELERYS):
                yield given
            elif given.name in _MAPPINGS and given.value is not None:
                yield from _mapping(given.value)


def in_calls(source: Source, apps: AppNames, values: Values) -> Iterator[Given]:
    """Yield what is set on `app.conf` by attribute, item or update, where the app is made, and in Flask's mappings."""
    for assigned in source.nodes(ast.Assign):
        yield from _set_on(assigned)
    for node in source.nodes(ast.Call):
        if _updates_conf(node.func):
            yield from (Given(one.arg, one.value.lineno, one.value, one.arg) for one in node.keywords if one.arg)
            for argument in node.args:
                yield from _mapping(values.literal(source.name, argument))
        elif called(node) == "config_from_object":
            for argument in node.args[:1]:
                yield from _mapping(values.literal(source.name, argument))
        elif apps.makes(node):
            yield from (
                Given(one.arg, one.value.lineno, one.value, one.arg)
                for one in node.keywords
                if one.arg and NEW_NAMES.get(one.arg, one.arg) in SETTINGS.keys() - _PLACES
            )
        else:
            for one in node.keywords:
                if one.arg in _MAPPINGS:
                    yield from _mapping(one.value)


def _set_on(node: ast.Assign) -> Iterator[Given]:
    for target in node.targets:
        if isinstance(target, ast.Attribute) and _is_conf(target.value):
            yield Given(target.attr, node.lineno, node.value, target.attr)
        elif isinstance(target, ast.Subscript) and _is_conf(target.value):
            yield from _keyed([target.slice], [node.value])
        elif isinstance(target, ast.Subscript) and (dotted(target.value) or [""])[-1] == "config":
            for given in _keyed([target.slice], [node.value]):
                if given.name in _FLASK:
                    yield given._replace(name=_FLASK[given.name])
                elif given.name in _MAPPINGS:
                    yield from _mapping(node.value)


def added_entries(source: Source) -> Iterator[Given]:
    """Yield what is added to the schedule: `app.conf.beat_schedule["nightly"] = {...}`."""
    for node in source.nodes(ast.Assign):
        added = [one for one in node.targets if isinstance(one, ast.Subscript) and _is_schedule(one.value)]
        yield from _keyed([one.slice for one in added], [node.value] * len(added))


def _namespaces(source: Source) -> Iterator[str]:
    for node in source.nodes(ast.Call):
        for keyword in node.keywords:
            value = getattr(keyword.value, "value", None)
            if keyword.arg == "namespace" and isinstance(value, str):
                yield value


def _configurations(source: Source) -> Iterator[str]:
    """Yield the names of modules and classes that are taken as configurations, all of whose names are settings."""
    for call in source.nodes(ast.Call):
        named = [one.value for one in call.keywords if one.arg == "config_source"]
        if any(one.arg == "namespace" for one in call.keywords):
            continue
        for node in [*call.args[:1], *named] if called(call) == "config_from_object" else named:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if not node.value.startswith("django.conf"):
                    yield node.value.replace(":", ".").removesuffix(".py")
            elif names := dotted(node):
                yield names[-1]


def _assigned(body: list[ast.stmt]) -> Iterator[Given]:
    for node in body:
        if isinstance(node, ast.If | ast.Try | ast.With):
            for inner in (getattr(node, part, []) for part in ("body", "orelse", "finalbody")):
                yield from _assigned(inner)
        targets = getattr(node, "targets", None) if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in (targets or ()) if isinstance(node, ast.Assign | ast.AnnAssign) else ():
            if isinstance(target, ast.Name) and not target.id.startswith("_"):
                yield Given(target.id, node.lineno, getattr(node, "value", None), target.id)


def _mapping(node: ast.expr | None) -> Iterator[Given]:
    """Yield the settings of a mapping that is written out."""
    if isinstance(node, ast.Dict):
        yield from _keyed(node.keys, node.values)
    elif isinstance(node, ast.Call) and called(node) == "dict":
        yield from (Given(one.arg, one.value.lineno, one.value, one.arg) for one in node.keywords if one.arg)


def _keyed(keys: Iterable[ast.expr | None], values: Iterable[ast.expr]) -> Iterator[Given]:
    for key, value in zip(keys, values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield Given(key.value, key.lineno, value, key.value)


def _is_schedule(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "beat_schedule" and _is_conf(node.value)


def _updates_conf(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "update" and _is_conf(node.value)


def _is_conf(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "conf"
