"""What the package says of itself where there is nothing but the package."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LINK = re.compile(r"\[[^\]]*\]\(([^)]*)\)")


def described() -> str:
    """Return the description that a registry shows, made as the build makes it."""
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = "".join((ROOT / fragment["path"]).read_text("utf-8") for fragment in hook["fragments"])
    for one in hook["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    return text


def test_no_link_of_the_description_leads_to_a_file_that_a_registry_does_not_have() -> None:
    assert [link for link in LINK.findall(described()) if not link.startswith(("https://", "#"))] == []


def test_the_description_has_all_headings_and_the_words_of_the_links() -> None:
    text = (ROOT / "README.md").read_text("utf-8")

    assert re.findall(r"^#+ .*$", described(), re.MULTILINE) == re.findall(r"^#+ .*$", text, re.MULTILINE)
    assert "says how, Architecture where things" in described()
    assert "![" not in described()


@pytest.mark.parametrize(
    "page",
    [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_every_link_of_a_page_leads_to_a_file_that_is_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)

    links = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link]

    assert [link for link in links if link and not (page.parent / link).exists()] == []
