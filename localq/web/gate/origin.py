"""Whether a change was asked for by a page of this dashboard, or by another site's in the same browser."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["SAFE", "from_a_browser", "handed_on", "is_cross_site"]

#: Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: Headers that browsers send, and scripts and `curl` do not unless they are told to.
_BROWSERS = ("origin", "sec-fetch-site", "sec-fetch-mode", "cookie")
#: Headers that proxies add.
_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def is_cross_site(headers: Mapping[str, str], host: str) -> bool:
    """Whether a changing request comes from another site, as far as the browser tells.

    `Sec-Fetch-Site` is believed where it is sent. Browsers leave it out on plain HTTP off the loopback address; there
    `Origin` must name this host and port. A request with neither comes from no browser's page.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    parts = urlsplit(origin)
    return parts.scheme not in ("http", "https") or parts.netloc.lower() != host.strip().lower()


def from_a_browser(headers: Mapping[str, str]) -> bool:
    """Whether a request shows any sign of a browser."""
    return any(name in headers for name in _BROWSERS)


def handed_on(headers: Mapping[str, str]) -> bool:
    """Whether a request shows any sign of a proxy, behind which anybody may be."""
    return any(name in headers for name in _PROXIES)
