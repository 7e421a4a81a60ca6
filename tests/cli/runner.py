"""Run commands inside the test, with any version of click that LocalQ works with."""

from __future__ import annotations

import inspect
from typing import Any

from click.testing import CliRunner, Result

__all__ = ["runner"]


class _Before82(CliRunner):
    """Keeps standard error apart, and has both streams as the output, as click does from 8.2 on."""

    def __init__(self) -> None:
        super().__init__(mix_stderr=False)  # type: ignore[call-arg]

    def invoke(self, *args: Any, **more: Any) -> Result:
        result = super().invoke(*args, **more)
        result.__class__ = _BothStreams
        return result


class _BothStreams(Result):
    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def stdout(self) -> str:
        return self.stdout_bytes.decode("utf-8", "replace").replace("\r\n", "\n")


def runner() -> CliRunner:
    """Return what runs commands."""
    return _Before82() if "mix_stderr" in inspect.signature(CliRunner).parameters else CliRunner()
