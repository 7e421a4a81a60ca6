"""Secrets are known by one list of words, and every way that shows settings hides the same."""

from __future__ import annotations

from typing import Any

import pytest

from localq import LocalQ
from localq.exceptions import ImproperlyConfigured
from localq.model.secrets import masked, without_passwords
from localq.monitor.bug_report import report
from localq.settings import NEW_NAMES, SETTINGS

STARS = "********"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("api_token", "hidden", STARS),
        ("AUTHORIZATION", "hidden", STARS),
        ("pin_of_credential", 1234, STARS),
        ("message_keys", ("hidden", "hidden"), STARS),
        ("broker_url", "redis://me:hidden@host/0", f"redis://me:{STARS}@host/0"),
        ("urls", ["redis://:hidden@host"], [f"redis://:{STARS}@host"]),
        ("options", {"password": "hidden", "port": 1}, {"password": STARS, "port": 1}),
        ("options", ({"password": "hidden"}, 1), ({"password": STARS}, 1)),
        ("API_KEYS", {"shop": {"live": "hidden"}}, {"shop": {"live": STARS}}),
        ("DATABASE_URL", "hidden", STARS),
        ("options", {"credentials": {"user": "hidden"}}, {"credentials": {"user": STARS}}),
        ("beat_schedule", {"nightly": {"kwargs": {"token": "hidden"}}}, {"nightly": {"kwargs": {"token": STARS}}}),
    ],
)
def test_a_secret_is_not_shown(name: str, value: object, shown: object) -> None:
    assert masked(name, value) == shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_default_queue", "celery"),
        ("task_default_routing_key", "celery"),
        ("database_url", "sqlite:///results.db"),
        ("my_password", ""),
        ("security_key", None),
        ("message_keys", ()),
        ("uses_tokens", True),
        ("mail", "me@example.org"),
        ("task_routes", [{"auth.login": "mail"}, ("api.*", {"queue": "web"})]),
        ("beat_schedule", {"refresh-tokens": {"task": "tokens.refresh", "schedule": 30.0}}),
        ("task_annotations", {"auth.login": {"rate_limit": "10/m"}}),
    ],
)
def test_what_is_no_secret_is_shown(name: str, value: object) -> None:
    assert masked(name, value) == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://me:hidden@host/0", f"redis://me:{STARS}@host/0"),
        ("redis://:hid@d/en@host/0", f"redis://:{STARS}@host/0"),
        ("redis://a:hidden@h1;redis://b:hidden@h2", f"redis://a:{STARS}@h1;redis://b:{STARS}@h2"),
        ("redis://host/0?password=hidden&db=1", f"redis://host/0?password={STARS}&db=1"),
        ("cannot reach amqp://me:hidden@host, says me@host", f"cannot reach amqp://me:{STARS}@host, says me@host"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("amqp://guest@host//", "amqp://guest@host//"),
        ("sentinel://a:p@x/y@h/0?sentinel_password=p@x/y", "sentinel://a:********@h/0?sentinel_password=********"),
        ("redis://u:a?token=b@h/0", "redis://u:********@h/0"),
        ("redis://u:a?token=b@h redis://u:p@h", "redis://u:********@h redis://u:********@h"),
    ],
)
def test_a_url_is_shown_without_its_passwords(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


def test_every_way_that_shows_settings_hides_the_same() -> None:
    secrets: dict[str, Any] = {
        "broker_url": "redis://me:hidden@host/0",
        "message_keys": ["hidden" * 8],
        "security_key": "hidden",
        "redis_password": "hidden",
        "cassandra_auth_kwargs": {"username": "hidden"},
        "broker_transport_options": {"password": "hidden", "hosts": ["redis://:hidden@host"]},
    }
    q = LocalQ(path=":memory:", **secrets)

    with q.running(concurrency=1, pool="threads", name="anna@h"):
        inspect = q.control.inspect("anna@h")
        answers = {name: repr(value) for name, value in inspect.conf().items() if name in secrets}
        answered = inspect.report()["ok"]
    q.close()
    lines = dict(line.partition(": ")[::2] for line in q.conf.humanize().splitlines())
    told = dict(line.partition(": ")[::2] for line in report(q).splitlines() if ": " in line)

    shown = {name: repr(q.conf.shown(name)) for name in secrets}
    assert {name: lines[name] for name in secrets} == {name: told[name] for name in secrets} == shown == answers
    assert not any("hidden" in text for text in (report(q), answered, q.conf.humanize(), repr(q.conf)))


def test_a_value_that_is_refused_is_told_without_its_passwords() -> None:
    with pytest.raises(ImproperlyConfigured, match="result_backend") as refused:
        LocalQ(result_backend=["redis://me:hidden@host"])

    assert f"['redis://me:{STARS}@host']" in str(refused.value)


def test_the_settings_that_are_shown_in_spite_of_their_names_are_few() -> None:
    shown = {name for name in (*SETTINGS, *NEW_NAMES) if masked(name, "x") == "x"}

    assert {name for name in shown if "database" in name.lower() or "routing_key" in name.lower()} == {
        "CELERY_DEFAULT_ROUTING_KEY",
        "cosmosdbsql_database_name",
        "database_create_tables_at_setup",
        "database_engine_callback",
        "database_engine_options",
        "database_short_lived_sessions",
        "database_table_names",
        "database_table_schemas",
        "database_url",
        "task_default_routing_key",
    }
