"""Where the store is, of path=, url=, broker= and backend=, and the settings of the last two."""

from __future__ import annotations

import os
import pickle
import re
import ssl
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ
from localq.exceptions import ImproperlyConfigured


def app(**given: Any) -> LocalQ:
    return LocalQ("tests", set_as_current=False, **given)


def test_nothing_said_is_a_file_in_the_folder_the_app_was_made_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    q = app()
    monkeypatch.chdir("/")

    assert q.location == str(tmp_path / "jobs.db")


def test_a_full_path_needs_no_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert app(path=tmp_path / "jobs.db").location == str(tmp_path / "jobs.db")
    assert app(broker=f"sqlite:///{tmp_path}/shop.db").location == str(tmp_path / "shop.db")
    with pytest.raises(ImproperlyConfigured, match=r"working folder was removed, so that 'jobs.db' is nowhere"):
        _ = app().location
    with pytest.raises(ImproperlyConfigured, match=r"'shop.db' is nowhere. Give path= in full"):
        app(path="shop.db")


@pytest.mark.parametrize(
    ("broker", "place"),
    [
        ("jobs/shop.db", os.path.abspath("jobs/shop.db")),
        ("sqlite:////tmp/shop.db", "/tmp/shop.db"),
        ("sqla+sqlite:////tmp/shop.db", "/tmp/shop.db"),
        (":memory:", ":memory:"),
        ("memory://", ":memory:"),
        ("sqlite://", ":memory:"),
    ],
)
def test_a_file_is_named_by_the_broker(broker: str, place: str) -> None:
    assert app(broker=broker).location == place
    assert app(broker_url=broker).location == place
    assert app(backend=broker).location == place
    assert app(broker=broker, backend=broker).location == place


@pytest.mark.parametrize("backend", [None, "", "rpc://", "disabled://"])
def test_a_backend_that_is_no_place_changes_nothing(backend: str | None) -> None:
    assert app(broker="/tmp/shop.db", backend=backend).location == "/tmp/shop.db"


def test_jobs_and_results_are_in_one_file() -> None:
    q = app(broker="/tmp/a.db", backend="db+sqlite:////tmp/b.db")

    with pytest.raises(ImproperlyConfigured, match=r"jobs and their results are in one place"):
        _ = q.store


@pytest.mark.parametrize(
    ("broker", "backend", "place"),
    [
        ("redis://127.0.0.1:6379/1", "redis://127.0.0.1:6379/2", "redis://127.0.0.1:6379/2"),
        ("redis://localhost/1", "redis://:pass@127.0.0.1:6379", "redis://:pass@127.0.0.1:6379"),
        ("redis://h/1", None, "redis://h/1"),
        (None, "redis://h/1", "redis://h/1"),
        ("redis://h/1", "rpc://", "redis://h/1"),
        ("redis+socket:///run/redis.sock", "unix:///run/redis.sock?db=3", "unix:///run/redis.sock?db=3"),
        ("sentinel://a;sentinel://b:26379/1", "sentinel://b,a/2", "sentinel://b,a/2"),
        ("valkey://h/0", "valkey://h:6379/1", "valkey://h:6379/1"),
    ],
)
def test_broker_and_back_end_on_one_server_are_the_back_end_s_database(
    broker: str | None, backend: str | None, place: str
) -> None:
    assert app(broker=broker, backend=backend).location == place


CA = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": Path("/etc/a b.pem"), "ssl_password": None}
AS_TEXT = "ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs=%2Fetc%2Fa+b.pem"


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"broker_url": "redis://:p@h/1", "broker_use_ssl": CA}, f"rediss://:p@h/1?{AS_TEXT}"),
        ({"broker_url": "valkey://h/1", "broker_use_ssl": True}, "valkeys://h/1"),
        ({"broker_url": "rediss://h/1", "broker_use_ssl": False}, "rediss://h/1"),
        ({"result_backend": "redis://h/1", "redis_backend_use_ssl": CA}, f"rediss://h/1?{AS_TEXT}"),
        (
            {"broker_url": "redis://h/1", "broker_use_ssl": {"keyfile": "k", "ssl_check_hostname": False}},
            "rediss://h/1?ssl_keyfile=k&ssl_check_hostname=false",
        ),
        (
            {"broker_url": "rediss://h/1?ssl_ca_certs=own.pem", "broker_use_ssl": CA},
            "rediss://h/1?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs=own.pem",
        ),
        (
            {"broker_url": "redis://h/1", "result_backend": "redis://h/2", "broker_use_ssl": CA},
            f"rediss://h/2?{AS_TEXT}",
        ),
        (
            {
                "broker_url": "sentinel://a;sentinel://b/1",
                "broker_use_ssl": {"ssl_cert_reqs": "none"},
                "broker_transport_options": {"master_name": "shop", "sentinel_kwargs": {"password": "a@b/c"}},
            },
            "sentinel://a;sentinel://b/1?ssl=true&ssl_cert_reqs=none&master=shop&sentinel_password=a%40b%2Fc",
        ),
        ({"broker_url": "redis://h/1", "broker_transport_options": {"visibility_timeout": 3600}}, "redis://h/1"),
        ({"broker_url": "postgresql://h/x", "broker_use_ssl": CA}, "postgresql://h/x"),
    ],
)
def test_what_settings_say_beside_the_url_of_a_redis_server_is_in_its_place(
    settings: dict[str, Any], place: str
) -> None:
    q = app()
    q.conf.update(settings)

    assert q.location == place


def test_what_cannot_be_said_in_a_url_is_refused() -> None:
    q = app(broker="redis://h/1")
    q.conf.broker_use_ssl = {"ssl_ca_certs": object()}

    with pytest.raises(ImproperlyConfigured, match=r"broker_use_ssl has ssl_ca_certs=<object .*>, which is neither"):
        _ = q.location


@pytest.mark.parametrize(
    ("broker", "backend"),
    [
        ("postgresql://shop@h/x", None),
        (None, "db+postgresql://shop@h/x"),
        ("postgres://shop@h/x", "postgresql+psycopg://shop@h/x"),
        ("sqla+postgresql://shop@h/x", "db+postgresql+psycopg2://shop@h/x"),
        ("postgresql://shop@h/x", "rpc://"),
    ],
)
def test_settings_that_name_a_postgresql_database_mean_that(broker: str | None, backend: str | None) -> None:
    assert app(broker=broker, backend=backend).location == "postgresql://shop@h/x"


@pytest.mark.parametrize("backend", ["postgresql://h/other", "redis://h/1", "jobs.db"])
def test_a_postgresql_database_is_not_one_place_with_another(backend: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="jobs and their results are in one place"):
        _ = app(broker="postgresql://h/x", backend=backend).store


def test_one_server_with_two_names_is_told() -> None:
    told = app(broker="redis://:secret@h/1", backend="redis://h:6379/2").notices()

    assert told == [
        "Settings broker_url 'redis://:********@h/1' and result_backend 'redis://h:6379/2' are one server: jobs and "
        "results are together in the latter's database."
    ]
    assert app(broker="redis://h/1", backend="redis://h/1").notices() == []


@pytest.mark.parametrize(
    ("broker", "backend", "told"),
    [
        ("redis://h/1", "redis://other/1", "are two servers, but a job and its result are written in one step"),
        ("redis://h:6379", "redis://h:6380", "are two servers"),
        ("redis://:secret@h", "unix:///run/redis.sock", r"broker_url is 'redis://:\*{8}@h' and result_backend"),
        ("redis://h", "jobs.db", "in one place. Give path= or url=, or set broker_url alone"),
    ],
)
def test_two_places_are_refused_when_the_store_is_needed(broker: str, backend: str, told: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=told):
        _ = app(broker=broker, backend=backend).store


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("amqp://guest:guest@localhost//", r"amqp://guest:\*{8}@localhost// is a server, and LocalQ needs neither"),
        ("mysql://h/x", "is a server"),
        ("file:///var/results", "'file:///var/results' is another place for jobs or results in Celery"),
        ("django-db", "'django-db' is another place for jobs or results in Celery, and LocalQ has one place"),
        ("django-cache", "another place"),
        ("database", "another place"),
        ("amqp", "another place"),
        ("SQS", "another place"),
        ("shop.results.Backend", "another place"),
        ("shop.results:Backend", "another place"),
    ],
)
def test_a_server_is_refused_when_the_store_is_needed(url: str, told: str) -> None:
    q = app(broker=url)

    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    assert add(1, 2) == 3
    assert "(no store)" in repr(q) or "(settings not read yet)" in repr(q)
    for _ in range(2):
        with pytest.raises(ImproperlyConfigured, match=told):
            add.delay(1, 2)


@pytest.mark.parametrize("name", ["./redis", "redis.db", "jobs", "shop.results/Backend", "C:jobs.db", "data/jobs.DB"])
def test_what_only_looks_like_a_back_end_s_name_is_a_path(name: str) -> None:
    assert app(backend=name).location == os.path.abspath(name)


@pytest.mark.parametrize("name", ["rpc", "disabled"])
def test_short_names_of_back_ends_that_bring_results_back_change_nothing(name: str) -> None:
    assert app(broker="/tmp/shop.db", backend=name).location == "/tmp/shop.db"


def test_a_path_comes_before_servers_and_says_so(tmp_path: Path) -> None:
    q = app(path=tmp_path / "jobs.db", broker="redis://:secret@h/1", backend="redis://h/2")

    assert q.location == str(tmp_path / "jobs.db")
    assert [line.partition(" and has no effect")[0] for line in q.notices()] == [
        "Setting broker_url is 'redis://:********@h/1'",
        "Setting result_backend is 'redis://h/2'",
    ]


def test_the_same_file_named_twice_is_no_notice(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"

    assert app(path=path, broker=str(path), backend=f"sqlite:///{path}").notices() == []


def test_the_place_may_be_said_after_the_tasks(tmp_path: Path) -> None:
    q = app()

    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    q.config_from_object({"broker_url": str(tmp_path / "late.db")})

    assert add.delay(1, 2).state == "PENDING"
    assert (tmp_path / "late.db").exists()
    q.close()


def test_another_place_said_by_hand_comes_first(tmp_path: Path) -> None:
    q = app(broker="redis://h")
    q.relocate(path=tmp_path / "jobs.db")

    assert q.location == str(tmp_path / "jobs.db")


def test_an_app_without_a_store_can_be_sent_to_another_process() -> None:
    q = app(broker="redis://h")
    q.set_current()

    assert pickle.loads(pickle.dumps(q)) is q


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"path": 3}, "path=3 must be a text, such as 'jobs.db'."),
        ({"path": b"jobs.db"}, "path=b'jobs.db' must be a text, such as 'jobs.db'."),
        ({"url": 3}, "url=3 must be a text, such as 'sqlite:///jobs.db'."),
        ({"url": "sqlit:///x"}, "kind this version has no store for. Did you mean 'sqlite'?"),
        (
            {"url": "gopher://x"},
            "kind this version has no store for. Use a path, sqlite:///jobs.db, redis://host:6379/0 or postgresql://host/database.",
        ),
    ],
)
def test_a_place_that_cannot_be_is_refused_where_the_app_is_made(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(said)):
        app(**given)
