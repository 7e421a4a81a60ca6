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
from localq.settings import nearest

__all__ = ["Found", "LoadError", "app_options", "app_parameters", "find_app", "load_app", "loaded"]

P = ParamSpec("P")
R = TypeVar("R")

#: Names an app has in a module, tried in this order, and modules of a package it may be in (Celery's find_app).
_NAMES = ("q", "app", "celery")
_MODULES = ("celery", "app", "tasks", "localq")
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
    """Add the options -A/--app (passed as `spec`), --path and --url to a command."""
    for option in (
        click.option("--url", metavar="URL", help="The queue's address instead: sqlite:///jobs.db."),
        click.option(
            "--path",
            metavar="FILE",
            help="The queue's file, instead of the app's own. Without an app: $LOCALQ_PATH, or jobs.db.",
        ),
        click.option(
            "-A", "--app", "spec", metavar="APP",
            help="Where the app is: a module, module:name, a package, or the path of a script.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def app_options(command: Callable[Concatenate[LocalQ, P], R]) -> Callable[..., R]:
    """Add -A/--app, --path and --url to a command, and pass it the app they name as `app`.

    What stands before the command (`localq -A tasks status`) counts where the command itself says nothing. Without
    -A the app knows no tasks.
    """

    @app_parameters
    @click.pass_context
    @functools.wraps(command)
    def with_app(
        context: click.Context, /, *args: Any, spec: str | None, path: str | None, url: str | None, **kwargs: Any
    ) -> R:
        before = context.find_root().params
        spec = spec or before.get("spec")
        if path is None and url is None:
            path, url = before.get("path"), before.get("url")
        found = _load(spec, path, url)
        context.meta[_META] = found
        return command(*args, app=found.app, **kwargs)  # type: ignore[call-arg, arg-type]

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
        path: The store's file, instead of the app's own; without an app the default is $LOCALQ_PATH, then jobs.db.
        url: The store's URL, instead of both.

    Raises:
        LoadError: there is no such app, or its module cannot be imported.
        ImproperlyConfigured: path and url are both given, or cannot be.
    """
    return _load(spec, path, url).app


def _load(spec: str | None, path: str | None, url: str | None) -> Found:
    if spec:
        found = find_app(spec)
        if path is not None or url is not None:
            found.app.relocate(path=path, url=url)
    else:
        if path is None and url is None:
            path = os.environ.get("LOCALQ_PATH") or None
        found = Found(LocalQ("localq", path=path, url=url), "")
    current.set_app(found.app)
    return found


def find_app(spec: str) -> Found:
    """Return the app that a text names.

    Args:
        spec: A module ("tasks"), a module and a name in it ("tasks:q"), a package ("shop": the app is in it, or in
            shop.celery, shop.app, shop.tasks or shop.localq), or the path of a script ("jobs/nightly.py").

    Raises:
        LoadError: with what there is instead, where something is close.
    """
    _add_to_path(os.getcwd())
    where, _, attribute = spec.rpartition(":") if _has_attribute(spec) else (spec, "", "")
    if where.endswith(".py") or os.sep in where:
        module, attribute = _import_path(where), attribute
    else:
        module, rest = _import_name(where)
        attribute = attribute or rest
    return _named(module, attribute) if attribute else _only(module, spec)


def _has_attribute(spec: str) -> bool:
    # "C:\jobs\tasks.py" has a colon, and no name behind it.
    return ":" in spec and spec.rpartition(":")[2].replace(".", "").isidentifier()


def _add_to_path(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)


# Importing


def _import_name(name: str) -> tuple[ModuleType, str]:
    """Import a module; "tasks.q" may also mean `q` in `tasks`, which is returned beside it."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise LoadError(f"-A {name!r} is not the name of a module, nor the path of a script (which ends in .py).")
    try:
        return _import(name), ""
    except _NoModule as error:
        parent, _, last = name.rpartition(".")
        if parent and error.name == name:
            module = _import(parent)
            if hasattr(module, last):
                return module, last
            where = f"in {parent}"
            close = nearest(last, [one.name for one in pkgutil.iter_modules(getattr(module, "__path__", []))])
        else:
            where = f"{os.getcwd()} or elsewhere on the import path"
            where = f"in {where}"
            close = nearest(name, [one.name for one in pkgutil.iter_modules([os.getcwd()])])
        raise LoadError(f"There is no module {error.name!r} {where}.{close}") from None


class _NoModule(LoadError):
    """There is no such module at all."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no module {name!r}.")


def _import(name: str) -> ModuleType:
    """Import a module; whatever it raises becomes one paragraph."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise _NoModule(error.name) from None
        raise LoadError(_story(name, error)) from None
    except SystemExit as error:
        raise LoadError(
            f"Importing {name!r} ended the program ({error!r}). Put its main part under if __name__ == '__main__'."
        ) from None
    except Exception as error:
        raise LoadError(_story(name, error)) from None


def _story(name: str, error: Exception) -> str:
    """Say what went wrong while a module was imported, with the last lines of its traceback."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and not frame.filename.startswith("<frozen importlib")
        and os.path.dirname(frame.filename) != os.path.dirname(importlib.__file__)
    ]  # fmt: skip
    lines = traceback.format_list(frames[-2:]) + traceback.format_exception_only(error)
    hint = ""
    if "no known parent package" in str(error):
        hint = " It imports from its package: name it with the package, as in -A package.module."
    return f"Importing {name!r} failed.{hint}\n{''.join(lines).rstrip()}"


def _import_path(text: str) -> ModuleType:
    """Import a script under its stem, its folder on the import path; what lies in a package keeps its full name."""
    path = Path(text).absolute()
    if path.is_dir():
        path = path / "__init__.py"
    if not path.is_file():
        there = [one.name for one in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise LoadError(f"There is no file {text!r} in {os.getcwd()}.{nearest(path.name, there)}")
    parts = [] if path.name == "__init__.py" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    name = ".".join(parts)
    if "." in path.stem or not name:
        raise LoadError(f"{text!r} cannot be imported under the name {path.stem!r}. Rename it.")
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))
    module = _import(name)
    file = getattr(module, "__file__", None)
    if file is None or not os.path.samefile(file, path):
        raise LoadError(
            f"{text!r} cannot be imported under the name {name!r}, which belongs to {file or 'a module of Python'}. "
            "Rename it."
        )
    return module


# Choosing


def _named(module: ModuleType, attribute: str) -> Found:
    """Return the app of that name in a module; a module of that name may hold it."""
    value: Any = module
    for part in attribute.split("."):
        if not hasattr(value, part):
            raise LoadError(f"{module.__name__} has no {attribute!r}.{nearest(attribute, sorted(_apps(module)))}")
        value = getattr(value, part)
    if isinstance(value, ModuleType):
        return _only(value, f"{module.__name__}.{attribute}")
    if not isinstance(value, LocalQ):
        raise LoadError(
            f"{module.__name__}:{attribute} is not an app but {type(value).__name__}."
            f"{_say_apps(module)} An app is made by LocalQ(...)."
        )
    return Found(value, f"{module.__name__}:{attribute}")


def _only(module: ModuleType, spec: str) -> Found:
    """Return the app of a module, or of the modules of a package that usually have it."""
    looked = [module]
    found = _in_module(module)
    for name in _MODULES if found is None and hasattr(module, "__path__") else ():
        full = f"{module.__name__}.{name}"
        if importlib.util.find_spec(full) is not None:
            looked.append(_import(full))
            found = _in_module(looked[-1])
            if found is not None:
                break
    if found is None:
        where = " or ".join(one.__name__ for one in looked)
        raise LoadError(f"There is no app in {where}. Make one there, q = LocalQ(path='jobs.db'), or say where it is: -A module:name.")
    return found


def _in_module(module: ModuleType) -> Found | None:
    apps = _apps(module)
    for name in _NAMES:
        if name in apps:
            return Found(apps[name], f"{module.__name__}:{name}")
    if len({id(app) for app in apps.values()}) > 1:
        raise LoadError(f"{module.__name__} has several apps.{_say_apps(module)}")
    return next((Found(app, f"{module.__name__}:{name}") for name, app in apps.items()), None)


def _apps(module: ModuleType) -> dict[str, LocalQ]:
    return {name: value for name, value in vars(module).items() if isinstance(value, LocalQ)}


def _say_apps(module: ModuleType) -> str:
    names = [f"-A {module.__name__}:{name}" for name in _apps(module)]
    return f" Say which: {' or '.join(names)}." if names else ""
