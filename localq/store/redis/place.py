"""Where a Redis store is, of its URL: the server or its sentinels, the database, and what all its keys begin with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from redis import Connection, SSLConnection, UnixDomainSocketConnection
from redis.connection import parse_url

from localq.exceptions import ImproperlyConfigured
from localq.model.secrets import without_passwords

__all__ = ["Address", "read_address"]

_PREFIX = "lq"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SENTINEL_PORT = 26_379
#: The service that sentinels watch, if nothing else is said.
_SERVICE = "mymaster"
#: What the driver calls kinds of URLs.
_SCHEMES = {"redis+socket": "unix", "valkey": "redis", "valkeys": "rediss"}
#: What Celery and redis-py write for how a certificate is looked at.
_CERTIFICATES = {"cert_none": "none", "cert_optional": "optional", "cert_required": "required"}


class Address(NamedTuple):
    """What a URL says: `options` are for the driver's connections, `name` may be shown.

    Keys begin with `prefix`, in braces: so that all of them are in one slot of a cluster.
    """

    kind: type[Connection] | type[UnixDomainSocketConnection]
    options: Mapping[str, Any]
    prefix: str
    name: str
    sentinels: tuple[tuple[str, int], ...] = ()
    service: str = _SERVICE


def read_address(url: str) -> Address:
    """Read redis://user:password@host:port/number?prefix=lq, or one of the other kinds; the rest is the driver's.

    Raises:
        ImproperlyConfigured: it cannot be read.
    """
    name = without_passwords(url)
    scheme, _, rest = url.partition("://")
    scheme = _SCHEMES.get(scheme, scheme)
    if scheme == "sentinel":
        return _of_sentinels(rest, name)
    parts = urlsplit(f"{scheme}://{rest}")
    said = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = _prefix(said)
    database = said.pop("virtual_host", None)
    if database is not None:
        said["db"] = database
    how = said.get("ssl_cert_reqs", "").lower()
    if how in _CERTIFICATES:
        said["ssl_cert_reqs"] = _CERTIFICATES[how]
    number = parts.path.strip("/")
    if scheme != "unix" and number and not number.isdigit():
        raise ImproperlyConfigured(
            f"{name} must end in the number of a database, as in redis://localhost:6379/0, not in {number!r}."
        )
    try:
        options = parse_url(f"{scheme}://{parts.netloc}{parts.path}?{urlencode(said)}")
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {str(error).rstrip('.')}.") from None
    kind = options.pop("connection_class", Connection)
    return Address(kind, options, prefix, name)


def _of_sentinels(rest: str, name: str) -> Address:
    """Read sentinel://user:password@host:port,host:port/number?master=name; Celery parts hosts by ;sentinel://."""
    first, *others = re.split(r"[;,](?:sentinel://)?", rest.partition("?")[0])
    parts = urlsplit(f"redis://{first}")
    number = parts.path.strip("/")
    hosts = [parts.netloc.rpartition("@")[2]]
    for other in others:
        host, _, path = other.rpartition("@")[2].partition("/")
        hosts.append(host)
        number = path or number
    said = dict(parse_qsl(rest.partition("?")[2], keep_blank_values=True))
    service = said.pop("master", said.pop("master_name", _SERVICE))
    encrypted = said.pop("ssl", "").lower() in ("1", "true", "yes")
    prefix = _prefix(said)
    try:
        sentinels = tuple(_host(text) for text in hosts)
        options = parse_url(f"redis://localhost/{quote(number)}?{urlencode(said)}")
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {str(error).rstrip('.')}.") from None
    options.pop("host", None)
    for what in ("username", "password"):
        value = getattr(parts, what)
        if value:
            options[what] = unquote(value)
    return Address(SSLConnection if encrypted else Connection, options, prefix, name, sentinels, service)


def _host(text: str) -> tuple[str, int]:
    parts = urlsplit(f"redis://{text}")
    return parts.hostname or "localhost", parts.port or _SENTINEL_PORT


def _prefix(said: dict[str, str]) -> str:
    name = said.pop("prefix", _PREFIX)
    if not _NAME.fullmatch(name):
        raise ImproperlyConfigured(
            f"prefix={name!r} in the URL must be up to 64 letters, digits and signs of _.-, such as {_PREFIX!r}."
        )
    return f"{{{name}}}:"
