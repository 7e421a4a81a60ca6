"""The dashboard as a program of its own: a server on one address, until it is told to stop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import uvicorn

from localq.app import LocalQ
from localq.web.application import build
from localq.web.gate.host import LOOPBACK
from localq.web.gate.sessions import Sessions
from localq.web.gate.token_file import token_at, token_path

__all__ = ["Address", "serve"]


class Address(NamedTuple):
    """Where a dashboard answers."""

    host: str = "127.0.0.1"
    port: int = 5555

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer can reach it."""
        return self.host in LOOPBACK or self.host == "::1"

    @property
    def url(self) -> str:
        """The address as a browser takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def serve(
    q: LocalQ,
    address: Address,
    say: Callable[[str], None],
    *,
    token: str | None = None,
    hosts: Sequence[str] = (),
    read_only: bool = False,
) -> None:
    """Serve a queue's dashboard until a TERM or Ctrl-C.

    Args:
        say: Told the address with a one-time link, when pages can be had.
    """
    sessions = Sessions(token or token_at(token_path(q.location, os.environ)))
    app = build(q, sessions, hosts=(address.host, *hosts), read_only=read_only)
    config = uvicorn.Config(
        app,
        host=address.host,
        port=address.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        lifespan="on",
    )
    say(f"Dashboard: {address.url}/login?once={sessions.new_link(time.time())}")
    uvicorn.Server(config).run()
