"""Containers of one host that share a volume: each has its own processes, its own name and its own network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.waiting import DEADLINE_S, PROGRAM_S, until

CONTAINER = ["unshare", "--fork", "--pid", "--mount-proc", "--uts", "--ipc", "--net", "--kill-child"]


def can_contain() -> bool:
    """Whether a program can be put into a container here."""
    return (
        shutil.which("unshare") is not None
        and subprocess.run([*CONTAINER, "hostname", "x"], capture_output=True, check=False).returncode == 0
    )


pytestmark = pytest.mark.skipif(not can_contain(), reason="unshare may not make containers here")


class Containers:
    """Programs in containers that have one folder in common."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs = folder, list[subprocess.Popen[str]]()

    def start(self, name: str, *words: str) -> subprocess.Popen[str]:
        """Run Python with these words as process 1 of a container of that name."""
        line = ["sh", "-c", 'hostname "$0"; exec "$@"', name, sys.executable, *words]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(self.folder), os.getcwd()))}
        self.programs.append(
            subprocess.Popen([*CONTAINER, *line], cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True)
        )
        return self.programs[-1]

    def worker(self, name: str) -> subprocess.Popen[str]:
        """Run a worker in a container of that name."""
        return self.start(name, "-m", "localq", "-A", "shop", "worker", "-c", "1")

    def said(self, name: str, code: str) -> str:
        """Run a program in a container of that name to its end; return what it said."""
        return self.start(name, "-c", code).communicate(timeout=PROGRAM_S)[0]


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Containers]:
    # A worker's right lasts longer than the test: who takes a job over has seen that its worker is dead.
    (tmp_path / "shop.py").write_text(
        textwrap.dedent("""
            import os, socket
            from pathlib import Path
            from localq import LocalQ
            from tests.worker.waiting import hold
            q = LocalQ("shop", path="jobs.db", worker_lease=3600)

            @q.task
            def where():
                return socket.gethostname()

            @q.task
            def begun(gate):
                Path(f"began-{socket.gethostname()}").touch()
                hold(Path(gate), 100)
                return socket.gethostname()
        """)
    )
    made = Containers(tmp_path)
    yield made
    for program in made.programs:
        program.kill()
        program.wait()
        assert program.stdout is not None
        program.stdout.close()


@pytest.mark.linux("containers share no loopback")
def test_a_job_of_one_container_is_run_by_the_worker_in_another(containers: Containers) -> None:
    containers.worker("worker-1")

    assert containers.said("site-1", "import shop; print(shop.where.delay().get(120))") == "worker-1\n"


@pytest.mark.linux("containers share no loopback")
def test_the_death_of_a_container_is_seen_from_another(containers: Containers) -> None:
    first = containers.worker("worker-1")
    job = containers.said("site-1", "import shop; print(shop.begun.delay('gate').id)").strip()
    until((containers.folder / "began-worker-1").exists, DEADLINE_S)
    containers.worker("worker-2")

    first.send_signal(signal.SIGKILL)
    until((containers.folder / "began-worker-2").exists, DEADLINE_S)
    (containers.folder / "gate").touch()

    assert containers.said("site-1", f"import shop; print(shop.q.AsyncResult({job!r}).get(120))") == "worker-2\n"
