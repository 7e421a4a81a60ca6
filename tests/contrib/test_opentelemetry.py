"""Traces lead from who calls a task through each attempt, and cost nothing where they are not switched on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from localq import LocalQ, chain, current
from localq.contrib.opentelemetry import instrument, uninstrument
from localq.signals import before_task_publish, task_failure, task_postrun, task_prerun, worker_process_shutdown
from localq.store.protocol import Filter
from localq.testing import drain
from tests.worker.waiting import DEADLINE_S


class Traced:
    """A provider, and the spans that ended."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.provider.get_tracer("the program")

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]


@pytest.fixture
def traced() -> Iterator[Traced]:
    made = Traced()
    instrument(made.provider)
    yield made
    uninstrument()


@pytest.fixture
def q(tmp_path: Path) -> Iterator[LocalQ]:
    app = LocalQ("traced", path=tmp_path / "jobs.db")

    @app.task(name="shop.mail")
    def mail(to: str) -> str:
        return f"sent to {to}"

    @app.task(name="shop.pack")
    def pack(order: str) -> None:
        raise ValueError(f"order {order} is lost")

    @app.task(name="shop.flaky", bind=True, max_retries=3)
    def flaky(self: Any) -> str:
        if self.request.retries < 2:
            raise self.retry(countdown=0)
        return "done"

    @app.task(name="shop.wait")
    async def wait(to: str) -> str:
        app.send_task("shop.mail", (to,))
        return "waited"

    app.store.open()
    yield app
    app.close()
    current.set_app(None)


def test_each_attempt_continues_the_trace_of_who_called(q: LocalQ, traced: Traced) -> None:
    with traced.tracer.start_as_current_span("the request") as request:
        job = q.send_task("shop.flaky", queue="fast")
    drain(q)

    spans = traced.spans("run shop.flaky")
    assert [span.attributes["job.attempt"] for span in spans if span.attributes] == [1, 2, 3]
    assert [span.attributes["job.outcome"] for span in spans if span.attributes] == ["RETRY", "RETRY", "SUCCESS"]
    for span in spans:
        assert span.parent is not None
        assert span.attributes is not None
        assert span.parent.span_id == request.get_span_context().span_id
        assert span.context.trace_id == request.get_span_context().trace_id
        assert span.attributes["messaging.message.id"] == job.id
        assert span.attributes["messaging.destination.name"] == "fast"
        assert span.status.status_code == StatusCode.OK


def test_a_failure_is_an_error_and_tells_its_class_alone(q: LocalQ, traced: Traced) -> None:
    q.send_task("shop.pack", ("secret-17",))
    drain(q)

    (span,) = traced.spans("run shop.pack")
    assert span.parent is None
    assert span.status.status_code == StatusCode.ERROR
    assert dict(span.attributes or {})["error.type"] == "ValueError"
    assert "secret-17" not in span.to_json()


@pytest.mark.parametrize("pool", ["processes", "threads"])
def test_what_a_task_calls_continues_its_span_whatever_process_it_runs_in(q: LocalQ, tmp_path: Path, pool: str) -> None:
    with (tmp_path / "spans").open("w") as out:
        provider = TracerProvider()
        written = ConsoleSpanExporter(out=out, formatter=lambda span: f"{span.to_json(indent=None)}\n")
        provider.add_span_processor(SimpleSpanProcessor(written))
        instrument(provider)
        try:
            with provider.get_tracer("the program").start_as_current_span("the request"):
                first = q.send_task("shop.wait", ("ann",))
            with q.running(concurrency=1, pool=pool):
                first.get(timeout=DEADLINE_S)
            uninstrument()
            drain(q)
        finally:
            uninstrument()

    spans = {one["name"]: one for one in map(json.loads, (tmp_path / "spans").read_text().splitlines())}
    (sent,) = q.store.read.find(Filter(tasks=("shop.mail",)), 10).jobs
    carried = json.loads(sent.options or "{}")["headers"]["traceparent"]
    assert spans["run shop.wait"]["parent_id"] == spans["the request"]["context"]["span_id"]
    assert carried.split("-")[2] == spans["run shop.wait"]["context"]["span_id"].removeprefix("0x")


def test_every_step_of_a_chain_is_in_the_trace_of_its_call(q: LocalQ, traced: Traced) -> None:
    q.set_current()
    with traced.tracer.start_as_current_span("the request") as request:
        chain(q.tasks["shop.mail"].s("ann"), q.tasks["shop.mail"].s())()
    drain(q)

    traces = {span.context.trace_id for span in traced.spans("run shop.mail")}
    assert len(traced.spans("run shop.mail")) == 2
    assert traces == {request.get_span_context().trace_id}


def test_a_call_outside_of_any_span_carries_nothing(q: LocalQ, traced: Traced) -> None:
    job = q.send_task("shop.mail", ("ann",))

    options = q.store.read.get([job.id])[job.id].options
    assert "traceparent" not in (options or "")


def test_a_context_that_the_caller_gave_stays(q: LocalQ, traced: Traced) -> None:
    given = f"00-{'a' * 32}-{'b' * 16}-01"

    with traced.tracer.start_as_current_span("the request"):
        q.send_task("shop.mail", ("ann",), headers={"traceparent": given})
    drain(q)

    (span,) = traced.spans("run shop.mail")
    assert f"{span.context.trace_id:032x}" == "a" * 32


def test_instrumented_twice_it_traces_once_and_after_the_end_nothing(q: LocalQ, traced: Traced) -> None:
    signals = (before_task_publish, task_prerun, task_failure, task_postrun, worker_process_shutdown)
    uninstrument()
    others = [list(signal.receivers) for signal in signals]
    instrument(traced.provider)
    instrument(traced.provider)
    q.send_task("shop.mail", ("ann",))
    drain(q)
    uninstrument()
    q.send_task("shop.mail", ("bob",))
    drain(q)

    assert len(traced.spans("run shop.mail")) == 1
    assert [list(signal.receivers) for signal in signals] == others


def test_nothing_of_it_is_imported_where_it_is_not_switched_on() -> None:
    said = "import localq, localq.worker, localq.web.application, sys; print('opentelemetry' in sys.modules)"

    assert subprocess.check_output([sys.executable, "-c", said], text=True).strip() == "False"
