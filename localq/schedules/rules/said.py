"""How rules put themselves in words: as sentences with values in braces, which a page may say in another language."""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["Nth", "Say", "english", "series"]

#: Says a sentence with its values.
Say = Callable[..., str]


class Nth(int):
    """A place in an order: "1st", "22nd", "13th" in English, a number in a language that does not bend it."""

    def __format__(self, spec: str) -> str:
        ending = {1: "st", 2: "nd", 3: "rd"}.get(self % 10, "th")
        return f"{int(self)}{'th' if self // 10 % 10 == 1 else ending}"


def english(text: str, /, **values: object) -> str:
    """Return a sentence as it stands, with its values."""
    return text.format(**values) if values else text


def series(words: Sequence[str], say: Say = english) -> str:
    """Return "a", "a and b", "a, b and c"."""
    text = words[0]
    for word in words[1:-1]:
        text = say("{first}, {second}", first=text, second=word)
    return say("{first} and {second}", first=text, second=words[-1]) if words[1:] else text
