"""Where a project keeps jobs and results: the URLs of brokers and result back ends, as far as its text tells."""

from __future__ import annotations

from collections.abc import Iterator

from localq.contrib.celery.difference import Difference
from localq.contrib.celery.values import UNKNOWN
from localq.exceptions import ImproperlyConfigured
from localq.store.location import embedded, one_place

__all__ = ["TWO_PLACES", "read_place", "two_places"]

TWO_PLACES = "broker and result back end are two places; jobs and results are in one: give path=, or the broker alone"


def read_place(file: str, line: int, shown: str, texts: set[str], *, placed: bool) -> Iterator[Difference]:
    """Yield what is to be said about the place that a setting or an argument names.

    Args:
        texts: What it may be, see `localq.contrib.celery.values`.
        placed: The app has a path=, before which this has no effect.
    """
    refused = sorted(filter(None, map(_refusal, texts)))
    if placed:
        if refused or any("://" in (place := _place(text) or "") or place == ":memory:" for text in texts):
            yield Difference(file, line, "note", f"{shown} has no effect: path= comes first", shown)
    elif refused:
        yield Difference(file, line, "error", f"{shown}: {refused[0]}", shown)
    elif texts and all(text.startswith(UNKNOWN) and "." not in text for text in texts):
        text = ": known only when the program runs; a server there is refused, so that the app needs path="
        yield Difference(file, line, "differs", f"{shown}{text}", shown)


def two_places(brokers: set[str], backends: set[str]) -> bool:
    """Whether jobs and results would be in two places, whatever is not known."""
    jobs, results = {_place(text) for text in brokers}, {_place(text) for text in backends}
    if not jobs or not results or {None} & (jobs | results):
        return False
    return not any(_together(broker, backend) for broker in jobs for backend in results)


def _together(broker: str | None, backend: str | None) -> bool:
    try:
        one_place(broker, backend)
    except ImproperlyConfigured:
        return False
    return True


def _refusal(text: str) -> str:
    if text.startswith(UNKNOWN):
        return ""
    try:
        embedded(text)
    except ImproperlyConfigured as error:
        return str(error)
    return ""


def _place(text: str) -> str | None:
    """Return where a text leads, or None where that is not known or anywhere."""
    try:
        return None if UNKNOWN in text else embedded(text)
    except ImproperlyConfigured:
        return None
