"""Workflows of any shape against a few lines that say what each kind means."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localq import LocalQ, chain, chord, group, signature

#: A shape: ["task", n], ["own", n] (immutable), ["chain", shapes], ["group", shapes] or ["chord", shapes, body].
Shape = list[Any]
tasks = st.tuples(st.sampled_from(["task", "own"]), st.integers(0, 9)).map(list)


def nested(inner: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    many = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        many.map(lambda shapes: ["chain", shapes]),
        many.map(lambda shapes: ["group", shapes]),
        st.tuples(st.lists(inner, min_size=1, max_size=3), inner).map(lambda both: ["chord", *both]),
    )


shapes = st.recursive(tasks, nested, max_leaves=12)


def made(show: Any, shape: Shape) -> Any:
    """Return the signature of a shape."""
    kind, *rest = shape
    if kind == "task":
        return show.s(rest[0])
    if kind == "own":
        return show.si(rest[0])
    if kind == "chord":
        return chord([made(show, one) for one in rest[0]], made(show, rest[1]))
    return (chain if kind == "chain" else group)(*[made(show, one) for one in rest[0]])


def meant(shape: Shape, *given: Any) -> Any:
    """Return what a shape comes to, called with at most one argument."""
    kind, *rest = shape
    if kind in ("task", "own"):
        return [*(given if kind == "task" else ()), rest[0]]
    if kind == "chain":
        for one in rest[0]:
            given = (meant(one, *given),)
        return given[0]
    results = [value for one in rest[0] for value in members(one, *given)]
    return meant(rest[1], results) if kind == "chord" else results


def members(shape: Shape, *given: Any) -> list[Any]:
    """Return what a member of a group adds to its list: a group directly within, all of its own."""
    value = meant(shape, *given)
    return list(value) if shape[0] == "group" else [value]


def test_a_workflow_of_any_shape_comes_to_what_its_parts_mean(eager: LocalQ) -> None:
    @eager.task(name="show")
    def show(*args: Any) -> list[Any]:
        return list(args)

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(shapes)
    def check(shape: Shape) -> None:
        sig = made(show, shape)
        assert sig.apply_async().get() == meant(shape)
        assert signature(json.loads(json.dumps(sig))).apply_async(("x",)).get() == meant(shape, "x")

    check()
