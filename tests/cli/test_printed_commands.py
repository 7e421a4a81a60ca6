"""Commands of LocalQ that README and the pages print: they are there, with their options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from localq.cli.commands.worker import worker
from localq.cli.program import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: It has a grammar of its own, in which every word may be a worker's name or an option of a worker's.
OWN_GRAMMAR = {"multi"}


def printed(text: str) -> list[str]:
    """Return the command lines of a page, in blocks and in sentences."""
    joined = text.replace("\\\n", " ")
    blocks = [line for kind, block in FENCED.findall(joined) if kind == "bash" for line in block.splitlines()]
    said = [one.replace("\n", " ") for one in re.findall(r"`([^`]+)`", FENCED.sub("", joined))]
    commands = [command for line in blocks for command in re.split(r"\|+|&&|;", re.sub(r"\s#.*", "", line))]
    found = [re.search(r"(?:^|\s|/)localq(\s.*)", one) for one in commands]
    found += [re.match(r"(?:\S*/)?localq(\s.*)", one) for one in said if "\\|" not in one]
    return [one[1].strip() for one in found if one]


def misfit(line: str) -> str | None:
    """Return what LocalQ would not take of a command line; names of the reader's own are taken for right."""
    command: click.Command = main
    words = shlex.split(line)
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            name = word.partition("=")[0]
            option = next((one for one in _options(command) if name in (*one.opts, *one.secondary_opts)), None)
            if option is None:
                return f"{command.name} has no option {name}"
            if not option.is_flag and not option.count and "=" not in word and words:
                words.pop(0)
        elif isinstance(command, click.Group):
            below = command.get_command(click.Context(command), word)
            if below is None:
                return None if word.isupper() else f"{command.name} has no command {word}"
            if word in OWN_GRAMMAR:
                return None
            command = below
    return None


def _options(command: click.Command) -> list[click.Option]:
    """Return the options that a command takes: its own, and those that all take; before a command, a worker's too."""
    beside = worker if command is main else main
    there = [*command.get_params(click.Context(command)), *beside.get_params(click.Context(beside))]
    return [one for one in there if isinstance(one, click.Option)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_of_a_page_are_there_with_their_options(page: Path) -> None:
    assert [said for line in printed(page.read_text("utf-8")) if (said := misfit(line))] == []


def test_commands_are_found_and_what_is_wrong_of_them_is_told() -> None:
    text = (
        "```bash\nsudo /srv/bin/localq -A s status | wc  # all\n```\n`localq jobs`, `localq top --jsno`, `localq\nlist`"
    )

    lines = printed(text)

    assert lines == ["-A s status", "jobs", "top --jsno", "list"]
    assert list(map(misfit, lines)) == [None, "main has no command jobs", "top has no option --jsno", None]
