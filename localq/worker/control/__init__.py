"""The commands that workers answer: where they are registered, and how a program adds its own.

    from localq.worker.control import inspect_command

    @inspect_command(args=[("table", str)], signature="TABLE")
    def rows(state, table):
        return {"rows": count(table)}

A module that the worker imports (`-A`, `--include`) brings its commands with it: `app.control.broadcast("rows",
{"table": "orders"}, reply=True)` asks every worker, and so does `localq -A tasks inspect rows orders`.

A command gets the worker's `State` first, then the arguments by name, and returns what JSON can say. What it raises
is answered as an error. Commands of programs run in a thread of the worker, so that none can keep it from its jobs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar, overload

from localq.app.app import LocalQ
from localq.model.clock import Clock
from localq.store.protocol import Presence, Store
from localq.worker.autoscale import PoolSize
from localq.worker.control.orders import Orders
from localq.worker.lease import WorkerPlan
from localq.worker.memory import MemorySamples
from localq.worker.pool.contract import Pool

__all__ = ["Command", "Controlled", "Later", "Panel", "State", "control_command", "inspect_command", "nok", "ok"]

F = TypeVar("F", bound=Callable[..., Any])


class Controlled(Protocol):
    """What commands use of a worker (`localq.worker.worker.Worker`).

    Attributes:
        store: The worker's own: only for quick commands, which run where it does.
        received: The number of jobs received, by task.
        began: Since when it is there, in steady seconds.
    """

    store: Store
    pool: Pool
    clock: Clock
    presence: Presence | None
    orders: Orders
    pool_size: PoolSize
    memory: MemorySamples
    received: dict[str, int]
    began: float

    @property
    def plan(self) -> WorkerPlan:
        """What it is now."""
        ...

    def serve(self, queues: tuple[str, ...] | None, excluded: tuple[str, ...]) -> None:
        """Serve other queues from now on."""
        ...

    def stop(self) -> None:
        """Stop in order."""
        ...

    def beat_soon(self) -> None:
        """Renew the lease at the next turn."""
        ...


@dataclass(frozen=True)
class State:
    """What a command is told of the worker that runs it.

    Attributes:
        app: The app.
        hostname: The worker's name.
        worker: The worker itself, whose loop runs in another thread.
    """

    app: LocalQ
    hostname: str
    worker: Controlled


class Command(NamedTuple):
    """A registered command.

    `args` are the arguments a command line gives in order, each with what reads it; `variadic` is the one that takes
    the rest. A `quick` command runs in the worker's own loop: it must take microseconds and never wait.
    """

    name: str
    function: Callable[..., Any]
    type: str
    help: str
    signature: str
    args: tuple[tuple[str, Callable[[str], Any]], ...]
    variadic: str | None
    default_timeout: float
    visible: bool
    quick: bool


class Later(NamedTuple):
    """The answer of a quick command that has looked at its worker, and may then have to wait: called in a thread."""

    answer: Callable[[], Any]


class Panel:
    """All commands of this process, by name and by alias."""

    commands: dict[str, Command] = {}  # noqa: RUF012 - there is one panel

    @classmethod
    def register(
        cls,
        *,
        type: str = "control",
        name: str | None = None,
        alias: str | None = None,
        help: str | None = None,
        signature: str = "",
        args: Sequence[tuple[str, Callable[[str], Any]]] = (),
        variadic: str | None = None,
        default_timeout: float = 1.0,
        visible: bool = True,
        quick: bool = False,
    ) -> Callable[[F], F]:
        """Return a decorator that registers a command, in the place of an earlier one of its name."""

        def decorate(function: F) -> F:
            called = name or function.__name__
            said = help if help is not None else (inspect.getdoc(function) or "").strip().split("\n")[0]
            made = Command(
                called, function, type, said, signature, tuple(args), variadic, default_timeout, visible, quick
            )
            cls.commands[called] = made
            if alias:
                cls.commands[alias] = made._replace(visible=False)
            return function

        return decorate


@overload
def control_command(function: F, /) -> F: ...
@overload
def control_command(**options: Any) -> Callable[[F], F]: ...
def control_command(function: Any = None, /, **options: Any) -> Any:
    """Make a function a command that changes something; see `Panel.register` for the options."""
    decorate = Panel.register(**{"type": "control", **options})
    return decorate if function is None else decorate(function)


@overload
def inspect_command(function: F, /) -> F: ...
@overload
def inspect_command(**options: Any) -> Callable[[F], F]: ...
def inspect_command(function: Any = None, /, **options: Any) -> Any:
    """Make a function a command that only tells something; see `Panel.register` for the options."""
    decorate = Panel.register(**{"type": "inspect", **options})
    return decorate if function is None else decorate(function)


def ok(value: Any) -> dict[str, Any]:
    """Return the answer of a command that worked."""
    return {"ok": value}


def nok(value: Any) -> dict[str, Any]:
    """Return the answer of a command that did not."""
    return {"error": value}
