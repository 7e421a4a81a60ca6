"""The verbs about letters to workers and standing orders; see `localq.store.protocol.mail`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from localq.model.orders import MAIL, RATE, Letter, Mail, Order, answer_word
from localq.model.rates import read_rate
from localq.store.protocol.bells import ORDERS
from localq.store.redis.scripts import script
from localq.store.redis.server import RedisServer

__all__ = ["RedisMail", "orders_of"]

_POST, _ANSWER, _ORDER = script("post"), script("answer"), script("order")
_TAKE = script("take_mail", reads=True)
_packed, _unpacked = msgspec.msgpack.encode, msgspec.msgpack.decode


class RedisMail:
    """How programs speak to workers."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    # Letters

    def post(
        self,
        command: str,
        arguments: str,
        destination: Sequence[str] | None,
        *,
        wants_reply: bool,
        expires_at: int,
        now: int,
        token: str,
    ) -> int:
        """Put a letter into the mailbox; see the protocol."""
        to = None if destination is None else list(destination)
        letter = _packed((command, arguments, wants_reply, str(expires_at), to, token))
        return int(self._server.run(_POST, letter, token, now, MAIL))

    def take(self, worker: str, place: int | None, now: int) -> Mail:
        """Return a worker's letters; see the protocol."""
        last, found = self._server.run(_TAKE, "" if place is None else place)
        letters = [_letter(key, data, worker, now) for key, data in zip(found[1::2], found[::2], strict=True)]
        return Mail([one for one in letters if one is not None], int(last))

    def answer(self, key: int, worker: str, answer: str, token: str) -> None:
        """Answer a letter; see the protocol."""
        self._server.run(_ANSWER, key, _packed((worker, answer, token)), token, answer_word(key))

    def answers(self, key: int) -> list[tuple[str, str]]:
        """Return the answers to a letter; see the protocol."""
        found = self._server.one("LRANGE", self._server.key(f"ans:{key}"), 0, -1)
        return [(worker, answer) for worker, answer, _ in map(_unpacked, found)]

    # Orders

    def order(self, orders: Sequence[Order], now: int) -> list[Order]:
        """Give or withdraw orders; see the protocol."""
        words: list[str] = []
        for one in orders:
            words += (one.kind, one.name, *(("-", "") if one.value is None else ("+", _kept(one.kind, one.value))))
        changed = self._server.run(_ORDER, now, ORDERS, *words)
        return [one for one, flag in zip(orders, changed, strict=True) if flag]

    def orders(self) -> list[Order]:
        """Return the orders that hold; see the protocol."""
        key = self._server.key
        return orders_of(*self._server.ask(("HGETALL", key("o")), ("HGETALL", key("ol"))))

    def ordered_at(self, kind: str) -> dict[str, int]:
        """Return since when orders hold; see the protocol."""
        found = self._server.one("HGETALL", self._server.key("oa"))
        pairs = ((name.decode(), int(at)) for name, at in zip(found[::2], found[1::2], strict=True))
        return {name.removeprefix(f"{kind}\0"): at for name, at in pairs if name.startswith(f"{kind}\0")}


def orders_of(*hashes: Sequence[bytes]) -> list[Order]:
    """Return the orders in `o` and `ol`, as the server tells hashes; by kind and name."""
    found: list[Order] = []
    for told in hashes:
        for name, value in zip(told[::2], told[1::2], strict=True):
            kind, _, of = name.decode().partition("\0")
            text = value.decode()
            found.append(Order(kind, of, text.partition("|")[2] if kind == RATE else text))
    return sorted(found)


def _kept(kind: str, value: str) -> str:
    """Return an order's value as it is kept: of a rate what a claim needs, and the text."""
    if kind != RATE:
        return value
    try:
        rate = read_rate(value)
    except ValueError:
        # What no version of ours wrote must not stop a worker.
        return f"-|{value}"
    return f"{'0' if rate is None else f'{rate.interval} {rate.burst}'}|{value}"


def _letter(key: bytes, data: bytes, worker: str, now: int) -> Letter | None:
    """Return a letter, if it is to this worker and holds."""
    command, arguments, wants_reply, expires_at, to, _ = _unpacked(data)
    if int(expires_at) < now or not (to is None or worker in to):
        return None
    return Letter(int(key), command, arguments, bool(wants_reply))
