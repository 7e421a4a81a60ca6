"""localq inspect, control, pause, resume and status, about workers that answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from localq import LocalQ
from localq.model.orders import LIMITS, PAUSE, RATE, Order
from localq.model.worker import EVERY_QUEUE
from tests.cli.terminal import on_terminal
from tests.store.given import HOUR, NOW, card, new, worker_of_an_earlier_start

Run = Callable[..., Result]


@pytest.fixture
def anna(q: LocalQ) -> Iterator[str]:
    """Run a worker of the name anna@h."""
    q.task(name="one")(lambda: 1)
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        yield "anna@h"


# inspect


def test_a_worker_is_found_by_its_other_name(q: LocalQ, localq: Run) -> None:
    with q.running(concurrency=1, pool="threads", name="localq@h"):
        assert localq("inspect", "ping", "-d", "celery@h").stdout.startswith("->  celery@h: OK\n")
        assert localq("status", "-d", "celery@h").exit_code == 0


def test_answers_are_shown_as_in_celery(anna: str, localq: Run) -> None:
    result = localq("inspect", "ping")

    assert (result.exit_code, result.stdout) == (0, "->  anna@h: OK\n    pong\n\n1 node online.\n")
    assert localq("inspect", "registered").stdout.startswith("->  anna@h: OK\n    * one\n")
    assert localq("inspect", "active").stdout.startswith("->  anna@h: OK\n    - empty -\n")


def test_an_answer_in_json_is_by_worker(anna: str, localq: Run) -> None:
    result = localq("inspect", "-j", "registered", "max_retries")

    assert json.loads(result.stdout) == {"anna@h": ["one [max_retries=3]"]}


def test_options_may_stand_in_any_place(anna: str, localq: Run) -> None:
    for words in (["-t", "5", "ping"], ["ping", "--timeout", "5", "--destination", "anna@h"]):
        assert localq("inspect", *words).exit_code == 0


def test_where_nobody_answers_the_exit_code_tells(q: LocalQ, localq: Run) -> None:
    q.store.open()

    for words in (["inspect", "ping"], ["control", "shutdown"], ["inspect", "ping", "-d", "carl@h"]):
        result = localq(*words)
        assert (result.exit_code, result.stdout) == (69, "")
        assert "No nodes replied" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["inspect", "pong"], "There is no command 'pong' for workers. Did you mean 'ping'?"),
        (["inspect", "shutdown"], "It is one of localq control."),
        (["control", "pool_grow", "many"], "pool_grow: n cannot be 'many'."),
        (["control", "shutdown", "now"], "shutdown takes no arguments; 'now' is too much."),
        (["control", "autoscale", "3", "1", "2"], "autoscale takes [max [min]]; '2' is too much."),
        (["control", "rate_limit", "one", "fast"], "rate limit 'fast' must be"),
        (
            ["control", "rate_limit", "one"],
            "rate_limit takes <task_name> <rate_limit (e.g., 5/s | 5/m | 5/h)>; rate_limit",
        ),
        (["control", "add_consumer"], "add_consumer takes <queue>; queue is missing."),
        (["control", "revoke"], "revoke takes [id1 [id2 [... [idN]]]]; task_id is missing."),
        (["control", "terminate", "KILL"], "terminate takes <signal> [id1 [id2 [... [idN]]]]; task_id is missing."),
        (["control", "revoke_by_stamped_headers"], "; headers is missing."),
        (["control", "revoke_by_stamped_headers", "shop"], "'shop' is not of the form name=value."),
        (["control", "terminate", "NOSIGNAL", "id"], "'NOSIGNAL' is no signal"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(q: LocalQ, localq: Run, words: list[str], said: str) -> None:
    q.store.open()

    result = localq(*words)

    assert result.exit_code == 2
    assert said in result.stderr


def test_jobs_are_revoked_by_their_stamps(q: LocalQ, localq: Run) -> None:
    mine, other = (q.send_task("shop.mail", headers={"shop": shop}) for shop in ("anna", "bert"))

    result = localq("control", "revoke_by_stamped_headers", "shop=anna", "area=north=west")

    assert result.stdout == "No worker has answered; it is written down for those that come.\n"
    assert [mine.state, other.state] == ["REVOKED", "PENDING"]


@pytest.mark.parametrize(("kind", "name"), [("inspect", "active_queues"), ("control", "pool_grow")])
def test_the_commands_are_listed(localq: Run, kind: str, name: str) -> None:
    lines = localq(kind, "--list").stdout.splitlines()

    assert any(line.split()[0] == name for line in lines)
    assert lines == localq(kind).stdout.splitlines()


def test_no_file_is_made_to_ask(q: LocalQ, localq: Run) -> None:
    for words in (("inspect", "ping"), ("status",), ("control", "shutdown"), ("control", "revoke", "an-id")):
        assert localq(*words).exit_code == 69
    assert not Path(q.location).exists()


# control


def test_a_worker_does_what_it_is_told(q: LocalQ, anna: str, localq: Run) -> None:
    assert "already consuming from 'b'" in localq("control", "add_consumer", "b").stdout
    assert "pool will grow" in localq("control", "pool_grow", "2").stdout
    assert json.loads(localq("inspect", "stats", "--json").stdout)[anna]["pool"]["max-concurrency"] == 3


def test_a_refusal_is_shown_and_the_exit_code_tells(anna: str, localq: Run) -> None:
    result = localq("control", "pool_shrink", "5")

    assert result.exit_code == 1
    assert result.stdout.startswith("->  anna@h: ERROR\n    The pool cannot have -4 slots")


def test_what_lasts_is_written_down_where_no_worker_is(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new("waits")], NOW)

    for words in (["rate_limit", "one", "5/m"], ["time_limit", "one", "10", "20"], ["revoke", "waits"]):
        result = localq("control", *words)
        assert (result.exit_code, result.stdout) == (
            0,
            "No worker has answered; it is written down for those that come.\n",
        )

    assert q.store.mail.orders() == [Order(LIMITS, "one", "[10.0, 20.0]"), Order(RATE, "one", "5/m")]
    assert q.AsyncResult("waits").state == "REVOKED"


# pause and resume


def test_queues_are_paused_and_resumed(q: LocalQ, localq: Run) -> None:
    q.store.open()

    assert localq("pause", "a", "b").stdout == "a is paused.\nb is paused.\n"
    assert localq("pause", "a").stdout == "a was paused already.\n"
    assert localq("resume", "a", "c").stdout == "a goes on.\nc was not paused.\n"
    assert q.store.mail.orders() == [Order(PAUSE, "b", "")]


# status


def test_a_queue_that_is_nearly_another_is_paused_with_a_word_about_that(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new("a", queue="reports")], NOW)

    misspelt, new_one = localq("pause", "repots"), localq("pause", "mail")
    not_paused = localq("resume", "repost")

    assert misspelt.stdout == "repots is paused.\n"
    assert misspelt.stderr == "Note: no job is in queue 'repots'. Did you mean 'reports'?\n"
    assert (new_one.stdout, new_one.stderr) == ("mail is paused.\n", "")
    assert not_paused.stdout == "repost was not paused. Did you mean 'repots'?\n"


def test_status_says_who_answers_and_what_is_paused(q: LocalQ, anna: str, localq: Run) -> None:
    q.control.pause("a")
    q.store.workers.enter(card("stuck@h"), NOW, HOUR)

    lines = localq("status", "-t", "0.2").stdout.splitlines()

    assert lines[:5] == ["->  anna@h: OK", "->  stuck@h: no answer", "", "1 node online.", ""]
    assert lines[5].startswith("worker\tanna@h\t")
    assert lines[-1] == "paused\ta"


def test_status_in_json_says_who_answers(q: LocalQ, anna: str, localq: Run) -> None:
    q.control.pause("a")
    worker_of_an_earlier_start(q.store, "gone@h")

    told = json.loads(localq("status", "-j").stdout)

    assert {one["name"]: one["answered"] for one in told["workers"]} == {"anna@h": True, "gone@h": None}
    assert told["paused"] == ["a"]


def test_status_of_some_workers_shows_them_alone(q: LocalQ, anna: str, localq: Run) -> None:
    worker_of_an_earlier_start(q.store, "gone@h")

    lines = localq("status", "-d", "anna@h").stdout.splitlines()

    assert [line.split("\t")[1] for line in lines if line.startswith("worker")] == ["anna@h"]


def test_status_ends_with_69_where_nobody_answers_and_shows_the_file_all_the_same(
    q: LocalQ, anna: str, localq: Run
) -> None:
    worker_of_an_earlier_start(q.store, "gone@h")

    one_answers, none_answers = localq("status", "-d", "gone@h,anna@h"), localq("status", "-d", "gone@h")
    q.stop()
    nobody_there = localq("status")

    assert [one.exit_code for one in (one_answers, none_answers, nobody_there)] == [0, 69, 69]
    assert none_answers.stderr == (
        "Error: No nodes replied within time constraint.\nNo worker 'gone@h' is running. Running: anna@h.\n"
    )
    assert nobody_there.stderr.splitlines()[1:] == ["No worker is running. Start one: localq worker -A APP"]
    assert "online" not in nobody_there.stdout
    assert "gone@h" in none_answers.stdout


def test_a_person_sees_celerys_lines_first(q: LocalQ, anna: str) -> None:
    q.control.pause("a")

    code, seen = on_terminal("--path", q.location, "status")

    lines = seen.splitlines()
    assert (code, lines[:4]) == (0, ["->  anna@h: OK", "", "1 node online.", ""])
    assert lines[-1] == "Paused: a"


# What a rate limit holds back


def test_a_job_that_waits_for_its_rate_limit_says_so(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new("first", task="one"), new("second", task="one")], q.clock.now())
    q.control.rate_limit("one", "1/h")
    key = q.store.workers.enter(card(), NOW, HOUR)
    q.store.jobs.claim(key, EVERY_QUEUE, 10, q.clock.now())

    told = localq("result", "second").stdout

    assert "when its rate limit allows" in told
    assert {one["id"]: one["run_at"] for one in json.loads(localq("list", "--json").stdout)}["second"] is None
