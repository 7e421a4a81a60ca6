"""A Flask application with jobs that run in its context, and a page of how far each is.

Run `flask run`, and beside it `localq -A app.celery worker`.
"""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from localq import Celery


def make_celery(flask: Flask) -> Celery:
    celery = Celery(flask.import_name, broker=flask.config["BROKER_URL"], backend=flask.config["RESULT_BACKEND"])

    class ContextTask(celery.Task):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            with flask.app_context():
                return self.run(*args, **kwargs)

    celery.Task = ContextTask
    return celery


app = Flask(__name__)
app.config["BROKER_URL"] = os.environ.get("BROKER_URL", "jobs.db")
app.config["RESULT_BACKEND"] = os.environ.get("RESULT_BACKEND", "jobs.db")
celery = make_celery(app)


@celery.task(bind=True)
def count_words(self: Any, lines: list[str]) -> dict[str, Any]:
    words = 0
    for number, line in enumerate(lines, start=1):
        words += len(line.split())
        self.update_state(state="PROGRESS", meta={"current": number, "total": len(lines)})
    return {"current": len(lines), "total": len(lines), "result": f"{current_app.name}: {words}"}


@app.post("/counts")
def start() -> ResponseReturnValue:
    task = count_words.delay(request.get_json())
    return jsonify({}), 202, {"Location": url_for("status", task_id=task.id)}


@app.get("/counts/<task_id>")
def status(task_id: str) -> ResponseReturnValue:
    task = count_words.AsyncResult(task_id)
    state, info = task.state, task.info
    if state == "PENDING":
        return {"state": state, "current": 0, "total": 1}
    if isinstance(info, Exception):
        return {"state": "FAILURE", "current": 1, "total": 1, "status": str(info)}
    done = {"current": info.get("current", 0), "total": info.get("total", 1)}
    return {"state": state, **done, "result": info.get("result", "")}
