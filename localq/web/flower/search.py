"""Flower's language of searches: terms joined by AND and OR, in fields or anywhere. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["BadSearch", "Fits", "search"]

Fits = Callable[[Mapping[str, Any]], bool]

_LONGEST, _MOST_TOKENS, _DEEPEST, _SHORTEST = 2048, 128, 5, 3
_FIELDS = ("name", "state", "worker", "args", "kwargs", "result")
_ANYWHERE = ("uuid", *_FIELDS)
_TOKEN = re.compile(r'\s*(?:([()])|((?:[^\s()"]|"[^"]*")+)|("))')


class BadSearch(ValueError):
    """A search that cannot be meant."""

    def __init__(self, text: str, at: int | None = None) -> None:
        super().__init__(f"{text}." if at is None else f"{text} at position {at}.")


class _Token(NamedTuple):
    text: str
    at: int


def search(text: str) -> Fits:
    """Return what tells whether a task, in Flower's shape, fits a search.

    Raises:
        BadSearch: it cannot be meant; with the place.
    """
    if len(text) > _LONGEST:
        raise BadSearch(f"Query exceeds {_LONGEST} characters")
    tokens = _tokens(text)
    if len(tokens) > _MOST_TOKENS:
        raise BadSearch(f"Query exceeds {_MOST_TOKENS} tokens")
    if not tokens:
        return lambda task: True
    reader = _Reader(tokens)
    fits = reader.either(0)
    if reader.here is not None:
        raise BadSearch("Unexpected closing parenthesis", reader.here.at)
    return fits


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        assert match is not None
        start = match.start(match.lastindex or 0)
        if match[3]:
            raise BadSearch("Unterminated quoted phrase", start)
        found.append(_Token(match[1] or match[2], start))
        at = match.end()
    return found


class _Reader:
    """Reads tokens by descent: OR binds weaker than AND, which may be left out."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._next = tokens, 0

    @property
    def here(self) -> _Token | None:
        """The token to be read next."""
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def either(self, depth: int) -> Fits:
        parts = [self._both(depth)]
        while self.here is not None and self.here.text == "OR":
            parts.append(self._after("OR", depth))
        return parts[0] if len(parts) == 1 else lambda task: any(fits(task) for fits in parts)

    def _after(self, word: str, depth: int) -> Fits:
        operator = self.here
        assert operator is not None
        self._next += 1
        if self.here is None or self.here.text in ("AND", "OR", ")"):
            raise BadSearch(f"{word} must be followed by a search term", operator.at)
        return self._both(depth) if word == "OR" else self._one(depth)

    def _both(self, depth: int) -> Fits:
        parts = [self._one(depth)]
        while self.here is not None and self.here.text not in ("OR", ")"):
            parts.append(self._after("AND", depth) if self.here.text == "AND" else self._one(depth))
        return parts[0] if len(parts) == 1 else lambda task: all(fits(task) for fits in parts)

    def _one(self, depth: int) -> Fits:
        token = self.here
        assert token is not None
        self._next += 1
        if token.text == "(":
            return self._group(token, depth + 1)
        if token.text in ("AND", "OR"):
            raise BadSearch(f"{token.text} must follow a search term", token.at)
        if token.text == ")":
            raise BadSearch("Unexpected closing parenthesis", token.at)
        return _term(token)

    def _group(self, opened: _Token, depth: int) -> Fits:
        if depth > _DEEPEST:
            raise BadSearch(f"Groups are nested more than {_DEEPEST} deep", opened.at)
        if self.here is not None and self.here.text == ")":
            raise BadSearch("Empty group", opened.at)
        if self.here is None:
            raise BadSearch("Missing closing parenthesis", opened.at)
        inner = self.either(depth)
        if self.here is None:
            raise BadSearch("Missing closing parenthesis", opened.at)
        self._next += 1
        return inner


def _term(token: _Token) -> Fits:
    if token.text == "NOT":
        raise BadSearch("NOT is not supported", token.at)
    if token.text.startswith("-"):
        raise BadSearch("Negation with '-' is not supported", token.at)
    field, colon, rest = token.text.partition(":")
    if not colon or field not in _FIELDS:
        return _anywhere(_value(token.text), token.at)
    value = _value(rest).casefold()
    if not value:
        raise BadSearch("Search qualifier requires a value", token.at)
    if field == "state":
        return lambda task: str(task["state"]).casefold() == value
    if field == "kwargs" and "=" in value:
        name, _, wanted = value.partition("=")
        pair = re.compile(rf"['\"]?{re.escape(name)}['\"]?\s*[:=]\s*(['\"]?){re.escape(wanted)}\1\s*(?=[,}}]|$)")
        return lambda task: pair.search(str(task["kwargs"] or "").casefold()) is not None
    _long_enough(value, token.at)
    return lambda task: value in str(task[field] or "").casefold()


def _anywhere(value: str, at: int) -> Fits:
    value = value.casefold()
    _long_enough(value, at)
    return lambda task: any(value in str(task[name] or "").casefold() for name in _ANYWHERE)


def _value(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text.replace('"', "")


def _long_enough(value: str, at: int) -> None:
    if len(value) < _SHORTEST:
        raise BadSearch(f"Substring search terms must contain at least {_SHORTEST} characters", at)
