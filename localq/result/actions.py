"""What is done with jobs from outside in the same way, be it one or several (celery/result.py of 5.7)."""

from __future__ import annotations

import signal as signals
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from localq.result import waiting
from localq.result.lineage import Source
from localq.result.unattended import Unattended
from localq.result.watching import Deliver, Watch, watch

__all__ = ["Actions", "signal_number", "signal_of"]


class _Held(Protocol):
    """What a result says of itself."""

    def _held(self) -> tuple[Source, list[Any]]: ...

    def ready(self) -> bool: ...

    def successful(self) -> bool: ...

    def get(self, *, propagate: bool = True) -> Any: ...


H = TypeVar("H", bound=_Held)


class Actions:
    """The part of a result that waits for its jobs, cancels them or removes them.

    A subclass has `_held`, which returns the app and the results of its single jobs.
    """

    def then(
        self: H, callback: Callable[[H], Any], on_error: Callable[[H], Any] | None = None, weak: bool = False
    ) -> None:
        """Wait, then call `callback` with this result, or `on_error` if not every job succeeded."""
        self.get(propagate=False)
        if self.successful():
            callback(self)
        elif on_error is not None:
            on_error(self)

    def on_done(self: H, callback: Callable[[H], Any], *, deliver: Deliver | None = None) -> H:
        """Have `callback` called with this result once every job of it is finished, well or not; return the result.

        Nothing waits for that: a thread of this program's own watches the store. A callback is called once, and not at
        all where the program ends first, or the app is closed; its errors are logged. Jobs that are known to be
        finished are told of before this returns.

        Args:
            deliver: Gets a function without arguments and has it called where callbacks may run:
                `loop.call_soon_threadsafe`, the `put` of a queue that a window looks into, the `emit` of a signal.
                Default: the watching thread calls it.
        """
        app, results = self._held()
        watch(lambda: app.store, Watch(self, results, callback, None, deliver))
        return self

    def forget(self: _Held) -> None:
        """Remove finished jobs with their results and history; unfinished ones stay."""
        app, results = self._held()
        app.store.jobs.forget([one.id for one in results])
        for one in results:
            one._kept = None

    def revoke(
        self: _Held,
        connection: Any = None,
        terminate: bool = False,
        signal: str | int | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Cancel, durably and in one transaction: what waits never runs.

        Args:
            terminate: Stop what runs as well: its process gets `signal`, and SIGKILL if that does not end it.
            signal: Name or number; default TERM.
            wait: Return only when all is finished.
            timeout: Seconds to wait at most.
            connection: Ignored.

        Raises:
            ValueError: the signal does not exist.
        """
        app, results = self._held()
        ids = [one.id for one in results]
        app.cancel(ids, signal=signal_of(terminate, signal))
        if wait:
            waiting.wait(app.store.bells, frozenset(ids), self.ready, timeout, Unattended(lambda: app.store))


def signal_of(terminate: bool, signal: str | int | None) -> int:
    """Return the signal that running jobs get, 0 for none; one that does not exist is refused in any case."""
    number = signal_number(signal) if terminate or signal is not None else 0
    return number if terminate else 0


def signal_number(signal: str | int | None) -> int:
    """Return a signal's number.

    Raises:
        ValueError: for a signal that does not exist.
    """
    try:
        if signal is None:
            return int(signals.SIGTERM)
        if isinstance(signal, int):
            return int(signals.Signals(signal))
        return int(signals.Signals[f"SIG{signal.upper().removeprefix('SIG')}"])
    except (KeyError, ValueError):
        raise ValueError(f"signal={signal!r} is no signal of this system; try 'TERM' or 'KILL'") from None
