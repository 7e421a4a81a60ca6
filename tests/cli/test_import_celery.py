"""`localq import-celery`: beat's own file, written by Celery 5.7 (data/), and files that must not be trusted."""

from __future__ import annotations

import dbm
import dbm.dumb
import decimal
import importlib
import io
import os
import pickle
import shutil
import sqlite3
import sys
import uuid
from collections import OrderedDict, deque
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from localq import LocalQ
from localq.cli import main
from localq.contrib.celery.beat_file import last_runs
from localq.exceptions import ImproperlyConfigured, SecurityError
from tests.cli.runner import runner

GENUINE = Path(__file__).parent / "data" / "celerybeat-schedule"
NIGHTLY = datetime(2026, 11, 26, 9, 35, tzinfo=UTC)
#: The libraries behind `shelve` and the modules they need, of those this Python has.
KINDS = [kind for kind, module in {"dumb": "dbm.dumb", "gnu": "_gdbm", "ndbm": "_dbm"}.items() if find_spec(module)]


def entries() -> bytes:
    with dbm.open(str(GENUINE), "r") as shelf:
        return shelf[b"entries"]


def shelf(path: Path, data: bytes) -> Path:
    with dbm.dumb.open(str(path), "c") as made:
        made[b"entries"] = data
    return path


def sqlite_shelf(path: Path, data: bytes) -> Path:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)")
    connection.execute("INSERT INTO Dict VALUES (?, ?)", (b"entries", data))
    connection.commit()
    connection.close()
    return path


def test_a_genuine_file_gives_names_and_last_runs() -> None:
    found = last_runs(GENUINE)

    assert set(found) == {"nightly", "often", "plain", "celery.backend_cleanup"}
    assert all(abs(when - NIGHTLY) < timedelta(minutes=1) for when in found.values())
    assert all(when.tzinfo is UTC for when in found.values())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_shelf_is_read(tmp_path: Path, kind: str) -> None:
    library = importlib.import_module(f"dbm.{kind}")
    with library.open(str(tmp_path / "celerybeat-schedule"), "c") as made:
        made[b"entries"] = entries()

    assert last_runs(tmp_path / "celerybeat-schedule") == last_runs(GENUINE)


def test_a_shelf_of_newer_pythons_is_read_without_their_module(tmp_path: Path) -> None:
    assert last_runs(sqlite_shelf(tmp_path / "celerybeat-schedule", entries())) == last_runs(GENUINE)


def test_the_ending_of_a_file_may_be_given(tmp_path: Path) -> None:
    for ending in (".bak", ".dat", ".dir"):
        shutil.copy(f"{GENUINE}{ending}", tmp_path)

    assert last_runs(tmp_path / "celerybeat-schedule.dat") == last_runs(GENUINE)


class Entry:
    """Pickles as an entry of beat does."""

    def __init__(self, when: Any, *more: Any) -> None:
        self.when, self.more = when, more

    def __reduce__(self) -> Any:
        return Named("celery.beat", "ScheduleEntry"), ("x", "t", self.when, 1, *self.more)


class Named:
    """Pickles as a global of any name: what the tests need is written into the bytes afterwards."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self, *args: Any) -> Any:
        raise AssertionError("only pickled")

    def __reduce__(self) -> str:
        return f"{self.module}:{self.name}"


class Writer(pickle._Pickler):  # type: ignore[misc, name-defined]
    """Writes globals that need not exist here."""

    def save_global(self, obj: Any, name: str | None = None) -> None:
        if isinstance(obj, Named):
            self.save(obj.module)
            self.save(obj.name)
            self.write(pickle.STACK_GLOBAL)
            self.memoize(obj)
        else:
            super().save_global(obj, name)


def pickled(value: Any) -> bytes:
    file = io.BytesIO()
    Writer(file, 4).dump(value)
    return file.getvalue()


@pytest.mark.parametrize(
    ("module", "name", "args", "hours"),
    [
        ("zoneinfo", "ZoneInfo._unpickle", ("Europe/Berlin", 1), 1),
        ("pytz", "_p", ("Asia/Tokyo", 33540, 0, "LMT"), 9),
        ("pytz", "_UTC", (), 0),
        ("pytz", "_FixedOffset", (120,), 2),
        ("dateutil.tz.tz", "tzutc", (), 0),
        ("dateutil.tz.tz", "tzfile", (None, "/usr/share/zoneinfo/Europe/Berlin"), 1),
        ("dateutil.tz.tz", "tzoffset", ("X", 7200), 2),
        ("datetime", "timezone", (timedelta(hours=3),), 3),
    ],
)
def test_zones_of_every_library_are_known_by_name(
    tmp_path: Path, module: str, name: str, args: tuple[Any, ...], hours: int
) -> None:
    stamp = datetime(2026, 1, 2, 12).__reduce_ex__(4)[1][0]

    class When:
        def __reduce__(self) -> Any:
            return datetime, (stamp, Call())

    class Call:
        def __reduce__(self) -> Any:
            return Named(module, name), args

    path = shelf(tmp_path / "beat", pickled({"x": Entry(When())}))

    assert last_runs(path) == {"x": datetime(2026, 1, 2, 12 - hours, tzinfo=UTC)}


def test_naive_times_are_utc(tmp_path: Path) -> None:
    path = shelf(tmp_path / "beat", pickled({"x": Entry(datetime(2026, 1, 2)), "never": Entry(None)}))

    assert last_runs(path) == {"x": datetime(2026, 1, 2, tzinfo=UTC)}


def test_arguments_of_usual_kinds_are_passed_over(tmp_path: Path) -> None:
    more = [decimal.Decimal("1.5"), uuid.UUID(int=5), OrderedDict(a=1), deque([1]), {1}, frozenset({2}), UTC]
    path = shelf(tmp_path / "beat", pickled({"x": Entry(datetime(2026, 1, 2), *more)}))

    assert list(last_runs(path)) == ["x"]


@pytest.mark.parametrize(
    "bad",
    [
        (os.system, ("touch harmed",)),
        (eval, ("1",)),
        (getattr, ("x", "__class__")),
        (__import__, ("os",)),
        (Named("celery.schedules", "maybe_make_aware"), ()),
        (Named("datetime", "sys.modules"), ()),
    ],
)
def test_whatever_else_a_file_names_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: tuple[Any, tuple[Any, ...]]
) -> None:
    monkeypatch.chdir(tmp_path)

    class Bad:
        def __reduce__(self) -> Any:
            return bad

    path = shelf(tmp_path / "beat", pickled({"x": Entry(datetime(2026, 1, 2), Bad())}))

    with pytest.raises(SecurityError, match="refused"):
        last_runs(path)
    assert not (tmp_path / "harmed").exists()


def test_what_is_no_file_of_beat_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    sqlite3.connect(tmp_path / "other.sqlite").execute("CREATE TABLE t (x)").connection.close()
    for path, words in (
        (tmp_path / "missing", "There is no file"),
        (tmp_path / "text", "is no file of Celery's beat"),
        (tmp_path / "other.sqlite", "is no file of Celery's beat"),
        (shelf(tmp_path / "list", pickle.dumps([1])), "holds no entries"),
        (shelf(tmp_path / "cut", entries()[:50]), "cannot be read"),
    ):
        with pytest.raises(ImproperlyConfigured, match=words):
            last_runs(path)


# The command


PROGRAM = """
from localq import LocalQ
from localq.schedules import crontab

q = LocalQ("shop", path="{path}", durability="normal")
q.conf.timezone = "Europe/Berlin"


@q.task
def report(*args):
    pass


q.conf.beat_schedule = {{
    "nightly": {{"task": "migrated_shop.report", "schedule": crontab(hour=2, minute=30)}},
    "often": {{"task": "migrated_shop.report", "schedule": 3600}},
    "new": {{"task": "migrated_shop.report", "schedule": 3600}},
}}
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "migrated_shop.py"
    path.write_text(PROGRAM.format(path=tmp_path / "jobs.db"))
    return path


def imported(program: Path, file: Path) -> Result:
    sys.modules.pop("migrated_shop", None)
    result = runner().invoke(main, ["import-celery", str(file), "-A", str(program)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def file_of(tmp_path: Path, ago: timedelta) -> tuple[Path, datetime]:
    """Return a file whose entries ran so long ago, on a whole second."""
    when = datetime.now(UTC).replace(microsecond=0) - ago
    names = ("nightly", "often", "gone", "celery.backend_cleanup")
    return shelf(tmp_path / "beat", pickled({name: Entry(when) for name in names})), when


def test_schedules_go_on_from_their_last_runs_elsewhere(q: LocalQ, program: Path, tmp_path: Path) -> None:
    file, when = file_of(tmp_path, timedelta(minutes=10))

    result = imported(program, file)

    assert result.exit_code == 0
    rows = {line.split("\t")[0]: line.split("\t")[2] for line in result.output.splitlines()}
    assert rows["often"] == f"goes on: next at {(when + timedelta(hours=1)).isoformat(sep=' ')}"
    assert rows["gone"] == "not a schedule of this app"
    assert rows["celery.backend_cleanup"].startswith("not needed")
    often = q.schedules.get("often")
    assert (often.last, often.next, often.runs) == (when, when + timedelta(hours=1), 0)
    assert q.schedules.ledger("often")[0].reason == "run before, elsewhere"
    assert q.schedules.get("new").last is None


def test_what_is_overdue_is_due_at_once(q: LocalQ, program: Path, tmp_path: Path) -> None:
    file, when = file_of(tmp_path, timedelta(days=2))

    imported(program, file)

    assert q.schedules.get("often").next == when + timedelta(hours=1)
    nightly = q.schedules.get("nightly").next
    assert nightly is not None
    assert when < nightly <= when + timedelta(days=1)


def test_what_has_run_here_keeps_its_times(q: LocalQ, program: Path, tmp_path: Path) -> None:
    file, when = file_of(tmp_path, timedelta(minutes=10))
    imported(program, file)

    again = imported(program, file)

    assert again.exit_code == 1
    assert "has run here already: last at" in again.output
    assert q.schedules.get("often").next == when + timedelta(hours=1)


def test_an_app_without_schedules_is_refused(tmp_path: Path) -> None:
    result = runner().invoke(main, ["--path", str(tmp_path / "jobs.db"), "import-celery", str(GENUINE)])

    assert result.exit_code == 2
    assert "The app configures no schedules" in result.output
