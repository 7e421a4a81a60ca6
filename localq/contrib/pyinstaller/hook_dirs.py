"""Where PyInstaller finds what it must know of LocalQ, by the entry point `pyinstaller40`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["hook_dirs"]


def hook_dirs() -> list[str]:
    """Return the folder of the hook."""
    return [str(Path(__file__).parent)]
