"""What workers are called: `name@host`, in events, destinations and the names of files."""

from __future__ import annotations

import re
import socket

from localq.exceptions import ImproperlyConfigured

__all__ = ["worker_name"]

_DEFAULT = "localq@%h"
_MARKS = re.compile("%(.?)", re.DOTALL)
#: What would end a name in a path, or part names in a list of destinations.
_PARTING = frozenset("/\\,")
#: Bytes of a name, which a file's ending must still fit behind.
_LONGEST = 200
_ALLOWED = (
    "A name is NAME or NAME@HOST, of letters, digits and signs such as - _ . and without white space, control "
    f"characters, commas, / or \\; in all at most {_LONGEST} bytes. %h stands for the host, %n for its name up to "
    "the first dot or for what stands before the @, %d for its domain, %i for 0, %I for nothing and %% for a percent."
)


def worker_name(given: str | None) -> str:
    """Return a worker's name: %h becomes the host's name, %n the part before the @, %d the domain, %% a percent.

    %i and %I, which tell Celery's processes apart, become what they are in its main process: 0 and nothing.

    Raises:
        ImproperlyConfigured: it cannot stand in a file's name or in a list of names.
    """
    name = _expanded(_DEFAULT if given is None else given)
    name = name if "@" in name or not name else f"{name}@{socket.gethostname()}"
    local, _, host = name.partition("@")
    printable = name.isprintable() and not any(sign.isspace() or sign in _PARTING for sign in name)
    if not (local and host and printable and len(name.encode()) <= _LONGEST):
        raise ImproperlyConfigured(f"A worker cannot be called {given!r}. {_ALLOWED}")
    return name


def _expanded(given: str) -> str:
    host = socket.gethostname()
    short, _, domain = host.partition(".")
    local = given.partition("@")[0] if "@" in given else short
    marks = {"h": host, "n": short if "%" in local else local, "d": domain, "i": "0", "I": "", "%": "%"}

    def meant(mark: re.Match[str]) -> str:
        if mark[1] not in marks:
            said = f"A worker cannot be called {given!r}: {mark[0]!r} stands for nothing."
            raise ImproperlyConfigured(f"{said} {_ALLOWED}")
        return marks[mark[1]]

    return _MARKS.sub(meant, given)
