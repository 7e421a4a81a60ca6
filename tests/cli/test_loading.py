"""`-A/--app`, `--path` and `--url`: which app a command is about."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from localq import LocalQ, current
from localq.cli import app_option, main
from localq.cli.app_import import LoadError
from localq.cli.app_option import app_options, load_app, loaded
from localq.cli.found_app import find_app
from localq.cli.program import COMMANDS
from tests.cli.runner import runner

APP = "from localq import LocalQ\n{name} = LocalQ({name!r})\n"
Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Return a function that writes a file below the working folder; forget afterwards what was imported."""
    before, app = set(sys.modules), current.app_or_none()
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("LOCALQ_PATH", raising=False)
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> None:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    yield write
    for name in set(sys.modules) - before:
        if not name.startswith("localq"):
            del sys.modules[name]
    current.set_app(app)


def refusal(spec: str) -> str:
    """Return what is said when no app can be loaded."""
    with pytest.raises(LoadError) as refused:
        find_app(spec)
    assert refused.value.exit_code == 2
    return refused.value.message


# Found


@pytest.mark.parametrize("name", ["q", "app", "celery", "anything"])
def test_a_module_gives_the_app_of_the_usual_name_or_its_only_one(write: Write, name: str) -> None:
    write("wares.py", APP.format(name=name))

    assert find_app("wares") == (sys.modules["wares"].__dict__[name], f"wares:{name}")


def test_the_usual_name_comes_first_where_there_are_several(write: Write) -> None:
    write("wares.py", APP.format(name="other") + APP.format(name="app"))

    assert find_app("wares").name == "wares:app"


def test_two_names_of_one_app_are_one_app(write: Write) -> None:
    write("wares.py", APP.format(name="jobs") + "alias = jobs\n")

    assert find_app("wares").app.main == "jobs"


@pytest.mark.parametrize("spec", ["wares:other", "wares.other"])
def test_a_name_in_a_module_is_taken_at_its_word(write: Write, spec: str) -> None:
    write("wares.py", APP.format(name="q") + APP.format(name="other"))

    assert find_app(spec).name == "wares:other"


@pytest.mark.parametrize("where", ["__init__", "celery", "app", "tasks", "localq"])
def test_a_package_is_searched_where_apps_usually_are(write: Write, where: str) -> None:
    write("shop/__init__.py", "")
    write(f"shop/{where}.py", APP.format(name="q"))

    expected = "shop:q" if where == "__init__" else f"shop.{where}:q"
    assert find_app("shop").name == expected


def test_a_module_in_a_package_may_be_named_with_dot_or_colon(write: Write) -> None:
    write("shop/__init__.py", "")
    write("shop/celery.py", APP.format(name="app"))

    assert find_app("shop.celery").name == find_app("shop.celery:app").name == "shop.celery:app"
    assert find_app("shop:celery").name == "shop.celery:app"


@pytest.mark.parametrize("spec", ["jobs/nightly.py", "jobs/nightly.py:q", "{cwd}/jobs/nightly.py"])
def test_a_script_is_imported_under_its_stem_beside_its_neighbours(write: Write, spec: str) -> None:
    write("jobs/neighbour.py", "NAME = 'beside'\n")
    write("jobs/nightly.py", f"import neighbour\n{APP.format(name='q')}q.main = neighbour.NAME\n")

    found = find_app(spec.format(cwd=os.getcwd()))

    assert found.name == "nightly:q"
    assert found.app.main == "beside"


def test_the_main_part_of_a_script_does_not_run(write: Write) -> None:
    write("nightly.py", f"{APP.format(name='q')}if __name__ == '__main__':\n    raise AssertionError\n")

    assert find_app("nightly.py").name == "nightly:q"


def test_a_script_in_a_package_keeps_its_full_name_and_relative_imports(write: Write) -> None:
    write("shop/__init__.py", "")
    write("shop/base.py", APP.format(name="q"))
    write("shop/tasks.py", "from .base import q\n")

    assert find_app("shop/tasks.py").name == "shop.tasks:q"


def test_a_folder_is_a_package(write: Write) -> None:
    write("wares/shop/__init__.py", APP.format(name="q"))

    assert find_app("./wares/shop").name == "shop:q"


# Not found


def test_a_misspelt_module_gets_the_nearest_name(write: Write) -> None:
    write("wares.py", "")

    assert refusal("ware") == "There is no module 'ware'. Did you mean 'wares'?"


def test_a_missing_module_is_told_with_the_places_searched(write: Write) -> None:
    said = refusal("zzz")

    places = f"{os.getcwd()} and where Python finds modules"
    assert said == f"There is no module 'zzz'. It was looked for in {places}."


def test_a_misspelt_module_of_a_package_gets_the_nearest_name(write: Write) -> None:
    write("shop/__init__.py", "")
    write("shop/orders.py", "")

    assert refusal("shop.order") == "There is no module 'shop.order'. Did you mean 'shop.orders'?"


def test_a_misspelt_script_gets_the_nearest_name(write: Write) -> None:
    write("nightly.py", "")

    assert refusal("nightl.py").endswith("nightl.py'. Did you mean 'nightly.py'?")


def test_a_misspelt_app_gets_the_nearest_name(write: Write) -> None:
    write("wares.py", APP.format(name="jobs"))

    assert refusal("wares:job") == "There is no 'job' in wares. Did you mean 'jobs'?"


def test_something_else_of_that_name_is_no_app(write: Write) -> None:
    write("wares.py", f"{APP.format(name='q')}size = 3\n")

    said = refusal("wares:size")

    assert said == "wares:size is no app (an app is made by LocalQ) but of type int. Say -A wares:q."


def test_several_apps_of_unusual_names_are_listed(write: Write) -> None:
    write("wares.py", APP.format(name="one") + APP.format(name="two"))

    assert refusal("wares") == "There are several apps in wares. Say -A wares:one or -A wares:two."


def test_a_package_without_an_app_says_where_it_was_looked_for(write: Write) -> None:
    write("shop/__init__.py", "")
    write("shop/tasks.py", "")

    assert refusal("shop").startswith("There is no app in shop or shop.tasks. Make one there")


def test_text_that_names_nothing_is_refused(write: Write) -> None:
    assert refusal("my tasks").startswith("'my tasks' is neither the name of a module nor the path of a script")


def test_an_error_inside_the_module_is_told_with_its_last_lines_only(write: Write) -> None:
    write("helpers.py", "def deep():\n    return 1 / 0\n")
    write("wares.py", "import helpers\n\nhelpers.deep()\n")

    said = refusal("wares")

    assert said.startswith("Importing 'wares' failed.\n")
    assert said.endswith("return 1 / 0\nZeroDivisionError: division by zero") or "~~^~~" in said
    assert 'wares.py", line 3' in said
    assert "importlib" not in said


def test_what_localq_refuses_is_told_with_the_line_that_asked_for_it(write: Write) -> None:
    write("wares.py", "from localq import LocalQ\nq = LocalQ(path='jobs.db')\nq.conf.worker_concurrency = 'many'\n")

    said = refusal("wares")

    assert 'wares.py", line 3' in said
    assert said.endswith("Setting worker_concurrency is 'many': it must be a whole number.")
    assert "conf.py" not in said


def test_a_module_that_the_module_misses_is_not_taken_for_it(write: Write) -> None:
    write("wares.py", "import numpyy\n")

    said = refusal("wares")

    assert "ModuleNotFoundError: No module named 'numpyy'" in said
    assert "import numpyy" in said


def test_a_syntax_error_shows_its_line(write: Write) -> None:
    write("wares.py", "def broken(:\n")

    said = refusal("wares")

    assert 'wares.py", line 1' in said
    assert "SyntaxError" in said


def test_a_module_that_ends_the_program_is_told_what_to_do(write: Write) -> None:
    write("wares.py", "raise SystemExit(3)\n")

    assert refusal("wares").endswith("Put its main part under if __name__ == '__main__'.")


def test_a_script_named_like_a_module_in_use_must_be_renamed(write: Write) -> None:
    write("jobs/json.py", APP.format(name="q"))

    said = refusal("jobs/json.py")

    assert said.startswith("'jobs/json.py' cannot be imported: the name 'json' belongs to ")
    assert said.endswith(" Rename it.")


# Options


@click.command()
@app_options
def show(app: LocalQ) -> None:
    """Show what a command gets."""
    click.echo(f"{loaded().name}|{os.path.relpath(app.location)}|{current.app() is app}")


@pytest.fixture
def run(write: Write, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return a function that runs `localq ...` with a command `show`; returns its output."""
    monkeypatch.setitem(COMMANDS, "show", COMMANDS["status"]._replace(target=f"{__name__}:show"))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    write("wares.py", "from localq import LocalQ\nq = LocalQ(path='own.db')\n")

    def run(line: str) -> str:
        done = runner().invoke(main, line.split())
        return done.output.strip()

    return run


@pytest.mark.parametrize("line", ["-A wares show", "show -A wares", "--app wares show", "-A no show -A wares"])
def test_the_app_stands_before_or_after_the_command(run: Callable[[str], str], line: str) -> None:
    assert run(line) == "wares:q|own.db|True"


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("-A wares show --path other.db", "other.db"),
        ("--path other.db show -A wares", "other.db"),
        ("--path first.db show --path other.db", "other.db"),
        ("show --url sqlite:///other.db", "sqlite:/other.db"),
        ("show", "jobs.db"),
    ],
)
def test_the_path_replaces_the_apps_own(run: Callable[[str], str], line: str, path: str) -> None:
    assert run(line).split("|")[1:] == [path, "True"]


def test_without_an_app_the_environment_may_name_the_file(
    run: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALQ_PATH", "far/jobs.db")

    assert run("show") == "|far/jobs.db|True"
    assert run("show -A wares") == "wares:q|own.db|True"


def test_path_and_url_together_are_refused(run: Callable[[str], str]) -> None:
    said = run("show --path a.db --url sqlite:///b.db")

    assert said.startswith("localq: error: Give path='a.db' or url='sqlite:///b.db', not both.")


def test_a_missing_app_ends_the_program_with_2_and_one_paragraph(run: Callable[[str], str]) -> None:
    done = runner().invoke(main, ["-A", "ware", "show"])

    assert (done.exit_code, done.output) == (2, "Error: There is no module 'ware'. Did you mean 'wares'?\n")


def test_an_app_loaded_by_hand_is_the_current_one(write: Write) -> None:
    write("wares.py", APP.format(name="q") + APP.format(name="later"))

    app = load_app("wares", path="other.db")

    assert current.app() is app
    assert load_app().location == os.path.abspath("jobs.db")


# The group


def test_a_misspelt_command_gets_the_nearest_name() -> None:
    done = runner().invoke(main, ["workr"])

    assert done.exit_code == 2
    assert "There is no command 'workr'. Did you mean 'worker'?" in done.output


def test_the_help_lists_every_command_without_importing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for entry in COMMANDS.values():
        monkeypatch.setitem(sys.modules, entry.target.partition(":")[0], None)

    done = runner().invoke(main, ["--help"])

    assert done.exit_code == 0
    for name, entry in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(entry.summary)}$", done.output, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_list_says(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert command.name == name


def test_the_app_of_a_script_that_runs_a_command_is_named_in_its_banner(tmp_path: Path) -> None:
    named = LocalQ("shop", path=tmp_path / "jobs.db")
    unnamed = LocalQ(path=tmp_path / "jobs.db")

    assert app_option._load(None, None, None, named).name == "shop (this program)"
    assert app_option._load(None, None, None, unnamed).name == f"{__name__} (this program)"
