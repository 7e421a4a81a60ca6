from __future__ import annotations

from pathlib import Path

from localq.contrib.celery.names import MODULES
from localq.contrib.celery.tables import TABLES, rewrite
from localq.settings import SETTINGS

PAGE = Path(__file__).parents[4] / "docs" / "migrating-from-celery.md"


def test_the_page_has_every_table_as_it_is_now() -> None:
    text = PAGE.read_text("utf-8")

    assert all(f"<!-- {name} -->" in text for name in TABLES)
    assert rewrite(text) == text, "run: python -m localq.contrib.celery.tables docs/migrating-from-celery.md"


def test_every_setting_and_module_stands_on_the_page() -> None:
    text = PAGE.read_text("utf-8")

    assert [name for name in SETTINGS if f"| `{name}` |" not in text] == []
    assert [name for name in MODULES if f"| `{name}` |" not in text] == []
