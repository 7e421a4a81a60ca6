"""Programs, workers, commands and the dashboard on servers that let in only who they know, and let him do little."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.everything import everything
from tests.store.certificates import made_in
from tests.store.certificates import reason as no_certificates
from tests.store.redis_server import RedisServer, free_port, no_tls, program, programs, whose, with_tls
from tests.store.redis_server import reason as no_redis

pytestmark = pytest.mark.skipif(no_redis() is not None, reason=str(no_redis()))

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


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[] if path == program() else [pytest.mark.slow], id=whose(path)) for path in programs()],
)
def test_a_user_with_the_rights_that_the_page_names_does_all(
    path: Path, tmp_path: Path, started: Callable[..., RedisServer]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "many-hosts.md").read_text()
    said = next(line for line in page.splitlines() if line.startswith("ACL SETUSER shop "))
    server = started(path=path)
    server.say(*said.replace(">PASSWORD", f">{HOSTILE}").split())

    printed = everything(tmp_path, url=f"redis://shop:{IN_URL}@127.0.0.1:{server.port}/0")

    no_password_in(printed)
    assert f"redis://shop:********@127.0.0.1:{server.port}/0" in printed
