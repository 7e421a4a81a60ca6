"""Certificates for servers and clients of tests, made as they are needed, in files."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

__all__ = ["Certificates", "made_in", "reason"]


class Certificates(NamedTuple):
    """Paths of files: an authority, the certificate and key of a server on 127.0.0.1, and of a client in one.

    `other` is an authority that has signed nothing, `stranger` a client that another has signed.
    """

    authority: Path
    server: Path
    key: Path
    client: Path
    other: Path
    stranger: Path


@cache
def reason() -> str | None:
    """Say why there are none; None where there are."""
    return None if find_spec("trustme") else "trustme is not installed: pip install trustme"


def made_in(folder: Path, client: str = "ann") -> Certificates:
    """Make certificates in a folder; the client's is for a name."""
    import trustme

    found = Certificates(*(folder / f"{name}.pem" for name in Certificates._fields))
    ours, theirs = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(str(found.authority))
    theirs.cert_pem.write_to_path(str(found.other))
    server = ours.issue_cert("127.0.0.1")
    server.cert_chain_pems[0].write_to_path(str(found.server))
    server.private_key_pem.write_to_path(str(found.key))
    ours.issue_cert(common_name=client).private_key_and_cert_chain_pem.write_to_path(str(found.client))
    theirs.issue_cert(common_name=client).private_key_and_cert_chain_pem.write_to_path(str(found.stranger))
    for key in (found.key, found.client, found.stranger):
        key.chmod(0o600)
    return found
