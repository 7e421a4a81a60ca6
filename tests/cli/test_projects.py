"""Projects as Celery's users have them: configurations in the folder, options in any order, worker names."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from localq import LocalQ, current
from localq.cli import main
from localq.cli.app_option import app_options, load_app, loaded
from localq.cli.commands.worker import banner
from localq.cli.program import COMMANDS
from localq.worker.lease import WorkerPlan
from tests.cli.runner import runner
from tests.store.given import HOUR, NOW, card
from tests.worker.waiting import PROGRAM_S

CONFIG = """\
from localq import Exchange, Queue
from routers import MyRouter

CELERY_TIMEZONE = 'Asia/Shanghai'
BROKER_URL = 'videos.db'
default_exchange = Exchange('dedfault', type='direct')
media_exchange = Exchange('media', type='direct')
CELERY_QUEUES = (
    Queue('default', default_exchange, routing_key='default'),
    Queue('videos', media_exchange, routing_key='media.video'),
    Queue('images', media_exchange, routing_key='media.image'),
)
CELERY_DEFAULT_QUEUE = 'default'
CELERY_DEFAULT_EXCHANGE = 'default'
CELERY_DEFAULT_ROUTING_KEY = 'default'
CELERY_ROUTES = (
    {'tasks.image_compress': {'queue': 'images', 'routing_key': 'media.image'}},
    {'tasks.video_upload': {'queue': 'videos', 'routing_key': 'media.video'}},
    MyRouter(),
)
CELERY_IMPORTS = ("tasks",)
"""
TASKS = """\
from localq import Celery

app = Celery()
app.config_from_object('celeryconfig')

@app.task
def video_upload(name):
    return name

@app.task
def image_compress(name):
    return name

@app.task
def other(name):
    return name
"""
ROUTER = """\
class MyRouter:
    def route_for_task(self, task, args=None, kwargs=None):
        return {'queue': 'videos'} if task == 'tasks.other' and args == ('film',) else None
"""


@click.command()
@click.option("-B", "--beat", is_flag=True)
@click.option("-l", "--level")
@app_options
def show(app: object, beat: bool, level: str | None) -> None:
    """Show what a command gets."""
    click.echo(f"{loaded().name}|{beat}|{level}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder with Celery's usual modules in it."""
    for name, text in (("celeryconfig", CONFIG), ("tasks", TASKS), ("routers", ROUTER)):
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("CELERY_CONFIG_MODULE", raising=False)
    yield tmp_path
    for name in ("celeryconfig", "tasks", "routers", "localqconfig"):
        sys.modules.pop(name, None)
    current.set_app(None)


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return a function that runs a command `show` in the project."""
    monkeypatch.setitem(COMMANDS, "show", COMMANDS["status"]._replace(target=f"{__name__}:show"))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    return lambda line: runner().invoke(main, line.split()).output.strip()


@pytest.mark.parametrize(
    "line",
    ["-B -A tasks show", "show -B -A tasks", "-A tasks show -B", "-A tasks -B show", "show -A tasks --beat",
     "--app=tasks -B show", "-Atasks -B show"],
)  # fmt: skip
def test_options_of_a_command_may_stand_before_it(run: Callable[[str], str], line: str) -> None:
    assert run(line) == "tasks:app|True|None"


def test_options_with_values_may_stand_before_it_too(run: Callable[[str], str]) -> None:
    assert run("-A tasks -B -l info show") == "tasks:app|True|info"
    assert run("--level=info -A tasks show") == "tasks:app|False|info"


def test_an_option_that_no_command_has_is_named(run: Callable[[str], str]) -> None:
    assert "No such option '--bet'" in run("--bet -A tasks show")
    assert "No such option '--bet'" in run("--bet")


def test_without_an_app_the_folder_s_configuration_names_it(run: Callable[[str], str]) -> None:
    assert run("show") == "tasks:app|False|None"


def test_a_configuration_alone_makes_an_app(project: Path) -> None:
    (project / "celeryconfig.py").unlink()
    (project / "localqconfig.py").write_text("task_default_queue = 'mail'\nbroker_url = 'own.db'\n")

    app = load_app()

    assert app.conf.task_default_queue == "mail"
    assert app.location == str(project / "own.db")
    assert load_app(path="other.db").location == str(project / "other.db")


def test_the_table_of_a_project_s_file_makes_an_app(project: Path) -> None:
    (project / "celeryconfig.py").unlink()
    (project / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    assert load_app().conf.task_default_queue == "celery"

    with (project / "pyproject.toml").open("a") as file:
        file.write("[tool.localq]\ntask_default_queue = 'mail'\n")
    assert load_app().conf.task_default_queue == "mail"


def test_a_toml_file_of_its_own_makes_an_app(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "celeryconfig.py").unlink()
    (project / "localq.toml").write_text("task_default_queue = 'mail'\n")
    assert load_app().conf.task_default_queue == "mail"

    (project / "other.toml").write_text("[tool.localq]\ntask_default_queue = 'films'\n")
    monkeypatch.setenv("CELERY_CONFIG_MODULE", "other.toml")
    assert load_app().conf.task_default_queue == "films"


def test_a_toml_file_that_is_not_there_is_named_with_the_nearest(run: Callable[[str], str], project: Path) -> None:
    (project / "settings.toml").touch()

    assert f"There is no file '{project}/setings.toml'. Did you mean 'settings.toml'?" in run(
        "--config setings.toml show"
    )


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("import no_such_module\n", "Importing the app's configuration failed."),
        ("CELERY_TIMEZONE = 'UTC'\nCELERY_IMPORTS = ()\nresult_expires = 5\n", "-> CELERY_TASK_RESULT_EXPIRES"),
        ("task_time_limit = -1\n", "Setting task_time_limit is -1"),
        ("broker_url = 'amqp://h'\n", "amqp://h is a server"),
    ],
)
def test_a_configuration_that_cannot_be_is_told_in_a_paragraph(project: Path, config: str, told: str) -> None:
    (project / "celeryconfig.py").write_text(config)

    done = words("worker", "-A", "tasks")

    assert done.returncode == 2
    assert told in done.stderr
    assert "localq/cli/" not in done.stderr


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("import sys; sys.exit(2)\n", "Importing 'shop.tasks' ended the program (SystemExit(2))."),
        ("import no_such_library\n", "Importing 'shop.tasks' failed.\n"),
        ("1 / 0\n", "Importing 'shop.tasks' failed.\n"),
    ],
)
def test_a_discovered_module_that_cannot_be_imported_is_told_in_a_paragraph(
    project: Path, module: str, told: str
) -> None:
    (project / "shop").mkdir()
    (project / "shop/__init__.py").touch()
    (project / "shop/tasks.py").write_text(module)
    with (project / "tasks.py").open("a") as file:
        file.write("app.autodiscover_tasks(['shop'])\n")

    done = words("worker", "-A", "tasks")

    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) < 8
    assert "localq/" not in done.stderr


@pytest.mark.parametrize("line", ["--config localqconfig show", "show --config localqconfig"])
def test_an_option_names_the_configuration(run: Callable[[str], str], project: Path, line: str) -> None:
    (project / "localqconfig.py").write_text("imports = ['other']\n")
    (project / "other.py").write_text("from localq import LocalQ\nmine = LocalQ()\n")

    assert run(line) == "other:mine|False|None"


@pytest.mark.parametrize("line", ["-b other.db -A tasks show", "show -A tasks --broker sqlite:///other.db"])
def test_the_broker_s_option_names_the_file(run: Callable[[str], str], project: Path, line: str) -> None:
    assert run(line) == "tasks:app|False|None"
    assert current.app().location == str(project / "other.db")


def test_the_broker_s_option_takes_no_server(run: Callable[[str], str]) -> None:
    assert "amqp://h is a server" in run("-b amqp://h -A tasks show")


def test_the_environment_names_the_configuration(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "localqconfig.py").write_text("task_default_queue = 'mail'\n")
    monkeypatch.setenv("CELERY_CONFIG_MODULE", "localqconfig")

    assert load_app().conf.task_default_queue == "mail"


def test_calls_of_the_tutorial_s_project_reach_their_queues(project: Path) -> None:
    app = load_app("tasks")
    tasks = sys.modules["tasks"]

    results = [
        tasks.video_upload.delay("a"),
        tasks.image_compress.delay("b"),
        tasks.other.delay("c"),
        tasks.other.delay("film"),
        app.send_task("tasks.other", args=["d"], exchange="media", routing_key="media.image"),
    ]

    assert [one.queue for one in results] == ["videos", "images", "default", "videos", "images"]
    assert app.location == str(project / "videos.db")
    assert app.notices() == []
    app.close()


def words(*given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localq", *given], capture_output=True, text=True, timeout=PROGRAM_S, check=False
    )


def test_a_worker_refuses_a_queue_that_is_not_there(project: Path) -> None:
    with (project / "celeryconfig.py").open("a") as file:
        file.write("CELERY_CREATE_MISSING_QUEUES = False\n")

    done = words("worker", "-A", "tasks", "-Q", "video")

    assert done.returncode == 2
    assert "A worker cannot serve the queue 'video'" in done.stderr
    assert "Did you mean 'videos'?" in done.stderr


def test_a_worker_s_banner_warns_of_what_is_odd(project: Path) -> None:
    with (project / "celeryconfig.py").open("a") as file:
        file.write("CELERY_RESULT_EXPIRE = 5\n")

    command = [sys.executable, "-m", "localq", "worker", "-A", "tasks", "-Q", "vidoes", "-P", "solo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as worker:
        # The banner comes when signals are heeded, so what is sent below stops the worker in order.
        assert worker.stdout is not None
        told = worker.stdout.readline()
        worker.send_signal(signal.SIGTERM)
        told += worker.stdout.read()

    assert worker.returncode == 0
    assert "! CELERY_RESULT_EXPIRE (in celeryconfig) is no setting" in told
    assert "! Nothing in task_queues or task_default_queue is called 'vidoes'. Did you mean 'videos'?" in told


def test_a_worker_s_banner_tells_of_jobs_that_nobody_will_run(q: LocalQ) -> None:
    q.task(name="shop.mail")(lambda: None)
    q.store.workers.enter(card(tasks=("shop.pack",), queues=("default",)), NOW, HOUR)
    for task in ("shop.mail", "shop.pack", *(f"old-{number}" for number in range(7))):
        q.send_task(task, queue="default")
    q.send_task("shop.pack", queue="mine")
    q.send_task("old-0", queue="elsewhere")
    plan = WorkerPlan("anna", "here", "solo", ("default", "mine"), (), None)
    made: Any = SimpleNamespace(app=q, plan=plan, store=q.store, pool=SimpleNamespace(size=1))

    told = [line for line in banner(made, "").splitlines() if line.startswith("  ! ")]
    q.conf.worker_unknown_tasks = "fail"
    fails = banner(made, "")

    assert told == [
        *(
            f"  ! Jobs in queue default wait for old-{number}, which no live worker knows; they are left as they are."
            for number in range(5)
        ),
        "  ! So do jobs of 3 more tasks: see localq doctor.",
    ]
    assert "Jobs in queue" not in fails


def test_a_script_called_with_a_command_runs_it(project: Path) -> None:
    (project / "tasks.py").write_text(f"{TASKS}\nif __name__ == '__main__':\n    raise SystemExit(app.start())\n")

    done = subprocess.run(
        [sys.executable, "tasks.py", "settings", "task_default_queue", "--json"],
        capture_output=True, text=True, timeout=PROGRAM_S, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert '"source": "celeryconfig"' in done.stdout
