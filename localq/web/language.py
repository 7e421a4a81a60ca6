"""The page's languages. English is what the sources say; every other is one file, from English to it.

The file of English has what is said where `n` is 1, for sentences that the sources say of many.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from localq.schedules.rules.said import Nth

__all__ = ["LANGUAGES", "Language", "chosen"]

#: What may be chosen, and what each is called in itself.
LANGUAGES = {"en": "English", "zh": "中文"}


class Language:
    """One language: says a text of the sources in it.

    Args:
        code: Of `LANGUAGES`.
        texts: From English; what is missing is said in English. Of English itself: from many to one.
    """

    def __init__(self, code: str, texts: Mapping[str, str]) -> None:
        self.code = code
        self.texts = texts

    def __call__(self, text: str, plural: str | None = None, /, **values: object) -> str:
        """Return a text with its values put in.

        Args:
            plural: The text where the value `n` is not 1, for languages that tell.
        """
        chosen = text if plural is None or (self.code == "en" and values.get("n") == 1) else plural
        said = chosen if self.code == "en" and values.get("n") != 1 else self.texts.get(chosen, chosen)
        return said.format(**{name: self._shown(value) for name, value in values.items()}) if values else said

    def _shown(self, value: object) -> object:
        # Only English bends the numbers of an order: 1st, 2nd.
        return self.number(int(value) if isinstance(value, Nth) and self.code != "en" else value)

    @staticmethod
    def number(value: object) -> object:
        """Return a whole number with its thousands parted, anything else as it is."""
        if isinstance(value, Nth):
            return value
        return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value


@cache
def language(code: str) -> Language:
    """Return a language by its code."""
    text = resources.files("localq.web").joinpath("languages", f"{code}.json").read_text("utf-8")
    return Language(code, json.loads(text))


def chosen(accepted: str, asked: str = "") -> Language:
    """Return the language that a browser would like best, or that somebody asked for.

    Args:
        accepted: The header Accept-Language.
        asked: The code they chose by hand, if any.
    """
    if asked in LANGUAGES:
        return language(asked)
    for code in _by_liking(accepted):
        if code.partition("-")[0] in LANGUAGES:
            return language(code.partition("-")[0])
    return language("en")


def _by_liking(accepted: str) -> list[str]:
    found = []
    for part in accepted.split(",")[:20]:
        code, _, rest = part.strip().lower().partition(";")
        try:
            liking = float(rest.partition("q=")[2]) if rest else 1.0
        except ValueError:
            liking = 0.0
        found.append((-liking, code))
    return [code for _, code in sorted(found, key=lambda one: one[0])]
