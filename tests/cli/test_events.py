from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest
from click.testing import Result
from rich.console import Console

from localq import LocalQ
from localq.cli.commands.events import line
from localq.cli.events_view import Wanted, picture
from localq.monitor.event_state import State
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


def test_a_state_may_be_named_as_elsewhere(busy: LocalQ, localq: Callable[..., Result]) -> None:
    event = json.loads(localq("events", "--json", "--limit", "1", "--state", "FAILURE").stdout)

    assert event["type"] == "task-failed"


def test_an_event_that_is_nearly_another_is_refused(q: LocalQ, localq: Callable[..., Result]) -> None:
    q.store.open()

    result = localq("events", "--state", "suceeded")

    assert result.exit_code == 2
    assert "--state suceeded: there is no such event. Did you mean 'succeeded'? Known: sent, received," in result.stderr


def test_a_terminal_shows_workers_and_tasks(busy: LocalQ) -> None:
    code, seen = on_terminal("--path", busy.location, "events", "--limit", "30")

    assert code == 0
    assert "w@h" in seen
    assert "SUCCESS" in seen
    assert "KeyError" in seen


def drawn(state: State, width: int, height: int, wanted: Wanted = Wanted()) -> list[str]:  # noqa: B008
    """Return the lines of the picture on a terminal of that size."""
    console = Console(width=width, height=height, record=True, file=None, quiet=True)
    with console.capture() as shown:
        console.quiet = False
        console.print(picture(state, wanted, 1100.0, height, width))
    return [one.rstrip() for one in shown.get().splitlines()]


def test_the_picture_shows_what_is_wanted_and_fits_the_terminal() -> None:
    state = State()
    for number in range(100):
        common = {"hostname": "w@h", "timestamp": 1000.0 + number, "uuid": f"id{number}"}
        state.event({"type": "task-received", "name": "odd" if number % 2 else "even", **common})

    lines = drawn(state, 100, 20, Wanted(task="even"))

    assert "even" in "".join(lines)
    assert "odd" not in "".join(lines)
    assert len(lines) <= 20


@pytest.fixture
def crowded() -> State:
    """Return what was heard of thirty workers with long names, and of a task that failed on each."""
    state = State()
    for number in range(30):
        common = {"hostname": f"mail-{number}@a-long-name.example.org", "timestamp": 1050.0 + number}
        state.event({"type": "worker-online", "sw_ident": "localq", "freq": 2, "loadavg": [12.34, 5.6, 7.8], **common})
        task = {"uuid": f"01a21807-4535-7ad5-8000-{number:012}", **common}
        state.event({"type": "task-received", "name": "shop.tasks.confirm_order", **task})
        state.event({"type": "task-failed", "exception": "ValueError('a long message')", **task})
    return state


@pytest.mark.parametrize(
    ("width", "heads", "shown"),
    [
        (40, "time task state", "shop.tasks.confir"),
        (80, "time task state took outcome", "ValueError("),
        (110, "time task id state took outcome", "01a21807-4535-7ad5-8000-000000000029"),
        (140, "time task id state worker took outcome", "mail-29@a-l"),
    ],
)
def test_the_less_columns_there_are_the_more_they_matter(crowded: State, width: int, heads: str, shown: str) -> None:
    lines = drawn(crowded, width, 24)

    (row,) = [n for n, one in enumerate(lines) if one.startswith("time")]
    assert lines[row].split() == heads.split()
    assert shown in lines[row + 1]
    assert "FAILURE" in lines[row + 1]
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(("width", "height"), [(40, 10), (80, 24), (20, 5)])
def test_many_workers_leave_room_for_tasks(crowded: State, width: int, height: int) -> None:
    lines = drawn(crowded, width, height)

    assert len(lines) <= max(height, 8)
    assert sum("FAILURE" in one for one in lines) >= (1 if width >= 40 else 0)
    assert any("... and " in one for one in lines)


def test_what_a_task_says_does_not_steer_the_terminal() -> None:
    event = {"type": "task-failed", "hostname": "w@h", "timestamp": 1.0, "uuid": "i", "exception": "\x1b[2J"}

    assert "\x1b" not in line(event)


def test_without_a_file_there_is_nothing_to_show(localq: Callable[..., Result]) -> None:
    result = localq("events", "--dump")

    assert result.exit_code == 74
    assert "There is no file" in result.output
