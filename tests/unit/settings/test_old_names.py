from __future__ import annotations

import pytest

from localq import LocalQ
from localq.exceptions import ImproperlyConfigured
from localq.settings.old_names import refuse_mixed


def conf(**names: object) -> LocalQ:
    app = LocalQ(set_as_current=False)
    app.config_from_object(names)
    return app


def test_old_names_are_read_as_the_new_ones() -> None:
    app = conf(CELERY_TASK_RESULT_EXPIRES=60, CELERYD_TASK_TIME_LIMIT=5, CELERY_SEND_EVENTS=True, BROKER_URL="a.db")

    assert (app.conf.result_expires, app.conf.task_time_limit) == (60, 5)
    assert app.conf.worker_send_task_events is True
    assert app.conf.broker_url == "a.db"


def test_a_setting_is_read_and_set_by_its_old_name_too() -> None:
    app = conf(task_default_queue="mail")

    assert app.conf.CELERY_DEFAULT_QUEUE == app.conf["CELERY_DEFAULT_QUEUE"] == "mail"
    app.conf.CELERY_DEFAULT_QUEUE = "post"
    assert app.conf.task_default_queue == "post"
    assert "CELERY_DEFAULT_QUEUE" in app.conf


def test_a_few_old_names_among_new_ones_are_refused_with_their_new_names() -> None:
    app = conf(task_default_queue="mail", result_expires=5, CELERYD_CONCURRENCY=4)

    with pytest.raises(ImproperlyConfigured, match=r"(?s)old setting name.*CELERYD_CONCURRENCY +-> worker_concurrency"):
        _ = app.conf.task_default_queue


def test_a_few_new_names_among_old_ones_are_refused_with_their_old_names() -> None:
    app = conf(CELERY_DEFAULT_QUEUE="mail", CELERY_TIMEZONE="UTC", worker_concurrency=4)

    with pytest.raises(ImproperlyConfigured, match=r"(?s)new setting name.*worker_concurrency +-> CELERYD_CONCURRENCY"):
        app.conf.load()


def test_both_names_of_one_setting_may_stand_side_by_side() -> None:
    refuse_mixed(["result_expires", "CELERY_TASK_RESULT_EXPIRES", "timezone"])


def test_names_set_by_hand_are_refused_where_they_are_mixed() -> None:
    app = LocalQ(set_as_current=False)
    app.conf.update(CELERY_TIMEZONE="UTC", task_default_queue="mail")

    with pytest.raises(ImproperlyConfigured, match=r"CELERY_TIMEZONE +-> timezone"):
        app.conf.load()


def test_old_names_may_stand_beside_arguments_of_the_app() -> None:
    app = LocalQ(set_as_current=False, durability="normal", worker_concurrency=2)
    app.config_from_object({"CELERY_DEFAULT_QUEUE": "mail"})

    assert (app.conf.task_default_queue, app.conf.worker_concurrency) == ("mail", 2)


def test_a_namespace_is_taken_from_the_names() -> None:
    app = LocalQ(set_as_current=False)
    settings = {
        "CELERY_TASK_DEFAULT_QUEUE": "mail",
        "CELERY_RESULT_EXPIRES": 5,
        "DEBUG": True,
        "TIME_ZONE": "Asia/Tokyo",
    }
    app.config_from_object({**settings, "TIME_ZONE": "Asia/Tokyo"}, namespace="CELERY")

    assert (app.conf.task_default_queue, app.conf.result_expires) == ("mail", 5)
    assert app.conf.timezone == "Asia/Tokyo"
    assert app.conf.DEBUG is True
    assert app.notices() == []


def test_a_slip_within_the_namespace_is_noticed() -> None:
    app = LocalQ(set_as_current=False)
    app.config_from_object({"CELERY_RESULT_EXPIRE": 5, "RESULT_EXPIRE": 6}, namespace="CELERY")

    assert list(app.conf.unknown()) == ["result_expire"]


def test_settings_without_the_namespace_count_below_those_with_it() -> None:
    app = LocalQ(set_as_current=False)
    app.config_from_object({"shop_timezone": "UTC", "timezone": "Asia/Tokyo", "enable_utc": False}, namespace="shop")

    assert (app.conf.timezone, app.conf.enable_utc) == ("UTC", False)
