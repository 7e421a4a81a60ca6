"""Users whom a proxy in front of the page has let in, and names in a header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network

from localq.exceptions import ImproperlyConfigured

__all__ = ["Proxy"]


class Proxy:
    """Proxies whose word is taken for who asks.

    Args:
        header: In which they name the user; they must remove it from what they are sent.
        addresses: Theirs, or networks of them.

    Raises:
        ImproperlyConfigured: one is no address, or there is none.
    """

    def __init__(self, header: str, addresses: Iterable[str]) -> None:
        self._header = header.strip().lower()
        try:
            self._networks = [ip_network(one.strip()) for one in addresses]
        except ValueError as error:
            raise ImproperlyConfigured(f"--proxy takes an address or a network, such as 127.0.0.1: {error}.") from None
        if not self._networks or not self._header:
            raise ImproperlyConfigured(
                "--proxy-user-header is believed only from named proxies: give their addresses with --proxy."
            )

    def is_one(self, client: str) -> bool:
        """Whether an address is that of such a proxy."""
        try:
            address = ip_address(client)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)

    def user_of(self, headers: Mapping[str, str], client: str) -> str:
        """Return the user that a proxy names; empty where it names none, or several, or who asks is no proxy."""
        if not self.is_one(client):
            return ""
        several = getattr(headers, "getlist", None)
        named = several(self._header) if several is not None else [headers.get(self._header, "")]
        return named[0].strip() if len(named) == 1 and named[0].isprintable() else ""
