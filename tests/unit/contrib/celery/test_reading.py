from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from localq.contrib.celery.reading import read_project

Write = Callable[..., None]


def test_a_project_of_localq_s_own_has_nothing_to_be_said(write: Write, told: Callable[..., list[str]]) -> None:
    write(
        "proj.py",
        "from localq import LocalQ\nq = LocalQ('proj', path='jobs.db', task_default_queue='mail')\n"
        "@q.task(bind=True, max_retries=3)\ndef add(self, x): ...\nadd.apply_async((1,), queue='mail', countdown=3)\n",
    )

    assert told() == []


def test_nothing_of_a_project_is_run(write: Write, told: Callable[..., list[str]], tmp_path: Path) -> None:
    write("proj/__init__.py", f"open({str(tmp_path / 'witness')!r}, 'w')\nraise SystemExit\n")

    assert told() == []
    assert not (tmp_path / "witness").exists()


def test_imports_of_celery_are_looked_up(write: Write, told: Callable[..., list[str]]) -> None:
    write(
        "proj/__init__.py",
        "from celery import Celery, shared_task\nfrom celery.utils.log import get_task_logger\n"
        "from celery.app.amqp import AMQP\nfrom kombu import Queue\nimport kombu.pools\n"
        "from celery.exceptions import ImproperlyConfigured\nimport django_celery_beat\nfrom celery import *\n",
    )

    assert told() == [
        "proj/__init__.py:2 moved: celery.utils.log.get_task_logger is localq.log.get_task_logger",
        "proj/__init__.py:3 error: celery.app.amqp.AMQP is not in LocalQ: there are no messages; "
        "see app.conf.task_queues and localq.tasks.routing",
        "proj/__init__.py:4 moved: kombu.Queue is localq.Queue",
        "proj/__init__.py:5 differs: kombu.pools is not in LocalQ: there is no broker here; what talks to one of its "
        "own goes on with kombu",
        "proj/__init__.py:7 error: django_celery_beat: schedules are in the store, and changed there at run time; "
        "those kept in Django's database never fire",
    ]


def test_settings_are_checked(write: Write, told: Callable[..., list[str]]) -> None:
    write("proj/__init__.py", "")
    write("proj/app.py", "app.config_from_object('proj.config')\n")
    write(
        "proj/config.py",
        "from datetime import timedelta\nresult_expire = 5\ntask_time_limit = '5'\nmy_own = 5\n"
        "broker_pool_limit = 3\ntask_acks_late = False\nresult_expires = timedelta(days=1)\n"
        "broker_heartbeat = 120\n_hidden_limit = 1\n",
    )

    assert told() == [
        "proj/config.py:2 error: result_expire is no setting, and has no effect. Did you mean 'result_expires'?",
        "proj/config.py:3 error: task_time_limit is '5': it must be a number of seconds or a timedelta",
        "proj/config.py:5 note: broker_pool_limit has no effect: Connections to a broker: there is one store",
        "proj/config.py:6 differs: task_acks_late: a job is run again unless it finished; False: at most once",
    ]


@pytest.mark.parametrize(
    "line",
    ["app.conf.result_expire = 5", "app.conf['result_expire'] = 5", "app.conf.update(result_expire=5)",
     "app.conf.update({'result_expire': 5})"],
)  # fmt: skip
def test_settings_of_the_app_are_checked(write: Write, told: Callable[..., list[str]], line: str) -> None:
    write("proj.py", f"from localq import LocalQ\napp = LocalQ()\n{line}\n")

    assert told() == ["proj.py:3 error: result_expire is no setting, and has no effect. Did you mean 'result_expires'?"]


def test_settings_in_toml_files_are_checked(write: Write, told: Callable[..., list[str]]) -> None:
    write("proj.py", "")
    write("localq.toml", "imports = ['proj']\n\nresult_expire = 5\n[beat_schedule.nightly]\ntaks = 'proj.tidy'\n")
    write("pyproject.toml", "[project]\nname = 'x'\n[tool.localq]\nimports = ['proj']\ntask_time_limit = '5'\n")

    assert [line for line in told() if " differs: " not in line] == [
        "localq.toml:3 error: result_expire is no setting, and has no effect. Did you mean 'result_expires'?",
        "localq.toml:4 error: beat_schedule['nightly'] has 'taks': there is no such key. Did you mean 'task'?",
        "pyproject.toml:5 error: task_time_limit is '5': it must be a number of seconds or a timedelta",
    ]


def test_a_toml_file_that_is_none_is_told_and_others_are_left_alone(
    write: Write, told: Callable[..., list[str]]
) -> None:
    write("proj.py", "")
    write("localq.toml", "imports = \n")
    write("pyproject.toml", "[tool.other]\nbroken = \n")

    (line,) = told()
    assert line.startswith("localq.toml:1 error: ")
    assert "localq.toml is no TOML: Invalid value" in line


def test_a_class_may_be_the_configuration(write: Write, told: Callable[..., list[str]]) -> None:
    write(
        "proj.py", "class Config:\n    timezone = 5\nclass Other:\n    timezone = 5\napp.config_from_object(Config)\n"
    )

    assert told() == ["proj.py:2 error: timezone is 5: it must be a text that is not empty"]


def test_django_s_settings_are_those_with_the_prefix(write: Write, told: Callable[..., list[str]]) -> None:
    write("proj/__init__.py", "app.config_from_object('django.conf:settings', namespace='CELERY')\n")
    write(
        "proj/settings.py",
        "CELERY_TASK_TIME_LIMIT = -1\nDEBUG = 5\nTIME_ZONE = 'UTC'\nSECRET_KEY = 'x'\nREDIS_PORT = 1\n"
        "CELERY_RESULT_BACKEND = 'jobs.db'\nCELERY_BROKER_URL = 'jobs.db'\nCELERY_TASK_ALWAYS_EAGER = True\n",
    )

    assert told() == ["proj/settings.py:1 error: CELERY_TASK_TIME_LIMIT is -1: it must be more than 0"]


def test_mixed_names_are_told_with_their_renames(write: Write, told: Callable[..., list[str]]) -> None:
    write("celeryconfig.py", "CELERY_TIMEZONE = 'UTC'\nCELERY_IMPORTS = ('proj',)\nresult_expires = 5\n")
    write("proj.py", "")

    assert told() == [
        "celeryconfig.py:1 error: old and new names of settings are mixed; rename: "
        "result_expires -> CELERY_TASK_RESULT_EXPIRES"
    ]


def test_servers_are_errors_unless_there_is_a_path(write: Write, told: Callable[..., list[str]]) -> None:
    write("celeryconfig.py", "broker_url = 'amqp://h'\n")
    write("proj.py", "from localq import Celery\napp = Celery('proj', backend='amqp://h')\n")
    assert [line.partition(" is a server")[0] for line in told()] == [
        "celeryconfig.py:1 error: broker_url: amqp://h",
        "proj.py:2 error: backend: amqp://h",
    ]

    write("proj.py", "from localq import Celery\napp = Celery('proj', path='jobs.db', backend='amqp://h')\n")
    assert [line.partition(":")[2].partition(":")[0] for line in told()] == ["1 note", "2 note"]


def test_options_of_tasks_and_calls_are_checked(write: Write, told: Callable[..., list[str]]) -> None:
    write(
        "proj.py",
        "from localq import Celery, shared_task\napp = Celery('proj', path='x', brokr='y')\n"
        "@app.task(max_retrys=3, rate_limit='5/s')\ndef a(): ...\n@shared_task(acks_late=False)\ndef b(): ...\n"
        "a.apply_async((), conection=1, reply_to='x')\napp.send_task('x', args=(1,), qeue='y')\n"
        "app.config_from_obj('x')\napp.amqp\nother.task(x=1)\n",
    )

    assert told() == [
        "proj.py:2 error: an app has no argument brokr. Did you mean 'broker'?",
        "proj.py:3 differs: rate_limit: rates count over all workers, not for each",
        "proj.py:3 error: a task has no option max_retrys. Did you mean 'max_retries'?",
        "proj.py:5 differs: acks_late=False: at most once; the default is at least once",
        "proj.py:7 error: a call has no option conection. Did you mean 'connection'?",
        "proj.py:7 note: the option reply_to has no effect: there is no broker",
        "proj.py:8 error: a call has no option qeue. Did you mean 'queue'?",
        "proj.py:9 error: there is no config_from_obj: use config_from_object",
        "proj.py:10 error: LocalQ has no app.amqp: there are no messages; queues are in app.conf.task_queues, and "
        "routes in app.conf.task_routes",
    ]


def test_a_file_of_a_celery_program_that_this_python_cannot_read_is_told(
    write: Write, told: Callable[..., list[str]]
) -> None:
    write("proj/__init__.py", "")
    write("proj/tasks.py", "import celery\ndef f():\n    print 'old'\n")
    write("proj/other.py", "def f():\n    print 'old'\n")

    (line,) = told()
    assert re.fullmatch(r"proj/tasks.py:3 unread: cannot be read by Python 3\.\d+: run `localq check` with .*", line)


@pytest.mark.parametrize(
    ("spec", "files"),
    [
        ("proj", ["proj/__init__.py", "proj/inner/__init__.py", "proj/tasks.py"]),
        ("proj.tasks", ["proj/__init__.py", "proj/inner/__init__.py", "proj/tasks.py"]),
        ("proj:app", ["proj/__init__.py", "proj/inner/__init__.py", "proj/tasks.py"]),
        ("script", ["beside.py", "script.py"]),
        ("script.app", ["beside.py", "script.py"]),
        ("script.py", ["beside.py", "script.py"]),
        ("lone", ["lone.py"]),
    ],
)
def test_the_files_of_a_project_are_found(write: Write, tmp_path: Path, spec: str, files: list[str]) -> None:
    for name in ("proj/__init__.py", "proj/tasks.py", "proj/inner/__init__.py", "proj/.hidden/x.py", "lone.py"):
        write(name, "")
    write("script.py", "import beside\n")
    write("beside.py", "")

    assert read_project(spec, tmp_path)[0] == files


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="neither a module nor a file 'nowhere'"):
        read_project("nowhere", tmp_path)


def test_what_is_asked_of_celery_by_its_full_name_is_looked_up(write: Write, told: Callable[..., list[str]]) -> None:
    write(
        "proj.py",
        "import celery\nimport celery.utils.log\nimport celery.schedules as when\n"
        "log = celery.utils.log.get_task_logger('proj')\nhour = when.crontab(minute=0)\n"
        "class Step(celery.bootsteps.StartStopStep): ...\n"
        "class Base(celery.Task): ...\nnow = celery.current_app.now()\n",
    )

    assert told() == [
        "proj.py:2 moved: celery.utils.log is localq.log",
        "proj.py:4 moved: celery.utils.log.get_task_logger is localq.log.get_task_logger",
        "proj.py:6 error: celery.bootsteps.StartStopStep is not in LocalQ: a worker is one loop without steps; "
        "use signals",
    ]


def test_receivers_of_an_app_s_own_signals_are_no_findings(write: Write, told: Callable[..., list[str]]) -> None:
    write(
        "proj.py",
        "from localq import LocalQ\nq = LocalQ('proj', path='jobs.db')\n"
        "@q.on_after_configure.connect\ndef add_schedules(sender, **kwargs): ...\n"
        "@q.on_after_finalize.connect\ndef see_tasks(sender, **kwargs): ...\n",
    )

    assert told() == []


def test_keys_of_schedule_entries_and_of_their_options_are_checked(
    write: Write, told: Callable[..., list[str]]
) -> None:
    write("proj.py", "")
    write(
        "celeryconfig.py",
        """beat_schedule = {
    'nightly': {'taks': 'proj.tidy', 'schedule': crontab(hour=3)},
    'hourly': {
        'task': 'proj.tidy', 'schedule': 3600,
        'options': {'qeue': 'mail', 'eta': 5, 'reply_to': 'x', 'expires': 60},
    },
    'lost': {'task': 'proj.tidy'},
    'open': {'task': 'proj.tidy', **more},
    'other': dict(task='proj.tidy', schedul=5),
    **entries,
}
""",
    )

    lines = [line for line in told() if " differs: " not in line or "option" in line]
    assert lines == [
        "celeryconfig.py:2 error: beat_schedule['nightly'] has 'taks': there is no such key. Did you mean 'task'?",
        "celeryconfig.py:5 differs: beat_schedule['hourly']['options']: a call has no option qeue. Did you mean "
        "'queue'?",
        "celeryconfig.py:5 error: beat_schedule['hourly']['options']: a schedule takes no eta: the schedule says when; "
        "`countdown` delays each run",
        "celeryconfig.py:5 note: beat_schedule['hourly']['options']: the option reply_to has no effect: there is no "
        "broker",
        "celeryconfig.py:7 error: beat_schedule['lost'] has no 'schedule'",
        "celeryconfig.py:9 error: beat_schedule['other'] has 'schedul': there is no such key. Did you mean 'schedule'?",
    ]


@pytest.mark.parametrize(
    "routes",
    [
        "{'proj.*': {'qeue': 'mail'}, 'other.a': 'mail', 'other.b': {'queue': 'mail', 'priority': 3}}",
        "[{'proj.*': {'qeue': 'mail'}}, 'proj.Router', route]",
        "[('proj.*', {'qeue': 'mail'}), ('other.*', 'mail')]",
        "([('proj.*', {'qeue': 'mail'}), (re.compile('x'), {'queue': 'mail'})],)",
    ],
)
def test_keys_of_routes_are_checked(write: Write, told: Callable[..., list[str]], routes: str) -> None:
    write("proj.py", f"app.conf.task_routes = {routes}\n")

    assert told() == ["proj.py:1 differs: task_routes['proj.*']: a call has no option qeue. Did you mean 'queue'?"]


def test_attributes_of_annotations_are_checked_where_they_are_like_a_task_s_own(
    write: Write, told: Callable[..., list[str]]
) -> None:
    write(
        "proj.py",
        "app.conf.update(task_annotations=[\n"
        "{'proj.a': {'rate_limt': '1/s', 'colour': 'red', 'queue': 'mail', '@on_failre': f, '@run': f}},\n"
        "'proj.Annotations', {'*': {'@__call__': f, **more}}])\n",
    )

    assert told() == [
        "proj.py:2 error: task_annotations['proj.a']: a task has no method on_failre. Did you mean '@on_failure'?",
        "proj.py:2 error: task_annotations['proj.a']: a task has no option rate_limt. Did you mean 'rate_limit'?",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "app = LocalQ('proj', path='x', beat_schedule={'a': {'task': 't', 'every': 5}})",
        "app.conf.beat_schedule['a'] = {'task': 't', 'every': 5}",
        "app.conf.beat_schedule = {'a': {'task': 't', 'every': 5}}",
    ],
)
def test_schedules_are_read_wherever_they_are_set(write: Write, told: Callable[..., list[str]], line: str) -> None:
    write("proj.py", f"{line}\n")

    assert "proj.py:1 error: beat_schedule['a'] has 'every': there is no such key." in [
        found.partition(" Did")[0] for found in told()
    ]


@pytest.mark.parametrize(
    ("entries", "differs"),
    [
        ("{'a': {'task': 't', 'schedule': crontab()}, 'b': dict(task='t', schedule=solar('sunset', 1, 2))}", False),
        ("{'a': {'task': 't', 'schedule': crontab()}, 'b': {'task': 't', 'schedule': 5.0}}", True),
        ("{'a': {'task': 't', 'schedule': timedelta(hours=1)}}", True),
        ("{'a': {'task': 't', 'schedule': crontab()}, 'b': entry}", True),
        ("{}", False),
        ("entries()", True),
    ],
)
def test_intervals_alone_run_at_once_when_they_are_new(
    write: Write, told: Callable[..., list[str]], entries: str, differs: bool
) -> None:
    write("proj.py", f"app.conf.beat_schedule = {entries}\n")

    assert told() == (
        ["proj.py:1 differs: beat_schedule: an interval entry seen for the first time runs at once"] if differs else []
    )


def test_a_serializer_that_nobody_registers_is_told(write: Write, told: Callable[..., list[str]]) -> None:
    write("celeryconfig.py", "task_serializer = 'signed-pickle'\n")
    write("proj.py", "")
    assert told() == [
        "celeryconfig.py:1 error: task_serializer is 'signed-pickle': there is no serializer of that name; "
        "localq.register makes one"
    ]

    write(
        "proj.py", "from kombu.serialization import register\nregister('signed-pickle', dump, load, 'x/y', 'binary')\n"
    )
    assert [line for line in told() if "error" in line] == []


@pytest.mark.parametrize(
    ("program", "spec"), [("flask_status", "app"), ("django_locks", "shop"), ("script_report", "report")]
)
def test_the_programs_that_were_moved_have_nothing_that_stops_them(program: str, spec: str) -> None:
    folder = Path(__file__).parents[4] / "examples" / "from_celery" / program
    files, found = read_project(spec, folder)

    assert len(files) == {"flask_status": 1, "django_locks": 6, "script_report": 1}[program]
    assert [one for one in found if one.level in ("error", "unread")] == []
