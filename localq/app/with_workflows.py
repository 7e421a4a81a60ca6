"""The part of an app that is about signatures of any kind: planned as a whole, and added as a whole."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from localq import current
from localq.app.carrier import Carrier
from localq.canvas import Signature, signature
from localq.canvas.planning import Plan, plan
from localq.canvas.shapes import Step, as_result
from localq.host.garbage import no_garbage
from localq.model.clock import Clock
from localq.model.job import JobState, NewJob
from localq.result import AsyncResult, GroupResult, ResultSet
from localq.result.lineage import Source
from localq.serialization.tagged_json.held import keeping, passing_on
from localq.settings import Settings
from localq.store.protocol import Store
from localq.tasks.calls.to_job import member_of
from localq.tasks.registry import TaskRegistry
from localq.tasks.routing.router import Router
from localq.tasks.task import Task

__all__ = ["WithWorkflows"]


class _Eager(Source, Protocol):
    """What runs calls here and now, and reads their results."""

    def run(self, jobs: Sequence[NewJob], *, throw: bool = False) -> Any: ...

    def result(self, job_id: str, ends: Any, parent: Any = None) -> Any: ...


class WithWorkflows:
    """Plans and sends signatures of any kind."""

    conf: Settings
    clock: Clock
    tasks: TaskRegistry
    router: Router | None
    carrier: Carrier | None
    _eager: _Eager

    @property
    @abstractmethod
    def store(self) -> Store: ...

    @abstractmethod
    def accepts(self, task: str) -> tuple[str, ...]: ...

    @abstractmethod
    def cancel(self, ids: list[str], *, signal: int = 0) -> dict[str, JobState]: ...

    @abstractmethod
    def _result(self, task: Task[..., Any] | None, job_id: str, ignored: bool = False) -> AsyncResult[Any]: ...

    @abstractmethod
    def _add(self, jobs: list[NewJob]) -> None: ...

    def plan_workflow(
        self,
        sig: Mapping[str, Any],
        args: Any = (),
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        as_one: str | None = None,
        ask: bool = True,
    ) -> Plan:
        """Return the jobs of a signature of any kind, and the shape of its result; see `localq.canvas.planning`.

        Args:
            ask: Whether tasks' own `apply_async` are asked for each; see `localq.tasks.calls.asked`.
        """
        request = current.request.get()
        within = request is not None and request.id is not None
        return plan(
            sig,
            partial(member_of, self, ask=ask),
            args,
            kwargs,
            options or {},
            root_id=request.root_id if within else None,
            parent_id=request.id if within else None,
            as_one=as_one,
        )

    def planned(self, sig: Mapping[str, Any]) -> tuple[list[NewJob], Any]:
        """Return the jobs of a signature of any kind, to be added later, and the result they will have."""
        made = self.plan_workflow(sig)
        return made.jobs, as_result(made.shape, self, self._step_result)

    def send_workflow(self, sig: Any, args: Any, kwargs: Any, options: Mapping[str, Any]) -> Any:
        """Add all jobs of a signature of any kind, in one transaction; return its result."""
        self.conf.follow()
        if self.conf.task_always_eager:
            return self._run_workflow(sig, args, kwargs, options, ask=True)
        if self.carrier is not None:
            return self.carrier.send_workflow(sig, args, kwargs, options)
        with no_garbage():
            made = self.plan_workflow(sig, args, kwargs, options)
            self._add(made.jobs)
            return as_result(made.shape, self, self._step_result)

    def _step_result(self, step: Step, parent: Any) -> AsyncResult[Any]:
        """Return the result of a job of a workflow, of the class that its task or this app gives results."""
        made = self._result(self.tasks.find(step.task), step.id, step.ignored)
        made._parent = parent
        return made

    def result_of(self, task: str, job_id: str) -> AsyncResult[Any]:
        """Return the result of a job, of the class that its task or this app gives results."""
        return self._result(self.tasks.find(task), job_id)

    def apply_workflow(self, sig: Any, args: Any, kwargs: Any, options: Mapping[str, Any]) -> Any:
        """Run a signature of any kind in the caller, on a store in memory; return its result.

        A subclass's own `apply` is called for a signature of its task.
        """
        self.conf.follow()
        task = self.tasks.find(sig.task) if sig.subtask_type is None else None
        if task is not None and getattr(task.apply, "__func__", None) is not Task.apply:
            whole = sig.clone(args, kwargs, **options)
            return task.apply(whole.args, whole.kwargs, **whole.options)
        return self._run_workflow(sig, args, kwargs, options, ask=False)

    def _run_workflow(self, sig: Any, args: Any, kwargs: Any, options: Mapping[str, Any], *, ask: bool) -> Any:
        given = dict(options)
        throw = given.pop("throw", self.conf.task_eager_propagates)
        if sig.subtask_type == "chord":
            throw = given.pop("propagate", throw)
        here = self._eager
        with keeping():
            with passing_on():
                made = self.plan_workflow(sig, args, kwargs, given, ask=ask)
            ends = here.run(made.jobs, throw=throw)
        return as_result(made.shape, here, lambda step, parent: here.result(step.id, ends, parent))

    def signature(self, *args: Any, **kwargs: Any) -> Signature[Any]:
        """Make a signature that this app sends; see `localq.canvas.signature`."""
        return signature(*args, **{**kwargs, "app": self})

    def GroupResult(self, id: str | None = None, results: Any = None, **options: Any) -> GroupResult:  # noqa: N802
        """Return the result of a group."""
        return GroupResult(id, results, app=self, **options)

    def ResultSet(self, results: Iterable[Any], **options: Any) -> ResultSet:  # noqa: N802 - Celery's name
        """Return a set of results."""
        return ResultSet(results, self, **options)
