"""The house's one rule, checked: imports point downwards (see ROWS)."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

#: The wings, from the ground up. A module imports modules of its own wing, and of wings in rows above its own in this
#: list; nothing beside it and nothing below. The client side ends at `__init__`.
ROWS = """
    exceptions
    signals model host
    current states serialization store
    settings log
    result
    canvas monitor
    tasks
    execution schedules
    app
    __init__ testing
    contrib worker
    cli web
    __main__
"""
#: Files that are still to be moved, by the wing they will be in.
LOOSE = """
"""
#: The only import that may stand inside a function: a store's driver is loaded when it is asked for.
LAZY = {("store", "store.sqlite.store")}

ROW = {wing: number for number, row in enumerate(ROWS.strip().splitlines()) for wing in row.split()}
PACKAGE = Path(__file__).parents[2] / "localq"


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[1:] and parts[-1] == "__init__" else parts)


MODULES = {dotted(path): ast.parse(path.read_text("utf-8"), path.name) for path in PACKAGE.rglob("*.py")}
for stub in PACKAGE.rglob("*.pyi"):
    # No program loads it, but what it says of a module's types has the same direction.
    MODULES[dotted(stub)].body += ast.parse(stub.read_text("utf-8"), stub.name).body


def loose() -> dict[str, str]:
    wings: dict[str, str] = {}
    wing = ""
    for word in LOOSE.split():
        if word.endswith(":"):
            wing = word[:-1]
        else:
            wings[word] = wing
    return wings


WINGS = loose()


def wing_of(module: str) -> str:
    """Return the wing a module is in, or will be in."""
    return WINGS.get(module) or module.partition(".")[0]


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
def test_wings_import_lower_rows_only(module: str) -> None:
    tree, own = MODULES[module], wing_of(module)
    assert own in ROW, f"localq.{module} is in no wing that ROWS in {__file__} has"

    for statement in ast.walk(tree):
        for name in imported(statement):
            line = f"localq.{module}, line {statement.lineno}, imports localq.{name}"
            other = wing_of(name)
            assert other in ROW, f"{line}, which is in no wing that ROWS has"
            assert other == own or ROW[other] < ROW[own], (
                f"{line}. Wings import lower rows only (see ROWS). Whoever needs something from above declares a "
                f"small Protocol beside itself."
            )
            assert statement in tree.body or (module, name) in LAZY, (
                f"{line}, inside a block. Imports stand at the top, those for types too: whoever needs "
                f"something from above declares a small Protocol beside itself, and the app implements it"
            )


def test_every_loose_file_still_lies_at_its_old_place() -> None:
    assert set(WINGS) - set(MODULES) == set()


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
