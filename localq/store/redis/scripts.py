"""Scripts that run on the server: each is whole or not at all, and nobody else's comes between."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Script", "script"]

_FOLDER = Path(__file__).parent / "lua"
#: What every script begins with.
_BASE = "base"


class Script(NamedTuple):
    """A script; the server knows it by its `sha`. `reads`: it writes nothing."""

    name: str
    text: bytes
    sha: str
    reads: bool


@cache
def script(*parts: str, reads: bool = False) -> Script:
    """Return the script made of files in the folder `lua`, after `base`; the last one names it.

    Files before the last define local functions, and know those of files before them; the last one does the work. Its
    arguments begin at ARGV[2].
    """
    text = b"\n".join((_FOLDER / f"{part}.lua").read_bytes() for part in (_BASE, *parts))
    return Script(parts[-1], text, hashlib.sha1(text, usedforsecurity=False).hexdigest(), reads)
