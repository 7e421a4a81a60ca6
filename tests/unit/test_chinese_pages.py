"""Pages in Chinese have all that those in English have: sections, blocks, links, tables and lists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.zh.md"), *ROOT.glob("docs/**/*.zh.md")])
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def both(name: str) -> tuple[str, str]:
    """Return a page in English, and in Chinese."""
    path = ROOT / name
    return path.with_name(path.name.replace(".zh.md", ".md")).read_text("utf-8"), path.read_text("utf-8")


def outline(text: str) -> list[str]:
    """Return what a page is made of, in order: levels of headings, blocks, items of lists, lines of tables."""
    plain = FENCED.sub("BLOCK", text)
    found = [re.match(r"(#+|BLOCK|- |\||!\[)", line) for line in plain.splitlines()]
    return [one[1] for one in found if one]


def links(text: str) -> list[str]:
    """Return where a page leads, in any order; to a page in either language is the same."""
    found = re.findall(r"\]\(([^)]+)\)", FENCED.sub("", text))
    return sorted(link.replace(".zh.md", ".md") for link in found)


def test_there_are_pages_in_chinese() -> None:
    assert PAGES == ["README.zh.md", "docs/tutorial.zh.md"]


@pytest.mark.parametrize("name", PAGES)
def test_the_blocks_are_the_same(name: str) -> None:
    english, chinese = both(name)

    assert FENCED.findall(chinese) == FENCED.findall(english)


@pytest.mark.parametrize("name", PAGES)
def test_the_sections_lists_and_tables_are_the_same(name: str) -> None:
    english, chinese = both(name)

    assert outline(chinese) == outline(english)


@pytest.mark.parametrize("name", PAGES)
def test_the_links_lead_to_the_same_pages(name: str) -> None:
    english, chinese = both(name)

    assert links(chinese) == links(english)


@pytest.mark.parametrize("name", PAGES)
def test_each_section_is_told_in_chinese(name: str) -> None:
    _, chinese = both(name)

    sections = re.split(r"^##? .*$", FENCED.sub("", chinese), flags=re.MULTILINE)[1:]

    silent = [text for text in sections if text.strip() and not re.search(r"[\u4e00-\u9fff]", text)]
    assert silent == []


@pytest.mark.parametrize("name", PAGES)
def test_each_page_leads_to_the_other_language(name: str) -> None:
    english, chinese = both(name)

    assert f"]({Path(name).name})" in english
    assert f"]({Path(name).name.replace('.zh.md', '.md')})" in chinese
