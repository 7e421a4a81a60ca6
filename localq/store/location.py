"""Where a store is, of the path or URL that a program gives, or of the URLs that Celery's settings have."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from localq.exceptions import ImproperlyConfigured
from localq.model.secrets import without_passwords
from localq.store import check_kind
from localq.store.celery_options import with_options

__all__ = ["DEFAULT", "configured_place", "embedded", "locate", "one_place", "refusal"]

DEFAULT = "jobs.db"
_EXAMPLES = {"path": DEFAULT, "url": f"sqlite:///{DEFAULT}"}
#: In-process transports and result back ends of Celery's, which tests use.
_IN_MEMORY = ("memory", "cache+memory", "cache")
#: Result back ends that bring results back to the caller, or keep none: the store does the former anyway.
_ANY_STORE = ("rpc", "disabled", "amqp+rpc")
#: URLs of Redis servers, and the ports where they say none.
_REDIS = {
    "redis": 6379, "rediss": 6379, "redis+socket": 0, "unix": 0, "sentinel": 26_379, "valkey": 6379, "valkeys": 6379,
}  # fmt: skip
#: URLs of PostgreSQL, as LocalQ, SQLAlchemy and Celery's transport and back end over that have them.
_POSTGRESQL = re.compile(r"(?:sqla\+|db\+)?postgres(?:ql)?(?:\+\w+)?", re.IGNORECASE)
_THIS_HOST = ("localhost", "127.0.0.1", "::1")
#: Names that Celery and its extensions have for other places of jobs and results; "./redis" is a file all the same.
_SHORT_NAMES = {
    "amqp", "amqps", "arangodb", "azureblockblob", "azureservicebus", "azurestoragequeues", "cassandra",
    "confluentkafka", "consul", "cosmosdbsql", "couchbase", "couchdb", "database", "db", "django", "django-cache",
    "django-db", "djkombu", "dynamodb", "elasticsearch", "etcd", "file", "filesystem", "gcpubsub", "gcs", "gs",
    "ironmq", "kafka", "librabbitmq", "mongodb", "pgmq", "pyamqp", "pyro", "qpid", "redis", "rediss", "riak", "s3",
    "sentinel", "slmq", "sqla", "sqlalchemy", "sqs", "zookeeper",
}  # fmt: skip
#: The name of a class, such as "shop.results.Backend" or "shop.results:Backend", which a path is not.
_CLASS = re.compile(r"[a-z_]\w*(\.[a-z_]\w*)*[.:][A-Z]\w*[a-z]\w*")


def locate(path: str | os.PathLike[str] | None, url: str | None) -> str:
    """Return the location: a URL, ":memory:", or a path that stays the same whatever folder is worked in.

    Raises:
        ImproperlyConfigured: both are given, an empty one, one that is no text, or a URL of an unknown kind.
    """
    for option, value in (("path", path), ("url", url)):
        _check(option, value)
    if path is not None and url is not None:
        raise ImproperlyConfigured(f"Give path={path!r} or url={url!r}, not both.")
    given = path if url is None else url
    text = DEFAULT if given is None else os.fspath(given)
    if not text:
        raise ImproperlyConfigured("The path is empty. Give the path of a file, such as jobs.db.")
    if text == ":memory:" or "://" in text:
        return text
    try:
        return os.path.abspath(os.path.expanduser(text))
    except FileNotFoundError:
        raise ImproperlyConfigured(
            f"The working folder was removed, so that {text!r} is nowhere. Give path= in full, as in /var/lib/{text}."
        ) from None


def _check(option: str, given: object) -> None:
    """Refuse what is neither a path nor a URL, where it is given and not at the first job."""
    if given is None:
        return
    text = os.fspath(given) if isinstance(given, os.PathLike) else given
    if not isinstance(text, str):
        raise ImproperlyConfigured(f"{option}={given!r} must be a text, such as {_EXAMPLES[option]!r}.")
    check_kind(text)


def embedded(url: str | None) -> str | None:
    """Return the location that a broker's or result back end's URL or short name stands for, or None for any.

    Raises:
        ImproperlyConfigured: it is a server's, or something else that LocalQ has not.
    """
    if not url:
        return None
    scheme, colon, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme in _ANY_STORE:
        return None
    if scheme in _IN_MEMORY or url == ":memory:":
        return ":memory:"
    if colon and scheme in _REDIS:
        return url
    if colon and _POSTGRESQL.fullmatch(scheme):
        return f"postgresql://{rest}"
    if not colon and (scheme in _SHORT_NAMES or _CLASS.fullmatch(url)):
        raise ImproperlyConfigured(refusal(url))
    if not colon:
        return locate(url, None)
    if scheme in ("sqlite", "db+sqlite", "sqla+sqlite"):
        return ":memory:" if rest in ("", "/") else _same_path(f"sqlite://{rest}")
    raise ImproperlyConfigured(refusal(url))


def one_place(broker: str | None, backend: str | None) -> str | None:
    """Return the location that a broker and a result back end stand for together, None for any.

    On one Redis server they are one store, in the database of the back end: there results are looked for.

    Raises:
        ImproperlyConfigured: they are two places, or one of them is none for us.
    """
    jobs, results = embedded(broker), embedded(backend)
    if not jobs or not results or jobs == results:
        return jobs or results
    servers = _server(jobs), _server(results)
    if servers[0] is not None and servers[0] == servers[1]:
        return results
    told = f"broker_url is {without_passwords(jobs)!r} and result_backend {without_passwords(results)!r}, "
    if None in servers:
        raise ImproperlyConfigured(
            f"{told}but jobs and their results are in one place. Give path= or url=, or set broker_url alone."
        )
    raise ImproperlyConfigured(
        f"{told}which are two servers, but a job and its result are written in one step. Name one server in both, or "
        "set broker_url alone."
    )


def configured_place(broker: str | None, backend: str | None, use_ssl: Any, transport: Mapping[str, Any]) -> str | None:
    """Return the location of `one_place`, with what settings say of a Redis server beside its URL."""
    place = one_place(broker, backend)
    return None if place is None else with_options(place, use_ssl, transport)


def _server(location: str) -> tuple[str, ...] | None:
    """Return what tells a Redis server from others; None: it is none."""
    scheme, colon, rest = location.partition("://")
    if not colon or scheme.lower() not in _REDIS:
        return None
    port = _REDIS[scheme.lower()]
    if not port:
        return (rest.partition("?")[0],)
    hosts = [one.rpartition("@")[2].partition("/")[0] for one in re.split(r"[;,](?:\w+://)?", rest.partition("?")[0])]
    found = set()
    for host in hosts:
        parts = urlsplit(f"//{host}")
        name = parts.hostname or "localhost"
        found.add(f"{'localhost' if name in _THIS_HOST else name}:{parts.port or port}")
    return tuple(sorted(found))


def _same_path(url: str) -> str:
    """Return the path of sqlite:///path, as `locate` gives it for a path."""
    path = url.removeprefix("sqlite:///")
    return locate(path, None) if path and "?" not in path else url


def refusal(url: str) -> str:
    """Say why the URL of a server, or the name of something else, cannot be used."""
    scheme, colon, _ = url.partition("://")
    scheme = scheme.lower()
    if not colon or scheme in ("file", "filesystem"):
        return (
            f"{without_passwords(url)!r} is another place for jobs or results in Celery, and LocalQ has one place for "
            "both. Leave it out, or use path=, as in LocalQ(path='jobs.db'): jobs and results are in that file."
        )
    return (
        f"{without_passwords(url)} is a server, and LocalQ needs neither a broker nor a result back end. Use path=, as "
        "in LocalQ(path='jobs.db'): jobs and results are in that file. For several hosts there is url=, with a URL of "
        "Redis or PostgreSQL."
    )
