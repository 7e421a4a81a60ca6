"""Whether a process of this computer lives, by its number."""

from __future__ import annotations

import os

__all__ = ["is_alive"]

_SYNCHRONIZE = 0x0010_0000
_STILL_RUNNING = 0x102


def is_alive(pid: int) -> bool:
    """Whether a process of that number is there; of somebody else's, too. The number may have been given anew."""
    if os.name == "nt":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _is_alive_on_windows(pid: int) -> bool:
    import ctypes

    # There os.kill ends a process, whatever the signal.
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    handle = kernel.OpenProcess(_SYNCHRONIZE, False, pid)
    if not handle:
        return False
    try:
        return bool(kernel.WaitForSingleObject(handle, 0) == _STILL_RUNNING)
    finally:
        kernel.CloseHandle(handle)
