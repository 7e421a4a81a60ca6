"""`localq schedules`: show schedules, explain what they did and will do, and change them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click

from localq import states
from localq.app import LocalQ
from localq.cli import exit_codes
from localq.cli.app_option import app_options
from localq.cli.lookup import existing
from localq.cli.screen import Instant, Shortened, on_terminal, printable, show_json, show_table
from localq.exceptions import ScheduleError, StoreError
from localq.model.clock import SYSTEM, to_datetime
from localq.model.hints import nearest
from localq.model.schedule import FIRED
from localq.schedules.definition import Definition
from localq.schedules.schedule_view import LedgerLine, ScheduleView

__all__ = ["schedules"]

#: Options that are followed by a value: a command's name there is none.
_WITH_VALUE = ("-A", "--app", "--path", "--url")
_COLUMNS = ("name", "rule", "zone", "last", "next", "runs", "missed", "state")
#: Seconds after its instant at which a firing is told as late.
_LATE_S = 1.0


class _Group(click.Group):
    """A group whose command `list` is meant where none is named; options may stand before the command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = next(
            (n for n, word in enumerate(args) if word in self.commands and args[n - 1 : n] not in _before()), None
        )
        if at is not None:
            args = [args[at], *args[:at], *args[at + 1 :]]
        elif not {"-h", "--help"} & set(args):
            self._refuse_unknown(ctx, args)
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def _refuse_unknown(self, ctx: click.Context, args: Sequence[str]) -> None:
        """Refuse a word that is no command: the list takes none."""
        valued = {*_WITH_VALUE, "-b", "--broker", "--config", "--state"}
        words = [word for before, word in zip(["", *args], args, strict=False) if before not in valued]
        unknown = next((word for word in words if not word.startswith("-")), None)
        if unknown is not None:
            raise click.UsageError(f"There is no command {unknown!r}.{nearest(unknown, list(self.commands))}", ctx)


def _before() -> list[list[str]]:
    return [[option] for option in _WITH_VALUE]


@click.group(cls=_Group, short_help="Show schedules, explain and change them.")
def schedules() -> None:
    """Show schedules, explain what they did and will do, and change them; without a command: list them."""


# Look


@schedules.command("list")
@click.option("--state", "wanted", multiple=True, metavar="NAME", help="Only in this state; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@app_options
def list_(app: LocalQ, wanted: Sequence[str], as_json: bool) -> None:
    """List schedules by name.

    States are active, paused, ended (nothing more to come) and retired (taken out of the configuration). Times
    are in each schedule's own zone. Where the output is no terminal, each is a line of fields parted by tabs:
    name, rule, zone, last, next, runs, missed, state.

    Runs are those that the rule fired; what was fired by hand is in `explain`, and may be the last.
    """
    if not wanted and _is_new(app):
        _list_configured(app, as_json)
        return
    found = app.schedules.list(*wanted)
    if as_json:
        show_json([_facts(one) for one in found])
        return
    if found:
        show_table(_COLUMNS, [_row(one) for one in found], once="zone")
    elif not app.tasks or not app.schedules.is_configured:
        click.echo("No such schedules." if wanted else "There are no schedules.", err=True)
    _say_missing(app, found if not wanted else app.schedules.list())


def _is_new(app: LocalQ) -> bool:
    """Whether an app has schedules and no store yet: its rules are known before anything has run.

    Raises:
        StoreError: there is no store, and nothing is known of schedules.
    """
    try:
        existing(app)
    except StoreError:
        if not app.tasks or not app.schedules.is_configured:
            raise
        return True
    return False


def _list_configured(app: LocalQ, as_json: bool) -> None:
    """Show the schedules of an app that has no file yet."""
    defined = app.schedules.configured()
    if as_json:
        facts = ("name", "rule", "zone", "state")
        show_json([dict(zip(facts, (*_defined(one), "configured"), strict=True)) for one in defined])
        return
    rows = [(one.name, one.rule.words(), _zone(one.zone), "-", "-", 0, 0, "configured") for one in defined]
    show_table(_COLUMNS, rows, once="zone")
    click.echo("Nothing has run yet: start `localq serve` or `localq beat`.", err=True)


def _defined(one: Definition) -> tuple[str, str, str]:
    return one.name, one.rule.words(), one.zone


def _say_missing(app: LocalQ, found: Iterable[ScheduleView]) -> None:
    """Say which configured schedules no scheduler has entered yet."""
    if not app.tasks or not app.schedules.is_configured:
        return
    known = {one.name for one in found}
    missing = [one.name for one in app.schedules.configured() if one.name not in known]
    if missing:
        names = ", ".join(map(printable, missing))
        click.echo(
            f"Configured, but no scheduler has run since: {names}. Start `localq serve` or `localq beat`.", err=True
        )


def _row(one: ScheduleView) -> tuple[object, ...]:
    last, due = _instant(one.last, one.zone), _instant(one.next, one.zone)
    state = f"{one.state} (!)" if one.note else one.state
    return one.name, one.words, _zone(one.zone), last, due, one.runs, one.missed, state


def _zone(name: str | None) -> str:
    """Return a zone for a column, which is its city's name where that is too wide."""
    return Shortened.to(name, name.rpartition("/")[2]) if name else "-"


def _instant(when: datetime | None, zone: str | None) -> str:
    """Return a time in a schedule's zone for a column; "-" for none."""
    return "-" if when is None else Instant.of(_there(when, zone), to_datetime(SYSTEM.now()))


def _there(when: datetime, zone: str | None) -> datetime:
    from zoneinfo import ZoneInfo

    return when.astimezone(ZoneInfo(zone) if zone else None)


def _shown(when: datetime | None, zone: str | None, detail: str = "seconds") -> str:
    """Return a time in a schedule's zone; "-" for none."""
    if when is None:
        return "-"
    return _there(when, zone).isoformat(sep=" ", timespec=detail)


def _iso(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat(timespec="microseconds")


def _facts(one: ScheduleView) -> dict[str, Any]:
    return {
        "name": one.name,
        "state": one.state,
        "source": one.source,
        "rule": one.words,
        "zone": one.zone,
        "task": one.task,
        "next": _iso(one.next),
        "last": _iso(one.last),
        "last_job": one.last_job,
        "runs": one.runs,
        "missed": one.missed,
        "waiting": _iso(one.waiting),
        "note": one.note,
    }


@schedules.command(short_help="Say what a schedule did and will do.")
@click.argument("name")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Past instants shown.")
@click.option("--count", type=click.IntRange(min=0), default=10, show_default=True, help="Coming instants shown.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@app_options
def explain(app: LocalQ, name: str, limit: int, count: int, as_json: bool) -> None:
    """Show a schedule's next instants, and why each past one ran or was skipped."""
    if _is_new(app) or _is_unentered(app, name):
        _explain_configured(app, name, count, as_json)
        return
    one = _known(app, name)
    past = app.schedules.ledger(name, limit)
    upcoming = app.schedules.upcoming(name, count) if one.rule is not None else ()
    jobs = app.store.read.get([line.job_id for line in past if line.job_id])
    shown = {job_id: states.public_state(job) for job_id, job in jobs.items()}
    if as_json:
        told = [{**_line_facts(line), "job_state": shown.get(line.job_id or "")} for line in past]
        show_json({**_facts(one), "upcoming": [_iso(at) for at in upcoming], "past": told})
        return
    _show_facts(one)
    _show_upcoming(one, upcoming)
    _show_past(one, past, shown)


def _explain_configured(app: LocalQ, name: str, count: int, as_json: bool) -> None:
    """Show a schedule that no scheduler has entered, with the instants it would have, were one started now."""
    defined = {one.name: one for one in app.schedules.configured()}
    if name not in defined:
        click.echo(f"There is no schedule {printable(name)!r}.{nearest(name, list(defined))}", err=True)
        raise click.exceptions.Exit(exit_codes.UNKNOWN)
    one, now = defined[name], app.clock.now()
    anchor, at = one.first_times(now, at_once=app.conf.beat_run_new_entries)
    upcoming: list[datetime] = []
    while at is not None and len(upcoming) < count:
        upcoming.append(to_datetime(at).astimezone(one.tzinfo))
        at = one.next_after(at, anchor)
    if as_json:
        known = {"name": name, "rule": one.rule.words(), "zone": one.zone, "state": "configured"}
        show_json({**known, "upcoming": [_iso(when) for when in upcoming], "past": []})
        return
    facts = {"name": name, "rule": one.rule.words(), "zone": one.zone, "task": one.job.task, "state": "configured"}
    for label, value in facts.items():
        click.echo(f"{label + ':':<12}{printable(value)}")
    click.echo("\nNext, were it started now:")
    _print_upcoming(upcoming, one.zone)
    click.echo("Nothing has run yet: start `localq serve` or `localq beat`.", err=True)


def _is_unentered(app: LocalQ, name: str) -> bool:
    """Whether a schedule is configured, and no scheduler has entered it into the store yet."""
    if not app.tasks or not app.schedules.is_configured or any(one.name == name for one in app.schedules.list()):
        return False
    return any(one.name == name for one in app.schedules.configured())


def _known(app: LocalQ, name: str) -> ScheduleView:
    """Return a schedule, or end the program saying that there is none."""
    existing(app)
    try:
        found: ScheduleView = app.schedules.get(name)
        return found
    except ScheduleError as error:
        click.echo(printable(error), err=True)
        raise click.exceptions.Exit(exit_codes.UNKNOWN) from None


def _show_facts(one: ScheduleView) -> None:
    facts: dict[str, object] = {
        "name": one.name,
        "rule": one.words,
        "zone": one.zone or "-",
        "task": one.task or "-",
        "state": one.state,
        "defined by": one.source,
        "runs": one.runs,
        "missed": one.missed,
    }
    if one.waiting:
        facts["waiting"] = f"the run of {_shown(one.waiting, one.zone)}, for the previous job to end"
    if one.note:
        facts["note"] = one.note
    for label, value in facts.items():
        click.echo(f"{label + ':':<12}{printable(value)}")


def _show_upcoming(one: ScheduleView, upcoming: Sequence[datetime]) -> None:
    click.echo(f"\nNext ({one.state}):" if one.state != "active" else "\nNext:")
    _print_upcoming(upcoming, one.zone)


def _print_upcoming(upcoming: Sequence[datetime], zone: str | None) -> None:
    for at in upcoming:
        click.echo(f"  {_shown(at, zone)}  {at:%a}")
    if not upcoming:
        click.echo("  nothing")


def _show_past(one: ScheduleView, past: Sequence[LedgerLine], shown: dict[str, str]) -> None:
    click.echo("\nPast:")
    if not past:
        click.echo("  nothing")
        return
    rows = [
        (
            _instant(line.instant, one.zone),
            line.outcome if line.instants == 1 else f"{line.outcome} x{line.instants}",
            _why(line, one.zone),
            f"{line.job_id} {shown.get(line.job_id, 'removed since')}" if line.job_id else "-",
        )
        for line in past
    ]
    show_table(("instant", "outcome", "reason", "job"), rows)


def _why(line: LedgerLine, zone: str | None) -> str:
    if line.outcome != FIRED:
        until = f" (until {_shown(line.until, zone)})" if line.until else ""
        return f"{line.reason}{until}"
    late = (line.recorded_at - line.instant).total_seconds()
    timely = "on time" if late < _LATE_S else f"{late:,.1f} s late"
    return f"{line.reason}" if line.reason else f"due, {timely}"


def _line_facts(line: LedgerLine) -> dict[str, Any]:
    return {
        "instant": _iso(line.instant),
        "outcome": line.outcome,
        "reason": line.reason,
        "job_id": line.job_id,
        "until": _iso(line.until),
        "instants": line.instants,
        "recorded_at": _iso(line.recorded_at),
    }


# Change


@schedules.command(short_help="Let schedules rest.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@app_options
def pause(app: LocalQ, names: Sequence[str]) -> None:
    """Let schedules rest until they are resumed; what they have started goes on."""
    for name in names:
        _known(app, name)
        app.schedules.pause(name)
        click.echo(f"{printable(name)} rests until `localq schedules resume`.")


@schedules.command(short_help="Let paused schedules go on.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@app_options
def resume(app: LocalQ, names: Sequence[str]) -> None:
    """Let paused schedules go on with their next instants; those of the pause are skipped."""
    for name in names:
        _known(app, name)
        one = app.schedules.resume(name)
        click.echo(f"{printable(name)} goes on: next at {_shown(one.next, one.zone)}.")


@schedules.command(short_help="Fire a schedule now.")
@click.argument("name")
@app_options
def trigger(app: LocalQ, name: str) -> None:
    """Fire a schedule now, whatever its rule says; print the job's id."""
    _known(app, name)
    click.echo(app.schedules.trigger(name).id)


@schedules.command(short_help="Fire past instants that did not.")
@click.argument("name")
@click.argument("start", metavar="FROM")
@click.argument("end", metavar="TO")
@app_options
def backfill(app: LocalQ, name: str, start: str, end: str) -> None:
    """Fire the instants from FROM to TO, both included, that did not fire; print the jobs' ids.

    FROM and TO are ISO times such as 2026-03-01T00:00, in the schedule's zone where they name none.
    """
    _known(app, name)
    fired = app.schedules.backfill(name, start, end)
    for one in fired:
        click.echo(one.id)
    if on_terminal() or not fired:
        click.echo(f"Fired: {len(fired)}.", err=True)


@schedules.command(short_help="Remove schedules.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("-f", "--force", is_flag=True, help="Also those that a program defines which is no more.")
@app_options
def remove(app: LocalQ, names: Sequence[str], force: bool) -> None:
    """Remove schedules that were added at run time or are retired, with their ledgers; their jobs stay."""
    for name in names:
        _known(app, name)
        app.schedules.remove(name, force=force)
        click.echo(f"{printable(name)} is removed.")
