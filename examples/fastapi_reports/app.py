"""A service that counts what is in CSV files, each in a job: uvicorn app:app, then

curl --data-binary @sales.csv http://localhost:8000/reports
"""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request

from localq import LocalQ
from localq.exceptions import TimeoutError

q = LocalQ("reports", path="jobs.db")


@q.task
def report(text: str) -> dict[str, float]:
    rows = list(csv.DictReader(text.splitlines()))
    if not rows:
        raise ValueError("the file has no rows")
    return {name: sum(float(row[name]) for row in rows) / len(rows) for name in rows[0] if _is_number(rows[0][name])}


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with q.running(concurrency=2):
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/reports", status_code=202)
async def start(request: Request) -> dict[str, str]:
    result = await report.adelay((await request.body()).decode())
    return {"id": result.id, "url": f"/reports/{result.id}"}


@app.get("/reports/{job_id}")
def show(job_id: str, wait: float = 0) -> dict[str, Any]:
    job = q.AsyncResult(job_id)
    if not job.exists():
        raise HTTPException(404, f"There is no job {job_id}")
    try:
        return {"state": "SUCCESS", "means": job.get(timeout=min(wait, 30))}
    except TimeoutError:
        return {"state": job.state}
    except Exception as error:
        return {"state": job.state, "error": str(error)}
