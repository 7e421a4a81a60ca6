"""The page for newcomers says what is so: its rows are the layers' test's, and its paths lead to files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.test_layers import ROWS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
#: Files and folders, as the page names them: in code, or as the last line of a place in the picture.
PATHS = sorted(set(re.findall(r"`([\w./]+/|[\w./]+\.(?:py|md))`", PAGE) + re.findall(r'<br/>([\w./]+)"', PAGE)))


def test_the_rows_on_the_page_are_those_the_test_keeps() -> None:
    rows: dict[str, list[str]] = {}
    for number, wings in re.findall(r"^\| (\d+) \| ([^|]+) \|", PAGE, re.MULTILINE):
        rows.setdefault(number, []).extend(re.findall(r"`(\w+)`", wings))

    kept = [sorted(line.split()) for line in ROWS.strip().splitlines()]
    assert [sorted(wings) for wings in rows.values()] == [wings for wings in kept if wings != ["__main__"]]


@pytest.mark.parametrize("path", PATHS)
def test_every_path_on_the_page_leads_to_a_file(path: str) -> None:
    assert (ROOT / "localq" / path).exists() or (ROOT / path).exists()


def test_the_page_answers_twenty_questions() -> None:
    questions = PAGE.partition("## Twenty questions")[2].partition("## Recipes")[0]

    assert len(re.findall(r"\? \| `", questions)) == 20
