"""`localq migrate`: what it says, what it counts, and what it ends with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from localq import LocalQ
from localq.model.job import JobState
from localq.model.worker import EVERY_QUEUE
from localq.store.protocol import Filter
from localq.testing import drain
from tests.cli.terminal import on_terminal
from tests.store.given import LEASE, card

Run = Callable[..., Result]


@pytest.fixture
def filled(q: LocalQ) -> LocalQ:
    """Return the app with jobs that are over, wait, and wait for their time."""

    @q.task
    def add(a: int, b: int) -> int:
        return a + b

    q.schedules.add("hourly", 3600, add, (1, 2))
    add.delay(1, 2)
    drain(q)
    add.delay(3, 4)
    add.apply_async((5, 6), countdown=3600)
    return q


def counts(result: Result) -> dict[str, tuple[int, ...]]:
    """Return the numbers of a table, by what they count."""
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    return {what: tuple(map(int, numbers)) for what, *numbers in rows}


def test_everything_is_moved_and_compared(localq: Run, filled: LocalQ, tmp_path: Path) -> None:
    result = localq("migrate", filled.location, str(tmp_path / "new.db"))

    assert result.exit_code == 0, result.output
    found = counts(result)
    assert {name: found[f"jobs {name}"] for name in ("SUCCESS", "READY", "SCHEDULED")} == {
        "SUCCESS": (1, 1), "READY": (1, 1), "SCHEDULED": (1, 1),
    }  # fmt: skip
    assert "New in" in result.stderr
    assert "3 jobs" in result.stderr
    assert "Give programs and workers the new address" in result.stderr


def test_a_dry_run_counts_and_changes_nothing(localq: Run, filled: LocalQ, tmp_path: Path) -> None:
    before = Path(filled.location).read_bytes()

    result = localq("migrate", filled.location, str(tmp_path / "new.db"), "--dry-run")

    assert result.exit_code == 0
    assert counts(result)["jobs SUCCESS"] == (1, 0)
    assert counts(result)["jobs STARTED"] == (0, 0)
    assert not (tmp_path / "new.db").exists()
    assert Path(filled.location).read_bytes() == before
    assert filled.store.mail.orders() == []


def test_a_dry_run_says_what_is_there_already(localq: Run, filled: LocalQ, tmp_path: Path) -> None:
    other = LocalQ("other", path=tmp_path / "new.db")
    other.send_task("theirs")
    other.close()

    report = json.loads(localq("migrate", filled.location, str(tmp_path / "new.db"), "--dry-run", "--json").stdout)

    assert report["would_move"]["jobs READY"] == 1
    assert report["there_already"]["jobs READY"] == 1


def test_jobs_that_run_refuse_the_move_with_a_code_of_their_own(localq: Run, filled: LocalQ, tmp_path: Path) -> None:
    store = filled.store
    owner = store.workers.enter(card(), 0, LEASE)
    (one,) = store.jobs.claim(owner, EVERY_QUEUE, 1, filled.clock.now()).jobs

    result = localq("migrate", filled.location, str(tmp_path / "new.db"))

    assert result.exit_code == 3
    assert f"{one.id} runs on" in result.stderr
    assert "--wait SECONDS" in result.stderr
    assert store.mail.orders() == []
    dry = localq("migrate", filled.location, str(tmp_path / "new.db"), "--dry-run")
    assert "What runs now is waited for" in dry.stderr


def test_what_cannot_be_moved_ends_with_one(localq: Run, filled: LocalQ) -> None:
    result = localq("migrate", filled.location, f"sqlite:///{filled.location}")

    assert result.exit_code == 1
    assert "one and the same store" in result.stderr


def test_what_differs_ends_with_one_and_is_named(localq: Run, filled: LocalQ, tmp_path: Path) -> None:
    (waiting,) = filled.store.read.find(Filter(states=(JobState.READY,)), 1).jobs
    other = LocalQ("other", path=tmp_path / "new.db")
    other.send_task("theirs", task_id=waiting.id)
    other.close()

    result = localq("migrate", filled.location, str(tmp_path / "new.db"))

    assert result.exit_code == 1
    assert f"1 there otherwise: {waiting.id}" in result.stderr
    assert "stays stopped, and nothing is lost" in result.stderr


def test_a_store_that_was_stopped_is_let_go(localq: Run, filled: LocalQ, tmp_path: Path) -> None:
    assert "was not stopped" in localq("migrate", "--release", filled.location).output
    localq("migrate", filled.location, str(tmp_path / "new.db"))
    assert filled.store.mail.orders() != []

    result = localq("migrate", "--release", filled.location)

    assert result.exit_code == 0
    assert "goes on" in result.stdout
    assert "run twice, if both go on" in result.stderr
    assert filled.store.mail.orders() == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("migrate", "jobs.db"), 2, "Name two stores"),
        (("migrate", "--release", "a.db", "b.db"), 2, "Name two stores"),
        (("migrate", "no-such.db", "b.db"), 74, "There is no file"),
        (("migrate", "amqp://guest:secret@host//", "b.db"), 2, "let Celery's workers finish what is there"),
        (("migrate", ":memory:", "b.db"), 74, "There is no file"),
    ],
)
def test_what_is_asked_wrongly_is_refused(
    localq: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)

    result = localq(*words)

    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert "secret" not in result.output
    assert not (tmp_path / "b.db").exists()


def test_a_store_in_memory_gets_nothing(localq: Run, filled: LocalQ) -> None:
    result = localq("migrate", filled.location, ":memory:")

    assert result.exit_code == 2
    assert "in the memory of one process" in result.stderr


def test_a_bar_moves_on_a_terminal(filled: LocalQ, tmp_path: Path) -> None:
    filled.close()

    code, seen = on_terminal("migrate", filled.location, str(tmp_path / "new.db"))

    assert code == 0
    assert re.search(r"jobs \S+ 3/3", seen)
    assert re.search(r"compared \S+ 3/3", seen)
    assert "All is moved." in seen


def test_the_help_has_an_example(localq: Run) -> None:
    assert "Example: localq migrate jobs.db" in localq("migrate", "--help").stdout
