"""What an app can do by the names Celery's users know."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

import localq
from localq import AsyncResult, Celery, LocalQ, Signature, Task, chain, current, current_app, current_task, signature
from localq.app.absent import INSTEAD
from localq.app.programs import OPTIONS
from localq.app.task import Context
from localq.cli import main
from localq.exceptions import BackendStoreError, ImproperlyConfigured, NoEffectWarning, NotRegistered
from localq.model.job_options import JobOptions
from tests.worker.waiting import DEADLINE_S


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Make packages: `shop_a` with tasks, `shop_b` without, `shop_c` with broken ones."""
    for name, text in (("shop_a", "found = 1\n"), ("shop_b", None), ("shop_c", "import no_such_module\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("class Config: ...\n")
        if text is not None:
            (tmp_path / name / "tasks.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield ["shop_a", "shop_b"]
    for name in set(sys.modules) - before:
        del sys.modules[name]


# Names


def test_celery_s_users_find_their_names() -> None:
    task = importlib.import_module("localq.app.task")

    assert issubclass(Celery, LocalQ)
    assert (Celery.node_name, LocalQ.node_name) == ("celery", "localq")
    assert (task.Task, task.Context) == (Task, Context)
    assert all(hasattr(localq, name) for name in localq.__all__)


def test_an_unknown_name_of_the_app_names_the_nearest(q: LocalQ) -> None:
    with pytest.raises(AttributeError, match=r"LocalQ has no 'send_tasks'. Did you mean 'send_task'"):
        _ = q.send_tasks  # type: ignore[attr-defined]


def test_an_old_setting_is_an_argument_too(q: LocalQ) -> None:
    app = LocalQ(set_as_current=False, CELERY_DEFAULT_QUEUE="mail")

    assert app.conf.task_default_queue == "mail"


# The current app and task


def test_the_current_app_is_the_one_made_last_unless_that_is_declined(q: LocalQ) -> None:
    LocalQ(set_as_current=False)

    assert current_app == q
    assert current_app() is q
    assert current_app.conf is q.conf
    current_app.marked = 5
    assert q.marked == 5  # type: ignore[attr-defined]


def test_an_app_is_made_current_by_hand(q: LocalQ) -> None:
    other = LocalQ(set_as_current=False)
    other.set_current()
    assert current_app == other

    q.set_default()
    assert current_app == q


def test_a_program_that_made_no_app_has_a_default_one(
    q: LocalQ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    current.set_app(None)

    assert current.app_or_none() is None
    assert isinstance(current_app, LocalQ)
    assert current_app._get_current_object() is current.app() is current.app_or_none()
    assert AsyncResult("id").id == "id"
    assert current_app.conf.task_default_queue == "celery"
    for ask in (lambda: AsyncResult("id").state, lambda: chain(signature("a.b"))(), lambda: current_app.store):
        with pytest.raises(ImproperlyConfigured, match="There is no app yet, and nothing says where jobs are"):
            ask()
    assert list(tmp_path.iterdir()) == []

    made = LocalQ("made", path=tmp_path / "jobs.db")
    assert current_app == made


def test_the_current_task_is_the_one_that_runs(eager: LocalQ) -> None:
    seen: list[Any] = []

    @eager.task
    def look() -> None:
        seen.append((current_task.name, current_task.request.id, eager.current_task, bool(current_task)))

    result = look.delay()

    assert seen == [(look.name, result.id, look, True)]
    assert not current_task
    assert eager.current_task is None


# Tasks


def test_tasks_wait_for_finalize_where_that_was_asked() -> None:
    app = LocalQ("tests", set_as_current=False, autofinalize=False)

    @app.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    with pytest.raises(RuntimeError, match="call its finalize"):
        _ = app.tasks
    app.finalize()

    assert list(app.tasks) == ["add"]
    assert app.finalized


class Shouting(Task[..., Any]):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return str(super().__call__(*args, **kwargs)).upper()


@pytest.mark.parametrize("given", [Shouting, f"{__name__}:Shouting", f"{__name__}.Shouting"])
def test_tasks_are_made_of_the_class_of_the_app(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or type("M", (), {"Shouting": Shouting}))
    app = LocalQ("tests", eager=True, task_cls=given, set_as_current=False)

    @app.task
    def say(text: str) -> str:
        return text

    assert say.delay("loud").get() == "LOUD"
    assert issubclass(app.Task, Shouting)
    assert app.Task.app is app
    app.close()


def test_a_class_that_is_not_there_is_named() -> None:
    app = LocalQ("tests", task_cls="no.such:Class", set_as_current=False)

    with pytest.raises(ImproperlyConfigured, match=r"task_cls is 'no\.such:Class'"):
        app.task(lambda: None)


def test_arguments_are_not_checked_where_that_was_asked(eager: LocalQ) -> None:
    app = LocalQ("tests", eager=True, strict_typing=False, set_as_current=False)

    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    assert add.delay(1).failed()
    app.close()


def test_a_subclass_names_tasks_by_a_rule_of_its_own() -> None:
    class Named(LocalQ):
        def gen_task_name(self, name: str, module: str) -> str:
            return f"shop:{name}"

    app = Named(set_as_current=False)

    assert app.task(lambda: None).name == "shop:<lambda>"


def test_tasks_of_another_app_are_shared_by_their_registry(q: LocalQ) -> None:
    @q.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    assert "add" in LocalQ(tasks=q.tasks, set_as_current=False).tasks


def test_a_signature_is_made_by_the_app(q: LocalQ) -> None:
    made = q.signature("shop.mail", args=(1,), queue="mail")

    assert isinstance(made, Signature)
    assert made.apply_async().queue == "mail"


def test_tasks_are_discovered_when_modules_are_imported(q: LocalQ, packages: list[str]) -> None:
    q.autodiscover_tasks(packages)
    q.autodiscover_tasks(lambda: ["shop_a.Config"], related_name="tasks")
    assert "shop_a.tasks" not in sys.modules

    modules = [module.__name__ for module in q.import_tasks()]

    assert modules == ["shop_a.tasks", "shop_a.tasks"]


def test_tasks_are_discovered_at_once_where_that_is_asked(q: LocalQ, packages: list[str]) -> None:
    assert [module.__name__ for module in q.autodiscover_tasks(packages, force=True)] == ["shop_a.tasks"]
    assert [one.__name__ for one in q.autodiscover_tasks(packages, None, force=True)] == packages


@pytest.mark.parametrize("package", ["no_such_package", "shop_c"])
def test_what_cannot_be_imported_is_no_silent_miss(q: LocalQ, packages: list[str], package: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        q.autodiscover_tasks([package], force=True)


def test_a_package_within_another_that_is_not_there_is_warned_of(q: LocalQ, packages: list[str]) -> None:
    q.autodiscover_tasks(["shop_a.mail", *packages])

    with pytest.warns(UserWarning, match=r"Tasks of 'shop_a.mail' are not looked for: there is no 'shop_a.mail'"):
        modules = q.discover_tasks()

    assert [module.__name__ for module in modules] == ["shop_a.tasks"]


def test_nothing_is_discovered_without_packages_or_django(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)

    assert q.autodiscover_tasks(force=True) == []


def test_a_task_names_how_its_jobs_are_shown(q: LocalQ) -> None:
    def shadow(task: Any, args: Any, kwargs: Any, options: Any) -> str:
        return f"{task.name} of {args[0]}"

    @q.task(name="film", shadow_name=shadow)
    def film(name: str) -> None: ...

    jobs = [film.delay("a"), film.apply_async(("b",), shadow="own")]

    assert [JobOptions.read(q.store.read.get([one.id])[one.id].options).shadow for one in jobs] == ["film of a", "own"]


def test_a_class_of_tasks_hears_of_its_app() -> None:
    heard: list[Any] = []

    class Listening(Task[..., Any]):
        @classmethod
        def on_bound(cls, app: Any) -> None:
            heard.append(app)

    class App(LocalQ):
        def on_init(self) -> None:
            heard.append("made")

    app = App(set_as_current=False)
    app.task(base=Listening)(lambda: None)

    assert heard == ["made", app]


def test_a_request_is_put_in_for_a_test(q: LocalQ) -> None:
    @q.task(bind=True)
    def look(self: Any) -> Any:
        return self.request.id, self.request.retries

    look.push_request(id="a", retries=3)
    assert look.run() == ("a", 3)
    look.pop_request()
    assert look.run() == (None, 0)


# Time


def test_the_time_is_given_in_the_app_s_zone(q: LocalQ) -> None:
    assert (q.timezone, q.uses_utc_timezone()) == (UTC, True)

    q.conf.timezone = "Asia/Shanghai"

    assert not q.uses_utc_timezone()
    assert q.now().utcoffset() == timedelta(hours=8)


def test_naive_times_are_this_machine_s_without_utc(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    importlib.import_module("time").tzset()
    try:
        q.conf.enable_utc = False
        result = q.send_task("shop.mail", eta="2030-01-01T08:00:00")

        job = q.store.read.get([result.id])[result.id]
        assert job.run_at == 1893456000 * 1_000_000
        assert q.now().utcoffset() == timedelta(hours=8)
    finally:
        monkeypatch.undo()
        importlib.import_module("time").tzset()


# Results by the names of a back end


def test_results_are_read_by_the_names_of_a_back_end(eager: LocalQ) -> None:
    @eager.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    @eager.task
    def fail() -> None:
        raise ValueError("no")

    good, bad = add.delay(1, 2).id, fail.delay().id
    backend = eager.backend

    assert (backend.get_state(good), backend.get_result(good)) == ("SUCCESS", 3)
    assert isinstance(backend.get_result(bad), ValueError)
    assert "ValueError: no" in str(backend.get_traceback(bad))
    assert backend.get_task_meta(good)["name"] == "add"
    assert backend.get_task_meta("unknown") == {
        "task_id": "unknown",
        "status": "PENDING",
        "result": None,
        "traceback": None,
    }
    assert backend.wait_for(good) == 3
    backend.forget(good)
    assert not backend.task_result_exists(good)


def test_a_state_is_stored_for_a_job_that_is_not_finished(q: LocalQ) -> None:
    job_id = q.send_task("shop.mail").id
    q.backend.store_result(job_id, {"done": 5}, "PROGRESS")

    assert (q.backend.get_state(job_id), q.backend.get_result(job_id)) == ("PROGRESS", {"done": 5})
    with pytest.raises(BackendStoreError, match="only a run brings that state"):
        q.backend.store_result(job_id, 5, "SUCCESS")
    with pytest.raises(BackendStoreError, match="it is not waiting or running"):
        q.backend.store_result("unknown", 5, "PROGRESS")


def test_the_place_of_results_is_a_url(q: LocalQ) -> None:
    assert q.backend.as_uri() == f"sqlite:///{q.location}"


def test_an_unknown_task_is_an_error_of_the_registry(q: LocalQ) -> None:
    with pytest.raises(NotRegistered):
        _ = q.tasks["no.such.task"]


# As the command


def test_an_app_is_the_command_for_itself(q: LocalQ, capsys: pytest.CaptureFixture[str]) -> None:
    q.send_task("shop.mail")

    assert q.start(["list", "--json"]) == 0
    assert "shop.mail" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        q.start(argv=["lst"])
    assert ended.value.code == 2
    assert "There is no command 'lst'. Did you mean 'list'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"),
    [(["result", "no-such-job"], 4), (["retry", "no-such-job"], 4), (["inspect", "ping", "-t", "0"], 69)],
)
def test_a_command_of_a_script_ends_it_with_the_exit_code_of_the_command(
    q: LocalQ, words: list[str], code: int
) -> None:
    q.send_task("shop.mail")

    with pytest.raises(SystemExit) as ended:
        q.start(argv=words)
    assert ended.value.code == code


def test_worker_main_runs_the_command_worker_alone(q: LocalQ, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="worker_main"):
        q.worker_main(["list"])
    assert q.worker_main(["worker", "--help"]) == 0
    assert "Run jobs until told to stop" in capsys.readouterr().out


def test_a_worker_made_of_arguments_is_the_command_with_its_options(
    q: LocalQ, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = q.Worker(
        hostname="mail@here", loglevel="INFO", concurrency=2, queues=["mail", "sms"], autoscale=(8, 2), beat=True,
        task_events=False, logfile=None, umask=0o27, optimization=None,
    )  # fmt: skip
    beat = q.Beat(max_interval=5, include=["one", "two"])

    assert worker.words == [
        "worker", "--hostname=mail@here", "--loglevel=INFO", "--concurrency=2", "--queues=mail,sms",
        "--autoscale=8,2", "--beat", "--umask=27",
    ]  # fmt: skip
    assert beat.words == ["beat", "--max-interval=5", "--include=one", "--include=two"]
    with pytest.raises(SystemExit) as ended:
        q.Worker(pool="nothing").start()
    assert ended.value.code == 2
    assert "'nothing' is not one of 'processes'" in capsys.readouterr().err


def test_every_option_of_a_worker_or_beat_made_of_arguments_is_one_of_the_command() -> None:
    for name, options in OPTIONS.items():
        command = main.get_command(click.Context(main), name)
        assert command is not None
        there = {option for parameter in command.params for option in parameter.opts}
        assert {f"--{option.replace('_', '-')}" for option in options} <= there


def test_options_about_brokers_of_a_worker_made_of_arguments_are_warned_of(q: LocalQ) -> None:
    with pytest.warns(NoEffectWarning, match=r"Worker\(\): .* no effect: optimization, without_gossip\."):
        worker = q.Worker(optimization="fair", without_gossip=True, without_mingle=False, statedb=None)
    with pytest.warns(NoEffectWarning, match=r"Beat\(\): .* no effect: schedule\."):
        q.Beat(schedule="celerybeat-schedule")

    assert worker.words == ["worker"]


def test_an_unknown_option_of_a_worker_is_refused_with_the_nearest(q: LocalQ) -> None:
    with pytest.raises(TypeError, match=r"Worker\(\) got an unknown option 'queus'. Did you mean 'queues'"):
        q.Worker(queus=["mail"])


def test_a_worker_is_not_started_in_a_thread_that_no_signal_reaches(q: LocalQ) -> None:
    told: list[str] = []

    def start() -> None:
        try:
            q.Worker().start()
        except RuntimeError as error:
            told.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join(DEADLINE_S)

    assert len(told) == 1
    assert "Use app.start() to run a worker beside what the program does" in told[0]


@pytest.mark.parametrize("name", sorted(INSTEAD))
def test_what_only_celery_s_apps_have_is_refused_with_what_to_use(q: LocalQ, name: str) -> None:
    with pytest.raises(AttributeError) as refused:
        getattr(q, name)

    assert str(refused.value) == f"LocalQ has no {name!r}: {INSTEAD[name]}."
    assert not hasattr(LocalQ, name)


def test_a_bug_report_is_that_of_the_command(q: LocalQ) -> None:
    assert q.bugreport().startswith("software  -> localq:")


def test_a_script_logs_as_a_worker_does(tmp_path: Path) -> None:
    script = (
        "from localq import LocalQ\nq = LocalQ(path='jobs.db', worker_log_format='%(levelname)s %(message)s')\n"
        "q.log.setup(loglevel='info', logfile='it.log')\nlogger = q.log.get_default_logger('mine')\n"
        "logger.info('told')\nlogger.debug('not told')\n"
    )
    subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.getcwd()}, check=True
    )

    assert (tmp_path / "it.log").read_text() == "INFO told\n"
