"""Commands to workers on the command line: their arguments by name, and the answers in Celery's form."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, NoReturn

import click

from localq.app import LocalQ
from localq.cli import exit_codes
from localq.cli.app_option import app_options, worker_command
from localq.cli.celery_options import is_quiet
from localq.cli.lookup import names, store_to_ask
from localq.cli.screen import printable, show_json
from localq.model.hints import nearest
from localq.model.job import JobState
from localq.monitor.no_answer import why_no_answer
from localq.worker.control import Command, Panel, answers, changes

__all__ = ["Asked", "answered", "asking", "failed", "show", "show_count", "show_word", "unanswered"]

#: Those that register LocalQ's own commands.
BUILT_IN = (changes, answers)
#: What every command to workers takes, in the order of its help.
_PARAMETERS: tuple[Callable[[Callable[..., None]], Callable[..., None]], ...] = (
    click.argument("command", required=False),
    click.argument("words", nargs=-1, metavar="[ARG]..."),
    click.option("-l", "--list", "wants_list", is_flag=True, help="List the commands, those of the app among them."),
    click.option("-d", "--destination", metavar="A,B", help="Only these workers."),
    click.option("-t", "--timeout", type=click.FloatRange(min=0), metavar="SECONDS",
                 help="How long to wait for workers that do not answer; by default what the command says."),
    click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON: {worker: answer}."),
)  # fmt: skip


class Asked(NamedTuple):
    """What a command line asks of workers: a command and its arguments, of whom, and how to print the answers."""

    command: Command
    said: dict[str, Any]
    destination: list[str] | None
    timeout: float | None
    as_json: bool


def asking(kind: str) -> Callable[[Callable[[click.Context, LocalQ, Asked], None]], Callable[..., None]]:
    """Add what `localq inspect` and `localq control` take to a function, and pass it the app and what is asked.

    With -l, or where no command to workers is named, those there are get listed instead, the app's own among them.

    Args:
        kind: "inspect" or "control".
    """

    def with_parameters(function: Callable[[click.Context, LocalQ, Asked], None]) -> Callable[..., None]:
        @app_options
        @click.pass_context
        @functools.wraps(function)
        def ask(
            context: click.Context,
            app: LocalQ,
            command: str | None,
            words: Sequence[str],
            wants_list: bool,
            destination: str | None,
            timeout: float | None,
            as_json: bool,
        ) -> None:
            if wants_list or command is None:
                _list(kind)
                return
            found = _command(kind, command)
            said = _arguments(found, words)
            function(context, app, Asked(found, said, names(destination), timeout, as_json))

        for parameter in reversed(_PARAMETERS):
            ask = parameter(ask)
        return ask

    return with_parameters


def _command(kind: str, name: str) -> Command:
    """Return a command of a kind, "inspect" or "control"."""
    found = Panel.commands.get(name)
    if found is not None and found.type == kind:
        return found
    known = [one.name for one in Panel.commands.values() if one.type == kind]
    hint = f" It is one of localq {found.type}." if found is not None else nearest(name, known)
    raise click.UsageError(f"There is no command {name!r} for workers.{hint} See localq {kind} --list.")


def _list(kind: str) -> None:
    """Print the commands of a kind, with what they take."""
    rows = [(one.name, one.signature, one.help) for one in Panel.commands.values() if one.type == kind and one.visible]
    for name, signature, text in sorted(rows):
        click.echo(f"{name} {signature}".rstrip())
        click.echo(f"    {text}")


def _arguments(command: Command, words: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of a command by name, from words in its order."""
    said: dict[str, Any] = {}
    rest = list(words)
    for name, read in command.args:
        if rest:
            word = rest.pop(0)
            try:
                said[name] = read(word)
            except ValueError:
                raise click.UsageError(f"{command.name}: {name} cannot be {printable(word)!r}.") from None
    if command.variadic is not None:
        said[command.variadic] = rest
    elif rest:
        takes = f"takes {command.signature}" if command.signature else "takes no arguments"
        raise click.UsageError(f"{command.name} {takes}; {printable(rest[0])!r} is too much.")
    missing = [name for name in _needed(command) if said.get(name) in (None, [])]
    if missing:
        raise click.UsageError(f"{command.name} takes {command.signature}; {missing[0]} is missing.")
    return said


def _needed(command: Command) -> list[str]:
    """Return the arguments that a command cannot do without; a question about none of them has an answer."""
    if command.type != "control":
        return []
    parameters = inspect.signature(command.function).parameters
    given = [name for name, _ in command.args] + ([command.variadic] if command.variadic else [])
    return [name for name in given if name in parameters and parameters[name].default is inspect.Parameter.empty]


def answered(app: LocalQ, asked: Asked) -> dict[str, Any]:
    """Send a command to workers, and return their answers by name."""
    store_to_ask(app)
    patience = asked.command.default_timeout if asked.timeout is None else asked.timeout
    answers = app.control.broadcast(asked.command.name, asked.said, asked.destination, reply=True, timeout=patience)
    return {name: answer for one in answers or () for name, answer in one.items()}


def unanswered(context: click.Context, app: LocalQ, wanted: Sequence[str] | None) -> NoReturn:
    """Say that no worker has answered, and why, and end the program.

    Args:
        wanted: The names of the workers that were asked; None: all.
    """
    # Celery's words: health checks look for them.
    click.echo("Error: No nodes replied within time constraint.", err=True)
    counts = app.store.read.stats(finished=False).counts
    waiting = sum(count for (_, state), count in counts.items() if state < JobState.RUNNING)
    for line in why_no_answer(app.store.workers.all(), waiting, wanted=wanted, start=worker_command()):
        click.echo(printable(line), err=True)
    context.exit(exit_codes.UNAVAILABLE)


def show(answers: dict[str, Any], as_json: bool) -> None:
    """Print answers."""
    if as_json:
        show_json(answers)
        return
    for name, answer in answers.items():
        word, body = _read(answer)
        show_word(name, word, good=word == "OK")
        for line in body:
            click.echo(f"    {printable(line)}")
    show_count(len(answers))


def show_word(name: str, word: str, *, good: bool) -> None:
    """Print a worker's name and how it answered, as Celery does."""
    click.echo(f"->  {printable(name)}: {click.style(word, fg='green' if good else 'red')}")


def show_count(count: int) -> None:
    """Print how many workers answered, as Celery does."""
    if not is_quiet():
        click.echo(f"\n{count} {'node' if count == 1 else 'nodes'} online.")


def _read(answer: Any) -> tuple[str, list[str]]:
    """Return an answer's word and its lines."""
    if isinstance(answer, dict) and set(answer) == {"error"}:
        return "ERROR", _lines(answer["error"])
    if isinstance(answer, dict) and set(answer) == {"ok"}:
        return "OK", _lines(answer["ok"])
    return "OK", _lines(answer)


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split("\n")
    if isinstance(value, list):
        return [f"* {line}" for line in map(_line, value)] or ["- empty -"]
    if isinstance(value, dict):
        return json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    return [_line(value)]


def _line(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def failed(answers: Iterable[Any]) -> bool:
    """Whether some worker answered with an error."""
    return any(isinstance(answer, dict) and set(answer) == {"error"} for answer in answers)
