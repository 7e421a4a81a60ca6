"""The gate: who is at the door, and whether they may pass. Decides on values; `gate.door` stands in front of routes."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple

from localq.web.gate.actor import ANYBODY, EVERYTHING, Actor, Right
from localq.web.gate.host import LOOPBACK, host_name, is_allowed
from localq.web.gate.origin import SAFE, from_a_browser, handed_on, is_cross_site
from localq.web.gate.sessions import Sessions

__all__ = ["Access", "Asked", "Refused", "cookie_name"]

_READING = frozenset({Right.READ, Right.METRICS})


class Asked(NamedTuple):
    """A request, as far as the gate looks at it. Names of headers are in lower case; `form_token` is that of a form.

    `client` and `server` are addresses (host, port), None where the server does not tell.
    """

    method: str
    headers: Mapping[str, str]
    client: tuple[str, int] | None
    server: tuple[str, int] | None
    now: float


class Refused(NamedTuple):
    """Why somebody does not pass: the status, and a sentence that says what to do about it."""

    status: int
    reason: str


def cookie_name(port: int) -> str:
    """Return the name of the session's cookie: cookies know no ports, and several dashboards may run on one host."""
    return f"localq_{port}"


class Access:
    """Who may do what.

    Args:
        sessions: What the dashboard's token opens.
        hosts: Names, beside the loopback ones, under which the page answers.
        read_only: Nobody changes anything, whoever they are.
        peer: Returns the user at the other end of a loopback connection, where that can be told.
        any_host: It answers under whatever name: another application looks after that.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        hosts: Collection[str] = (),
        read_only: bool = False,
        peer: Callable[[tuple[str, int], tuple[str, int]], int | None] = lambda client, server: None,
        any_host: bool = False,
    ) -> None:
        self._sessions, self._read_only, self._peer, self._any_host = sessions, read_only, peer, any_host
        self._hosts = LOOPBACK | {host_name(name) for name in hosts}

    def who(self, asked: Asked) -> Actor:
        """Return who asks: by a token, by a session, or because a program of the same user asks on this computer."""
        token = _token(asked.headers)
        if token and self._sessions.is_token(token):
            return self._able(Actor("token", EVERYTHING))
        session = _cookie(asked.headers, asked.server)
        if session and self._sessions.holds(session, asked.now):
            return self._able(Actor("session", EVERYTHING, session))
        if not token and self._is_own_program(asked):
            return self._able(Actor("local", EVERYTHING))
        return ANYBODY

    def known(self, actor: Actor | None) -> Actor:
        """Return somebody whom the host application knows, with what they may do here; nobody is anybody."""
        return ANYBODY if actor is None else self._able(actor)

    def _able(self, actor: Actor) -> Actor:
        return actor._replace(rights=actor.rights & _READING) if self._read_only else actor

    def _is_own_program(self, asked: Asked) -> bool:
        """Whether a program of this user asks over loopback, and neither a browser nor a proxy: it can read the token.

        Not one of root's: what listens for others on a server is often root's, and hands on whatever comes.
        """
        if asked.client is None or asked.server is None or host_name(asked.headers.get("host", "")) not in LOOPBACK:
            return False
        if from_a_browser(asked.headers) or handed_on(asked.headers):
            return False
        return self._peer(asked.client, asked.server) == os.getuid()

    def admit(self, asked: Asked, actor: Actor, right: Right) -> Refused | None:
        """Return why a request does not pass a rule, or None where it does."""
        host = asked.headers.get("host", "")
        if not self._any_host and not is_allowed(host, self._hosts):
            return Refused(421, f"This page does not answer as {host[:100]!r}. Name the host: --host-name.")
        if asked.method not in SAFE and is_cross_site(asked.headers, host):
            return Refused(403, "Another site asked for this change.")
        if actor.may(right):
            return None
        if actor is ANYBODY:
            return Refused(401, "Log in with the link that was printed at the start, or send the token.")
        return Refused(403, "This dashboard is read only." if self._read_only else "You may not do this.")


def _token(headers: Mapping[str, str]) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _cookie(headers: Mapping[str, str], server: tuple[str, int] | None) -> str:
    port = 0 if server is None else server[1]
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(cookie_name(port))
    except CookieError:
        return ""
    return "" if found is None else found.value
