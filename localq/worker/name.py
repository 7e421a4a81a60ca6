"""What workers are called: `name@host`, in events, destinations and the names of files."""

from __future__ import annotations

import re
import socket

from localq.exceptions import ImproperlyConfigured

__all__ = ["worker_name"]

_MARKS = re.compile("%(.?)", re.DOTALL)
#: What would end a name in a path, or part names in a list of destinations.
_PARTING = frozenset("/\\,")
#: Bytes of a name, which a file's ending must still fit behind.
_LONGEST = 200
_ALLOWED = (
    "A name is NAME@HOST, or HOST alone, of letters, digits and signs such as - _ . and without white space, control "
    f"characters, commas, / or \\; in all at most {_LONGEST} bytes. %h stands for the host, %n for its name up to "
    "the first dot, %d for its domain, %i for 0, %I for nothing and %% for a percent."
)


def worker_name(given: str | None, usual: str = "localq") -> str:
    """Return a worker's name by Celery's rules: a text without @ is the host; %h, %n and %d are this host's.

    %i and %I, which tell Celery's processes apart, become what they are in its main process: 0 and nothing.

    Args:
        usual: What stands before the @ where nothing is given.

    Raises:
        ImproperlyConfigured: it cannot stand in a file's name or in a list of names.
    """
    local, at, host = (given or "").partition("@")
    if not at:
        local, host = "", local
    name = _expanded(f"{local or usual}@{host or '%h'}", given)
    printable = name.isprintable() and not any(sign.isspace() or sign in _PARTING for sign in name)
    if not printable or len(name.encode()) > _LONGEST:
        raise ImproperlyConfigured(f"A worker cannot be called {given!r}. {_ALLOWED}")
    return name


def _expanded(name: str, given: str | None) -> str:
    host = socket.gethostname()
    short, _, domain = host.partition(".")
    marks = {"h": host, "n": short, "d": domain, "i": "0", "I": "", "%": "%"}

    def meant(mark: re.Match[str]) -> str:
        if mark[1] not in marks:
            said = f"A worker cannot be called {given!r}: {mark[0]!r} stands for nothing."
            raise ImproperlyConfigured(f"{said} {_ALLOWED}")
        return marks[mark[1]]

    return _MARKS.sub(meant, name)
