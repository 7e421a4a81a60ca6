"""Traces from the request that calls a task through each attempt to run it (OpenTelemetry; the extra `otel`).

    from localq.contrib import opentelemetry

    opentelemetry.instrument()

Call it where the tasks are, so that it is done in every process. A call that is made while a span is active carries its
context in the headers (W3C `traceparent`); each attempt is a span that continues it, whoever runs it and however much
later. Arguments, results and messages of errors are in no span.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Any, NamedTuple

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, TracerProvider

from localq.signals import before_task_publish, task_failure, task_postrun, task_prerun, worker_process_shutdown

__all__ = ["instrument", "uninstrument"]

_NAME = "localq"
#: Endings of an attempt that are no fault.
_FINE = frozenset({"SUCCESS", "RETRY", "IGNORED", "REPLACED", "REVOKED"})


class _Attempt(NamedTuple):
    span: Span
    token: Token[Context]


_attempt: ContextVar[_Attempt | None] = ContextVar("localq_attempt", default=None)


class _Tracing:
    """What hears the signals."""

    def __init__(self, provider: TracerProvider | None) -> None:
        self._provider = provider

    @property
    def _tracer(self) -> Tracer:
        # Asked for each time: programs set their provider late, and tests more than once.
        return trace.get_tracer(_NAME, tracer_provider=self._provider)

    def sent(self, headers: dict[str, Any] | None = None, **_: Any) -> None:
        """Put the context of the active span into the headers of a call that has none."""
        if (
            headers is not None
            and "traceparent" not in headers
            and trace.get_current_span().get_span_context().is_valid
        ):
            propagate.inject(headers)

    def begun(self, task: Any = None, task_id: str = "", **_: Any) -> None:
        """Begin the span of an attempt."""
        request = task.request
        told = {name: text for name, text in (request.headers or {}).items() if isinstance(text, str)}
        span = self._tracer.start_span(
            f"run {task.name}",
            propagate.extract(told),
            SpanKind.CONSUMER,
            {
                "messaging.system": _NAME,
                "messaging.operation.type": "process",
                "messaging.destination.name": str((request.delivery_info or {}).get("routing_key") or ""),
                "messaging.message.id": task_id,
                "job.task": task.name,
                "job.attempt": int(request.attempt or 1),
            },
        )
        _attempt.set(_Attempt(span, context.attach(trace.set_span_in_context(span))))

    def failed(self, exception: BaseException | None = None, **_: Any) -> None:
        """Note of what class the error is."""
        running = _attempt.get()
        if running is not None and exception is not None:
            running.span.set_attribute("error.type", type(exception).__qualname__)

    def ended(self, state: str = "", **_: Any) -> None:
        """End the span of an attempt."""
        running = _attempt.get()
        if running is None:
            return
        _attempt.set(None)
        running.span.set_attribute("job.outcome", state)
        running.span.set_status(Status(StatusCode.OK if state in _FINE else StatusCode.ERROR))
        running.span.end()
        context.detach(running.token)

    def leaving(self, **_: Any) -> None:
        """Send what is left of spans: a slot that ends does so without Python's own end."""
        flush = getattr(self._provider or trace.get_tracer_provider(), "force_flush", None)
        if flush is not None:
            flush()


_LINKS = (
    (before_task_publish, "sent"),
    (task_prerun, "begun"),
    (task_failure, "failed"),
    (task_postrun, "ended"),
    (worker_process_shutdown, "leaving"),
)


def instrument(tracer_provider: TracerProvider | None = None) -> None:
    """Trace calls and attempts in this process, and in those it forks; a second time it only takes the provider.

    Args:
        tracer_provider: Default: the global one, also if that is set later.
    """
    uninstrument()
    tracing = _Tracing(tracer_provider)
    for signal, name in _LINKS:
        signal.connect(getattr(tracing, name), dispatch_uid=(__name__, name))


def uninstrument() -> None:
    """Trace nothing any more."""
    for signal, name in _LINKS:
        signal.disconnect(dispatch_uid=(__name__, name))
