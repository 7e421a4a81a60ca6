"""The working folder, which may be gone: a deployment removes a release's folder under its programs."""

from __future__ import annotations

import os

__all__ = ["working_folder"]


def working_folder() -> str | None:
    """Return this process's working folder, or None where it was removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None
