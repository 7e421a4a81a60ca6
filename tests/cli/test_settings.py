"""`localq settings`, `upgrade settings` and `check`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from localq import current
from localq.cli import main
from tests.cli.runner import runner

APP = """\
from localq import LocalQ
q = LocalQ("shop", path="jobs.db", broker="redis://u:secret@h/1", worker_concurrency=3)
q.conf.result_expire = 5
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """Return a function that runs `localq` in a folder of its own, where `shopapp.py` has an app."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shopapp.py").write_text(APP)
    yield lambda *words: runner().invoke(main, list(words))
    __import__("sys").modules.pop("shopapp", None)
    current.set_app(None)


def test_settings_that_were_changed_are_shown_with_what_set_them(run: Callable[..., Result]) -> None:
    done = run("settings", "-A", "shopapp")

    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("broker_url", "'redis://u:********@h/1'", "LocalQ(...)"),
        ("worker_concurrency", "3", "LocalQ(...)"),
        ("result_expire", "5", "app.conf"),
    ]
    assert rows[1][2] == "None"
    assert rows[1][4].startswith("Slots; ")


def test_what_is_odd_about_them_is_told_apart(run: Callable[..., Result]) -> None:
    told = run("settings", "-A", "shopapp").stderr

    assert "localq: warning: Setting broker_url is 'redis://u:********@h/1' and has no effect" in told
    assert "result_expire (in app.conf) is no setting, and has no effect. Did you mean 'result_expires'?" in told


def test_all_settings_are_shown_when_asked(run: Callable[..., Result]) -> None:
    rows = json.loads(run("settings", "--all", "--json").stdout)

    assert len(rows) > 207
    assert {"name": "task_protocol", "used": False}.items() <= next(
        r for r in rows if r["name"] == "task_protocol"
    ).items()


def test_settings_are_named_by_pattern_and_by_old_name(run: Callable[..., Result]) -> None:
    rows = json.loads(run("settings", "--json", "worker_h*", "CELERY_QUEUES").stdout)

    assert [row["name"] for row in rows] == ["task_queues", "worker_heartbeat", "worker_hijack_root_logger"]


def test_a_setting_that_is_not_there_names_the_nearest(run: Callable[..., Result]) -> None:
    done = run("settings", "worker_pol")

    assert done.exit_code == 2
    assert "There is no setting 'worker_pol'. Did you mean 'worker_pool'?" in done.stderr


def test_old_names_are_rewritten_and_the_file_kept(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_text("BROKER_URL = 1\n")

    done = run("upgrade", "settings", "old.py")

    assert done.stdout == "old.py:1: BROKER_URL -> broker_url\n1 changed.\n"
    assert path.read_text() == "broker_url = 1\n"
    assert (tmp_path / "old.py.orig").read_text() == "BROKER_URL = 1\n"
    assert run("upgrade", "settings", "old.py").stdout == "Nothing has to be changed.\n"


@pytest.mark.parametrize(
    ("options", "text", "kept"),
    [
        (["--django"], "CELERY_BROKER_URL = 'ä'\n", True),
        (["--compat", "--no-backup"], "CELERY_BROKER_URL = 'ä'\n", False),
        (["--dry-run"], "BROKER_URL = 'ä'\n", False),
    ],
)
def test_the_rewriting_has_options(
    run: Callable[..., Result], tmp_path: Path, options: list[str], text: str, kept: bool
) -> None:
    path = tmp_path / "old.py"
    path.write_bytes(b"# coding: latin-1\n" + "BROKER_URL = 'ä'\n".encode("latin-1"))

    assert run("upgrade", "settings", "old.py", *options).exit_code == 0

    assert path.read_text("latin-1") == f"# coding: latin-1\n{text}"
    assert (tmp_path / "old.py.orig").exists() is kept


def test_a_file_that_is_no_python_is_left_alone(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("BROKER_URL = (\n")

    done = run("upgrade", "settings", "old.py")

    assert done.exit_code == 2
    assert "old.py is no Python module" in done.stderr


@pytest.mark.parametrize("words", [("check", "-A", "shopapp"), ("-A", "shopapp", "check"), ("check", "shopapp")])
def test_a_project_is_checked(run: Callable[..., Result], words: tuple[str, ...]) -> None:
    done = run(*words)

    assert done.exit_code == 1
    assert "shopapp.py:3: error: result_expire is no setting, and has no effect." in done.stdout
    assert "shopapp.py:2: note: broker has no effect: path= comes first\n" in done.stdout
    assert done.stdout.endswith("\n1 file read: 1 thing stops this program, 1 can go.\n")


def test_what_is_in_several_places_is_told_once_and_there_is_a_last_line_of_what_to_do(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "proj.py").write_text(
        "from celery.utils.log import get_task_logger\nfrom celery.beat import Scheduler\nimport celery.bootsteps\n"
        "app = Celery('proj', broker='amqp://h', backend='amqp://h')\n@app.task(rate_limit='1/s')\ndef f(): ...\n"
        "app.conf.update(broker_pool_limit=3, broker_heartbeat=5, worker_prefetch_multiplier=1)\n"
        "from celery.utils.log import get_task_logger\n"
    )

    done = run("check", "-A", "proj.py")

    assert [line.partition(": ")[0] for line in done.stdout.splitlines()[:-1]] == [
        "proj.py:2", "proj.py:3", "proj.py:4", "proj.py:5", "proj.py:1", "proj.py:7", "proj.py:7",
    ]  # fmt: skip
    assert "backend, broker: amqp://h is a server" in done.stdout
    assert "get_task_logger is localq.log.get_task_logger [also proj.py:8]\n" in done.stdout
    assert done.stdout.endswith(
        "1 file read: 3 things stop this program, 1 means something else, 1 name is imported from elsewhere, "
        "3 can go.\n"
    )
    every = run("check", "-A", "proj.py", "--all").stdout
    assert every.count("get_task_logger is localq") == 2
    assert every.count("amqp://h is a server") == 2


def test_a_project_in_which_nothing_is_different_says_so(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "proj.py").write_text("from localq import LocalQ\napp = LocalQ('proj')\n")

    done = run("check", "proj.py")

    assert (done.exit_code, done.stdout) == (0, "1 file read: nothing is different here.\n")


def test_a_project_is_checked_for_programs(run: Callable[..., Result]) -> None:
    told = json.loads(run("check", "-A", "shopapp", "--json").stdout)

    assert told["files"] == ["shopapp.py"]
    assert [one["line"] for one in told["findings"]] == [2, 3]


def test_a_project_that_is_not_there_is_an_error(run: Callable[..., Result]) -> None:
    done = run("check", "-A", "nowhere")

    assert done.exit_code == 2
    assert "neither a module nor a file 'nowhere'" in done.stderr
