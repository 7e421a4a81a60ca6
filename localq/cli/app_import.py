"""Import an app's module, by its name or as a script; whatever it raises becomes one paragraph."""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import sys
import traceback
from pathlib import Path
from types import ModuleType

import click

from localq.app import LocalQ
from localq.exceptions import LocalQError
from localq.host.folder import working_folder
from localq.model.hints import nearest
from localq.settings.dotted_names import parted
from localq.tasks.program_name import script_name

__all__ = ["LoadError", "discover", "import_module", "import_named", "import_script", "story"]

#: Where LocalQ lies; what it refuses to do is told well by the line of the program that asked for it.
_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
_REFUSALS = (LocalQError, TypeError, ValueError)


class LoadError(click.ClickException):
    """The app cannot be found or loaded; the message is one paragraph that says why."""

    exit_code = 2


def import_module(name: str) -> ModuleType:
    """Import a module, also from the working folder.

    Raises:
        LoadError: there is none, or it raised something; with the last lines of the traceback.
    """
    try:
        return _import(name)
    except ModuleNotFoundError as error:
        raise _missing(error) from None


def discover(app: LocalQ) -> None:
    """Import what `autodiscover_tasks` was asked for.

    Raises:
        LoadError: see `import_module`.
    """
    try:
        app.discover_tasks(_import)
    except ModuleNotFoundError as error:
        raise _missing(error) from None


def import_named(name: str) -> tuple[ModuleType, str]:
    """Import a module; "tasks.q" may also mean `q` in `tasks`, which is then returned beside it.

    Raises:
        LoadError: see `import_module`.
    """
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
    folders = getattr(sys.modules.get(parent), "__path__", []) if parent else [working_folder() or ""]
    there = {prefix + one.name: None for one in pkgutil.iter_modules(folders)}
    return nearest(name, there) or f" It was looked for in {', '.join(folders)} and where Python finds modules."


def _import(name: str) -> ModuleType:
    """Import a module; whatever it raises becomes one paragraph.

    Raises:
        LoadError: it raised something.
        ModuleNotFoundError: there is no such module, neither broken nor whole.
    """
    here = working_folder()
    if here is not None and here not in sys.path:
        sys.path.insert(0, here)
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
        raise LoadError(story(repr(name), error)) from None


def story(name: str, error: Exception) -> str:
    """Say what went wrong while a module was imported, with the last lines of its traceback, ours left out."""
    importing = (os.path.dirname(__file__) + os.sep, "<frozen importlib", os.path.dirname(importlib.__file__))
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith(importing)]
    theirs = [one for one in frames if not one.filename.startswith(_PACKAGE)]
    shown = (theirs or frames)[-2:]
    if frames and frames[-1] not in shown and not isinstance(error, _REFUSALS):
        shown = [*shown[-1:], frames[-1]]
    lines = traceback.format_list(shown) + traceback.format_exception_only(error)
    hint = ""
    if "no known parent package" in str(error):
        hint = " It belongs to a package: make an __init__.py in its folder."
    return f"Importing {name} failed.{hint}\n{''.join(lines).rstrip()}"


def import_script(text: str) -> ModuleType:
    """Import a script under its stem, its folder first on the path; in a package, under its full name.

    Raises:
        LoadError: there is none, its name belongs to another module, or it raised something.
    """
    path = Path(text).absolute()
    path = path / "__init__.py" if path.is_dir() else path
    if not path.is_file():
        there = [one.name for one in path.parent.glob("*.py")]
        raise LoadError(f"There is no file {str(path)!r}.{nearest(path.name, there)}")
    if "." in path.stem:
        raise LoadError(f"{text!r} cannot be imported: there is a dot in its name. Rename it.")
    name = script_name(path)
    sys.path.insert(0, str(path.parents[name.count(".") + (path.name == "__init__.py")]))
    try:
        module = _import(name)
    except ModuleNotFoundError as error:
        raise LoadError(f"{text!r} cannot be imported under the name {error.name!r}. Rename it.") from None
    if not module.__file__ or not os.path.samefile(module.__file__, path):
        raise LoadError(
            f"{text!r} cannot be imported: the name {name!r} belongs to {module.__file__ or 'Python'}. Rename it."
        )
    return module
