"""Workflows of any shape, whose tasks add, replace, retry, cancel, remove and fail while they run: all of them end."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localq import LocalQ, chain, chord, current, group
from localq.exceptions import Ignore, Reject
from localq.model.job import Job, JobState
from localq.store.protocol import Filter
from localq.testing import drain

#: How often the tasks of one workflow may bring jobs back: they could go on for ever.
_MOST_REVIVED = 6

numbers = st.integers(0, 20)
simple = st.sampled_from([["return"], ["return"], ["fail"], ["retry"], ["retry for ever"], ["ignore"], ["reject"]])
meddling = st.tuples(st.sampled_from(["cancel", "revive", "forget"]), numbers).map(list) | st.just(["purge"])
#: A workflow as plain data, so that it can be an argument: what a task does, or how parts are put together.
parts = st.recursive(
    simple | meddling,
    lambda part: st.one_of(
        st.tuples(st.sampled_from(["replace", "add", "add two"]), part).map(list),
        st.tuples(st.sampled_from(["replace with old", "add old"]), numbers).map(list),
        st.tuples(st.sampled_from(["chain", "group"]), st.lists(part, min_size=1, max_size=3)).map(list),
        st.tuples(
            st.just("chord"),
            st.lists(part, min_size=1, max_size=3),
            part,
            st.sampled_from(["fail", "wait", "skip"]),
        ).map(list),
    ),
    max_leaves=12,
)


class Shop:
    """An app whose task does what its argument says."""

    def __init__(self) -> None:
        self.q = LocalQ("random", path=":memory:")
        self.revived = 0

        @self.q.task(name="do", bind=True, max_retries=2, default_retry_delay=1)
        def do(task: Any, *given: Any, does: list[Any]) -> int:
            return self.do(task, does)

        self.task = do

    def jobs(self) -> list[Job]:
        return self.q.store.read.find(Filter(), 10_000).jobs

    def signature(self, part: list[Any]) -> Any:
        kind, *more = part
        if kind == "chain":
            return chain(*map(self.signature, more[0]))
        if kind == "group":
            return group([self.signature(one) for one in more[0]])
        if kind == "chord":
            header, body, on_error = more
            return chord([self.signature(one) for one in header], self.signature(body), on_error=on_error)
        return self.task.s(does=part)

    def old(self, number: int) -> str:
        jobs = self.jobs()
        return jobs[number % len(jobs)].id

    def do(self, task: Any, does: list[Any]) -> int:
        assert self.q.store.read.stranded(1) == []
        kind, *more = does
        if kind == "fail":
            raise ValueError(does)
        if kind == "retry for ever" or (kind == "retry" and not task.request.retries):
            raise task.retry()
        if kind == "ignore":
            raise Ignore
        if kind == "reject":
            raise Reject
        if kind.startswith("replace"):
            raise task.replace(self._with_old(more[0]) if kind == "replace with old" else self.signature(more[0]))
        if kind.startswith("add") and task.request.awaited:
            for _ in range(2 if kind == "add two" else 1):
                task.add_to_chord(self._with_old(more[0]) if kind == "add old" else self.signature(more[0]))
        self._meddle(kind, *more)
        assert self.q.store.read.stranded(1) == []
        return 1

    def _with_old(self, number: int) -> Any:
        """Return a chain in which a job stands that is there already, whatever it waits for."""
        return chain(self.task.s(does=["return"]).set(task_id=self.old(number)), self.task.s(does=["return"]))

    def _meddle(self, kind: str, number: int = 0, *_: Any) -> None:
        jobs, now = self.q.store.jobs, self.q.clock.now()
        if kind == "cancel":
            jobs.cancel([self.old(number)], now)
        elif kind == "revive" and self.revived < _MOST_REVIVED:
            self.revived += 1
            jobs.requeue([self.old(number)], now)
        elif kind == "forget":
            jobs.forget([self.old(number)])
        elif kind == "purge":
            jobs.purge(None)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(part=parts)
def test_every_workflow_comes_to_an_end_whatever_its_tasks_do(part: list[Any]) -> None:
    shop = Shop()
    try:
        shop.signature(part).apply_async()
        drain(shop.q, scheduled=True, limit=1000)

        assert shop.q.store.read.stranded(1) == []
        assert [one for one in shop.jobs() if not JobState(one.state).final] == []
    finally:
        shop.q.close()
        current.set_app(None)
