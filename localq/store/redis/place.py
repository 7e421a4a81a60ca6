"""Where a Redis store is, of its URL: the server or its sentinels, the database, and what all its keys begin with."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from redis import Connection, SSLConnection, UnixDomainSocketConnection
from redis.connection import URL_QUERY_ARGUMENT_PARSERS, parse_url

from localq.exceptions import ImproperlyConfigured
from localq.model.hints import nearest
from localq.model.secrets import without_passwords

__all__ = ["Address", "read_address"]

_PREFIX = "lq"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SENTINEL_PORT = 26_379
#: The service that sentinels watch, if nothing else is said.
_SERVICE = "mymaster"
#: What the driver calls kinds of URLs.
_SCHEMES = {"redis+socket": "unix", "valkey": "redis", "valkeys": "rediss"}
#: What is said of sentinels begins with it; and what says yes there.
_OF_SENTINEL, _YES = "sentinel_", ("1", "true", "yes")
#: What may stand in a URL for the driver's pools of connections, which are not used.
_OF_POOLS = ("max_connections", "timeout")
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
    #: What is for the driver's connections to the sentinels.
    to_sentinels: Mapping[str, Any] = MappingProxyType({})


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
    said = _words(parts.query)
    prefix = _prefix(said)
    database = said.pop("virtual_host", None)
    if database is not None:
        said["db"] = database
    number = parts.path.strip("/")
    if "@" in number:
        raise ImproperlyConfigured(_unquoted(name))
    if scheme != "unix" and number and not number.isdigit():
        raise ImproperlyConfigured(
            f"{name} must end in the number of a database, as in redis://localhost:6379/0, not in {number!r}."
        )
    try:
        options = _options(f"{scheme}://{parts.netloc}{parts.path}", said)
    except ValueError as error:
        raise ImproperlyConfigured(_unread(name, rest, error)) from None
    kind = options.pop("connection_class", Connection)
    return Address(kind, _checked(options, kind, name), prefix, name)


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
    if "@" in number:
        raise ImproperlyConfigured(_unquoted(name))
    said = _words(rest.partition("?")[2])
    service = said.pop("master", said.pop("master_name", _SERVICE))
    kind = SSLConnection if said.pop("ssl", "").lower() in _YES else Connection
    prefix = _prefix(said)
    apart = {key.removeprefix(_OF_SENTINEL): said.pop(key) for key in list(said) if key.startswith(_OF_SENTINEL)}
    their_kind = SSLConnection if apart.pop("ssl", "").lower() in _YES else Connection
    if their_kind is SSLConnection:
        apart = {key: value for key, value in said.items() if key.startswith("ssl_")} | apart
    try:
        sentinels = tuple(_host(text) for text in hosts)
        options = _options(f"redis://localhost/{quote(number)}", said)
        theirs = _options("redis://localhost", apart)
    except ValueError as error:
        raise ImproperlyConfigured(_unread(name, rest, error)) from None
    options.pop("host", None)
    theirs.pop("host", None)
    for what in ("username", "password"):
        value = getattr(parts, what)
        if value:
            options[what] = unquote(value)
    options, theirs = _checked(options, kind, name), _checked(theirs, their_kind, name)
    if their_kind is SSLConnection:
        theirs["ssl"] = True
    return Address(kind, options, prefix, name, sentinels, service, theirs)


def _unquoted(name: str) -> str:
    """Say what is wrong with a URL whose password ends before it does, and nothing of that password."""
    return f"{name} cannot be read: in a user or password / is written %2F, ? %3F, # %23, : %3A, @ %40 and % %25."


def _unread(name: str, rest: str, error: ValueError) -> str:
    """Say why a URL cannot be read; what the driver says of it may have a part of a password."""
    return _unquoted(name) if "@" in rest else f"{name} cannot be read: {str(error).rstrip('.')}."


def _words(query: str) -> dict[str, str]:
    """Return what stands behind the ?, with the words that Celery has for how a certificate is looked at."""
    said = dict(parse_qsl(query, keep_blank_values=True))
    for name in ("ssl_cert_reqs", f"{_OF_SENTINEL}ssl_cert_reqs"):
        if said.get(name, "").lower() in _CERTIFICATES:
            said[name] = _CERTIFICATES[said[name].lower()]
    return said


def _options(place: str, said: Mapping[str, str]) -> dict[str, Any]:
    """Return what a place and options mean to the driver, which reads numbers; texts it may take for written in %."""
    read = {name: value for name, value in said.items() if name in URL_QUERY_ARGUMENT_PARSERS}
    found = dict(parse_url(f"{place}?{urlencode(read)}" if read else place))
    return found | {name: value for name, value in said.items() if name not in read}


def _checked(options: dict[str, Any], kind: type[Connection], name: str) -> dict[str, Any]:
    """Return what a connection takes of the options in a URL; refuse what is none, before it is one that is ignored."""
    taken = {word for one in kind.__mro__ for word in inspect.signature(one).parameters}
    found = {word: value for word, value in options.items() if word not in _OF_POOLS}
    for word in sorted(found.keys() - taken):
        if word.startswith("ssl_") or word == "ssl":
            raise ImproperlyConfigured(f"{name}: {word}= is for TLS. Begin the URL with rediss://, or leave it out.")
        raise ImproperlyConfigured(f"{name}: {word}= is no option of a connection.{nearest(word, taken)}")
    if issubclass(kind, SSLConnection):
        # Before its sixth version the driver looked at the certificate, but not at whose it is.
        found.setdefault("ssl_check_hostname", found.get("ssl_cert_reqs") != "none")
    return found


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
