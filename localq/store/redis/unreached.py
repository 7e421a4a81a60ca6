"""Why a connection to the server did not come about, where it can be told: certificates, or a port of another kind."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

from redis import Connection, SSLConnection
from redis.exceptions import AuthenticationError, ConnectionError, InvalidResponse, RedisError, TimeoutError

from localq.store.redis.place import Address

__all__ = ["Refused", "why"]

#: What OpenSSL calls a certificate for another name, and one for another address.
_OTHER_NAME = (62, 64)
#: Files of certificates, as they stand in the URL.
_FILES = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
#: What OpenSSL says of an answer that is none of TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE")
_OWN = "Add ssl_certfile= and ssl_keyfile= to the URL, the paths of its certificate and key"


class Refused(RedisError):
    """One side does not trust the other, or speaks another language: who tries again is told the same."""


def why(error: RedisError | OSError, address: Address) -> RedisError | OSError:
    """Return an error that says more of why a new connection did not come about; the same where no more is known."""
    if isinstance(error, (AuthenticationError, Refused)) or not issubclass(address.kind, Connection):
        return error
    causes = list(_causes(error))
    if issubclass(address.kind, SSLConnection):
        return _encrypted(error, causes, address.options)
    broken = any(isinstance(one, (ConnectionResetError, InvalidResponse)) for one in causes)
    if broken or "closed by server" in str(error):
        return ConnectionError(f"{_said(error)}. Where its port is one of TLS, begin the URL with rediss://")
    return error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _said(error: BaseException) -> str:
    return str(error).rstrip(".")


def _encrypted(
    error: RedisError | OSError, causes: list[BaseException], options: Mapping[str, Any]
) -> RedisError | OSError:
    """Return why a connection by TLS did not come about."""
    lost = [f"{name}={options[name]}" for name in _FILES if name in options and not os.access(options[name], os.R_OK)]
    if lost:
        return Refused(f"{' and '.join(lost)} cannot be read. Give the path of a file which this user may read")
    told = next((one for one in causes if isinstance(one, ssl.SSLError)), None)
    if isinstance(told, ssl.SSLCertVerificationError):
        return Refused(_distrusted(told))
    own = "ssl_certfile" in options
    reason = "" if told is None else str(told.reason)
    if "ALERT" in reason:
        advice = "Have it signed by an authority that the server knows (its tls-ca-cert-file)" if own else _OWN
        return Refused(f"it takes no client {'with this' if own else 'without a'} certificate ({reason}). {advice}")
    if reason in _NO_TLS:
        return Refused("its port is none of TLS. Begin the URL with redis://, or name the server's tls-port")
    if told is not None and not isinstance(told, ssl.SSLEOFError):
        return Refused(f"{_said(told)}. Look at the files that ssl_...= in the URL names")
    if isinstance(error, TimeoutError):
        return TimeoutError(f"{_said(error)}. Where its port is none of TLS, begin the URL with redis://")
    if not own and isinstance(causes[-1], (ssl.SSLEOFError, ConnectionResetError, BrokenPipeError)):
        return ConnectionError(f"{_said(error)}. It may want a certificate of this client. {_OWN}")
    return error


def _distrusted(told: ssl.SSLCertVerificationError) -> str:
    """Say what is wrong with the server's certificate."""
    said = told.verify_message.rstrip(".")
    if told.verify_code in _OTHER_NAME:
        return f"its certificate is for another host: {said}. Name the host as its certificate does"
    advice = "Add ssl_ca_certs= to the URL, the path of the certificate of the authority that signed it"
    return f"its certificate is not trusted: {said}. {advice}"
