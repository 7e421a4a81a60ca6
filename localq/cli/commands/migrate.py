"""`localq migrate`: move all that one store holds into another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import click

from localq import store as stores
from localq.cli import exit_codes
from localq.cli.screen import on_terminal, printable, show_json, show_table
from localq.exceptions import ImproperlyConfigured, StoreError
from localq.model.clock import SYSTEM
from localq.model.secrets import without_passwords
from localq.monitor.moving.brake import TO, Brake
from localq.monitor.moving.counts import held
from localq.monitor.moving.move import Move, Report, release
from localq.monitor.moving.refused import MoveRefused, StillRunning
from localq.store.location import locate
from localq.store.protocol import Store

__all__ = ["migrate"]

#: Things that are named where they are not as they were.
_NAMED = 10
_PHASES = {"jobs": "jobs", "edges": "edges and groups", "schedules": "schedules", "compared": "compared"}


@click.command(
    epilog="Example: localq migrate jobs.db 'postgresql://app@db/shop' --wait 60. A store is named by the path of a "
    "file or by its URL."
)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO", required=False)
@click.option("--dry-run", is_flag=True, help="Only count what would be moved; nothing is changed.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    show_default=True,
    help="How long to wait for jobs that run.",
)
@click.option("--release", "given_up", is_flag=True, help="Let FROM go on that was stopped to be moved; no TO.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def migrate(
    context: click.Context, source: str, target: str | None, dry_run: bool, wait: float, given_up: bool, as_json: bool
) -> None:  # fmt: skip
    """Move all jobs, workflows and schedules of the store FROM into the store TO.

    With their ids, times, priorities, order, attempts and results, schedules with their ledgers, pauses, limits, saved
    groups and the book of changes. FROM is stopped first: nobody takes its jobs, and no schedule fires. Jobs that run
    are waited for, or the move is refused. At the end everything is compared. FROM keeps all it has, and stays stopped:
    its jobs would run twice. Broken off, even by a kill, the same command goes on; once all is moved it brings what was
    added to FROM since. Ends with 0 if all is moved, 1 if something differs or the move is refused, 3 if jobs run.
    """
    if (target is None) != given_up:
        raise click.UsageError("Name two stores, as in: localq migrate jobs.db TO. With --release, only FROM.")
    with _opened(source, made=False) as one:
        if target is None:
            _release(one)
        elif dry_run:
            _count(one, target, as_json)
        else:
            with _opened(target, "normal") as other, _opened(target) as durable:
                context.exit(_move(one, other, durable, wait, as_json))


@contextlib.contextmanager
def _opened(text: str, durability: str = "full", *, made: bool = True) -> Iterator[Store]:
    """Open the store of a path or URL; where it is not to be made it must be there."""
    location = _location(text)
    if not made:
        stores.check_there(location)
    store: Store = stores.open_store(location, durability)
    if not store.shared:
        raise ImproperlyConfigured(f"{text} is in the memory of one process, which ends with this command.")
    store.open()
    try:
        yield store
    finally:
        store.close()


def _location(text: str) -> str:
    try:
        return locate(None, text) if "://" in text else locate(text, None)
    except ImproperlyConfigured as error:
        said = str(error).replace(text, without_passwords(text))
        hint = " Messages of Celery's in a broker are no jobs: let Celery's workers finish what is there."
        raise ImproperlyConfigured(said + hint) from None


# Giving up


def _release(store: Store) -> None:
    mark = release(store, SYSTEM)
    if mark is None:
        click.echo(f"{printable(store.name)} was not stopped to be moved.")
        return
    click.echo(f"{printable(store.name)} goes on.")
    other = printable(mark.other)
    click.echo(f"What was moved is in {other} as well: jobs that wait in both run twice, if both go on.", err=True)


# Counting


def _count(source: Store, target: str, as_json: bool) -> None:
    """Show what would be moved, and what is there already; the other store is not made."""
    try:
        with _opened(target, made=False) as other:
            there = held(other)
    except StoreError as error:
        if type(error) is not StoreError:
            raise
        there = {}
    here = held(source)
    if as_json:
        show_json({"from": source.name, "would_move": here, "there_already": there})
        return
    show_table(("what", "would move", "there already"), [(what, n, there.get(what, 0)) for what, n in here.items()])
    if here["jobs STARTED"]:
        click.echo("What runs now is waited for (--wait SECONDS), or the move is refused.", err=True)


# Moving


def _move(source: Store, target: Store, durable: Store, wait: float, as_json: bool) -> int:
    try:
        with _progress(source) as told:
            report = Move(source, target, SYSTEM, told, wait, durable).run()
    except MoveRefused as error:
        click.echo(f"localq: error: {printable(error)}", err=True)
        if Brake(source, SYSTEM).mark(TO) is not None:
            _say_stopped(source, target)
        return exit_codes.UNFINISHED if isinstance(error, StillRunning) else exit_codes.FAILED
    except BaseException:
        _say_stopped(source, target)
        raise
    if as_json:
        show_json(_as_json(source, target, report))
    else:
        _show(source, target, report)
    return 0 if report.complete else exit_codes.FAILED


@contextlib.contextmanager
def _progress(source: Store) -> Iterator[Callable[[str, int], None]]:
    """Yield what is told of each step; on a terminal it moves a bar."""
    if not on_terminal():
        yield lambda what, count: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    here = held(source)
    jobs = sum(n for what, n in here.items() if what.startswith("jobs "))
    schedules = sum(n for what, n in here.items() if what.startswith("schedules "))
    totals = {"jobs": jobs, "compared": jobs, "schedules": schedules}
    columns = (TextColumn("{task.description:>16}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bars:
        ids = {what: bars.add_task(text, total=totals.get(what)) for what, text in _PHASES.items()}
        yield lambda what, count: bars.advance(ids[what], count)


def _say_stopped(source: Store, target: Store) -> None:
    one, other = printable(source.name), printable(target.name)
    click.echo(
        f"{one} stays stopped, and nothing is lost. The same command goes on. To give the move up: localq migrate "
        f"--release {one}. What has come to {other} are copies, which rest there; do not let both run.",
        err=True,
    )


def _as_json(source: Store, target: Store, report: Report) -> dict[str, object]:
    compared = report.compared
    return {
        "from": source.name,
        "to": target.name,
        "complete": report.complete,
        "new": report.fresh,
        "counts": {what: {"from": n, "to": compared.target[what]} for what, n in compared.source.items()},
        "missing": compared.missing,
        "different": compared.different,
    }


def _show(source: Store, target: Store, report: Report) -> None:
    compared = report.compared
    show_table(("what", "from", "to"), [(what, n, compared.target[what]) for what, n in compared.source.items()])
    new = ", ".join(f"{n:,} {what}" for what, n in report.fresh.items())
    one, other = printable(source.name), printable(target.name)
    click.echo(f"New in {other}: {new}.", err=True)
    if report.complete:
        click.echo(
            f"All is moved. Give programs and workers the new address. {one} keeps what it has, and stays stopped. "
            "What is still added there, the same command brings.",
            err=True,
        )
        return
    for what, found in (("not there", compared.missing), ("there otherwise", compared.different)):
        if found:
            more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
            click.echo(f"{len(found):,} {what}: {printable(', '.join(found[:_NAMED]))}{more}", err=True)
    _say_stopped(source, target)
