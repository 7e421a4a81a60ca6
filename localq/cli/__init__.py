"""The command line: one short file a group of commands; nothing here is imported by the library."""

from __future__ import annotations

from localq.cli.program import main

__all__ = ["main"]
