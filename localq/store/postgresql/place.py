"""Where a PostgreSQL store is, of its URL: the server and database, and the schema."""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from localq.exceptions import ImproperlyConfigured
from localq.model.secrets import without_passwords

__all__ = ["Address", "read_address"]

_SCHEMA = "localq"
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,50}")


class Address(NamedTuple):
    """What a URL says: `conninfo` is for the driver, `name` may be shown."""

    conninfo: str
    schema: str
    name: str

    @property
    def lock(self) -> int:
        """The number under which writers of the schema wait for each other."""
        return zlib.crc32(f"localq.{self.schema}".encode()) | 0x4C51 << 32


def read_address(url: str) -> Address:
    """Read postgresql://user@host/database?schema=name; what else stands behind the ? is the driver's.

    Raises:
        ImproperlyConfigured: the schema's name is none.
    """
    parts = urlsplit(url)
    said = parse_qsl(parts.query, keep_blank_values=True)
    schema = dict(said).get("schema", _SCHEMA)
    if not _NAME.fullmatch(schema) or schema.startswith("pg_"):
        raise ImproperlyConfigured(
            f"schema={schema!r} in the URL must be a name of small letters, digits and _, such as {_SCHEMA!r}."
        )
    # For the driver + is no space.
    query = urlencode([(name, value) for name, value in said if name != "schema"], quote_via=quote)
    return Address(urlunsplit(parts._replace(query=query)), schema, without_passwords(url))
