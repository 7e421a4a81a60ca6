"""Bells and events by LISTEN and NOTIFY: one connection of its own for each process that rings or waits.

A notice takes a lock of the whole server when it is committed, so none is in a transaction that writes jobs: rings are
gathered, and go out by that connection: at once as long as they come one by one, at most once in 20 ms where many do.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import itertools
import os
import select
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol

import psycopg

from localq.store.forks import keep_for_ever
from localq.store.postgresql.connection import Connection, connect, settings
from localq.store.postgresql.dialect import WRITTEN
from localq.store.postgresql.notice_bell import MOST, NoticeBell, emptied, plain
from localq.store.postgresql.place import Address
from localq.store.protocol.bells import Bell, Topic
from localq.store.protocol.events import Hearing

__all__ = ["NoticeBells", "NoticeEvents", "Switchboard"]

_EVENTS = "events"
_TOPICS = (*Topic, _EVENTS)
#: Most that is said with one notice, in bytes: the server takes 7,999.
_LONGEST = 7_900
#: Bytes of an event in one notice: a multiple of three, so that the parts of its text join.
_PART = 5_799
#: Seconds between two sendings of a process, at least and where many rings come; and between two tries to reach the
#: server.
_PAUSE_S, _LONG_PAUSE_S, _AGAIN_S = 0.001, 0.02, 1.0
#: Seconds between two looks where nothing is heard, and somebody waits for a result.
_OFTEN_S = 0.1
#: Seconds that closing waits for the last rings to go out.
_LAST_S = 2.0
_events = itertools.count()


class _Database(Protocol):
    address: Address
    identity: str

    def open(self) -> None: ...

    def asked(self, text: str, values: tuple[object, ...] = ()) -> object: ...

    def changed(self) -> bool: ...


class Switchboard:
    """Carries what is rung and sent between this process and the server, on a thread of its own."""

    def __init__(self, database: _Database) -> None:
        self.database = database
        self._lock = threading.Lock()
        self._start_anew()

    def _start_anew(self) -> None:
        self._lock = threading.Lock()
        self._bells: weakref.WeakSet[NoticeBell] = weakref.WeakSet()
        #: What is to be sent: topic and payload.
        self._rings: deque[tuple[str, str]] = deque(maxlen=MOST)
        self._connection: Connection | None = None
        self._thread: threading.Thread | None = None
        self._ends = False
        self._hears: frozenset[str] = frozenset()
        self._listening = threading.Condition(self._lock)
        self._parts: dict[str, list[str]] = {}
        self._wake: NoticeBell | None = None

    # What other threads do

    def hang(self, topic: str) -> NoticeBell:
        """Hang up a bell, and return it once the server knows, if that can be reached."""
        self.database.open()
        bell = NoticeBell(topic)
        with self._lock:
            self._bells.add(bell)
            self._run()
            self._listening.wait_for(lambda: topic in self._hears, timeout=_LAST_S)
        return bell

    def ring(self, topic: str, payloads: Iterable[str]) -> None:
        """Have notices sent soon."""
        self.database.open()
        with self._lock:
            self._rings.extend((topic, payload) for payload in payloads)
            self._run()

    def _run(self) -> None:
        """See to it that the thread runs, and looks."""
        if self._thread is None:
            self._wake = NoticeBell("")
            self._ends = False
            self._thread = threading.Thread(target=self._carry, args=(self._wake,), name="localq-bells", daemon=True)
            self._thread.start()
            _running.add(self)
        elif self._wake is not None:
            self._wake.hear([])

    def listened(self, topic: str) -> bool:
        """Whether any process listens to a topic: each holds a lock of the server's while it does."""
        find = (
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid = $1::oid "
            "AND objid = $2::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
        )
        self.database.open()
        return bool(self.database.asked(find, self._lock_of(topic)))

    def _lock_of(self, topic: str) -> tuple[int, int]:
        return self.database.address.lock & 0x7FFF_FFFF, _TOPICS.index(topic) + 1

    def stop(self) -> None:
        """Send what is still to be sent, and let go of the connection."""
        with self._lock:
            thread, self._thread, self._ends = self._thread, None, True
            if self._wake is not None:
                self._wake.hear([])
        if thread is not None:
            thread.join(_LAST_S)

    def leave_to_parent(self) -> None:
        """In a forked child: start with nothing of what was inherited."""
        if self._connection is not None:
            keep_for_ever(self._connection)
        self._start_anew()

    # What its own thread does

    def _carry(self, wake: NoticeBell) -> None:
        """Listen and send until the end; a connection that is lost is made again."""
        try:
            while True:
                with contextlib.suppress(psycopg.Error, OSError):
                    self._connection = connect(
                        self.database.address, settings(self.database.address, "normal", _AGAIN_S)
                    )
                    serve = self._look_often if self._connection.prepare_threshold is None else self._serve
                    if serve(self._connection, wake):
                        return
                self._drop()
                with self._lock:
                    self._hears = frozenset()
                    if self._ends:
                        return
                    bells = list(self._bells)
                for bell in bells:
                    # What was rung meanwhile is lost: whoever waits looks.
                    bell.wake()
                time.sleep(_AGAIN_S)
        finally:
            self._drop()
            wake.close()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()

    def _serve(self, connection: Connection, wake: NoticeBell) -> bool:
        connection.add_notify_handler(lambda notice: self._heard(notice.channel, notice.payload))
        hears: frozenset[str] = frozenset()
        sent, pause, waited = 0.0, _PAUSE_S, False
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        poll.register(wake.fileno(), select.POLLIN)
        while True:
            with self._lock:
                ends = self._ends
                wanted = hears | {bell.topic for bell in self._bells if not bell.closed}
                rings = list(emptied(self._rings)) if ends or time.monotonic() - sent >= pause else []
                waiting = bool(self._rings)
            if wanted != hears and not ends:
                self._listen(connection, wanted - hears)
                hears = wanted
                with self._lock:
                    self._hears = hears
                    self._listening.notify_all()
            if rings:
                # Twice as long again where some had to wait for each other, for there may be many.
                pause = min(_LONG_PAUSE_S, 2 * pause) if waited else _PAUSE_S
                self._send(connection, rings)
                sent, waited = time.monotonic(), False
            elif ends:
                return True
            else:
                waited = waited or waiting
                poll.poll(max(1.0, 1000 * (sent + pause - time.monotonic())) if waiting else 30_000)
                wake.drain()
                self._look(connection)

    def _look_often(self, connection: Connection, wake: NoticeBell) -> bool:
        """Serve behind a pooler, where nothing is heard: look whether anybody wrote, while somebody waits for it."""
        poll = select.poll()
        poll.register(wake.fileno(), select.POLLIN)
        written = None
        while True:
            with self._lock:
                self._hears = frozenset(_TOPICS)
                self._listening.notify_all()
                ends, rings = self._ends, list(emptied(self._rings))
                waiting = [bell for bell in self._bells if bell.topic == Topic.RESULTS and not bell.closed]
            if rings:
                # Others may have a connection of their own.
                self._send(connection, rings)
            if ends:
                return True
            if waiting:
                before, written = written, connection.execute(WRITTEN).fetchone()
                if before != written:
                    for bell in waiting:
                        bell.wake()
            poll.poll(1000 * (_OFTEN_S if waiting else 30.0))
            wake.drain()

    def _look(self, connection: Connection) -> None:
        """Take what the server has sent by itself."""
        driver = connection.pgconn
        driver.consume_input()
        while (notice := driver.notifies()) is not None:
            self._heard(notice.relname.decode(), notice.extra.decode())

    def _listen(self, connection: Connection, topics: Iterable[str]) -> None:
        for topic in topics:
            connection.execute(f'LISTEN "{self._channel(topic)}"', prepare=False)
            connection.execute("SELECT pg_try_advisory_lock_shared($1::int, $2::int)", self._lock_of(topic))

    def _send(self, connection: Connection, rings: Iterable[tuple[str, str]]) -> None:
        topics, payloads = zip(*dict.fromkeys(rings), strict=True)
        channels = [self._channel(topic) for topic in topics]
        connection.execute(
            "SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS "
            "said (channel, payload, number) ORDER BY number",
            (channels, list(payloads)),
        )

    def _channel(self, topic: str) -> str:
        return f"localq.{self.database.identity}.{topic}"

    def _heard(self, channel: str, payload: str) -> None:
        topic = channel.rpartition(".")[2]
        data = self._whole(payload) if topic == _EVENTS else b""
        with self._lock:
            bells = [bell for bell in self._bells if bell.topic == topic]
        for bell in bells:
            if topic != _EVENTS:
                bell.hear(payload.split())
            elif data is not None:
                bell.take(data)

    def _whole(self, payload: str) -> bytes | None:
        """Return an event whose last part this is."""
        name, _, last, text = payload.split(" ", 3)
        parts = self._parts.setdefault(name, [])
        parts.append(text)
        if last != ".":
            return None
        return base64.b64decode("".join(self._parts.pop(name)))


#: Those whose last rings are to go out before the program ends.
_running: weakref.WeakSet[Switchboard] = weakref.WeakSet()


def _stop_all() -> None:
    for board in list(_running):
        board.stop()


atexit.register(_stop_all)


class NoticeBells:
    """See `localq.store.protocol.bells.Bells`."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board

    def hang(self, topic: Topic) -> Bell:
        """Return a bell that rings for a topic."""
        return self._board.hang(topic)

    def ring(self, topic: Topic, words: Iterable[str] | None = None) -> None:
        """Ring every bell of a topic, or those that hear words."""
        # A hint that cannot be given is lost; what it is about is written.
        self._board.ring(topic, [""] if words is None else _sayings(map(plain, words)))

    def heard(self, topic: Topic) -> bool:
        """Return True: only the server knows, and to ask it takes longer than to ring."""
        return True

    def changed(self) -> bool:
        """Whether anybody wrote since this was last asked."""
        return self._board.database.changed()


class NoticeEvents:
    """See `localq.store.protocol.events.Events`."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board

    def listen(self) -> Hearing:
        """Return a bell for who listens to events."""
        return self._board.hang(_EVENTS)

    def listened(self) -> bool:
        """Whether anybody listens to events."""
        return self._board.listened(_EVENTS)

    def send(self, data: bytes, only: Iterable[str] | None = None) -> list[str]:
        """Send to who listens; the server keeps what they have not received yet."""
        name = f"{os.getpid()}-{next(_events)}-{os.urandom(4).hex()}"
        starts = range(0, len(data), _PART) or range(1)
        self._board.ring(
            _EVENTS,
            [
                f"{name} {start} {'.' if start + _PART >= len(data) else '-'} "
                f"{base64.b64encode(data[start : start + _PART]).decode()}"
                for start in starts
            ],
        )
        return []


def _sayings(words: Iterable[str]) -> Iterator[str]:
    """Yield words in as few payloads as will hold them; one too long by itself is left out."""
    saying: list[str] = []
    length = 0
    for word in words:
        size = len(word.encode()) + 1
        if size > _LONGEST:
            continue
        if saying and length + size > _LONGEST:
            yield " ".join(saying)
            saying, length = [], 0
        saying.append(word)
        length += size
    if saying:
        yield " ".join(saying)
