"""The same site, each process of which runs jobs too: no worker beside it."""

from __future__ import annotations

from shop import q
from site_wsgi import application

q.start(concurrency=1)

__all__ = ["application"]
