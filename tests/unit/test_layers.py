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
    web
    cli
    __main__
"""
#: The only imports that may stand inside a function: a store's driver is loaded when it is asked for.
LAZY = {
    ("store", f"store.sqlite.{name}") for name in ("backup", "compact", "examine", "file_place", "readonly", "store")
}
LAZY |= {
    ("store", f"store.{kind}.{name}")
    for kind in ("postgresql", "redis")
    for name in ("examine", "readonly", "removal", "store")
}
LAZY |= {("store", "store.redis.outbox")}
#: And SQLAlchemy, where a statement is to be written that no file of texts has.
LAZY |= {(f"store.{kind}.dialect", f"store.{kind}.words") for kind in ("postgresql", "sqlite")}
LAZY |= {("store.sql.dialect", "store.sql.found_job_statements")}
#: What a client that only enqueues must not load.
HEAVY = ["execution", "schedules", "monitor", "worker", "contrib", "testing", "cli", "web"]
#: What talks to a database is imported inside `store`; elsewhere for classes of errors, a version, and Celery's file.
DRIVERS = {"psycopg", "redis", "sqlalchemy", "sqlite3"}
DRIVEN = {("monitor.bug_report", "sqlite3"), ("contrib.celery.beat_file", "sqlite3")}
#: Lines of a file and of a function at which to stop; the protocol is a specification, and may be longer; so may
#: the texts of statements, which a program writes.
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
#: Packages that hand names on; the `__init__` of any other holds a line of docstring.
PUBLIC = """
    __init__ app canvas cli result schedules schedules.lint settings store store.protocol tasks.routing testing
    web worker.control
"""

ROW = {wing: number for number, row in enumerate(ROWS.strip().splitlines()) for wing in row.split()}
PACKAGE = Path(__file__).parents[2] / "localq"


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[1:] and parts[-1] == "__init__" else parts)


FILES = sorted({*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi")})
MODULES = {dotted(path): ast.parse(path.read_text("utf-8"), path.name) for path in PACKAGE.rglob("*.py")}
for stub in PACKAGE.rglob("*.pyi"):
    # No program loads it, but what it says of a module's types has the same direction.
    MODULES[dotted(stub)].body += ast.parse(stub.read_text("utf-8"), stub.name).body


def wing_of(module: str) -> str:
    """Return the wing a module is in."""
    return module.partition(".")[0]


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


def outside(statement: ast.AST) -> set[str]:
    """Return the packages a statement imports from."""
    if isinstance(statement, ast.Import):
        return {alias.name.partition(".")[0] for alias in statement.names}
    return {str(statement.module).partition(".")[0]} if isinstance(statement, ast.ImportFrom) else set()


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


def test_drivers_of_databases_are_imported_in_the_store_alone() -> None:
    found = {
        (module, name)
        for module, tree in MODULES.items()
        for statement in ast.walk(tree)
        for name in outside(statement) & DRIVERS
        if wing_of(module) != "store"
    }

    assert found == DRIVEN


def test_a_store_is_known_by_its_protocol_and_its_place() -> None:
    found = {
        module
        for module, tree in MODULES.items()
        for statement in ast.walk(tree)
        for name in imported(statement)
        if wing_of(module) != "store" and name.startswith("store.")
        if not name.startswith(("store.protocol", "store.location"))
    }

    assert found == set(), "take the facet that is needed; nobody asks a store for its folder, path or kind"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_file_and_no_function_is_too_long_to_read(path: Path) -> None:
    text = path.read_text("utf-8")
    long = [
        f"{one.name}: {one.end_lineno - one.lineno + 1} lines"
        for one in ast.walk(ast.parse(text))
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
        if (one.end_lineno or 0) - one.lineno >= LONGEST_FUNCTION
    ]

    assert long == []
    written = path.match("store/*/compiled.py")
    assert text.count("\n") <= LONGEST_FILE or path.parent.name == "protocol" or written


def test_what_runs_in_a_child_of_a_pool_names_no_store() -> None:
    children = [one for one in MODULES if one.startswith("worker.pool.") and one.endswith(("_main", "_child"))]

    assert len(children) == 5
    named = {name for one in children for statement in ast.walk(MODULES[one]) for name in imported(statement)}
    assert [name for name in named if wing_of(name) == "store"] == []


def test_unit_tests_lie_where_what_they_test_lies() -> None:
    tests = Path(__file__).parent
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}

    assert [folder for folder in folders if not (PACKAGE / folder).is_dir()] == []


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


def test_no_other_package_hands_names_on() -> None:
    packages = {dotted(path): path.read_text("utf-8") for path in PACKAGE.rglob("__init__.py")}

    assert {name for name, text in packages.items() if text.count("\n") > 1} <= set(PUBLIC.split())


def test_the_door_shows_no_more_than_its_wings() -> None:
    entries = {path.name.partition(".")[0] for path in PACKAGE.iterdir()} - {"__pycache__", "py"}

    assert entries <= set(ROW)
    assert len(entries) < 25


def test_a_client_that_only_enqueues_loads_neither_the_engine_nor_parts_it_does_not_use() -> None:
    enqueue = "localq.LocalQ(path=':memory:').task(max).delay(1, 2)"
    code = f"import sys, localq; print(*sys.modules); {enqueue}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)

    imported_at_once, loaded = (set(line.split()) for line in done.stdout.splitlines())
    wings = {name.split(".")[1] for name in loaded if name.startswith("localq.")}
    assert wings & set(HEAVY) == set()
    assert loaded & {"apscheduler", "croniter", "multiprocess", "rich", "sqlalchemy"} == set()
    assert "asyncio" not in imported_at_once
