"""The server as the verbs of a Redis store see it: one connection of a process, and what it means to lose that."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from hiredis import pack_command
from redis.exceptions import DataError, MovedError, NoScriptError, ResponseError

from localq.exceptions import StoreBusy, StoreError, StoreReadOnly
from localq.model import failpoints
from localq.store.host_folder import host_folder
from localq.store.redis.connection import Link, connect
from localq.store.redis.errors import explained, foreign, is_away, is_busy
from localq.store.redis.fitness import begun, check_server
from localq.store.redis.place import read_address
from localq.store.redis.rights import COMMANDS, RIGHTS, check_rights
from localq.store.redis.scripts import Script
from localq.store.redis.unreached import Refused
from localq.store.redis.weaknesses import Server, asked, confirming, refusals
from localq.store.redis.writes import Writes
from localq.store.wishes import NO_WISHES, Wishes

__all__ = ["PATIENCE_S", "RedisServer"]

#: Seconds for which a server that was there is tried again.
PATIENCE_S = 5.0
#: Milliseconds for the server to write to its disk.
_DISK_MS = 8000
#: Seconds for which one is tried that nobody here has reached yet: it may be on its way up.
_FIRST_S = 1.0
#: Seconds between two tries: the first, and the longest. Workers whose server was away for long are past their leases
#: when it returns, and must be back before others take them for dead.
_PAUSE_S, _LONGEST_S = 0.05, 0.25
_T = TypeVar("_T")


class RedisServer:
    """A store's keys on a server.

    Every verb may be asked again by who had no answer, so that is done here, on a new connection.

    Args:
        patience_s: Seconds for which that is tried.
        reads: Nothing is made, and no script that writes is run.
        deadline_s: Seconds after which a question of several scripts is given up; None: never.
        wishes: What the server must do; one that does not is refused.

    Attributes:
        identity: Once it is open, the store's own random name; and `folder`, that of its workers on this computer.
        writes: What is known of how many there were; for who has the lock.
    """

    folder: Path

    def __init__(
        self,
        url: str,
        patience_s: float = PATIENCE_S,
        *,
        reads: bool = False,
        deadline_s: float | None = None,
        wishes: Wishes = NO_WISHES,
    ) -> None:
        self.address = read_address(url)
        self.lock = threading.RLock()
        self.identity = ""
        self._format = b""
        self._patience_s, self._reads, self._deadline_s = patience_s, reads, deadline_s
        self._wishes = wishes
        #: Whether the server is to be asked if what was written is on its disk.
        self._asks_for_disk = False
        self._until: float | None = None
        self._connection: Link | None = None
        self._moved: tuple[str, int] | None = None
        #: What `changed` saw last; None: nothing yet.
        self._written: int | None = None
        self.writes = Writes()
        self._inside = False

    @property
    def name(self) -> str:
        """What it is called where it is shown."""
        return self.address.name

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connection is not None

    def key(self, name: str) -> str:
        """Return a key as the server has it."""
        return self.address.prefix + name

    def channel(self, name: str) -> str:
        """Return the name of a channel, on which this store is heard alone."""
        return f"{self.address.prefix}{self.identity}:{name}"

    # Opening and closing

    def open(self) -> None:
        """Connect; begin the store, or check that it is ours."""
        with self.lock:
            if self._connection is None:
                self._tried(lambda connection: None)

    def close(self) -> None:
        """Let go of the connection; the next verb makes another."""
        with self.lock:
            self._disconnect()

    def connected(self, answer_s: float | None = None) -> Link:
        """Return a new connection that belongs to the caller; the store is opened first."""
        self.open()
        return connect(self.address, self._moved, answer_s)

    def _connect(self) -> Link:
        connection = connect(self.address, self._moved)
        try:
            found = begun(connection, self.key("fmt"), self.name, make=not self._reads and not self._format)
            check_server(connection, self.name)
            if self._wishes != NO_WISHES:
                self._grant(asked(connection))
            if self._format not in (b"", found):
                # What was known of it is nobody's any more: the next verb begins with what is there.
                self._forget()
                raise foreign((found or b"").decode("utf-8", "replace"), self.name)
            if found is None:
                raise StoreError(f"There is no store in {self.name}. Check the URL; the first job enqueued makes it.")
            if not self._reads and not self._format:
                barred = _scripted(connection, RIGHTS, self.key("fmt"), found, *COMMANDS)
                check_rights(barred, self.name, self.address.prefix)
        except BaseException:
            connection.disconnect()
            raise
        if found != self._format:
            self._format, self.identity = found, found.decode().partition(":")[2]
            self.folder = host_folder(self.identity)
        self._connection = connection
        if self.writes.known:
            # At once: what others write from here on hides what was lost.
            self._count(connection)
        return connection

    def _grant(self, server: Server) -> None:
        """Refuse a server that does not do what is wanted of it."""
        if self._wishes.strict and (why := refusals(server)):
            told = " ".join(f"{one.what} {one.advice}".strip() for one in why)
            raise StoreError(f"{self.name} is refused, for strict is set. {told}")
        if self._wishes.confirm is not None:
            asks = confirming(server)
            if asks is None:
                raise StoreError(
                    f"{self.name} cannot confirm that a job is on its disk, as confirm={self._wishes.confirm!r} wants. "
                    "Set appendonly yes and appendfsync always there."
                )
            self._asks_for_disk = asks

    def confirm(self) -> None:
        """Wait until what was written last is on the server's disk, if that is wanted.

        Raises:
            StoreBusy: it is not yet. It is in the server's memory; a crash may take it.
        """
        # A connection that is new has nothing of its own to wait for; a write comes after all that were before it.
        if self._asks_for_disk and not self.ask(("INCR", self.key("v")), ("WAITAOF", 1, 0, _DISK_MS))[1][0]:
            raise StoreBusy(
                f"{self.name} has the jobs, but could not write them to its disk within {_DISK_MS // 1000} s. Look at "
                "that disk; enqueueing them again does no harm."
            )

    def _forget(self) -> None:
        self._format, self.identity = b"", ""
        self.writes = Writes()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.disconnect()

    def __del__(self) -> None:
        if "_connection" in self.__dict__:
            self._disconnect()

    # Asking

    @contextlib.contextmanager
    def question(self) -> Iterator[None]:
        """Bind what is asked in this block to the time that a question may take."""
        if self._deadline_s is None:
            yield
            return
        with self.lock:
            before, self._until = self._until, time.monotonic() + self._deadline_s
            try:
                yield
            finally:
                self._until = before

    @contextlib.contextmanager
    def patience(self, patience_s: float) -> Iterator[None]:
        """Try a server that is away for so many seconds in this block."""
        with self.lock:
            before, self._patience_s = self._patience_s, patience_s
            try:
                yield
            finally:
                self._patience_s = before

    def run(self, script: Script, *args: Any) -> Any:
        """Run a script, and return its answer; it is all done, or nothing."""
        if self._reads and not script.reads:
            raise StoreReadOnly(f"{self.name} is open for reading alone; {script.name} would write.")
        guard = self.key("fmt")

        return self._tried(lambda connection: _scripted(connection, script, guard, self._format, *args))

    def ask(self, *commands: Sequence[Any]) -> list[Any]:
        """Return the answers to commands, in one round trip; each sees one moment, but not all the same."""

        def act(connection: Link) -> list[Any]:
            connection.send_packed_command(connection.pack_commands(commands))
            found = [_read(connection) for _ in commands]
            for one in found:
                if isinstance(one, ResponseError):
                    raise one
            return found

        return self._tried(act) if commands else []

    def one(self, *command: Any) -> Any:
        """Return the answer to a command."""
        return self._tried(lambda connection: _answer(connection, *command))

    def changed(self) -> bool:
        """Whether anybody has written since last asked."""
        written = self._tried(self._count)
        with self.lock:
            self._written, before = written, self._written
        return written != before

    def _count(self, connection: Link) -> int:
        written = int(_answer(connection, "GET", self.key("v")) or 0)
        # That of a signal's handler, which came between an answer and its use, would be seen before that.
        if connection is self._connection:
            self.writes.see(written)
        return written

    def clock(self) -> int:
        """Return the server's time in microseconds, which is that of leases for all hosts."""
        seconds, micros = self.one("TIME")
        return int(seconds) * 1_000_000 + int(micros)

    def _tried(self, act: Callable[[Link], _T]) -> _T:
        """Do something on the connection; what had no answer is done again on another, for as long as is allowed."""
        with self.lock:
            if self._inside:
                return self._beside(act)
            if self._until is not None and time.monotonic() > self._until:
                raise StoreError("There was too much to look through in the time that this may take. Ask for less.")
            pause, until = _PAUSE_S, None
            while True:
                self._inside = True
                try:
                    return act(self._connection or self._connect())
                except BaseException as error:
                    now = time.monotonic()
                    if until is None:
                        until = now + (self._patience_s if self._format else min(_FIRST_S, self._patience_s))
                    if not self._may_try_again(error) or now >= until:
                        self.fail(error)
                finally:
                    self._inside = False
                time.sleep(min(pause, max(0.0, until - now)) * random.uniform(0.5, 1))
                pause = min(2 * pause, _LONGEST_S)

    def _beside(self, act: Callable[[Link], _T]) -> _T:
        """Do something on a connection of its own: a signal's handler came between a command and its answer."""
        try:
            connection = connect(self.address, self._moved)
            try:
                return act(connection)
            finally:
                connection.disconnect()
        except BaseException as error:
            self.fail(error)

    def _may_try_again(self, error: BaseException) -> bool:
        """Whether something that failed may be done if it is tried again; see to the connection."""
        if isinstance(error, MovedError):
            self._moved = (error.host, error.port)
        elif is_away(error):
            # Another node may have its keys by now; that in the URL knows.
            self._moved = None
        if isinstance(error, ResponseError) and not is_busy(error):
            if str(error).startswith("LQFMT"):
                self._forget()
                self._disconnect()
            return False
        # Whatever broke off an answer, such as a signal: the next would be taken for another's.
        self._disconnect()
        # A certificate that is no longer good is mended there, as a server is that is down.
        return is_busy(error) or is_away(error) or (bool(self._format) and isinstance(error, Refused))

    def inside(self, point: str) -> None:
        """Let a test break a verb off; a script is all done or not at all, so that it may as well be before it."""
        try:
            failpoints.point(point)
        except BaseException as error:
            self.fail(error)

    def fail(self, error: BaseException) -> NoReturn:
        """Raise what an error means."""
        meant = explained(error, self.name, known=bool(self._format))
        if meant is error:
            raise error
        raise meant from error

    # Forks

    def hold(self, timeout_s: float) -> threading.RLock | None:
        """Take the lock for a fork, and return it; see `localq.store.forks`."""
        lock = self.lock
        return lock if lock.acquire(timeout=timeout_s) else None

    def leave_to_parent(self, *, held: bool) -> None:
        """In a forked child: close the inherited descriptor, which the parent keeps, and start with no connection."""
        self.lock, self._inside = threading.RLock(), False
        self._disconnect()


def _answer(connection: Link, *command: Any) -> Any:
    # Packed here: the driver looks at each argument twice before, and there are a dozen of each job.
    try:
        packed = pack_command(command)
    except TypeError as error:
        raise DataError(str(error)) from error
    connection.send_packed_command([packed])
    return connection.read_response()


def _scripted(connection: Link, script: Script, *args: Any) -> Any:
    """Run a script, which the server may not have yet; its first argument is its key."""
    try:
        return _answer(connection, "EVALSHA", script.sha, 1, *args)
    except NoScriptError:
        _answer(connection, "SCRIPT", "LOAD", script.text)
        return _answer(connection, "EVALSHA", script.sha, 1, *args)


def _read(connection: Link) -> Any:
    """Return an answer, or the error in its place: those that follow are to be read in any case."""
    try:
        return connection.read_response()
    except ResponseError as error:
        return error
