"""Read the file of Celery's beat: the names of its entries, and when each ran last.

The file is a `shelve` of pickles, and reading a pickle may run any code. Here nothing of it is run: only times and
zones become what they are; a few other classes that such a file holds are replaced by stand-ins, which take
anything and do nothing; whatever else a pickle names is refused.
"""

from __future__ import annotations

import contextlib
import dbm
import io
import pickle
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from localq.exceptions import ImproperlyConfigured, SecurityError

__all__ = ["last_runs"]

#: Endings under which the libraries behind `shelve` keep a file of a name.
_ENDINGS = (".db", ".dat", ".dir", ".bak", ".pag")
_ENTRIES = b"entries"
_SQLITE = b"SQLite format 3\0"
#: Bytes that all entries together may take.
_MOST = 64 << 20


def last_runs(path: Path) -> dict[str, datetime]:
    """Return when each entry of a `celerybeat-schedule` file ran last; those that never ran are left out.

    Args:
        path: The name that beat was given, with or without an ending.

    Raises:
        ImproperlyConfigured: there is no such file, or it is none of beat's.
        SecurityError: it names something that beat does not write there; nothing of it was run.
    """
    data = _stored(path)
    if len(data) > _MOST:
        raise ImproperlyConfigured(f"{path} holds {len(data):,} bytes of entries; beat writes no such files.")
    try:
        entries = _Reader(io.BytesIO(data)).load()
    except SecurityError:
        raise
    except Exception as error:  # damaged bytes give any exception at all
        raise ImproperlyConfigured(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    if not isinstance(entries, Mapping):
        raise ImproperlyConfigured(f"{path} holds no entries of Celery's beat.")
    return {
        str(name): _aware(entry.last_run_at)
        for name, entry in entries.items()
        if isinstance(entry, _Entry) and isinstance(entry.last_run_at, datetime)
    }


def _aware(when: datetime) -> datetime:
    """Return a time in UTC; beat's naive times are that already."""
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


# The file


def _stored(path: Path) -> bytes:
    """Return the pickle of all entries."""
    for name in (path, path.with_suffix("")) if path.suffix in _ENDINGS else (path,):
        if name.is_file() and _begins_with(name, _SQLITE):
            return _from_sqlite(name)
        kind = dbm.whichdb(str(name))
        if kind:
            return _from_dbm(name, kind)
    if not path.exists():
        raise ImproperlyConfigured(f"There is no file {path}. Celery's beat names it celerybeat-schedule.")
    raise ImproperlyConfigured(f"{path} is no file of Celery's beat.")


def _begins_with(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start


def _from_dbm(path: Path, kind: str) -> bytes:
    try:
        with contextlib.closing(dbm.open(str(path), "r")) as shelf:
            return bytes(shelf[_ENTRIES])
    except KeyError:
        raise ImproperlyConfigured(f"{path} holds no entries of Celery's beat.") from None
    except (ImportError, OSError, ValueError, SyntaxError, *dbm.error) as error:
        raise ImproperlyConfigured(
            f"{path} was written by {kind} and cannot be read here: {error}. Run this with the Python that ran beat."
        ) from error


def _from_sqlite(path: Path) -> bytes:
    """Read what Python 3.13 writes (dbm.sqlite3), which older ones have no module for."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT value FROM Dict WHERE key = ?", (_ENTRIES,)).fetchone()
    except sqlite3.Error as error:
        raise ImproperlyConfigured(f"{path} is no file of Celery's beat: {error}.") from error
    if found is None:
        raise ImproperlyConfigured(f"{path} holds no entries of Celery's beat.")
    return bytes(found[0])


# What stands in for classes


class _StandIn:
    """Takes the place of an object whose class is not run."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """Take an item of a list."""


class _Entry(_StandIn):
    """An entry of beat: all that is kept of it is when it ran last."""

    def __init__(self, _name: Any = None, _task: Any = None, last_run_at: Any = None, *_rest: Any) -> None:
        self.last_run_at = last_run_at


class _Zone(tzinfo):
    """A zone of any library, by the standard library's."""

    def __init__(self, *said: Any) -> None:
        self._zone = self._found(*said)

    @staticmethod
    def _found(*said: Any) -> tzinfo:
        return UTC

    @classmethod
    def _unpickle(cls, *said: Any) -> _Zone:
        return cls(*said)

    def __setstate__(self, state: Any) -> None:
        pass

    def utcoffset(self, when: datetime | None) -> timedelta | None:
        return None if when is None else when.replace(tzinfo=self._zone).utcoffset()

    def dst(self, when: datetime | None) -> timedelta | None:
        return None

    def tzname(self, when: datetime | None) -> str | None:
        return str(self._zone)


class _NamedZone(_Zone):
    """A zone that is told by its name (zoneinfo, pytz) or by its file (dateutil)."""

    @staticmethod
    def _found(*said: Any) -> tzinfo:
        names = [str(one).rpartition("zoneinfo/")[2] for one in said if isinstance(one, str)]
        return ZoneInfo(names[0]) if names else UTC


class _OffsetZone(_Zone):
    """A zone that is told by its distance: minutes (pytz), or a name and seconds (dateutil)."""

    @staticmethod
    def _found(*said: Any) -> tzinfo:
        amount = said[-1]
        length = (
            amount
            if isinstance(amount, timedelta)
            else timedelta(**{"minutes" if len(said) == 1 else "seconds": amount})
        )
        return timezone(length)


class _LocalZone(_Zone):
    """This machine's own zone."""

    def utcoffset(self, when: datetime | None) -> timedelta | None:
        return None if when is None else when.replace(tzinfo=None).astimezone().utcoffset()


def _attribute(of: Any, name: str) -> Any:
    """Stand in for `getattr`, with which old pickles reach one method of a zone."""
    if of is not _NamedZone or name != "_unpickle":
        raise SecurityError(f"The file asks for the attribute {name!r}; beat writes no such thing. It is refused.")
    return _NamedZone._unpickle


#: What a name in a pickle stands for; nothing is imported for any of them.
_KNOWN: dict[str, Callable[..., Any]] = {
    "celery.beat.ScheduleEntry": _Entry,
    "datetime.datetime": datetime,
    "datetime.date": date,
    "datetime.time": time,
    "datetime.timedelta": timedelta,
    "datetime.timezone": timezone,
    "zoneinfo.ZoneInfo": _NamedZone,
    "zoneinfo.ZoneInfo._unpickle": _NamedZone._unpickle,
    "builtins.getattr": _attribute,
    "pytz._UTC": _Zone,
    "pytz._p": _NamedZone,
    "pytz.FixedOffset": _OffsetZone,
    "pytz._FixedOffset": _OffsetZone,
    "dateutil.tz.tz.tzutc": _Zone,
    "dateutil.tz.tz.tzfile": _NamedZone,
    "dateutil.tz.tz.tzoffset": _OffsetZone,
    "dateutil.tz.tz.tzlocal": _LocalZone,
    "celery.utils.time.LocalTimezone": _LocalZone,
    **dict.fromkeys(
        (
            "celery.schedules.schedule",
            "celery.schedules.crontab",
            "celery.schedules.solar",
            "celery.utils.time.ffwd",
            "builtins.set",
            "builtins.frozenset",
            "collections.OrderedDict",
            "collections.defaultdict",
            "collections.deque",
            "decimal.Decimal",
            "uuid.UUID",
        ),
        _StandIn,
    ),
}


class _Reader(pickle.Unpickler):
    """Reads a pickle of beat's, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        known = _KNOWN.get(f"{module}.{name}")
        if known is None:
            raise SecurityError(
                f"The file names {module}.{name}, which beat writes only for arguments or schedules of that class. "
                "It is refused; nothing was run. Take the entry out of beat's configuration, start beat once, and "
                "try again."
            )
        return known

    def persistent_load(self, pid: Any) -> Any:
        raise SecurityError("The file names objects outside of it. It is refused; nothing was run.")
