"""What a job comes from and what follows from it, as results (celery/result.py of 5.7)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

from localq.exceptions import IncompleteStream
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.result.graph import DependencyGraph
from localq.settings import Settings
from localq.store.protocol import Store

__all__ = ["Lineage", "Source"]


class Source(Protocol):
    """What results need of an app."""

    @property
    def store(self) -> Store:
        """Where the jobs are."""
        ...

    @property
    def conf(self) -> Settings:
        """The settings, which say how results and arguments are read."""
        ...

    def accepts(self, task: str) -> tuple[str, ...]:
        """Return the serializers that may be read for a task."""
        ...

    def cancel(self, ids: list[str], *, signal: int = 0) -> dict[str, JobState]:
        """Cancel jobs; return the state each known one had."""
        ...


class Lineage:
    """The part of a result that is about other results."""

    #: What children and parents are held as: a job, and several of one group.
    single_type: ClassVar[Any] = None
    group_type: ClassVar[Any] = None
    id: str
    _app: Source
    _parent: Any

    def _job(self) -> Job | None:
        raise TypeError(f"{type(self).__name__} does not say which job it is of")

    def ready(self) -> bool:
        """Whether the job is finished, well or not."""
        raise TypeError(f"{type(self).__name__} does not say which job it is of")

    @property
    def parent(self) -> Any:
        """The job (or group) that comes before this one, or that made it; or None."""
        if self._parent is not None:
            return self._parent
        job = self._job()
        parent_id = None if job is None else JobOptions.read(job.options).parent_id
        return None if parent_id is None else self.single_type(parent_id, self._app)

    @parent.setter
    def parent(self, parent: Any) -> None:
        self._parent = parent

    @property
    def children(self) -> list[Any] | None:
        """What this job called, and what comes after it in its workflow: results, groups as one; None: unknown id."""
        job = self._job()
        if job is None:
            return None
        family, _ = self._app.store.read.family(job.workflow or job.id)
        groups: dict[str, list[Any]] = {}
        for one in family:
            options = JobOptions.read(one.options)
            if options.parent_id == self.id and one.id != self.id:
                groups.setdefault(options.group_id or one.id, []).append(self.single_type(one.id, self._app))
        return [self._child(group_id, members) for group_id, members in groups.items()]

    def _child(self, group_id: str, members: list[Any]) -> Any:
        if members[0].id == group_id:
            return members[0]
        return self.group_type(group_id, members, app=self._app, parent=self)

    def iterdeps(self, intermediate: bool = False) -> Iterator[tuple[Any, Any]]:
        """Yield (parent, result) of this job and of all that follows from it, each after its parent.

        Raises:
            IncompleteStream: one is not finished, and `intermediate` is False.
        """
        queue: deque[tuple[Any, Any]] = deque([(None, self)])
        seen: set[str] = set()
        while queue:
            parent, node = queue.popleft()
            if node.id in seen:
                continue
            seen.add(node.id)
            yield parent, node
            if node.ready():
                queue.extend((node, child) for child in node.children or ())
            elif not intermediate:
                raise IncompleteStream(f"Job {node.id} is not finished; wait for it, or pass intermediate=True")

    def collect(self, intermediate: bool = False, **kwargs: Any) -> Iterator[tuple[Any, Any]]:
        """Yield (result, value) of this job and of all that follows from it, waiting for each; see `get`."""
        for _, node in self.iterdeps(intermediate=intermediate):
            yield node, node.get(**kwargs)

    def get_leaf(self) -> Any:
        """Return the value of the last job that follows from this one."""
        value = None
        for _, node in self.iterdeps():
            value = node.get()
        return value

    def build_graph(self, intermediate: bool = False, formatter: Any = None) -> DependencyGraph:
        """Return the graph of this job and of all that follows from it."""
        graph = DependencyGraph()
        for parent, node in self.iterdeps(intermediate=intermediate):
            graph.add_arc(node)
            if parent is not None:
                graph.add_edge(parent, node)
        return graph

    @property
    def graph(self) -> DependencyGraph:
        """The graph of this job and of all that follows from it; each must be finished."""
        return self.build_graph()

    def as_tuple(self) -> tuple[tuple[str, Any], Any]:
        """Return the id and the parent's, as nested tuples; of a parent that is held, not of one in the store."""
        parent = self._parent
        return (self.id, None if parent is None else parent.as_tuple()), None

    def as_list(self) -> list[str]:
        """Return this id and those of its parents."""
        parent = self.parent
        return [self.id, *([] if parent is None else parent.as_list())]
