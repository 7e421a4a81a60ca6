"""The dashboard inside a Flask application, through WSGI: `flask --app in_flask run`. Needs a2wsgi."""

from __future__ import annotations

from a2wsgi import ASGIMiddleware
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from localq import LocalQ
from localq.web import dashboard

q = LocalQ("shop", path="jobs.db")


@q.task
def greet(name: str) -> str:
    return f"Hello, {name}"


def who(request) -> str | None:
    """Return who asks: here by a header that a login would set."""
    return request.headers.get("x-logged-in") or None


app = Flask(__name__)
# A WSGI server has a thread for each request: pages ask now and then, and hold no stream open.
page = ASGIMiddleware(dashboard(q, who=who, streams=False))
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/queue": page})


@app.post("/greetings/<name>")
def send_greeting(name: str) -> dict[str, str]:
    return {"job": greet.delay(name).id}
