"""A PostgreSQL store by TLS, and for roles that may do little: who is let in, and what the others are told."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest

from localq.exceptions import StoreBusy, StoreError, StoreReadOnly
from localq.store import examine, open_reader, open_store
from localq.store.protocol import Topic
from tests.store.certificates import Certificates, made_in
from tests.store.certificates import reason as no_certificates
from tests.store.given import NOW, claimed, done, new, worker
from tests.store.redis_server import free_port
from tests.store.server import Server, all_binaries, readable, reason, server
from tests.store.together import DEADLINE_S

_WHY = reason() or no_certificates()
pytestmark = pytest.mark.skipif(_WHY is not None, reason=str(_WHY))

#: A password with all that parts a URL.
HOSTILE = "p@ss/w:o%40r?d#&="
RULES = """
hostssl all certified 127.0.0.1/32 cert
hostssl all secret 127.0.0.1/32 scram-sha-256
hostssl all postgres 127.0.0.1/32 trust
host all all 127.0.0.1/32 reject
"""


class Secured(NamedTuple):
    """A server that lets in by TLS alone."""

    server: Server
    port: int
    files: Certificates

    def url(self, user: str = "postgres", host: str = "127.0.0.1", **options: object) -> str:
        """Return a URL with options, without those that are None."""
        said = {"sslmode": "verify-full", "sslrootcert": self.files.authority} | options
        texts = {name: str(value) for name, value in said.items() if value is not None}
        return f"postgresql://{user}@{host}:{self.port}/postgres?{urlencode(texts, quote_via=quote)}"


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    """Return a server with a certificate for 127.0.0.1 alone."""
    # Not below a folder of pytest's: the server's user may not look in there.
    folder = Path(tempfile.mkdtemp(prefix="pg-tls-", dir="/tmp"))
    folder.chmod(0o755)
    files, port = made_in(folder, client="certified"), free_port()
    readable(files.key)
    words = [f"ssl_cert_file={files.server}", f"ssl_key_file={files.key}", f"ssl_ca_file={files.authority}"]
    started = None
    for programs in all_binaries():
        # One that was built without TLS refuses to start.
        with contextlib.suppress(AssertionError):
            started = Server("ssl=on", "fsync=off", *words, port=port, rules=RULES, programs=programs)
            break
    if started is None:
        shutil.rmtree(folder)
        pytest.skip(
            "no PostgreSQL here was built with TLS, which that of the wheel is not: install Debian's postgresql"
        )
    started.say("CREATE ROLE certified LOGIN", f"CREATE ROLE secret LOGIN PASSWORD '{HOSTILE}'")
    for role in ("certified", "secret"):
        started.say(f"CREATE SCHEMA {role} AUTHORIZATION {role}")
    yield Secured(started, port, files)
    started.stop()
    shutil.rmtree(folder)


def run_a_job(store: Any) -> None:
    """Let one job run, with bells."""
    with closing(store.bells.hang(Topic.WORK)) as bell:
        store.jobs.add([new("a")], NOW)
        assert bell.wait(DEADLINE_S)
    (one,) = claimed(store, worker(store))
    store.jobs.finish([done(one)], NOW)
    assert store.read.get(["a"])["a"].state == 3


def refused(url: str, told: str, error: type[StoreError] = StoreError) -> None:
    """Check that a store, a reader and a check are told the same in a line."""
    calls: list[Callable[[], Any]] = [lambda: open_store(url).open(), lambda: open_reader(url).read.stats()]
    for call in calls:
        with pytest.raises(error, match=told) as raised:
            call()
        assert type(raised.value) is error
        assert "\n" not in str(raised.value)
        assert "p@ss" not in str(raised.value)
        assert quote(HOSTILE, safe="") not in str(raised.value)
    (found,) = examine(url)[0]
    assert re.search(told, f"{found.what} {found.advice}"), found


def test_jobs_and_bells_go_by_tls_to_the_server_that_is_meant(secured: Secured) -> None:
    with closing(open_store(secured.url(schema="by_tls"))) as store:
        run_a_job(store)


def test_a_client_may_come_by_its_certificate_or_its_password(secured: Secured) -> None:
    own = {"sslcert": secured.files.client, "sslkey": secured.files.client, "schema": "certified"}
    for url in (secured.url("certified", **own), secured.url(f"secret:{quote(HOSTILE, safe='')}", schema="secret")):
        with closing(open_store(url)) as store:
            run_a_job(store)
            assert "p@ss" not in store.name
            assert quote(HOSTILE, safe="") not in store.name


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sslrootcert": "other"}, r"certificate verify failed. Add sslrootcert= to the URL"),
        ({"sslrootcert": "/nowhere.pem"}, r'root certificate file "/nowhere.pem" does not exist.*Name in sslrootcert='),
        ({"host": "localhost"}, r'does not match host name "localhost". Name the host as its certificate does'),
        ({"sslmode": "disable", "sslrootcert": None}, r"no encryption. Add sslmode=verify-full to the URL"),
        ({"user": "certified"}, r"valid client certificate. Add sslcert= and sslkey= to the URL"),
        ({"user": "secret:wrong"}, r'password authentication failed for user "secret". Check user and password'),
        ({"user": "secret"}, r"no password supplied. Give one in the URL, in PGPASSFILE or in PGPASSWORD"),
    ],
)
def test_who_is_not_let_in_is_told_what_to_do(secured: Secured, given: dict[str, Any], told: str) -> None:
    if given.get("sslrootcert") == "other":
        given = {"sslrootcert": secured.files.other}

    refused(secured.url(**given), told)


def test_a_certificate_that_becomes_bad_is_an_outage_for_who_was_there_before(secured: Secured, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_bytes(secured.files.authority.read_bytes())
    with closing(open_store(secured.url(schema="later", sslrootcert=authority))) as store:
        store.jobs.add([new("before")], NOW)
        store.close()
        authority.write_bytes(secured.files.other.read_bytes())
        with pytest.raises(StoreBusy, match="certificate verify failed"):
            store.jobs.add([new("meanwhile")], NOW)
        authority.write_bytes(secured.files.authority.read_bytes())
        store.jobs.add([new("after")], NOW)

        assert sorted(store.read.get(["before", "meanwhile", "after"])) == ["after", "before"]


# Rights


@pytest.fixture
def role() -> Iterator[str]:
    """Return the name of a role that may do nothing, and of a schema that is not there."""
    name = f"t{uuid.uuid4().hex}"
    server().say(f"CREATE ROLE {name} LOGIN")
    yield name
    server().say(f"DROP OWNED BY {name} CASCADE", f"DROP SCHEMA IF EXISTS {name} CASCADE", f"DROP ROLE {name}")


def url_of(role: str, schema: str) -> str:
    return f"{server().url.replace('postgres@', f'{role}@')}&schema={schema}"


def test_a_role_that_may_make_no_schema_uses_the_one_it_was_given(role: str) -> None:
    url = url_of(role, role)
    with pytest.raises(StoreReadOnly, match=r"permission denied for database postgres. Give its user that right"):
        open_store(url).open()

    server().say(f"CREATE SCHEMA {role} AUTHORIZATION {role}")

    with closing(open_store(url)) as store:
        run_a_job(store)


#: What the page about servers says that a role needs on tables that another made.
GRANTS = """
GRANT USAGE ON SCHEMA jobs TO shop;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO shop;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO shop;
"""


def grants(role: str) -> list[str]:
    """Return the statements for a role and its schema."""
    return re.sub(r"\bjobs\b|\bshop\b", role, GRANTS).strip().splitlines()


def test_the_page_has_these_grants() -> None:
    assert GRANTS in (Path(__file__).parents[2] / "docs" / "many-hosts.md").read_text()


def test_a_role_with_the_rights_that_the_page_names_does_all_on_tables_of_another(role: str) -> None:
    with closing(open_store(url_of("postgres", role))) as store:
        store.open()
    server().say(*grants(role))

    with closing(open_store(url_of(role, role))) as store, closing(open_reader(url_of(role, role))) as reader:
        run_a_job(store)
        assert list(reader.read.get(["a"])) == ["a"]


@pytest.mark.parametrize("lacks", [0, 1, 2])
def test_a_right_that_is_missing_is_named(role: str, lacks: int) -> None:
    with closing(open_store(url_of("postgres", role))) as store:
        store.open()
    some = grants(role)
    del some[lacks]
    server().say(*some)

    told = [f"denied for schema {role}", "denied for table meta", "denied for sequence job_key_seq"][lacks]
    refused = pytest.raises(StoreReadOnly, match=rf"does not allow it: permission {told}. Give its user that right")
    with closing(open_store(url_of(role, role))) as store, refused:
        store.jobs.add([new("a")], NOW)
