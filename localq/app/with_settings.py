"""The part of an app that is about its settings: where they come from, and what follows from them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from localq.exceptions import ImproperlyConfigured
from localq.model.clock import SYSTEM, Clock, to_datetime
from localq.model.secrets import without_passwords
from localq.serialization.serializers import check_serializer
from localq.settings import Settings
from localq.settings.from_text import from_arguments, from_environment
from localq.store.location import embedded, one_place
from localq.tasks.annotations import annotate
from localq.tasks.registry import TaskRegistry
from localq.tasks.routing.router import Router, router_of

__all__ = ["WithSettings"]

#: Environment variables whose names begin so are settings.
_PREFIX = "LOCALQ_"


class WithSettings:
    """What an app does with its settings; see `LocalQ`."""

    conf: Settings
    _tasks: TaskRegistry
    #: Where the store is, if that was said by hand: then no setting says it.
    _place: str | None
    #: Where calls go, or None where no setting says anything about it.
    router: Router | None = None
    clock: Clock = SYSTEM
    namespace: str | None = None
    #: What `config_from_cmdline` was given.
    _said: dict[str, Any]

    def _configure(self, settings: Mapping[str, Any], config_source: Any) -> None:
        self._said = {}
        self.conf = Settings(settings)
        self.conf.overlay(lambda: from_environment(os.environ), "the environment")
        self.conf.on_change(self._settings_changed)
        if config_source is not None:
            self.config_from_object(config_source)

    def _settings_changed(self) -> None:
        # Not before: a program registers its own serializer when it is imported.
        check_serializer(self.conf.task_serializer)
        self.router = router_of(self.conf)
        for task in list(self._tasks.values()):
            annotate(task, self.conf.task_annotations)

    # Where settings come from

    def config_from_object(
        self, obj: Any, silent: bool = False, force: bool = False, namespace: str | None = None
    ) -> Settings | None:
        """Take the settings of an object; they are read when one is first needed.

        What was set on `conf` or in the call of LocalQ before settings were first read comes first.

        Args:
            obj: A module, class, instance or mapping; the name of one, such as "proj.config"; or the path of
                a TOML file.
            silent: A module that does not exist is no error.
            force: Read them now.
            namespace: What their names begin with: "CELERY" for CELERY_TASK_DEFAULT_QUEUE.

        Raises:
            ImproperlyConfigured: a value cannot be, or old names and new ones are mixed; when they are read.
        """
        self.namespace = namespace or self.namespace
        self.conf.read(obj, silent=silent, namespace=self.namespace)
        if force:
            self.conf.load()
        return self.conf if force else None

    def config_from_envvar(self, variable_name: str, silent: bool = False, force: bool = False) -> Any:
        """Take the settings of the module that an environment variable names.

        Raises:
            ImproperlyConfigured: there is no such variable, and `silent` is False.
        """
        module = os.environ.get(variable_name)
        if not module:
            if silent:
                return False
            raise ImproperlyConfigured(
                f"The environment variable {variable_name!r} is not set. Set it to the name of a module with "
                f"settings, such as {variable_name}=proj.config."
            )
        return self.config_from_object(module, silent=silent, force=force)

    def config_from_cmdline(self, argv: Iterable[str], namespace: str = "celery") -> None:
        """Take settings from arguments, such as ["worker.concurrency=4", "task_default_queue=mail"]."""
        self._said |= from_arguments(argv, namespace)
        if self.conf.loaded:
            self.conf.put(self._said, "the command line")
        else:
            self.conf.overlay(lambda: self._said, "the command line")

    def config_from_environ(self, prefix: str) -> None:
        """Take settings from environment variables that begin with a prefix; those with `LOCALQ_` always count."""
        self.conf.overlay(lambda: from_environment(os.environ, prefix), "the environment")

    def add_defaults(self, fun: Mapping[str, Any] | Callable[[], Mapping[str, Any]]) -> Any:
        """Take values for what is set nowhere else; a function is called when settings are read."""
        self.conf.add_defaults(fun)
        return fun

    setup_defaults = add_defaults

    # What follows from them

    def notices(self) -> list[str]:
        """Return what is odd about the settings, a sentence each: shown when a worker starts."""
        told = [*self._together()]
        told += [
            f"Setting {name} is {without_passwords(value)!r} and has no effect: jobs and results are in {self._place}."
            for name in ("broker_url", "result_backend")
            if (value := self.conf[name]) and self._place is not None and not self._is_here(value)
        ]
        for name, hint in self.conf.unknown().items():
            told.append(f"{name} (in {self.conf.source(name)}) is no setting, and has no effect.{hint}")
        return told

    def _together(self) -> Iterator[str]:
        """Say where jobs and results are that have two names of one place."""
        jobs, results = self.conf.broker_url, self.conf.result_backend
        if self._place is not None or not jobs or not results or jobs == results:
            return
        with contextlib.suppress(ImproperlyConfigured):
            place = one_place(jobs, results)
            if place == results and embedded(jobs) not in (None, place):
                yield (
                    f"Settings broker_url {without_passwords(jobs)!r} and result_backend "
                    f"{without_passwords(results)!r} are one server: jobs and results are together in the latter's "
                    "database."
                )

    def _is_here(self, url: str) -> bool:
        try:
            return embedded(url) in (None, self._place)
        except ImproperlyConfigured:
            return False

    @property
    def annotations(self) -> Any:
        """The setting task_annotations."""
        return self.conf.task_annotations

    @property
    def timezone(self) -> tzinfo:
        """The zone of naive times, of the settings timezone and enable_utc."""
        if self.conf.timezone:
            return ZoneInfo(self.conf.timezone)
        local = datetime.now().astimezone().tzinfo
        return UTC if self.conf.enable_utc or local is None else local

    def uses_utc_timezone(self) -> bool:
        """Whether naive times are UTC."""
        return str(self.timezone) == "UTC"

    def now(self) -> datetime:
        """Return the time in the app's zone."""
        return to_datetime(self.clock.now()).astimezone(self.timezone)
