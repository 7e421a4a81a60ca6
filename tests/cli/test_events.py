from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest
from click.testing import Result
from rich.console import Console

from localq import LocalQ
from localq.cli.events import Wanted, line, picture
from localq.eventstate import State
from tests.cli.terminal import on_terminal


@pytest.fixture
def busy(q: LocalQ) -> Iterator[LocalQ]:
    """Return an app whose worker gets jobs `add` and `fail` again and again."""

    @q.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    @q.task(name="fail")
    def fail() -> None:
        raise KeyError("gone")

    over = threading.Event()

    def send() -> None:
        while not over.wait(0.05):
            add.delay(1, 2)
            fail.delay()

    sender = threading.Thread(target=send)
    with q.running(pool="threads", concurrency=1, name="w@h"):
        sender.start()
        yield q
        over.set()
        sender.join()


def test_events_are_lines_where_the_output_is_no_terminal(busy: LocalQ, localq: Callable[..., Result]) -> None:
    result = localq("events", "--limit", "2", "--task", "a*", "--state", "succeeded")

    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert all(" w@h task-succeeded " in one and "name='add'" in one and "result='3'" in one for one in lines)


def test_events_are_json_on_request(busy: LocalQ, localq: Callable[..., Result]) -> None:
    result = localq("events", "--json", "--limit", "1", "--state", "failed", "--worker", "w@*")

    event = json.loads(result.stdout)
    assert (event["type"], event["name"], event["hostname"]) == ("task-failed", "fail", "w@h")


def test_a_terminal_shows_workers_and_tasks(busy: LocalQ) -> None:
    code, seen = on_terminal("--path", busy.location, "events", "--limit", "30")

    assert code == 0
    assert "w@h" in seen
    assert "SUCCESS" in seen
    assert "KeyError" in seen


def test_the_picture_shows_what_is_wanted_and_fits_the_terminal() -> None:
    state = State()
    for number in range(100):
        common = {"hostname": "w@h", "timestamp": 1000.0 + number, "uuid": f"id{number}"}
        state.event({"type": "task-received", "name": "odd" if number % 2 else "even", **common})
    console = Console(width=100, height=20, record=True, file=None, quiet=True)

    with console.capture() as shown:
        console.quiet = False
        console.print(picture(state, Wanted(task="even"), 1100.0, console.height))

    assert "even" in shown.get()
    assert "odd" not in shown.get()
    assert len(shown.get().splitlines()) <= 20


def test_what_a_task_says_does_not_steer_the_terminal() -> None:
    event = {"type": "task-failed", "hostname": "w@h", "timestamp": 1.0, "uuid": "i", "exception": "\x1b[2J"}

    assert "\x1b" not in line(event)


def test_without_a_file_there_is_nothing_to_show(localq: Callable[..., Result]) -> None:
    result = localq("events", "--dump")

    assert result.exit_code == 74
    assert "There is no file" in result.output
