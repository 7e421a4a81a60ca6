"""Find the app a command is about: `-A/--app`, `--path` and `--url`, before or after the command.

A command that needs an app is decorated with `app_options` and gets it as its argument `app`:

    @click.command()
    @app_options
    def status(app: LocalQ) -> None: ...
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import click

from localq import current
from localq.app import LocalQ
from localq.exceptions import LocalQError
from localq.model.hints import nearest
from localq.settings.dotted_names import parted
from localq.signals import user_preload_options
from localq.store.location import embedded

__all__ = [
    "Found",
    "LoadError",
    "app_options",
    "app_parameters",
    "find_app",
    "import_module",
    "load_app",
    "loaded",
]

P = ParamSpec("P")
R = TypeVar("R")

#: Names an app has in a module, and modules of a package it may be in, in the order they are tried.
_NAMES = ("q", "app", "celery")
_MODULES = ("celery", "app", "tasks", "localq")
#: Files with settings that are read where no app is named, the first that is there; then the project's own.
_CONFIGS = ("localqconfig.py", "celeryconfig.py", "localq.toml")
_PROJECT = "pyproject.toml"
_META = "localq.found"


class LoadError(click.ClickException):
    """The app cannot be found or loaded; the message is one paragraph that says why."""

    exit_code = 2


class Found(NamedTuple):
    """An app and where it was found, such as "tasks:q"."""

    app: LocalQ
    name: str


# Options


def app_parameters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options -A/--app (passed as `spec`), --path, --url, --broker and --config to a command."""
    for option in (
        click.option(
            "--config", metavar="MODULE",
            help="Settings, where no app is named: a module or a TOML file; default: celeryconfig, if it is here.",
        ),
        click.option("-b", "--broker", metavar="URL", help="The same as --path or --url, by Celery's name."),
        click.option("--url", metavar="URL", help="The queue's address instead: sqlite:///jobs.db."),
        click.option(
            "--path",
            metavar="FILE",
            help="The queue's file, instead of the app's own. Without an app: $LOCALQ_PATH, or jobs.db.",
        ),
        click.option(
            "-A", "--app", "spec", metavar="APP",
            help="Where the app is: a module, module:name, a package, or the path of a script. "
            "Default: what celeryconfig.py, localqconfig.py or localq.toml here imports.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


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
        before = context.find_root().params
        spec, config = spec or before.get("spec"), config or before.get("config")
        if path is None and url is None and broker is None:
            path, url, broker = before.get("path"), before.get("url"), before.get("broker")
        if broker is not None and path is None:
            path = embedded(broker)
        own = context.find_root().obj
        found = _load(spec, path, url, own if isinstance(own, LocalQ) else None, config)
        user_preload_options.send(context.command, app=found.app, options=dict(context.params))
        context.meta[_META] = found
        context.call_on_close(found.app.close)
        return command(*args, app=found.app, **kwargs)  # type: ignore[arg-type]

    return with_app


def loaded() -> Found:
    """Return the app of the running command, and where it was found; the name is empty without -A."""
    found: Found = click.get_current_context().meta[_META]
    return found


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
    found = find_app(spec) if spec else Found(own, "") if own is not None else _configured(config)
    if found is None:
        if path is None and url is None:
            path = os.environ.get("LOCALQ_PATH") or None
        found = Found(LocalQ("localq", path=path, url=url), "")
    elif path is not None or url is not None:
        found.app.relocate(path=path, url=url)
    current.set_app(found.app)
    _read_settings(found.app)
    return found


def _read_settings(app: LocalQ) -> None:
    """Read an app's configuration now, so that what is wrong with it is told in one paragraph."""
    try:
        app.conf.load()
    except LocalQError:
        raise
    except Exception as error:
        raise LoadError(_story("the app's configuration", error)) from None


def _configured(config: str | None) -> Found | None:
    """Return the app of a configuration, by default that in the working folder, or None where there is none.

    The modules it names are imported; where they make an app of their own, that is the one meant.
    """
    name = (
        config
        or os.environ.get("CELERY_CONFIG_MODULE")
        or next((name.removesuffix(".py") for name in _CONFIGS if os.path.isfile(name)), None)
    )
    if name is None and not _has_table(_PROJECT):
        return None
    app = LocalQ("localq", config_source=_PROJECT if name is None else _source(name))
    for task_module in (*app.conf.imports, *app.conf.include):
        theirs = _apps(import_module(task_module))
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


def _has_table(path: str) -> bool:
    """Whether a project's file has settings; one that cannot be read says so where it is meant."""
    return os.path.isfile(path) and "[tool.localq" in Path(path).read_text("utf-8", "replace")


def find_app(spec: str) -> Found:
    """Return the app that a text names.

    Args:
        spec: A module ("tasks"), a module and a name in it ("tasks:q"), a package ("shop": the app is in it,
            or in shop.celery, shop.app, shop.tasks or shop.localq), or a script's path ("jobs/nightly.py").

    Raises:
        LoadError: with what there is instead, where something is close.
    """
    where, _, attribute = spec.rpartition(":") if _names_attribute(spec) else (spec, "", "")
    if where.endswith(".py") or os.sep in where:
        module, rest = _import_path(where), ""
    else:
        module, rest = _import_name(where)
    attribute = attribute or rest
    return _named(module, attribute) if attribute else _only(module)


def _names_attribute(spec: str) -> bool:
    """Whether a name follows a colon; "C:/jobs/tasks.py" has another colon."""
    return all(part.isidentifier() for part in spec.rpartition(":")[2].split(".")) and ":" in spec


# Importing


def import_module(name: str) -> ModuleType:
    """Import a module, also from the working folder.

    Raises:
        LoadError: there is none, or it raised something; with the last lines of the traceback.
    """
    try:
        return _import(name)
    except ModuleNotFoundError as error:
        raise _missing(error) from None


def _import_name(name: str) -> tuple[ModuleType, str]:
    """Import a module; "tasks.q" may also mean `q` in `tasks`, which is then returned beside it."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise LoadError(f"{name!r} is neither the name of a module nor the path of a script (NAME.py).")
    try:
        return parted(name, _import)
    except ModuleNotFoundError as error:
        raise _missing(error) from None


def _missing(error: ModuleNotFoundError) -> LoadError:
    name = str(error.name)
    return LoadError(f"There is no module {name!r}.{_near(name)}")


def _near(name: str) -> str:
    """Name the module that was perhaps meant: one beside the missing one, or in the working folder."""
    parent = name.rpartition(".")[0]
    prefix = f"{parent}." if parent else ""
    folders = getattr(sys.modules.get(parent), "__path__", []) if parent else [os.getcwd()]
    there = {prefix + one.name: None for one in pkgutil.iter_modules(folders)}
    return nearest(name, there) or f" It was looked for in {', '.join(folders)} and where Python finds modules."


def _import(name: str) -> ModuleType:
    """Import a module; whatever it raises becomes one paragraph.

    Raises:
        LoadError: it raised something.
        ModuleNotFoundError: there is no such module, neither broken nor whole.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except SystemExit as error:
        raise LoadError(
            f"Importing {name!r} ended the program ({error!r}). Put its main part under if __name__ == '__main__'."
        ) from None
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{name}.".startswith(f"{missing}."):
            raise
        raise LoadError(_story(repr(name), error)) from None


def _story(name: str, error: Exception) -> str:
    """Say what went wrong while a module was imported, with the last lines of its traceback."""
    ours = (__file__, "<frozen importlib", os.path.dirname(importlib.__file__))
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith(ours)]
    lines = traceback.format_list(frames[-2:]) + traceback.format_exception_only(error)
    hint = ""
    if "no known parent package" in str(error):
        hint = " It belongs to a package: make an __init__.py in its folder."
    return f"Importing {name} failed.{hint}\n{''.join(lines).rstrip()}"


def _import_path(text: str) -> ModuleType:
    """Import a script under its stem, its folder first on the path; in a package, under its full name."""
    path = Path(text).absolute()
    path = path / "__init__.py" if path.is_dir() else path
    if not path.is_file():
        there = [one.name for one in path.parent.glob("*.py")]
        raise LoadError(f"There is no file {str(path)!r}.{nearest(path.name, there)}")
    parts = [] if path.name == "__init__.py" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    if "." in path.stem:
        raise LoadError(f"{text!r} cannot be imported: there is a dot in its name. Rename it.")
    sys.path.insert(0, str(folder))
    name = ".".join(parts)
    try:
        module = _import(name)
    except ModuleNotFoundError as error:
        raise LoadError(f"{text!r} cannot be imported under the name {error.name!r}. Rename it.") from None
    if not module.__file__ or not os.path.samefile(module.__file__, path):
        raise LoadError(
            f"{text!r} cannot be imported: the name {name!r} belongs to {module.__file__ or 'Python'}. Rename it."
        )
    return module


# Choosing


def _named(module: ModuleType, attribute: str) -> Found:
    """Return the app of that name in a module; a module of that name may hold it."""
    value: Any = module
    for part in attribute.split("."):
        if not hasattr(value, part):
            close = nearest(attribute, _apps(module)) or _say_apps(module)
            raise LoadError(f"There is no {attribute!r} in {module.__name__}.{close}")
        value = getattr(value, part)
    if isinstance(value, ModuleType):
        return _only(value)
    if not isinstance(value, LocalQ):
        raise LoadError(
            f"{module.__name__}:{attribute} is no app (an app is made by LocalQ) but of type "
            f"{type(value).__name__}.{_say_apps(module)}"
        )
    return Found(value, f"{module.__name__}:{attribute}")


def _only(module: ModuleType) -> Found:
    """Return the app of a module, or of the modules of a package that usually have it."""
    looked = [module]
    found = _in_module(module)
    for name in _MODULES if found is None and hasattr(module, "__path__") else ():
        full = f"{module.__name__}.{name}"
        if found is None and importlib.util.find_spec(full) is not None:
            looked.append(_import(full))
            found = _in_module(looked[-1])
    if found is None:
        where = " or ".join(one.__name__ for one in looked)
        raise LoadError(
            f"There is no app in {where}. Make one there, as in q = LocalQ(path='jobs.db'), "
            "or say where it is: -A module:name."
        )
    return found


def _in_module(module: ModuleType) -> Found | None:
    apps = _apps(module)
    name = next((name for name in _NAMES if name in apps), None)
    if name is None and len(set(map(id, apps.values()))) > 1:
        raise LoadError(f"There are several apps in {module.__name__}.{_say_apps(module)}")
    name = name or next(iter(apps), None)
    return None if name is None else Found(apps[name], f"{module.__name__}:{name}")


def _apps(module: ModuleType) -> dict[str, LocalQ]:
    return {name: value for name, value in vars(module).items() if isinstance(value, LocalQ)}


def _say_apps(module: ModuleType) -> str:
    names = [f"-A {module.__name__}:{name}" for name in _apps(module)]
    return f" Say {' or '.join(names)}." if names else ""
