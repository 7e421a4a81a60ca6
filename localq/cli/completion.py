"""What a shell completes: states, tasks, queues and ids, of the app and the file that the line names.

eval "$(_LOCALQ_COMPLETE=bash_source localq)"
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from localq import states
from localq.app import LocalQ
from localq.cli.app_option import load_app
from localq.cli.lookup import existing
from localq.monitor.jobs import ELLIPSIS, SHORTEST_PREFIX, STATES, ending
from localq.store.protocol import Filter

__all__ = ["ids", "queues", "state_names", "tasks"]

#: Jobs offered at once.
_OFFERED = 30

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def state_names(context: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the names of states that begin so, in any case."""
    return [CompletionItem(name) for name in STATES if name.startswith(incomplete.upper())]


def _of_app(found: Callable[[LocalQ, str], Iterable[CompletionItem]]) -> Complete:
    """Return a completer that asks the app of the line; where there is none, or it cannot be read, nothing fits."""

    def complete(context: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        said = {**context.find_root().params, **{name: one for name, one in context.params.items() if one is not None}}
        with (
            contextlib.suppress(Exception),
            contextlib.closing(load_app(*map(said.get, ("spec", "path", "url")))) as app,
        ):
            return list(found(app, incomplete))
        return []

    return complete


def _tasks(app: LocalQ, incomplete: str) -> Iterable[CompletionItem]:
    known = set(app.tasks)
    with contextlib.suppress(Exception):
        known |= {job.task for job in existing(app).read.find(Filter(), 500).jobs}
    return (CompletionItem(name) for name in sorted(known) if name.startswith(incomplete))


def _queues(app: LocalQ, incomplete: str) -> Iterable[CompletionItem]:
    known = {queue for queue, _ in existing(app).read.stats().counts}
    return (CompletionItem(name) for name in sorted(known) if name.startswith(incomplete))


def _ids(app: LocalQ, incomplete: str) -> Iterable[CompletionItem]:
    read = existing(app).read
    long = len(incomplete) >= SHORTEST_PREFIX
    jobs = read.starting(incomplete, _OFFERED) if long else read.find(Filter(), _OFFERED).jobs
    fitting = [job for job in jobs if job.id.startswith(incomplete)]
    if long and not fitting:
        # What was copied from a table becomes the whole id.
        fitting = ending(read, incomplete.removeprefix(ELLIPSIS))
    return (CompletionItem(job.id, help=f"{job.task} {states.public_state(job)}") for job in fitting)


tasks, queues, ids = _of_app(_tasks), _of_app(_queues), _of_app(_ids)
