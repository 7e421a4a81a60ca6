"""Packages built on Celery: the known ones, and what is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localq.contrib.celery import built_on

Write = Callable[..., None]
Told = Callable[..., list[str]]


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return a function that puts a distribution on Python's path."""
    site: Path = tmp_path_factory.mktemp("site")
    monkeypatch.syspath_prepend(site)

    def install(name: str, module: str, requires: str) -> None:
        info = site / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nRequires-Dist: {requires}\n"
        )
        (info / "top_level.txt").write_text(f"{module}\n")
        built_on.packages_of.cache_clear()
        built_on.requiring.cache_clear()

    yield install
    monkeypatch.undo()
    built_on.packages_of.cache_clear()
    built_on.requiring.cache_clear()


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("sentry_sdk.integrations.celery", "use sentry_sdk.integrations.logging, or the signal task_failure"),
        ("opentelemetry.instrumentation.celery", "use the signals task_prerun and task_postrun"),
        ("health_check.contrib.celery", "use `localq doctor` or app.control.inspect().ping()"),
        ("djcelery_email.backends", "a task of one's own can call django.core.mail"),
        ("celery_progress.backend", "read AsyncResult.state and info, which update_state sets"),
        ("flask_celeryext", "make the app with localq.Celery and its task_cls"),
        ("nobody_knows.celery", "a part for Celery, which does not know LocalQ"),
        ("nobody_celery", "a part for Celery, which does not know LocalQ"),
    ],
)
def test_an_import_of_what_is_built_on_celery_is_told(write: Write, told: Told, module: str, said: str) -> None:
    write("proj.py", f"import {module}\n")

    assert told() == [f"proj.py:1 error: {module}: {said}"]


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import flower\nexcept ImportError:\n    flower = None",
        "try:\n    import flower\nexcept (ValueError, builtins.ModuleNotFoundError):\n    flower = None",
        "if TYPE_CHECKING:\n    import flower",
        "if typing.TYPE_CHECKING:\n    import flower",
    ],
)
def test_an_import_that_may_fail_stops_nothing(write: Write, told: Told, text: str) -> None:
    write("proj.py", f"{text}\n")

    assert told() == ["proj.py:2 differs: flower: see `localq status` and `localq list`"]


def test_modules_of_the_project_s_own_are_not(write: Write, told: Told) -> None:
    write("proj/__init__.py", "from proj.celery import app\nfrom mycelery import x\nimport sentry_sdk\n")
    write("proj/celery.py", "")
    write("mycelery.py", "")

    assert told() == []


def test_installed_distributions_that_require_celery_are_told(
    write: Write, told: Told, install: Callable[..., None]
) -> None:
    install("carrots", "carrots", "celery (>=5)")
    install("beets", "beets", "Celery>=5")
    install("peas", "peas", "celery; extra == 'jobs'")
    write("proj.py", "import carrots.jobs\nimport peas\nimport celery\n")

    assert told() == [
        "beets 1.2:0 differs: is installed, and built on Celery: it does not know LocalQ",
        "proj.py:1 error: carrots.jobs: carrots is built on Celery, and does not know LocalQ",
    ]
