"""Slow down whoever tries one key after the other."""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple

__all__ = ["SlowDown"]

#: Wrong keys that an address may send before it has to wait, and seconds it then waits: at first, and at most.
_FREE, _FIRST_S, _MOST_S = 5, 1.0, 60.0
#: Seconds after which wrong keys are forgotten.
_FORGOTTEN_S = 900.0
#: Addresses that are remembered: there may be more of them than memory has room for.
_ADDRESSES = 10_000


class _Wrong(NamedTuple):
    count: int  # type: ignore[assignment] # the tuple method of this name counts nothing here
    at: float


class SlowDown:
    """How many wrong keys came from an address lately. Sessions and programs of the same user never wait."""

    def __init__(self) -> None:
        self._wrong: dict[str, _Wrong] = {}

    def wait_s(self, client: str, now: float) -> float:
        """Return in how many seconds an address may try again; 0: now."""
        wrong = self._lately(_network(client), now)
        if wrong.count <= _FREE:
            return 0.0
        return max(0.0, wrong.at + min(_FIRST_S * 2.0 ** min(wrong.count - _FREE - 1, 20), _MOST_S) - now)

    def failed(self, client: str, now: float) -> None:
        """Remember that a wrong key came."""
        name = _network(client)
        wrong = self._lately(name, now)
        # The latest at the end: what is forgotten first has been silent for longest.
        self._wrong.pop(name, None)
        self._wrong[name] = _Wrong(wrong.count + 1, now)
        while len(self._wrong) > _ADDRESSES:
            del self._wrong[next(iter(self._wrong))]

    def passed(self, client: str) -> None:
        """Forget the wrong keys of an address that has sent a right one."""
        self._wrong.pop(_network(client), None)

    def _lately(self, name: str, now: float) -> _Wrong:
        wrong = self._wrong.get(name)
        return _Wrong(0, now) if wrong is None or now > wrong.at + _FORGOTTEN_S else wrong


def _network(client: str) -> str:
    """Return what counts as one address: of IPv6 somebody has 2^64 at least."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    return str(address) if address.version == 4 else address.exploded[:19]
