"""localq status, list, result, call, retry, cancel, purge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from localq import LocalQ
from localq.model.job import JobState
from localq.model.outcome import Note
from localq.serialization.failure import describe, dump
from tests.cli.terminal import on_terminal
from tests.store.given import (
    HOUR,
    NOW,
    attempt,
    card,
    claimed,
    done,
    job,
    job_in,
    new,
    news,
    state,
    worker,
    worker_of_an_earlier_start,
)
from tests.worker.waiting import DEADLINE_S

Run = Callable[..., Result]
HOME = str(Path(__file__).parents[2])
#: States of the store, and what they are shown as.
SHOWN = {
    JobState.WAITING: "PENDING",
    JobState.SCHEDULED: "PENDING",
    JobState.READY: "PENDING",
    JobState.RUNNING: "STARTED",
    JobState.SUCCEEDED: "SUCCESS",
    JobState.FAILED: "FAILURE",
    JobState.CANCELLED: "REVOKED",
}
FINAL = [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED]


def ids(result: Result) -> list[str]:
    """Return the ids in the output of localq list."""
    assert result.exit_code == 0, result.output
    return [line.partition("\t")[0] for line in result.stdout.splitlines()]


def fields(result: Result) -> list[list[str]]:
    # Of status, where no worker is there to answer.
    assert result.exit_code in (0, 69), result.output
    return [line.split("\t") for line in result.stdout.splitlines() if not line.startswith("->")]


def every_state(q: LocalQ) -> None:
    """Add a job in each state, and one that waits to be run again."""
    for one in JobState:
        job_in(q.store, one, one.name)
    q.store.jobs.add([new("again", queue="again")], NOW)
    (taken,) = claimed(q.store, worker(q.store), queues=["again"])
    q.store.jobs.finish([done(taken, JobState.READY, retries=1)], NOW)


def failed(q: LocalQ, job_id: str, error: Exception, **more: Any) -> None:
    """Add a job that failed with an error."""
    q.store.jobs.add([new(job_id, queue=job_id, **more)], NOW)
    (taken,) = claimed(q.store, worker(q.store), queues=[job_id])
    told = attempt(1, ending="FAILURE", result=None, failure=dump(describe(error)))
    q.store.jobs.finish([done(taken, JobState.FAILED, attempt=told)], NOW)


def shell(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run localq as a shell does."""
    return subprocess.run(
        [sys.executable, "-m", "localq", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": HOME},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


# Without a file


@pytest.mark.parametrize(
    "words", [["status"], ["list"], ["result", "x"], ["retry", "x"], ["cancel", "x"], ["purge", "-f"]]
)
def test_a_missing_file_is_said_to_be_missing_and_not_made(localq: Run, tmp_path: Path, words: list[str]) -> None:
    result = localq(*words)

    # To one who asks workers it is as where none answers.
    assert result.exit_code == (69 if words == ["status"] else 74)
    assert f"There is no file {tmp_path}/jobs.db" in result.stderr
    assert os.listdir(tmp_path) == []


def test_jobs_in_another_process_memory_cannot_be_shown(localq: Run) -> None:
    result = localq("status", path=":memory:")

    assert result.exit_code == 2
    assert "in memory" in result.stderr


# list


def test_jobs_are_listed_newest_first_with_what_matters(q: LocalQ, localq: Run) -> None:
    now = q.clock.now()
    q.store.jobs.add([new("older", queue="mail")], now - 3 * 3600 * 10**6)
    q.store.jobs.add([new("newer", task="shop.pack")], now)

    assert fields(localq("list")) == [
        ["newer", "shop.pack", "PENDING", "default", "0", "0s", ""],
        ["older", "shop.mail", "PENDING", "mail", "0", "3h", ""],
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("PENDING", "READY SCHEDULED WAITING first"),
        ("STARTED", "RUNNING"),
        ("RETRY", "again"),
        ("SUCCESS", "SUCCEEDED"),
        ("FAILURE", "FAILED"),
        ("REVOKED", "CANCELLED"),
        ("SCHEDULED", "SCHEDULED"),
        ("ready", "READY again first"),
        ("Failure", "FAILED"),
        ("PROGRESS", ""),
    ],
)
def test_a_state_is_asked_for_by_any_of_its_names(q: LocalQ, localq: Run, name: str, found: str) -> None:
    every_state(q)

    assert sorted(ids(localq("list", "--state", name))) == found.split()


def test_several_states_are_asked_for_at_once(q: LocalQ, localq: Run) -> None:
    every_state(q)

    found = ids(localq("list", "--state", "FAILURE", "--state", "SUCCEEDED", "--state", "RETRY"))

    assert found == ["again", "FAILED", "SUCCEEDED"]


def test_a_state_that_a_task_gave_itself_is_asked_for_by_that_name(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add(news("a", "b", "c"), NOW)
    q.store.jobs.note([Note("b", "Packing", None)], NOW)

    assert ids(localq("list", "--state", "Packing")) == ["b"]


def test_a_job_is_found_under_the_state_it_shows(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new("ignored")], NOW)
    (taken,) = claimed(q.store, worker(q.store))
    q.store.jobs.finish([done(taken, JobState.SUCCEEDED, shown="FAILURE")], NOW)

    assert ids(localq("list", "--state", "FAILURE")) == ["ignored"]
    assert ids(localq("list", "--state", "SUCCESS")) == []
    assert ids(localq("list", "--state", "SUCCEEDED")) == ["ignored"]


@pytest.mark.parametrize(("name", "nearest"), [("failuer", "FAILURE"), ("RUNING", "RUNNING"), ("progres", "PROGRESS")])
def test_an_unknown_state_is_refused_with_the_nearest(q: LocalQ, localq: Run, name: str, nearest: str) -> None:
    q.store.open()

    result = localq("list", "--state", name)

    assert result.exit_code == 2
    assert f"no state {name!r}" in result.stderr
    assert f"Did you mean {nearest!r}?" in result.stderr


def test_jobs_are_asked_for_by_task_and_queue(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new("a", task="x"), new("b", task="y"), new("c", task="x", queue="mail")], NOW)

    assert ids(localq("list", "--task", "x")) == ["c", "a"]
    assert ids(localq("list", "--task", "x", "--queue", "mail")) == ["c"]
    assert ids(localq("list", "--task", "x", "--task", "y", "-Q", "default")) == ["b", "a"]


def test_a_long_list_is_shown_page_by_page(q: LocalQ, localq: Run) -> None:
    every = [f"job-{number:04}" for number in range(1200)]
    q.store.jobs.add(news(*every), NOW)

    first = ids(localq("list", "--limit", "700"))
    rest = ids(localq("list", "--limit", "700", "--before", first[-1]))

    assert first + rest == every[::-1]


def test_listing_before_an_unknown_job_ends_with_4(q: LocalQ, localq: Run) -> None:
    q.store.open()

    assert localq("list", "--before", "nothing").exit_code == 4


def test_the_first_line_of_an_error_is_listed(q: LocalQ, localq: Run) -> None:
    failed(q, "broken", ValueError("too\tlarge\x1b[31m\nsecond line"))

    assert fields(localq("list"))[0][-1] == "ValueError: too\\tlarge\\x1b[31m"


def test_what_jobs_say_cannot_steer_the_terminal(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new("id-\x1b[2J", task="\u202etask\r\n", queue="q\x07")], NOW)

    assert fields(localq("list"))[0][:4] == ["id-\\x1b[2J", "\\u202etask\\r\\n", "PENDING", "q\\x07"]


def test_a_list_in_json_keeps_its_keys(q: LocalQ, localq: Run) -> None:
    failed(q, "broken", ValueError("no"))

    (told,) = json.loads(localq("list", "--json").stdout)

    at = "2025-06-15T15:06:40.000000+00:00"
    assert told == {
        "id": "broken",
        "task": "shop.mail",
        "state": "FAILURE",
        "queue": "broken",
        "priority": 0,
        "tries": 1,
        "retries": 0,
        "crashes": 0,
        "created_at": at,
        "run_at": at,
        "expires_at": None,
        "finished_at": at,
        "error": "ValueError: no",
    }


def test_an_empty_list_is_valid_json(q: LocalQ, localq: Run) -> None:
    q.store.open()

    assert json.loads(localq("list", "--json").stdout) == []
    assert localq("list").stdout == ""


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["status"], ["status", "--json"], ["why", "job"]])
def test_arguments_are_not_shown_unasked(q: LocalQ, localq: Run, words: list[str]) -> None:
    q.store.jobs.add([new("job", args=b'[["secret"],{}]')], NOW)

    assert "secret" not in localq(*words).output


# result


def test_a_result_is_shown_with_how_it_came_about(q: LocalQ, localq: Run) -> None:
    job_in(q.store, JobState.SUCCEEDED, "job-1234")

    result = localq("result", "job-12")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:5] == [
        "id:       job-1234",
        "task:     shop.mail",
        "call:     1",
        "state:    SUCCESS",
        "queue:    job-1234",
    ]
    assert "result:   42" in lines
    assert lines[-3].startswith("attempt 1: SUCCESS on anna, ended ")
    assert lines[-3].endswith(", took 10 µs, peak 12.1 MiB")
    assert lines[-2:] == ["  output:", "    printed"]


def test_an_error_is_shown_and_its_traceback_when_asked_for(q: LocalQ, localq: Run) -> None:
    failed(q, "broken", ValueError("no\x1b"))

    plain, full = localq("result", "broken"), localq("result", "broken", "--traceback")

    assert plain.exit_code == full.exit_code == 1
    assert "error:    ValueError: no\\x1b" in plain.stdout
    assert "Traceback" not in plain.stdout
    assert "    ValueError: no\\x1b\n" in full.stdout
    assert "\x1b" not in full.stdout


@pytest.mark.parametrize(
    ("was", "code"), [(was, {JobState.SUCCEEDED: 0}.get(was, 1) if was.final else 3) for was in JobState]
)
def test_the_exit_code_tells_how_it_went(q: LocalQ, localq: Run, was: JobState, code: int) -> None:
    job_in(q.store, was)

    result = localq("result", "job")

    assert result.exit_code == code
    assert f"state:    {SHOWN[was]}" in result.stdout


def test_an_unknown_id_ends_with_4(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new("job-1234")], NOW)

    short, unknown = localq("result", "job-1"), localq("result", "nothing")

    assert short.exit_code == unknown.exit_code == 4
    assert "6 characters of an id, its first or its last, must be given" in short.stderr
    assert unknown.stderr == f"There is no job 'nothing' in {q.location}.\n"


def test_the_start_of_several_ids_is_refused(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add(news("job-1234", "job-1235"), NOW)

    result = localq("result", "job-12")

    assert result.exit_code == 2
    assert "job-1234" in result.stderr
    assert "job-1235" in result.stderr


def test_an_id_that_starts_another_is_still_itself(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add(news("job-12", "job-123"), NOW)

    assert "id:       job-12\n" in localq("result", "job-12").stdout


def test_a_result_is_waited_for(q: LocalQ, localq: Run) -> None:
    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    with q.running(concurrency=1, pool="threads"):
        result = localq("result", add.delay(2, 3).id, "--wait", "30")

    assert result.exit_code == 0
    assert "result:   5" in result.stdout


def test_waiting_ends_with_3_when_the_time_is_over(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new("job")], NOW)

    assert localq("result", "job", "--wait", "0").exit_code == 3


def test_progress_is_shown_with_the_worker(q: LocalQ, localq: Run) -> None:
    job_in(q.store, JobState.RUNNING)
    q.store.jobs.note([Note("job", "PROGRESS", b'{"done":3,"total":7}')], NOW)

    result = localq("result", "job")

    assert result.exit_code == 3
    assert "state:    PROGRESS" in result.stdout
    assert "worker:   anna (process 4711)" in result.stdout
    assert "info:     {'done': 3, 'total': 7}" in result.stdout
    assert json.loads(localq("result", "job", "--json").stdout)["info"] == {"done": 3, "total": 7}


def test_a_result_in_json_is_the_value_itself(q: LocalQ, localq: Run) -> None:
    job_in(q.store, JobState.SUCCEEDED)

    told = json.loads(localq("result", "job", "--json", "--traceback").stdout)

    assert (told["state"], told["result"], told["error"]) == ("SUCCESS", 42, None)
    assert told["attempts"] == [
        {
            "number": 1,
            "worker": "anna",
            "started_at": "2025-06-15T15:06:40.000010+00:00",
            "ended_at": "2025-06-15T15:06:40.000020+00:00",
            "outcome": "SUCCESS",
            "error": None,
            "peak_memory_bytes": 12_345 * 1024,
            "output": "printed\n",
            "traceback": None,
        }
    ]


def test_an_error_in_json_comes_with_its_attempt(q: LocalQ, localq: Run) -> None:
    failed(q, "broken", ValueError("no"))

    told = json.loads(localq("result", "broken", "--json").stdout)

    assert (told["state"], told["result"], told["error"]) == ("FAILURE", None, "ValueError: no")
    assert [one["error"] for one in told["attempts"]] == ["ValueError: no"]


def test_a_job_that_was_put_back_shows_its_old_error_among_its_attempts_alone(q: LocalQ, localq: Run) -> None:
    failed(q, "broken", ValueError("no"))
    localq("retry", "broken")

    plain, told = localq("result", "broken").stdout, json.loads(localq("result", "broken", "--json").stdout)

    facts, attempts = plain.split("\n\n")
    assert "state:    PENDING\n" in facts
    assert ("error" in facts, "    ValueError: no\n" in attempts) == (False, True)
    assert (told["state"], told["error"]) == ("PENDING", None)
    assert [one["error"] for one in told["attempts"]] == ["ValueError: no"]
    (line,) = fields(localq("list"))
    assert (line[2], line[-1]) == ("PENDING", "")


def test_a_job_that_waits_to_be_retried_says_after_which_error(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new("again")], NOW)
    (taken,) = claimed(q.store, worker(q.store))
    told = attempt(1, ending="RETRY", result=None, failure=dump(describe(ValueError("no"))))
    q.store.jobs.finish([done(taken, JobState.SCHEDULED, attempt=told, retries=1, run_at=NOW + HOUR)], NOW)

    facts, _ = localq("result", "again").stdout.split("\n\n")

    assert "state:    RETRY\n" in facts
    assert facts.endswith("\nafter:    ValueError: no")
    assert json.loads(localq("result", "again", "--json").stdout)["error"] == "ValueError: no"


def test_a_pickled_result_is_not_read_unless_the_app_accepts_it(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new("job", options='{"serializer":"pickle"}')], NOW)
    (taken,) = claimed(q.store, worker(q.store))
    q.store.jobs.finish([done(taken, attempt=attempt(1, result=b"\x80\x05K\x01."))], NOW)

    result = localq("result", "job")
    told = json.loads(localq("result", "job", "--json").stdout)

    assert result.exit_code == 0
    assert "result:   (cannot be read here: content in 'pickle' is refused" in result.stdout
    assert told["result"] is None
    assert "is refused" in told["result_repr"]


# call


def test_calling_prints_the_id_of_the_new_job(q: LocalQ, localq: Run) -> None:
    result = localq("call", "shop.mail", "-a", '[1, "é"]', "-k", '{"to": null}', "-Q", "mail", "--priority", "7")

    assert result.exit_code == 0
    one = job(q.store, result.stdout.strip())
    assert (one.task, one.queue, one.priority, one.state) == ("shop.mail", "mail", 7, JobState.READY)
    assert q.AsyncResult(one.id).args == (1, "é")
    assert q.AsyncResult(one.id).kwargs == {"to": None}


def test_a_call_may_wait_for_its_time(q: LocalQ, localq: Run) -> None:
    soon = q.clock.now() + 60 * 10**6
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    counted = localq("call", "t", "--countdown", "60", "--expires", "90.5").stdout.strip()
    timed = localq("call", "t", "--eta", tomorrow.isoformat()).stdout.strip()

    one = job(q.store, counted)
    assert one.state == JobState.SCHEDULED
    assert soon <= one.run_at < soon + 30 * 10**6
    assert one.expires_at is not None
    assert one.expires_at - one.run_at == 30_500_000
    assert job(q.store, timed).run_at == int(tomorrow.timestamp() * 10**6)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[2, 2", "line 1, column 6"),
        ("[2 2]", "line 1, column 4"),
        ("", "line 1, column 1"),
        ("[1,\n 2 3]", "line 2, column 4"),
    ],
)
def test_bad_json_is_refused_pointing_at_the_place(localq: Run, tmp_path: Path, text: str, place: str) -> None:
    result = localq("call", "t", "-a", text)

    assert result.exit_code == 2
    assert "--args is not JSON" in result.stderr
    assert place in result.stderr
    line, mark = result.stderr.rstrip("\n").split("\n")[-2:]
    column = int(place.rpartition(" ")[2])
    assert line == f"  {text.splitlines()[-1] if text else ''}"
    assert mark == f"  {' ' * (column - 1)}^"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-a", "2"], "--args must be a JSON list, as in '[2, 2]'; it is 2."),
        (["-a", '{"x": 1}'], "--args must be a JSON list"),
        (["-k", "[]"], "--kwargs must be a JSON object"),
        (["-a", "[" * 100_000], "nested too deeply"),
        (["--priority", "11"], "priority=11"),
        (["--eta", "noon"], "eta='noon' is no ISO time"),
        (["--expires", "later"], "expires='later' is no ISO time"),
        (["--countdown", "inf"], "countdown=inf"),
        (["--countdown", "1", "--eta", "2030-01-01"], "countdown or eta"),
        (["--queue", ""], "queue must be a name"),
    ],
)
def test_a_call_that_cannot_be_is_refused(localq: Run, words: list[str], said: str) -> None:
    result = localq("call", "t", *words)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_call_that_expired_already_is_warned_of(localq: Run) -> None:
    result = localq("call", "t", "--expires", "2020-01-01")

    assert result.exit_code == 0
    assert "in the past" in result.stderr
    assert len(result.stdout.split()) == 1


def test_a_call_may_be_waited_for(q: LocalQ, localq: Run) -> None:
    @q.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    with q.running(concurrency=1, pool="threads"):
        well = localq("call", "add", "-a", "[2, 3]", "--wait", "30")
        badly = localq("call", "add", "-a", '["x", 3]', "--wait", "30")
    late = localq("call", "add", "-a", "[2, 3]", "--wait", "0")

    assert (well.exit_code, well.stdout.split()[1:]) == (0, ["5"])
    assert badly.exit_code == 1
    assert badly.stderr.startswith("FAILURE: TypeError: ")
    assert late.exit_code == 3
    assert "it is PENDING and goes on" in late.stderr


def test_a_call_of_a_known_task_is_checked_here(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "from localq import LocalQ\nq = LocalQ(path='jobs.db')\n@q.task\ndef mail(to): ...\n"
    )

    wrong = shell("-A", "shop", "call", "shop.mail", "-a", "[1, 2]", cwd=tmp_path)
    typo = shell("call", "shop.mial", "-A", "shop", cwd=tmp_path)
    made = (tmp_path / "jobs.db").exists()
    meant = shell("call", "shop.mial", "-A", "shop", "--unknown", cwd=tmp_path)

    assert wrong.returncode == 2
    assert "mail() takes" in wrong.stderr or "too many positional arguments" in wrong.stderr
    assert (typo.returncode, typo.stdout, made) == (2, "", False)
    assert "The app has no task 'shop.mial'. Did you mean 'shop.mail'? With --unknown it is" in typo.stderr
    assert (meant.returncode, meant.stderr, len(meant.stdout.split())) == (0, "", 1)


def test_a_called_task_may_be_in_a_module_the_app_includes(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "from localq import LocalQ\nq = LocalQ(path='jobs.db', include=['more'])\n@q.task\ndef mail(to): ...\n"
    )
    (tmp_path / "more.py").write_text("from shop import q\n@q.task\ndef bill(to): ...\n")

    wrong = shell("call", "more.bill", "-A", "shop", "-a", "[1, 2]", cwd=tmp_path)
    right = shell("call", "more.bill", "-A", "shop", "-a", "[1]", cwd=tmp_path)

    assert (wrong.returncode, right.returncode) == (2, 0), right.stderr


def test_a_file_in_a_folder_that_is_not_one_is_said_to_be_out_of_reach(localq: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = localq("status", path=tmp_path / "file" / "jobs.db")

    assert result.exit_code == 74
    assert "jobs.db cannot be looked at: Not a directory." in result.stderr


# retry


@pytest.mark.parametrize("was", FINAL)
def test_finished_jobs_run_again(q: LocalQ, localq: Run, was: JobState) -> None:
    job_in(q.store, was, "job-one")
    job_in(q.store, was, "job-two")

    result = localq("retry", "job-one", "job-tw")

    assert (result.exit_code, result.stdout) == (0, "2 jobs run again.\n")
    assert state(q.store, "job-one") == state(q.store, "job-two") == JobState.READY


def test_what_is_not_finished_or_not_known_does_not_run_again(q: LocalQ, localq: Run) -> None:
    job_in(q.store, JobState.FAILED, "over")
    job_in(q.store, JobState.RUNNING, "running")

    partly, unknown = localq("retry", "over", "running"), localq("retry", "running", "nothing")

    assert (partly.exit_code, partly.stdout) == (1, "1 job runs again.\n")
    assert "running is STARTED: only finished jobs run again" in partly.stderr
    assert unknown.exit_code == 4
    assert "There is no job 'nothing'" in unknown.stderr


def test_all_jobs_of_a_state_run_again(q: LocalQ, localq: Run) -> None:
    every_state(q)
    failed(q, "other", ValueError(), task="shop.pack")

    assert localq("retry", "--state", "FAILURE", "--task", "shop.mail").stdout == "1 job runs again.\n"
    assert localq("retry", "--state", "failure", "--state", "REVOKED").stdout == "2 jobs run again.\n"

    states = {one.name: state(q.store, one.name) for one in JobState}
    assert states.pop("FAILED") == states.pop("CANCELLED") == JobState.READY
    assert all(name == now.name for name, now in states.items())


def test_hundreds_of_jobs_run_again_at_once(q: LocalQ, localq: Run) -> None:
    every = [f"job-{number}" for number in range(1100)]
    q.store.jobs.add(news(*every), NOW)
    q.store.jobs.cancel(every, NOW)

    assert localq("retry", "--state", "REVOKED").stdout == "1,100 jobs run again.\n"

    assert q.store.read.stats().counts == {("default", JobState.READY): 1100}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "by their ids, or by --state"),
        (["x", "--state", "FAILURE"], "one of the two"),
        (["x", "--task", "t"], "--task goes with --state"),
        (["--state", "PENDING"], "only finished jobs run again"),
        (["--state", "FAILUR"], "Did you mean 'FAILURE'?"),
    ],
)
def test_retry_needs_to_know_which_jobs(q: LocalQ, localq: Run, words: list[str], said: str) -> None:
    job_in(q.store, JobState.FAILED, "x")

    result = localq("retry", *words)

    assert result.exit_code == 2
    assert said in result.stderr
    assert state(q.store, "x") == JobState.FAILED


# cancel


def test_a_job_that_waits_is_cancelled(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add(news("job-one", "job-two"), NOW)

    result = localq("cancel", "job-one", "job-tw")

    assert (result.exit_code, result.stdout) == (0, "job-one: cancelled\njob-two: cancelled\n")
    assert state(q.store, "job-one") == state(q.store, "job-two") == JobState.CANCELLED


@pytest.mark.parametrize(
    ("words", "number", "said"),
    [
        ([], 0, "will not run again; --terminate stops it"),
        (["--terminate"], 15, "is being stopped"),
        (["--terminate", "--signal", "KILL"], 9, "is being stopped"),
        (["--signal", "sigint"], 2, "is being stopped"),
    ],
)
def test_a_running_job_is_stopped_only_if_that_is_asked(
    q: LocalQ, localq: Run, words: list[str], number: int, said: str
) -> None:
    one = job_in(q.store, JobState.RUNNING)

    result = localq("cancel", "job", *words)

    assert result.exit_code == 0
    assert said in result.stdout
    assert q.store.workers.beat(one.owner or 0, {one.id: one.run_token}, 0, NOW).cancel == {one.id: number}


def test_what_is_over_or_unknown_cannot_be_cancelled(q: LocalQ, localq: Run) -> None:
    job_in(q.store, JobState.SUCCEEDED, "over")

    finished, unknown = localq("cancel", "over"), localq("cancel", "nothing", "over")

    assert (finished.exit_code, finished.stdout) == (1, "over: had finished already\n")
    assert unknown.exit_code == 4


def test_an_unknown_signal_is_refused(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new()], NOW)

    result = localq("cancel", "job", "--signal", "HELLO")

    assert result.exit_code == 2
    assert "--signal HELLO: no such signal" in result.stderr
    assert state(q.store) == JobState.READY


# purge


def test_purging_without_force_is_refused_where_nobody_can_be_asked(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add(news("a", "b"), NOW)

    result = localq("purge")

    assert result.exit_code == 2
    assert "2 waiting jobs" in result.stderr
    assert "-f" in result.stderr
    assert q.store.read.stats().counts == {("default", JobState.READY): 2}


def test_purging_removes_what_waits(q: LocalQ, localq: Run) -> None:
    every_state(q)

    assert localq("purge", "-f").stdout == "5 jobs removed.\n"

    assert {state for _, state in q.store.read.stats().counts} == {JobState.RUNNING, *FINAL}


def test_purging_some_queues_leaves_the_others(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new(name, queue=name) for name in ("x", "y", "z")], NOW)

    result = localq("purge", "-f", "-Q", "x, y,mail")

    assert result.stdout == "2 jobs removed.\n"
    assert "no job is in queue 'mail'" in result.stderr
    assert q.store.read.stats().counts == {("z", JobState.READY): 1}
    assert localq("purge", "-f", "-Q", " , ").exit_code == 2


def test_purging_where_nothing_waits_asks_nobody(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new(queue="video")], NOW)

    result = localq("purge", "-Q", "mail")

    assert (result.exit_code, result.stdout) == (0, "No job waits in mail: there is nothing to remove.\n")
    assert q.store.read.stats().counts == {("video", JobState.READY): 1}


@pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("y\n", 0)])
def test_on_a_terminal_purging_asks_first(q: LocalQ, answer: str, left: int) -> None:
    q.store.jobs.add([new()], NOW)

    code, seen = on_terminal("--path", q.location, "purge", answer=answer)

    assert "Remove 1 waiting job from all queues? [y/N]" in seen
    assert code == left
    assert sum(q.store.read.stats().counts.values()) == left


# status


def test_status_shows_workers_queues_and_the_file(q: LocalQ, localq: Run) -> None:
    now = q.clock.now()
    q.store.jobs.add([new("old")], now - 180 * 10**6)
    q.store.jobs.add([new("later", run_at=now + 10**12), new("mail", queue="mail")], now)
    job_in(q.store, JobState.FAILED, "bad")
    left = q.store.workers.enter(card("gone@here", queues=None, excluded=("mail",)), now, 0)
    q.store.workers.leave([left], now)

    told = {(line[0], line[1]): line[2:] for line in fields(localq("status"))}

    assert told["worker", "anna"][:4] == ["4711", "processes", "2", "default"]
    assert told["worker", "gone@here"] == ["4711", "processes", "2", "all but mail", "0s", "gone"]
    assert told["queue", "default"] == ["0", "1", "1", "0", "0", "0", "0"]
    assert told["queue", "mail"] == ["0", "0", "1", "0", "0", "0", "0"]
    assert told["queue", "bad"] == ["0", "0", "0", "0", "0", "1", "0"]
    assert ("waiting", "3m") in told
    assert ("file", q.location) in told


def test_a_worker_is_alive_silent_or_gone(q: LocalQ, localq: Run) -> None:
    for name, lease in (("alive", HOUR), ("silent", 0)):
        q.store.workers.enter(card(name), NOW, lease)
    worker_of_an_earlier_start(q.store, "boot")
    buried = worker(q.store, "buried")
    q.store.workers.leave([buried], NOW)

    states = {line[1]: line[-1] for line in fields(localq("status")) if line[0] == "worker"}

    assert states == {"alive": "alive", "silent": "silent", "boot": "gone", "buried": "gone"}


def test_status_in_json_keeps_its_keys(q: LocalQ, localq: Run) -> None:
    @q.task
    def nothing() -> None: ...

    with q.running(concurrency=3, pool="threads", queues=["a", "b"], name="w@h"):
        q.store.jobs.add([new()], NOW)
        told = json.loads(localq("status", "--json").stdout)

    (one,) = told["workers"]
    assert (one["name"], one["state"], one["pid"], one["pool"]) == ("w@h", "alive", os.getpid(), "threads")
    assert (one["slots"], one["queues"], one["excluded"]) == (3, ["a", "b"], [])
    assert {"host", "started_at", "seen_at"} < set(one)
    assert told["queues"] == {
        "default": dict.fromkeys(("WAITING", "SCHEDULED", "STARTED", "SUCCESS", "FAILURE", "REVOKED"), 0) | {"READY": 1}
    }
    assert told["file"]["path"] == q.location
    assert told["file"]["bytes"] > 0
    assert told["oldest_ready_at"] == "2025-06-15T15:06:40.000000+00:00"
    assert told["oldest_ready_age_s"] > 0


def test_status_of_an_empty_store_says_that_nothing_waits(q: LocalQ, localq: Run) -> None:
    q.store.open()

    assert fields(localq("status"))[0] == ["waiting", "-"]
    assert json.loads(localq("status", "--json").stdout)["oldest_ready_age_s"] is None


def unknown_to_all(q: LocalQ, count: int) -> None:
    """Add jobs of tasks of which the only live worker knows one, and some where nobody serves."""
    q.store.workers.enter(card(tasks=("shop.mail",), queues=("default",)), NOW, HOUR)
    gone = q.store.workers.enter(card("gone", tasks=("shop.old-0",)), NOW, HOUR)
    q.store.workers.leave([gone], NOW)
    others = [new(f"old-{number}", task=f"shop.old-{number}") for number in range(count)]
    q.store.jobs.add([new(), new("more", task="shop.old-0"), new("far", task="x", queue="elsewhere"), *others], NOW)


def test_status_names_tasks_that_no_live_worker_knows(q: LocalQ, localq: Run) -> None:
    unknown_to_all(q, 2)

    assert [line for line in fields(localq("status")) if line[0] == "unknown"] == [
        ["unknown", "default", "shop.old-0"],
        ["unknown", "default", "shop.old-1"],
    ]
    assert json.loads(localq("status", "--json").stdout)["unknown_tasks"] == [
        {"queue": "default", "task": "shop.old-0"},
        {"queue": "default", "task": "shop.old-1"},
    ]
    assert localq("status", "-d", "gone").stdout.count("unknown\t") == 2


def test_status_names_no_tasks_where_workers_know_them_all(q: LocalQ, localq: Run) -> None:
    unknown_to_all(q, 0)
    q.store.workers.enter(card("other", tasks=("shop.old-0",)), NOW, HOUR)

    assert "unknown" not in localq("status").stdout
    assert json.loads(localq("status", "--json").stdout)["unknown_tasks"] == []


# On a terminal


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "Jobs wait for tasks that no live worker knows: shop.old-0 (queue default)."),
        (12, "shop.old-6 (queue default), shop.old-7 (queue default) and 2 more."),
    ],
)
def test_a_person_is_told_of_tasks_that_no_live_worker_knows(q: LocalQ, count: int, told: str) -> None:
    unknown_to_all(q, count)

    _, seen = on_terminal("--path", q.location, "status", columns=500)

    assert told in seen.replace("\n", " ")


def test_a_person_sees_tables_with_headings(q: LocalQ) -> None:
    failed(q, "broken", ValueError("no [bold]markup[/bold] \x1b[31m"))

    code, seen = on_terminal("--path", q.location, "list")

    assert code == 0
    heading, row = seen.splitlines()
    assert heading.split() == ["id", "task", "state", "queue", "tries", "age", "error"]
    assert "ValueError: no [bold]markup[/bold] \\x1b[31m" in row


def test_a_narrow_terminal_shows_the_ends_of_ids_which_commands_take(q: LocalQ, localq: Run) -> None:
    job_id = "01a206a3-e4d5-7ebe-8000-0004014eed8f"
    failed(q, job_id, ValueError("x" * 500))

    _, seen = on_terminal("--path", q.location, "list", columns=80)

    assert all(len(line) <= 80 for line in seen.splitlines())
    _, row, error = seen.splitlines()
    assert row.split()[:2] == ["…014eed8f", q.store.read.get([job_id])[job_id].task]
    assert job_id in localq("result", row.split()[0]).stdout
    assert error.startswith("    ValueError: xxx")


def test_a_person_sees_workers_queues_and_the_file(q: LocalQ) -> None:
    q.store.jobs.add([new()], q.clock.now())
    worker_of_an_earlier_start(q.store)

    code, seen = on_terminal("--path", q.location, "status")

    assert code == 69
    lines = seen.splitlines()
    assert lines[:2] == ["workers: none", "queues"]
    assert lines[2].split() == ["name", "WAITING", "SCHEDULED", "READY", "STARTED", "SUCCESS", "FAILURE", "REVOKED"]
    assert lines[3].split() == ["default", "0", "0", "1", "0", "0", "0", "0"]
    assert lines[4].startswith("The oldest ready job has waited for ")
    assert lines[5].startswith(f"{q.location}: ")
    assert lines[6] == "1 worker has ended: --all shows them."


def test_a_packed_and_signed_result_is_the_value_itself_in_json(q: LocalQ, localq: Run) -> None:
    q.conf.update(result_compression="zlib", compression_min_bytes=1, message_signing="require", message_keys="k" * 16)

    @q.task
    def long() -> str:
        return "ab" * 1000

    with q.running(concurrency=1, pool="threads"):
        made = long.delay()
        made.get(timeout=DEADLINE_S)
    q.close()
    # The command has an app of its own, without the key: signatures are off there.
    told = json.loads(localq("result", made.id, "--json").stdout)

    assert told["result"] == "ab" * 1000
    assert told["result_repr"] is None
