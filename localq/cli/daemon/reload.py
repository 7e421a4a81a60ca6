"""A worker that begins anew when its program's files change: for development."""

from __future__ import annotations

import contextlib
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import click

__all__ = ["Reloading", "changed", "watched"]

#: Seconds between looks.
_LOOK_S = 0.5


def watched() -> dict[str, int]:
    """Return when the files of a program's own modules were written (ns), but for what is installed."""
    installed = {*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_paths()["stdlib"]}
    files = {}
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if not isinstance(name, str) or not name.endswith(".py"):
            continue
        path = os.path.abspath(name)
        if not any(path.startswith(f"{folder}{os.sep}") for folder in installed):
            with contextlib.suppress(OSError):
                files[path] = os.stat(path).st_mtime_ns
    return files


def changed(before: dict[str, int], now: dict[str, int]) -> list[str]:
    """Return the files that were there before and are others now, or gone."""
    return sorted(path for path, written in before.items() if now.get(path) != written)


class Reloading:
    """Looks at files in a thread, and calls when one changed and all that changed can be read as Python.

    Args:
        restart: Called once, in that thread.
    """

    def __init__(self, restart: Callable[[], None]) -> None:
        self._restart = restart
        self._ended = threading.Event()
        self._files = watched()

    @contextlib.contextmanager
    def while_running(self) -> Iterator[None]:
        """Look within the block."""
        threading.Thread(target=self._run, name="LocalQ-reload", daemon=True).start()
        try:
            yield
        finally:
            self._ended.set()

    def _run(self) -> None:
        told: dict[str, int] = {}
        while not self._ended.wait(_LOOK_S):
            now = watched()
            others = changed({**self._files, **told}, now)
            if not others:
                continue
            told.update({path: now.get(path, 0) for path in others})
            wrong = [said for path in changed(self._files, now) if (said := _wrong_with(path))]
            if wrong:
                click.echo(f"localq: not reloaded: {wrong[0]}", err=True)
                continue
            click.echo(f"localq: {os.path.relpath(others[0])} changed: reloading", err=True)
            self._restart()
            return


def _wrong_with(path: str) -> str | None:
    """Return why a file cannot be read as Python, or None."""
    try:
        compile(Path(path).read_bytes(), path, "exec")
    except (SyntaxError, ValueError) as error:
        return f"{os.path.relpath(path)}: {error}"
    except OSError:
        # Removed, or just being written: the import will say.
        return None
    return None
