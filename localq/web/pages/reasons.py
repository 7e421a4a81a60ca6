"""Sentences with values in them, said in somebody's language."""

from __future__ import annotations

from collections.abc import Mapping

from localq.monitor.why_not import Reason, Seconds
from localq.web import words
from localq.web.language import Language
from localq.web.sentence import said_of

__all__ = ["error_text", "reason_text", "told"]


def told(text: str, values: Mapping[str, object], say: Language) -> str:
    """Return a sentence with its values, spans of time in words."""
    said = {
        name: words.span_text(float(value), say) if isinstance(value, Seconds) else value
        for name, value in values.items()
    }
    return say(text, **said) if said else say(text)


def error_text(error: Exception, say: Language) -> str:
    """Return what is wrong; what came from elsewhere keeps its own words."""
    return told(*said_of(error), say)


def reason_text(reason: Reason, say: Language) -> str:
    """Return why a job is where it is."""
    return told(reason.text, reason.values, say)
