"""From a workflow to its jobs and edges: pure. What makes the job of a call is given.

Every job is known, with its id, before the first is added: a workflow can be seen and cancelled before it starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from localq.canvas.chains import chain
from localq.canvas.chords import chord, on_error_of
from localq.canvas.cycles import refuse_cycles
from localq.canvas.groups import group
from localq.canvas.maps import chunks
from localq.canvas.places import NO_OPTIONS, Body, Ends, Place
from localq.canvas.shapes import Many, Step, after
from localq.canvas.signatures import Signature
from localq.canvas.stamping import listed
from localq.exceptions import InvalidTaskError
from localq.model.bounds import checked_id
from localq.model.edges import Edge, OnError, Passing
from localq.model.ids import follow_up_id, new_id
from localq.model.job import NewJob

__all__ = ["ACCUMULATE", "Make", "Plan", "plan"]

#: The task that makes one result, a list, of several.
ACCUMULATE = "localq.accumulate"
_POLICIES = {"fail": OnError.FAIL, "wait": OnError.WAIT, "skip": OnError.SKIP}
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


class Plan(NamedTuple):
    """The jobs of a workflow, each after those it waits for, and the shape of its result; None of an empty chain."""

    jobs: list[NewJob]
    shape: Any


def plan(
    sig: Mapping[str, Any],
    make: Make,
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] = NO_OPTIONS,
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
        InvalidTaskError: it is a chord without a body, contains itself, or has one id twice.
        TypeError, ValueError: a call does not fit its task, or an option cannot be.
    """
    refuse_cycles(sig)
    maker = _Planner(make, root_id, parent_id, as_one)
    whole = Place(None, tuple(args or ()), dict(kwargs or {}), dict(options), last=True)
    try:
        shape = maker.place(_signature(sig), whole)
    except RecursionError:
        raise InvalidTaskError(
            "The workflow is nested too deeply to be planned. Let a task send the inner part when it runs."
        ) from None
    if as_one is not None and isinstance(shape, Many):
        shape = maker.join(maker.ends(shape, "fail"), as_one)
    alone = isinstance(shape, Many) and len(shape.members) == 1 and isinstance(shape.members[0], Many)
    if alone and shape.id not in maker.bodies:
        # As in Celery, the result of a group of one that ends in a group is that group's; not where it is a body.
        shape = shape.members[0]
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
        #: What the last steps of chains waited for that end in groups, by the group's id.
        self._behind: dict[str, Ends | None] = {}
        #: The groups that are bodies of chords.
        self.bodies: set[str] = set()

    def finished(self) -> list[NewJob]:
        """Return the jobs; those of a workflow bear its name."""
        jobs = list(self._jobs.values())
        if len(jobs) == 1 and not self._within:
            return jobs
        return [new if new.workflow == self._root else new._replace(workflow=self._root) for new in jobs]

    # Placing

    def place(self, sig: Signature[Any], at: Place) -> Any:
        """Add the jobs of a signature, which wait for what is before; return the shape of its result."""
        if type(sig) is Signature:
            return self._alone(sig, at)
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
        return self._alone(sig, at)

    def _alone(self, sig: Signature[Any], at: Place) -> Step:
        more = at.args or at.kwargs or at.options
        return self._task(sig.clone(at.args, at.kwargs, **at.options) if more else sig, at)

    def _beside(self, sig: Signature[Any], at: Place) -> Any:
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

    def _task(self, sig: Signature[Any], at: Place) -> Step:
        before = at.before
        options = sig.options
        job_id = str((self._as_one if at.last else None) or options.get("task_id") or self._new_id())
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
        called["options"] = {**told, **options, "task_id": job_id}
        if at.body is not None:
            called["options"]["as_body"] = at.body.said(sig)
        behind = before is not None and not self._unsent.isdisjoint(before.ids)
        new, ignored = (None, False) if behind else self._make(called, int(feeds), before is not None)
        if new is None:
            self._unsent.add(job_id)
        else:
            self._jobs[job_id] = new if before is None else new._replace(after=_edges(before, feeds))
        return Step(job_id, ignored, task=sig.task)

    def _chain(self, sig: chain, at: Place) -> Any:
        own = {**sig.options, **at.options}
        whole: Any = sig.clone()
        whole["options"] = {name: own.pop(name) for name in ("link", "link_error") if own.get(name)}
        steps = _not_empty(whole.unchain_tasks(at.in_chain))
        if not steps:
            return None
        task_id = own.pop("task_id", None)
        shape: Any = None
        body = None if at.body is None else at.body.of_chain(whole.options.get("link_error"))
        here = Place(at.before, (*at.args, *sig.args), at.kwargs, own, in_chain=True, body=body)
        for step in steps[:-1]:
            # A group that something follows is the header of a chord, whose body hears what the chain would.
            placed = self.place(step, here._replace(body=None) if isinstance(step, group) else here)
            shape = placed if shape is None else after(placed, shape)
            here = self._next(placed, on_error_of(step.options), here)
        named = {} if task_id is None else {"task_id": task_id}
        here = here._replace(options={**here.options, **named}, last=at.last, group_id=at.group_id)
        placed = self.place(steps[-1], here)
        if isinstance(placed, Many):
            self._behind.setdefault(placed.id, here.before)
        return placed if shape is None else after(placed, shape)

    def _next(self, placed: Any, on_error: str, here: Place) -> Place:
        """Return the place of the step that follows what was placed; after a group it is the body of a chord."""
        ends = self.ends(placed, on_error)
        ends = ends if ends.ids else self._nothing(here.before)
        if not ends.many:
            return Place(ends, in_chain=True)
        before = self._behind.get(placed.id, here.before)
        body = Body(() if before is None else before.ids, whole=True, outer=here.body)
        return Place(ends, body=body, in_chain=True)

    def _group(self, sig: group, at: Place) -> Many:
        tasks = [one for one in sig.flat() if not _is_empty(one)]
        own = {**sig.options, **at.options}
        on_error_of(own)
        given = own.pop("task_id", None)
        group_id = self._new_id() if given is None else checked_id(given, "task_id")
        own.pop("on_error", None)
        before = at.before
        if before is not None and len(before.ids) > 1 and len(tasks) > 1:
            # Each waits for one job that makes the list, not for all.
            before = self.ends(self.join(before), "fail")
        body = None if at.body is None else at.body._replace(wrapped=False, whole=False)
        each = Place(before, (*at.args, *sig.args), at.kwargs, own, group_id=group_id, body=body)
        return Many(group_id, tuple([self._member(one, each) for one in tasks]))

    def _member(self, sig: Signature[Any], at: Place) -> Any:
        """Place a member of a group; one that ends in a group of nothing ends in a job that says so."""
        placed = self.place(sig, at)
        if not isinstance(placed, Many) or placed.members:
            return placed
        (job_id,) = self._nothing(at.before).ids
        return Step(job_id)

    def _chord(self, sig: chord, at: Place) -> Any:
        whole: Any = sig.clone((), at.kwargs, **at.options)
        if whole.body is None or (isinstance(whole.body, chain) and _is_empty(whole.body)):
            raise InvalidTaskError("A chord without a body cannot be sent: chord(header)(body)")
        body = whole.body
        for callback in listed(whole.options.get("link")):
            body.link(callback)
        for errback in listed(whole.options.get("link_error")):
            body.link_error(errback)
        end = at._replace(args=(), kwargs=NO_OPTIONS, options=whole.body_options(), in_chain=False)
        own = {**whole.header_options(), "task_id": sig.get("header_id")}
        header = self._group(whole.header, Place(at.before, (*at.args, *sig.args), options=own))
        if not header.members and at.before is None:
            return self.place(body, end._replace(args=([],)))
        if not header.members:
            return self.place(body, end._replace(before=self._nothing(at.before)))
        heard = Body(() if at.before is None else at.before.ids, whole=at.in_chain, outer=at.body)
        ends = self.ends(header, on_error_of(whole.options))
        placed = self.place(body, end._replace(before=ends, body=heard))
        if isinstance(placed, Many):
            self.bodies.add(placed.id)
        return after(placed, header)

    # Tying

    def ends(self, shape: Any, on_error: str) -> Ends:
        """Return what a next job waits for; a group at the end of a member becomes one list."""
        if isinstance(shape, Step):
            return Ends((shape.id,))
        ids = [one.id if isinstance(one, Step) else self.join(self.ends(one, "fail")).id for one in shape.members]
        return Ends(tuple(ids), True, on_error)

    def join(self, ends: Ends, job_id: str | None = None) -> Step:
        """Add a job that makes one list of results."""
        given: tuple[Any, ...] = () if ends.ids else ([],)
        sig: Signature[Any] = Signature(ACCUMULATE, given, {}, {"task_id": job_id} if job_id else {})
        return self._task(sig, Place(ends if ends.ids else None))

    def _nothing(self, before: Ends | None) -> Ends:
        """Add a job that makes a list of nothing, after what is before."""
        return self.ends(self._task(Signature(ACCUMULATE, ([],), immutable=True), Place(before)), "fail")


def _is_empty(sig: Signature[Any]) -> bool:
    """Whether nothing is to be done for a signature: a chain or group without tasks, or of such alone."""
    return isinstance(sig, chain | group) and all(_is_empty(one) for one in sig.tasks)


def _not_empty(steps: list[Signature[Any]]) -> list[Signature[Any]]:
    """Return the steps of a chain that there is something to do for; of groups of nothing alone, the last."""
    last = [one for one in steps if isinstance(one, group)][-1:]
    return [one for one in steps if not _is_empty(one)] or [*last]


def _edges(before: Ends, feeds: bool) -> tuple[Edge, ...]:
    if before.many:
        passing = Passing.LISTED if feeds else Passing.COUNTED
    else:
        passing = Passing.FIRST if feeds else Passing.NOTHING
    policy = _POLICIES[before.on_error]
    return tuple([Edge(one, passing, policy) for one in before.ids])
