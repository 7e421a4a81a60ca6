"""Control: letters to workers, their answers, and orders that hold until they are withdrawn."""

from __future__ import annotations

from typing import Any

import pytest

from localq.model.ids import new_id
from localq.model.orders import LIMITS, PAUSE, RATE, Order
from localq.model.worker import EVERY_QUEUE, Served
from tests.store.given import LEASE, NOW, SECOND, card, claimed, new, news, pause, resume, worker

pytestmark = pytest.mark.facets("jobs", "read", "workers", "mail")

UNTIL = NOW + SECOND


def sent(store: Any, command: str = "ping", to: list[str] | None = None, **more: Any) -> int:
    given = {"wants_reply": True, "expires_at": UNTIL, "now": NOW, "token": new_id(), **more}
    return int(store.mail.post(command, "{}", to, **given))


def read(store: Any, name: str = "anna", place: int | None = 0, now: int = NOW) -> list[str]:
    return [letter.command for letter in store.mail.take(name, place, now).letters]


# Letters


def test_a_letter_to_all_reaches_every_worker_once(store: Any) -> None:
    key = sent(store, "ping")

    mail = store.mail.take("anna", 0, NOW)

    assert [tuple(letter) for letter in mail.letters] == [(key, "ping", "{}", True)]
    assert read(store, "bert") == ["ping"]
    assert read(store, "anna", mail.place) == []


def test_a_letter_to_some_reaches_them_alone(store: Any) -> None:
    sent(store, "ping", ["anna", "carl"])

    assert [read(store, name) for name in ("anna", "bert", "carl", "ann")] == [["ping"], [], ["ping"], []]


def test_letters_come_in_the_order_of_sending(store: Any) -> None:
    for command in "abc":
        sent(store, command)

    assert read(store) == ["a", "b", "c"]


def test_an_expired_letter_is_not_delivered(store: Any) -> None:
    sent(store)

    assert (read(store, now=UNTIL), read(store, now=UNTIL + 1)) == (["ping"], [])


def test_who_comes_later_is_not_meant_by_earlier_letters(store: Any) -> None:
    sent(store, "before")

    mail = store.mail.take("anna", None, NOW)
    sent(store, "after")

    assert mail.letters == []
    assert read(store, place=mail.place) == ["after"]


def test_a_place_holds_when_all_letters_have_gone(store: Any) -> None:
    sent(store, "old")
    place = store.mail.take("anna", 0, NOW).place
    sent(store, "new", now=UNTIL + 1, expires_at=UNTIL + SECOND)

    assert read(store, place=place, now=UNTIL + 1) == ["new"]


def test_answers_are_kept_by_letter_in_the_order_they_came(store: Any) -> None:
    first, second = sent(store), sent(store)

    store.mail.answer(first, "anna", '"1"', "a")
    store.mail.answer(second, "anna", '"2"', "a")
    store.mail.answer(first, "bert", '"3"', "b")

    assert store.mail.answers(first) == [("anna", '"1"'), ("bert", '"3"')]
    assert store.mail.answers(second) == [("anna", '"2"')]


def test_a_letter_posted_again_under_its_token_is_one_letter(store: Any) -> None:
    first = sent(store, "ping", token="once")
    place = store.mail.take("anna", 0, NOW).place

    assert sent(store, "ping", token="once") == first
    assert sent(store, "ping", token="other") != first
    assert (read(store), read(store, place=place)) == (["ping", "ping"], ["ping"])


def test_a_worker_answers_a_letter_once_and_its_namesake_too(store: Any) -> None:
    key = sent(store)

    store.mail.answer(key, "anna", "1", "first anna")
    store.mail.answer(key, "anna", "2", "first anna")
    store.mail.answer(key, "anna", "3", "second anna")

    assert store.mail.answers(key) == [("anna", "1"), ("anna", "3")]


def test_answers_go_with_their_letter(store: Any) -> None:
    key = sent(store)
    store.mail.answer(key, "anna", "1", "a")

    sent(store, now=UNTIL + 1, expires_at=UNTIL + SECOND)

    assert store.mail.answers(key) == []


# Orders


def test_orders_hold_until_they_are_withdrawn(store: Any) -> None:
    store.mail.order([Order(RATE, "mail", "10/s"), Order(LIMITS, "mail", "[1, 2]")], NOW)
    store.mail.order([Order(RATE, "mail", "5/s")], NOW)

    assert store.mail.orders() == [Order(LIMITS, "mail", "[1, 2]"), Order(RATE, "mail", "5/s")]

    store.mail.order([Order(RATE, "mail", None), Order(RATE, "unknown", None)], NOW)
    assert store.mail.orders() == [Order(LIMITS, "mail", "[1, 2]")]


def test_an_order_tells_since_when_it_holds_as_it_does(store: Any) -> None:
    store.mail.order([Order(PAUSE, "a", ""), Order(RATE, "a", "1/s")], NOW)
    store.mail.order([Order(PAUSE, "a", ""), Order(PAUSE, "b", ""), Order(RATE, "a", "2/s")], NOW + SECOND)

    assert store.mail.ordered_at(PAUSE) == {"a": NOW, "b": NOW + SECOND}
    assert store.mail.ordered_at(RATE) == {"a": NOW + SECOND}


def test_a_heartbeat_tells_the_orders(store: Any) -> None:
    anna = worker(store)
    pause(store, ["default"])

    assert store.workers.beat(anna, {}, LEASE, NOW).orders == (Order(PAUSE, "default", ""),)


# Pausing


def test_pausing_and_resuming_say_what_they_changed(store: Any) -> None:
    assert pause(store, ["a", "b", "a"]) == ["a", "b"]
    assert pause(store, ["b", "c"]) == ["c"]
    assert resume(store, ["a", "x"]) == ["a"]
    assert [order.name for order in store.mail.orders()] == ["b", "c"]


@pytest.mark.parametrize("queues", [None, ["a", "b"]])
def test_nothing_is_claimed_from_a_paused_queue(store: Any, queues: list[str] | None) -> None:
    store.jobs.add([new("1", queue="a"), new("2", queue="b")], NOW)
    anna = worker(store)

    pause(store, ["a"])
    assert [job.id for job in claimed(store, anna, queues=queues)] == ["2"]

    resume(store, ["a"])
    assert [job.id for job in claimed(store, anna, queues=queues)] == ["1"]


def test_a_worker_whose_only_queue_is_paused_gets_nothing(store: Any) -> None:
    store.jobs.add(news("1"), NOW)
    pause(store, ["default"])

    assert claimed(store, worker(store), queues=["default"]) == []


def test_jobs_that_come_due_in_a_paused_queue_wait_there(store: Any) -> None:
    store.jobs.add([new("1", run_at=NOW + 5)], NOW)
    pause(store, ["default"])
    anna = worker(store)

    assert claimed(store, anna, now=NOW + 5) == []
    resume(store, ["default"])
    assert [job.id for job in claimed(store, anna, now=NOW + 6)] == ["1"]


# What workers say and ask


def test_a_worker_can_describe_itself_anew(store: Any) -> None:
    key = worker(store)
    told = card("anna", queues=("a", "b"), concurrency=7)

    store.workers.beat(key, {}, LEASE, NOW, told)

    assert [row.card for row in store.workers.all()] == [told]


def test_the_backlog_counts_ready_jobs_no_further_than_asked(store: Any) -> None:
    store.jobs.add([*news("1", "2", "3"), new("4", queue="b"), new("5", run_at=NOW + 5)], NOW)

    assert [store.jobs.backlog(EVERY_QUEUE, most) for most in (0, 2, 10)] == [0, 2, 4]
    assert store.jobs.backlog(Served(("b", "c")), 10) == 1
    assert store.jobs.backlog(Served(None, ("default",)), 10) == 1
