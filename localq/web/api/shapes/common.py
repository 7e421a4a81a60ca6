"""What several endpoints take or give."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = ["Cursor", "Nothing", "Problem", "Window"]

Cursor = Annotated[int, Meta(ge=0, lt=2**53, description="Where to go on: the cursor of the page before.")]
Window = Literal["1h", "24h", "7d"]


class Nothing(Struct, forbid_unknown_fields=True):
    """A query that asks for nothing more."""


class Problem(Struct):
    """Why something was not done (RFC 9457)."""

    status: int
    detail: str
    type: str = "about:blank"
    title: str = ""
