"""Errors that are sentences with values: in English for programs, in their own language for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localq.exceptions import QueryError
from localq.web.language import language

__all__ = ["Said", "Unmeant", "english", "said_of"]

#: A sentence, and its values in braces.
Said = tuple[str, Mapping[str, Any]]


def english(text: str, values: Mapping[str, Any]) -> str:
    """Return a sentence as programs get it."""
    return language("en")(text, **values)


class Unmeant(QueryError):
    """A question or a change that cannot be meant.

    Args:
        text: A sentence, for the table of every language.
        values: What stands in it in braces.
    """

    def __init__(self, text: str, /, **values: Any) -> None:
        super().__init__(english(text, values))
        self.text, self.values = text, values


def said_of(error: Exception) -> Said:
    """Return the sentence of an error; of one that came from elsewhere its own words."""
    return getattr(error, "text", str(error)), getattr(error, "values", {})
