"""Servers and other places of jobs and results, wherever a project says them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Write = Callable[..., None]
Told = Callable[..., list[str]]
SERVER = "is a server, and LocalQ needs neither a broker nor a result back end. Use path="


@pytest.mark.parametrize(
    "url",
    [
        "os.environ.get('B', 'amqp://h')",
        "os.getenv('B', 'amqp://h')",
        "os.environ.get('B') or 'amqp://h'",
        "env('B', default='amqp://h')",
        "env.str('B', 'amqp://h')",
        "config('B', default='amqp://h')",
        "f'amqp://{HOST}:{PORT}/0'",
        "f'{SCHEME}://{HOST}'",
        "'amqp://%s/0' % HOST",
        "'amqp://{}/0'.format(HOST)",
        "'amqp://' + HOST",
        "URL",
        "Config.URL",
        "'amqp://h' if PROD else 'jobs.db'",
        "flask.config['CELERY_BROKER_URL']",
        "str(URL)",
    ],
)
def test_a_server_is_seen_behind_what_the_environment_may_say(write: Write, told: Told, url: str) -> None:
    write(
        "proj.py",
        f"from celery import Celery\nSCHEME = 'amqp'\nURL = 'amqp://h'\nHOST = os.environ['HOST']\n"
        f"flask.config['CELERY_BROKER_URL'] = 'amqp://h'\napp = Celery('proj', broker={url})\n",
    )

    (line,) = [line for line in told() if line.startswith("proj.py:6")]
    assert line.startswith("proj.py:6 error: broker: amqp://")
    assert SERVER in line


@pytest.mark.parametrize("url", ["os.environ['B']", "os.environ.get('B')", "settings.BROKER", "read('b')", "f'{B}'"])
def test_a_place_that_only_the_running_program_knows_is_told(write: Write, told: Told, url: str) -> None:
    write("proj.py", f"from celery import Celery\napp = Celery('proj', broker={url})\n")

    assert told() == [
        "proj.py:2 differs: broker: known only when the program runs; a server there is refused, so that the app "
        "needs path="
    ]

    write("proj.py", f"from celery import Celery\napp = Celery('proj', path='jobs.db', broker={url})\n")
    assert told() == []


@pytest.mark.parametrize("url", ["os.environ.get('B', 'jobs.db')", "str(DATA / 'jobs.db')", "f'{DATA}/jobs.db'"])
def test_a_path_of_which_a_part_is_not_known_is_nothing_to_tell(write: Write, told: Told, url: str) -> None:
    write("proj.py", f"from celery import Celery\napp = Celery('proj', broker={url})\n")

    assert told() == []


@pytest.mark.parametrize(
    "text",
    [
        "flask.config['CELERY_BROKER_URL'] = 'amqp://h'",
        "flask.config['CELERY'] = {'broker_url': 'amqp://h'}",
        "flask.config.from_mapping(CELERY=dict(broker_url='amqp://h'))",
        "class Config:\n    CELERY_BROKER_URL = os.getenv('B', 'amqp://h')",
        "settings = dict(broker_url='amqp://h')\napp.conf.update(settings)",
        "app.config_from_object({'broker_url': 'amqp://h'})",
        "celery: Celery = Celery(broker='amqp://h')",
        "class App(Celery): ...\ncelery = App('proj', broker='amqp://h')",
        "from celery import Celery as Queue\ncelery = Queue('proj', broker='amqp://h')",
        "self.celery = Celery('proj', broker='amqp://h')",
    ],
)
def test_a_server_is_seen_wherever_it_is_set(write: Write, told: Told, text: str) -> None:
    write("proj.py", f"{text}\n")

    assert any("error" in line and SERVER in line for line in told())


@pytest.mark.parametrize("name", ["django-db", "database", "proj.results:Backend", "proj.results.Backend", "amqp"])
def test_short_names_of_back_ends_are_no_files(write: Write, told: Told, name: str) -> None:
    write("celeryconfig.py", f"result_backend = {name!r}\n")
    write("proj.py", "")

    (line,) = told()
    assert line.startswith(f"celeryconfig.py:1 error: result_backend: {name!r} is another place for jobs or results")


TWO = "error: broker and result back end are two places; jobs and results are in one: give path=, or the broker alone"


def test_jobs_and_results_in_two_places_are_told(write: Write, told: Told) -> None:
    write("proj.py", "app = Celery('proj', broker='sqlite:///jobs.db', backend='db+sqlite:///results.db')\n")
    write("celeryconfig.py", "broker_url = 'jobs.db'\nresult_backend = 'cache+memory://'\n")

    assert told() == [f"celeryconfig.py:2 {TWO}", f"proj.py:1 {TWO}"]

    write("proj.py", "app = Celery('proj', broker='sqla+sqlite:///jobs.db', backend='db+sqlite:///jobs.db')\n")
    write("celeryconfig.py", "broker_url = os.environ['B']\nresult_backend = 'rpc://'\n")
    assert [line for line in told() if "error" in line] == []


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (["app = Celery('proj', broker='jobs.db')", "app.conf.result_backend = 'cache+memory://'"], 2),
        (["app = Celery('proj', broker='sqla+sqlite:///jobs.db')", "app.conf['result_backend'] = 'results.db'"], 2),
        (["app = Celery('proj')", "app.conf.broker_url = 'jobs.db'", "app.conf.result_backend = 'redis://h'"], 3),
        (["app = Celery('proj')", "app.conf.update(broker_url='jobs.db', result_backend='cache+memory://')"], 2),
        (["app = Celery('proj', backend='results.db')", "app.conf.update({'broker_url': 'jobs.db'})"], 1),
    ],
)
def test_jobs_and_results_in_two_places_are_told_wherever_they_are_named(
    write: Write, told: Told, lines: list[str], line: int
) -> None:
    write("proj.py", "\n".join(lines))

    assert told() == [f"proj.py:{line} {TWO}"]


def test_jobs_and_results_in_places_of_several_files_are_told_once(write: Write, told: Told) -> None:
    write("proj.py", "app = Celery('proj', broker='jobs.db')\n")
    write("celeryconfig.py", "result_backend = 'cache+memory://'\n")
    assert told() == [f"celeryconfig.py:1 {TWO}"]

    write("celeryconfig.py", "result_backend = 'jobs.db'\n")
    assert told() == []

    write("proj.py", "app = Celery('proj', path='jobs.db', broker='jobs.db')\n")
    write("celeryconfig.py", "result_backend = 'cache+memory://'\n")
    assert told() == ["celeryconfig.py:1 note: result_backend has no effect: path= comes first"]
