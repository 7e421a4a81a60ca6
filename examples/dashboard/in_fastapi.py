"""The dashboard inside a FastAPI application, for whoever that has logged in: `uvicorn in_fastapi:app`."""

from __future__ import annotations

from fastapi import FastAPI, Request

from localq import LocalQ
from localq.web import Actor, Right, dashboard

q = LocalQ("shop", path="jobs.db")
#: Who may look, and who may change things; a real application asks its database.
STAFF = {"ann": {Right.READ, Right.ACT}, "bob": {Right.READ}}


@q.task
def greet(name: str) -> str:
    return f"Hello, {name}"


def who(request: Request) -> Actor | None:
    """Return who asks, as this application knows them: here by a header that its login would set."""
    name = request.headers.get("x-logged-in", "")
    return Actor(name, frozenset(STAFF[name])) if name in STAFF else None


app = FastAPI()
app.mount("/queue", dashboard(q, who=who))


@app.post("/greetings/{name}")
def send_greeting(name: str) -> dict[str, str]:
    return {"job": greet.delay(name).id}
