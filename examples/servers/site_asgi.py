"""The site for servers that speak ASGI: uvicorn. Each of its processes runs jobs, from its start to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException
from shop import price, q


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with q.running(concurrency=1, stop_timeout=10):
        yield


application = FastAPI(lifespan=lifespan)


@application.post("/prices/{amount}", status_code=202)
async def ask(amount: int) -> dict[str, str]:
    return {"id": (await price.adelay(amount)).id}


@application.get("/prices/{job_id}")
def show(job_id: str) -> dict[str, Any]:
    job = q.AsyncResult(job_id)
    if not job.exists():
        raise HTTPException(404, "no such job")
    return {"state": job.state, "price": job.result if job.successful() else None}
