from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Run the service, with its pool, on a queue of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(Path(__file__).parent)
    sys.modules.pop("app", None)
    import app

    with TestClient(app.app) as client:
        yield client
    app.q.close()


def test_a_file_becomes_a_report(client: TestClient) -> None:
    answer = client.post("/reports", content="shop,sold,price\nA,3,1.5\nB,5,2.5\n")
    assert answer.status_code == 202

    report = client.get(answer.json()["url"], params={"wait": 30}).json()

    assert report == {"state": "SUCCESS", "means": {"sold": 4.0, "price": 2.0}}


def test_a_file_that_cannot_be_is_told_in_words(client: TestClient) -> None:
    url = client.post("/reports", content="shop,sold\n").json()["url"]

    assert client.get(url, params={"wait": 30}).json() == {"state": "FAILURE", "error": "the file has no rows"}


def test_an_unknown_job_is_not_found(client: TestClient) -> None:
    assert client.get("/reports/no-such-job").status_code == 404
