"""What the linter says of a rule."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Remark", "Severity"]

#: "error": it cannot be used. "warning": it probably does not mean what was meant. "note": good to know.
Severity = Literal["error", "warning", "note"]


class Remark(NamedTuple):
    """One thing to know about a rule."""

    severity: Severity
    what: str
    advice: str
