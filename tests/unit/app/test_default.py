"""Programs that made no app: what Celery's default app does, the same."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import AsyncResult, LocalQ, chain, current, current_app, current_task, group, shared_task, signature
from localq.exceptions import ImproperlyConfigured
from localq.testing import drain


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return an empty working folder, in a process where no app was made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("LOCALQ_PATH", "CELERY_CONFIG_MODULE"):
        monkeypatch.delenv(name, raising=False)
    current.set_app(None)
    yield tmp_path
    made = current.app_or_none()
    if made is not None:
        made.close()
    current.set_app(None)
    for name in ("localqconfig", "celeryconfig", "proj_config"):
        sys.modules.pop(name, None)


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a task of whichever app there is, for one test."""
    monkeypatch.setattr("localq.tasks.shared_task._makers", [])

    @shared_task(name="tests.default.add")
    def add(x: int, y: int) -> int:
        return x + y

    return add


def _put(folder: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Say where jobs are, in one of the ways there are."""
    said = "broker_url = 'sqlite:///named.db'\n"
    if how == "LOCALQ_PATH":
        monkeypatch.setenv("LOCALQ_PATH", str(folder / "named.db"))
    elif how == "CELERY_CONFIG_MODULE":
        folder.joinpath("proj_config.py").write_text(said)
        monkeypatch.setenv("CELERY_CONFIG_MODULE", "proj_config")
    elif how == "localq.toml":
        folder.joinpath("localq.toml").write_text(said)
    else:
        folder.joinpath(f"{how}.py").write_text(said)


@pytest.mark.parametrize("how", ["LOCALQ_PATH", "CELERY_CONFIG_MODULE", "localqconfig", "celeryconfig", "localq.toml"])
def test_a_default_app_is_where_its_users_say(
    folder: Path, monkeypatch: pytest.MonkeyPatch, add: Any, how: str
) -> None:
    _put(folder, monkeypatch, how)

    result = add.delay(2, 2)
    line = chain(add.s(1, 1), add.s(2))()
    many = group(add.s(n, n) for n in range(2))()
    named = signature("tests.default.add", (3, 3)).delay()
    drain(current_app)

    assert folder.joinpath("named.db").exists()
    assert (AsyncResult(result.id).get(), line.get(), many.get(), named.get()) == (4, 4, [0, 2], 6)
    assert current_app.tasks["tests.default.add"] == add
    assert result.id == pickle.loads(pickle.dumps(result)).id


def test_what_needs_no_store_works_where_none_is_named(folder: Path, add: Any) -> None:
    assert add(1, 2) == 3
    assert add.apply((1, 2)).get() == 3
    assert current_app.conf.timezone is None
    current_app.conf.task_always_eager = True
    assert add.delay(1, 2).get() == 3
    current_app.conf.task_always_eager = False

    with pytest.raises(ImproperlyConfigured, match=r"Make an app first: .* LOCALQ_PATH"):
        add.delay(1, 2)
    current_app.conf.broker_url = "sqlite:///late.db"

    assert add.delay(1, 2).state == "PENDING"
    assert [path.name for path in folder.glob("*.db")] == ["late.db"]


def test_a_configuration_that_is_not_there_is_told_when_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_CONFIG_MODULE", "no_such_config")

    assert AsyncResult("id").id == "id"
    with pytest.raises(ModuleNotFoundError, match="no_such_config"):
        _ = current_app.conf.timezone


@pytest.mark.parametrize("stand", [current_app, current_task])
def test_whoever_looks_at_a_stand_in_is_told_what_is_not_there(stand: Any) -> None:
    for name in ("__wrapped__", "pytestmark", "_pytestfixturefunction", "_ipython_display_", "nosuch", "__test__"):
        assert getattr(stand, name, None) is None
        assert not hasattr(stand, name)
    assert inspect.unwrap(stand) is stand
    assert not inspect.isfunction(stand)
    assert copy.copy(stand) is stand
    assert copy.deepcopy(stand) is stand
    assert pickle.loads(pickle.dumps(stand)) is stand
    assert "__init__" in dir(stand)
    assert repr(stand)


def test_stand_ins_are_what_they_stand_for() -> None:
    app = LocalQ("tests", eager=True)
    seen: list[Any] = []

    @app.task
    def look() -> None:
        seen.append((isinstance(current_task, type(look)), current_task == look, current_task.name))

    look.delay()

    assert isinstance(current_app, LocalQ)
    assert seen == [(True, True, look.name)]
    assert not current_task
