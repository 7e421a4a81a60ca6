"""Celery's signals: what happens to tasks, workers and schedulers, told to functions in the process where it happens.

A receiver is called as `receiver(signal=..., sender=..., **fields)` and takes what it does not name as `**kwargs`:

    @task_failure.connect
    def tell(sender, task_id, exception, **kwargs): ...

What it raises is logged and changes nothing. A signal of a task has the task as its sender, and the publishing
ones its name; either may be given as `sender=` to hear of that one task only. A signal nobody receives costs a look
at `receivers`.
"""

from __future__ import annotations

import inspect
import logging
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

__all__ = [
    "OnceSignal",
    "Signal",
    "after_setup_logger",
    "after_setup_task_logger",
    "after_task_publish",
    "beat_embedded_init",
    "beat_init",
    "before_task_publish",
    "celeryd_after_setup",
    "celeryd_init",
    "heartbeat_sent",
    "import_modules",
    "setup_logging",
    "task_failure",
    "task_internal_error",
    "task_postrun",
    "task_prerun",
    "task_received",
    "task_rejected",
    "task_retry",
    "task_revoked",
    "task_sent",
    "task_success",
    "task_unknown",
    "user_preload_options",
    "worker_before_create_process",
    "worker_init",
    "worker_process_init",
    "worker_process_shutdown",
    "worker_ready",
    "worker_shutdown",
    "worker_shutting_down",
]

_log = logging.getLogger("localq.signals")

Receiver = Callable[..., Any]


class _Link(NamedTuple):
    """A connection: its key, the sender it is for (None: every one), and what leads to the receiver."""

    key: Hashable
    sender: Hashable
    resolve: Callable[[], Receiver | None]


class Signal:
    """A signal, to which receivers connect.

    Args:
        name: As it is imported.
        providing_args: The fields receivers get.

    Attributes:
        receivers: The connections; empty while nobody listens, which is what senders look at first.
    """

    def __init__(self, name: str = "", providing_args: tuple[str, ...] = ()) -> None:
        self.name, self.providing_args = name, providing_args
        self.receivers: tuple[_Link, ...] = ()
        self._lock = threading.RLock()

    def connect(
        self,
        receiver: Receiver | None = None,
        sender: Any = None,
        weak: bool = False,
        dispatch_uid: Hashable | None = None,
        retry: bool = False,
    ) -> Any:
        """Call a function whenever the signal is sent; usable as a decorator, with arguments and without.

        Args:
            receiver: Called with `signal`, `sender` and the fields, all by name.
            sender: Hear of this sender only: a task or its name, a worker's name.
            weak: Forget the receiver when nothing else refers to it. Celery does unless told otherwise, and a
                function made inside another is then never called.
            dispatch_uid: What stands for this connection: a second one of the same replaces nothing and adds
                nothing.
            retry: Accepted for Celery's sake; a receiver that fails is not called again.

        Returns:
            The receiver, or the decorator that connects one.

        Raises:
            TypeError: the receiver cannot be called.
            ValueError: it takes no `**kwargs`; it would break with the next field.
        """
        if receiver is None:
            return lambda function: self.connect(function, sender, weak, dispatch_uid, retry)
        _check(self.name, receiver)
        key = (_id(receiver) if dispatch_uid is None else dispatch_uid, _key(sender))
        self._add(_Link(key, _key(sender), self._reference(receiver) if weak else lambda: receiver))
        return receiver

    def _add(self, link: _Link) -> None:
        with self._lock:
            if not any(one.key == link.key and one.resolve() is not None for one in self.receivers):
                self.receivers = (*(one for one in self.receivers if one.key != link.key), link)

    def _reference(self, receiver: Receiver) -> Callable[[], Receiver | None]:
        if hasattr(receiver, "__self__") and hasattr(receiver, "__func__"):
            return weakref.WeakMethod(receiver, self._forget)
        try:
            return weakref.ref(receiver, self._forget)
        except TypeError:  # some callables, such as built-in ones, cannot be referred to weakly
            return lambda: receiver

    def _forget(self, reference: Any) -> None:
        with self._lock:
            self.receivers = tuple(one for one in self.receivers if one.resolve is not reference)

    def disconnect(
        self,
        receiver: Receiver | None = None,
        sender: Any = None,
        weak: bool | None = None,
        dispatch_uid: Hashable | None = None,
    ) -> bool:
        """Undo a `connect` with the same receiver (or dispatch_uid) and sender; return whether there was one."""
        key = (_id(receiver) if dispatch_uid is None else dispatch_uid, _key(sender))
        with self._lock:
            before = self.receivers
            self.receivers = tuple(one for one in before if one.key != key)
            return len(self.receivers) != len(before)

    def has_listeners(self, sender: Any = None) -> bool:
        """Whether a signal of this sender would be received."""
        return bool(self._live(sender))

    def send(self, sender: Any = None, **named: Any) -> list[tuple[Receiver, Any]]:
        """Call all receivers in the order they connected; return each with what it returned, or raised.

        An error is logged, and does not keep the next receiver from its call. What ends a program
        (SystemExit, KeyboardInterrupt) goes through.
        """
        answers: list[tuple[Receiver, Any]] = []
        for receiver in self._live(sender) if self.receivers else ():
            answers.append((receiver, self._call(receiver, sender, named)))
        return answers

    send_robust = send

    def _call(self, receiver: Receiver, sender: Any, named: dict[str, Any]) -> Any:
        try:
            return receiver(signal=self, sender=sender, **named)
        except Exception as error:
            _log.exception("Receiver %r of the signal %s failed", receiver, self.name)
            return error

    def hears(self, sender: Any) -> bool:
        """Return whether a receiver would be called for a sender."""
        return bool(self.receivers) and bool(self._live(sender))

    def _live(self, sender: Any) -> list[Receiver]:
        wanted = _key(sender)
        found = [one.resolve() for one in self.receivers if one.sender is None or one.sender == wanted]
        return [receiver for receiver in found if receiver is not None]

    def __repr__(self) -> str:
        return f"<Signal: {self.name} providing_args={set(self.providing_args)!r}>"


class OnceSignal(Signal):
    """Something that happens once: whoever connects later is called at once. What receivers raise is raised."""

    def __init__(self, name: str = "", providing_args: tuple[str, ...] = ()) -> None:
        super().__init__(name, providing_args)
        self._sent: tuple[Any, dict[str, Any]] | None = None

    def _add(self, link: _Link) -> None:
        super()._add(link)
        receiver = link.resolve()
        if self._sent is not None and receiver is not None and link.sender in (None, _key(self._sent[0])):
            self._call(receiver, *self._sent)

    def send(self, sender: Any = None, **named: Any) -> list[tuple[Receiver, Any]]:
        """Call whoever is connected, and later whoever connects; a second time nothing happens."""
        if self._sent is not None:
            return []
        self._sent = (sender, named)
        return super().send(sender, **named)

    def _call(self, receiver: Receiver, sender: Any, named: dict[str, Any]) -> Any:
        return receiver(signal=self, sender=sender, **named)


def _check(name: str, receiver: Any) -> None:
    if not callable(receiver):
        raise TypeError(f"A receiver of the signal {name} is a function, not {receiver!r}")
    try:
        parameters = inspect.signature(receiver).parameters.values()
    except (TypeError, ValueError):  # code in C need not say what it takes
        return
    if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
        raise ValueError(f"A receiver of a signal takes **kwargs, beside what it names: {receiver!r}")


def _id(receiver: Any) -> Hashable:
    """Return what tells receivers apart: a method is made anew whenever it is looked up."""
    if hasattr(receiver, "__self__") and hasattr(receiver, "__func__"):
        return id(receiver.__self__), id(receiver.__func__)
    return id(receiver)


def _key(sender: Any) -> Hashable:
    """Return what tells senders apart: a task is known by its name, in every process."""
    if sender is None or isinstance(sender, str):
        # The two stand for each other in the names of workers (`localq.model.worker.other_name`).
        return f"localq@{sender[7:]}" if sender is not None and sender.startswith("celery@") else sender
    if hasattr(sender, "apply_async"):
        return str(sender.name)
    return id(sender)


def _signal(name: str, fields: str = "") -> Signal:
    return Signal(name, tuple(fields.split()))


# Where a job is sent. The sender is the task's name.
before_task_publish = _signal(
    "before_task_publish", "body exchange routing_key headers properties declare retry_policy"
)
after_task_publish = _signal("after_task_publish", "body exchange routing_key headers")
#: Celery deprecated it; it is sent beside after_task_publish.
task_sent = _signal("task_sent", "task_id task args kwargs eta taskset")

# In the worker. The sender of task_received and task_rejected is the worker's name.
task_received = _signal("task_received", "request")
task_revoked = _signal("task_revoked", "request terminated signum expired")
task_rejected = _signal("task_rejected", "message exc")
task_unknown = _signal("task_unknown", "message exc name id")

# Where the task runs. The sender is the task.
task_prerun = _signal("task_prerun", "task_id task args kwargs")
task_postrun = _signal("task_postrun", "task_id task args kwargs retval state")
task_success = _signal("task_success", "result")
task_retry = _signal("task_retry", "request reason einfo")
task_failure = _signal("task_failure", "task_id exception args kwargs traceback einfo")
task_internal_error = _signal("task_internal_error", "task_id args kwargs request exception traceback einfo")

# Of the worker's life. The sender is the worker, or its name where that is all there is.
celeryd_init = _signal("celeryd_init", "instance conf options")
celeryd_after_setup = _signal("celeryd_after_setup", "instance conf")
import_modules = _signal("import_modules")
worker_init = _signal("worker_init")
worker_ready = _signal("worker_ready")
worker_shutting_down = _signal("worker_shutting_down", "sig how exitcode")
worker_shutdown = _signal("worker_shutdown")
heartbeat_sent = _signal("heartbeat_sent")
worker_before_create_process = _signal("worker_before_create_process")
worker_process_init = _signal("worker_process_init")
worker_process_shutdown = _signal("worker_process_shutdown", "pid exitcode")

# Of logging: a receiver of the first keeps LocalQ from setting anything up.
setup_logging = _signal("setup_logging", "loglevel logfile format colorize")
after_setup_logger = _signal("after_setup_logger", "logger loglevel logfile format colorize")
after_setup_task_logger = _signal("after_setup_task_logger", "logger loglevel logfile format colorize")

# Of the scheduler, and of the command line.
beat_init = _signal("beat_init")
beat_embedded_init = _signal("beat_embedded_init")
user_preload_options = _signal("user_preload_options", "app options")
