"""Connections that users lend: the driver's own within what they have in hand."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["driver_connection"]


def driver_connection(given: Any, kind: type) -> Any:
    """Return the driver's connection within one of SQLAlchemy or Django, or a session of SQLAlchemy, or itself.

    If it is SQLAlchemy's to begin a transaction, it is in one. What has none of the kind is returned as it is.
    """
    found = given
    if hasattr(given, "ensure_connection"):
        given.ensure_connection()
        found = given.connection
    elif not isinstance(given, kind):
        if inspect.ismethod(getattr(given, "connection", None)) and not inspect.iscoroutinefunction(given.connection):
            found = given.connection()
        if hasattr(found, "in_transaction") and hasattr(getattr(found, "connection", None), "dbapi_connection"):
            if not found.in_transaction():
                found.begin()
            found = found.connection.dbapi_connection
    return found
