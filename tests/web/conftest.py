"""What tests of the dashboard start from: a shop's queue with its page, and clients with and without a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from starlette.testclient import TestClient

from localq import LocalQ, current
from localq.web.application import build
from localq.web.gate.sessions import Sessions
from tests.store.server import PLACES, place
from tests.worker.waiting import DEADLINE_S

TOKEN = "the token"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test in every place, but leave all but one to the slow ones: that of each is another, in turn."""
    if "url" in metafunc.fixturenames:
        turn = crc32(metafunc.function.__name__.encode()) % len(PLACES)
        slow = [pytest.param(*one.values, marks=[*one.marks, pytest.mark.slow]) for one in PLACES]
        metafunc.parametrize("url", [*slow[:turn], PLACES[turn], *slow[turn + 1 :]], indirect=True)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return where the jobs are."""
    with place(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def q(url: str) -> Iterator[LocalQ]:
    """Return an app on a store of its own, with tasks; nobody works for it."""
    app = LocalQ("shop", url=url, durability="normal")

    @app.task(name="shop.mail")
    def mail(to: str, password: str = "") -> str:
        return f"sent to {to}"

    @app.task(name="shop.pack")
    def pack(order: int) -> None:
        raise ValueError(f"order {order} is lost")

    app.store.open()
    yield app
    app.stop(timeout=DEADLINE_S)
    app.close()
    current.set_app(None)


@pytest.fixture
def page_of(q: LocalQ) -> Iterator[Callable[..., TestClient]]:
    """Return a function that opens the dashboard as a browser or a program does; it follows no redirect."""
    clients: list[TestClient] = []

    def opened(token: str | None = TOKEN, *, base: str = "http://localhost:5555", **options: Any) -> TestClient:
        client = TestClient(build(q, Sessions(TOKEN), **options), base_url=base, follow_redirects=False)
        client.__enter__()
        if token is not None:
            client.headers["Authorization"] = f"Bearer {token}"
        clients.append(client)
        return client

    yield opened
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def page(page_of: Callable[..., TestClient]) -> TestClient:
    """Return a client with the token."""
    return page_of()


@pytest.fixture
def browser(page_of: Callable[..., TestClient]) -> TestClient:
    """Return a browser that has logged in with the token, as people do."""
    client = page_of(None)
    client.headers["Accept"] = "text/html"
    client.headers["Sec-Fetch-Site"] = "same-origin"
    assert client.post("/login", data={"token": TOKEN}).status_code == 303
    return client
