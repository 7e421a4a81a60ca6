"""From a workflow to its jobs and edges: pure. What makes the job of a call is given.

Every job is known, with its id, before the first is added: a workflow can be seen and cancelled before it starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from localq.canvas.chains import chain
from localq.canvas.chords import chord, on_error_of
from localq.canvas.cycles import refuse_cycles
from localq.canvas.groups import group
from localq.canvas.maps import chunks
from localq.canvas.signatures import Signature
from localq.canvas.stamping import listed
from localq.exceptions import InvalidTaskError
from localq.model.edges import Edge, OnError, Passing
from localq.model.ids import follow_up_id, new_id
from localq.model.job import NewJob
from localq.result import AsyncResult, GroupResult

__all__ = ["ACCUMULATE", "Make", "Many", "Plan", "Step", "as_result", "plan"]

#: The task that makes one result, a list, of several.
ACCUMULATE = "localq.accumulate"
_POLICIES = {"fail": OnError.FAIL, "wait": OnError.WAIT, "skip": OnError.SKIP}
_NO_OPTIONS: Mapping[str, Any] = {}
#: Stands for a run in the ids of parts of what is added to a header; no run has it.
_PART = -1
#: Signatures that become several jobs, of which not all are meant by what holds for their end.
_OF_MANY = ("chain", "group", "chord")


class Make(Protocol):
    """Makes the job of a task's signature, checked in full."""

    def __call__(self, sig: Signature[Any], fed: int, waits: bool) -> tuple[NewJob | None, bool]:
        """Return the job, None if its task does not want it sent, and whether its result is ignored.

        Args:
            fed: How many arguments will come in front of the signature's own.
            waits: The job waits for others; delays count from when it no longer does.
        """
        ...


class Step(NamedTuple):
    """A job of a plan. `parent` is what comes before it."""

    id: str
    ignored: bool = False
    parent: Any = None


class Many(NamedTuple):
    """A group of a plan."""

    id: str
    members: tuple[Any, ...]
    parent: Any = None


class Plan(NamedTuple):
    """The jobs of a workflow, each after those it waits for, and the shape of its result."""

    jobs: list[NewJob]
    shape: Any


class _Ends(NamedTuple):
    """What a next job waits for: one job, or several whose results make a list."""

    ids: tuple[str, ...]
    many: bool = False
    on_error: str = "fail"


class _Place(NamedTuple):
    """Where a signature stands in a workflow, and what it is given there beside what it says itself."""

    before: _Ends | None = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = _NO_OPTIONS
    options: Mapping[str, Any] = _NO_OPTIONS
    #: The workflow ends with it.
    last: bool = False
    #: The group of which its last job is a member.
    group_id: str | None = None


def plan(
    sig: Mapping[str, Any],
    make: Make,
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] = _NO_OPTIONS,
    *,
    root_id: str | None = None,
    parent_id: str | None = None,
    as_one: str | None = None,
) -> Plan:
    """Return the jobs of a signature of any kind.

    Args:
        args, kwargs: Partial arguments, for what runs first.
        options: Over the signature's own.
        root_id, parent_id: Of the job that sends it, if it is sent from within one.
        as_one: The workflow must end in one job, of this id; a group ends in one that makes a list.

    Raises:
        InvalidTaskError: it is empty, contains itself, or has one id twice.
        TypeError, ValueError: a call does not fit its task, or an option cannot be.
    """
    refuse_cycles(sig)
    maker = _Planner(make, root_id, parent_id, as_one)
    whole = _Place(None, tuple(args or ()), dict(kwargs or {}), dict(options), last=True)
    try:
        shape = maker.place(_signature(sig), whole)
    except RecursionError:
        raise InvalidTaskError(
            "The workflow is nested too deeply to be planned. Let a task send the inner part when it runs."
        ) from None
    if as_one is not None and isinstance(shape, Many):
        ends = maker.ends(shape, "fail")
        shape = maker.join(ends, as_one)
    return Plan(maker.finished(), shape)


def _signature(sig: Mapping[str, Any]) -> Signature[Any]:
    return sig if isinstance(sig, Signature) else Signature.from_dict(sig)


class _Planner:
    """Collects the jobs of one workflow."""

    def __init__(self, make: Make, root_id: str | None, parent_id: str | None, as_one: str | None) -> None:
        self._make, self._root, self._parent = make, root_id, parent_id
        self._as_one = as_one
        self._within = root_id is not None
        self._jobs: dict[str, NewJob] = {}
        #: What is not sent, because its task does not want it or because it would wait for such a job.
        self._unsent: set[str] = set()
        #: The id of what is added to a header, where the ids of all its parts follow from that: they are added once.
        self._added: str | None = None
        self._numbered = 0

    def finished(self) -> list[NewJob]:
        """Return the jobs; those of a workflow bear its name."""
        jobs = list(self._jobs.values())
        if len(jobs) == 1 and not self._within:
            return jobs
        return [new._replace(workflow=self._root) for new in jobs]

    # Placing

    def place(self, sig: Signature[Any], at: _Place) -> Any:
        """Add the jobs of a signature, which wait for what is before; return the shape of its result."""
        if isinstance(sig, chunks):
            sig = sig.group()
        if sig.subtask_type in _OF_MANY and sig.options.get("beside") is not None:
            return self._beside(sig, at)
        if isinstance(sig, chain):
            return self._chain(sig, at)
        if isinstance(sig, group):
            return self._group(sig, at)
        if isinstance(sig, chord):
            return self._chord(sig, at)
        return self._task(sig.clone(at.args, at.kwargs, **at.options), at)

    def _beside(self, sig: Signature[Any], at: _Place) -> Any:
        """Place what is added to a header: the chord's body waits for its last jobs, and for no others of it."""
        whole = sig.clone()
        header_job, group_id = whole.options.pop("beside"), whole.options.pop("group_id", None)
        before, self._added = self._added, sig.id
        shape = self.place(whole, at._replace(group_id=group_id))
        self._added = before
        for job_id in self.ends(shape, "fail").ids:
            if job_id not in self._unsent:
                self._jobs[job_id] = self._jobs[job_id]._replace(beside=header_job)
        return shape

    def _new_id(self) -> str:
        if self._added is None:
            return new_id()
        self._numbered += 1
        return follow_up_id(self._added, _PART, self._numbered)

    def _task(self, sig: Signature[Any], at: _Place) -> Step:
        before = at.before
        job_id = str((self._as_one if at.last else None) or sig.id or self._new_id())
        if job_id in self._jobs or job_id in self._unsent:
            raise InvalidTaskError(f"Two jobs of a workflow have the id {job_id!r}; use a copy: signature.clone()")
        self._root = self._root or job_id
        feeds = before is not None and not sig.immutable
        given = {
            "root_id": self._root,
            "parent_id": self._parent if before is None else before.ids[-1],
            "group_id": at.group_id,
        }
        told = {name: value for name, value in given.items() if value is not None and value != job_id}
        called: Signature[Any] = Signature(sig, app=sig._app)
        called["options"] = {**told, **sig.options, "task_id": job_id}
        behind = before is not None and not self._unsent.isdisjoint(before.ids)
        new, ignored = (None, False) if behind else self._make(called, int(feeds), before is not None)
        if new is None:
            self._unsent.add(job_id)
            return Step(job_id, ignored)
        after = () if before is None else _edges(before, feeds)
        self._jobs[job_id] = new._replace(after=after)
        return Step(job_id, ignored)

    def _chain(self, sig: chain, at: _Place) -> Any:
        own = {**sig.options, **at.options}
        whole: Any = sig.clone()
        whole["options"] = {name: own.pop(name) for name in ("link", "link_error") if own.get(name)}
        steps = whole.unchain_tasks()
        if not steps:
            raise InvalidTaskError("A chain without tasks cannot be sent. Give it some: chain(a.s(), b.s())")
        task_id = own.pop("task_id", None)
        shape: Any = None
        here = _Place(at.before, (*at.args, *sig.args), at.kwargs, own)
        for step in steps[:-1]:
            placed = self.place(step, here)
            shape = placed if shape is None else _after(placed, shape)
            here = _Place(self.ends(placed, on_error_of(step.options)))
        named = {} if task_id is None else {"task_id": task_id}
        here = here._replace(options={**here.options, **named}, last=at.last, group_id=at.group_id)
        placed = self.place(steps[-1], here)
        return placed if shape is None else _after(placed, shape)

    def _group(self, sig: group, at: _Place) -> Many:
        tasks = sig.flat()
        if not tasks:
            raise InvalidTaskError("A group without tasks cannot be sent: nothing would ever come of it.")
        own = {**sig.options, **at.options}
        on_error_of(own)
        group_id = own.pop("task_id", None) or self._new_id()
        own.pop("on_error", None)
        before = at.before
        if before is not None and len(before.ids) > 1 and len(tasks) > 1:
            # Each waits for one job that makes the list, not for all.
            before = self.ends(self.join(before), "fail")
        each = _Place(before, (*at.args, *sig.args), at.kwargs, own, group_id=group_id)
        return Many(group_id, tuple(self.place(one, each) for one in tasks))

    def _chord(self, sig: chord, at: _Place) -> Any:
        whole: Any = sig.clone((), at.kwargs, **at.options)
        if whole.body is None:
            raise InvalidTaskError("A chord without a body cannot be sent: chord(header)(body)")
        body = whole.body
        for callback in listed(whole.options.get("link")):
            body.link(callback)
        for errback in listed(whole.options.get("link_error")):
            body.link_error(errback)
        end = at._replace(args=(), kwargs=_NO_OPTIONS, options=whole.body_options())
        if not whole.tasks:
            return self.place(body, end._replace(args=([],)))
        own = {**whole.header_options(), "task_id": sig.get("header_id")}
        header = self._group(whole.header, _Place(at.before, (*at.args, *sig.args), options=own))
        placed = self.place(body, end._replace(before=self.ends(header, on_error_of(whole.options))))
        return _after(placed, header)

    # Tying

    def ends(self, shape: Any, on_error: str) -> _Ends:
        """Return what a next job waits for; a group at the end of a member becomes one list."""
        if isinstance(shape, Step):
            return _Ends((shape.id,))
        ids = [one.id if isinstance(one, Step) else self.join(self.ends(one, "fail")).id for one in shape.members]
        return _Ends(tuple(ids), True, on_error)

    def join(self, ends: _Ends, job_id: str | None = None) -> Step:
        """Add a job that makes one list of results."""
        sig: Signature[Any] = Signature(ACCUMULATE, (), {}, {"task_id": job_id} if job_id else {})
        return self._task(sig, _Place(ends))


def _edges(before: _Ends, feeds: bool) -> tuple[Edge, ...]:
    if before.many:
        passing = Passing.LISTED if feeds else Passing.COUNTED
    else:
        passing = Passing.FIRST if feeds else Passing.NOTHING
    policy = _POLICIES[before.on_error]
    return tuple([Edge(one, passing, policy) for one in before.ids])


def _after(shape: Any, parent: Any) -> Any:
    """Return a shape whose first part comes after `parent`."""
    if shape.parent is None:
        return shape._replace(parent=parent)
    return shape._replace(parent=_after(shape.parent, parent))


def as_result(shape: Any, app: Any) -> Any:
    """Return the result of a plan: of a job, or of a group; its parents are those that come before it."""
    line = [shape]
    while line[-1].parent is not None:
        line.append(line[-1].parent)
    result: Any = None
    for one in reversed(line):
        if isinstance(one, Step):
            result = AsyncResult(one.id, app, ignored=one.ignored, parent=result)
        else:
            result = GroupResult(one.id, _members(one.members, app), result, app)
    return result


def _members(members: Sequence[Any], app: Any) -> list[Any]:
    return [as_result(one, app) for one in members]
