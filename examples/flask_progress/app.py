"""A web application whose background jobs show their progress: python app.py, then open http://localhost:5000.

The pool lives in the server's own process. Under gunicorn, say, run `localq worker -A app` beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from flask import Flask, request

from localq import LocalQ

q = LocalQ(path="jobs.db")
app = Flask(__name__)


@q.task(bind=True)
def count_primes(self: Any, below: int) -> int:
    found = 0
    for number in range(2, below):
        found += all(number % divisor for divisor in range(2, int(number**0.5) + 1))
        if number % 1000 == 0:
            self.progress(number, below, f"{found} so far")
    return found


@app.get("/")
def page() -> str:
    return Path(__file__).with_name("page.html").read_text("utf-8")


@app.post("/jobs")
def start() -> tuple[dict[str, Any], int]:
    result = count_primes.delay(request.form.get("below", 300_000, type=int))
    return {"id": result.id, "url": f"/jobs/{result.id}"}, 202


@app.get("/jobs/<job_id>")
def show(job_id: str) -> Any:
    job = q.AsyncResult(job_id)
    if not job.exists():
        return {"error": f"There is no job {job_id}"}, 404
    if job.ready():
        return {"id": job_id, "state": job.state, "result": job.result if job.successful() else str(job.result)}
    state, info = job.state, job.info
    return {"id": job_id, "state": state, "progress": info if isinstance(info, dict) else None}


if __name__ == "__main__":
    with q.running(concurrency=2):
        app.run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
