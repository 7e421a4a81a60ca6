"""No test is left out of the project's checks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Folders that sessions of their own run.
OF_THEIR_OWN = {"celery", "crash"}


def test_every_folder_of_tests_is_run_by_a_session() -> None:
    text = (ROOT / "noxfile.py").read_text()
    found = re.search(r"^GROUPS = \[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    groups = set(re.findall(r'"(\w+)"', found[1]))
    folders = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    assert folders == groups | OF_THEIR_OWN
    for name in OF_THEIR_OWN:
        assert f"tests/{name}" in text
