"""What is started where a Python is wanted, for every kind of program that may ask."""

from __future__ import annotations

import multiprocessing.spawn
import os
import sys
from types import ModuleType, SimpleNamespace

import multiprocess.spawn
import pytest

from localq.exceptions import ImproperlyConfigured
from localq.host import interpreter
from localq.host.interpreter import freeze_support, frozen, python, same_command, words_to_call

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has set anything."""
    monkeypatch.setattr(multiprocess.spawn, "_python_exe", None)
    monkeypatch.setattr(multiprocessing.spawn, "_python_exe", None)
    monkeypatch.setattr(interpreter, "_supported", False)


def runs_in(monkeypatch: pytest.MonkeyPatch, executable: str, prefix: str = "/nowhere") -> None:
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(sys, "_base_executable", executable)
    for name in ("prefix", "exec_prefix", "base_prefix"):
        monkeypatch.setattr(sys, name, prefix)


def test_a_python_is_started_by_its_own_name_with_its_flags() -> None:
    words = words_to_call("localq.worker.pool.x", (3, "w"), flags=["-O"], path=["/a"])

    code = "import sys; sys.path[:] = ['/a']; from localq.worker.pool.x import main; main(3, 'w')"
    assert words == [sys.executable, "-O", "-c", code]


def test_gevent_patches_before_anything_is_imported() -> None:
    code = words_to_call("localq.worker.pool.x", (), patched=True)[-1]

    assert "from gevent import monkey; monkey.patch_all(); from localq" in code


@pytest.mark.parametrize("module", [multiprocess, multiprocessing])
def test_what_set_executable_names_is_started(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    module.spawn.set_executable("/opt/our/runner")

    assert python() == "/opt/our/runner"


@pytest.mark.parametrize("name", ["uwsgi", "uwsgi_python3", "apache2", "httpd", "game", ""])
def test_a_program_that_is_no_python_is_never_started_as_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_in(monkeypatch, f"/bin/{name}" if name else "")

    with pytest.raises(ImproperlyConfigured, match=r"pool='threads'.*multiprocessing\.set_executable"):
        words_to_call("localq.worker.pool.x", ())
    with pytest.raises(ImproperlyConfigured, match="only who started it"):
        same_command()


def test_a_server_with_python_built_in_starts_the_python_it_belongs_to(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkdir(os.path.join(tmp_path, "bin"))
    os.symlink(sys.executable, os.path.join(tmp_path, "bin", VERSION))
    runs_in(monkeypatch, "/usr/bin/uwsgi", str(tmp_path))
    # As it was when the package was first imported.
    multiprocess.spawn.set_executable("/usr/bin/uwsgi-core")

    assert python() == os.path.join(tmp_path, "bin", VERSION)


def test_a_frozen_program_is_refused_until_it_says_that_it_can_be_a_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "argv", ["archiver", "--fast"])
    runs_in(monkeypatch, "/opt/archiver")

    with pytest.raises(ImproperlyConfigured, match=r"localq\.freeze_support\(\).*pool='threads'"):
        words_to_call("localq.worker.pool.x", ())
    with pytest.raises(ImproperlyConfigured, match="no Python interpreter that could be started beside it"):
        python()
    freeze_support()

    words = words_to_call("localq.worker.pool.x", (3, "w"), flags=["-O"], path=["/a"])
    assert words == ["/opt/archiver", "--localq-process", "localq.worker.pool.x", "(3, 'w')", "plain"]


def test_a_freezer_that_names_the_program_itself_has_named_no_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    runs_in(monkeypatch, "/opt/archiver")
    multiprocess.spawn.set_executable("/opt/dist/archiver")

    with pytest.raises(ImproperlyConfigured, match="freeze_support"):
        words_to_call("localq.worker.pool.x", ())
    multiprocess.spawn.set_executable("/opt/dist/python3")

    assert words_to_call("localq.worker.pool.x", ())[0] == "/opt/dist/python3"


def test_a_program_of_nuitka_is_frozen_if_its_interpreter_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__compiled__", SimpleNamespace(standalone=False), raising=False)
    assert frozen() is None

    monkeypatch.setattr(main, "__compiled__", SimpleNamespace(standalone=True), raising=False)
    assert frozen() == os.path.realpath(sys.executable)


def test_a_frozen_program_is_nothing_but_our_modules(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "argv", ["archiver", "--localq-process", "os", "()", "plain"])

    with pytest.raises(SystemExit, match="'os' is no module that a frozen program can be"):
        freeze_support()


def test_the_same_command_has_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", "-O", "-m", "localq", "worker"])

    assert same_command() == [sys.executable, "-O", "-m", "localq", "worker"]

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/archiver")
    monkeypatch.setattr(sys, "orig_argv", ["archiver", "worker"])
    assert same_command() == ["/opt/archiver", "worker"]
