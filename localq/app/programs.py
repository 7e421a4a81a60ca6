"""`app.Worker` and `app.Beat`: commands of `localq` that a script starts as Celery's are started in one."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from localq.exceptions import NoEffectWarning
from localq.model.hints import nearest
from localq.model.warning import warn

__all__ = ["OPTIONS", "Program"]

_DAEMON = ("loglevel", "logfile", "pidfile", "uid", "gid", "umask", "include")
#: The options that a command has, by the names they have as arguments.
OPTIONS = {
    "worker": (*_DAEMON, "hostname", "concurrency", "pool", "queues", "exclude_queues", "autoscale", "time_limit",
               "soft_time_limit", "max_tasks_per_child", "max_memory_per_child", "task_events", "beat",
               "purge", "quiet", "no_color"),
    "beat": (*_DAEMON, "max_interval", "quiet", "no_color"),
}  # fmt: skip
_WITHOUT_EFFECT = """
    colorize optimization without_gossip without_mingle without_heartbeat heartbeat_interval
    prefetch_multiplier statedb schedule schedule_filename scheduler scheduler_cls redirect_stdouts
    redirect_stdouts_level
"""
#: What Celery's take and has no meaning here: accepted, with a warning.
WITHOUT_EFFECT = frozenset(_WITHOUT_EFFECT.split())


class App(Protocol):
    """What a program needs of an app."""

    def start(self, *, argv: Sequence[str]) -> int | None: ...


class Program:
    """A command of `localq` for an app, which runs when it is started and until it is told to stop.

    Args:
        app: The app.
        command: worker or beat.
        options: Those of the command, as Celery's classes take them: `loglevel="INFO"`, `queues=["mail"]`.

    Attributes:
        words: The command line that stands for it.

    Raises:
        TypeError: an unknown option; the nearest is named.
    """

    def __init__(self, app: App, command: str, options: Mapping[str, Any]) -> None:
        self._app, self._command = app, command
        known = OPTIONS[command]
        for name in options:
            if name not in known and name not in WITHOUT_EFFECT:
                raise TypeError(f"{command.title()}() got an unknown option {name!r}.{nearest(name, known)}")
        idle = sorted(name for name in options if name not in known and options[name] not in (None, False))
        if idle:
            warn(f"{command.title()}(): these options have no effect: {', '.join(idle)}.", NoEffectWarning)
        given = {name: value for name, value in options.items() if name in known and value not in (None, False)}
        self.words = [command]
        for name, value in given.items():
            self.words += _said(command, name, value)

    def start(self) -> int:
        """Run it in this program until it is told to stop, and return 0.

        Raises:
            SystemExit: it failed; with its exit code.
            RuntimeError: this is not the program's main thread, where alone it can be told to stop.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(
                f"{self._command.title()}().start() is for a program's main thread, which signals stop. Use "
                "app.start() to run a worker beside what the program does, and app.stop() to end it."
            )
        return int(self._app.start(argv=self.words) or 0)

    run = start

    def __repr__(self) -> str:
        return f"<{self._command.title()} {' '.join(self.words[1:])}>"


def _said(command: str, name: str, value: Any) -> list[str]:
    option = f"--{name.replace('_', '-')}"
    if value is True:
        return [option]
    several = value if isinstance(value, list | tuple | set | frozenset) else [value]
    if name == "umask" and isinstance(value, int):
        return [f"{option}={value:o}"]
    if command == "beat" and name == "include":
        return [f"{option}={one}" for one in several]
    return [f"{option}={','.join(map(str, several))}"]
