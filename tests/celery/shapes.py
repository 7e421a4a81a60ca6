"""Workflows as plain data, the same for both sides, and how a side makes a signature of one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

__all__ = ["Shape", "labelled", "made", "workflows"]

#: A dict: `kind` (a task's name, or one of MANY), `parts` and `body`, and what is set on it.
Shape = dict[str, Any]
MANY = ("chain", "group", "chord", "bars")
TASKS = ["ok", "ok", "ok", "ok", "quiet", "fail", "fail", "again", "become"]
ERRBACKS = ["old", "stored", "kept", "new", "told", "alarm"]
DEPTH = 4


def made(app: Any, canvas: Any, shape: Shape, run: str = "") -> Any:
    """Return the signature of a shape.

    Args:
        canvas: The module that has chain, group and chord.
        run: Makes the ids that tasks are given its own.
    """
    kind, parts = shape["kind"], [made(app, canvas, one, run) for one in shape.get("parts", ())]
    if kind == "chord":
        sig = canvas.chord(parts, made(app, canvas, shape["body"], run))
    elif kind == "bars":
        sig, *rest = parts
        for one in rest:
            sig = sig | one
    elif kind in MANY:
        sig = getattr(canvas, kind)(parts)
    else:
        sig = _task(app, shape, run)
    for errback in shape.get("errbacks", ()):
        sig.link_error(_errback(app.tasks, errback))
    for label in shape.get("links", ()):
        sig.link(app.tasks["called"].s(label=label))
    return sig


def _task(app: Any, shape: Shape, run: str) -> Any:
    kind, kwargs = shape["kind"], {"label": shape["label"]}
    if kind == "again":
        kwargs["fails"] = shape["fails"]
    if kind == "become":
        kwargs["shape"] = shape["shape"]
    task = app.tasks[kind]
    sig = (task.si if shape.get("own") else task.s)(*shape.get("args", ()), **kwargs)
    return sig.set(task_id=f"{shape['label']}-{run}") if shape.get("named") else sig


def _errback(tasks: Any, name: str) -> Any:
    return {
        "old": lambda: tasks["old"].s(),
        "stored": lambda: tasks["stored"].s("a"),
        "kept": lambda: tasks["stored"].s(label="k"),
        "new": lambda: tasks["new"].s(),
        "told": lambda: tasks["told"].s("b"),
        "alarm": lambda: tasks["alarm"].si(),
    }[name]()


# Random ones

flags = st.sampled_from([False, False, False, True])
few = st.lists(st.sampled_from(ERRBACKS), max_size=2, unique=True)
errbacks = st.one_of(st.just([]), few)
links = st.sampled_from([[], [], [], ["l"]])


@st.composite
def tasks(draw: st.DrawFn, depth: int) -> Shape:
    """Return a shape of one task."""
    kind = draw(st.sampled_from(TASKS if depth > 0 else TASKS[:-1]))
    shape: Shape = {
        "kind": kind,
        "own": draw(flags),
        "named": draw(flags),
        "args": draw(st.sampled_from([[], [], [7]])),
    }
    if kind == "again":
        shape["fails"] = draw(st.booleans())
    if kind == "become":
        shape["shape"] = _nameless(draw(shapes(min(depth - 1, 2))))
    # A replacement in which something follows a chord Celery gives the callbacks of the replaced to the chord.
    linked = kind != "become" or not _follows_many(shape["shape"])
    return {**shape, "errbacks": draw(errbacks), "links": draw(links) if linked else []}


@st.composite
def shapes(draw: st.DrawFn, depth: int) -> Shape:
    """Return a shape of so many levels at most, with something to do."""
    kind = draw(st.sampled_from(["task", *MANY] if depth > 0 else ["task"]))
    if kind == "task":
        return draw(tasks(depth))
    parts = draw(st.lists(shapes(depth - 1), min_size=1, max_size=3))
    shape: Shape = {"kind": kind, "parts": parts, "errbacks": draw(errbacks)}
    if kind in ("group", "chord"):
        shape["parts"] = [flat for one in parts for flat in _flat(one)]
    if kind == "chord":
        shape["parts"] = draw(st.sampled_from([shape["parts"]] * 7 + [[]]))
        shape["body"] = draw(shapes(depth - 1))
        if depth < DEPTH and _ends_in_many(shape["body"]):
            # What follows such a chord Celery runs once for each task of the group.
            shape["body"] = {"kind": "bars", "parts": [shape["body"], draw(tasks(0))], "errbacks": []}
    header = kind == "chain" and _alone(parts[0])["kind"] == "group"
    if header:
        # Whether a chain with a chain in it is a chord to Celery depends on how it was put together.
        shape["parts"] = parts = [parts[0], *(step for one in parts[1:] for step in _steps(one))]
    if kind in ("chain", "bars"):
        # What follows a chord whose body is a group Celery runs once for each task of the group.
        shape["parts"] = parts = _apart([parts[0], *map(_unheard, parts[1:])], draw(tasks(0)))
        if _begins_with_header(parts[0]):
            # Which chords in that header hear of the errors of the whole depends in Celery on how it was put together.
            shape["errbacks"] = []
    if kind == "chain" and len(parts) == 1:
        # Celery takes a chain of one group for the group.
        shape["kind"] = "bars"
    if shape["kind"] == "chain" and draw(flags):
        # Left out, where Celery does not call what follows with nothing instead.
        at = draw(st.integers(0, 1 if header else len(parts)))
        shape["parts"] = [*parts[:at], {"kind": "group", "parts": []}, *parts[at:]]
    return shape


def _ends_in_many(shape: Shape) -> bool:
    if shape["kind"] in ("chain", "bars"):
        return _ends_in_many(shape["parts"][-1])
    return shape["kind"] == "group" or (shape["kind"] == "chord" and _ends_in_many(shape["body"]))


def _follows_many(shape: Shape) -> bool:
    """Say whether a shape ends in a chain of which a step before the last is more than a task."""
    if shape["kind"] in ("chain", "bars"):
        return any(one["kind"] in MANY for one in shape["parts"][:-1]) or _follows_many(shape["parts"][-1])
    return shape["kind"] == "chord" and _follows_many(shape["body"])


def _goes_on(shape: Shape) -> bool:
    """Say whether a shape ends in what follows a chord, or in a chord whose body is more than a task."""
    if shape["kind"] == "chord":
        return shape["body"]["kind"] in MANY
    if shape["kind"] in ("chain", "bars"):
        return _follows_many(shape) or _goes_on(shape["parts"][-1])
    return False


def _begins_with_header(shape: Shape) -> bool:
    """Say whether a shape is a chain that begins with a group."""
    first = shape["parts"][0] if shape["kind"] in ("chain", "bars") else shape
    return first is not shape and (first["kind"] == "group" or _begins_with_header(first))


def _nameless(shape: Shape) -> Shape:
    """Return a shape whose last task has no id of its own: it takes that of the task it stands for."""
    if shape["kind"] in ("chain", "bars"):
        return {**shape, "parts": [*shape["parts"][:-1], _nameless(shape["parts"][-1])]}
    if shape["kind"] == "chord":
        return {**shape, "body": _nameless(shape["body"])}
    return shape if shape["kind"] == "group" else {**shape, "named": False}


def _heard(shape: Shape, waited: bool = False) -> Shape:
    """Return a shape without what Celery does not bring to an end in a header: ignored results, some replacements."""
    new = dict(shape)
    if shape["kind"] == "quiet" and waited:
        new["kind"] = "ok"
    if shape["kind"] == "become" and waited and _goes_on(shape["shape"]):
        # Celery counts more than one end of it, and the body of the whole chord does not find the header.
        return {**{name: value for name, value in shape.items() if name != "shape"}, "kind": "ok"}
    if "parts" in shape:
        behind = shape["kind"] in ("chain", "bars")
        new["parts"] = [
            _heard(one, waited or shape["kind"] == "chord" or (behind and n > 0 and one["kind"] in MANY))
            for n, one in enumerate(reversed(shape["parts"]))
        ][::-1]
    for inner in ("body", "shape"):
        if inner in shape:
            new[inner] = _heard(shape[inner], waited or (inner == "shape" and _ends_in_many(shape[inner])))
    return new


def _apart(parts: list[Shape], between: Shape) -> list[Shape]:
    """Return the steps of a chain, with a task between what ends in a group and what is no task."""
    apart = parts[:1]
    for step in parts[1:]:
        apart += [between, step] if step["kind"] in MANY and _ends_in_many(apart[-1]) else [step]
    return apart


def _unheard(shape: Shape) -> Shape:
    """Return a step without the callbacks of a chain that is a group of one: Celery loses them."""
    if shape["kind"] == "group" and len(shape["parts"]) == 1 and shape["parts"][0]["kind"] in ("chain", "bars"):
        return {**shape, "parts": [{**shape["parts"][0], "errbacks": []}]}
    return shape


def _alone(shape: Shape) -> Shape:
    """Return what bars of one stand for, and anything else as it is."""
    return _alone(shape["parts"][0]) if shape["kind"] == "bars" and len(shape["parts"]) == 1 else shape


def _steps(shape: Shape) -> list[Shape]:
    """Return the steps of a chain without callbacks of its own, or what is none."""
    if shape["kind"] == "group" and not shape["parts"]:
        return []
    if shape["kind"] in ("chain", "bars") and not shape["errbacks"]:
        return [step for one in shape["parts"] for step in _steps(one)]
    return [shape]


def _flat(shape: Shape) -> list[Shape]:
    """Return the members of a group, or what is none: Celery turns groups within headers around."""
    if shape["kind"] == "group" or (shape["kind"] == "bars" and len(shape["parts"]) == 1):
        return [flat for one in shape["parts"] for flat in _flat(one)]
    return [shape]


@st.composite
def workflows(draw: st.DrawFn) -> Shape:
    """Return a shape, with what it is sent with."""
    shape = _heard(draw(shapes(DEPTH)))
    call: dict[str, Any] = {}
    if draw(flags):
        call["args"] = [9]
    return labelled({**shape, "call": call})


def labelled(shape: Shape, names: Iterator[str] | None = None) -> Shape:
    """Return a shape whose tasks have each a label of its own."""
    names = (f"t{number}" for number in itertools.count()) if names is None else names
    new = dict(shape)
    if shape["kind"] not in MANY:
        new["label"] = next(names)
    if "parts" in shape:
        new["parts"] = [labelled(one, names) for one in shape["parts"]]
    for inner in ("body", "shape"):
        if inner in shape:
            new[inner] = labelled(shape[inner], names)
    return new
