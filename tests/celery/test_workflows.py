"""Random workflows, run by Celery and by LocalQ: the same results, the same callbacks in the same numbers.

`LOCALQ_WORKFLOWS` is how many (default: a few hundred), `LOCALQ_SEED` which ones. What differs on purpose is told by
`allowed`, or not made by `tests.celery.shapes`; `test_on_purpose.py` shows it.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.celery.shapes import Shape, workflows
from tests.celery.sides import Outcome, Side, celery_side, localq_side

EXAMPLES = int(os.environ.get("LOCALQ_WORKFLOWS", "300"))
SEED = int(os.environ.get("LOCALQ_SEED", "1"))


@pytest.fixture(scope="module")
def sides() -> Iterator[tuple[Side, Side]]:
    with celery_side() as celery, localq_side() as localq:
        yield celery, localq


def allowed(celery: Outcome, localq: Outcome) -> str | None:
    """Return why the sides may differ in what came of a workflow, or None."""
    if celery.lost:
        return "Celery's one worker waited for what it had yet to run"
    for why, blurred in BLURS.items():
        if same(*blurred(celery, localq)):
            return why
    for (why, blurred), (more, blurred_more) in itertools.combinations(BLURS.items(), 2):
        if same(*blurred_more(*blurred(celery, localq))):
            return f"{why}, and {more}"
    return None


def same(celery: Outcome, localq: Outcome) -> bool:
    """Say whether the same came of a workflow, on whichever way Celery came there."""
    return celery._replace(lost=False) == localq


def with_states(celery: Outcome, localq: Outcome) -> Outcome:
    """Return what came of it in Celery with a state for jobs whose results are ignored: it leaves them PENDING."""
    quiet = {name.split()[1] for name, _ in celery.runs if name.startswith("quiet")}
    states = sorted(
        (name, "SUCCESS" if name in quiet and state == "PENDING" else state) for name, state in celery.states
    )
    return celery._replace(states=states, result=_as_there(celery.result, localq.result, ["SUCCESS", None]))


def _as_there(here: Any, there: Any, *wanted: Any) -> Any:
    """Return a result with what is PENDING in it as it is there, where that is one of what is wanted."""
    if here == ["PENDING", None]:
        return there if there in wanted else here
    if isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        return [_as_there(*two, *wanted) for two in zip(here, there, strict=True)]
    return here


Pair = tuple[Outcome, Outcome]
WAITS = "Celery leaves what waits for a failure PENDING"


def _waited(celery: Outcome, localq: Outcome) -> Pair:
    """Return both with what failed here PENDING where Celery left it so, and nobody told of that."""
    result, states = _left(celery.result, localq.result), localq.states
    for one in set(celery.states) - set(states):
        if one[1] == "PENDING":
            states = [one if there == (one[0], "FAILURE") else there for there in states]
    if (result, states) == (localq.result, localq.states):
        return celery, localq
    told = Counter(localq.callbacks) - Counter(one for one in localq.callbacks if "called" not in one)
    told += Counter(celery.callbacks) & Counter(one for one in localq.callbacks if "called" not in one)
    return celery, localq._replace(result=result, states=states, callbacks=sorted(told.elements()))


def _left(celery: Any, localq: Any) -> Any:
    if celery == ["PENDING", None] and localq[0] == "FAILURE":
        return celery
    if isinstance(celery, list) and isinstance(localq, list) and len(celery) == len(localq):
        return [_left(*two) for two in zip(celery, localq, strict=True)]
    return localq


def _blurred(celery: Outcome, localq: Outcome, *names: str) -> Pair:
    """Return both with errors that were wrapped, or have one of the names, as those that were not."""

    def blurred(value: Any) -> Any:
        return json.loads(re.sub("|".join(["ChordError", *names]), "ValueError", json.dumps(value)))

    def of(one: Outcome) -> Outcome:
        return one._replace(callbacks=sorted(blurred(one.callbacks)), result=blurred(one.result))

    return of(celery), of(localq)


def _late(celery: Outcome, localq: Outcome) -> Pair:
    """Return both without the error of a header that waited too long: for what stands behind a failure in it."""
    return _blurred(celery, localq, "TimeoutError")


def _unnamed(celery: Outcome, localq: Outcome) -> Pair:
    """Return both without the ids of jobs that error callbacks were told of."""

    def of(one: Outcome) -> Outcome:
        return one._replace(callbacks=sorted(re.sub("id of [a-z0-9 ]+", "an id", line) for line in one.callbacks))

    return of(celery), of(localq)


def _heard(celery: Outcome, localq: Outcome) -> Pair:
    """Return both without callbacks that only one of them told of a job that did not run."""
    theirs, ours = Counter(celery.callbacks), Counter(localq.callbacks)
    unheard = [*(theirs - ours), *(ours - theirs)]
    # What is immutable says of no job that it failed.
    if not all("not run" in one or "alarm" in one for one in unheard):
        return celery, localq
    both = sorted((theirs & ours).elements())
    return celery._replace(callbacks=both), localq._replace(callbacks=both)


#: What makes two outcomes alike that differ on purpose, by the reason.
BLURS: dict[str, Callable[[Outcome, Outcome], Pair]] = {
    WAITS: _waited,
    "a group was told the first error, where Celery took that of a chord in the header": _blurred,
    "Celery gave up waiting for tasks of a header that stand behind a failure": _late,
    "of a chain that is a body the first step was named to its error callbacks, where Celery names the last": _unnamed,
    "another part of a body was told that its header failed": _heard,
}


@pytest.mark.timeout(3600)
def test_workflows_come_to_the_same_on_both_sides(sides: tuple[Side, Side]) -> None:
    celery, localq = sides
    counted: Counter[str] = Counter()

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(workflows())
    def check(shape: Shape) -> None:
        theirs, ours = celery.outcome(shape), localq.outcome(shape)
        theirs = with_states(theirs, ours)

        assert not ours.lost, f"LocalQ did not bring it to its end: {json.dumps(shape)}\n{ours}"
        why = None if same(theirs, ours) else allowed(theirs, ours)
        counted[why or "the same"] += 1
        if why is None:
            assert same(theirs, ours), json.dumps(shape)

    check()
    print(dict(counted))
