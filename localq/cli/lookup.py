"""Find what a command is about: the store, and jobs in it."""

from __future__ import annotations

import click

from localq import store as stores
from localq.app import LocalQ
from localq.cli import exit_codes
from localq.cli.screen import printable
from localq.exceptions import ImproperlyConfigured, StoreError
from localq.model.job import Job
from localq.monitor.jobs import SHORTEST_PREFIX, job_called
from localq.store.protocol import Store

__all__ = ["existing", "known", "names", "no_job", "store_to_ask"]


def existing(app: LocalQ) -> Store:
    """Return the app's store, without making one where there is none.

    Raises:
        StoreError: there is none.
        ImproperlyConfigured: the jobs are in the app's own memory, where no other process sees them.
    """
    store = app.store
    if not store.shared:
        raise ImproperlyConfigured("This app keeps its jobs in memory, and only its own process sees them.")
    stores.check_there(app.location)
    return store


def store_to_ask(app: LocalQ) -> Store:
    """Return the app's store, or end the program as where no worker answers: without a store there is none."""
    try:
        return existing(app)
    except StoreError as error:
        if stores.is_there(app.location):
            raise
        click.echo(f"Error: No nodes replied within time constraint. {error}", err=True)
        click.get_current_context().exit(exit_codes.UNAVAILABLE)


def names(text: str | None) -> list[str] | None:
    """Return the names in an option's value, parted by commas; None for all."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def known(store: Store, name: str) -> Job:
    """Return the job of an id, or end the program saying that there is none."""
    found = job_called(store.read, name)
    if found is not None:
        return found
    hint = (
        ""
        if len(name) >= SHORTEST_PREFIX
        else f" {SHORTEST_PREFIX} characters of an id, its first or its last, must be given."
    )
    click.echo(f"{no_job(store, name)}{hint}", err=True)
    raise click.exceptions.Exit(exit_codes.UNKNOWN)


def no_job(store: Store, name: str) -> str:
    """Return the word that a store has no such job: it names the store, as the job may be in another one."""
    return f"There is no job {printable(name)!r} in {printable(store.name)}."
