"""Rewrite settings from their names before Celery 4 to those of today. Pure: text in, text out."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

from localq.settings import NEW_NAMES

__all__ = ["Renamed", "upgrade"]


class Renamed(NamedTuple):
    """A name that was changed, and its line, counted from 1."""

    line: int
    old: str
    new: str


def upgrade(text: str, *, prefix: str = "") -> tuple[str, list[Renamed]]:
    """Return a module's text with new names of settings, and what was changed; all else stays as it is.

    Names are changed where they stand as names, and where they are the whole of a string, as keys of mappings do.

    Args:
        prefix: Stands before the new names, which are then in upper case: "CELERY_" for Django's settings.

    Raises:
        SyntaxError: the text is no Python.
    """
    lines = text.splitlines(keepends=True)
    changed: list[Renamed] = []
    found = list(_old_names(text))
    for (row, start, end), old in reversed(found):
        new = f"{prefix}{NEW_NAMES[old].upper()}" if prefix else NEW_NAMES[old]
        if new != old:
            line = lines[row - 1]
            lines[row - 1] = line[:start] + line[start:end].replace(old, new) + line[end:]
            changed.insert(0, Renamed(row, old, new))
    return "".join(lines), changed


def _old_names(text: str) -> Iterator[tuple[tuple[int, int, int], str]]:
    """Yield the place (line, first and last column) of each old name, and the name."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            name = token.string
            if token.type == tokenize.STRING:
                value = ast.literal_eval(token.string)
                name = value if isinstance(value, str) else ""
            if token.type in (tokenize.NAME, tokenize.STRING) and name in NEW_NAMES:
                yield (token.start[0], token.start[1], token.end[1]), name
    except tokenize.TokenError as error:
        raise SyntaxError(f"line {error.args[1][0]}: {error.args[0]}") from error
