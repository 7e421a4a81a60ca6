"""Pages can be read as they lie in the repository, where nothing draws the directives of the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
#: Directives that leave nothing to read out: a list of pages that stands in the sidebar alone.
PLAIN = {"toctree"}
#: What is made of docstrings: their list is text all the same.
MADE = {"reference.md": {"eval-rst"}}
#: Files that a page shows, whole or from one line to another.
SHOWN = {
    "containers.md": [("containers/Dockerfile", None), ("containers/compose.yaml", None)],
    "daemons.md": [
        ("systemd/localq.service", None),
        ("systemd/localq@.service", ("[Service]", "[Install]")),
        ("systemd/localq-multi.service", ("[Service]", "[Install]")),
    ],
    "many-hosts.md": [("many_hosts/compose.yaml", None), ("many_hosts/compose.postgres.yaml", None)],
    "servers.md": [("servers/uwsgi.ini", None), ("servers/nginx.conf", None)],
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_has_its_text_and_not_the_name_of_where_it_lies(page: Path) -> None:
    directives = set(re.findall(r"^(?:`{3,}|:{3,})\{([\w-]+)\}", page.read_text("utf-8"), re.MULTILINE))

    assert directives <= PLAIN | MADE.get(page.name, set())


@pytest.mark.parametrize(
    ("page", "name", "part"), [(page, name, part) for page, shown in SHOWN.items() for name, part in shown]
)
def test_what_a_page_shows_of_an_example_is_what_lies_there(page: str, name: str, part: tuple[str, str] | None) -> None:
    text = (ROOT / "examples" / name).read_text("utf-8")
    if part is not None:
        text = text[text.index(part[0]) : text.index(part[1])]

    assert f"\n{text.strip()}\n```" in (DOCS / page).read_text("utf-8"), f"examples/{name} has changed: show it anew"


def test_every_decision_is_in_their_list_by_its_title() -> None:
    index = (DOCS / "decisions" / "index.md").read_text("utf-8")
    pages = sorted((DOCS / "decisions").glob("0*.md"))

    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", index, re.MULTILINE)

    assert listed == [(page.read_text("utf-8").partition("\n")[0].removeprefix("# "), page.name) for page in pages]


def test_every_page_can_be_reached_from_the_first_by_links() -> None:
    reached, new = set(), {DOCS / "index.md"}
    while new:
        page = new.pop()
        reached.add(page)
        links = re.findall(r"\]\(([^)#:]+\.md)", page.read_text("utf-8"))
        new |= {found for link in links if (found := (page.parent / link).resolve()) in PAGES} - reached

    assert sorted(set(PAGES) - reached) == []
