"""The house's one rule, checked: imports point downwards (see LAYERS)."""

from __future__ import annotations

import ast
import subprocess
import sys
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

#: Low to high. A module imports what stands above it in this list; modules of one row may import each other,
#: but not in a circle. The client side ends at `__init__`: a program that only enqueues loads nothing below.
LAYERS = """
    exceptions fault
    orders rates
    job
    firing
    states
    store store.*
    clock
    events signals
    current
    worker worker.*
    log
    jsontags jsontags.*
    codec
    packing signing
    keys
    anatomy
    failure
    remote
    settings settings.*
    schedules schedules.*
    location
    options
    sealing
    retry stamps
    call
    queues routes
    routing
    schedule_definition
    timetable scheduled
    parameters
    request
    feeding
    callbacks
    history view
    waiting joining headers
    result result.*
    backend
    canvas canvas.*
    taskrun
    task
    settle
    behind
    policy
    running
    endings
    attempt limiter
    coroutine
    definition
    frameworks
    annotations discovery
    registry
    builtins
    runner
    eager
    sending shared publishing
    inspecting control scriptlog
    eventstate
    receiver
    starting
    declaration
    configuration
    agenda
    parts
    scheduling workflows
    app app.*
    contrib contrib.*
    __init__
    migration migration.*
    report
    health health.*
    engine engine.*
    testing testing.*
    pytest_plugin
    cli cli.* demo __main__
"""
#: The only import that may stand inside a function: a store's driver is loaded when it is asked for.
LAZY = {("store", "store.sqlite")}

ROWS = [row.split() for row in LAYERS.strip().splitlines()]
PACKAGE = Path(__file__).parents[2] / "localq"


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[1:] and parts[-1] == "__init__" else parts)


MODULES = {dotted(path): ast.parse(path.read_text("utf-8"), path.name) for path in PACKAGE.rglob("*.py")}
for stub in PACKAGE.rglob("*.pyi"):
    # No program loads it, but what it says of a module's types has the same direction.
    MODULES[dotted(stub)].body += ast.parse(stub.read_text("utf-8"), stub.name).body


def layer(module: str) -> int | None:
    """Return the number of a module's row; higher numbers are higher in the house."""
    return next((n for n, row in enumerate(ROWS) if any(fnmatch(module, name) for name in row)), None)


def imported(statement: ast.AST) -> set[str]:
    """Return the modules of LocalQ that one statement imports."""
    if isinstance(statement, ast.Import):
        names = [alias.name for alias in statement.names]
    elif isinstance(statement, ast.ImportFrom):
        names = [f"{statement.module}.{alias.name}" for alias in statement.names]
        names = [n if n.removeprefix("localq.") in MODULES else str(statement.module) for n in names]
    else:
        names = []
    return {n.partition(".")[2] or "__init__" for n in names if n.split(".")[0] == "localq"}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_downwards_only(module: str) -> None:
    tree, own = MODULES[module], layer(module)
    assert own is not None, f"localq.{module} has no place yet: add it to LAYERS in tests/unit/test_layers.py"

    for statement in ast.walk(tree):
        for name in imported(statement):
            line = f"localq.{module}, line {statement.lineno}, imports localq.{name}"
            other = layer(name)
            assert other is not None, f"{line}, which has no place yet: add it to LAYERS"
            assert other <= own, (
                f"{line}. Imports point downwards: {name} is higher in the house than {module} (see LAYERS)"
            )
            assert statement in tree.body or (module, name) in LAZY, (
                f"{line}, inside a block. Imports stand at the top, those for types too: whoever needs "
                f"something from above declares a small Protocol beside itself, and app.py implements it"
            )


def test_imports_never_run_in_a_circle() -> None:
    graph = {
        module: {name for statement in tree.body for name in imported(statement)} for module, tree in MODULES.items()
    }

    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_module_is_hidden_by_what_its_package_exports() -> None:
    # Serializers find a class by walking its module's dotted name: `localq.canvas.group` must not be the class.
    exported = {
        f"{module}.{alias.asname or alias.name}"
        for module, tree in MODULES.items()
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
        if (PACKAGE / module.replace(".", "/") / "__init__.py").is_file()
        and f"{statement.module}.{alias.name}".removeprefix("localq.") not in MODULES
    }

    assert exported & set(MODULES) == set()


def test_a_client_that_only_enqueues_loads_neither_the_engine_nor_parts_it_does_not_use() -> None:
    enqueue = "localq.LocalQ(path=':memory:').task(max).delay(1, 2)"
    code = f"import sys, localq; print(*sys.modules); {enqueue}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)

    imported_at_once, loaded = (set(line.split()) for line in done.stdout.splitlines())
    heavy = {f"localq.{name}" for name in ("engine", "agenda", "schedules", "control", "eager", "receiver", "attempt")}
    assert loaded & {*heavy, "apscheduler", "croniter", "multiprocess", "rich"} == set()
    assert imported_at_once & {"asyncio", "sqlalchemy"} == set()
