"""`localq schedules` and `localq cron`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result

from localq import LocalQ
from localq.cli import main
from localq.model.job import JobState
from localq.schedules.scheduler import beside
from localq.store.protocol import Filter
from localq.testing import FakeClock
from tests.cli.runner import runner
from tests.cli.terminal import on_terminal

Command = Callable[..., Result]


@pytest.fixture
def shop(q: LocalQ) -> LocalQ:
    """Return an app with a schedule that ran at noon and one that rests."""
    q.clock = FakeClock()
    q.task(lambda: None, name="report")  # type: ignore[call-overload]
    q.schedules.add("hourly", 3600, "report")
    q.schedules.add("nightly", "30 2 * * *", "report", zone="Europe/Berlin")
    q.schedules.pause("nightly")
    scheduler = beside(q)
    scheduler.tick(q.clock.now())
    q.clock.forward(timedelta(hours=3, minutes=1))
    scheduler.tick(q.clock.now())
    scheduler.close()
    return q


def test_schedules_are_listed_by_name(shop: LocalQ, localq: Command) -> None:
    result = localq("schedules")

    rows = [line.split("\t") for line in result.output.splitlines()]
    assert rows == [
        ["hourly", "every hour", "UTC", "2026-01-01 03:00:00+00:00", "2026-01-01 04:00:00+00:00", "2", "2", "active"],
        ["nightly", "at 02:30", "Europe/Berlin", "-", "2026-01-01 02:30:00+01:00", "0", "0", "paused"],
    ]


def test_schedules_are_listed_as_json_and_by_state(shop: LocalQ, localq: Command) -> None:
    (one,) = json.loads(localq("schedules", "--json", "--state", "paused").output)

    assert (one["name"], one["state"], one["source"], one["task"]) == ("nightly", "paused", "run-time", "report")
    assert one["next"] == "2026-01-01T01:30:00.000000+00:00"
    assert "There is no state 'lost'" in localq("schedules", "--state", "lost").output


def test_no_schedules_are_told_as_none(q: LocalQ, localq: Command) -> None:
    q.store.open()

    every, some = localq("schedules"), localq("schedules", "--state", "paused")

    assert (every.exit_code, every.output) == (0, "There are no schedules.\n")
    assert (some.exit_code, some.output) == (0, "No such schedules.\n")


@pytest.fixture
def unstarted(tmp_path: Path) -> Path:
    """Return the script of an app whose schedules are configured, and which has no file."""
    script = tmp_path / "new_shop.py"
    script.write_text(
        "from localq import LocalQ\n"
        f"q = LocalQ('shop', path={str(tmp_path / 'jobs.db')!r})\n"
        "@q.periodic('0 3 * * *', name='nightly')\n@q.task\ndef report(): pass\n"
    )
    return script


def test_schedules_can_be_looked_at_before_the_first_start(unstarted: Path) -> None:
    listed = runner().invoke(main, ["schedules", "-A", str(unstarted)])
    explained = runner().invoke(main, ["schedules", "explain", "nightly", "--count", "2", "-A", str(unstarted)])
    told = runner().invoke(main, ["schedules", "explain", "nightly", "--json", "-A", str(unstarted)])
    unknown = runner().invoke(main, ["schedules", "explain", "nigthly", "-A", str(unstarted)])

    assert listed.stdout == "nightly\tat 03:00\tUTC\t-\t-\t0\t0\tconfigured\n"
    assert explained.stdout.count(" 03:00:00+00:00  ") == 2
    assert "Nothing has run yet" in explained.stderr
    assert len(json.loads(told.stdout)["upcoming"]) == 10
    assert (unknown.exit_code, unknown.output) == (4, "There is no schedule 'nigthly'. Did you mean 'nightly'?\n")
    assert not (unstarted.parent / "jobs.db").exists()


def test_a_schedule_that_no_scheduler_has_entered_is_explained_beside_jobs(unstarted: Path) -> None:
    script = unstarted.rename(unstarted.with_name("late_shop.py"))
    LocalQ(path=unstarted.parent / "jobs.db").send_task("late_shop.report")

    explained = runner().invoke(main, ["schedules", "explain", "nightly", "--count", "2", "-A", str(script)])
    unknown = runner().invoke(main, ["schedules", "explain", "nigthly", "-A", str(script)])

    assert explained.exit_code == 0, explained.output
    assert explained.stdout.count(" 03:00:00+00:00  ") == 2
    assert (unknown.exit_code, unknown.stdout) == (4, "")


def test_a_word_that_is_no_command_is_said_to_be_none(unstarted: Path) -> None:
    result = runner().invoke(main, ["schedules", "explian", "nightly", "-A", str(unstarted)])

    assert result.exit_code == 2
    assert "There is no command 'explian'. Did you mean 'explain'?" in result.output


def test_configured_schedules_that_no_scheduler_has_seen_are_told(tmp_path: Path) -> None:
    (tmp_path / "unseen_shop.py").write_text(
        "from localq import LocalQ\n"
        f"q = LocalQ('shop', path={str(tmp_path / 'jobs.db')!r})\n"
        "@q.periodic(60)\n@q.task\ndef report(): pass\nq.store.open()\n"
    )

    result = runner().invoke(main, ["schedules", "-A", str(tmp_path / "unseen_shop.py")])

    assert result.exit_code == 0
    assert "Configured, but no scheduler has run since: unseen_shop.report" in result.output


def test_options_may_stand_before_the_command(shop: LocalQ) -> None:
    result = runner().invoke(main, ["schedules", "--path", shop.location, "explain", "hourly"])

    assert result.exit_code == 0
    assert "every hour" in result.output


def test_a_schedule_is_explained(shop: LocalQ, localq: Command) -> None:
    lines = localq("schedules", "explain", "hourly", "--count", "2").output.splitlines()

    assert lines[:8] == [
        "name:       hourly",
        "rule:       every hour",
        "zone:       UTC",
        "task:       report",
        "state:      active",
        "defined by: run-time",
        "runs:       2",
        "missed:     2",
    ]
    assert lines[10:12] == ["  2026-01-01 04:00:00+00:00  Thu", "  2026-01-01 05:00:00+00:00  Thu"]
    past = [line.split("\t") for line in lines[lines.index("Past:") + 1 :]]
    assert [row[:3] for row in past] == [
        ["2026-01-01 03:00:00+00:00", "fired", "due, 60.0 s late"],
        ["2026-01-01 02:00:00+00:00", "skipped", "missed: one run makes up for the outage"],
        ["2026-01-01 01:00:00+00:00", "skipped", "missed: one run makes up for the outage"],
        ["2026-01-01 00:00:00+00:00", "fired", "due, on time"],
    ]
    assert past[0][3].endswith("PENDING")


def test_an_explanation_may_be_json(shop: LocalQ, localq: Command) -> None:
    told = json.loads(localq("schedules", "explain", "nightly", "--json").output)

    assert len(told["upcoming"]) == 10
    assert told["past"] == []
    assert told["state"] == "paused"


def test_a_person_sees_tables(shop: LocalQ) -> None:
    code, seen = on_terminal("--path", shop.location, "schedules", columns=160)

    assert code == 0
    assert seen.splitlines()[0].split() == ["name", "rule", "zone", "last", "next", "runs", "missed", "state"]


def test_an_unknown_schedule_is_told_with_the_nearest_name(shop: LocalQ, localq: Command) -> None:
    for command in ("explain", "pause", "resume", "trigger", "remove"):
        result = localq("schedules", command, "nigthly")
        assert (result.exit_code, result.output) == (
            4,
            "There is no schedule 'nigthly'. Did you mean 'nightly'?\n",
        )


def test_schedules_rest_and_go_on(shop: LocalQ, localq: Command) -> None:
    assert "hourly rests" in localq("schedules", "pause", "hourly").output
    assert shop.schedules.get("hourly").state == "paused"
    assert "hourly goes on: next at" in localq("schedules", "resume", "hourly").output
    assert shop.schedules.get("hourly").state == "active"


def test_a_schedule_is_triggered_and_backfilled(shop: LocalQ, localq: Command) -> None:
    triggered = localq("schedules", "trigger", "nightly").output.strip()
    filled = localq("schedules", "backfill", "nightly", "2025-12-01", "2025-12-03T12:00").output.split()

    assert len(filled) == 3
    waiting = {one.id for one in shop.store.read.find(Filter((JobState.READY,)), 100).jobs}
    assert {triggered, *filled} <= waiting
    again = localq("schedules", "backfill", "nightly", "2025-12-01", "2025-12-03T12:00")
    assert (again.exit_code, again.output) == (0, "Fired: 0.\n")


def test_a_schedule_is_removed(shop: LocalQ, localq: Command) -> None:
    assert localq("schedules", "remove", "nightly").output == "nightly is removed.\n"
    assert [one.name for one in shop.schedules.list()] == ["hourly"]


def test_a_schedule_of_a_program_that_is_no_more_is_removed_by_force(shop: LocalQ, localq: Command) -> None:
    gone = LocalQ("gone", path=shop.location, set_as_current=False)
    gone.conf.beat_schedule = {"weekly": {"task": "work", "schedule": 60}}
    gone.schedules.sync(gone.store, gone.clock.now())
    gone.close()

    refused = localq("schedules", "remove", "weekly")
    done = localq("schedules", "remove", "--force", "weekly")

    assert (refused.exit_code, done.output) == (2, "weekly is removed.\n")
    assert "belongs to the configuration of gone" in refused.output


def test_bad_times_end_with_the_reason(shop: LocalQ, localq: Command) -> None:
    result = localq("schedules", "backfill", "nightly", "then", "now")

    assert result.exit_code == 2
    assert "start='then' is no ISO time" in result.output


# cron


@pytest.mark.parametrize(
    ("expression", "code", "words"),
    [
        ("*/5 * * * *", 0, "every 5 minutes"),
        ("59/15 * * * *", 3, "warning: The minute '59/15' means 59 only"),
        ("0 0 31 2 *", 1, "error: Cron expression '0 0 31 2 *'"),
        ("nonsense", 1, "error: "),
        ("every 30 seconds", 0, "every 30 seconds"),
    ],
)
def test_an_expression_is_looked_over(expression: str, code: int, words: str) -> None:
    result = runner().invoke(main, ["cron", "lint", expression, "--zone", "Europe/Berlin"])

    assert result.exit_code == code
    assert words in result.output


def test_what_is_found_may_be_json() -> None:
    told = json.loads(runner().invoke(main, ["cron", "lint", "59/15 * * * *", "--json"]).output)

    assert told["words"] == "at minute 59 of every hour"
    assert [one["severity"] for one in told["findings"]] == ["warning"]


def test_the_next_instants_of_an_expression_are_shown_in_a_zone() -> None:
    result = runner().invoke(
        main, ["cron", "next", "30 2 * * *", "--zone", "Europe/Berlin", "-n", "3", "--after", "2026-03-28T00:00"]
    )

    assert result.output.splitlines() == [
        "2026-03-28 02:30:00+01:00  Sat",
        "2026-03-29 03:00:00+02:00  Sun",
        "2026-03-30 02:30:00+02:00  Mon",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cron", "next", "x"], "Cron expression 'x'"),
        (["cron", "next", "* * * * *", "--after", "soon"], "--after='soon' is no ISO time"),
        (["cron", "next", "* * * * *", "--zone", "Europe/Berln"], "Did you mean 'Europe/Berlin'?"),
    ],
)
def test_what_cannot_be_is_a_usage_error(words: list[str], said: str) -> None:
    result = runner().invoke(main, words)

    assert result.exit_code == 2
    assert said in result.output
