from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from localq import LocalQ
from localq.exceptions import ImproperlyConfigured


@pytest.fixture
def app() -> LocalQ:
    return LocalQ("tests", set_as_current=False)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make a module `shopconfig` in the working folder."""
    tmp_path.joinpath("shopconfig.py").write_text(
        "import os\ntask_default_queue = 'mail'\nclass Quick:\n    task_time_limit = 5\n    _hidden = 1\n"
    )
    monkeypatch.chdir(tmp_path)
    yield "shopconfig"
    sys.modules.pop("shopconfig", None)


class Config:
    task_default_queue = "class"
    result_expires = 60


def test_a_class_is_a_configuration(app: LocalQ) -> None:
    app.config_from_object(Config)

    assert (app.conf.task_default_queue, app.conf.result_expires) == ("class", 60)
    assert app.conf.source("result_expires").endswith("Config")


@pytest.mark.parametrize(
    "given", [Config(), SimpleNamespace(task_default_queue="class"), {"task_default_queue": "class"}]
)
def test_instances_and_mappings_are_configurations(app: LocalQ, given: Any) -> None:
    app.config_from_object(given)

    assert app.conf.task_default_queue == "class"


def test_a_module_is_a_configuration(app: LocalQ) -> None:
    module = ModuleType("settings_of_shop")
    module.__dict__.update(task_default_queue="mail", os=sys, _private=1)
    app.config_from_object(module)

    assert app.conf.task_default_queue == "mail"
    assert app.notices() == []


def test_a_module_is_named_and_read_when_it_is_needed(app: LocalQ, shop: str) -> None:
    app.config_from_object(shop)
    assert shop not in sys.modules

    assert app.conf.task_default_queue == "mail"
    assert app.conf.source("task_default_queue") == shop


@pytest.mark.parametrize("name", ["shopconfig:Quick", "shopconfig.Quick"])
def test_a_class_in_a_module_is_named(app: LocalQ, shop: str, name: str) -> None:
    app.config_from_object(name)

    assert app.conf.task_time_limit == 5


def test_it_is_read_at_once_where_that_is_asked(app: LocalQ, shop: str) -> None:
    assert app.config_from_object(shop, force=True) is app.conf
    assert shop in sys.modules


def test_a_module_that_is_not_there_is_an_error_when_it_is_needed(app: LocalQ) -> None:
    app.config_from_object("no_such_module_here")

    with pytest.raises(ModuleNotFoundError, match="no_such_module_here"):
        _ = app.conf.timezone


def test_it_may_be_missing_where_that_is_said(app: LocalQ) -> None:
    app.config_from_object("no_such_module_here", silent=True)

    assert app.conf.task_default_queue == "celery"


def test_the_name_of_a_file_gets_the_name_of_its_module(app: LocalQ, shop: str) -> None:
    app.config_from_object("shopconfig.py")

    with pytest.raises(ImproperlyConfigured, match=r"name of a file. Name the module: 'shopconfig'"):
        app.conf.load()


@pytest.mark.parametrize("given", [5, ["task_default_queue"], b"x"])
def test_what_can_be_no_configuration_is_refused(app: LocalQ, given: Any) -> None:
    app.config_from_object(given)

    with pytest.raises(ImproperlyConfigured, match="can be no configuration"):
        app.conf.load()


def test_a_wrong_value_names_the_setting(app: LocalQ) -> None:
    app.config_from_object({"task_time_limit": -1})

    with pytest.raises(ImproperlyConfigured, match="Setting task_time_limit is -1: it must be more than 0"):
        app.conf.load()


def test_the_method_that_is_not_there_names_the_one_that_is(app: LocalQ) -> None:
    with pytest.raises(AttributeError, match=r"'config_from_obj'. Did you mean 'config_from_object'"):
        app.config_from_obj("config")  # type: ignore[attr-defined]


def test_a_variable_of_the_environment_names_the_module(
    app: LocalQ, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_CONFIG", shop)
    app.config_from_envvar("SHOP_CONFIG")

    assert app.conf.task_default_queue == "mail"


def test_a_variable_that_is_not_set_is_an_error_unless_it_may_be(app: LocalQ) -> None:
    with pytest.raises(ImproperlyConfigured, match="'NO_SUCH_VARIABLE' is not set"):
        app.config_from_envvar("NO_SUCH_VARIABLE")
    assert app.config_from_envvar("NO_SUCH_VARIABLE", silent=True) is False


@pytest.mark.parametrize("table", ["[tool.localq]\n", ""])
def test_toml_is_read_from_its_table_or_whole(app: LocalQ, tmp_path: Path, table: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(table + "task_default_queue = 'mail'\nimports = ['shop', 'post']\nresult_expires = 60\n")
    app.config_from_object(path)

    assert (app.conf.task_default_queue, app.conf.imports) == ("mail", ("shop", "post"))


def test_a_project_file_has_its_settings_in_their_table_alone(app: LocalQ, tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("timezone = 'Mars'\n[project]\nname = 'shop'\n")
    app.config_from_object(str(path))

    assert app.conf.timezone is None


@pytest.mark.parametrize(("text", "said"), [("tool = 3", None), ("[tool]\nlocalq = 3", "tool.localq = 3, which is no")])
def test_what_is_no_table_of_settings_is_named(app: LocalQ, tmp_path: Path, text: str, said: str | None) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    app.config_from_object(path)

    if said is None:
        assert app.conf.task_default_queue == "celery"
    else:
        with pytest.raises(ImproperlyConfigured, match=said):
            app.conf.load()


def test_broken_toml_is_named(app: LocalQ, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("task_default_queue = \n")
    app.config_from_object(path)

    with pytest.raises(ImproperlyConfigured, match=r"settings\.toml is no TOML"):
        app.conf.load()


@pytest.mark.parametrize("kind", ["module", "class", "instance", "mapping"])
def test_a_configuration_that_changes_is_followed_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    given: Any = {
        "module": ModuleType("config"),
        "class": type("Config", (), {}),
        "instance": SimpleNamespace(),
        "mapping": {},
    }[kind]
    app = LocalQ("tests", path=tmp_path / "jobs.db", set_as_current=False)
    app.config_from_object(given)
    app.conf.task_default_priority = 7
    ran: list[int] = []
    task: Any = app.task(ran.append, name="take")  # type: ignore[arg-type]
    app.conf.load()
    app.conf.task_default_queue = "by hand"
    app.conf.own_name = "kept"

    with monkeypatch.context() as for_now:
        put = for_now.setitem if kind == "mapping" else for_now.setattr
        more: dict[str, Any] = {} if kind == "mapping" else {"raising": False}
        put(given, "task_always_eager", True, **more)
        task.delay(1)
        while_changed = app.conf.task_default_queue, app.conf.task_default_priority, app.conf.own_name
    after = task.delay(2)

    assert ran == [1]
    assert while_changed == ("by hand", 7, "kept")
    assert (after.state, app.conf.task_always_eager) == ("PENDING", False)
    app.close()


def test_what_is_set_by_hand_comes_before_what_the_configuration_says_later() -> None:
    config = SimpleNamespace(task_default_queue="mail")
    app = LocalQ("tests", set_as_current=False)
    app.config_from_object(config)
    app.conf.load()
    app.conf.task_default_queue = "by hand"

    config.task_default_queue = "later"
    app.conf.follow()
    before = app.conf.task_default_queue
    app.conf.outdated()
    app.conf.task_default_queue = "by hand again"

    assert (before, app.conf.task_default_queue) == ("by hand", "by hand again")


def test_a_value_that_cannot_be_compared_counts_as_changed() -> None:
    class Stubborn:
        def __eq__(self, other: object) -> bool:
            raise ValueError("ambiguous")

        __hash__ = None  # type: ignore[assignment]

    config = SimpleNamespace(task_default_queue="mail", odd=Stubborn())
    app = LocalQ("tests", set_as_current=False)
    app.config_from_object(config)
    app.conf.load()

    config.odd, config.task_default_queue = Stubborn(), "later"
    app.conf.follow()

    assert app.conf.task_default_queue == "later"


def test_an_attribute_that_cannot_be_read_matters_only_where_it_may_be_a_setting() -> None:
    class Config:
        task_default_queue = "mail"

        @property
        def SECRET_KEY(self) -> str:  # noqa: N802
            raise ValueError("must not be empty")

    class Broken(Config):
        @property
        def SHOP_TASK_TIME_LIMIT(self) -> float:  # noqa: N802
            raise ValueError("not known yet")

    fine, broken = (LocalQ("tests", set_as_current=False) for _ in range(2))
    fine.config_from_object(Config())
    broken.config_from_object(Broken())

    assert fine.conf.task_default_queue == "mail"
    with pytest.raises(ValueError, match="not known yet"):
        broken.conf.load()
