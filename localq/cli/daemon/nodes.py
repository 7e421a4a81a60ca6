"""The grammar of `localq multi`: names of workers, options for all of them, options for some (celery/apps/multi.py).

`3`, alone, means three workers; `-c:1 10` and `-c:1-3 10` are about the first, or the first three; `-l:images DEBUG`
about the one of that name. Numbers count the names as they were given, from 1; a range is one only where the workers
were given as a number.
"""

from __future__ import annotations

import shlex
import socket
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from localq.cli.app_import import LoadError
from localq.cli.daemon.pidfile import expanded, pid_in
from localq.host.interpreter import python
from localq.result import signal_number
from localq.worker.name import worker_name

__all__ = ["Arguments", "Node", "Parsed", "nodes_of", "parse"]

Options = OrderedDict[str, str | None]

#: Options of multi itself, and whether they take a value.
_OWN = {
    "--nosplash": False,
    "--quiet": False,
    "-q": False,
    "--verbose": False,
    "--no-color": False,
    "--cmd": True,
    "--append": True,
    "--prefix": True,
    "--suffix": True,
    "--range-prefix": True,
    "-n": True,
    "--hostname": True,
}


class Arguments(NamedTuple):
    """What the options of a worker look like: whether each takes a value; None for unknown ones."""

    takes_value: Callable[[str], bool | None]


class Parsed(NamedTuple):
    """A command line, taken apart.

    `own` are the options of multi itself, `options` those of all workers, `some` those of some, by name or number;
    `rest` is passed on as it is; `signal` is what `-SIG` asked for.
    """

    names: list[str]
    own: Options
    options: Options
    some: dict[str, Options]
    rest: tuple[str, ...]
    signal: int | None


class Node(NamedTuple):
    """One worker: its name, and the words of its command line."""

    name: str
    command: list[str]
    pidfile: str
    logfile: str

    @property
    def pid(self) -> int | None:
        """The process in its pid file."""
        return pid_in(self.pidfile)

    def shown(self) -> str:
        """Return its command line, for people and shells."""
        return shlex.join(self.command)

    def expand(self, template: str) -> str:
        """Return a text with what %n, %h, %d and %N stand for."""
        return expanded(template, self.name)


def parse(words: Iterable[str], arguments: Arguments) -> Parsed:
    """Take a command line apart."""
    given = [word for word in words if word]
    parsed = Parsed([], OrderedDict(), OrderedDict(), {}, (), None)
    at = 0
    while at < len(given):
        word = given[at]
        at += 1
        if word == "--":
            return parsed._replace(rest=tuple(given[at:]))
        if not word.startswith("-") or word == "-":
            parsed.names.append(word)
            continue
        name, equals, text = word.partition("=") if word.startswith("--") else (word, "", "")
        name, colon, some = name.partition(":")
        number = _signal(name[1:]) if not (colon or name.startswith("--") or _known(name, arguments)) else None
        if number is not None:
            parsed = parsed._replace(signal=number)
            continue
        value: str | None = text if equals else None
        if not equals and _takes_value(name, given[at] if at < len(given) else None, arguments):
            value = given[at]
            at += 1
        where = parsed.own if name in _OWN else parsed.options
        (parsed.some.setdefault(some, OrderedDict()) if colon else where)[name] = value
    return parsed


def _signal(text: str) -> int | None:
    """Return the signal that an option asks for, by its number or name; None where it asks for none."""
    if text.isdecimal():
        return int(text)
    try:
        return signal_number(text)
    except ValueError:
        return None


def _known(name: str, arguments: Arguments) -> bool:
    return name in _OWN or arguments.takes_value(name) is not None


def _takes_value(name: str, following: str | None, arguments: Arguments) -> bool:
    """Whether the next word is an option's value; of an option nobody knows, a short one takes what is none itself."""
    if following is None:
        return False
    known = _OWN[name] if name in _OWN else arguments.takes_value(name)
    if known is not None:
        return known
    return not name.startswith("--") and not following.startswith("-")


def nodes_of(parsed: Parsed, pids: str, logs: str) -> list[Node]:
    """Return the workers of a command line.

    Args:
        pids, logs: Where their files go, unless the options say otherwise.

    Raises:
        LoadError: an option is about a worker that is not among them, or there are to be none.
    """
    names = parsed.names
    counted = len(names) == 1 and names[0].isdecimal()
    if counted:
        if int(names[0]) < 1:
            raise LoadError(f"{names[0]} workers are none. Say how many, from 1 on, or name them.")
        prefix = parsed.own.get("--range-prefix") or "celery"
        names = [f"{prefix}{number}" for number in range(1, int(names[0]) + 1)]
    some = _by_name(parsed.some, names, counted)
    return [_node(parsed, name, some.get(name, OrderedDict()), pids, logs) for name in names]


def _by_name(some: dict[str, Options], names: list[str], ranges: bool) -> dict[str, Options]:
    """Return the options of some workers by their names, whichever way they were told."""
    found: dict[str, Options] = {}
    for told, options in some.items():
        for one in _parts(told, ranges):
            if one.isdecimal():
                if not 1 <= int(one) <= len(names):
                    raise LoadError(f"There is no worker number {one}: numbers go from 1 to {len(names)}.")
                one = names[int(one) - 1]
            elif one not in names:
                raise LoadError(f"There is no worker {one!r} among {', '.join(names)}.")
            found.setdefault(one, OrderedDict()).update(options)
    return found


def _parts(told: str, ranges: bool) -> list[str]:
    parts: list[str] = []
    for one in told.split(","):
        low, dash, high = one.partition("-")
        if ranges and dash and low.isdecimal() and high.isdecimal():
            parts += [str(number) for number in range(int(low), int(high) + 1)]
        else:
            parts.append(one.strip())
    return parts


def _node(parsed: Parsed, name: str, own: Options, pids: str, logs: str) -> Node:
    options: Options = OrderedDict(parsed.options)
    options.update(own)
    full = _full_name(parsed, name, options)
    pidfile = _taken(options, pids, "--pidfile")
    logfile = _taken(options, logs, "-f", "--logfile")
    command = shlex.split(parsed.own.get("--cmd") or "") or [
        python(), "-m", "localq", "worker", "--detach"
    ]  # fmt: skip
    words = [part for option, value in options.items() for part in _words(option, value)]
    pidfile, logfile = expanded(pidfile, full), expanded(logfile, full)
    files = [f"--pidfile={pidfile.replace('%', '%%')}", f"--logfile={logfile.replace('%', '%%')}"]
    more = shlex.split(parsed.own.get("--append") or "")
    return Node(full, [*command, "-n", full.replace("%", "%%"), *files, *words, *parsed.rest, *more], pidfile, logfile)


def _full_name(parsed: Parsed, name: str, options: Options) -> str:
    """Return a worker's whole name: `foo@host` as it is, else with the host that -n or --hostname names."""
    prefix, suffix = parsed.own.get("--prefix") or "", parsed.own.get("--suffix") or ""
    if "@" in name:
        return worker_name(name)
    host = parsed.own.get("-n") or parsed.own.get("--hostname") or suffix or socket.gethostname()
    return worker_name(f"{prefix}{name}@{host.strip('@')}")


def _taken(options: Options, default: str, *names: str) -> str:
    values = [options.pop(name, None) for name in names]
    return next((value for value in values if value), default)


def _words(option: str, value: str | None) -> list[str]:
    if value is None:
        return [option]
    return [f"{option}={value}"] if option.startswith("--") else [option, value]
