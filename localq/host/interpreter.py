"""What to start where a Python is wanted: this process need not be one.

A frozen program (PyInstaller, Nuitka, cx_Freeze) is its own interpreter and can be nothing else; a web server that
has Python built in (uWSGI, mod_wsgi) has one beside it at best. Started as if it were Python, either would start
itself, and that itself again.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from localq.exceptions import ImproperlyConfigured

__all__ = ["freeze_support", "frozen", "python", "same_command", "words_to_call"]

#: The word after which a frozen program is told which of our modules it is to be.
_MARK = "--localq-process"
#: Those which it may be told.
_OURS = "localq.worker.pool."
#: What interpreters are called, and servers that run Python by themselves, though they may have its name as well.
_PYTHON = re.compile(r"python|pypy|graalpy|hython|mayapy", re.IGNORECASE)
_SERVER = re.compile(r"uwsgi|mod_wsgi|httpd|apache|nginx|unitd|caddy", re.IGNORECASE)
#: Whether `freeze_support` was called: this program, started again, will call it as well.
_supported = False


def freeze_support() -> None:
    """Let a frozen program be the process in which its jobs run.

    Call it first thing in the main program, as `multiprocessing.freeze_support()`. Where the program was started by
    LocalQ to run jobs, it does not return. In any other program, and in one that is not frozen, it does nothing.
    """
    global _supported
    _supported = True
    if sys.argv[1:2] != [_MARK] or frozen() is None:
        return
    module, arguments, patched = sys.argv[2:5]
    if not module.startswith(_OURS):
        sys.exit(f"localq: {module!r} is no module that a frozen program can be")
    if patched == "patched":
        importlib.import_module("gevent.monkey").patch_all()
    importlib.import_module(module).main(*ast.literal_eval(arguments))
    sys.exit()


def frozen() -> str | None:
    """Return the file of this program, if it is a frozen one."""
    if getattr(sys, "frozen", False):
        return sys.executable
    # Nuitka says it in each module; what it compiles without packing the interpreter leaves sys.executable right.
    compiled = getattr(sys.modules.get("__main__"), "__compiled__", None)
    if not getattr(compiled, "standalone", False):
        return None
    return os.path.realpath("/proc/self/exe") if os.path.exists("/proc/self/exe") else os.path.abspath(sys.argv[0])


def python() -> str:
    """Return the interpreter to start.

    It is what the program gave to `multiprocessing.set_executable`; else the one that runs it, or that belongs to
    the server which does.

    Raises:
        ImproperlyConfigured: there is none.
    """
    told = next(_told(), None)
    if told is not None:
        return told
    if frozen() is not None:
        raise ImproperlyConfigured(
            f"{sys.executable} is a frozen program: there is no Python interpreter that could be started beside it. "
            "Use pool='threads', or name one: multiprocessing.set_executable('/usr/bin/python3')."
        )
    for path in _beside():
        if os.access(path, os.X_OK):
            return path
    if _is_python(sys.executable):
        # Whoever starts it is told what is wrong with it.
        return sys.executable
    raise ImproperlyConfigured(
        f"Jobs need processes of their own here, and {sys.executable or 'this program'} is no Python interpreter "
        "that could be started for them. Use pool='threads', or name the interpreter: "
        "multiprocessing.set_executable('/usr/bin/python3')."
    )


def words_to_call(
    module: str, arguments: Sequence[Any], *, flags: Sequence[str] = (), path: Sequence[str] = (), patched: bool = False
) -> list[str]:
    """Return the command line of a new process that calls the `main` of one of our modules.

    Args:
        arguments: What it gets; literals.
        flags: The interpreter's own; those of a frozen program are part of it.
        path: Where to import from; likewise.
        patched: Whether gevent patches Python's modules before anything else is imported.

    Raises:
        ImproperlyConfigured: there is nothing that could be started.
    """
    program = frozen()
    if program is not None and next(_told(), None) is None:
        if not _supported:
            raise ImproperlyConfigured(
                f"{program} is a frozen program, and would start itself to run jobs. Call localq.freeze_support() "
                "first thing in its main program, under if __name__ == '__main__'; or use pool='threads'."
            )
        return [program, _MARK, module, repr(tuple(arguments)), "patched" if patched else "plain"]
    patch = "from gevent import monkey; monkey.patch_all(); " if patched else ""
    told = ", ".join(map(repr, arguments))
    code = f"import sys; sys.path[:] = {list(path)!r}; {patch}from {module} import main; main({told})"
    return [python(), *flags, "-c", code]


def same_command() -> list[str]:
    """Return the command line that started this program.

    Raises:
        ImproperlyConfigured: a server runs it, whose command is not ours to start.
    """
    words = sys.orig_argv[1:] or sys.argv[1:]
    program = frozen()
    if program is not None:
        return [program, *words]
    if not _is_python(sys.executable):
        raise ImproperlyConfigured(
            f"{sys.executable or 'This program'} is no Python interpreter: only who started it can start it again."
        )
    return [python(), *words]


def _told() -> Iterator[str]:
    """Yield what the program gave to `set_executable`, here or in the package that forks our slots."""
    for name in ("multiprocess.spawn", "multiprocessing.spawn"):
        told = getattr(sys.modules.get(name), "_python_exe", None)
        path = os.fsdecode(told) if told else ""
        # What nobody set is sys.executable, as it was then; some freezers set it to the program itself.
        if path and path != sys.executable and (_is_python(path) or not (frozen() or _SERVER.search(path))):
            yield path


def _beside() -> Iterator[str]:
    """Yield where the interpreter of this process may be."""
    for path in (sys.executable, getattr(sys, "_base_executable", "")):
        if _is_python(path):
            yield path
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if sys.implementation.name == "cpython":
        for prefix in dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix)):
            yield os.path.join(prefix, "bin", name)


def _is_python(path: str | None) -> bool:
    name = os.path.basename(path or "")
    return _PYTHON.search(name) is not None and _SERVER.search(name) is None
