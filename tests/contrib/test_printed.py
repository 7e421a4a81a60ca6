"""Every Python block of README and the pages, run as it is printed."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.contrib.printed_pages import ELSEWHERE, PAGES, Page
from tests.worker.waiting import PROGRAM_S

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[str]:
    """Return the Python blocks of a page."""
    return [textwrap.dedent(code) for _, code in BLOCK.findall((ROOT / page).read_text("utf-8"))]


def pages() -> list[str]:
    """Return the pages that have Python blocks; those in other languages have the same ones."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    names = [path.relative_to(ROOT).as_posix() for path in found if ".zh." not in path.name]
    return [name for name in names if blocks(name)]


def steps(name: str, page: Page) -> list[list[str]]:
    """Return what is to be run of a page: how, under which name, the code, and what goes beside it."""
    made = []
    for number, code in enumerate(blocks(name), 1):
        made += [["before", f"<before block {number} of {name}>", text, ""] for text in parts(page.before, code)]
        if parts(page.fragments, code):
            continue
        beside = "".join(parts(page.endless, code))
        how = "endless" if beside else "session" if code.startswith(">>>") else "block"
        made.append([how, f"<block {number} of {name}>", code, beside])
    return made


def parts(table: dict[str, str], code: str) -> list[str]:
    """Return what a table says of a block."""
    return [text for part, text in table.items() if part in code]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_blocks_of_a_page_run_as_they_are_printed(name: str, tmp_path: Path) -> None:
    page = PAGES[name]
    asked = json.dumps({"module": page.module, "steps": steps(name, page)})
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LOCALQ_WORKER_POOL": "threads"}

    done = subprocess.run(
        [sys.executable, "-m", "tests.contrib.printed"],
        input=asked,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    if page.says is not None:
        assert done.stdout.splitlines() == page.says


@pytest.mark.parametrize("name", ["README.md", "docs/index.md", "docs/workflows.md"])
def test_the_first_block_of_a_page_is_a_whole_program(name: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(blocks(name)[0])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == PAGES[name].says


def test_every_page_with_blocks_is_run_here_or_named_with_the_test_that_does() -> None:
    assert sorted([*PAGES, *ELSEWHERE]) == sorted(pages())
    for place in ELSEWHERE.values():
        path, _, test = place.partition("::")
        assert f"def {test}" in (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_what_is_said_of_a_block_is_said_of_one_that_is_there(name: str) -> None:
    page, printed = PAGES[name], blocks(name)

    for part in [*page.before, *page.fragments, *page.endless]:
        assert len([code for code in printed if part in code]) == 1, f"{part!r} of {name}"


@pytest.mark.parametrize("name", pages())
def test_a_block_is_python(name: str) -> None:
    for code in blocks(name):
        if code.startswith(">>>") or "# reports.py   " in code:
            continue
        compile(code, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
