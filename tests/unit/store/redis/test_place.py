"""Where a Redis store is, of its URL."""

from __future__ import annotations

import re
from typing import Any

import pytest

from localq.exceptions import ImproperlyConfigured

redis = pytest.importorskip("redis")

from localq.store.redis.place import read_address  # noqa: E402

#: What a connection is told that looks whose a certificate is, and of one that looks at none.
SEEN = {"ssl_check_hostname": True}
UNSEEN = {"ssl_cert_reqs": "none", "ssl_check_hostname": False}


@pytest.mark.parametrize(
    ("url", "kind", "options"),
    [
        ("redis://h", "Connection", {"host": "h"}),
        ("redis://h:7000/3", "Connection", {"host": "h", "port": 7000, "db": 3}),
        ("redis://u:p%40x@h/0", "Connection", {"host": "h", "db": 0, "username": "u", "password": "p@x"}),
        ("redis://:p@h/0", "Connection", {"host": "h", "db": 0, "password": "p"}),
        ("redis://:a%40b%2540%2F@h/0", "Connection", {"host": "h", "db": 0, "password": "a@b%40/"}),
        ("rediss://h?ssl_ca_certs=/a%2540b/c+d", "SSLConnection", {"host": "h", "ssl_ca_certs": "/a%40b/c d", **SEEN}),
        ("redis://h/0?socket_timeout=3", "Connection", {"host": "h", "db": 0, "socket_timeout": 3.0}),
        ("valkey://h/1", "Connection", {"host": "h", "db": 1}),
        ("rediss://h?ssl_cert_reqs=CERT_NONE", "SSLConnection", {"host": "h", **UNSEEN}),
        ("rediss://h?ssl_check_hostname=false", "SSLConnection", {"host": "h", "ssl_check_hostname": False}),
        ("valkeys://h", "SSLConnection", {"host": "h", **SEEN}),
        ("redis://h?max_connections=3&timeout=2", "Connection", {"host": "h"}),
        ("unix:///run/redis.sock?db=2", "UnixDomainSocketConnection", {"path": "/run/redis.sock", "db": 2}),
        (
            "redis+socket:///run/redis.sock?virtual_host=2",
            "UnixDomainSocketConnection",
            {"path": "/run/redis.sock", "db": 2},
        ),
    ],
)
def test_a_url_says_how_the_server_is_reached(url: str, kind: str, options: dict[str, Any]) -> None:
    found = read_address(url)

    assert (found.kind.__name__, found.options) == (kind, options)
    assert (found.prefix, found.sentinels) == ("{lq}:", ())


@pytest.mark.parametrize(
    ("url", "sentinels", "service", "options"),
    [
        ("sentinel://a", (("a", 26_379),), "mymaster", {}),
        ("sentinel://a:1,b:2/3?master=shop", (("a", 1), ("b", 2)), "shop", {"db": 3}),
        ("sentinel://:p@a;sentinel://:p@b/3", (("a", 26_379), ("b", 26_379)), "mymaster", {"db": 3, "password": "p"}),
        ("sentinel://a?ssl=true&master_name=shop", (("a", 26_379),), "shop", {"ssl_check_hostname": True}),
    ],
)
def test_sentinels_are_asked_for_the_server(url: str, sentinels: Any, service: str, options: dict[str, Any]) -> None:
    found = read_address(url)

    assert (found.sentinels, found.service, found.options) == (sentinels, service, options)
    assert found.kind.__name__ == ("SSLConnection" if "ssl=" in url else "Connection")


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ("", {}),
        ("sentinel_password=a%40b%2540%2F&sentinel_username=ann", {"password": "a@b%40/", "username": "ann"}),
        ("sentinel_ssl=true", {"ssl": True, "ssl_check_hostname": True}),
        (
            "ssl=true&ssl_ca_certs=ca.pem&sentinel_ssl=1&sentinel_ssl_cert_reqs=CERT_NONE",
            {"ssl": True, "ssl_ca_certs": "ca.pem", **UNSEEN},
        ),
    ],
)
def test_sentinels_have_a_password_and_certificates_of_their_own(said: str, options: dict[str, Any]) -> None:
    assert read_address(f"sentinel://:of-the-server@a/0?{said}").to_sentinels == options


def test_a_prefix_tells_stores_of_one_database_apart() -> None:
    assert read_address("redis://h/0?prefix=jobs").prefix == "{jobs}:"
    assert "prefix" not in read_address("redis://h/0?prefix=jobs").options


def test_passwords_are_not_shown() -> None:
    assert "secret" not in read_address("redis://ann:secret@h/0").name
    assert "secret" not in read_address("sentinel://:secret@a,b/0?sentinel_password=secret").name


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://h/shop", "must end in the number of a database, as in redis://localhost:6379/0, not in 'shop'"),
        ("redis://h/0?prefix=a{b}", "prefix='a{b}' in the URL must be up to 64 letters"),
        ("redis://h/0?prefix=", "prefix='' in the URL"),
        ("redis://h:port/0", "cannot be read"),
        ("redis://h/0?socket_timeout=soon", "cannot be read: Invalid value for"),
        ("redis://h/0?ssl_ca_certs=ca.pem", "ssl_ca_certs= is for TLS. Begin the URL with rediss://, or leave it out."),
        ("rediss://h/0?ssl=true", "ssl= is for TLS. Begin the URL with rediss://"),
        ("redis://h/0?socket_timeuot=1", "is no option of a connection. Did you mean 'socket_timeout'?"),
        ("sentinel://h/0?sentinel_pasword=1", "pasword= is no option of a connection. Did you mean 'password'?"),
    ],
)
def test_a_url_that_cannot_be_is_refused(url: str, told: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(told)):
        read_address(url)


@pytest.mark.parametrize("scheme", ["redis", "rediss", "valkey", "sentinel"])
@pytest.mark.parametrize(
    "password", ["a/secret", "a?secret", "a#secret", "secret?a/b", "a/secret:b", "s/ecret@secret/"]
)
def test_a_password_that_ends_the_url_is_told_and_not_shown(scheme: str, password: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read_address(f"{scheme}://ann:{password}@h:6379/0")

    assert "in a user or password / is written %2F" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "ecret" not in str(refused.value)
