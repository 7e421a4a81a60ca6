"""`localq workflow` and `localq cancel --workflow`: a workflow as a person, and as a program, sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from localq import LocalQ, chain, group, signature
from localq.model.edges import Passing, Tie
from localq.model.job import JobState
from localq.model.orders import PARKED_AT
from localq.monitor.workflow_graph import counted, dot, mermaid, tree
from localq.store.protocol import Filter
from tests.cli.terminal import on_terminal
from tests.store.given import HOUR, NOW, attempt, claimed, done, job, new, worker

Run = Callable[..., Result]


def sent(q: LocalQ, members: int = 3, **options: Any) -> Any:
    """Add a workflow: one job, a group behind it, and one that waits for the group."""
    header = group(signature("shop.pack", (n,)) for n in range(members))
    return chain(signature("shop.pick"), header, signature("shop.ship"), app=q).apply_async(**options)


def end(q: LocalQ, job_id: str, to: JobState = JobState.SUCCEEDED, **more: Any) -> None:
    """Finish a job that is ready."""
    jobs = claimed(q.store, worker(q.store))
    told = attempt(1, ending=to.name, output=None, **more)
    others = [done(one, JobState.READY, kept=False) for one in jobs if one.id != job_id]
    (this,) = [one for one in jobs if one.id == job_id]
    q.store.jobs.finish([done(this, to, attempt=told), *others], NOW)


def lines(text: str) -> list[str]:
    """Return a tree's lines up to each job's state, with its branches."""
    return [re.split(",|  [0-9a-z]", line)[0] for line in text.rstrip().split("\n")]


def test_a_workflow_is_drawn_as_a_tree(q: LocalQ, localq: Run) -> None:
    result = sent(q, task_id="the-last")
    first = result.parent.parent

    shown = localq("workflow", "the-last").stdout

    assert shown.startswith(f"workflow {first.id}: 5 jobs, 5 PENDING\n")
    assert lines(shown)[1:] == [
        "├── shop.pick PENDING",
        "│   ├── shop.pack PENDING",
        "│   ├── shop.pack PENDING",
        "│   └── shop.pack PENDING",
        "└── shop.ship PENDING",
    ]
    assert "after 3 jobs  the-last, waits for 3 more" in shown
    assert localq("workflow", first.id).stdout == shown


def test_states_times_and_errors_are_shown(q: LocalQ, localq: Run) -> None:
    result = sent(q)
    end(q, result.parent.parent.id, started_at=NOW, ended_at=NOW + 1_500_000)
    end(q, result.parent[0].id, JobState.FAILED, failure=b'{"type":"OSError","module":"builtins","message":"no\\nbox"}')

    shown = localq("workflow", result.id).stdout

    assert "3 PENDING, 1 SUCCESS, 1 FAILURE" in shown
    assert f"shop.pick SUCCESS  {result.parent.parent.id}, took 1.500 s, ended " in shown
    assert f"shop.pack FAILURE  {result.parent[0].id}, OSError: no, " in shown


def test_a_job_over_its_rate_limit_has_no_time_at_which_it_is_due(q: LocalQ, localq: Run) -> None:
    q.store.jobs.add([new("parked", run_at=PARKED_AT), new("later", run_at=NOW + HOUR)], NOW)

    assert localq("workflow", "parked").stdout.endswith("parked, due when its rate limit allows\n")
    assert ", due 20" in localq("workflow", "later").stdout


def test_on_a_narrow_terminal_the_error_is_seen_and_ids_are_shortened(q: LocalQ) -> None:
    result = sent(q)
    failed = result.parent[0].id
    end(q, result.parent.parent.id, started_at=NOW, ended_at=NOW + 152)
    end(q, failed, JobState.FAILED, failure=b'{"type":"OSError","module":"builtins","message":"no\\nbox"}')

    _, seen = on_terminal("--path", q.location, "workflow", result.id, columns=80)

    assert all(len(line) <= 80 for line in seen.splitlines())
    assert f"shop.pack FAILURE  …{failed[-8:]}, OSError: no, " in seen
    assert ", took 152 µs, ended " in seen


def test_on_a_very_narrow_terminal_lines_are_wrapped_and_nothing_is_cut(q: LocalQ) -> None:
    result = sent(q)
    failed = result.parent[0].id
    end(q, result.parent.parent.id, started_at=NOW, ended_at=NOW + 152)
    end(q, failed, JobState.FAILED, failure=b'{"type":"OSError","module":"builtins","message":"a long way down there"}')

    _, seen = on_terminal("--path", q.location, "workflow", result.id, columns=40)

    assert all(len(line.rstrip()) <= 40 for line in seen.splitlines())
    words = " ".join(seen.replace("│", " ").replace("├──", " ").split())
    assert "3 PENDING, 1 SUCCESS, 1 FAILURE" in words
    assert f"…{failed[-8:]}, OSError: a long way down there" in words


def test_of_large_groups_the_first_are_shown(q: LocalQ, localq: Run) -> None:
    result = sent(q, 25)

    assert "└── ... and 15 more: 15 PENDING" in localq("workflow", result.id).stdout
    assert localq("workflow", result.id, "--all").stdout.count("shop.pack") == 25


def test_a_workflow_is_told_to_other_programs(q: LocalQ, localq: Run) -> None:
    result = sent(q, 2)
    first, header = result.parent.parent, result.parent

    told = json.loads(localq("workflow", result.id, "--json").stdout)
    graph = localq("workflow", result.id, "--dot").stdout
    chart = localq("workflow", result.id, "--mermaid").stdout

    assert told["workflow"] == first.id
    assert [one["after"] for one in told["jobs"]] == [[], [first.id], [first.id], [header[0].id, header[1].id]]
    arrows = [(1, 2), (1, 3), (2, 4), (3, 4)]
    assert [f'    "{a}" -> "{b}"' in graph for a, b in arrows] == [True] * 4
    assert graph.startswith("digraph workflow {\n")
    assert [f"    j{a} --> j{b}\n" in chart for a, b in arrows] == [True] * 4
    assert chart.startswith('flowchart TD\n    j1["shop.pick<br>PENDING"]\n')
    assert localq("workflow", result.id, "--dot", "--json").exit_code == 2


def test_a_job_of_no_workflow_stands_alone(q: LocalQ, localq: Run) -> None:
    one = q.send_task("shop.mail")

    assert lines(localq("workflow", one.id).stdout)[1:] == ["└── shop.mail PENDING"]
    assert localq("workflow", "unknown").exit_code == 4


def test_a_workflow_is_cancelled_as_a_whole(q: LocalQ, localq: Run) -> None:
    result = sent(q)
    other = q.send_task("shop.mail")
    end(q, result.parent.parent.id)

    cancelled = localq("cancel", "--workflow", result.parent[1].id)

    assert cancelled.exit_code == 0
    assert cancelled.stdout.count(": cancelled\n") == 4
    assert result.parent.parent.state == "SUCCESS"
    assert {one.state for one in (result, *result.parent)} == {"REVOKED"}
    assert other.state == "PENDING"
    again = localq("cancel", "--workflow", result.id)
    assert (again.exit_code, again.stderr) == (1, "Nothing of it is left to cancel.\n")


def test_a_failed_node_is_retried_and_its_workflow_goes_on(q: LocalQ, localq: Run) -> None:
    result = sent(q)
    end(q, result.parent.parent.id, JobState.FAILED)

    assert localq("retry", result.parent.parent.id).stdout == "1 job runs again.\n"

    assert job(q.store, result.parent[0].id).state == JobState.WAITING
    assert job(q.store, result.id).waits == 3


@pytest.mark.parametrize(
    ("ties", "drawn"),
    [
        ([], ["1", "2", "3", "4"]),
        ([(2, 1, 1), (3, 2, 1), (4, 3, 1)], ["1", "2", "3", "4"]),
        ([(2, 1, 1), (3, 1, 1), (4, 2, 2), (4, 3, 2)], ["1(2 3)", "4"]),
        ([(3, 1, 2), (3, 2, 2), (4, 3, 1)], ["1", "2", "3", "4"]),
        ([(2, 1, 1), (3, 2, 1), (4, 2, 1)], ["1", "2(3 4)"]),
    ],
)
def test_what_comes_after_stands_below_or_behind(q: LocalQ, ties: list[tuple[int, int, int]], drawn: list[str]) -> None:
    for name in "1234":
        q.send_task(name)
    jobs = list(reversed(q.store.read.find(Filter(), 10).jobs))
    made = [Tie(jobs[a - 1].id, n, jobs[b - 1].id, Passing(kind), 0) for n, (a, b, kind) in enumerate(ties)]

    def said(line: Any) -> str:
        below = " ".join(map(said, line.below))
        return line.job.task + (f"({below})" if below else "")

    assert [said(line) for line in tree(jobs, made, 10)] == drawn
    assert counted(jobs) == "4 PENDING"
    assert dot(jobs, made).count("->") == mermaid(jobs, made).count("-->") == len(ties)
