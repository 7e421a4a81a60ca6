"""Options that Celery's commands have and that mean nothing here: taken, and named once in a warning.

What they ask for belongs to a broker (gossip, prefetching), to files that LocalQ does not write (beat's schedule, the
worker's state), or to a choice that it does not leave (how processes start).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from localq.cli.daemon.detach import is_detached

__all__ = ["is_quiet", "program_options", "tell_ignored", "without_effect"]

_IGNORED, _QUIET = "ignored options of Celery", "quiet"
_OF_DAEMONS = ((("--executable",), True),)
#: By command: the names of each option, and whether it takes a value; "" is the program itself.
_OPTIONS: dict[str, tuple[tuple[tuple[str, ...], bool], ...]] = {
    "": (
        (("--result-backend",), True),
        (("--loader",), True),
        (("--skip-checks",), False),
    ),
    "worker": (
        (("-S", "--statedb"), True),
        (("-O", "--optimization"), True),
        (("--prefetch-multiplier",), True),
        (("--disable-prefetch",), False),
        (("--pool-start-method",), True),
        (("--without-gossip",), False),
        (("--without-mingle",), False),
        (("--without-heartbeat",), False),
        (("--heartbeat-interval",), True),
        (("-s", "--schedule-filename", "--schedule"), True),
        (("--scheduler",), True),
        *_OF_DAEMONS,
    ),
    "beat": (
        (("-s", "--schedule"), True),
        (("-S", "--scheduler"), True),
        (("-n", "--hostname"), True),
        (("--enable-remote-control",), False),
        (("--no-enable-remote-control",), False),
        *_OF_DAEMONS,
    ),
    "events": (
        (("-c", "--camera"), True),
        (("-F", "--frequency", "--freq"), True),
        (("-r", "--maxrate"), True),
        (("-l", "--loglevel"), True),
        (("--detach",), False),
        (("-f", "--logfile"), True),
        (("--pidfile",), True),
        (("--uid",), True),
        (("--gid",), True),
        (("--umask",), True),
        *_OF_DAEMONS,
    ),
    "result": ((("-t", "--task"), True),),
    "shell": ((("--eventlet",), False), (("--gevent",), False)),
}

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def without_effect(command: str) -> Decorator:
    """Add to a command what Celery's takes besides and is nothing here; not shown in its help."""

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        for names, valued in _OPTIONS[command]:
            kind: dict[str, Any] = {"metavar": "VALUE"} if valued else {"is_flag": True}
            function = click.option(*names, **kind, hidden=True, expose_value=False, callback=_note)(function)
        return function

    return decorated


def program_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what stands before the command in Celery, and is taken behind it as well: -C, -q, and what means nothing."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, expose_value=False, callback=_hush,
                     help="Show no banner, and do not count the workers that answered."),
        click.option("-C", "--no-color", is_flag=True, expose_value=False, callback=_bleach, help="Use no colours."),
    ):  # fmt: skip
        function = option(function)
    return without_effect("")(function)


def tell_ignored(context: click.Context) -> None:
    """Say, once, which options that were given have no effect."""
    told = context.meta.pop(_IGNORED, [])
    if told and not is_detached():
        names = ", ".join(dict.fromkeys(told))
        click.echo(f"localq: warning: accepted for Celery's sake, without effect here: {names}", err=True)


def is_quiet() -> bool:
    """Whether -q was given to the running command."""
    return bool(click.get_current_context().meta.get(_QUIET))


def _note(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value not in (None, False):
        context.meta.setdefault(_IGNORED, []).append(max(option.opts, key=len))


def _hush(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        context.meta[_QUIET] = True


def _bleach(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        context.color = False
        # Where tables and logs look, those of a worker in the background too.
        os.environ["NO_COLOR"] = "1"
