"""What carries an app's calls elsewhere, in the place of its store: another system that runs the same tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from localq.exceptions import ImproperlyConfigured
from localq.settings.dotted_names import attribute

__all__ = ["Carrier", "WithCarrier"]


class Carrier(Protocol):
    """Carries the calls of an app."""

    def send(self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> Any:
        """Send a call of a task, and return its result there; see `LocalQ.send`."""
        ...

    def send_workflow(self, sig: Mapping[str, Any], args: Any, kwargs: Any, options: Mapping[str, Any]) -> Any:
        """Send a signature of any kind, and return its result there; see `LocalQ.send_workflow`."""
        ...

    def annotate(self, job_id: str, state: Any, meta: Any) -> bool:
        """Show a state and data of a call that runs there; return False where none does in this thread."""
        ...

    def result(self, job_id: str) -> Any:
        """Return the result of a call."""
        ...

    def revoke(self, ids: Sequence[str], signal: int) -> None:
        """Revoke calls; see `LocalQ.cancel`."""
        ...

    def registered(self, task: Any) -> None:
        """Take a task that was registered."""
        ...

    def lacks(self, what: str) -> None:
        """Warn of what is done all the same, and does not reach there."""
        ...

    def refuse(self, what: str) -> None:
        """Refuse what cannot be done there.

        Raises:
            ImproperlyConfigured: always.
        """
        ...


class WithCarrier:
    """What an app does where its calls are carried elsewhere; see `LocalQ`."""

    #: None: calls go into the store.
    carrier: Carrier | None = None

    def as_celery(self, broker: str | None = None, backend: str | None = None, **settings: Any) -> Any:
        """Return a `celery.Celery` application that runs the same program: `app = q.as_celery(broker="amqp://")`.

        It has the tasks, those registered later too, with their options and base classes, the routes, the settings,
        and the configured schedules for its beat: `celery -A module worker -B` runs it. From here on every call of
        this app's tasks goes there, signatures of LocalQ's canvas included, and returns Celery's results; what is in
        the store is still run by LocalQ's workers. What Celery cannot do is told by one `CeleryLacksWarning`.

        Args:
            broker, backend: URLs of any broker and result back end that Celery has.
            settings: Of Celery's, over those that LocalQ's say.

        Raises:
            ImproperlyConfigured: Celery is not installed.
        """
        try:
            make = attribute("localq.contrib.celery.bridge.app:celery_app")
        except ModuleNotFoundError as error:
            raise ImproperlyConfigured(
                f"as_celery() needs {error.name}, which is not installed: pip install 'localq[celery]'"
            ) from None
        return make(self, broker, backend, settings)
