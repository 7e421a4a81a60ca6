"""The tasks of the workflows, the same on both sides: each writes down that it ran, with what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["define"]

#: Takes a line of the journal: what ran, under which id, with which arguments.
Note = Callable[[str, str, Any], None]


def define(app: Any, note: Note, build: Callable[[Any], Any]) -> None:
    """Define the tasks in an app of either side.

    Args:
        build: Makes the signature of a shape (`tests.celery.shapes`), for tasks that go on as others.
    """

    @app.task(shared=False, name="ok", bind=True)
    def ok(self: Any, *args: Any, label: str) -> Any:
        note("ok " + label, self.request.id, args)
        return [label, *args]

    @app.task(shared=False, name="quiet", bind=True, ignore_result=True)
    def quiet(self: Any, *args: Any, label: str) -> Any:
        note("quiet " + label, self.request.id, args)
        return [label, *args]

    @app.task(shared=False, name="fail", bind=True)
    def fail(self: Any, *args: Any, label: str) -> Any:
        note("fail " + label, self.request.id, args)
        raise ValueError(label)

    @app.task(shared=False, name="again", bind=True, max_retries=1)
    def again(self: Any, *args: Any, label: str, fails: bool) -> Any:
        note(f"again {label} {self.request.retries}", self.request.id, args)
        if fails or self.request.retries == 0:
            raise self.retry(exc=ValueError(label), countdown=0)
        return [label, *args]

    @app.task(shared=False, name="become", bind=True)
    def become(self: Any, *args: Any, label: str, shape: Any) -> Any:
        note("become " + label, self.request.id, args)
        raise self.replace(build(shape))

    @app.task(shared=False, name="called")
    def called(*args: Any, label: str) -> None:
        note("called " + label, "", args)

    @app.task(shared=False, name="old")
    def old(job_id: str) -> None:
        note("old", "", job_id)

    @app.task(shared=False, name="stored")
    def stored(job_id: str, label: str) -> None:
        note("stored " + label, "", job_id)

    @app.task(shared=False, name="new")
    def new(request: Any, exc: BaseException, traceback: Any) -> None:
        note("new", "", [type(exc).__name__, request.id])

    @app.task(shared=False, name="told")
    def told(request: Any, exc: BaseException, traceback: Any, label: str) -> None:
        note("told " + label, "", [type(exc).__name__, request.id])

    @app.task(shared=False, name="alarm")
    def alarm() -> None:
        note("alarm", "", None)
