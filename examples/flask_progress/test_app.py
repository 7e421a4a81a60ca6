from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Run the server as a user would, on a free port; return its address."""
    script = Path(__file__).with_name("app.py")
    server = subprocess.Popen(
        [sys.executable, script, "0"], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert server.stderr is not None
    said = ""
    for line in server.stderr:
        said += line
        if found := re.search(r"Running on (http://\S+)", line):
            yield found[1]
            break
    else:
        pytest.fail(said)
    server.send_signal(signal.SIGINT)
    server.communicate(timeout=120)
    assert server.returncode == 0


def job(address: str) -> dict[str, Any]:
    with urlopen(address, timeout=120) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_a_job_shows_its_progress_and_then_its_result(site: str) -> None:
    with urlopen(f"{site}/jobs", data=b"below=30000", timeout=120) as answer:
        assert answer.status == 202
        address = site + json.load(answer)["url"]
    seen = [job(address)]
    deadline = time.monotonic() + 60
    while "result" not in seen[-1] and time.monotonic() < deadline:
        seen.append(job(address))

    assert seen[-1]["state"] == "SUCCESS"
    assert seen[-1]["result"] == 3245
    progress = [one["progress"]["done"] for one in seen if one.get("progress")]
    assert progress == sorted(progress)
    assert 0 < progress[-1] < 30_000


def test_the_page_is_served_while_a_job_runs(site: str) -> None:
    urlopen(f"{site}/jobs", data=b"below=20000", timeout=120).close()

    with urlopen(site, timeout=120) as answer:
        assert b"<title>Primes</title>" in answer.read()


def test_an_unknown_job_is_not_found(site: str) -> None:
    with pytest.raises(HTTPError, match="404") as caught:
        urlopen(f"{site}/jobs/no-such-job", timeout=120)
    caught.value.close()


def test_a_worker_beside_the_server_has_the_tasks(tmp_path: Path) -> None:
    folder = Path(__file__).parent
    code = "from make_localq import q; print(*q.tasks, q.location)"

    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    assert done.stdout == f"jobs.count_primes {tmp_path}/jobs.db\n"
