"""Which source of a setting comes first."""

from __future__ import annotations

import pytest

from localq import LocalQ
from localq.exceptions import ImproperlyConfigured


def test_what_was_set_before_comes_before_the_configuration() -> None:
    app = LocalQ(set_as_current=False, task_default_queue="argument")
    app.conf.timezone = "UTC"
    app.config_from_object({"task_default_queue": "object", "timezone": "Asia/Tokyo", "result_expires": 5})

    assert (app.conf.task_default_queue, app.conf.timezone, app.conf.result_expires) == ("argument", "UTC", 5)


def test_what_is_set_later_comes_first_until_another_configuration_is_given() -> None:
    app = LocalQ(set_as_current=False)
    app.config_from_object({"task_default_queue": "object"})
    assert app.conf.task_default_queue == "object"
    app.conf.task_default_queue = "later"
    assert app.conf.task_default_queue == "later"

    app.config_from_object({"timezone": "UTC"})

    assert (app.conf.task_default_queue, app.conf.timezone) == ("celery", "UTC")


def test_defaults_of_the_app_come_last() -> None:
    app = LocalQ(set_as_current=False)
    app.add_defaults({"task_default_queue": "default", "timezone": "UTC"})

    @app.add_defaults
    def more() -> dict[str, object]:
        return {"result_expires": 5}

    app.config_from_object({"timezone": "Asia/Tokyo"})

    assert (app.conf.task_default_queue, app.conf.timezone, app.conf.result_expires) == ("default", "Asia/Tokyo", 5)
    assert app.conf.source("task_default_queue") == "a default of the app"


def test_the_environment_comes_before_what_the_program_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALQ_WORKER_CONCURRENCY", "8")
    monkeypatch.setenv("LOCALQ_TASK_ALWAYS_EAGER", "yes")
    monkeypatch.setenv("LOCALQ_IMPORTS", "shop, post")
    monkeypatch.setenv("LOCALQ_RESULT_EXPIRES", "none")
    monkeypatch.setenv("LOCALQ_TASK_ROUTES", '{"mail.*": "mail"}')
    app = LocalQ(set_as_current=False, worker_concurrency=2)

    assert app.conf.worker_concurrency == 8
    assert app.conf.task_always_eager is True
    assert app.conf.imports == ("shop", "post")
    assert app.conf.result_expires is None
    assert app.conf.task_routes == {"mail.*": "mail"}
    assert app.conf.source("imports") == "the environment"


def test_the_environment_may_have_a_prefix_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TASK_DEFAULT_QUEUE", "mail")
    app = LocalQ(set_as_current=False)
    app.config_from_environ("SHOP_")

    assert app.conf.task_default_queue == "mail"


def test_celery_s_variables_for_urls_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://one")
    app = LocalQ(set_as_current=False, broker="redis://two")

    assert app.conf.broker_url == "redis://one"


def test_a_value_in_the_environment_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALQ_TASK_TIME_LIMIT", "soon")

    with pytest.raises(ImproperlyConfigured, match="Setting task_time_limit is 'soon': it must be a number"):
        LocalQ(set_as_current=False).conf.load()


def test_arguments_of_a_command_line_are_settings() -> None:
    app = LocalQ(set_as_current=False)
    app.config_from_cmdline(
        ["worker.concurrency=4", "task_default_queue=mail", 'task.routes=(json){"a": "b"}', "my_own=(int)5"]
    )
    app.config_from_cmdline([".max_tasks_per_child=3"], namespace="worker")

    assert (app.conf.worker_concurrency, app.conf.task_default_queue) == (4, "mail")
    assert (app.conf.task_routes, app.conf.my_own) == ({"a": "b"}, 5)
    assert app.conf.worker_max_tasks_per_child == 3


def test_the_command_line_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALQ_WORKER_CONCURRENCY", "8")
    monkeypatch.setenv("LOCALQ_TASK_DEFAULT_QUEUE", "environment")
    app = LocalQ(set_as_current=False)
    app.config_from_cmdline(["worker.concurrency=4"])
    app.conf.load()
    app.config_from_cmdline(["task_default_queue=mail"])

    assert (app.conf.worker_concurrency, app.conf.task_default_queue) == (4, "mail")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("worker.concurrency", "sets nothing"),
        ("a=(color)red", "there is no type 'color'"),
        ("a=(int)red", "'red' is no int"),
        ("worker.concurrency=-1", "must be 1 or more"),
    ],
)
def test_arguments_that_cannot_be_are_named(words: str, told: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=told):
        LocalQ(set_as_current=False).config_from_cmdline([words])
