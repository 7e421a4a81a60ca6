"""Where programs live: web servers that fork and reload, a window, a container, a folder that is removed."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.test_children import PROCESS_1, own_processes
from tests.worker.test_programs import run_program
from tests.worker.waiting import DEADLINE_S, until

PYTHON = [sys.executable, "-m"]


def needs(module: str) -> pytest.MarkDecorator:
    """Skip a test where a server is not installed."""
    return pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"{module} is not installed")


@contextlib.contextmanager
def served(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a server in a folder; what it says is in the file `said`."""
    with (folder / "said").open("w") as said:
        program = subprocess.Popen(
            words,
            cwd=folder,
            stdout=said,
            stderr=said,
            text=True,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
            start_new_session=True,
        )
        try:
            yield program
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()


def ask(folder: Path) -> str:
    """Return what the server in a folder answers; nothing where it does not."""
    connection = http.client.HTTPConnection("localhost", timeout=DEADLINE_S)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(DEADLINE_S)
    try:
        # A path of its own folder is too long for a socket.
        connection.sock.connect(os.path.relpath(folder / "web.sock"))
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder for a server."""
    (tmp_path / "shop.py").write_text(
        textwrap.dedent("""
            import os
            from localq import LocalQ
            q = LocalQ(path="jobs.db", durability="normal")

            @q.task
            def double(n):
                return 2 * n
        """)
    )
    return tmp_path


@needs("gunicorn")
@pytest.mark.parametrize("workers", [1, 3])
def test_gunicorn_forks_workers_from_a_program_that_has_started_its_queue(folder: Path, workers: int) -> None:
    (folder / "site_of_shop.py").write_text(
        textwrap.dedent("""
            from shop import double, os, q
            q.start(concurrency=1)

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [f"{double.delay(4).get(120)} {os.getpid()}".encode()]
        """)
    )
    words = [
        *PYTHON,
        "gunicorn",
        "--preload",
        f"--workers={workers}",
        "--bind=unix:web.sock",
        "site_of_shop:application",
    ]

    with served(folder, *words) as program:
        answers = {until(lambda: ask(folder)) for _ in range(10)}
        program.terminate()
        code = program.wait(DEADLINE_S)

    said = (folder / "said").read_text()
    assert {answer.split()[0] for answer in answers} == {"8"}, said
    assert f"{program.pid}" not in {answer.split()[1] for answer in answers}
    assert code == 0, said
    assert "Traceback" not in said
    assert "ssertion" not in said


@needs("uvicorn")
@pytest.mark.parametrize("pool", ["processes", "threads", "asyncio"])
def test_uvicorn_loads_a_program_with_a_queue_again_when_it_changes(folder: Path, pool: str) -> None:
    site = textwrap.dedent("""
        from shop import double, os, q

        async def application(scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                q.start(concurrency=1, pool=POOL)
                await send({"type": "lifespan.startup.complete"})
                await receive()
                q.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return
            answer = await double.delay(NUMBER)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": f"{answer} {os.getpid()}".encode()})
    """).replace("POOL", repr(pool))
    (folder / "site_of_shop.py").write_text(site.replace("NUMBER", "4"))

    with served(folder, *PYTHON, "uvicorn", "--reload", "--uds=web.sock", "site_of_shop:application") as program:
        before = until(lambda: ask(folder))
        changed = folder / "site_of_shop.py"
        changed.write_text(site.replace("NUMBER", "50"))
        os.utime(changed, (os.stat(changed).st_mtime + 5,) * 2)
        after = until(lambda: (answer := ask(folder)).startswith("100") and answer)
        program.send_signal(signal.SIGINT)
        program.wait(DEADLINE_S)

    said = (folder / "said").read_text()
    assert before.split()[0] == "8", said
    assert before.split()[1] != after.split()[1]
    assert "Traceback" not in said
    until(lambda: not any(Path(f"/proc/{pid}").exists() for _, pid in map(str.split, (before, after))))


@needs("pyuwsgi")
@pytest.mark.parametrize("pool", ["processes", "asyncio"])
def test_uwsgi_with_threads_runs_the_jobs_of_the_file_it_serves(folder: Path, pool: str) -> None:
    (folder / "site_of_shop.py").write_text(
        textwrap.dedent("""
            import threading
            from localq import LocalQ
            q = LocalQ(path="jobs.db", durability="normal")
            alone = threading.Lock()

            def helper(n):
                return 2 * n

            @q.task
            def double(n):
                return helper(n)

            def application(environ, start_response):
                with alone:
                    q.start(concurrency=1, pool=POOL)
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [str(double.delay(4).get(120)).encode()]
        """).replace("POOL", repr(pool))
    )
    server = Path(sys.executable).parent / "pyuwsgi"
    options = ["--http-socket=web.sock", "--master", "--enable-threads", "--threads=2", "--wsgi-file=site_of_shop.py"]

    with served(folder, str(server), *options):
        answers = [until(lambda: ask(folder)) for _ in range(3)]

    assert answers == ["8"] * 3, (folder / "said").read_text()


DISPLAY = pytest.mark.skipif(
    shutil.which("Xvfb") is None or importlib.util.find_spec("tkinter") is None,
    reason="Xvfb or tkinter is not installed",
)


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    """Run a display that nobody sees."""
    read, write = os.pipe()
    program = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-nolisten", "tcp"], pass_fds=(write,), stderr=subprocess.DEVNULL
    )
    os.close(write)
    try:
        with os.fdopen(read) as number:
            yield f":{number.readline().strip()}"
    finally:
        program.terminate()
        program.wait(DEADLINE_S)


@DISPLAY
@pytest.mark.parametrize("pool", ["processes", "threads", "asyncio"])
@pytest.mark.parametrize("first", ["window", "queue"])
def test_a_window_stays_alive_while_its_queue_works(
    tmp_path: Path, display: str, monkeypatch: pytest.MonkeyPatch, pool: str, first: str
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    text = f"""
import os, time, tkinter

@q.task
def double(n):
    while not os.path.exists("gate"):
        time.sleep(0.01)
    return 2 * n

def begin_window():
    global window, shown
    window = tkinter.Tk()
    shown = tkinter.StringVar(window)
    tkinter.Label(window, textvariable=shown).pack()

def begin_queue():
    q.start(concurrency=1, pool={pool!r})

for begin in (begin_window, begin_queue) if {first!r} == "window" else (begin_queue, begin_window):
    begin()
turns = 0
results = [double.delay(n) for n in range(5)]

def look():
    global turns
    turns += 1
    if turns == 3:
        # The window has lived on while the first job ran.
        open("gate", "w").close()
    if all(result.ready() for result in results):
        shown.set([result.get() for result in results])
        window.update()
        print(shown.get(), turns > 3)
        window.destroy()
    else:
        window.after(5, look)

look()
window.mainloop()
q.stop()
"""
    assert run_program(tmp_path, text) == "(0, 2, 4, 6, 8) True\n"


@pytest.mark.skipif(not own_processes(), reason="unshare may not make a namespace of processes here")
def test_a_worker_is_process_1_of_a_container(folder: Path) -> None:
    command = [*PROCESS_1, sys.executable, "-m", "localq", "worker", "-A", "shop", "-c", "1"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), os.getcwd()))}
    code = "from shop import double, os; print(double.delay(4).get(120))"
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as program:
        try:
            done = subprocess.run(
                [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            assert done.stdout == "8\n", done.stderr
            # What `docker stop` sends; to process 1 itself, as there.
            children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGTERM)
            assert program.wait(DEADLINE_S) == 0
        finally:
            program.kill()


@pytest.mark.parametrize("pool", ["processes", "asyncio"])
def test_a_worker_goes_on_when_its_release_is_removed_under_it(tmp_path: Path, pool: str) -> None:
    text = f"""
import os, shutil, signal
os.mkdir("release")
with open("release/wares.py", "w") as file:
    file.write("from localq import shared_task\\n@shared_task\\ndef double(n):\\n    return 2 * n\\n")
sys.path.insert(0, os.path.abspath("release"))
from localq import LocalQ
q = LocalQ(path=os.path.abspath("jobs.db"), durability="normal")
os.chdir("release")
from wares import double
with q.running(concurrency=1, pool={pool!r}):
    print(double.delay(4).get(120))
    shutil.rmtree(os.getcwd())
    print([double.delay(n).get(120) for n in range(5)])
"""
    assert run_program(tmp_path, text) == "8\n[0, 2, 4, 6, 8]\n"
