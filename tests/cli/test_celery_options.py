"""Every option that Celery's commands have is taken; those without a meaning here are named in one warning."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import Result

from localq import LocalQ, current
from localq.cli import main
from localq.cli.program import COMMANDS
from tests.cli.runner import runner

DATA = Path(__file__).parent / "data" / "celery-5.7.json"
CELERY: dict[str, list[str]] = json.loads(DATA.read_text())
#: About a broker, which there is none of; and one that reads its words by itself.
ELSEWHERE = ("amqp", "logtool", "migrate", "multi")
OPTIONS = [(command, option) for command, given in CELERY.items() if command not in ELSEWHERE for option in given]


def known(command: str) -> dict[str, bool]:
    """Return the options of a command of ours by name, and whether each takes a value."""
    group = main if command == "" else main.get_command(click.Context(main), command)
    assert group is not None
    options = [one for one in group.params if isinstance(one, click.Option)]
    return {name: not one.is_flag for one in options for name in (*one.opts, *one.secondary_opts)}


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_each_option_of_celerys_is_there_with_all_its_names(command: str, option: str) -> None:
    names, valued = option.removesuffix(" VALUE").split(), option.endswith(" VALUE")

    ours = known(command)

    assert {name: ours.get(name) for name in names} == dict.fromkeys(names, valued)


@pytest.mark.parametrize("option", CELERY[""])
@pytest.mark.parametrize("command", ["worker", "beat", "status", "inspect", "call", "purge", "report", "shell"])
def test_what_stands_before_the_command_in_celery_is_taken_behind_it_too(command: str, option: str) -> None:
    names = [name for name in option.removesuffix(" VALUE").split() if name != "--workdir"]

    assert set(names) <= set(known(command))


def test_no_command_has_two_options_of_one_name() -> None:
    for command in COMMANDS:
        group = main.get_command(click.Context(main), command)
        assert group is not None
        names = [name for one in group.params for name in (*one.opts, *one.secondary_opts)]
        assert sorted(set(names)) == sorted(names)


# Start lines, in a folder whose app is eager: no worker comes of them, and what is wrong with a line is said before


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Result]]:
    """Return a function that runs a command line in a folder with the app `proj`."""
    (tmp_path / "proj.py").write_text("from localq import LocalQ\n\napp = LocalQ(eager=True)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    # As it was afterwards: -C sets it.
    monkeypatch.setenv("NO_COLOR", "")
    yield lambda line: runner().invoke(main, shlex.split(line))
    sys.modules.pop("proj", None)
    current.set_app(None)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("-A proj worker -l INFO", None),
        ("-A proj worker -l info -O fair --without-gossip --without-mingle",
         "--without-mingle, --without-gossip, --optimization"),
        ("-A proj worker -Ofair", "--optimization"),
        ("-A proj worker --without-heartbeat --heartbeat-interval=10 --prefetch-multiplier=1 --disable-prefetch",
         "--heartbeat-interval, --without-heartbeat, --disable-prefetch, --prefetch-multiplier"),
        ("-A proj worker --loglevel=INFO --statedb=/var/run/celery.state --pool-start-method spawn --purge",
         "--pool-start-method, --statedb"),
        ("-A proj worker -B -s /tmp/schedule --scheduler django_celery_beat.schedulers:DatabaseScheduler -E",
         "--schedule-filename, --scheduler"),
        ("-A proj beat -l info -S django -s /data/celerybeat-schedule --pidfile=", "--scheduler, --schedule"),
        ("-A proj --no-color -q --skip-checks --result-backend rpc:// worker", "--result-backend, --skip-checks"),
        ("-q -C worker -A proj -c 0 --autoscale=10,0 --discard --loader=app", "--loader"),
        ("--without-gossip -A proj -l INFO worker", "--without-gossip"),
        ("worker -A proj -n worker1@%h -Q hipri,lopri --executable /usr/bin/python3", "--executable"),
    ],
)  # fmt: skip
def test_documented_start_lines_are_taken_and_what_has_no_effect_is_named_once(
    start: Callable[[str], Result], line: str, named: str | None
) -> None:
    result = start(line)

    warnings = [text for text in result.stderr.splitlines() if "warning" in text]
    assert "The app is eager" in result.stderr
    told = [text.partition("without effect here: ")[2] for text in warnings]
    assert [sorted(one.split(", ")) for one in told] == ([] if named is None else [sorted(named.split(", "))])


def test_the_program_works_in_another_folder_where_it_is_told_to(
    start: Callable[[str], Result], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    LocalQ(path=tmp_path / "elsewhere" / "jobs.db").store.open()

    result = start("--workdir elsewhere --path jobs.db list")

    assert result.exit_code == 0
    assert "There are no jobs." in result.stderr


def test_quiet_answers_are_not_counted(q: LocalQ, localq: Callable[..., Result]) -> None:
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        assert localq("-q", "inspect", "ping").stdout == "->  anna@h: OK\n    pong\n"
        assert localq("inspect", "ping", "--quiet").stdout == "->  anna@h: OK\n    pong\n"


def test_a_call_takes_a_serializer_and_a_routing_key(q: LocalQ, localq: Callable[..., Result]) -> None:
    sent = localq("call", "one", "--serializer", "pickle", "--exchange", "media", "--routing-key", "media")

    job = q.store.read.get([sent.stdout.strip()])[sent.stdout.strip()]
    assert json.loads(job.options)["serializer"] == "pickle"
    assert localq("call", "one", "--serializer", "xml").exit_code == 2


@pytest.mark.parametrize("words", [("one", "--wait"), ("--wait", "--unknown", "one")])
def test_a_call_that_waits_for_no_number_of_seconds_waits_for_the_end(
    q: LocalQ, localq: Callable[..., Result], words: tuple[str, ...]
) -> None:
    @q.task(name="one")
    def one() -> int:
        return 1

    with q.running(concurrency=1, pool="threads"):
        called = localq("call", *words)

    assert (called.exit_code, called.stdout.splitlines()[1:]) == (0, ["1"])


def test_queues_can_be_left_out_of_a_purge(q: LocalQ, localq: Callable[..., Result]) -> None:
    for queue in ("mail", "slow", "other"):
        q.send_task("one", queue=queue)

    assert localq("purge", "-f", "-X", "mail,slow").stdout == "1 job removed.\n"
    assert localq("purge", "-f", "-Q", "mail,slow", "-X", "slow").stdout == "1 job removed.\n"
    assert localq("purge", "-f").stdout == "1 job removed.\n"
