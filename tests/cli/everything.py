"""All that a program and its operators do with one store, each as a program of its own: what a server must let them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from starlette.testclient import TestClient

from localq import LocalQ, current
from localq.web.application import build
from localq.web.gate.sessions import Sessions
from tests.worker.waiting import DEADLINE_S, PROGRAM_S, until

__all__ = ["everything", "said_by", "shop_in"]

_SHOP = """
import datetime, os
from localq import LocalQ, chain, group

q = LocalQ("shop", **eval(os.environ["QUEUE"]))

@q.task(name="shop.double", rate_limit="1000/s")
def double(number):
    print("doubled", number)
    return 2 * number

@q.task(name="shop.total")
def total(numbers):
    return sum(numbers)

@q.task(name="shop.fails", max_retries=0)
def fails():
    raise ValueError("on purpose")

@q.periodic(datetime.timedelta(seconds=1))
@q.task(name="shop.tick")
def tick():
    pass

if __name__ == "__main__":
    print((group(double.s(number) for number in range(4)) | total.s()).delay().get(timeout=%d))
    print(chain(double.s(3), double.s())().get(timeout=%d))
    print(repr(fails.delay().get(timeout=%d, propagate=False)))
    q.close()
"""
#: What operators call, and what is looked for in the answer.
_COMMANDS = {
    "status": "look@shop",
    "inspect ping": "pong",
    "inspect active_queues": "look@shop",
    "control rate_limit shop.double 500/s": "OK",
    "pause mail": "mail",
    "resume mail": "mail",
    "list": "shop.double",
    "schedules": "tick",
    "settings": "",
    "report": "localq",
    "doctor": "server",
    "call shop.double --args [1]": "",
    "prune --older 1d": "",
}


_PAGES = ("/", "/jobs", "/workers", "/schedules", "/tasks", "/queues", "/metrics")


def shop_in(folder: Path) -> Path:
    """Write the program that is run; return it."""
    path = folder / "shop.py"
    path.write_text(_SHOP % (PROGRAM_S, PROGRAM_S, PROGRAM_S))
    return path


def said_by(folder: Path, app: str, *words: str, code: int | None = 0) -> str:
    """Run the program of `shop_in`, or a command on it; return all that it printed.

    Args:
        app: The arguments of its app, as they stand in Python; such as "{'url': 'jobs.db'}".
        code: What it must exit with; None: anything.
    """
    line = [sys.executable, *(words if words[0].endswith(".py") else ["-m", "localq", "-A", "shop", *words])]
    done = subprocess.run(
        line,
        cwd=folder,
        env={**os.environ, "QUEUE": app},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )
    assert code is None or done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}"
    return done.stdout


def everything(folder: Path, **app: object) -> str:
    """Do all of it with an app of such arguments, beside one worker; return all that anybody printed."""
    shop, options = shop_in(folder), repr(app)
    log = folder / "worker.log"
    words = ["worker", "-B", "-c", "2", "-n", "look@shop", "-l", "debug", "-E"]
    with log.open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", "localq", "-A", "shop", *words],
            cwd=folder,
            env={**os.environ, "QUEUE": options},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        printed = [said_by(folder, options, str(shop))]
        assert printed == ["12\n12\nValueError('on purpose')\n"], printed
        for command, found in _COMMANDS.items():
            printed.append(said_by(folder, options, *command.split(), code=None if command == "doctor" else 0))
            assert found in printed[-1], (command, printed[-1])
        printed += _looked_at(app)
    finally:
        worker.terminate()
        code = worker.wait(DEADLINE_S)
    printed.append(log.read_text())
    assert code == 0, printed[-1]
    assert printed[-1].count("Traceback") == 1, "that of shop.fails alone: " + printed[-1]
    return "\n".join(printed)


def _looked_at(options: dict[str, object]) -> list[str]:
    """Return pages of the dashboard, which reads by connections of its own and writes by the app's."""
    app = LocalQ("shop", **options)  # type: ignore[arg-type]
    try:
        with TestClient(
            build(app, Sessions("the token")),
            headers={"Authorization": "Bearer the token"},
            base_url="http://localhost:5555",
        ) as page:
            found = [page.get(path) for path in _PAGES]
            assert {one.status_code for one in found} == {200}, [(str(one.url), one.status_code) for one in found]
            until(lambda: "look@shop" in page.get("/workers").text)
            return [one.text for one in found]
    finally:
        app.close()
        current.set_app(None)
