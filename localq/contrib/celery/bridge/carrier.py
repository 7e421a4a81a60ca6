"""What carries the calls of a LocalQ app to an application of Celery's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import celery
import celery.result
from celery.app.autoretry import add_autoretry_behaviour

from localq import current
from localq.contrib.celery.bridge.lacks import CeleryLacksWarning
from localq.contrib.celery.bridge.serializers import known_there
from localq.contrib.celery.bridge.signatures import Signatures
from localq.contrib.celery.bridge.task import CarriedTask, carried
from localq.exceptions import ImproperlyConfigured
from localq.model.bounds import checked_name
from localq.model.warning import warn
from localq.settings import Settings
from localq.tasks.registry import TaskRegistry
from localq.tasks.task import Task

__all__ = ["CeleryCarrier", "scheme_of"]

#: Brokers on which 0 comes first, and 9 last.
_UPSIDE_DOWN = ("redis", "rediss", "sentinel")
_LOWEST = 9
#: Tasks that LocalQ brings along, by the names of those that Celery does.
_BUILTINS = {"localq.map": "celery.map", "localq.starmap": "celery.starmap", "localq.accumulate": "celery.accumulate"}


class _App(Protocol):
    conf: Settings
    tasks: TaskRegistry


def scheme_of(broker: Any) -> str:
    """Return what the URL of a broker, or the first of several, begins with."""
    first = broker[0] if isinstance(broker, list | tuple) and broker else broker
    return str(first or "").partition(":")[0]


class CeleryCarrier:
    """Carries calls; see `localq.app.carrier.Carrier`."""

    def __init__(self, q: _App, app: celery.Celery, scheme: str) -> None:
        self._q, self.app = q, app
        self._upside_down = scheme.startswith(_UPSIDE_DOWN)
        self._signatures = Signatures(app, self._priority)

    def _priority(self, given: int) -> int:
        return _LOWEST - given if self._upside_down else given

    def registered(self, task: Task[..., Any]) -> None:
        """Make a task of Celery's of one that was registered."""
        rank = task.priority
        if rank is None and self._q.conf.task_default_priority:
            rank = self._q.conf.task_default_priority
        made = carried(task, self._signatures, None if rank is None else self._priority(rank))
        own = known_there(task.serializer)
        if own is not None and own not in self.app.conf.accept_content:
            self.app.conf.accept_content = [*self.app.conf.accept_content, own]
        # As `register_task` does; that would take it that all tasks are known by now.
        add_autoretry_behaviour(made)
        self.app._tasks[task.name] = made
        made._app = self.app
        made.bind(self.app)

    # Calls

    def send(self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> Any:
        """Send a call; it is checked as one of LocalQ's is."""
        task = self._q.tasks.find(name)
        args, kwargs = tuple(args or ()), dict(kwargs or {})
        if name in _BUILTINS:
            if isinstance(kwargs.get("task"), Mapping):
                kwargs["task"] = self._signatures.of(kwargs["task"])
            task, name = None, _BUILTINS[name]
        if task is None:
            return self.app.send_task(checked_name(name, "task"), args, kwargs, **self._signatures.options(options))
        if task._wrong is not None:
            raise type(task._wrong)(*task._wrong.args)
        if task.typing and task._check is not None:
            task._check(*args, **kwargs)
        if task._shadows and "shadow" not in options:
            options = {**options, "shadow": task.shadow_name(args, kwargs, options)}
        if task._models is not None:
            args, kwargs = task._models.dumped(args, kwargs, 0)
        if options.get("beside") is not None:
            return self._beside(name, args, kwargs, options)
        return self.app._tasks[task.name].apply_async(args, kwargs, **self._signatures.options(options))

    def _beside(self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> Any:
        """Add a call to the header that the running one is in."""
        running = self._running()
        assert running is not None
        call = {"task": name, "args": args, "kwargs": kwargs, "options": options}
        return running.add_to_chord(self._signatures.of(call))

    def send_workflow(self, sig: Mapping[str, Any], args: Any, kwargs: Any, options: Mapping[str, Any]) -> Any:
        """Send a signature of any kind by Celery's canvas."""
        return self._signatures.of(sig).apply_async(args, kwargs, **self._signatures.options(options))

    # What is around calls

    def _running(self) -> CarriedTask | None:
        request = current.request.get()
        return None if request is None else request.__dict__.get("carried")

    def annotate(self, job_id: str, state: Any, meta: Any) -> bool:
        """Show a state of a call that runs in Celery's worker."""
        running = self._running()
        if running is None:
            return False
        running.update_state(job_id, state, meta)
        return True

    def result(self, job_id: str) -> Any:
        """Return Celery's result."""
        return self.app.AsyncResult(job_id)

    def revoke(self, ids: Sequence[str], signal: int) -> None:
        """Revoke calls by Celery's control."""
        more = {"terminate": True, "signal": signal} if signal else {}
        self.app.control.revoke(list(ids), **more)

    def lacks(self, what: str) -> None:
        """Warn of what does not reach Celery."""
        warn(f"Calls of this app go to Celery (as_celery), which {what}.", CeleryLacksWarning)

    def refuse(self, what: str) -> None:
        """Refuse what Celery cannot do."""
        raise ImproperlyConfigured(
            f"Calls of this app go to Celery (as_celery), which has no {what}. Leave it out, or keep them in a store."
        )
