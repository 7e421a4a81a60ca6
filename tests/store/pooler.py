"""Poolers in transaction mode before a test's PostgreSQL server: one of our own, and PgBouncer where there is one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.store.server import Server
from tests.worker.waiting import DEADLINE_S

__all__ = ["KINDS", "pooler"]

KINDS = ["own", *(["pgbouncer"] if shutil.which("pgbouncer") else [])]
#: Sessions with the server, for however many clients.
_SESSIONS = 2
_NAME = ".s.PGSQL.5432"
_STARTUP = struct.pack("!i", 196608) + b"user\0postgres\0database\0postgres\0\0"
_ENCRYPTED = (80877103, 80877104)


@contextlib.contextmanager
def pooler(kind: str, server: Server) -> Iterator[str]:
    """Run a pooler; return the URL by which the server is reached through it."""
    with tempfile.TemporaryDirectory(prefix="pooler-", dir="/tmp") as folder:
        os.chmod(folder, 0o777)
        running = _own if kind == "own" else _pgbouncer
        with running(Path(folder), server):
            yield f"postgresql://postgres@/postgres?host={folder}"


@contextlib.contextmanager
def _pgbouncer(folder: Path, server: Server) -> Iterator[None]:
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "ini").write_text(
        f"[databases]\npostgres = host={server.folder}\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {folder}\n"
        f"listen_port = 5432\npool_mode = transaction\ndefault_pool_size = {_SESSIONS}\nauth_type = trust\n"
        f"auth_file = {folder}/users\nlogfile = {folder}/log\n"
    )
    nobody = pwd.getpwnam("nobody")
    who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    process = subprocess.Popen(["pgbouncer", "-q", folder / "ini"], cwd=folder, **who)  # type: ignore[call-overload]
    try:
        _there(folder / _NAME)
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


@contextlib.contextmanager
def _own(folder: Path, server: Server) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    pool = _Pool(server.folder / _NAME)
    thread = threading.Thread(target=loop.run_until_complete, args=(pool.serve(folder / _NAME),), daemon=True)
    thread.start()
    try:
        _there(folder / _NAME)
        yield
    finally:
        loop.call_soon_threadsafe(pool.over.set)
        thread.join(DEADLINE_S)
        loop.close()


def _there(path: Path) -> None:
    until = time.monotonic() + DEADLINE_S
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.01)


class _Session:
    """A session with the server, of one client for the length of a transaction."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return a message's kind, and all of it."""
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)


def _said(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


class _Pool:
    """Lends sessions to clients, transaction by transaction, whoever comes first."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self.over = asyncio.Event()
        self._free: asyncio.Queue[_Session] = asyncio.Queue()
        self._greeting = b""
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, path: Path) -> None:
        for _ in range(_SESSIONS):
            await self._connect()
        listening = await asyncio.start_unix_server(self._client, str(path))
        await self.over.wait()
        listening.close()
        clients = asyncio.all_tasks() - {asyncio.current_task()}
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connect(self) -> None:
        session = _Session(*await asyncio.open_unix_connection(str(self._server)))
        self._writers.append(session.writer)
        session.writer.write(struct.pack("!i", len(_STARTUP) + 4) + _STARTUP)
        greeting = b""
        while (one := await _message(session.reader))[0] != b"Z":
            # The number of the process is not for clients: the next transaction is another's.
            greeting += _said(b"K", struct.pack("!ii", 4711, 0)) if one[0] == b"K" else one[1]
        self._greeting = greeting + one[1]
        self._free.put_nowait(session)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session: _Session | None = None
        self._writers.append(writer)
        try:
            while True:
                length, version = struct.unpack("!ii", await reader.readexactly(8))
                await reader.readexactly(length - 8)
                if version not in _ENCRYPTED:
                    break
                writer.write(b"N")
            writer.write(self._greeting)
            while True:
                kind, data = await _message(reader)
                if kind == b"X":
                    return
                if session is None:
                    session = await self._free.get()
                session.writer.write(data)
                if kind in b"QS" and await self._answered(session, writer):
                    self._free.put_nowait(session)
                    session = None
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            if session is not None and not self.over.is_set():
                # Gone in the middle of a transaction: so is that.
                session.writer.close()
                await self._connect()

    async def _answered(self, session: _Session, writer: asyncio.StreamWriter) -> bool:
        """Hand on an answer; return whether the transaction is over."""
        while True:
            kind, data = await _message(session.reader)
            writer.write(data)
            if kind == b"Z":
                await writer.drain()
                return data[5:6] == b"I"
