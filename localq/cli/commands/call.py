"""`localq call`: enqueue a job."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import click

from localq import states
from localq.app import LocalQ
from localq.cli import completion, exit_codes
from localq.cli.app_import import import_module
from localq.cli.app_option import app_options
from localq.cli.commands.result import outcome_code, value_text
from localq.cli.screen import printable
from localq.model.hints import nearest
from localq.model.job import JobState
from localq.monitor.jobs import error_now
from localq.result import AsyncResult, waiting
from localq.result.unattended import Unattended

__all__ = ["call"]


@click.command()
@click.argument("name", metavar="NAME", shell_complete=completion.tasks)
@click.option("-a", "--args", "args_text", default="[]", metavar="JSON", help="Arguments, as a JSON list.")
@click.option("-k", "--kwargs", "kwargs_text", default="{}", metavar="JSON", help="Keyword ones, as a JSON object.")
@click.option("--countdown", type=float, metavar="SECONDS", help="Run it so many seconds from now.")
@click.option("--eta", metavar="TIME", help="Run it at this time (ISO 8601), not before.")
@click.option("--expires", metavar="WHEN", help="Revoke it if it has not begun then: seconds from now, or a time.")
@click.option("-Q", "--queue", metavar="NAME", help="Put it into this queue.")
@click.option("--exchange", metavar="NAME", help="What names the queue together with the routing key.")
@click.option("--routing-key", metavar="KEY", help="Likewise.")
@click.option("--serializer", metavar="NAME", help="How its arguments and result are written: json or pickle.")
@click.option("--priority", type=int, metavar="0-9", help="Higher runs first.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    is_flag=False,
    flag_value=math.inf,
    metavar="[SECONDS]",
    help="Wait for the result, so many seconds at most or as long as it takes, and print it.",
)
@click.option("--unknown", is_flag=True, help="Enqueue it though the app knows no task of that name.")
@app_options
@click.pass_context
def call(
    context: click.Context,
    app: LocalQ,
    name: str,
    args_text: str,
    kwargs_text: str,
    countdown: float | None,
    eta: str | None,
    expires: str | None,
    queue: str | None,
    priority: int | None,
    exchange: str | None,
    routing_key: str | None,
    serializer: str | None,
    wait_s: float | None,
    unknown: bool,
) -> None:
    """Enqueue a job by the name of its task, and print the job's id.

    An app must know the task, unless --unknown is given; with --path alone any name will do. With --wait the
    result follows in a second line, and the exit code is that of localq result.
    """
    args, kwargs = _json(args_text, "--args", list), _json(kwargs_text, "--kwargs", dict)
    options = {
        "countdown": countdown,
        "eta": eta,
        "expires": _number_or_text(expires),
        "queue": queue,
        "priority": priority,
        "exchange": exchange,
        "routing_key": routing_key,
        "serializer": serializer,
    }
    _check_known(app, name, unknown)
    sent = _sent(app, name, args, kwargs, {key: value for key, value in options.items() if value is not None})
    click.echo(sent.id)
    if wait_s is not None:
        context.exit(_waited(app, sent, wait_s))


def _check_known(app: LocalQ, name: str, unknown: bool) -> None:
    """Refuse a task that the app does not know; an app without any may be there to send only."""
    if unknown or not app.tasks:
        return
    # A worker imports these modules too.
    for module in (*app.conf.imports, *app.conf.include):
        import_module(module)
    if app.tasks.find(name) is None:
        raise click.UsageError(
            f"The app has no task {printable(name)!r}.{nearest(name, list(app.tasks))} With --unknown it is enqueued "
            "all the same, for a worker that knows it."
        )


def _json(text: str, option: str, kind: type) -> Any:
    """Read an option's JSON, or say where it is wrong."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        line = text.split("\n")[error.lineno - 1]
        start = max(0, error.colno - 40)
        shown = printable(line[start : start + 70])
        mark = " " * len(printable(line[start : error.colno - 1])) + "^"
        raise click.UsageError(
            f"{option} is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).\n  {shown}\n  {mark}"
        ) from None
    except RecursionError:
        raise click.UsageError(f"{option} is nested too deeply.") from None
    if not isinstance(value, kind):
        wanted_text = "a JSON list, as in '[2, 2]'" if kind is list else """a JSON object, as in '{"x": 2}'"""
        raise click.UsageError(f"{option} must be {wanted_text}; it is {printable(text[:40])}.")
    return value


def _number_or_text(text: str | None) -> float | str | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def _sent(app: LocalQ, name: str, args: Any, kwargs: Any, options: dict[str, Any]) -> AsyncResult[Any]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            sent = app.send_task(name, args, kwargs, **options)
        except (TypeError, ValueError, OverflowError) as error:
            raise click.UsageError(str(error)) from None
    for one in said:
        click.echo(f"Warning: {one.message}", err=True)
    return sent


def _waited(app: LocalQ, sent: AsyncResult[Any], wait_s: float) -> int:
    """Wait for a job, print what came of it, and return the exit code."""
    store = app.store
    unattended = Unattended(lambda: store)
    waiting.wait(store.bells, (sent.id,), sent.ready, None if wait_s == math.inf else wait_s, unattended)
    job = store.read.get([sent.id]).get(sent.id)
    if job is None:
        click.echo("The job was removed meanwhile.", err=True)
        return exit_codes.UNKNOWN
    code = outcome_code(job)
    if code == 0:
        click.echo(printable(value_text(sent)))
    elif JobState(job.state).final:
        error = error_now(store.read.seen([job.id])[job.id])
        reason = "" if error is None else f": {error}"
        click.echo(f"{states.public_state(job)}{printable(reason)}", err=True)
    else:
        state = states.public_state(job)
        click.echo(f"Not finished after {wait_s:g} s; it is {state} and goes on.", err=True)
    return code
