"""Settings name modules and what is in them by dotted names, all in the same forms."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from localq.exceptions import ImproperlyConfigured
from localq.settings.dotted_names import attribute, find, required


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is worked in, with a module."""
    (tmp_path / "dotted_project.py").write_text("class Config:\n    class Tests:\n        x = 1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "dotted_project", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ["os.path.join", "os.path:join"])
def test_what_is_in_a_module_is_named_by_a_colon_or_a_dot(name: str) -> None:
    assert attribute(name).__name__ == "join"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("dotted_project", "dotted_project"),
        ("dotted_project:Config", "Config"),
        ("dotted_project.Config", "Config"),
        ("dotted_project:Config.Tests", "Tests"),
    ],
)
def test_the_working_folder_is_looked_in_and_not_left_on_the_path(project: Path, name: str, found: str) -> None:
    before = list(sys.path)

    assert find(name).__name__ == found
    assert sys.path == before


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no_such_module.route", "task_routes names 'no_such_module.route': No module named 'no_such_module'."),
        ("os.path:route", "task_routes names 'os.path:route': module 'posixpath' has no attribute 'route'."),
        ("route", "task_routes names 'route': Empty module name."),
    ],
)
def test_a_name_of_nothing_is_refused_with_the_setting_that_has_it(name: str, why: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        required("task_routes names", name)

    assert str(refused.value) == why


def test_a_module_that_another_one_misses_is_told_by_its_own_name(project: Path) -> None:
    (project / "dotted_broken.py").write_text("import no_such_module\n")

    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module'"):
        find("dotted_broken.Config")
