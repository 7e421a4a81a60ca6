"""`localq worker` and `localq serve`: run jobs in this process until told to stop."""

from __future__ import annotations

import faulthandler
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import click

import localq
from localq import log
from localq.app import LocalQ
from localq.app.frameworks import set_up
from localq.cli.app_import import LoadError, discover, import_module
from localq.cli.app_option import app_options, loaded
from localq.cli.celery_options import is_quiet, without_effect
from localq.cli.daemon.detach import daemon_options, said_when_ready
from localq.cli.daemon.files import Level, files_of, set_up_log
from localq.cli.daemon.pidfile import held
from localq.cli.daemon.reload import Reloading
from localq.cli.page_beside import page_beside, page_options
from localq.cli.screen import numbered
from localq.exceptions import ImproperlyConfigured, StoreError
from localq.model.worker import WorkerCard
from localq.monitor.health_of_work import unknown
from localq.monitor.queues import queues_left
from localq.settings.dotted_names import attribute
from localq.settings.workers import POOLS
from localq.tasks.routing.router import check_queues, queue_notices
from localq.worker.build import assemble
from localq.worker.name import worker_name
from localq.worker.program import WorkerProgram, prints_of
from localq.worker.worker import Worker

__all__ = ["banner", "serve", "worker"]

#: What makes a scheduler, and what warns of rules, loaded by a worker that has one.
_SCHEDULER, _LINT = "localq.schedules.scheduler:beside", "localq.schedules.lint:lint"


# Options


class _Concurrency(click.ParamType):  # type: ignore[type-arg]  # click before 8.5 has no such parameter
    """A number of slots, or `auto`."""

    name = "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str | None:
        if value == "auto" or isinstance(value, int):
            return value  # type: ignore[no-any-return]
        if not str(value).isdecimal() or int(value) > 10_000:
            self.fail(f"{value!r} is neither a number from 1 to 10,000 nor 'auto'.", param, ctx)
        # 0 is what the settings say, as in Celery.
        return int(value) or None


class _Names(click.ParamType):  # type: ignore[type-arg]  # click before 8.5 has no such parameter
    """Names parted by commas."""

    name = "A,B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
        if not names:
            self.fail(f"{value!r} names nothing.", param, ctx)
        return names


class _Bounds(click.ParamType):  # type: ignore[type-arg]  # click before 8.5 has no such parameter
    """The most and the fewest slots, in either order; the fewest may be left out or 0, and are 1 then."""

    name = "MAX,MIN"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        one, _, other = str(value).partition(",")
        try:
            fewest, most = sorted((int(one), int(other or 1)))
            # A worker keeps a slot where Celery's may keep none.
            return most, fewest or 1
        except ValueError:
            self.fail(f"{value!r} is not MAX,MIN, such as 8,2.", param, ctx)


_SECONDS = click.FloatRange(min=0, min_open=True)
_COUNT = click.IntRange(min=1)


def _worker_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (*_SETTINGS, *_OTHERS):
        command = option(command)
    return without_effect("worker")(daemon_options(app_options(command)))


#: Options called after the setting they set for this run.
_SETTINGS = [
    click.option("--max-memory-per-child", "worker_max_memory_per_child", type=_COUNT, metavar="KIB",
                 help="Replace a process that holds more; kill it at twice as much."),
    click.option("--max-tasks-per-child", "worker_max_tasks_per_child", type=_COUNT, metavar="N",
                 help="Replace a process after so many runs."),
    click.option("--soft-time-limit", "task_soft_time_limit", type=_SECONDS, metavar="S",
                 help="Seconds after which a run gets SoftTimeLimitExceeded."),
    click.option("--time-limit", "task_time_limit", type=_SECONDS, metavar="S",
                 help="Seconds after which a run is killed."),
    click.option("-P", "--pool", "worker_pool", type=click.Choice(POOLS), metavar="KIND",
                 help=f"Where attempts run: {', '.join(POOLS)}; prefork means processes."),
    click.option("-c", "--concurrency", "worker_concurrency", type=_Concurrency(), metavar="N|auto",
                 help="Attempts that run at a time; auto: one a processor."),
]  # fmt: skip
_OTHERS = [
    click.option("-E", "--task-events", "--events", "task_events", is_flag=True,
                 help="Accepted for Celery's sake: events are sent while somebody listens."),
    click.option("-I", "--include", type=_Names(), default=(), help="Modules to import for their tasks."),
    click.option("-f", "--logfile", metavar="FILE",
                 help="Log there instead of standard error; takes %n, %h and %d."),
    click.option("-l", "--loglevel", "level", type=Level(), default="WARNING", show_default=True,
                 help=f"Least level logged: {', '.join(log.LEVELS)}, or a number."),
    click.option("-n", "--hostname", metavar="NAME",
                 help="The worker's name, NAME@HOST or HOST alone: %h is this host, %n its short name, %d its domain."),
    click.option("--reload", is_flag=True, help="Begin anew when a file of the program changes: for development."),
    click.option("--purge", "--discard", "purge", is_flag=True,
                 help="First remove the jobs that wait in its queues."),
    click.option("--autoscale", type=_Bounds(), metavar="MAX,MIN",
                 help="Let the number of slots follow the demand, within these bounds."),
    click.option("-X", "--exclude-queues", "excluded", type=_Names(), default=(),
                 help="Serve all queues but these."),
    click.option("-Q", "--queues", type=_Names(), help="Serve these queues only."),
]  # fmt: skip


def _beat(default: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        "-B",
        "--beat/--no-beat",
        default=default,
        help=f"Fire schedules, as `localq beat` does.  [default: {'beat' if default else 'no-beat'}]",
    )


# Commands


@click.command(short_help="Run jobs.")
@_beat(False)
@_worker_options
def worker(app: LocalQ, **options: Any) -> None:
    """Run jobs until told to stop.

    The first TERM or Ctrl-C lets running jobs finish and puts back the rest, the second interrupts them, the
    third kills them. HUP restarts, USR1 shows where every thread is.
    """
    _run(app, **options)


@click.command(short_help="Run all that a queue needs: jobs and schedules.")
@_beat(True)
@page_options
@_worker_options
def serve(app: LocalQ, page: bool, port: int, address: str, **options: Any) -> None:
    """Run all that a queue needs until told to stop.

    That is a worker (see `localq worker --help`), a scheduler, and the dashboard in a process of its own (see
    `localq flower --help`).
    """
    served = page and not app.eager and app.store.shared
    _run(app, partial(page_beside, app, port, address) if served else nullcontext, **options)


def _run(
    app: LocalQ,
    beside_it: Callable[[], AbstractContextManager[None]] = nullcontext,
    *,
    queues: tuple[str, ...] | None,
    excluded: tuple[str, ...],
    hostname: str | None,
    level: int,
    logfile: str | None,
    include: tuple[str, ...],
    detach: bool,
    pidfile: str | None,
    task_events: bool,
    purge: bool,
    reload: bool,
    beat: bool = False,
    autoscale: tuple[int, int] | None,
    **settings: Any,
) -> None:
    if app.eager:
        raise ImproperlyConfigured("The app is eager: its calls run in the caller, a worker has nothing to do.")
    app.conf.put({name: value for name, value in settings.items() if value is not None}, "the command line")
    if task_events:
        app.conf.put({"worker_send_task_events": True}, "the command line")
    check_queues(app.conf, queues or ())
    name = worker_name(hostname, app.node_name)
    files = files_of(app, name, detach=detach, logfile=logfile, pidfile=pidfile)
    if files is None:
        return
    with held(files.pid), said_when_ready():
        set_up_log(app, level, files.log)
        served = {"queues": queues, "excluded": excluded, "autoscale": autoscale, "chosen": hostname is not None}
        _work(app, name, include, beside_it, beat=beat, purge=purge, reload=reload, **served)


def _work(
    app: LocalQ,
    name: str,
    include: tuple[str, ...],
    beside_it: Callable[[], AbstractContextManager[None]],
    *,
    beat: bool,
    purge: bool,
    reload: bool,
    **served: Any,
) -> None:
    _import_tasks(app, include)
    # A module may start a worker of its own, as a web application does; this one takes its place.
    app.stop()
    faulthandler.enable(file=2)
    if beat:
        # What is wrong with them is said before anything is started.
        app.schedules.configured()
    made = assemble(
        app,
        printed=prints_of(name, redirect=app.conf.worker_redirect_stdouts),
        name=name.replace("%", "%%"),
        **served,
    )
    if purge:
        count = app.store.jobs.purge(queues_left(app.store, served["queues"], served["excluded"]))
        click.echo(f"purge: Erased {count:,} {'message' if count == 1 else 'messages'} from the queue.\n")
    shown = "" if is_quiet() else banner(made, loaded().name, beat=beat)
    program = WorkerProgram(made, shown, attribute(_SCHEDULER)(app) if beat else None)
    with beside_it(), Reloading(program.restart).while_running() if reload else nullcontext():
        program.run()


def _import_tasks(app: LocalQ, include: tuple[str, ...]) -> None:
    set_up()
    app.conf.include = tuple(dict.fromkeys((*app.conf.include, *include)))
    for name in (*app.conf.imports, *app.conf.include):
        import_module(name)
    discover(app)
    if not app.tasks:
        raise LoadError(
            "There are no tasks to run: every job would fail. Name the app that has them, as in "
            "`localq worker -A tasks`, or import their modules with --include."
        )


# Banner

#: Unknown tasks that are named.
_LISTED = 5


def _slots(worker: Worker) -> str:
    bounds = worker.plan.autoscale
    return str(worker.pool.size) if bounds is None else f"{bounds.fewest} to {bounds.most}, by demand"


def banner(worker: Worker, app: str, *, beat: bool = False) -> str:
    """Return what a worker shows of itself when it starts, in the order Celery's does.

    Args:
        worker: Assembled.
        app: Where the app is, such as "tasks:q".
        beat: Whether it fires schedules.
    """
    plan, store = worker.plan, worker.store
    served = "all" if plan.queues is None else ", ".join(plan.queues)
    if plan.excluded:
        served += f" but {', '.join(plan.excluded)}"
    config = {
        "app": app or "(none: the tasks below are all it knows)",
        "store": store.name,
        "concurrency": f"{_slots(worker)} ({plan.pool_kind})",
        "queues": served,
    }
    lines = [
        "",
        f" {plan.name}  LocalQ {localq.__version__}  Python {platform.python_version()}  pid {os.getpid()}",
        "",
        "[config]",
        *(f"  .> {key + ':':<13}{value}" for key, value in config.items()),
        "",
        "[tasks]",
        *(f"  . {name}" for name in sorted(worker.app.tasks)),
        "",
        *_noticed(worker, plan.queues or (), beat=beat),
        "",
    ]
    return "\n".join(lines)


def _noticed(worker: Worker, queues: Iterable[str], *, beat: bool) -> list[str]:
    """Return lines about what is odd in settings and schedules, and about jobs that it will not run, or none."""
    odd = _odd_schedules(worker.app) if beat else ()
    told = [*worker.app.notices(), *queue_notices(worker.app.conf, queues), *odd, *_unknown(worker)]
    return ["[warnings]", *(f"  ! {line}" for line in told), ""] if told else []


def _odd_schedules(app: LocalQ) -> Iterator[str]:
    """Yield what `localq cron lint` warns of in the rules of schedules."""
    if app.schedules.is_configured:
        lint = attribute(_LINT)
        for one in app.schedules.configured():
            for remark in lint(one.rule, one.tzinfo, app.clock.now(), hash_key=one.name):
                if remark.severity == "warning":
                    yield f"Schedule {one.name}: {remark.what}"


def _unknown(worker: Worker) -> Iterator[str]:
    """Yield what is to be said of jobs at the front of its queues whose task neither it nor another worker knows."""
    app, plan = worker.app, worker.plan
    if app.conf.worker_unknown_tasks != "leave":
        return
    try:
        stats, others = app.store.read.stats(), app.store.workers.all()
    except StoreError:
        # The worker says so itself, when it opens the store.
        return
    known = tuple(app.tasks.names_found())
    own = WorkerCard("", plan.name, "", 0, plan.pool_kind, 0, plan.queues, plan.excluded, known)
    missed = list(unknown(others, stats.in_front, own))
    for one in missed[:_LISTED]:
        yield f"Jobs in queue {one.queue} wait for {one.task}, which no live worker knows; they are left as they are."
    if len(missed) > _LISTED:
        yield f"So do jobs of {numbered(len(missed) - _LISTED, 'more task')}: see localq doctor."
