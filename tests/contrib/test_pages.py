"""The blocks of pages about programs, run as they stand there."""

from __future__ import annotations

import configparser
import importlib.util
import plistlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tutorial.project import Project

DJANGO_TASKS = "django.tasks" if importlib.util.find_spec("django.tasks") else "django_tasks"
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.close()


def blocks(page: str) -> list[str]:
    """Return the Python blocks of a page."""
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


def written(page: str) -> dict[str, str]:
    """Return the files that blocks name in their first lines; blocks without a name belong to the one before."""
    files: dict[str, str] = {}
    name = ""
    for block in blocks(page):
        if found := re.match(r"# (\S+\.py)\n", block):
            name = found[1]
        files[name] = files.get(name, "") + block
    return files


def test_the_page_about_django_is_a_project_that_runs(project: Project) -> None:
    files = written("django.md")
    # Django 5.2 has the package instead.
    files["orders/tasks.py"] = files["orders/tasks.py"].replace(
        "from django.tasks import", f"from {DJANGO_TASKS} import"
    )
    for name in sorted(files, reverse=True):
        project.write(name, files[name])

    worker = project.worker("worker -A shop -c 1 -l info")
    told = project.python("""
        import os
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        import django
        django.setup()
        from datetime import datetime, timezone
        from shop import celery_app
        from orders import tasks
        from localq.store.protocol import Filter

        class Order:
            pk = 7
            def save(self):
                pass

        tasks.place(Order())
        print(tasks.confirm.delay(8).get(timeout=120))
        result = tasks.later(datetime.now(timezone.utc))
        print(celery_app.AsyncResult(result.id).name)
        print(len(celery_app.store.read.find(Filter(tasks=("orders.tasks.confirm",)), 10).jobs))
    """)

    assert worker.stop() == 0
    assert told == ["order 8 is confirmed", "orders.tasks.remind", "2"]


def test_the_blocks_about_flask_are_an_application_that_runs(project: Project) -> None:
    app, make, _ = blocks("web.md")
    project.write("app.py", app)
    project.write("make_localq.py", make)

    worker = project.worker("worker -A make_localq -c 1 -l info")
    told = project.python("from make_localq import q; import app; print(app.greet.delay('you').get(timeout=120))")

    assert worker.stop() == 0
    assert told == ["app greets you"]


def test_the_block_about_fastapi_is_a_service_that_runs(project: Project) -> None:
    project.write("api.py", blocks("web.md")[2])

    told = project.python("""
        from fastapi.testclient import TestClient
        from api import app

        with TestClient(app) as client:
            answer = client.post("/squares/12")
            print(answer.status_code)
            while (shown := client.get(answer.json()["url"], params={"wait": 3})).status_code == 202:
                pass
            print(shown.status_code, shown.json())
    """)

    assert told == ["202", "200 {'result': 144}"]


def test_the_service_of_the_page_answers_for_jobs_that_run_that_failed_and_that_are_not(project: Project) -> None:
    project.write("api.py", blocks("web.md")[2])

    told = project.python("""
        from fastapi.testclient import TestClient
        from api import app, q, square

        client = TestClient(app)
        waits, fails = square.delay(12), square.delay("three")
        for wait in (0, 0.1):
            answer = client.get(f"/squares/{waits.id}", params={"wait": wait})
            print(answer.status_code, answer.json())
        with q.running(concurrency=1):
            fails.get(propagate=False)
        for id in (fails.id, "no-such-job"):
            answer = client.get(f"/squares/{id}")
            print(answer.status_code, answer.json())
        print(client.get(f"/squares/{waits.id}", params={"wait": 60}).status_code)
    """)

    assert told == [
        "202 {'state': 'PENDING'}",
        "202 {'state': 'PENDING'}",
        "500 {'detail': \"TypeError: can't multiply sequence by non-int of type 'str'\"}",
        "404 {'detail': 'There is no job no-such-job'}",
        "422",
    ]


def test_the_script_of_its_page_runs_and_its_second_run_has_nothing_to_do(project: Project) -> None:
    script, completed = blocks("scripts.md")[:2]
    project.write("measures.py", script)
    project.write(
        "seen.py", "from measures import measure, q\nnames = ['a', 'bc']\nwith q.running():\n" + indented(completed)
    )
    count = "from measures import q; print(sum(q.store.read.stats().counts.values()))"

    for _ in range(2):
        assert project.python("import runpy; runpy.run_path('measures.py', run_name='__main__')") == ["1", "2", "3"]
    assert project.python(count) == ["3"]
    assert project.python("import seen") == []
    assert project.python(count) == ["5"]


def indented(block: str) -> str:
    return "".join(f"    {line}" for line in block.splitlines(keepends=True))


def test_the_lock_of_the_page_about_desktop_programs_is_taken_once_and_let_go_of_at_the_end(project: Project) -> None:
    (lock,) = [block for block in blocks("desktop.md") if "only_instance" in block]
    project.write("one.py", lock)
    second = "from one import only_instance; print(only_instance('lock') is None)"

    told = project.python(f"""
        import subprocess, sys
        from one import only_instance
        kept = only_instance("lock")
        print(subprocess.run([sys.executable, "-c", {second!r}], capture_output=True, text=True).stdout, end="")
    """)

    assert told == ["True"]
    assert project.python(second) == ["False"]


def test_what_starts_a_desktop_program_with_the_session_can_be_read_by_its_system() -> None:
    text = Path("docs/desktop.md").read_text()
    linux, macos, windows = (re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)[0] for kind in ("ini", "xml", "bat"))

    entry = configparser.RawConfigParser()
    entry.read_string(linux)
    said = plistlib.loads(macos.encode())
    command = shlex.split(windows.replace("\\", "/").replace('/"', '\\"'))

    assert entry["Desktop Entry"]["type"] == "Application"
    assert shlex.split(entry["Desktop Entry"]["exec"]) == ["/opt/archiver/archiver", "--hidden"]
    assert said["RunAtLoad"] is True
    assert said["ProgramArguments"][1:] == ["--hidden"]
    assert command[:3] == ["reg", "add", "HKCU/Software/Microsoft/Windows/CurrentVersion/Run"]
    assert shlex.split(command[-1]) == ["C:/Program Files/Archiver/archiver.exe", "--hidden"]
