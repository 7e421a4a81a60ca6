"""The site for servers that speak WSGI: gunicorn, uWSGI. A worker runs beside it: `localq worker -A shop`."""

from __future__ import annotations

from flask import Flask, Response, jsonify
from shop import price, q

application = Flask(__name__)


@application.post("/prices/<int:amount>")
def ask(amount: int) -> tuple[Response, int]:
    return jsonify(id=price.delay(amount).id), 202


@application.get("/prices/<job_id>")
def show(job_id: str) -> tuple[Response, int]:
    job = q.AsyncResult(job_id)
    if not job.exists():
        return jsonify(error="no such job"), 404
    return jsonify(state=job.state, price=job.result if job.successful() else None), 200
