"""Who a process is, and where it works: changed before anything of a program's is imported."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

from localq.cli.app_import import LoadError

__all__ = ["become"]

#: The highest number of a user or group; the one above means "leave it as it is".
_HIGHEST_ID = 2**32 - 2


def become(workdir: str | None, umask: int | None, gid: str | None, uid: str | None) -> None:
    """Change this process: its working folder, the umask, and who it is, by name or number.

    Raises:
        LoadError: it cannot be.
    """
    if (uid is not None or gid is not None) and not hasattr(os, "setuid"):
        raise LoadError("Nobody can become another user here: start it as the one it is to be.")
    try:
        group = None if gid is None else _number(gid, lambda name: _database("grp").getgrnam(name).gr_gid, "group")
        user = None if uid is None else _number(uid, lambda name: _database("pwd").getpwnam(name).pw_uid, "user")
        if user is not None and os.geteuid() != user:
            _become_user(user, group)
        elif group is not None and os.getegid() != group:
            os.setgid(group)
        if umask is not None:
            os.umask(umask)
        if workdir is not None:
            os.chdir(workdir)
    except PermissionError as error:
        what = f"enter {workdir}" if error.filename else "run as another user or group: only root may"
        raise LoadError(f"Cannot {what} ({error.strerror}).") from None
    except OSError as error:
        raise LoadError(f"Cannot work in {workdir}: {error.strerror}.") from None


def _become_user(user: int, group: int | None) -> None:
    try:
        entry = _database("pwd").getpwuid(user)
    except KeyError:
        os.setgroups([])
        os.setgid(user if group is None else group)
    else:
        os.initgroups(entry.pw_name, entry.pw_gid if group is None else group)
        os.setgid(entry.pw_gid if group is None else group)
        os.environ.update(HOME=entry.pw_dir, USER=entry.pw_name, LOGNAME=entry.pw_name)
    os.setuid(user)


def _number(text: str, find: Callable[[str], int], what: str) -> int:
    if text.isdecimal() and int(text) <= _HIGHEST_ID:
        return int(text)
    try:
        return find(text)
    except KeyError:
        raise LoadError(f"There is no {what} {text!r}.") from None


def _database(name: str) -> Any:
    """Return the system's list of users or groups, which not every system has."""
    return importlib.import_module(name)
