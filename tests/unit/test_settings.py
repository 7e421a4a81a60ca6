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


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"'result_expire'. Did you mean 'result_expires'"):
        Settings().result_expire = 5
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
