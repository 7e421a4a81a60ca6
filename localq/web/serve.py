"""The dashboard as a program of its own: a server on one address, until it is told to stop."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette

from localq.app import LocalQ
from localq.exceptions import ImproperlyConfigured
from localq.web.application import build
from localq.web.compiled import compiled_in
from localq.web.gate.host import LOOPBACK
from localq.web.gate.passwords import Passwords
from localq.web.gate.proxy import Proxy
from localq.web.gate.sessions import Sessions
from localq.web.gate.token_file import token_at, token_path

__all__ = ["Address", "serve"]

#: Seconds that an address in use is waited for: a worker that starts anew has just had it.
_TAKEN_S = 3.0


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
    metrics_token: str | None = None,
    while_input: bool = False,
    passwords: Passwords | None = None,
    proxy: Proxy | None = None,
) -> None:
    """Serve a queue's dashboard until a TERM or Ctrl-C.

    Args:
        say: Told the address with a one-time link, when pages can be had.
        passwords: Users who get in beside who has the token.
        proxy: Proxies whose word is taken for who asks.
        while_input: Stop when standard input ends as well: the process that holds it is gone.

    Raises:
        ImproperlyConfigured: nothing can listen at the address.
    """
    # Closed at the end, whatever goes wrong before the server has taken it.
    with _listening(address) as listening:
        sessions = Sessions(token or token_at(token_path(q.location, os.environ)))
        app = build(
            q,
            sessions,
            hosts=(address.host, *hosts),
            read_only=read_only,
            passwords=passwords,
            proxy=proxy,
            metrics_token=metrics_token,
            compiled=compiled_in(token_path(q.location, os.environ).parent / "pages"),
        )
        server = uvicorn.Server(_config(app, address))
        if while_input:
            threading.Thread(target=_until_input_ends, args=(server,), daemon=True).start()
        say(f"Dashboard: {address.url}/login?once={sessions.new_link(time.time())}")
        server.run(sockets=[listening])


def _config(app: Starlette, address: Address) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=address.host,
        port=address.port,
        log_level="warning",
        access_log=False,
        # What a proxy says of who asks is not to be believed of everybody who says it.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        lifespan="on",
    )


def _listening(address: Address) -> socket.socket:
    """Return a socket at an address; one that another is about to let go of is waited for a little."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    until = time.monotonic() + _TAKEN_S
    while True:
        # By its protocol asyncio knows that what it sends is not to wait: else each answer takes 40 ms longer.
        made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((address.host, address.port))
            # Who follows the link at once waits for the server's start, and is not refused.
            made.listen(128)
            return made
        except OSError as error:
            made.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise ImproperlyConfigured(
                    f"The dashboard cannot answer at {address.url}: {error.strerror}. Choose another --port or "
                    "--address."
                ) from error
        time.sleep(0.2)


def _until_input_ends(server: uvicorn.Server) -> None:
    while os.read(0, 4096):
        pass
    server.should_exit = True
