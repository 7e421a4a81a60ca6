from __future__ import annotations

import importlib
import pkgutil
from datetime import timedelta
from pathlib import Path

import pytest

from localq import exceptions
from localq.settings import NEW_NAMES, SETTINGS
from localq.settings.all_settings import suggestion

#: Name, name before Celery 4, and default of every setting of Celery 5.7, as its own table has them.
CELERY = [line.split("\t") for line in Path(__file__).with_name("celery_settings.txt").read_text("utf-8").splitlines()]
#: Defaults that differ, each on purpose.
DIFFERENT = {
    "task_acks_late",
    "task_track_started",
    "task_default_priority",
    "result_extended",
    "result_persistent",
    "worker_pool",
    "worker_send_task_events",
}


def test_there_are_207_settings_in_celery() -> None:
    assert len(CELERY) == 207


@pytest.mark.parametrize(("name", "old", "default"), CELERY, ids=lambda value: value[:40])
def test_every_setting_of_celery_is_known_with_its_old_name_and_default(name: str, old: str, default: str) -> None:
    setting = SETTINGS[name]

    assert setting.old_name == old
    assert NEW_NAMES[old] == name
    same = name == "result_expires" or setting.default == eval(default, {"inf": float("inf")})
    assert same == (name not in DIFFERENT), "a default that differs belongs into DIFFERENT"


def test_results_are_kept_as_long_as_in_celery() -> None:
    assert SETTINGS["result_expires"].default == timedelta(days=1).total_seconds()


def test_settings_of_its_own_have_no_old_name() -> None:
    own = SETTINGS.keys() - {name for name, _, _ in CELERY}

    assert own
    assert all(SETTINGS[name].old_name is None for name in own)


def test_every_setting_says_in_a_line_what_it_means() -> None:
    for one in SETTINGS.values():
        assert len(one.doc) > 10, one.name
        assert "\n" not in one.doc, one.name
        assert not one.doc.endswith("."), one.name


def test_every_default_passes_its_own_check() -> None:
    for one in SETTINGS.values():
        assert one.check(one.default) == one.default, one.name


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("result_expire", "result_expires"),
        ("CELERY_TASK_RESULT_EXPIRE", "CELERY_TASK_RESULT_EXPIRES"),
        ("CELERY_BROKER", "broker_url"),
        ("CELERY_ENABLE_UTC", "enable_utc"),
        ("tasks_routes", "task_routes"),
    ],
)
def test_a_slip_names_the_setting_that_was_meant(slip: str, meant: str) -> None:
    assert suggestion(slip) == f" Did you mean {meant!r}?"


@pytest.mark.parametrize(
    "own", ["MY_MAIL_SERVER", "shop_name", "x", "TIME_ZONE", "DATABASES", "SECRET_KEY", "SESSION_SERIALIZER"]
)
def test_a_program_s_own_name_is_no_slip(own: str) -> None:
    assert suggestion(own) == ""


def test_every_name_a_package_says_it_has_is_there() -> None:
    package = importlib.import_module("localq.settings")
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"localq.settings.{found.name}")
        assert all(hasattr(module, name) for name in module.__all__), found.name
    assert issubclass(exceptions.ImproperlyConfigured, exceptions.CeleryError)
