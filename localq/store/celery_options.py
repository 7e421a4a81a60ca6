"""What Celery's settings say of Redis beside its URL: TLS, and how sentinels are asked. Here it is in the URL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, urlencode

from localq.exceptions import ImproperlyConfigured
from localq.model.secrets import without_passwords

__all__ = ["with_options"]

#: What a URL begins with that is to be by TLS.
_BY_TLS = {"redis": "rediss", "rediss": "rediss", "valkey": "valkeys", "valkeys": "valkeys", "sentinel": "sentinel"}


def with_options(url: str, use_ssl: Any, transport: Mapping[str, Any]) -> str:
    """Return the URL of a server with what broker_use_ssl and broker_transport_options say; any other as it is.

    Args:
        use_ssl: A mapping of `ssl_ca_certs` and the like, with or without "ssl_" before; True: TLS, and no more.
        transport: Of it `master_name` and `sentinel_kwargs` count, and they for sentinels alone.

    Raises:
        ImproperlyConfigured: a value cannot stand in a URL.
    """
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme not in _BY_TLS:
        return url
    place, _, query = rest.partition("?")
    said: dict[str, str] = {}
    if use_ssl:
        scheme = _BY_TLS[scheme]
        said |= {"ssl": "true"} if scheme == "sentinel" else {}
        given = use_ssl if isinstance(use_ssl, Mapping) else {}
        said |= _texts("broker_use_ssl", {f"ssl_{str(name).removeprefix('ssl_')}": given[name] for name in given})
    if scheme == "sentinel":
        name, theirs = transport.get("master_name"), transport.get("sentinel_kwargs") or {}
        said |= {} if name is None else {"master": str(name)}
        said |= _texts("sentinel_kwargs", {f"sentinel_{word}": theirs[word] for word in theirs})
    if not said:
        return f"{scheme}://{rest}"
    # What the URL itself says comes first.
    said |= dict(parse_qsl(query, keep_blank_values=True))
    return f"{scheme}://{place}?{urlencode(said)}"


def _texts(setting: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Return values as they stand in a URL."""
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, Enum):
            # ssl.CERT_REQUIRED
            found[name] = value.name
        elif isinstance(value, bool):
            found[name] = str(value).lower()
        elif isinstance(value, (str, int, float, os.PathLike)):
            found[name] = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
        else:
            shown = without_passwords(repr(value))
            raise ImproperlyConfigured(f"{setting} has {name}={shown}, which is neither a text nor a number.")
    return found
