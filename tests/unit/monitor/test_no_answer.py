"""Why no worker has answered: a sentence for each reason."""

from __future__ import annotations

import pytest

from localq.model.worker import WorkerRow, WorkerState
from localq.monitor.no_answer import why_no_answer
from tests.store.given import NOW, card

START = "localq worker -A shop"


def row(name: str, state: WorkerState = WorkerState.ALIVE) -> WorkerRow:
    return WorkerRow(1, card(name, pid=17), NOW, NOW, state, False)


GONE = row("gone@h", WorkerState.GONE)
SILENT = row("anna@h", WorkerState.SILENT)


@pytest.mark.parametrize(
    ("rows", "waiting", "wanted", "said"),
    [
        ([], 0, None, [f"No worker is running. Start one: {START}"]),
        ([GONE], 1, None, [f"No worker is running, and 1 job waits. Start one: {START}"]),
        ([GONE], 2_000, ["gone@h"], [f"No worker is running, and 2,000 jobs wait. Start one: {START}"]),
        (
            [row("anna@h")],
            0,
            None,
            ["Worker anna@h (process 17) is running, but has not answered in time; --timeout SECONDS waits longer."],
        ),
        (
            [GONE, SILENT],
            5,
            None,
            ["Worker anna@h (process 17) is there, but says nothing: it is stopped, suspended or stuck."],
        ),
        ([row("anna@h")], 0, ["anan@h"], ["No worker 'anan@h' is running. Did you mean 'anna@h'?"]),
        (
            [row("anna@h"), row("bert@h")],
            0,
            ["mail@elsewhere"],
            ["No worker 'mail@elsewhere' is running. Running: anna@h, bert@h."],
        ),
        (
            [row("localq@h")],
            0,
            ["celery@h"],
            ["Worker localq@h (process 17) is running, but has not answered in time; --timeout SECONDS waits longer."],
        ),
    ],
)
def test_each_reason_has_a_sentence(
    rows: list[WorkerRow], waiting: int, wanted: list[str] | None, said: list[str]
) -> None:
    assert list(why_no_answer(rows, waiting, wanted=wanted, start=START)) == said
