"""The page about troubleshooting names messages that are said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
#: All texts of the package, those that go over several lines put together.
SAID = "\n".join(
    re.sub(r"\"\n\s*f?\"", "", path.read_text("utf-8")) for path in sorted((ROOT / "localq").rglob("*.py"))
)
MESSAGES = re.findall(r"^\| (`.*?) \|", PAGE.partition("## Messages")[2], re.MULTILINE)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_page_is_said_somewhere(message: str) -> None:
    parts = re.findall(r"`([^`]+)`", message)

    assert parts
    assert [part for part in parts if part not in SAID] == []
