"""Random workflows, run by Celery and by LocalQ: the same results, the same callbacks in the same numbers.

`LOCALQ_WORKFLOWS` is how many (default: a few hundred), `LOCALQ_SEED` which ones. What differs on purpose is told by
`allowed`, or not made by `tests.celery.shapes`; `test_on_purpose.py` shows it.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator

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
        return "Celery did not bring it to its end"
    if _blurred(celery) == _blurred(localq):
        return "a group was told the first error, where Celery took that of a chord in the header"
    if _unnamed(celery) == _unnamed(localq):
        return "of a chain that is a body the first step was named to its error callbacks, where Celery names the last"
    theirs, ours = Counter(celery.callbacks), Counter(localq.callbacks)
    unheard = [*(theirs - ours), *(ours - theirs)]
    same = celery._replace(callbacks=[]) == localq._replace(callbacks=[])
    # What is immutable says of no job that it failed.
    if same and all("not run" in one or "alarm" in one for one in unheard):
        return "another part of a body was told that its header failed"
    return None


def _blurred(outcome: Outcome) -> str:
    """Return an outcome in which an error that was wrapped is as one that was not."""
    callbacks = sorted(one.replace("ChordError", "ValueError") for one in outcome.callbacks)
    return repr(outcome._replace(callbacks=callbacks)).replace("ChordError", "ValueError")


def _unnamed(outcome: Outcome) -> Outcome:
    """Return an outcome whose error callbacks do not say which job failed."""
    return outcome._replace(callbacks=sorted(re.sub("id of [a-z0-9 ]+", "an id", one) for one in outcome.callbacks))


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

        assert not ours.lost, f"LocalQ did not bring it to its end: {json.dumps(shape)}\n{ours}"
        why = None if theirs == ours else allowed(theirs, ours)
        counted[why or "the same"] += 1
        if why is None:
            assert ours == theirs, json.dumps(shape)

    check()
    print(dict(counted))
