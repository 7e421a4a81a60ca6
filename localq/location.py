"""Where a store is, of the path or URL that a program gives."""

from __future__ import annotations

import os

from localq.exceptions import ImproperlyConfigured
from localq.store import check_kind

__all__ = ["locate"]

_DEFAULT_PATH = "jobs.db"
_EXAMPLES = {"path": "jobs.db", "url": "sqlite:///jobs.db"}


def locate(path: str | os.PathLike[str] | None, url: str | None) -> str:
    """Return the location: a URL, ":memory:", or a path that stays the same whatever folder is worked in.

    Raises:
        ImproperlyConfigured: both are given, an empty one, one that is no text, or a URL of an unknown kind.
    """
    for option, value in (("path", path), ("url", url)):
        _check(option, value)
    if path is not None and url is not None:
        raise ImproperlyConfigured(f"Give path={path!r} or url={url!r}, not both.")
    given = path if url is None else url
    text = _DEFAULT_PATH if given is None else os.fspath(given)
    if not text:
        raise ImproperlyConfigured("The path is empty. Give the path of a file, such as jobs.db.")
    return text if text == ":memory:" or "://" in text else os.path.abspath(os.path.expanduser(text))


def _check(option: str, given: object) -> None:
    """Refuse what is neither a path nor a URL, where it is given and not at the first job."""
    if given is None:
        return
    text = os.fspath(given) if isinstance(given, os.PathLike) else given
    if not isinstance(text, str):
        raise ImproperlyConfigured(f"{option}={given!r} must be a text, such as {_EXAMPLES[option]!r}.")
    check_kind(text)
