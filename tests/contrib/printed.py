"""Runs the Python blocks of a page one after the other, in one module, as their reader would; a program of its own.

It reads from standard input `{"module": ..., "steps": [[how, label, code], ...]}` and says what the blocks print.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import json
import linecache
import sys
import threading
import types
from typing import Any

from localq import LocalQ
from tests.worker.waiting import DEADLINE_S

#: Seconds within which a block that goes on for ever has done what it is for.
SECONDS = DEADLINE_S


def run(code: str, label: str, names: dict[str, Any]) -> None:
    """Run a block. One with `await` at its top is for a coroutine, or a shell that has them (`python -m asyncio`)."""
    linecache.cache[label] = (len(code), None, code.splitlines(keepends=True), label)
    waits = eval(compile(code, label, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True), names)
    if inspect.iscoroutine(waits):
        asyncio.run(waits)


def tests_of(code: str, names: dict[str, Any]) -> None:
    """Run the tests that a block defines, but for those with fixtures."""
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not node.args.args:
            names[node.name]()


def session(code: str, label: str, names: dict[str, Any]) -> None:
    """Run what is typed in a shell, and compare what it answers."""
    example = doctest.DocTestParser().get_doctest(code, names, label, None, None)
    runner = doctest.DocTestRunner(Answers(), verbose=False, optionflags=doctest.ELLIPSIS)
    runner.run(example, clear_globs=False)
    names.update(example.globs)
    if runner.failures:
        raise AssertionError(f"{label}: {runner.failures} answers differ")


class Answers(doctest.OutputChecker):
    """Takes any answer where a page leaves it out."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Whether an answer is the page's."""
        return not want or super().check_output(want, got, optionflags)


def endless(code: str, label: str, names: dict[str, Any], then: str) -> None:
    """Run a block that goes on for ever beside one that says when it has done what it is for."""
    failed: list[BaseException] = []

    def go_on() -> None:
        try:
            run(code, label, names)
        except BaseException as error:
            failed.append(error)

    threading.Thread(target=go_on, daemon=True).start()
    run(then, f"{label}, beside it", names)
    if failed:
        raise failed[0]


def main() -> None:
    """Run the steps; a block that raises ends the program."""
    asked = json.load(sys.stdin)
    module = types.ModuleType(asked["module"])
    sys.modules[asked["module"]] = module
    names = vars(module)
    names["SECONDS"] = SECONDS
    for how, label, code, then in asked["steps"]:
        if how == "session":
            session(code, label, names)
        elif how == "endless":
            endless(code, label, names, then)
        else:
            run(code, label, names)
            if how == "block":
                tests_of(code, names)
    for one in list(names.values()):
        if isinstance(one, LocalQ):
            one.stop(1)


if __name__ == "__main__":
    main()
