"""The task, and the pages about its jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, current_app, request

from localq import AsyncResult, shared_task

site = Blueprint("site", __name__)


@shared_task(bind=True)
def count_primes(self: Any, below: int) -> int:
    found = 0
    for number in range(2, below):
        found += all(number % divisor for divisor in range(2, int(number**0.5) + 1))
        if number % current_app.config["EVERY"] == 0:
            self.progress(number, below, f"{found} so far")
    return found


@site.get("/")
def page() -> str:
    return Path(__file__).with_name("page.html").read_text("utf-8")


@site.post("/jobs")
def start() -> tuple[dict[str, Any], int]:
    result = count_primes.delay(request.form.get("below", 300_000, type=int))
    return {"id": result.id, "url": f"/jobs/{result.id}"}, 202


@site.get("/jobs/<job_id>")
def show(job_id: str) -> Any:
    job = AsyncResult(job_id)
    if not job.exists():
        return {"error": f"There is no job {job_id}"}, 404
    if job.ready():
        return {"id": job_id, "state": job.state, "result": job.result if job.successful() else str(job.result)}
    state, info = job.state, job.info
    return {"id": job_id, "state": state, "progress": info if state == "PROGRESS" else None}
