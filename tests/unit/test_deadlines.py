"""No test fails because the machine is busy: what it waits for has the deadline that all have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.worker.waiting import DEADLINE_S

ROOT = Path(__file__).parents[2]
#: Calls whose only argument is a time, and functions whose second is.
TIMED = {"communicate", "join", "poll", "select", "settimeout", "wait"}
UNTIL = {"hold", "until"}
#: Shorter ones are for what is expected not to come.
SHORT_S = 2
#: Figures and no tests, what nobody runs, and what is kept as it was.
OTHERS = {"bench", "celery", "data", "html", "schemathesis", "typing"}


def bounds(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            yield from (word.value for word in node.keywords if word.arg == "timeout")
            if name in TIMED and len(node.args) == 1:
                yield node.args[0]
            if name in UNTIL:
                yield from node.args[1:]


def too_short(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    found = (one for one in bounds(ast.parse("\n".join(lines))) if isinstance(one, ast.Constant))
    return [
        f"{path.relative_to(ROOT)}:{one.lineno}: {lines[one.lineno - 1].strip()}"
        for one in found
        if isinstance(one.value, int | float) and SHORT_S <= one.value < DEADLINE_S
    ]


def test_what_a_test_waits_for_has_all_the_time_it_may_need() -> None:
    tests = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "examples").rglob("test_*.py")]
    found = [one for path in tests if not OTHERS & {*path.parts} for one in too_short(path)]

    assert found == [], (
        f"They fail on a machine that does much else. Use DEADLINE_S ({DEADLINE_S:g}) of tests.worker.waiting."
    )
