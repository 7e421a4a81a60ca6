"""What a file sets: settings that are misspelt, mixed, wrong, without effect, or with another meaning here."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from localq.contrib.celery.difference import Difference
from localq.contrib.celery.entries import READERS, may_have_intervals, read_entry
from localq.contrib.celery.places import TWO_PLACES, read_place, two_places
from localq.contrib.celery.project import Source
from localq.contrib.celery.scopes import Given, Scopes, added_entries, in_calls
from localq.contrib.celery.values import Values, called
from localq.exceptions import ImproperlyConfigured
from localq.serialization.serializers import serializer_names
from localq.settings import NEW_NAMES, SETTINGS
from localq.settings.all_settings import suggestion
from localq.settings.old_names import refuse_mixed

__all__ = ["Reading", "read_settings", "registered"]

#: What some settings mean here, where that is not what they mean in Celery.
_DIFFERENT = {
    "task_default_rate_limit": "rates count over all workers, not for each",
    "beat_schedule": "an interval entry seen for the first time runs at once",
    "task_default_priority": "a higher number runs first, whatever the broker's order was",
}
#: Settings of which some values mean something else here.
_DIFFERENT_IF = {
    "task_acks_late": (False, "a job is run again unless it finished; False: at most once"),
}
_PLACES = {"broker_url", "result_backend"}
#: Arguments of apps that name them, too.
_ARGUMENTS = {"broker": "broker_url", "backend": "result_backend", **{name: name for name in _PLACES}}


class Reading(NamedTuple):
    """What is known of a project while its files are read.

    Args:
        serializers: The names of those that it registers.
        placed: Its app has a path=, before which servers have no effect.
    """

    scopes: Scopes
    values: Values
    serializers: frozenset[str] = frozenset()
    placed: bool = False


def read_settings(source: Source, reading: Reading) -> Iterator[Difference]:
    """Yield what is to be said about the settings of a file."""
    for scope in reading.scopes.of(source):
        if scope.whole:
            yield from _mixed(source, scope.given)
        for given in scope.given:
            yield from _read_one(source, given, reading, guess=scope.guess)
        yield from _two_places(source, scope.given, reading)
    for given in in_calls(source, reading.scopes.apps, reading.values):
        yield from _read_one(source, given, reading, guess=True)
    for given in added_entries(source):
        assert given.value is not None
        for one in read_entry(f"beat_schedule[{given.name!r}]", given.value):
            yield Difference(source.name, *one)


def _two_places(source: Source, scope: list[Given], reading: Reading) -> Iterator[Difference]:
    texts: dict[str, set[str]] = {}
    for given in scope:
        name = NEW_NAMES.get(given.name, given.name)
        texts.setdefault(name, set()).update(reading.values.texts(source.name, given.value) if name in _PLACES else ())
    if not reading.placed and two_places(*(texts.get(name, set()) for name in ("broker_url", "result_backend"))):
        line = next(one.line for one in scope if NEW_NAMES.get(one.name, one.name) == "result_backend")
        yield Difference(source.name, line, "error", TWO_PLACES)


def read_together(sources: Iterable[Source], reading: Reading) -> Iterator[Difference]:
    """Yield that jobs and results are in two places which stand apart: by the app, on its `conf`, in other files."""
    texts: dict[str, set[str]] = {name: set() for name in _PLACES}
    places: list[tuple[str, int]] = []
    for source in sources:
        for name, line, value in _places(source, reading):
            texts[name].update(reading.values.texts(source.name, value))
            places += [(source.name, line)] if name == "result_backend" else []
    if not reading.placed and two_places(texts["broker_url"], texts["result_backend"]):
        yield Difference(*places[-1], "error", TWO_PLACES)


def _places(source: Source, reading: Reading) -> Iterator[tuple[str, int, ast.expr | None]]:
    given = [one for scope in reading.scopes.of(source) for one in scope.given]
    for one in (*given, *in_calls(source, reading.scopes.apps, reading.values)):
        if (name := NEW_NAMES.get(one.name, one.name)) in _PLACES:
            yield name, one.line, one.value
    for call in filter(reading.scopes.apps.makes, source.nodes(ast.Call)):
        for argument in call.keywords:
            if argument.arg in _ARGUMENTS:
                yield _ARGUMENTS[argument.arg], argument.value.lineno, argument.value


def registered(source: Source) -> Iterator[str]:
    """Yield the names of the serializers that a file registers."""
    for call in source.nodes(ast.Call):
        if called(call) == "register":
            named = [*call.args[:1], *(one.value for one in call.keywords if one.arg == "name")]
            yield from (one.value for one in named if isinstance(one, ast.Constant) and isinstance(one.value, str))


def _mixed(source: Source, scope: list[Given]) -> Iterator[Difference]:
    try:
        refuse_mixed(given.name for given in scope)
    except ImproperlyConfigured as error:
        renames = [" ".join(line.split()) for line in str(error).splitlines() if "->" in line]
        line = next((given.line for given in scope if given.name in NEW_NAMES), 1)
        yield Difference(
            source.name, line, "error", f"old and new names of settings are mixed; rename: {'; '.join(renames)}"
        )


def _read_one(source: Source, given: Given, reading: Reading, *, guess: bool) -> Iterator[Difference]:
    """Yield what is to be said about one setting.

    Args:
        guess: An unknown name that is like a setting's is a slip.
    """
    setting = SETTINGS.get(NEW_NAMES.get(given.name, given.name))
    if setting is None:
        hint = suggestion(given.name) if guess else ""
        if hint and isinstance(given.value, ast.Constant | ast.List | ast.Tuple | ast.Dict):
            yield Difference(source.name, given.line, "error", f"{given.shown} is no setting, and has no effect.{hint}")
        return
    name, shown = setting.name, given.shown
    node = reading.values.literal(source.name, given.value)
    known, value = _value(node)
    if known:
        try:
            setting.check(value)
        except (TypeError, ValueError) as error:
            yield Difference(source.name, given.line, "error", f"{shown} is {value!r}: it {error}")
            return
        if name == "task_serializer" and value not in {*serializer_names(), *reading.serializers}:
            text = f"{shown} is {value!r}: there is no serializer of that name; localq.register makes one"
            yield Difference(source.name, given.line, "error", text)
        if name in _DIFFERENT_IF and value == _DIFFERENT_IF[name][0]:
            yield Difference(source.name, given.line, "differs", f"{shown}: {_DIFFERENT_IF[name][1]}")
    if name in _PLACES:
        texts = reading.values.texts(source.name, given.value)
        yield from read_place(source.name, given.line, shown, texts, placed=reading.placed)
    if node is not None and name in READERS:
        yield from (Difference(source.name, *one) for one in READERS[name](shown, node))
    if name == "beat_scheduler":
        yield from _scheduler(source, given, reading.values.texts(source.name, given.value))
    elif not setting.used and not (known and value == setting.default):
        yield Difference(source.name, given.line, "note", f"{shown} has no effect: {setting.doc}", shown)
    elif name in _DIFFERENT and (name != "beat_schedule" or may_have_intervals(node)):
        yield Difference(source.name, given.line, "differs", f"{shown}: {_DIFFERENT[name]}", shown)


def _scheduler(source: Source, given: Given, texts: set[str]) -> Iterator[Difference]:
    into = "put them into beat_schedule, or add them to app.schedules"
    if "django_celery_beat" in "".join(texts):
        text = (
            "schedules kept in Django's database never fire; put them into beat_schedule, or add them to app.schedules"
        )
    elif texts <= {"celery.beat:PersistentScheduler", "celery.beat.PersistentScheduler"}:
        yield Difference(
            source.name, given.line, "note", f"{given.shown} has no effect: there is one scheduler", given.shown
        )
        return
    else:
        text = f"there is one scheduler, and this one is never asked for its schedules; {into}"
    yield Difference(source.name, given.line, "error", f"{given.shown}: {text}")


def _value(node: ast.expr | None) -> tuple[bool, object]:
    try:
        return (False, None) if node is None else (True, ast.literal_eval(node))
    except (ValueError, TypeError):
        return False, None
