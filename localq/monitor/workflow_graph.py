"""A workflow's jobs as a drawing: which stands below which, in a tree for the terminal, and as text for other tools.

In the tree what comes after a job stands below it, on the same level if it is all that comes. What waits for many
stands behind them, on the level of the last that comes before all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from localq import states
from localq.model.edges import Passing, Tie
from localq.model.job import Job
from localq.model.job_options import JobOptions
from localq.result.dot import Dot

__all__ = ["Drawn", "counted", "dot", "mermaid", "tree"]

#: Stands for what all jobs come from.
_TOP = ""
_COLOURS = {
    states.SUCCESS: "palegreen",
    states.FAILURE: "lightcoral",
    states.REVOKED: "lightgrey",
    states.STARTED: "lightskyblue",
    states.RETRY: "khaki",
}


class Drawn(NamedTuple):
    """A line of a tree: a job, or jobs left out; `below` are the branches below it."""

    job: Job | None
    left_out: tuple[Job, ...]
    waits_for: int
    below: tuple[Drawn, ...]


def counted(jobs: Iterable[Job]) -> str:
    """Return how many jobs show which state, such as "3 SUCCESS, 1 PENDING"."""
    counts = Counter(states.public_state(job) for job in jobs)
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common())


def tree(jobs: Sequence[Job], ties: Sequence[Tie], most: int) -> list[Drawn]:
    """Return the lines of the top level, those below in them.

    Args:
        most: Branches shown at one place; of more, those that failed come first.
    """
    return _Forest(jobs, ties, most).sequence(_TOP)


class _Forest:
    """Where each job stands: below which, or behind which."""

    def __init__(self, jobs: Sequence[Job], ties: Sequence[Tie], most: int) -> None:
        self._most = most
        self._jobs = {job.id: job for job in jobs}
        #: What each waits for, of these jobs, and what it gets of the first.
        self._awaited: dict[str, list[str]] = {}
        self._passing: dict[str, int] = {}
        for tie in ties:
            if tie.awaited in self._jobs:
                self._awaited.setdefault(tie.waiter, []).append(tie.awaited)
                self._passing.setdefault(tie.waiter, tie.passing)
        self._over: dict[str, str] = {}
        self._branches: dict[str, list[str]] = {}
        self._behind: dict[str, list[str]] = {}
        for job in jobs:
            self._place(job)

    def _place(self, job: Job) -> None:
        before = self._awaited.get(job.id, [])
        of_many = bool(before) and self._passing[job.id] >= Passing.LISTED
        if before:
            over = self._common(before) if of_many else before[-1]
        else:
            over = JobOptions.read(job.options).parent_id or _TOP
        over = _TOP if over == job.id or over not in self._jobs else over
        self._over[job.id] = over
        (self._behind if of_many else self._branches).setdefault(over, []).append(job.id)

    def _line_up(self, job_id: str) -> list[str]:
        line = [job_id]
        while line[-1] != _TOP:
            line.append(self._over.get(line[-1], _TOP))
        return line

    def _common(self, ids: Sequence[str]) -> str:
        """Return the last that comes before all of some jobs."""
        common = self._line_up(self._over.get(ids[0], _TOP))
        for job_id in ids[1:]:
            at = self._over.get(job_id, _TOP)
            while at not in common:
                at = self._over.get(at, _TOP)
            del common[: common.index(at)]
        return common[0]

    # Lines

    def sequence(self, job_id: str) -> list[Drawn]:
        """Return a job's line and those that follow it on its level."""
        lines: list[Drawn] = []
        rest = [job_id]
        while rest:
            at = rest.pop(0)
            branches, behind = self._branches.get(at, []), self._behind.get(at, [])
            if at == _TOP:
                if len(branches) == 1:
                    rest = [*branches, *behind, *rest]
                    continue
                lines.extend(self._shown(branches))
            elif len(branches) == 1 and not behind:
                lines.append(self._line(at, ()))
                rest = [*branches, *rest]
                continue
            else:
                lines.append(self._line(at, tuple(self._shown(branches))))
            rest = [*behind, *rest]
        return lines

    def _shown(self, ids: Sequence[str]) -> list[Drawn]:
        # Of many those are shown that somebody looks for.
        shown = sorted(sorted(ids, key=self._is_well)[: self._most], key=ids.index) if len(ids) > self._most else ids
        lines = [line for job_id in shown for line in self._branch(job_id)]
        left_out = tuple(self._jobs[job_id] for job_id in ids if job_id not in set(shown))
        return [*lines, Drawn(None, left_out, 0, ())] if left_out else lines

    def _is_well(self, job_id: str) -> bool:
        return states.public_state(self._jobs[job_id]) not in states.PROPAGATE_STATES

    def _branch(self, job_id: str) -> list[Drawn]:
        """Return one branch: its first line, what follows below that."""
        first, *others = self.sequence(job_id)
        return [first._replace(below=(*first.below, *others))]

    def _line(self, job_id: str, below: tuple[Drawn, ...]) -> Drawn:
        return Drawn(self._jobs[job_id], (), len(self._awaited.get(job_id, ())), below)


# As text


def dot(jobs: Sequence[Job], ties: Sequence[Tie]) -> str:
    """Return the workflow in Graphviz's language."""
    graph = Dot("workflow")
    graph.default("node", shape="box", style="filled", fillcolor="white")
    for number, job in enumerate(jobs, 1):
        shown = states.public_state(job)
        graph.node(number, label=f"{job.task}\n{shown}", fillcolor=_COLOURS.get(shown, "white"))
    for before, after, dashed in _arrows(jobs, ties):
        graph.arrow(before, after, **({"style": "dashed"} if dashed else {}))
    return str(graph)


def mermaid(jobs: Sequence[Job], ties: Sequence[Tie]) -> str:
    """Return the workflow in Mermaid's language."""
    lines = ["flowchart TD"]
    for number, job in enumerate(jobs, 1):
        text = f"{job.task}<br>{states.public_state(job)}".replace('"', "#quot;")
        lines.append(f'    j{number}["{text}"]')
        if (colour := _COLOURS.get(states.public_state(job))) is not None:
            lines.append(f"    style j{number} fill:{colour}")
    for before, after, dashed in _arrows(jobs, ties):
        lines.append(f"    j{before} {'-.->' if dashed else '-->'} j{after}")
    return "\n".join(lines)


def _arrows(jobs: Sequence[Job], ties: Sequence[Tie]) -> list[tuple[int, int, bool]]:
    """Return (before, after, dashed) by numbers of jobs: edges, and dashed what a job sent or called back."""
    numbers = {job.id: number for number, job in enumerate(jobs, 1)}
    tied = {tie.waiter for tie in ties}
    arrows = [(numbers[tie.awaited], numbers[tie.waiter], False) for tie in ties if tie.awaited in numbers]
    for job in jobs:
        parent = numbers.get(JobOptions.read(job.options).parent_id or "")
        if job.id not in tied and parent is not None and parent != numbers[job.id]:
            arrows.append((parent, numbers[job.id], True))
    return arrows
