"""What an app offers for schedules: its program tells of them, or adds them while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from localq.app.parts import Part
from localq.canvas import signature
from localq.settings import Settings
from localq.signals import OnceSignal
from localq.tasks.registry import task_name

__all__ = ["WithSchedules"]

T = TypeVar("T")


class WithSchedules:
    """The part of an app that schedules are told to.

    Attributes:
        schedules: The app's schedules, those added at run time included: `localq.schedules.app_schedules.AppSchedules`.
        on_after_configure, on_after_finalize: Sent once, when the program's modules are imported and before its
            schedules are read; receivers get the app as `sender`.
    """

    main: str | None
    conf: Settings
    schedules = Part("localq.schedules.app_schedules:AppSchedules")

    def _make_signals(self) -> None:
        self.on_after_configure = OnceSignal("on_after_configure")
        self.on_after_finalize = OnceSignal("on_after_finalize")

    def finalize(self) -> None:
        """Call what is connected to `on_after_configure` and `on_after_finalize`, the first time only."""
        self.on_after_configure.send(sender=self, source=self.conf)
        self.on_after_finalize.send(sender=self)

    def add_periodic_task(
        self,
        schedule: Any,
        sig: Any,
        args: Any = (),
        kwargs: Mapping[str, Any] | tuple[()] | None = None,
        name: str | None = None,
        **options: Any,
    ) -> str:
        """Add a schedule to the configuration of this program; return its name.

        Args:
            schedule: When: seconds, a timedelta, a cron string, or a rule of `localq.schedules`.
            sig: A signature or task.
            name: Default: the signature as it reads, such as "shop.add(2, 2)"; one of that name is replaced.
            options: As of `schedules.add`.

        Raises:
            ScheduleError: names the field and the reason.
        """
        kwargs = dict(kwargs or {})
        name = repr(signature(sig).clone(args, kwargs)) if name is None else name
        where = f"add_periodic_task(name={name!r}), {{}}"
        self.schedules.declare_call(where, name, schedule, sig, args, kwargs, options)
        return name

    def periodic(
        self,
        schedule: Any,
        *,
        name: str | None = None,
        args: Any = (),
        kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Callable[[T], T]:
        """Give a task a schedule: `@q.periodic(crontab(hour=2, minute=0))`, above or below `@q.task`.

        Args:
            schedule: When: seconds, a timedelta, a cron string, or a rule of `localq.schedules`.
            name: Default: the module's name and the function's; a second schedule of a task needs its own.
            args, kwargs: What the task is called with.
            options: As of `schedules.add`.

        Raises:
            ScheduleError: names the field and the reason; or another is called so.
        """

        def decorate(function: T) -> T:
            of = name or getattr(function, "name", None) or task_name(self.main, *_origin(function))
            where = f"@periodic on {of}, {{}}"
            self.schedules.declare_call(where, of, schedule, function, args, kwargs, options, replace=False)
            return function

        return decorate


def _origin(function: Any) -> tuple[str, str]:
    if not callable(function):
        raise TypeError(f"@periodic decorates a task or its function, not {function!r}")
    return function.__module__, function.__name__
