"""Where jobs live, behind one protocol (`localq.store.protocol.store`)."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlencode

from localq.exceptions import ImproperlyConfigured, StoreError
from localq.model.finding import Finding
from localq.model.hints import nearest
from localq.model.secrets import without_passwords
from localq.store.protocol import Store
from localq.store.short import Short
from localq.store.wishes import NO_WISHES, Wishes

__all__ = [
    "KINDS",
    "Short",
    "Wishes",
    "backup",
    "check_kind",
    "check_there",
    "compact",
    "examine",
    "is_there",
    "open_reader",
    "open_store",
    "short_of",
    "sizes",
    "trial",
    "waiting_to_be_sent",
    "weaknesses",
]

#: What a URL may begin with.
KINDS = ("sqlite", "postgresql", "postgres", "redis", "rediss", "redis+socket", "unix", "sentinel", "valkey", "valkeys")

#: What a store on a server needs, by the kind: the driver, and the extra that brings it.
_DRIVERS = {"postgresql": ("psycopg", "postgres"), "postgres": ("psycopg", "postgres")}
_DRIVERS |= dict.fromkeys(KINDS[3:], ("redis", "redis"))


def check_kind(location: str) -> None:
    """Refuse a URL of a kind there is no store for; a path may be any.

    Raises:
        ImproperlyConfigured: names what the URL begins with, and the nearest known.
    """
    kind, separator, _ = location.partition("://")
    if separator and kind not in KINDS:
        raise ImproperlyConfigured(
            f"The URL {kind}://... is of a kind this version has no store for.{nearest(kind, KINDS)} "
            "Use a path, sqlite:///jobs.db, redis://host:6379/0 or postgresql://host/database."
        )


def _on_server(location: str | os.PathLike[str]) -> str | None:
    """Return the URL of a store on a server; None: it is in a file, or in memory.

    Raises:
        ImproperlyConfigured: its driver is not installed, or there is no store for it.
    """
    text = os.fspath(location)
    check_kind(text)
    kind, separator, _ = text.partition("://")
    if not separator or kind not in _DRIVERS:
        return None
    driver, extra = _DRIVERS[kind]
    if importlib.util.find_spec(driver) is None:
        raise ImproperlyConfigured(
            f"{without_passwords(text)} needs {driver}, which is not installed: pip install 'localq[{extra}]'"
        )
    return text


def _is_redis(url: str) -> bool:
    return _DRIVERS[url.partition("://")[0]][0] == "redis"


def open_store(
    location: str | os.PathLike[str],
    durability: str = "full",
    patience_s: float | None = None,
    wishes: Wishes = NO_WISHES,
) -> Any:
    """Return the store for a path or URL, not opened yet.

    The driver is imported here and not before: a program that never enqueues does not pay for it.

    Args:
        location: A file path, ":memory:", "sqlite:///path", "postgresql://user@host/database?schema=localq", or
            "redis://user:password@host:6379/0?prefix=lq".
        durability: "full" or "normal"; see `SqliteStore`, and `PostgresqlDatabase`. On Redis the server's settings say.
        patience_s: Seconds to wait for other writers, or a server; None: the store's own default.
        wishes: What a server must do beyond what every store does.

    Raises:
        ImproperlyConfigured: for a URL of a kind this version has no store for.
    """
    url = _on_server(location)
    if url is not None and _is_redis(url):
        from localq.store.redis.store import RedisStore

        more: dict[str, Any] = {} if patience_s is None else {"patience_s": patience_s}
        return RedisStore(url, wishes=wishes, **more)
    for name in ("confirm", "outbox"):
        if (wished := getattr(wishes, name)) is not None:
            where = without_passwords(os.fspath(location))
            raise ImproperlyConfigured(
                f"{name}={wished!r} is for jobs on a Redis server, and {where} is none. Leave it out: there an enqueue "
                "is on the disk when it returns."
            )
    if url is not None:
        from localq.store.postgresql.store import PostgresqlStore

        return PostgresqlStore(url, durability) if patience_s is None else PostgresqlStore(url, durability, patience_s)
    path = _path(location)
    from localq.store.sqlite.store import SqliteStore

    return SqliteStore(path, durability) if patience_s is None else SqliteStore(path, durability, patience_s)


def open_reader(location: str | os.PathLike[str], deadline_s: float | None = None) -> Store:
    """Return a store on a connection of its own that only reads, for who looks on; not opened yet.

    Args:
        deadline_s: Seconds after which a question is given up, with a StoreError; None: never.
    """
    url = _on_server(location)
    if url is not None and _is_redis(url):
        from localq.store.redis.readonly import ReadOnlyStore as ReadOnlyServer

        reader: Any = ReadOnlyServer(url, deadline_s)
        return cast(Store, reader)
    if url is not None:
        from localq.store.postgresql.readonly import ReadOnlyStore as ReadOnlySchema

        return ReadOnlySchema(url, deadline_s)
    path = _path(location)
    from localq.store.sqlite.readonly import ReadOnlyStore

    return ReadOnlyStore(path, deadline_s)


def weaknesses(location: str | os.PathLike[str]) -> list[Finding]:
    """Return by what a store may lose what it has acknowledged, or keep others from working; who starts is told.

    Raises:
        StoreError: the server cannot be reached.
    """
    url = _on_server(location)
    if url is None or not _is_redis(url):
        return []
    from localq.store.redis.examine import weaknesses_of

    return weaknesses_of(url)


def waiting_to_be_sent(outbox: str) -> tuple[int, int | None]:
    """Return how many calls wait in an outbox, and when the first was made; None: none does."""
    from localq.store.redis.outbox import waiting

    return waiting(outbox)


def check_there(location: str | os.PathLike[str]) -> None:
    """Refuse a place where there is no store yet, without making one.

    Raises:
        StoreError: there is none, or none that can be looked at.
    """
    url = _on_server(location)
    if url is not None:
        reader = open_reader(url)
        try:
            reader.open()
        finally:
            reader.close()
        return
    path = os.path.realpath(_path(location))
    try:
        os.stat(path)
    except FileNotFoundError:
        raise StoreError(
            f"There is no file {path}. Check -A, --path and the folder. The first job enqueued makes it."
        ) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be looked at: {error.strerror or error}.") from None


def is_there(location: str | os.PathLike[str]) -> bool:
    """Whether there is anything where a store's file would be, or what cannot be looked at; servers are taken to be."""
    if _on_server(location) is not None:
        return True
    try:
        os.stat(os.path.realpath(_path(location)))
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def short_of(location: str | os.PathLike[str]) -> Short:
    """Return what a store is short of on its disk, as far as this computer can tell: of a file, and of none else."""
    if os.fspath(location) == ":memory:" or _on_server(location) is not None:
        return Short()
    from localq.store.sqlite.examine import short_of as short_of_file

    return short_of_file(os.path.realpath(_path(location)))


def examine(
    location: str | os.PathLike[str], durability: str = "full", full: bool = False
) -> tuple[list[Finding], Store | None]:
    """Return what every check finds about a store, whatever that is, and the store where it can be read.

    That store can only be read; who is given it closes it.

    Args:
        durability: What the app asks for.
        full: Make the checks too that take long.
    """
    url = _on_server(location)
    if url is not None and _is_redis(url):
        from localq.store.redis.examine import examine_server

        return examine_server(url)
    if url is not None:
        from localq.store.postgresql.examine import examine_schema

        return examine_schema(url)
    path = os.path.realpath(_path(location))
    from localq.store.sqlite.examine import examine_file

    return examine_file(path, durability, full)


def backup(location: str | os.PathLike[str], target: str) -> int:
    """Copy a whole store, in use or not, to a file; return the number of jobs in it.

    The copy is one moment's, complete and checked. The file is there whole or not at all; one that was there is
    replaced.

    Raises:
        StoreError: it cannot be written; nothing is left behind.
    """
    url = _on_server(location)
    if url is not None and _is_redis(url):
        raise StoreError(
            f"{without_passwords(url)} is on a server, which makes copies of its own: redis-cli BGSAVE, or its AOF."
        )
    if url is not None:
        raise StoreError(f"{without_passwords(url)} is on a server, which makes copies of its own: pg_dump --schema.")
    path = _path(location)
    from localq.store.sqlite.backup import copy_file

    return copy_file(path, target)


def compact(location: str | os.PathLike[str]) -> tuple[int, int]:
    """Give unused room of a store back, in use or not; return the bytes it took before, and takes now.

    Each step is a short transaction; after a crash the rest is still there to be given back.

    Raises:
        StoreError: it is on a server.
    """
    url = _on_server(location)
    if url is not None:
        raise StoreError(f"{without_passwords(url)} is on a server, which gives room back by itself.")
    from localq.store.sqlite.compact import compact_file

    return compact_file(os.path.realpath(_path(location)))


def sizes(location: str | os.PathLike[str]) -> tuple[int, int]:
    """Return the bytes that a store takes, and those in its log beside it."""
    url = _on_server(location)
    if url is not None and _is_redis(url):
        from localq.store.redis.examine import store_bytes

        return store_bytes(url), 0
    if url is not None:
        from localq.store.postgresql.examine import schema_bytes

        return schema_bytes(url), 0
    path = os.path.realpath(_path(location))
    from localq.store.sqlite.file_place import log_bytes

    return os.stat(path).st_size, log_bytes(path)


@contextlib.contextmanager
def trial(url: str) -> Iterator[str]:
    """Yield the URL of a store of its own on the server of another; remove it at the end of the block.

    Raises:
        ImproperlyConfigured, StoreError: there can be no such store, or the server cannot be reached.
    """
    server = _on_server(url)
    assert server is not None
    where, _, said = server.partition("?")
    kind = "prefix" if _is_redis(server) else "schema"
    rest = [(name, value) for name, value in parse_qsl(said, keep_blank_values=True) if name != kind]
    own = f"{where}?{urlencode([*rest, (kind, f'localq_trial_{os.urandom(6).hex()}')], quote_via=quote)}"
    try:
        yield own
    except BaseException:
        with contextlib.suppress(StoreError):
            _remove(own)
        raise
    _remove(own)


def _remove(url: str) -> None:
    """Remove a store from its server."""
    if _is_redis(url):
        from localq.store.redis.removal import remove
    else:
        from localq.store.postgresql.removal import remove
    remove(url)


def _path(location: str | os.PathLike[str]) -> str:
    """Return the path of a SQLite store."""
    text = os.fspath(location)
    _, separator, rest = text.partition("://")
    return rest.removeprefix("/") or ":memory:" if separator else text
