"""What a person sees of the command line: help, hints, tables that fit, what is completed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import Result

import localq as package
from localq import LocalQ, chord
from localq.cli import main, screen
from localq.cli.daemon.reload import changed, watched
from localq.cli.program import COMMANDS
from localq.cli.screen import Instant, Shortened, numbered, show_table, took
from localq.model.job import JobState
from tests.cli.runner import runner
from tests.cli.terminal import on_terminal
from tests.store.given import card
from tests.tutorial.project import Project

Run = Callable[..., Result]

# Help and hints


@pytest.mark.parametrize("words", [["version"], ["-V"], ["--version"]])
def test_the_version_is_told_however_it_is_asked_for(words: list[str]) -> None:
    assert runner().invoke(main, words).output == f"localq {package.__version__}\n"


@pytest.mark.parametrize("words", [[], ["worker"], ["schedules", "explain"]])
def test_help_is_a_command_and_shows_what_the_option_shows(words: list[str]) -> None:
    told = runner().invoke(main, ["help", *words])

    assert told.exit_code == 0
    assert told.output.splitlines()[2:] == runner().invoke(main, [*words, "--help"]).output.splitlines()[2:]


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize("command", ["", *COMMANDS, "schedules explain", "cron next", "upgrade settings"])
def test_helps_fit_into_the_terminal_and_no_word_is_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, columns: int
) -> None:
    def told(width: int) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        with pytest.raises(SystemExit):
            main([*command.split(), "--help"])
        return capsys.readouterr().out

    def words(text: str) -> set[str]:
        # A line may end behind a hyphen.
        return set(re.sub(r"(?<=\w-)\n *", "", text).split())

    narrow, whole = told(columns), told(1_000)

    assert words(narrow) <= words(whole)
    # Those that keep their form are longer, and names that are; a usage begins with the name of what runs the tests.
    long = [line for line in narrow.splitlines() if len(line) > columns and line not in whole.splitlines()]
    assert [line for line in long if not line.startswith("Usage: ") and len(line.split()) > 2] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["help", "wroker"], "There is no command 'wroker'. Did you mean 'worker'?"),
        (["statsu"], "There is no command 'statsu'. Did you mean 'status'?"),
        (["frobnicate"], "There is no command 'frobnicate'.\n"),
    ],
)
def test_only_what_is_near_is_suggested(words: list[str], said: str) -> None:
    assert said in runner().invoke(main, words).output


def test_the_help_of_multi_keeps_its_lines() -> None:
    told = runner().invoke(main, ["multi", "--help"]).output

    assert "\\b" not in told
    assert "    stopwait NAMES [-SIG]            and wait until they have\n" in told


@pytest.mark.parametrize("group", ["schedules", "cron", "upgrade"])
def test_no_summary_of_a_command_is_cut(group: str) -> None:
    assert "..." not in runner().invoke(main, [group, "--help"]).output.partition("Commands:")[2]


# Tables

COLUMNS = ("name", "task", "state")
ROWS = [("a-name-that-is-long", "shop.tasks.resize_all_pictures", "FAILURE"), ("b", "shop.tasks.mail", "SUCCESS")]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[int], list[str]]:
    """Return a function that returns the lines of a table on a terminal of a width."""
    monkeypatch.setattr(screen, "on_terminal", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")

    def shown(width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        show_table(COLUMNS, ROWS)
        return capsys.readouterr().out.splitlines()

    return shown


def test_a_table_that_fits_is_shown_whole(lines: Callable[[int], list[str]]) -> None:
    assert lines(80) == [
        "name                 task                            state",
        "a-name-that-is-long  shop.tasks.resize_all_pictures  FAILURE",
        "b                    shop.tasks.mail                 SUCCESS",
    ]


def test_where_it_is_too_wide_long_columns_are_cut_and_never_the_first(lines: Callable[[int], list[str]]) -> None:
    assert lines(45) == [
        "name                 task             state",
        "a-name-that-is-long  shop.tasks.res…  FAILURE",
        "b                    shop.tasks.mail  SUCCESS",
    ]


def test_where_that_is_not_enough_each_row_is_a_block(lines: Callable[[int], list[str]]) -> None:
    assert lines(30) == [
        "a-name-that-is-long",
        "  task   shop.tasks.resize_all_pictures",
        "  state  FAILURE",
        "b",
        "  task   shop.tasks.mail",
        "  state  SUCCESS",
    ]


def test_spans_are_told_in_a_unit_that_says_something() -> None:
    assert [took(seconds) for seconds in (0.0, 0.000152, 0.0032, 0.25, 2.0181, 1234.5)] == [
        "0 µs", "152 µs", "3.2 ms", "250 ms", "2.018 s", "1,234.500 s",
    ]  # fmt: skip


def test_numbers_and_what_they_count_agree() -> None:
    assert [numbered(count, "file") for count in (0, 1, 2000)] == ["0 files", "1 file", "2,000 files"]
    assert [numbered(count, "job runs", "jobs run") for count in (1, 2)] == ["1 job runs", "2 jobs run"]


@pytest.mark.parametrize(
    ("day", "short"),
    [("2026-03-01", "07:30:00"), ("2026-11-30", "11-30 07:30"), ("2027-01-02", "2027-01-02 07:30")],
)
def test_times_of_a_table_that_does_not_fit_leave_out_what_they_share_with_now(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], day: str, short: str
) -> None:
    monkeypatch.setattr(screen, "on_terminal", lambda: True)
    at = Instant.of(datetime.fromisoformat(f"{day}T07:30:00+00:00"), datetime(2026, 3, 1, 12, tzinfo=UTC))

    seen = []
    for width in (80, 24):
        monkeypatch.setenv("COLUMNS", str(width))
        show_table(("name", "next"), [("a", at)])
        seen.append(capsys.readouterr().out.splitlines()[1].split(maxsplit=1)[1])

    assert seen == [f"{day} 07:30:00+00:00", short]


def test_what_all_rows_share_is_told_once_where_a_table_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(screen, "on_terminal", lambda: True)
    berlin, lima = Shortened.to("Europe/Berlin", "Berlin"), Shortened.to("America/Lima", "Lima")

    def shown(width: int, *zones: str) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        show_table(("name", "zone", "state"), [(zone[:4], zone, "active") for zone in zones], once="zone")
        return capsys.readouterr().out.splitlines()

    assert shown(30, berlin, berlin)[1] == "Euro  Europe/Berlin  active"
    assert shown(25, berlin, berlin) == ["name  state", "Euro  active", "Euro  active", "zone: Europe/Berlin"]
    assert shown(25, berlin, lima) == ["name  zone    state", "Euro  Berlin  active", "Amer  Lima    active"]


# Output that cannot be written


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
@pytest.mark.parametrize("words", ["--help", "list --json"])
def test_a_full_disk_is_told_in_one_line(q: LocalQ, words: str) -> None:
    q.send_task("len", ("x",))
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "localq", "--path", q.location, *words.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.stderr == "localq: error: the output cannot be written: No space left on device\n"
    assert done.returncode == 74


# Calls


def test_what_jobs_were_called_with_is_shown_without_secrets(q: LocalQ, localq: Run) -> None:
    @q.task(redact=["pin"])
    def charge(order: int, pin: str = "", token: str = "") -> None: ...

    job = charge.delay(7, pin="1234", token="abc")
    call = '7, pin="********", token="********"'

    assert f"call:     {call}\n" in localq("result", job.id).stdout
    assert localq("list", "--args").stdout.split("\t")[6] == call
    assert call not in localq("list").stdout
    told = json.loads(localq("list", "--args", "--json").stdout)[0]
    assert (told["args"], told["kwargs"]) == ([7], {"pin": "********", "token": "********"})


# Workflows


def test_of_many_branches_those_that_failed_are_shown_first(q: LocalQ, localq: Run) -> None:
    task = q.task(abs, name="abs")
    body = chord([task.s(n) for n in range(24)])(q.task(sum, name="sum").s())
    ids = [one.id for one in body.parent.results]
    q.store.jobs.cancel(ids[20:], q.clock.now())

    told = localq("workflow", ids[0]).stdout

    assert all(job_id in told for job_id in ids[20:])
    assert "and 14 more: 14 PENDING" in told


# Where nobody works


def test_a_retry_says_that_no_worker_is_there(q: LocalQ, localq: Run) -> None:
    job = q.send_task("len", ("x",))
    job.revoke()

    told = localq("retry", job.id)

    assert (told.stdout, told.stderr) == ("1 job runs again.\n", "No worker is there now: they wait for one.\n")
    assert q.store.read.get([job.id])[job.id].state == JobState.READY


def test_a_person_is_told_how_many_workers_are_gone_and_which_if_asked(q: LocalQ, localq: Run) -> None:
    for name in ("a@h", "b@h"):
        key = q.store.workers.enter(card(name=name, uuid=name), q.clock.now(), 1_000_000)
        q.store.workers.leave([key], q.clock.now())

    _, folded = on_terminal("--path", q.location, "status")
    _, whole = on_terminal("--path", q.location, "status", "--all")

    assert "2 workers have ended: --all shows them." in folded
    assert "a@h" not in folded
    assert "a@h" in whole
    assert localq("status").stdout.count("\tgone") == 2, "programs are told of each"


# An app by its variable, and schedules before the first start

NIGHTLY = """
from localq import LocalQ
q = LocalQ("nightly", path="nightly.db")

@q.periodic("59/15 * * * *")
@q.task
def report(): ...
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    made.write("nightly.py", NIGHTLY)
    yield made
    made.close()


def test_the_app_may_be_named_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "variable_app.py").write_text("from localq import LocalQ\nq = LocalQ('shop', path='shop.db')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LOCALQ_APP", "variable_app")

    told = runner().invoke(main, ["report"])

    assert f"{tmp_path}/shop.db" in told.output
    assert "no_such_module" in runner().invoke(main, ["-A", "no_such_module", "report"]).output


def test_schedules_are_shown_before_anything_has_run_and_traps_in_the_banner(project: Project) -> None:
    listed = project.localq("schedules -A nightly").stdout
    worker = project.start("worker -A nightly -B -c 1")
    worker.until("[warnings]")
    warned = worker.until("Schedule nightly.report: ")
    worker.until(" ready.")

    assert listed.splitlines()[0].split("\t")[:2] == ["nightly.report", "at minute 59 of every hour"]
    assert listed.splitlines()[0].endswith("\tconfigured")
    assert "59/15" in warned
    assert worker.stop() == 0


# Completion


def completed(*words: str, path: str) -> list[str]:
    """Return what a shell offers for the last word of a line."""
    complete = ShellComplete(main, {}, "localq", "_LOCALQ_COMPLETE")
    return [one.value for one in complete.get_completions(["--path", path, *words[:-1]], words[-1])]


def test_states_tasks_queues_and_ids_are_completed(q: LocalQ) -> None:
    first = q.send_task("shop.mail", queue="mail")
    second = q.send_task("shop.resize", queue="pictures")

    assert completed("list", "--state", "fai", path=q.location) == ["FAILURE", "FAILED"]
    assert completed("list", "--task", "shop.m", path=q.location) == ["shop.mail"]
    assert completed("call", "shop.r", path=q.location) == ["shop.resize"]
    assert completed("list", "-Q", "", path=q.location) == ["mail", "pictures"]
    assert completed("purge", "-Q", "p", path=q.location) == ["pictures"]
    for command in ("result", "why", "retry", "cancel", "workflow"):
        assert set(completed(command, first.id[:8], path=q.location)) == {first.id, second.id}
    assert completed("result", first.id, path=q.location) == [first.id]


def test_nothing_is_completed_where_there_is_no_file_and_none_is_made(tmp_path: Path) -> None:
    assert completed("result", "", path=str(tmp_path / "no.db")) == []

    assert not os.listdir(tmp_path)


# Beginning anew


def test_the_files_of_the_program_are_watched_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own_module_of_a_program.py"
    own.write_text("x = 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("own_module_of_a_program")

    before = watched()
    os.utime(own, ns=(1, 1))

    assert changed(before, watched()) == [str(own)]
    assert pytest.__file__ not in before
    assert re.__file__ not in before


RELOADED = """
from localq import LocalQ
q = LocalQ("shop", path="shop.db")

@q.task
def price():
    return ANSWER
"""


def test_a_worker_begins_anew_when_its_program_changes_and_can_be_read(project: Project) -> None:
    ask = "from shop import price; print(price.delay().get(timeout=120))"
    project.write("shop.py", RELOADED.replace("ANSWER", "1"))
    worker = project.start("worker -A shop -c 1 --reload")
    worker.until(" ready.")
    before = project.python(ask)

    project.write("shop.py", "def broken(:")
    worker.until("not reloaded: shop.py")
    project.write("shop.py", RELOADED.replace("ANSWER", "2"))
    worker.until("shop.py changed: reloading")
    worker.until(" ready.")

    assert (before, project.python(ask)) == (["1"], ["2"])
    assert worker.stop() == 0
