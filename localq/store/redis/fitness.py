"""Whether a server is fit to keep jobs, and whose the keys are that lie there."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from redis.exceptions import NoPermissionError

from localq.exceptions import StoreError
from localq.store.redis.errors import FORMAT, foreign

__all__ = ["begun", "check_server", "facts"]

#: The least version whose scripts and commands suffice.
_LEAST = (6, 2)
_OURS = re.compile(rb"[0-9]+:[0-9a-f]{12}")


def begun(connection: Any, key: str, name: str, *, make: bool) -> bytes | None:
    """Return the format and identity of a store, None where there is none; begin one there, if told to.

    Raises:
        StoreError: it is not ours, or another version's.
    """
    if make:
        connection.send_command("SET", key, f"{FORMAT}:{os.urandom(6).hex()}", "NX")
        connection.read_response()
    connection.send_command("GET", key)
    found: bytes | None = connection.read_response()
    if found is not None and not (_OURS.fullmatch(found) and found.startswith(f"{FORMAT}:".encode())):
        raise foreign(found.decode("utf-8", "replace"), name)
    return found


def facts(connection: Any) -> Mapping[str, str]:
    """Return what the server says of itself; nothing where it may not be asked."""
    connection.send_command("INFO")
    try:
        told = connection.read_response()
    except NoPermissionError:
        return {}
    lines = told.decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def check_server(connection: Any, name: str) -> None:
    """Refuse a server that cannot keep jobs.

    Raises:
        StoreError: it is too old, or removes jobs when its memory is full.
    """
    said = facts(connection)
    version = said.get("redis_version", "")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers and numbers < _LEAST:
        raise StoreError(f"{name} is Redis {version}; LocalQ needs 6.2 or later, or Valkey.")
    policy = said.get("maxmemory_policy", "")
    if policy.startswith("allkeys") and said.get("maxmemory", "0") != "0":
        raise StoreError(
            f"{name} removes keys of its own choice when its memory is full (maxmemory-policy {policy}), and these may "
            "be jobs. Set maxmemory-policy noeviction there."
        )
