from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from localq.testing import start_worker


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """Return a client of the application, beside which a worker runs."""
    monkeypatch.setenv("BROKER_URL", "memory://")
    monkeypatch.setenv("RESULT_BACKEND", "cache+memory://")
    from app import app, celery

    with start_worker(celery, perform_ping_check=False):
        yield app.test_client()


def polled(site: FlaskClient, lines: list[Any]) -> list[dict[str, Any]]:
    """Start a count and return what the page said of it, until it ended."""
    answer = site.post("/counts", json=lines)
    assert answer.status_code == 202
    said = [site.get(answer.headers["Location"]).get_json()]
    deadline = time.monotonic() + 60
    while said[-1]["state"] not in ("SUCCESS", "FAILURE") and time.monotonic() < deadline:
        said.append(site.get(answer.headers["Location"]).get_json())
    return said


def test_the_page_shows_how_far_a_job_is_and_what_came_of_it(site: FlaskClient) -> None:
    said = polled(site, ["one two"] * 200)

    assert said[-1] == {"state": "SUCCESS", "current": 200, "total": 200, "result": "app: 400"}
    assert {one["state"] for one in said} <= {"PENDING", "STARTED", "PROGRESS", "SUCCESS"}

    failed = polled(site, ["one", 2])[-1]

    assert failed == {
        "state": "FAILURE", "current": 1, "total": 1, "status": "'int' object has no attribute 'split'",
    }  # fmt: skip
    assert site.get("/counts/nobody").get_json() == {"state": "PENDING", "current": 0, "total": 1}
