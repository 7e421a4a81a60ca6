"""localq bench: what a folder or a server lets LocalQ do, measured beside the app's jobs and removed again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from localq import LocalQ
from localq.cli.bench.measure import Figures, ServerFigures
from localq.cli.bench.verdict import shown, verdict
from tests.cli.terminal import on_terminal
from tests.store.redis_server import redis_server
from tests.store.server import PLACES, place, server
from tests.worker.waiting import DEADLINE_S, PROGRAM_S, alive, until

Run = Callable[..., Result]
SHORT = ("bench", "--seconds", "0.2", "-c", "1")
HOME = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HOME)}
FIGURES = Figures(4_100, 0.6, 3_000, 15_000, 60_000, 0.04, 2, 15_000, 0.06, 0.7, 2.1)
SERVER = ServerFigures(0.25, 0.9, 2_000, 2_500, 60_000, 0.04, 2, 15_000, 0.06, 0.7, 2.1)


def started(folder: Path, *words: str, limit: str = "") -> subprocess.Popen[str]:
    """Start the command in a process of its own, under a limit of the shell's if one is named."""
    command = [sys.executable, "-m", "localq", "bench", "--path", str(folder), *words]
    if limit:
        command = ["sh", "-c", f'{limit}; exec "$@"', "sh", *command]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


# Measuring


def test_it_measures_beside_the_apps_file_and_leaves_nothing_there(q: LocalQ, localq: Run, tmp_path: Path) -> None:
    done = localq(*SHORT)

    fields = dict(line.split("\t") for line in done.stdout.splitlines() if not line.startswith("verdict"))
    assert done.exit_code == 0, done.output
    assert list(fields) == list(Figures._fields)
    assert all(float(value) > 0 for value in fields.values())
    assert len(done.stdout.splitlines()) > len(fields)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_can_be_named_instead(localq: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    told = json.loads(localq(*SHORT, "--json", path=elsewhere).stdout)

    assert told["folder"] == str(elsewhere)
    assert told["slots"] == 1
    assert set(Figures._fields) < set(told)
    assert told["verdict"]
    assert list(elsewhere.iterdir()) == []


def test_jobs_of_the_app_stay_as_they_are(q: LocalQ, localq: Run, tmp_path: Path) -> None:
    waits = q.send_task("len", ("x",))

    assert localq(*SHORT).exit_code == 0

    assert waits.state == "PENDING"
    assert q.store.workers.all() == []
    assert {one.name.partition(".db")[0] for one in tmp_path.iterdir()} == {"jobs"}


def test_a_terminal_gets_a_table_and_the_verdict_below(tmp_path: Path) -> None:
    code, seen = on_terminal("bench", "--seconds", "0.2", "-c", "1", "--path", str(tmp_path))

    assert code == 0, seen
    assert f"{tmp_path}\n" in seen
    assert "syncs of the disk " in seen
    assert "jobs run, 1 slot " in seen
    assert "An idle worker has the result back " in seen
    assert list(tmp_path.iterdir()) == []


# A server


def on_trial(kind: str) -> list[str]:
    """Return what a measured server still has of that."""
    if kind == "redis":
        said = redis_server().say("KEYS", "*localq_trial_*")
        assert isinstance(said, list)
        return [str(key) for key in said]
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(server().url) as connection:
        rows = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'localq_trial%'").fetchall()
    return [name for (name,) in rows]


@pytest.mark.parametrize("kind", PLACES[1:])
def test_a_server_is_measured_beside_the_apps_jobs_and_left_as_it_was(localq: Run, tmp_path: Path, kind: str) -> None:
    with place(kind, tmp_path) as url, contextlib.closing(LocalQ("shop", url=url)) as q:
        waits = q.send_task("len", ("x",))
        done = localq(*SHORT, "--json", path=url)

        assert done.exit_code == 0, done.output
        assert waits.state == "PENDING"
        assert q.store.workers.all() == []
    told = json.loads(done.stdout)
    assert set(ServerFigures._fields) < set(told)
    assert (told["enqueue_normal_per_s"] is None) == (kind == "redis")
    assert all(told[name] is None or told[name] > 0 for name in ServerFigures._fields)
    assert told["verdict"]
    assert on_trial(kind) == []


def test_a_server_that_does_not_answer_is_told_in_a_line(localq: Run) -> None:
    done = localq(*SHORT, path="redis://127.0.0.1:1/0")

    assert done.exit_code == 74
    assert done.stderr.startswith("localq: error: redis://127.0.0.1:1/0")
    assert done.stderr.count("\n") == 1


# What stops it


def child_of(program: subprocess.Popen[str]) -> int:
    """Wait for the worker that is measured, until it has processes of its own; return its process."""
    (child,) = until(lambda: _children(program.pid), DEADLINE_S)
    until(lambda: _children(int(child)), DEADLINE_S)
    return int(child)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_told_to_end_it_removes_what_it_wrote(tmp_path: Path) -> None:
    program = started(tmp_path, "--seconds", "1000", "-c", "1")
    until(lambda: list(tmp_path.glob("*/sync")), DEADLINE_S)

    program.terminate()
    out, err = program.communicate(timeout=PROGRAM_S)

    assert (program.returncode, out) == (130, "")
    assert err == "Interrupted. What it had written is removed.\n"
    assert list(tmp_path.iterdir()) == []


def test_interrupted_while_it_runs_jobs_it_ends_its_worker_too(tmp_path: Path) -> None:
    program = started(tmp_path, "--seconds", "6", "-c", "1")
    worker = child_of(program)

    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=PROGRAM_S)

    assert (program.returncode, out) == (130, "")
    assert err == "Interrupted. What it had written is removed.\n"
    assert not alive(worker)
    assert list(tmp_path.iterdir()) == []


def test_its_worker_ends_with_it_when_it_is_killed(tmp_path: Path) -> None:
    program = started(tmp_path, "--seconds", "4", "-c", "1")
    worker = child_of(program)

    program.kill()
    program.communicate(timeout=PROGRAM_S)

    until(lambda: not alive(worker), DEADLINE_S)
    assert program.returncode == -signal.SIGKILL


def test_a_disk_without_room_is_told_in_a_line(tmp_path: Path) -> None:
    program = started(tmp_path, "--seconds", "0.2", limit="ulimit -f 16")
    out, err = program.communicate(timeout=PROGRAM_S)

    assert (program.returncode, out) == (74, "")
    assert err.startswith(f"localq: error: {tmp_path} cannot be measured: File too large. It needs some 50 MB")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.isdir("/sys/kernel"), reason="a folder in which nobody may write, root neither")
def test_a_folder_that_cannot_be_written_is_told_in_a_line(localq: Run) -> None:
    done = localq("bench", path="/sys/kernel")

    assert done.exit_code == 74
    assert done.stderr.startswith("localq: error: /sys/kernel cannot be measured: ")
    assert done.stderr.endswith("or name another folder with --path.\n")


def test_a_folder_that_is_not_there_is_told(localq: Run, tmp_path: Path) -> None:
    done = localq("bench", path=tmp_path / "none" / "jobs.db")

    assert done.exit_code == 2
    assert f"There is no folder {tmp_path / 'none'}." in done.stderr


def test_what_is_no_file_needs_a_folder_to_be_named(localq: Run) -> None:
    done = localq("bench", path=":memory:")

    assert done.exit_code == 2
    assert "Name a folder to measure: localq bench --path FOLDER" in done.stderr


def test_a_worker_that_dies_ends_it_with_what_that_said(tmp_path: Path) -> None:
    program = started(tmp_path, "--seconds", "6", "-c", "1")
    os.kill(child_of(program), signal.SIGKILL)

    out, err = program.communicate(timeout=PROGRAM_S)

    assert (program.returncode, out) == (74, "")
    assert err == "localq: error: The worker that was measured ended by itself (exit code -9). It said nothing.\n"
    assert list(tmp_path.iterdir()) == []


# What the figures mean


def test_a_disk_that_syncs_slowly_gets_the_ways_around_and_what_each_costs() -> None:
    said = verdict(FIGURES._replace(syncs_per_s=41.3, enqueue_full_per_s=38.4, enqueue_normal_per_s=9_120))

    assert said[:3] == [
        "This disk syncs 41 times a second, and with durability='full', the default, each call waits for it: 38 calls "
        "a second.",
        "Where many jobs come at once use enqueue_many, which waits once for all of them: 60,000 jobs a second, and as "
        "safe.",
        "With durability='normal' no call waits: 9,100 a second. A power cut may then lose the last moments' calls; a "
        "crash of a program loses none.",
    ]


def test_a_disk_that_syncs_fast_needs_nothing_changed() -> None:
    said = verdict(FIGURES)

    assert said == [
        "This disk syncs 4,100 times a second: with durability='full', the default, a call takes 0.33 ms, with "
        "'normal' 0.07 ms. Leave it at 'full'.",
        "2 slots run 15,000 jobs a second that do nothing. A job costs 0.10 ms of processor in all: beside 10 ms of "
        "work that is one part in a hundred.",
        "An idle worker has the result back 0.70 ms after the call, and 2.10 ms after one in a hundred.",
    ]


def test_what_answers_faster_than_a_disk_is_called_memory() -> None:
    said = verdict(FIGURES._replace(syncs_per_s=500_000))

    assert said[0].startswith("A sync takes 2 µs here: memory answers, or a disk that does not wait")


def test_a_server_is_told_by_what_a_question_and_a_call_take() -> None:
    said = verdict(SERVER)

    assert said[:2] == [
        "A question to this server takes 0.25 ms, a call 0.50 ms with durability='full', the default, and 0.40 ms with "
        "'normal'.",
        "Where many jobs come at once use enqueue_many, which asks once for all of them: 60,000 jobs a second, and as "
        "safe.",
    ]
    assert verdict(SERVER._replace(enqueue_normal_per_s=None))[0] == (
        "A question to this server takes 0.25 ms, a call 0.50 ms."
    )


@pytest.mark.parametrize(
    ("normal", "calls"),
    [
        (2_500, [("calls, durability='full'", "2,000 a second"), ("calls, durability='normal'", "2,500 a second")]),
        (None, [("calls", "2,000 a second")]),
    ],
)
def test_a_servers_figures_begin_with_the_way_to_it(normal: float | None, calls: list[tuple[str, str]]) -> None:
    lines = shown(SERVER._replace(enqueue_normal_per_s=normal))

    assert lines[: 1 + len(calls)] == [("to the server and back", "p50 0.25 ms, p99 0.90 ms"), *calls]
    assert lines[-1] == ("processor time of running a job", "0.06 ms")


def test_every_figure_for_people_has_a_name_and_a_unit() -> None:
    assert shown(FIGURES) == [
        ("syncs of the disk", "4,100 a second, p99 0.60 ms"),
        ("calls, durability='full'", "3,000 a second"),
        ("calls, durability='normal'", "15,000 a second"),
        ("enqueue_many, 1,000 at a time", "60,000 jobs a second"),
        ("jobs run, 2 slots", "15,000 a second"),
        ("from a call to its result", "p50 0.70 ms, p99 2.10 ms"),
        ("processor time of a call", "0.04 ms"),
        ("processor time of running a job", "0.06 ms"),
    ]
