"""Reading what a form or a query says, within limits."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from localq.web.gate.door import BODY_BYTES
from localq.web.sentence import english

__all__ = ["BadRequest", "Form", "read_body", "read_form"]

#: Fields of a form or a query that are looked at.
_FIELDS = 5000


class BadRequest(Exception):
    """What was sent cannot be meant; a sentence says what is wrong. `status` is 400, 413 or 415."""

    def __init__(self, text: str, status: int = 400, /, **values: Any) -> None:
        super().__init__(english(text, values))
        self.text, self.status, self.values = text, status, values


class Form:
    """The fields of a form, each with all its values."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields: dict[str, list[str]] = {}
        for name, value in fields:
            self._fields.setdefault(name, []).append(value)

    @property
    def names(self) -> list[str]:
        """The names of the fields."""
        return list(self._fields)

    def get(self, name: str, default: str = "") -> str:
        """Return a field's first value without white space around it."""
        return self._fields.get(name, [default])[0].strip()

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return self._fields.get(name, [])


async def read_body(request: Request) -> bytes:
    """Return a request's body.

    Raises:
        BadRequest: it is too long.
    """
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > BODY_BYTES:
            raise BadRequest("The body is longer than {most} bytes.", 413, most=BODY_BYTES)
        parts.append(part)
    return b"".join(parts)


async def read_form(request: Request) -> Form:
    """Return the fields of a form that was sent.

    Raises:
        BadRequest: it is too long, has too many fields, or is no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/x-www-form-urlencoded"):
        raise BadRequest(
            "A form is sent as application/x-www-form-urlencoded, not as {kind}.", 415, kind=repr(kind[:80])
        )
    body = await read_body(request)
    try:
        return Form(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except (UnicodeDecodeError, ValueError):
        raise BadRequest("The form cannot be read.") from None
