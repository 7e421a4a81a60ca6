"""The options that a file gives to calls, signatures, retries and schedules of tasks."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from localq.contrib.celery.difference import Difference
from localq.contrib.celery.project import Source
from localq.contrib.celery.values import called, dotted
from localq.model.hints import near_miss
from localq.tasks.option_names import BROKER_ONLY, OPTIONS

__all__ = ["read_options"]

#: Arguments that are no options, by what is called.
_ARGUMENTS = {
    "apply_async": {"args", "kwargs", "task_id", "throw"},
    "send_task": {"name", "args", "kwargs", "task_id"},
    "retry": {"args", "kwargs", "exc", "throw", "max_retries"},
    "set": {"immutable"},
    "signature": {"varies", "args", "kwargs", "options", "type", "subtask_type", "immutable", "app"},
    "subtask": {"varies", "args", "kwargs", "options", "type", "subtask_type", "immutable", "app"},
    "add_periodic_task": {"schedule", "sig", "args", "kwargs", "name"},
}
#: What makes a signature.
_SIGNATURES = {"s", "si", "signature", "subtask", "chain", "group", "chord", "chunks", "starmap", "clone", "set"}
#: Arguments that calls of other libraries' pools have, which are called `apply_async` as well.
_OF_POOLS = {"callback", "error_callback", "kwds", "func"}


def read_options(source: Source, call: ast.Call, tasks: set[str]) -> Iterator[Difference]:
    """Yield what is to be said about the options of a call that may be a task's.

    Args:
        tasks: The names that tasks of the project have.
    """
    name = called(call)
    given = {one.arg: one.value for one in call.keywords if one.arg}
    if name not in _ARGUMENTS or _OF_POOLS & given.keys():
        return
    certain = _is_task_s(name, call, tasks)
    if not certain and name in ("set", "retry", "signature"):
        return
    for option, value in given.items():
        if option in _ARGUMENTS[name]:
            continue
        if option in BROKER_ONLY and (certain or name == "apply_async"):
            text = f"the option {option} has no effect: there is no broker"
            yield Difference(source.name, value.lineno, "note", text, f"the option {option}")
        elif option not in OPTIONS:
            meant = near_miss(option, OPTIONS)
            if meant is not None:
                said = f"a call has no option {option}. Did you mean {meant!r}?"
                yield Difference(source.name, value.lineno, "error", said)
            elif certain:
                text = f"the option {option} is read by routers, receivers and apply_async of this program alone"
                yield Difference(source.name, value.lineno, "differs", text, f"the option {option}")


def _is_task_s(name: str, call: ast.Call, tasks: set[str]) -> bool:
    """Whether a call is surely one of a task, of a signature, or of an app."""
    if name in ("send_task", "add_periodic_task"):
        return True
    if isinstance(call.func, ast.Name):
        return name in ("signature", "subtask")
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(owner, ast.Call):
        return called(owner) in _SIGNATURES
    last = (dotted(owner) or [""])[-1] if owner is not None else ""
    return last in tasks or (name == "retry" and last == "self")
