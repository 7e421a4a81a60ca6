"""Find the app a command is about: `-A/--app`, `--path` and `--url`, before or after the command.

A command that needs an app is decorated with `app_options` and gets it as its argument `app`:

    @click.command()
    @app_options
    def status(app: LocalQ) -> None: ...
"""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from localq import current
from localq.app import LocalQ
from localq.app.default import found_configuration
from localq.cli.app_import import LoadError, import_module, story
from localq.cli.celery_options import program_options, tell_ignored
from localq.cli.found_app import Found, apps_in, find_app
from localq.exceptions import LocalQError, QueryError
from localq.model.hints import nearest
from localq.signals import user_preload_options
from localq.store.location import embedded

__all__ = ["app_options", "app_parameters", "load_app", "loaded", "worker_command"]

P = ParamSpec("P")
R = TypeVar("R")

_META, _SPEC = "localq.found", "localq.spec"


# Options


def app_parameters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options -A/--app (passed as `spec`), --path, --url, --broker and --config to a command, and Celery's."""
    for option in (
        click.option(
            "--config", metavar="MODULE",
            help="Settings, where no app is named: a module or a TOML file; default: celeryconfig, if it is here.",
        ),
        click.option("-b", "--broker", metavar="URL", help="The same as --path or --url, by Celery's name."),
        click.option("--url", metavar="URL", help="The queue's address instead: sqlite:///jobs.db, redis://host/0, or postgresql://host/database."),
        click.option(
            "--path",
            metavar="FILE",
            help="The queue's file, instead of the app's own. Without an app: $LOCALQ_PATH, or jobs.db.",
        ),
        click.option(
            "-A", "--app", "spec", metavar="APP",
            help="Where the app is: a module, module:name, a package, or the path of a script. "
            "Default: $LOCALQ_APP, or what celeryconfig.py, localqconfig.py or localq.toml here imports.",
        ),
    ):  # fmt: skip
        command = option(command)
    return program_options(command)


def app_options(command: Callable[Concatenate[LocalQ, P], R]) -> Callable[..., R]:
    """Add -A/--app, --path and --url to a command, and pass it the app they name as `app`.

    What stands before the command (`localq -A tasks status`) counts where the command itself says nothing.
    Without -A the app knows no tasks.
    """

    @app_parameters
    @click.pass_context
    @functools.wraps(command)
    def with_app(
        context: click.Context,
        /,
        *args: Any,
        spec: str | None,
        path: str | None,
        url: str | None,
        broker: str | None,
        config: str | None,
        **kwargs: Any,
    ) -> R:
        tell_ignored(context)
        before = context.find_root().params
        spec, config = spec or before.get("spec"), config or before.get("config")
        if path is None and url is None and broker is None:
            path, url, broker = before.get("path"), before.get("url"), before.get("broker")
        if broker is not None and path is None:
            path = embedded(broker)
        own = context.find_root().obj
        found = _load(spec, path, url, own if isinstance(own, LocalQ) else None, config)
        user_preload_options.send(context.command, app=found.app, options=dict(context.params))
        context.meta[_META], context.meta[_SPEC] = found, spec
        context.call_on_close(found.app.close)
        try:
            return command(*args, app=found.app, **kwargs)  # type: ignore[arg-type]
        except QueryError as error:
            raise click.UsageError(str(error)) from None

    return with_app


def loaded() -> Found:
    """Return the app of the running command, and where it was found; the name is empty without -A."""
    found: Found = click.get_current_context().meta[_META]
    return found


def worker_command() -> str:
    """Return the command that starts a worker for the app of the running command, as far as that is known by name."""
    spec = click.get_current_context().meta.get(_SPEC)
    return f"localq worker -A {shlex.quote(spec) if spec else 'APP'}"


# Loading


def load_app(spec: str | None = None, path: str | None = None, url: str | None = None) -> LocalQ:
    """Return the app of the options -A, --path and --url, made the current one.

    Args:
        spec: See `find_app`; None: an app without tasks.
        path: The store's file, instead of the app's own; without an app: $LOCALQ_PATH, or else jobs.db.
        url: The store's URL, instead of both.

    Raises:
        LoadError: there is no such app, or its module cannot be imported.
        ImproperlyConfigured: path and url are both given, or cannot be.
    """
    return _load(spec, path, url).app


def _load(
    spec: str | None, path: str | None, url: str | None, own: LocalQ | None = None, config: str | None = None
) -> Found:
    """Load an app; `own` is the one that runs the program, for where nothing else is named."""
    if not spec and own is None and config is None:
        spec = os.environ.get("LOCALQ_APP") or None
    found = find_app(spec) if spec else Found(own, _named(own)) if own is not None else _configured(config)
    if found is None:
        if path is None and url is None:
            path = os.environ.get("LOCALQ_PATH") or None
        found = Found(LocalQ("localq", path=path, url=url), "")
    elif path is not None or url is not None:
        found.app.relocate(path=path, url=url)
    current.set_app(found.app)
    _read_settings(found.app)
    return found


def _named(app: LocalQ) -> str:
    """Return what the app of a program that runs a command itself is called there."""
    return f"{app.main or app.defined_in} (this program)"


def _read_settings(app: LocalQ) -> None:
    """Read an app's configuration now, so that what is wrong with it is told in one paragraph."""
    try:
        app.conf.load()
    except LocalQError:
        raise
    except Exception as error:
        raise LoadError(story("the app's configuration", error)) from None


def _configured(config: str | None) -> Found | None:
    """Return the app of a configuration, by default that in the working folder, or None where there is none.

    The modules it names are imported; where they make an app of their own, that is the one meant.
    """
    name = config or found_configuration()
    if name is None:
        return None
    app = LocalQ("localq", config_source=_source(name))
    for task_module in (*app.conf.imports, *app.conf.include):
        theirs = apps_in(import_module(task_module))
        if not app.tasks and theirs:
            return Found(next(iter(theirs.values())), f"{task_module}:{next(iter(theirs))}")
    return Found(app, "")


def _source(name: str) -> Any:
    """Return a configuration by its name: the module, imported, or the path of a TOML file that is there."""
    if not name.endswith(".toml"):
        return import_module(name)
    if not os.path.isfile(name):
        there = [one.name for one in Path(name).absolute().parent.glob("*.toml")]
        raise LoadError(f"There is no file {os.path.abspath(name)!r}.{nearest(os.path.basename(name), there)}")
    return name


# Importing


# Choosing
