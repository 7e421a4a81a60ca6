"""What code reads of imported modules, on its way to another process; here it comes back to this one."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localq.worker.pool import imported_data
from localq.worker.pool.imported_data import data_read, is_programs, put

MODULE = """
import enum
import threading

RATE = 1
UNNAMED = 1
LOCK = threading.Lock()
TABLE = {"x": 1}

class Color(enum.Enum):
    RED = 1

class Terms:
    days = 14
    color = Color.RED

    @property
    def weeks(self):
        return self.days / 7

def gross():
    return RATE
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a module of the program's own."""
    (tmp_path / "shop_of_this_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(imported_data, "_arrived", {})
    yield importlib.import_module("shop_of_this_test")
    del sys.modules["shop_of_this_test"]


def reads(shop: Any) -> Any:
    def code() -> Any:
        return shop.gross(), shop.LOCK, shop.TABLE, shop.Terms.days, shop.Terms().weeks, shop.Color.RED

    return code


def test_what_code_names_is_read_through_functions_and_classes_and_put_back(shop: Any) -> None:
    shop.RATE, shop.TABLE["x"], shop.Terms.days = 2, 2, 30
    data = data_read([reads(shop)], [shop])
    lock, table = shop.LOCK, shop.TABLE
    shop.RATE, shop.TABLE, shop.Terms.days, shop.UNNAMED = 1, {"x": 1}, 14, 5

    put(data)

    assert (shop.RATE, shop.TABLE, shop.Terms.days, shop.UNNAMED) == (2, {"x": 2}, 30, 5)
    assert shop.LOCK is lock
    assert shop.TABLE is not table
    assert set(data) == {(shop.__name__, ""), (shop.__name__, "Terms")}
    assert set(data[shop.__name__, ""]) == {"RATE", "TABLE"}
    assert set(data[shop.__name__, "Terms"]) == {"days"}


def test_what_is_as_it_was_sent_stays_the_very_object_and_so_does_what_a_run_made_of_it(shop: Any) -> None:
    data, table = data_read([reads(shop)], [shop]), shop.TABLE

    put(data)
    assert shop.TABLE is table

    table["y"] = 2
    put(data)
    assert table == {"x": 1, "y": 2}
    assert shop.TABLE is table


def test_only_modules_of_the_program_found_by_their_names_are_read(shop: Any) -> None:
    assert is_programs(shop)
    for other in (sys, pytest, importlib.import_module("localq.log"), types.ModuleType("shop_of_this_test")):
        assert not is_programs(other)
    assert data_read([reads(shop)], [sys, importlib.import_module("localq.log")]) == {}


def test_what_cannot_be_put_harms_nothing(shop: Any) -> None:
    put(
        {
            ("no_such_module_here", ""): {"RATE": b"1"},
            (shop.__name__, "Gone"): {"x": b"1"},
            (shop.__name__, ""): {"RATE": b"no"},
        }
    )

    assert shop.RATE == 1
