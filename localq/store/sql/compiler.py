"""Write the texts of all statements down, so that no program has to load SQLAlchemy and compile them when it starts.

The source is the tables of statements beside this file. After one is changed: `python -m localq.store.sql.compiler`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from localq.store.postgresql.words import POSTGRESQL_WORDS
from localq.store.sql.edge_statements import EdgeStatements
from localq.store.sql.group_statements import GroupStatements
from localq.store.sql.history_statements import HistoryStatements
from localq.store.sql.job_statements import JobStatements
from localq.store.sql.known_task_statements import KnownTaskStatements
from localq.store.sql.limit_statements import LimitStatements
from localq.store.sql.mail_statements import MailStatements
from localq.store.sql.moving_statements import MovingStatements
from localq.store.sql.read_statements import ReadStatements
from localq.store.sql.schedule_statements import ScheduleStatements
from localq.store.sql.schema import READY_BY_TASK, metadata
from localq.store.sql.statement import DifferentValues, ManyRows, Statement
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import SqlWords
from localq.store.sql.worker_statements import WorkerStatements
from localq.store.sqlite.words import SQLITE_WORDS

__all__ = ["TABLES", "files"]

#: Every table of statements, by what it is called where the texts are used.
TABLES: dict[str, type[StatementTable]] = {
    "edge": EdgeStatements,
    "group": GroupStatements,
    "history": HistoryStatements,
    "job": JobStatements,
    "known_task": KnownTaskStatements,
    "limit": LimitStatements,
    "mail": MailStatements,
    "moving": MovingStatements,
    "read": ReadStatements,
    "schedule": ScheduleStatements,
    "worker": WorkerStatements,
}
_STORE = Path(__file__).parents[1]
_WIDTH = 120
_MADE = "Made by `python -m localq.store.sql.compiler`: change the statements, and not this."


def files() -> dict[Path, str]:
    """Return what every file of texts must hold."""
    return {
        _STORE / "sql" / "compiled.py": "".join(_kinds()),
        _STORE / "sqlite" / "compiled.py": "".join(_texts("SQLite", SQLITE_WORDS)),
        _STORE / "postgresql" / "compiled.py": "".join(_texts("PostgreSQL", POSTGRESQL_WORDS)),
    }


def _called(room: str) -> str:
    return room.title().replace("_", "")


def _statements(table: StatementTable) -> dict[str, Any]:
    """Return the statements of a table by name."""
    return {name: one for name, one in vars(table).items() if isinstance(one, Statement | ManyRows | DifferentValues)}


def _kinds() -> Iterator[str]:
    """Yield the classes that say which statements there are."""
    yield f'"""The statements that every SQL database has.\n\n{_MADE}\n"""\n\n'
    yield "from __future__ import annotations\n\n"
    yield "from localq.store.sql.statement import DifferentValues, ManyRows, Statement\n\n"
    names = sorted([*(f"{_called(room)}Texts" for room in TABLES), "SqlTexts"])
    yield "".join(["__all__ = [\n", *(f'    "{name}",\n' for name in names), "]\n"])
    for room, table in TABLES.items():
        yield f'\n\nclass {_called(room)}Texts:\n    """{table.__doc__}"""\n\n'
        yield from (f"    {name}: {type(one).__name__}\n" for name, one in _statements(table(SQLITE_WORDS)).items())
    yield '\n\nclass SqlTexts:\n    """All that a database is told.\n\n    Attributes:\n'
    yield "        tables: The statements that make the tables and their indexes, in their order.\n"
    yield "        ready_by_task: The one that makes the index which is made when it is first needed.\n    "
    yield '"""\n\n    tables: tuple[str, ...]\n    ready_by_task: str\n'
    yield from (f"    {room}: {_called(room)}Texts\n" for room in TABLES)


def _texts(kind: str, words: SqlWords) -> Iterator[str]:
    """Yield the texts in the words of one kind of database."""
    lists = words.given({}) is not None
    yield f'"""The statements in {kind}\'s words.\n\n{_MADE}\n"""\n\nfrom __future__ import annotations\n\n'
    if lists:
        yield "from localq.store.postgresql.arrays import LISTS\n"
    names = [*(f"{_called(room)}Texts" for room in TABLES), "SqlTexts"]
    yield _row("from localq.store.sql.compiled import (", sorted(names), ")\n", 0)
    yield "from localq.store.sql.statement import DifferentValues, ManyRows, Statement\n\n"
    yield '__all__ = ["TEXTS"]\n'
    for room, table in TABLES.items():
        yield f"\n\nclass _{_called(room)}({_called(room)}Texts):\n"
        for name, one in _statements(table(words)).items():
            yield f"    {name} = {_said(one, 1, len(name) + 3)}\n"
    yield "\n\nclass _All(SqlTexts):\n    tables = (\n"
    yield from (f"        {_quoted(text, 2)},\n" for text in words.tables(metadata))
    yield f"    )\n    ready_by_task = (\n        {_quoted(words.made_if_missing(READY_BY_TASK), 2)}\n    )\n"
    yield from (f"    {room} = _{_called(room)}()\n" for room in TABLES)
    yield "\n\nTEXTS = _All()\n"


def _said(one: Any, depth: int, beside: int = 1) -> str:
    """Return the expression that makes a statement.

    Args:
        beside: Room on its line for what stands beside it, such as a comma.
    """
    inner = depth + 1
    if isinstance(one, Statement):
        parts = [_quoted(one.text, inner)]
        if one.names or one.fixed:
            parts.append(_row("(", [json.dumps(name) for name in one.names], ")", inner))
        if one.fixed:
            parts.append(_mapping(one.fixed, inner))
    else:
        parts = [_said(some, inner) for some in (one.one, one.every) if some is not None]
        if isinstance(one, ManyRows):
            parts = [_mapping(one.kinds, inner), json.dumps(one.by), *parts]
            parts += [] if one.several is None else [f"several={_said(one.several, inner)}"]
            parts += [] if one.alike is None else [f"alike={_said(one.alike, inner)}", f"own={one.own}"]
            parts += ["whole=True"] * one.whole + ["lists=LISTS"] * (one.every is not None)
    return _row(f"{type(one).__name__}(", parts, ")", depth, beside)


def _mapping(given: Mapping[str, Any], depth: int) -> str:
    return _row("{", [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in given.items()], "}", depth)


def _quoted(text: str, depth: int) -> str:
    """Return a text as a literal, on several lines where it is long."""
    room = _WIDTH - 4 * depth - len('"",')
    lines = [""]
    for word in re.findall(r"[^ ]* *", json.dumps(text)[1:-1]):
        if len(lines[-1]) + len(word) > room:
            lines.append("")
        lines[-1] += word
    return f"\n{'    ' * depth}".join(f'"{line}"' for line in lines)


def _row(opening: str, parts: Sequence[str], closing: str, depth: int, beside: int = 1) -> str:
    """Return parts in brackets: on one line if they fit, else each on its own."""
    comma = "," if opening == "(" and len(parts) == 1 else ""
    line = f"{opening}{', '.join(parts)}{comma}{closing}"
    if "\n" not in line and 4 * depth + beside + len(line) <= _WIDTH:
        return line
    pad = "    " * (depth + 1)
    return "".join([f"{opening}\n", *(f"{pad}{part},\n" for part in parts), f"{pad[4:]}{closing}"])


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, "utf-8")
