"""A Redis store by TLS: who trusts whom, and what is told where one does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from localq.exceptions import StoreBusy, StoreError
from localq.store import examine, open_reader, open_store
from localq.store.protocol import Topic
from tests.store.certificates import Certificates, made_in
from tests.store.certificates import reason as no_certificates
from tests.store.given import NOW, new, news
from tests.store.redis_server import RedisServer, Sentinel, free_port, no_tls, reason, with_tls
from tests.store.together import DEADLINE_S

_WHY = reason() or no_certificates() or no_tls()
pytestmark = pytest.mark.skipif(_WHY is not None, reason=str(_WHY))


class Secured(NamedTuple):
    """A server that listens by TLS on one port, and without it on another."""

    server: RedisServer
    port: int
    files: Certificates

    def url(self, host: str = "127.0.0.1", scheme: str = "rediss", port: int | None = None, **options: object) -> str:
        """Return a URL with options, without those that are None."""
        said = {name: str(value) for name, value in options.items() if value is not None}
        return f"{scheme}://{host}:{port or self.port}/0?{urlencode(said)}"

    @property
    def trusted(self) -> dict[str, object]:
        """What a client must say."""
        return {
            "ssl_ca_certs": self.files.authority,
            "ssl_certfile": self.files.client,
            "ssl_keyfile": self.files.client,
        }


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Return a server with a certificate for 127.0.0.1 alone, which wants one of its clients."""
    files, port = made_in(tmp_path_factory.mktemp("certificates")), free_port()
    words = ["--tls-port", port, "--tls-cert-file", files.server, "--tls-key-file", files.key]
    words += ["--tls-ca-cert-file", files.authority, "--tls-replication", "yes"]
    server = RedisServer(*map(str, words), path=with_tls())
    yield Secured(server, port, files)
    server.stop()


def test_jobs_bells_and_readers_go_by_tls(secured: Secured) -> None:
    url = secured.url(**secured.trusted, prefix="all")
    with closing(open_store(url)) as store, closing(open_reader(url)) as reader:
        store.open()
        with closing(store.bells.hang(Topic.WORK)) as bell, closing(store.events.listen()) as hearing:
            store.jobs.add(news("a", "b"), NOW)
            assert bell.wait(DEADLINE_S)
            store.events.send(b"x" * 100_000)
            heard: list[bytes] = []
            while not heard:
                assert hearing.wait(DEADLINE_S)
                heard = hearing.receive()

        assert heard == [b"x" * 100_000], "more than one record of TLS"
        assert sorted(reader.read.get(["a", "b"])) == ["a", "b"]
    found, read = examine(url)
    assert read is not None
    read.close()
    assert {one.check: one.level for one in found}["owner"] == "ok"


@pytest.mark.parametrize("options", [{"ssl_ca_certs": None}, {"ssl_ca_certs": "other"}], ids=["none", "other"])
def test_a_server_whose_authority_is_not_known_is_not_used(secured: Secured, options: dict[str, str | None]) -> None:
    name = options["ssl_ca_certs"]
    url = secured.url(**secured.trusted | {"ssl_ca_certs": name and secured.files.other})

    refused(
        url, r"certificate is not trusted: self-signed certificate in certificate chain. Add ssl_ca_certs= to the URL"
    )


def test_a_certificate_for_another_host_is_not_taken(secured: Secured) -> None:
    refused(
        secured.url("localhost", **secured.trusted),
        r"is for another host: Hostname mismatch, .* not valid for 'localhost'. Name the host as its certificate does.",
    )
    with closing(open_store(secured.url("localhost", **secured.trusted, ssl_check_hostname="false"))) as store:
        store.open()


def test_who_looks_at_no_certificate_is_let_in(secured: Secured) -> None:
    blind = secured.trusted | {"ssl_ca_certs": None, "ssl_cert_reqs": "none"}
    with closing(open_store(secured.url("localhost", **blind))) as store:
        store.open()


def test_a_client_without_a_certificate_is_told_to_bring_one(secured: Secured) -> None:
    # Whether the server's word comes before the end of the connection is chance; both say what to do.
    with pytest.raises(
        StoreError, match=r"Add ssl_certfile= and ssl_keyfile= to the URL, the paths of its certificate"
    ):
        open_store(secured.url(ssl_ca_certs=secured.files.authority)).open()


def test_a_client_whose_authority_the_server_does_not_know_is_told_so(secured: Secured) -> None:
    mine = {"ssl_certfile": secured.files.stranger, "ssl_keyfile": secured.files.stranger}

    with pytest.raises(StoreError, match=r"cannot be (used|reached): .*(ALERT|Error|closed)"):
        open_store(secured.url(**secured.trusted | mine)).open()


@pytest.mark.parametrize("name", ["ssl_ca_certs", "ssl_certfile", "ssl_keyfile"])
def test_a_file_that_cannot_be_read_is_named(secured: Secured, name: str) -> None:
    refused(secured.url(**secured.trusted | {name: "/nowhere/to.pem"}), f"{name}=/nowhere/to.pem cannot be read. Give")


@pytest.mark.parametrize("name", ["ssl_ca_certs", "ssl_certfile"])
def test_a_file_that_is_no_certificate_is_told(secured: Secured, name: str) -> None:
    refused(secured.url(**secured.trusted | {name: __file__}), "Look at the files that ssl_...= in the URL names")


def test_who_speaks_no_tls_to_a_port_of_tls_is_told_how(secured: Secured) -> None:
    with pytest.raises(
        StoreBusy, match=r"cannot be reached: .* Where its port is one of TLS, begin the URL with rediss://"
    ):
        open_store(secured.url(scheme="redis")).open()


def test_who_speaks_tls_to_a_port_without_is_told_how(secured: Secured) -> None:
    with pytest.raises(StoreError, match=r"its port is none of TLS[.,] [Bb]egin the URL with redis://"):
        open_store(secured.url(port=secured.server.port, **secured.trusted)).open()


def refused(url: str, told: str) -> None:
    """Check that a store, a reader and a check are told the same, in one sentence or two, and not to try again."""
    calls: list[Callable[[], Any]] = [
        lambda: open_store(url).open(),
        lambda: open_reader(url).read.stats(),
    ]
    for call in calls:
        with pytest.raises(StoreError, match=told) as error:
            call()
        assert type(error.value) is StoreError
        assert re.fullmatch(r"rediss://[^ ]+ cannot be used: [^\n]+\.", str(error.value)), str(error.value)
    (found,) = examine(url)[0]
    assert re.search(told, found.what + found.advice), found


def test_a_certificate_that_becomes_bad_is_an_outage_for_who_was_there_before(secured: Secured, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_bytes(secured.files.authority.read_bytes())
    store = open_store(secured.url(**secured.trusted | {"ssl_ca_certs": authority}, prefix="later"), patience_s=0.2)
    store.jobs.add([new("before")], NOW)

    authority.write_bytes(secured.files.other.read_bytes())
    store.close()
    with pytest.raises(StoreBusy, match="certificate is not trusted"):
        store.jobs.add([new("meanwhile")], NOW)
    authority.write_bytes(secured.files.authority.read_bytes())
    store.jobs.add([new("after")], NOW)

    assert sorted(store.read.get(["before", "meanwhile", "after"])) == ["after", "before"]
    store.close()


def test_sentinels_are_asked_by_tls_too(secured: Secured) -> None:
    ca = {"ssl": "true", "ssl_ca_certs": secured.files.authority, "ssl_certfile": secured.files.client}
    options = ca | {"ssl_keyfile": secured.files.client, "sentinel_ssl": "true", "prefix": "watched"}
    with closing(Sentinel(secured.server, tls=secured)) as sentinel:
        url = sentinel.url()
        with closing(open_store(f"{url}&{urlencode(options)}")) as store:
            store.open()
            assert secured.server.say("EXISTS", "{watched}:fmt") == 1
        with pytest.raises(
            StoreBusy, match=r"no sentinel says where 'shop' is: 127.0.0.1:\d+: .* begin the URL with redis"
        ):
            open_store(f"{url}&{urlencode(options | {'sentinel_ssl': 'false'})}").open()
        with pytest.raises(StoreError, match=r"cannot be used: of its sentinel its certificate is not trusted"):
            open_store(f"{url}&{urlencode(options | {'sentinel_ssl_ca_certs': secured.files.other})}").open()
