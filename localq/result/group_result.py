"""The result of a group, which can be saved and restored by its id (celery/result.py of 5.7)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from localq import current
from localq.exceptions import DecodeError
from localq.model.bounds import is_name
from localq.model.ids import text_id
from localq.result.async_result import AsyncResult
from localq.result.lineage import Source
from localq.result.result_set import ResultSet

__all__ = ["GroupResult", "result_from_tuple"]


class GroupResult(ResultSet):
    """The result of a group: a set of results with an id, that can be saved and restored by it.

    Args:
        id: The group's id.
        parent: The result of what comes before the group.
    """

    def __init__(
        self,
        id: str | UUID | None = None,
        results: Iterable[Any] | None = None,
        parent: Any = None,
        app: Source | None = None,
        **_ignored: Any,
    ) -> None:
        named: object = text_id(id)
        if not is_name(named):
            raise ValueError(f"GroupResult takes the id of a group, not {named!r:.300}")
        super().__init__(results or (), app)
        self.id, self.parent = named, parent

    @property
    def task_id(self) -> str:
        """The group's id."""
        return self.id

    @property
    def children(self) -> list[Any]:
        """The results."""
        return self.results

    def save(self, backend: Any = None) -> None:
        """Keep what the group consists of, so that `restore` finds it by its id."""
        content = json.dumps(self.as_tuple()).encode()
        self.app.store.groups.save(self.id, content, self.app.clock.now())

    def delete(self, backend: Any = None) -> None:
        """Drop what `save` kept; the jobs stay."""
        self.app.store.groups.save(self.id, None, self.app.clock.now())

    @classmethod
    def restore(cls, id: str | UUID, backend: Any = None, app: Any = None) -> GroupResult | None:
        """Return the group saved under an id, or None."""
        app = app or current.app()
        content = app.store.groups.load(text_id(id))
        if content is None:
            return None
        try:
            found = result_from_tuple(json.loads(content), app)
        except (ValueError, TypeError) as error:
            raise DecodeError(f"The saved group {id} cannot be read: {error}") from error
        return found if isinstance(found, GroupResult) else None

    def as_tuple(self) -> tuple[tuple[str, Any], list[Any]]:
        """Return the ids of the group, of its parent and of its members, as nested tuples."""
        parent = None if self.parent is None else self.parent.as_tuple()
        return (self.id, parent), [one.as_tuple() for one in self.results]

    def as_list(self) -> list[str]:
        """Return the group's id and its members'."""
        return [self.id, *(deep for one in self.results for deep in one.as_list())]

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if isinstance(other, GroupResult):
            return other.id == self.id and other.results == self.results
        return str(other) == self.id if isinstance(other, str | UUID) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<GroupResult: {self.id} [{', '.join(str(one) for one in self.results)}]>"

    def __reduce__(self) -> tuple[Any, ...]:
        return GroupResult, (self.id, self.results, self.parent)


AsyncResult.group_type = GroupResult


def result_from_tuple(r: Any, app: Any = None) -> Any:
    """Return the result (of a job or of a group) that `as_tuple` described; a result is returned as it is."""
    if isinstance(r, AsyncResult | ResultSet):
        return r
    app = app or current.app()
    head, nodes = r
    job_id, parent = head if isinstance(head, list | tuple) else (head, None)
    before = None if parent is None else result_from_tuple(parent, app)
    if nodes is not None:
        return GroupResult(job_id, [result_from_tuple(one, app) for one in nodes], before, app)
    return AsyncResult(job_id, app, parent=before)
