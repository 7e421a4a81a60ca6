"""The names that are listed as Celery's are Celery's, and no others are taken for them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings

import celery
import pytest

from localq.contrib.celery.names import APP, MODULES, RESULT, TASK, find

#: Modules that do something, or need another package, when they are imported.
LEFT_OUT = ("celery.__main__", "celery.bin", "celery.contrib", "celery.concurrency", "celery.backends")


@pytest.mark.parametrize("module", sorted(one for one in MODULES if one != "celery.security"))
def test_the_names_of_a_module_are_celery_s(module: str) -> None:
    there = importlib.import_module(module)

    assert [name for name in MODULES[module].split() if not hasattr(there, name)] == []


def test_the_names_of_apps_tasks_and_results_are_celery_s() -> None:
    app = celery.Celery("x", broker="memory://", backend="cache+memory://", set_as_current=False)
    task = app.task(name="run", shared=False)(test_the_names_of_apps_tasks_and_results_are_celery_s)

    assert [name for name in APP if not hasattr(type(app), name) and not hasattr(app, name)] == []
    assert [name for name in TASK if not hasattr(task, name)] == []
    result = app.AsyncResult("a")
    assert [name for name in RESULT if not hasattr(type(result), name) and name not in vars(result)] == []


def test_what_is_found_of_celery_s_own_names_is_listed() -> None:
    wrong = []
    for info in pkgutil.walk_packages(celery.__path__, "celery."):
        if info.name.startswith(LEFT_OUT):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                module = importlib.import_module(info.name)
            except ImportError:  # of a package that this part of Celery needs
                continue
        for name, value in vars(module).items():
            listed = name in MODULES.get(info.name, "").split()
            if not name.startswith("_") and not listed and not inspect.ismodule(value) and find(info.name, name).module:
                wrong.append(f"{info.name}.{name}")

    assert wrong == []
