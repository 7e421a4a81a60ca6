"""A fresh interpreter that gets to know a worker's app and tasks.

It imports the tasks' modules as the worker did, and gets those tasks that no module makes by value. Fork servers
start in one where the worker's process cannot be forked, and the processes of event loops always do.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import dill

from localq import current
from localq.app.app import LocalQ, same_app
from localq.app.frameworks import is_set_up, set_up
from localq.host.folder import working_folder
from localq.host.interpreter import words_to_call
from localq.worker.pool import task_definitions

__all__ = ["loaded", "loaded_app", "start_fresh"]


def start_fresh(
    app: LocalQ,
    descriptors: list[int],
    module: str,
    arguments: tuple[Any, ...] = (),
    *,
    patched: bool = False,
    told: Any = None,
    apart: bool = False,
) -> subprocess.Popen[bytes]:
    """Start an interpreter that calls a module's `main` with descriptors it inherits.

    Args:
        module: Its `main` calls `loaded_app` before anything else.
        arguments: What `main` gets after the descriptors.
        patched: Whether gevent patches Python's modules before anything is imported.
        told: What `loaded` returns there, which stands in no command line.
        apart: Whether it leads a session of its own, with all that it starts, where systems have such.

    Raises:
        ImproperlyConfigured: this program is no Python, and there is none beside it.
    """
    words = words_to_call(
        module,
        (*descriptors, *arguments),
        flags=subprocess._args_from_interpreter_flags(),  # type: ignore[attr-defined]
        path=[folder for path in sys.path if (folder := path or working_folder())],
        patched=patched,
    )
    process = subprocess.Popen(words, pass_fds=descriptors, stdin=subprocess.PIPE, start_new_session=apart)
    assert process.stdin is not None
    process.stdin.write(_spec(app, told))
    process.stdin.close()
    return process


def _spec(app: LocalQ, told: Any) -> bytes:
    modules = {
        task_definitions.origin(task).__module__ for task in app.tasks.values() if not task_definitions.by_value(task)
    }
    spec = {
        "parent": os.getpid(),
        "told": told,
        "path": list(sys.path),
        "argv": list(sys.argv),
        "levels": _log_levels(),
        "framework": is_set_up(),
        "main": app.main,
        "location": app.location,
        "settings": _sendable(app.conf.given()),
        # Those without tasks may connect receivers of signals.
        "modules": sorted(modules.union(app.conf.imports, app.conf.include)),
        "files": {name: path for name in modules if (path := _only_file(name)) is not None},
        "classes": task_definitions.dump_classes(),
        "definitions": [
            task_definitions.dump(task, classes=False) for task in app.tasks.values() if task_definitions.by_value(task)
        ],
    }
    return bytes(dill.dumps(spec))


def _only_file(module: str) -> str | None:
    """Return the file of a module that was loaded from there, and that no import of its name finds."""
    path: str | None = getattr(sys.modules.get(module), "__file__", None)
    parent = module.rpartition(".")[0]
    within = getattr(sys.modules.get(parent), "__path__", None) if parent else None
    finders = [finder.find_spec for finder in sys.meta_path if hasattr(finder, "find_spec")]
    if path is None or not os.path.isfile(path) or any(find(module, within) is not None for find in finders):
        return None
    return os.path.abspath(path)


def _sendable(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that can be written down; the others are as the processes' own modules say."""
    kept = {}
    for name, value in settings.items():
        if name == "beat_schedule":
            # Slots fire no schedules, and rules may hold what cannot travel.
            continue
        try:
            dill.dumps(value)
        except Exception as error:
            logging.getLogger("localq").warning("Setting %s cannot be sent to worker processes: %s", name, error)
        else:
            kept[name] = value
    return kept


def _log_levels() -> dict[str, int]:
    """Return the levels that were set, by logger: slots send what the program's loggers would take."""
    known = {name: one for name, one in logging.root.manager.loggerDict.items() if isinstance(one, logging.Logger)}
    return {"": logging.root.level, **{name: one.level for name, one in known.items() if one.level}}


def loaded_app() -> tuple[LocalQ, int]:
    """Return the app of a fresh interpreter, with its tasks, and the worker's process: standard input tells them."""
    app, parent, _ = loaded()
    return app, parent


def loaded() -> tuple[LocalQ, int, Any]:
    """Return the same, and what else the worker has told."""
    spec = dill.loads(sys.stdin.buffer.read())
    sys.path[:], sys.argv[:] = spec["path"], spec["argv"]
    current.set_in_slot()
    if spec["framework"]:
        # As it was where these modules were first imported: those of Django's models cannot be without it.
        set_up()
    for name in spec["modules"]:
        _load(name, spec["files"].get(name))
    app = same_app(spec["main"], spec["location"])
    # The worker's own file, which need not be the one its module names; and no connection crosses a fork.
    app.relocate(path=spec["location"])
    # Read first what is read there: the worker's own settings come before the environment.
    app.conf.load()
    app.conf.update(spec["settings"])
    for module in spec["modules"]:
        _adopt(app, sys.modules[module])
    task_definitions.load_classes(spec["classes"])
    for data in spec["definitions"]:
        task_definitions.load(app, data)
    for logger, level in spec["levels"].items():
        logging.getLogger(logger).setLevel(level)
    return app, int(spec["parent"]), spec["told"]


def _load(name: str, path: str | None) -> None:
    """Import a module; from a file, where that was said."""
    found = None if path is None else importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        importlib.import_module(name)
        return
    module = sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)


def _adopt(app: LocalQ, module: Any) -> None:
    """Register tasks that a module registered with another app object of the same program."""
    for value in vars(module).values():
        name = getattr(value, "name", None)
        if hasattr(value, "apply_async") and isinstance(name, str) and name not in app.tasks:
            app.tasks[name] = value
