"""`localq cron`: check a cron expression for traps, and show when it is due."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import click

from localq.cli.screen import printable, show_json
from localq.exceptions import ScheduleError
from localq.model.clock import SYSTEM, to_datetime
from localq.schedules import Rule, as_rule, between, read_zone
from localq.schedules.lint import lint as look_over
from localq.tasks.call_times import When

__all__ = ["cron"]

EXIT_ERROR = 1
EXIT_WARNING = 3
_FAR = 221_845_392_000_000_000


class _Zone(click.ParamType):  # type: ignore[type-arg]  # click before 8.5 has no such parameter
    """The name of a time zone."""

    name = "ZONE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:
        if isinstance(value, ZoneInfo):
            return value
        try:
            return read_zone(value)
        except ScheduleError as error:
            self.fail(f"{error}", param, ctx)


_zone = click.option("--zone", type=_Zone(), default="UTC", show_default=True, help="The zone whose clock it reads.")
_key = click.option("--name", "key", default="schedule", help="The schedule's name, which H is drawn from.")


@click.group(short_help="Check a cron expression, or show when it is due.")
def cron() -> None:
    """Check a cron expression for traps, or show when it is due."""


@cron.command(short_help="Say what it means, and warn of traps.")
@click.argument("expression")
@_zone
@_key
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def lint(expression: str, zone: ZoneInfo, key: str, as_json: bool) -> None:
    """Tell what EXPRESSION means, and warn of traps in it.

    EXPRESSION is one argument, as in `localq cron lint "59/15 * * * *"`; "every 30 seconds" is one too. Ends with
    0 if there is nothing to warn of, 1 if it cannot be read or never matches, 3 for warnings.
    """
    found = look_over(expression, zone, SYSTEM.now(), hash_key=key)
    worst = {one.severity for one in found}
    words = None if "error" in worst else _rule(expression, key).words()
    if as_json:
        show_json({"expression": expression, "words": words, "findings": [one._asdict() for one in found]})
    else:
        if words is not None:
            click.echo(printable(words))
        for one in found:
            click.echo(f"{one.severity}: {printable(one.what)}\n    {printable(one.advice)}")
    code = EXIT_ERROR if "error" in worst else EXIT_WARNING if "warning" in worst else 0
    raise click.exceptions.Exit(code)


@cron.command("next")
@click.argument("expression")
@_zone
@_key
@click.option(
    "-n", "--count", type=click.IntRange(min=1, max=10_000), default=10, show_default=True, help="Instants shown."
)
@click.option("--after", metavar="TIME", help="Look from this ISO time instead of now; read in the zone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def next_(
    expression: str, zone: ZoneInfo, key: str, count: int, after: str | None, as_json: bool
) -> None:  # fmt: skip
    """Show the next instants of EXPRESSION."""
    start = SYSTEM.now()
    if after is not None:
        try:
            start = When(zone.key, start).micros(after, "--after")
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    rule = _rule(expression, key)
    instants = between(rule, start, _FAR, anchor=start, zone=zone, most=count)
    shown = [to_datetime(at).astimezone(zone) for at in instants]
    if as_json:
        show_json([at.isoformat() for at in shown])
        return
    for at in shown:
        click.echo(f"{at.isoformat(sep=' ')}  {at:%a}")
    if not shown:
        click.echo("It is never due again.", err=True)


def _rule(expression: str, key: str) -> Rule:
    try:
        return as_rule(expression, hash_key=key)
    except ScheduleError as error:
        raise click.BadParameter(printable(error)) from None
