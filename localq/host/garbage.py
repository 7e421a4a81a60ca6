"""What Python's collector of garbage does while very many objects are made of which none is garbage."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

__all__ = ["no_garbage"]


@contextlib.contextmanager
def no_garbage(*, unless: bool = False) -> Iterator[None]:
    """Leave the collector out while objects are made that all stay: it would look at all of them, again and again.

    That takes a tenth of the time to add many jobs. It is the whole process's: what other threads leave behind
    meanwhile is collected afterwards. Where a program has turned it off it stays off.

    Args:
        unless: Leave it in: other code runs in here.
    """
    if unless or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
