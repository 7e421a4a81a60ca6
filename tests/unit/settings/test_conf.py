from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from localq import LocalQ
from localq.exceptions import ImproperlyConfigured
from localq.settings import SETTINGS, Settings


def test_every_default_passes_its_own_check() -> None:
    for one in SETTINGS.values():
        assert one.check(one.default) == one.default, one.name


def test_settings_are_read_by_attribute_and_by_item() -> None:
    conf = Settings({"result_expires": timedelta(hours=1)})

    assert conf.result_expires == conf["result_expires"] == 3600
    assert conf.task_default_queue == "celery"
    assert conf.given() == {"result_expires": 3600}


@pytest.mark.parametrize("forever", [None, 0])
def test_results_are_kept_for_ever_when_asked(forever: Any) -> None:
    assert Settings({"result_expires": forever}).result_expires is None


def test_a_time_zone_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"timezone is 'Europe/Berln': .* such as 'Europe/Berlin' or 'UTC'"):
        Settings({"timezone": "Europe/Berln"})


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'worker_pool'"):
        _ = Settings().worker_pol
    with pytest.raises(TypeError, match=r"unknown setting 'durabilty'. Did you mean 'durability'"):
        LocalQ(durabilty="full")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("durability", "some"),
        ("worker_concurrency", 0),
        ("worker_concurrency", "many"),
        ("worker_pool", "fibers"),
        ("task_time_limit", -1),
        ("task_time_limit", "5"),
        ("result_expires", "1 day"),
        ("task_default_priority", 10),
        ("task_max_crashes", 0),
        ("task_always_eager", "yes"),
        ("accept_content", "json"),
        ("include", 5),
        ("task_default_queue", ""),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_setting(name: str, value: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"Setting {name} is .*: it "):
        Settings({name: value})


def test_settings_can_be_copied() -> None:
    conf = Settings({"task_default_queue": "work"})

    assert copy.deepcopy(conf).task_default_queue == "work"
    assert dict(conf)["task_default_queue"] == "work"


def test_a_file_is_given_once() -> None:
    with pytest.raises(ImproperlyConfigured, match="not both"):
        LocalQ(path="a.db", url="sqlite:///b.db")
    with pytest.raises(ImproperlyConfigured, match="The path is empty"):
        LocalQ(path="")


def test_names_of_the_program_s_own_are_kept() -> None:
    conf = Settings()
    conf.MY_SERVER = "mail.example"
    conf["my_limit"] = 5
    conf.update(update_every=3)

    assert (conf.MY_SERVER, conf["my_limit"], conf.update_every) == ("mail.example", 5, 3)
    assert "MY_SERVER" in conf
    assert conf.get("no_such_name") is None
    assert conf.setdefault("my_limit", 7) == 5
    assert "MY_SERVER" not in conf.given()


def test_a_name_of_the_program_s_own_hides_no_method() -> None:
    conf = Settings()
    conf["update"] = 1

    conf.update(task_default_queue="mail")

    assert (conf["update"], conf.task_default_queue) == (1, "mail")


def test_a_name_that_may_be_a_slip_is_told() -> None:
    conf = Settings()
    conf.result_expire = 5
    conf.MY_SERVER = "mail.example"

    assert conf.unknown() == {"result_expire": " Did you mean 'result_expires'?"}


def test_a_setting_goes_back_to_its_default() -> None:
    conf = Settings({"task_default_queue": "mail"})
    conf.my_own = 5
    del conf["task_default_queue"], conf["my_own"]

    assert conf.task_default_queue == "celery"
    assert "my_own" not in conf
    with pytest.raises(KeyError, match="Unknown setting 'my_own'"):
        _ = conf["my_own"]


def test_settings_are_shown_without_secrets() -> None:
    conf = Settings({"broker_url": "redis://ann:secret@host/1", "security_key": "k", "task_default_queue": "mail"})
    conf.API_TOKEN = "t"

    told = conf.humanize()

    assert told.splitlines() == [
        "broker_url: 'redis://ann:********@host/1'",
        "security_key: '********'",
        "task_default_queue: 'mail'",
        "API_TOKEN: '********'",
    ]
    assert "secret" in conf.humanize(censored=False)
    assert conf.table(with_defaults=True)["worker_pool"] == "processes"


def test_a_setting_is_found_by_the_parts_of_its_name() -> None:
    conf = Settings({"worker_concurrency": 3})

    assert conf.get_by_parts("worker", "concurrency") == conf.get_by_parts("", "worker_concurrency") == 3
    with pytest.raises(KeyError, match="worker_concurency"):
        conf.get_by_parts("worker", "concurency")


def test_each_setting_says_what_set_it() -> None:
    conf = Settings({"task_default_queue": "mail"})
    conf.timezone = "UTC"

    assert (conf.source("task_default_queue"), conf.source("timezone")) == ("LocalQ(...)", "app.conf")
    assert conf.source("enable_utc") == ""


def test_nothing_is_set_where_one_value_cannot_be() -> None:
    conf = Settings()

    with pytest.raises(ImproperlyConfigured, match="task_time_limit"):
        conf.update(task_default_queue="mail", task_time_limit=-1)

    assert conf.task_default_queue == "celery"


def test_apps_do_not_share_a_default_that_can_change() -> None:
    one, other = Settings(), Settings()

    one.beat_schedule["nightly"] = {"task": "report"}

    assert other.beat_schedule == {}


def test_who_asks_is_told_of_changes() -> None:
    heard: list[str] = []
    conf = Settings()
    conf.on_change(lambda: heard.append(conf.task_default_queue))

    conf.load()
    conf.task_default_queue = "mail"

    assert heard == ["celery", "mail"]
