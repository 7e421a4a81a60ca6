"""The name of a machine's start."""

from __future__ import annotations

import socket
import sys

import pytest

from localq.host import boot, macos
from localq.host.boot import boot_id


def test_a_start_has_one_name() -> None:
    assert boot_id() == boot_id() != ""


def test_a_system_that_names_no_start_is_told_from_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "Path", lambda path: Gone())
    monkeypatch.setattr(sys, "platform", "win32")

    assert boot_id() == f"any start of {socket.gethostname()}"


def test_a_start_of_macos_is_asked_for_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "Path", lambda path: Gone())
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(macos, "boot_id", lambda: "5E6FFEBE")

    assert boot_id() == "5E6FFEBE"


class Gone:
    """A file that is not there."""

    def read_text(self) -> str:
        raise FileNotFoundError
