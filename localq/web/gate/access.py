"""The gate: who is at the door, and whether they may pass. Decides on values; `gate.door` stands in front of routes."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Mapping
from http.cookies import CookieError, SimpleCookie
from math import ceil
from typing import Any, NamedTuple

from localq.host.kinds import user_id
from localq.web.gate.actor import ANYBODY, EVERYTHING, Actor, Right
from localq.web.gate.host import LOOPBACK, host_name, is_allowed
from localq.web.gate.origin import SAFE, from_a_browser, handed_on, is_cross_site
from localq.web.gate.passwords import Passwords, basic
from localq.web.gate.proxy import Proxy
from localq.web.gate.sessions import Sessions
from localq.web.gate.slow_down import SlowDown

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
    """Why somebody does not pass: the status, and a sentence that says what to do about it.

    `again_s`: seconds after which they may try again, where that helps. `values` stand in the sentence in braces.
    """

    status: int
    reason: str
    again_s: int = 0
    values: Mapping[str, Any] = {}


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
        metrics_token: What lets somebody read the metrics, and nothing else.
        any_host: It answers under whatever name: another application looks after that.
        passwords: What opens it beside the token.
        proxy: Proxies that say who asks.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        hosts: Collection[str] = (),
        read_only: bool = False,
        peer: Callable[[tuple[str, int], tuple[str, int]], int | None] = lambda client, server: None,
        any_host: bool = False,
        passwords: Passwords | None = None,
        proxy: Proxy | None = None,
        metrics_token: str | None = None,
    ) -> None:
        self._metrics_token = metrics_token
        self._sessions, self._read_only, self._peer, self._any_host = sessions, read_only, peer, any_host
        self._hosts = LOOPBACK | {host_name(name) for name in hosts}
        self._passwords, self._proxy, self._slow = passwords, proxy, SlowDown()

    @property
    def has_passwords(self) -> bool:
        """Whether people log in with a name and a password, too."""
        return self._passwords is not None

    def who(self, asked: Asked) -> Actor:
        """Return who asks: a proxy's user, by a key, by a session, or a program of the same user on this computer."""
        client = _address(asked)
        user = "" if self._proxy is None else self._proxy.user_of(asked.headers, client)
        if user:
            return self._able(Actor(user, EVERYTHING, _form_name(user)))
        sent = asked.headers.get("authorization", "")
        if sent and not self._slow.wait_s(client, asked.now):
            actor = self._by_key(sent)
            if actor is not None:
                self._slow.passed(client)
                return self._able(actor)
            self._slow.failed(client, asked.now)
        session = _cookie(asked.headers, asked.server)
        if session and self._sessions.holds(session, asked.now):
            return self._able(Actor(self._sessions.user_of(session) or "session", EVERYTHING, session))
        return self._able(Actor("local", EVERYTHING)) if not sent and self._is_own_program(asked) else ANYBODY

    def _by_key(self, sent: str) -> Actor | None:
        """Return whom a header Authorization lets in."""
        scheme, _, value = sent.partition(" ")
        if scheme.lower() == "bearer" and self._sessions.is_token(value.strip()):
            return Actor("token", EVERYTHING)
        metrics = self._metrics_token
        if scheme.lower() == "bearer" and metrics and hmac.compare_digest(value.strip().encode(), metrics.encode()):
            return Actor("metrics", frozenset({Right.METRICS}))
        named = basic(sent)
        if self._passwords is None or named is None or not self._passwords.opens(*named):
            return None
        # Browsers send it along with whatever any page asks for: their forms must be ours.
        return Actor(named[0], EVERYTHING, _form_name(named[0]))

    def log_in(self, client: str, user: str, secret: str, now: float) -> Refused | None:
        """Return why a form that somebody filled in opens no session, or None where it does; no user: a token."""
        wait_s = self._slow.wait_s(client, now)
        if wait_s:
            return _too_many(wait_s)
        by_name = self._passwords is not None and bool(user)
        if self._passwords is not None and user:
            right = self._passwords.opens(user, secret)
        else:
            right = self._sessions.is_token(secret)
        if right:
            self._slow.passed(client)
            return None
        self._slow.failed(client, now)
        if by_name:
            return Refused(401, "The name or the password is wrong.")
        return Refused(401, "This is not the token. It lies in the file named at the start.")

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
        user = user_id()
        return user is not None and self._peer(asked.client, asked.server) == user

    def admit(self, asked: Asked, actor: Actor, right: Right) -> Refused | None:
        """Return why a request does not pass a rule, or None where it does."""
        host = asked.headers.get("host", "")
        if not self._any_host and not is_allowed(host, self._hosts):
            return Refused(
                421,
                "This page does not answer as {host}. Name the host: --host-name.",
                values={"host": repr(host[:100])},
            )
        if asked.method not in SAFE and is_cross_site(asked.headers, host):
            return Refused(403, "Another site asked for this change.")
        if actor.may(right):
            return None
        if actor is ANYBODY:
            wait_s = self._slow.wait_s(_address(asked), asked.now) if "authorization" in asked.headers else 0.0
            if wait_s:
                return _too_many(wait_s)
            return Refused(401, "Log in with the link that was printed at the start, or send the token.")
        return Refused(403, "This dashboard is read only." if self._read_only else "You may not do this.")


def _address(asked: Asked) -> str:
    return "" if asked.client is None else asked.client[0]


def _form_name(user: str) -> str:
    """Return what stands for the session of somebody who has none, so that nobody else's form is theirs."""
    return f"of {user}"


def _too_many(wait_s: float) -> Refused:
    seconds = ceil(wait_s)
    return Refused(
        429, "Too many wrong keys came from your address. Try again in {seconds} s.", seconds, {"seconds": seconds}
    )


def _cookie(headers: Mapping[str, str], server: tuple[str, int] | None) -> str:
    port = 0 if server is None else server[1]
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(cookie_name(port))
    except CookieError:
        return ""
    return "" if found is None else found.value
