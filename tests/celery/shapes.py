"""Workflows as plain data, the same for both sides, and how a side makes a signature of one."""

from __future__ import annotations

from typing import Any

__all__ = ["Shape", "made"]

#: A dict: `kind` (a task's name, or chain, group, chord), `label` or `parts` and `body`, and what is set on it.
Shape = dict[str, Any]

TASKS = ["ok", "ok", "ok", "fail", "quiet", "again", "become"]
ERRBACKS = ["old", "stored", "kept", "new", "told", "alarm"]


def made(app: Any, canvas: Any, shape: Shape) -> Any:
    """Return the signature of a shape.

    Args:
        canvas: The module that has chain, group and chord.
    """
    kind = shape["kind"]
    if kind in ("chain", "group"):
        sig = getattr(canvas, kind)([made(app, canvas, one) for one in shape["parts"]])
    elif kind == "chord":
        sig = canvas.chord([made(app, canvas, one) for one in shape["parts"]], made(app, canvas, shape["body"]))
    elif kind == "bars":
        first, *rest = [made(app, canvas, one) for one in shape["parts"]]
        sig = first
        for one in rest:
            sig = sig | one
    else:
        sig = _task(app, shape)
    for errback in shape.get("errbacks", ()):
        sig.link_error(_errback(app, errback))
    for label in shape.get("links", ()):
        sig.link(app.tasks["called"].s(label=label))
    return sig


def _task(app: Any, shape: Shape) -> Any:
    kind = shape["kind"]
    kwargs = {"label": shape["label"]}
    if kind == "again":
        kwargs["fails"] = shape.get("fails", False)
    if kind == "become":
        kwargs["shape"] = shape["shape"]
    task = app.tasks[kind]
    sig = (task.si if shape.get("own") else task.s)(*shape.get("args", ()), **kwargs)
    return sig


def _errback(app: Any, name: str) -> Any:
    tasks = app.tasks
    return {
        "old": lambda: tasks["old"].s(),
        "stored": lambda: tasks["stored"].s("a"),
        "kept": lambda: tasks["stored"].s(label="k"),
        "new": lambda: tasks["new"].s(),
        "told": lambda: tasks["told"].s("b"),
        "alarm": lambda: tasks["alarm"].si(),
    }[name]()
