"""The page about troubleshooting names messages and commands that there are."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from localq.cli.program import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
#: All texts of the package, those that go over several lines put together.
SAID = "\n".join(
    re.sub(r"\"\n\s*f?\"", "", path.read_text("utf-8")) for path in sorted((ROOT / "localq").rglob("*.py"))
)
MESSAGES = re.findall(r"^\| (`.*?) \|", PAGE.partition("## Messages")[2], re.MULTILINE)
COMMANDS = re.findall(r"`localq ([^`]+)`", PAGE)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_page_is_said_somewhere(message: str) -> None:
    parts = re.findall(r"`([^`]+)`", message)

    assert parts
    assert [part for part in parts if part not in SAID] == []


@pytest.mark.parametrize("line", sorted(set(COMMANDS)))
def test_a_command_of_the_page_is_there_with_its_options(line: str) -> None:
    command: click.Command | None = main
    for word in line.split():
        if isinstance(command, click.Group) and not word.startswith("-"):
            found = command.get_command(click.Context(command), word)
            if found is not None:
                command = found
        elif word.startswith("-"):
            assert command is not None
            options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
            assert word in options, f"localq {line}: {command.name} has no {word}"

    assert command is not main
