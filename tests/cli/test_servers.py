"""Programs, workers, commands and the dashboard on servers that let in only who they know, and let him do little."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import quote

import pytest

from localq.store import open_store
from tests.cli.everything import everything, said_by, shop_in
from tests.store.certificates import made_in
from tests.store.certificates import reason as no_certificates
from tests.store.redis_server import RedisServer, free_port, no_tls, program, programs, whose, with_tls
from tests.store.redis_server import reason as no_redis
from tests.store.server import Server
from tests.store.server import reason as no_postgresql

PAGE = Path(__file__).parents[2] / "docs" / "many-hosts.md"
ON_REDIS = pytest.mark.skipif(no_redis() is not None, reason=str(no_redis()))
ON_POSTGRESQL = pytest.mark.skipif(no_postgresql() is not None, reason=str(no_postgresql()))
#: A password with all that parts a URL, and what it looks like in one.
HOSTILE = "p@ss/w:o%40r?d#&="
IN_URL = quote(HOSTILE, safe="")


@pytest.fixture
def started() -> Iterator[Callable[..., RedisServer]]:
    """Return a function that starts a server; all end with the test."""
    with ExitStack() as servers:

        def start(*settings: object, path: Path | None = None) -> RedisServer:
            server = RedisServer(*map(str, settings), path=path)
            servers.callback(server.stop)
            return server

        yield start


def no_password_in(printed: str) -> None:
    assert HOSTILE not in printed
    assert IN_URL not in printed
    assert "w:o" not in printed


@ON_REDIS
@pytest.mark.skipif(bool(no_certificates() or no_tls()), reason=str(no_certificates() or no_tls()))
def test_all_goes_by_tls_with_certificates_on_both_sides(tmp_path: Path, started: Callable[..., RedisServer]) -> None:
    files, port = made_in(tmp_path), free_port()
    words = ["--tls-port", port, "--tls-cert-file", files.server, "--tls-key-file", files.key]
    server = started(*words, "--tls-ca-cert-file", files.authority, path=with_tls())
    server.say("ACL", "SETUSER", "ann", "on", f">{HOSTILE}", "allkeys", "allchannels", "+@all")
    client = {"ssl_ca_certs": str(files.authority), "ssl_certfile": str(files.client), "ssl_keyfile": str(files.client)}

    # As a program for Celery says it.
    printed = everything(
        tmp_path,
        broker=f"redis://ann:{IN_URL}@127.0.0.1:{port}/1",
        backend=f"redis://ann:{IN_URL}@127.0.0.1:{port}/2",
        broker_use_ssl=client | {"ssl_cert_reqs": int(ssl.CERT_REQUIRED)},
        redis_backend_use_ssl=client | {"ssl_cert_reqs": "required"},
    )

    no_password_in(printed)
    assert f"rediss://ann:********@127.0.0.1:{port}/2" in printed


@ON_REDIS
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[] if path == program() else [pytest.mark.slow], id=whose(path)) for path in programs()],
)
def test_a_user_with_the_rights_that_the_page_names_does_all(
    path: Path, tmp_path: Path, started: Callable[..., RedisServer]
) -> None:
    said = next(line for line in PAGE.read_text().splitlines() if line.startswith("ACL SETUSER shop "))
    server = started(path=path)
    server.say(*said.replace(">PASSWORD", f">{HOSTILE}").split())

    printed = everything(tmp_path, url=f"redis://shop:{IN_URL}@127.0.0.1:{server.port}/0")

    no_password_in(printed)
    assert f"redis://shop:********@127.0.0.1:{server.port}/0" in printed


@ON_POSTGRESQL
def test_a_role_with_the_rights_that_the_page_names_does_all_on_tables_of_another(tmp_path: Path) -> None:
    port = free_port()
    server = Server("fsync=off", port=port, rules="host all shop 127.0.0.1/32 scram-sha-256")
    try:
        server.say(f"CREATE ROLE shop LOGIN PASSWORD '{HOSTILE}'")
        with closing(open_store(f"{server.url}&schema=jobs")) as store:
            store.open()
        server.say(*(line for line in PAGE.read_text().splitlines() if line.startswith("GRANT ")))

        printed = everything(tmp_path, url=f"postgresql://shop:{IN_URL}@127.0.0.1:{port}/postgres?schema=jobs")
    finally:
        server.stop()

    no_password_in(printed)
    assert f"postgresql://shop:********@127.0.0.1:{port}/postgres" in printed


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        pytest.param("redis://shop:{password}@127.0.0.1:{port}/0", "redis", marks=ON_REDIS),
        pytest.param("rediss://shop:{password}@127.0.0.1:{port}/0", "rediss", marks=ON_REDIS),
        pytest.param(
            "sentinel://shop:{password}@127.0.0.1:{port}/0?sentinel_password={password}", "sentinel", marks=ON_REDIS
        ),
        pytest.param("postgresql://shop:{password}@127.0.0.1:{port}/shop", "postgresql", marks=ON_POSTGRESQL),
    ],
)
@pytest.mark.parametrize("password", [IN_URL, "p@ss/w:o%40r"], ids=["in-percent", "as-it-is"])
def test_a_password_is_in_no_message_about_a_server_that_is_not_there(
    url: str, kind: str, password: str, tmp_path: Path
) -> None:
    shop_in(tmp_path)
    app = repr({"url": url.format(password=password, port=free_port())})

    for command in ("worker -c 1", "status", "doctor", "list", "call shop.double --args [1]", "report", "settings"):
        printed = said_by(tmp_path, app, *command.split(), code=None)
        no_password_in(printed)
        assert password not in printed
        assert "ss/w" not in printed, printed
        assert "ss%2Fw" not in printed, printed
        assert "Traceback" not in printed, printed
        assert printed, command
