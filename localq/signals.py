"""Signals, as Celery has them: functions that a program connects, called when something has happened."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar, overload

__all__ = ["OnceSignal", "Signal"]

F = TypeVar("F", bound=Callable[..., Any])
_log = logging.getLogger(__name__)


class Signal:
    """Something that may happen, and the functions to call then.

    Args:
        name: For messages.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._lock = threading.Lock()
        self._receivers: tuple[tuple[Callable[..., Any], Any, Any], ...] = ()

    @overload
    def connect(self, receiver: F, /, sender: Any = None, weak: bool = True, dispatch_uid: Any = None) -> F: ...
    @overload
    def connect(
        self, receiver: None = None, /, sender: Any = None, weak: bool = True, dispatch_uid: Any = None
    ) -> Callable[[F], F]: ...
    def connect(
        self, receiver: Any = None, /, sender: Any = None, weak: bool = True, dispatch_uid: Any = None, **_: Any
    ) -> Any:
        """Call a function `receiver(sender, **fields)` from now on; also as a decorator, with or without arguments.

        Args:
            sender: Only what this sender sends; None: everybody's.
            weak: Accepted; receivers are kept as long as the signal is.
            dispatch_uid: Something that stands for the receiver: connecting it twice connects it once.

        Raises:
            TypeError: the receiver cannot be called.
        """

        def connected(function: F) -> F:
            if not callable(function):
                raise TypeError(f"A receiver of the signal {self.name} is a function, not {function!r}")
            self._add(function, sender, dispatch_uid)
            return function

        return connected if receiver is None else connected(receiver)

    def _add(self, receiver: Callable[..., Any], sender: Any, uid: Any) -> None:
        key = receiver if uid is None else uid
        with self._lock:
            if not any(known == key and of is sender for _, of, known in self._receivers):
                self._receivers = (*self._receivers, (receiver, sender, key))

    def disconnect(self, receiver: Any = None, sender: Any = None, dispatch_uid: Any = None, **_: Any) -> bool:
        """Call a function no more; return whether it was connected."""
        key = receiver if dispatch_uid is None else dispatch_uid
        with self._lock:
            kept = tuple(one for one in self._receivers if not (one[2] == key and one[1] is sender))
            found, self._receivers = len(kept) < len(self._receivers), kept
        return found

    def has_listeners(self, sender: Any = None) -> bool:
        """Whether anybody would be called."""
        return any(of is None or of is sender for _, of, _ in self._receivers)

    def send(self, sender: Any = None, **fields: Any) -> list[tuple[Callable[..., Any], Any]]:
        """Call whoever is connected, in order; return each with what it returned, or the error it raised.

        An error is logged, and the next receiver is called.
        """
        return [
            (receiver, self._call(receiver, sender, fields))
            for receiver, of, _ in self._receivers
            if of is None or of is sender
        ]

    def _call(self, receiver: Callable[..., Any], sender: Any, fields: dict[str, Any]) -> Any:
        try:
            return receiver(sender=sender, signal=self, **fields)
        except Exception as error:
            _log.exception("Receiver %r of the signal %s failed", receiver, self.name)
            return error

    def __repr__(self) -> str:
        return f"<Signal {self.name}>"


class OnceSignal(Signal):
    """Something that happens once: whoever connects later is called at once. What receivers raise is raised."""

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._sent: tuple[Any, dict[str, Any]] | None = None

    def _add(self, receiver: Callable[..., Any], sender: Any, uid: Any) -> None:
        super()._add(receiver, sender, uid)
        if self._sent is not None and (sender is None or sender is self._sent[0]):
            self._call(receiver, *self._sent)

    def send(self, sender: Any = None, **fields: Any) -> list[tuple[Callable[..., Any], Any]]:
        """Call whoever is connected, and later whoever connects; a second time nothing happens."""
        if self._sent is not None:
            return []
        self._sent = (sender, fields)
        return super().send(sender, **fields)

    def _call(self, receiver: Callable[..., Any], sender: Any, fields: dict[str, Any]) -> Any:
        return receiver(sender=sender, signal=self, **fields)
