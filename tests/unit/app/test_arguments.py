"""Arguments of Celery's apps that ours has no parameters for."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from localq import Celery
from localq.exceptions import NoEffectWarning


def app(**given: Any) -> Celery:
    return Celery("tests", set_as_current=False, **given)


def test_names_of_a_program_s_own_are_kept_as_celery_keeps_them() -> None:
    assert app(shop_name="ann").conf.shop_name == "ann"


def test_changes_are_settings() -> None:
    made = app(changes={"task_default_queue": "mails", "shop_name": "ann"}, task_default_queue="bills")

    assert (made.conf.task_default_queue, made.conf.shop_name) == ("bills", "ann")


@pytest.mark.parametrize("name", ["loader", "amqp", "events", "log", "control", "fixups"])
def test_classes_of_celery_s_are_taken_with_a_warning(name: str) -> None:
    with pytest.warns(NoEffectWarning, match=f"The argument '{name}' of an app has no effect: "):
        app(**{name: "shop.celery:Mine"})

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        app(**{name: None})


@pytest.mark.parametrize(("slip", "meant"), [("brokr", "broker"), ("task_route", "task_routes")])
def test_a_slip_is_refused_and_names_what_was_meant(slip: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"unknown setting '{slip}'. Did you mean '{meant}'"):
        app(**{slip: 1})


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("concurrency", "q.running(...) or q.start(...), or as -c to localq worker; the setting is worker_concurrency"),
        ("pool", "q.running(...) or q.start(...), or as -P to localq worker; the setting is worker_pool"),
        ("max_retries", "@q.task(max_retries=...)"),
        ("rate_limit", "@q.task(rate_limit=...); the setting is task_default_rate_limit"),
        ("retry", "@q.task(autoretry_for=(SomeError,), max_retries=...)"),
        ("timeout", "@q.task(time_limit=...), a wait's is result.get(timeout=...)"),
    ],
)
def test_what_belongs_to_workers_or_tasks_is_kept_with_a_warning_that_says_where_it_goes(name: str, place: str) -> None:
    with pytest.warns(NoEffectWarning) as warned:
        made = app(**{name: 3})

    (told,) = (str(one.message) for one in warned)
    assert told.startswith(f"LocalQ({name}=...) has no effect: ")
    assert told.endswith(f"{place}.")
    assert made.conf[name] == 3


@pytest.mark.parametrize(("name", "option"), [("shop.db", "path"), ("redis://host/0", "url")])
def test_a_name_that_reads_like_a_place_is_warned_of(name: str, option: str) -> None:
    with pytest.warns(NoEffectWarning, match=f"{option}={name!r} does"):
        Celery(name, set_as_current=False)
