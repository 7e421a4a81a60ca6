"""What the first page weighs."""

from __future__ import annotations

import gzip
import re

from starlette.testclient import TestClient

from localq import LocalQ
from localq.testing import drain


def test_the_first_page_is_under_70_kb_compressed_and_loads_nothing_from_elsewhere(page: TestClient, q: LocalQ) -> None:
    for number in range(200):
        q.send_task("shop.mail", (str(number),), queue=f"queue-{number % 30}")
    drain(q)
    text = page.get("/").text

    wanted = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', text))
    parts = [text.encode(), *(page.get(path).content for path in wanted)]

    assert {"/static/app.css", "/static/app.js"} <= wanted
    assert sum(len(gzip.compress(part)) for part in parts) < 70_000
    assert re.findall(r'(?:src|href|action)="(?:https?:)?//', text) == []
