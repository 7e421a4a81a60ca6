"""A web application whose background jobs show their progress: python app.py, then open http://localhost:5000.

The pool lives in the server's own process. Under gunicorn, say, `localq worker -A make_localq` runs beside it.
"""

from __future__ import annotations

import sys
from typing import Any

from flask import Flask
from jobs import site

from localq import LocalQ, Task


def localq_init_app(app: Flask) -> LocalQ:
    class FlaskTask(Task[..., Any]):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            with app.app_context():
                return self.run(*args, **kwargs)

    q = LocalQ(app.name, task_cls=FlaskTask)
    q.config_from_object(app.config["LOCALQ"])
    q.set_default()
    app.extensions["localq"] = q
    return q


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(LOCALQ={"broker_url": "jobs.db"}, EVERY=1000)
    localq_init_app(app)
    app.register_blueprint(site)
    return app


if __name__ == "__main__":
    app = create_app()
    with app.extensions["localq"].running(concurrency=2):
        app.run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
