"""The texts of statements that programs run are those that the tables of statements say now."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

from localq.store import sql
from localq.store.sql.compiler import TABLES, files
from localq.store.sql.statement_table import StatementTable

FILES = files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_texts_are_those_of_the_statements(path: Path) -> None:
    same = path.read_text("utf-8") == FILES[path]

    assert same, "a statement was changed: run python -m localq.store.sql.compiler"


def test_no_table_of_statements_is_left_out() -> None:
    modules = [importlib.import_module(f"{sql.__name__}.{one.name}") for one in pkgutil.iter_modules(sql.__path__)]
    tables = {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, StatementTable) and kind is not StatementTable
    }

    assert set(TABLES.values()) == tables
