"""Removing a store from a server."""

from __future__ import annotations

import contextlib
import shutil

import psycopg

from localq.store.host_folder import host_folder
from localq.store.postgresql.connection import connect, settings
from localq.store.postgresql.errors import explained
from localq.store.postgresql.place import read_address
from localq.store.postgresql.tables import identity_of

__all__ = ["remove"]

#: Seconds for which others are waited for that still use it.
_PATIENCE_S = 10.0


def remove(url: str) -> None:
    """Remove the schema of a store, and the folder of its workers on this computer; nobody else may use it any more.

    Raises:
        StoreError: the server cannot be reached, or does not let it go.
    """
    address = read_address(url)
    try:
        with contextlib.closing(connect(address, settings(address, "full", _PATIENCE_S))) as connection:
            identity = identity_of(connection.cursor(), address)
            connection.execute(f"DROP SCHEMA IF EXISTS {address.schema} CASCADE")
    except psycopg.Error as error:
        raise explained(error, address.name) from error
    if identity is not None:
        shutil.rmtree(host_folder(identity), ignore_errors=True)
