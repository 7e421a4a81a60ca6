"""Commands that run as daemons: in the background, under another user, with a pid file; ready when they say so."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import IO, Any

import click

from localq.cli.app_import import LoadError
from localq.cli.daemon.identity import become
from localq.cli.daemon.pidfile import make_folder_of
from localq.host.interpreter import same_command
from localq.model.events import subscribe

__all__ = ["daemon_options", "is_detached", "said_when_ready", "start_detached"]

#: Says to the program in the background where to tell that it is ready; afterwards, that it is the one.
_MARK = "LOCALQ_DETACHED"
#: Lines of the log that are shown when the program in the background fails to start.
_LAST_LINES = 15


class _Umask(click.ParamType):  # type: ignore[type-arg]  # click before 8.5 has no such parameter
    """A umask, in octal."""

    name = "MASK"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            mask = value if isinstance(value, int) else int(value, 8)
        except ValueError:
            mask = -1
        if not 0 <= mask <= 0o777:
            self.fail(f"{value!r} is no umask, such as 022.", param, ctx)
        return mask


def daemon_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add -D/--detach and --pidfile to a command, and options that are heeded before its app is loaded."""

    @functools.wraps(command)
    def as_daemon(
        *args: Any, workdir: str | None, umask: int | None, gid: str | None, uid: str | None, **kwargs: Any
    ) -> Any:
        if not is_detached():
            become(workdir, umask, gid, uid)
        return command(*args, **kwargs)

    decorated: Callable[..., Any] = as_daemon
    for option in (
        click.option("--workdir", metavar="FOLDER", help="Work there; before anything is imported."),
        click.option("--umask", type=_Umask(), help="Rights that new files do not get, in octal."),
        click.option("--gid", metavar="GROUP", help="Run as that group; only root may."),
        click.option("--uid", metavar="USER", help="Run as that user; only root may."),
        click.option("--pidfile", metavar="FILE", help="Keep the process's id there; takes %n, %h and %d."),
        click.option("-D", "--detach", is_flag=True, help="Run in the background; return when it is ready."),
    ):
        decorated = option(decorated)
    return decorated


# In the background


def is_detached() -> bool:
    """Whether this process is the one in the background already, or the same after a restart."""
    mark = os.environ.get(_MARK, "")
    return mark.startswith("fd:") or mark == str(os.getpid())


def start_detached(logfile: str, pidfile: str) -> None:
    """Start the same command again in the background, and wait until it is ready.

    Raises:
        LoadError: it ended before it was, with the last lines of its log; or there are no such daemons here.
    """
    if os.name != "posix":
        raise LoadError("There is no -D here: run it as a service, or by the Task Scheduler.")
    ready, tell = os.pipe()
    try:
        make_folder_of(logfile)
        with open(logfile, "ab") as log:
            before = log.tell()
            program = _start(log, tell)
    except OSError as error:
        os.close(ready)
        raise LoadError(f"Cannot write the log file {logfile}: {error.strerror or error}.") from None
    finally:
        os.close(tell)
    with os.fdopen(ready, "rb") as answer:
        said = answer.read(1)
    if said:
        click.echo(f"localq: process {program.pid} runs in the background. Log: {logfile}. Pid file: {pidfile}")
        # It outlives this process, which need not wait for it.
        program.returncode = 0
        return
    code = program.wait()
    with open(logfile, "rb") as log:
        log.seek(before)
        lines = log.read().decode("utf-8", "replace").splitlines()[-_LAST_LINES:]
    story = "".join(f"\n  {line}" for line in lines)
    raise LoadError(f"It ended before it was ready (exit code {code}). {logfile} says:{story}")


def _start(log: IO[bytes], tell: int) -> subprocess.Popen[bytes]:
    words = same_command()
    try:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, _MARK: f"fd:{tell}"},
            pass_fds=(tell,),
            start_new_session=True,
        )
    except OSError as error:
        raise LoadError(f"Cannot run {words[0]}: {error.strerror or error}. May this user?") from None


@contextlib.contextmanager
def said_when_ready(ready: str = "worker.started") -> Iterator[None]:
    """Say to who started this process, within the block, that it is ready: a shell's -D, or systemd.

    Args:
        ready: The event that says so.
    """
    mark = os.environ.get(_MARK, "")
    tell = int(mark.removeprefix("fd:")) if mark.startswith("fd:") else None
    if tell is not None:
        os.set_inheritable(tell, False)
        # After a restart in place it is still the one in the background; what it starts is not.
        os.environ[_MARK] = str(os.getpid())

    def say(event: str, fields: dict[str, Any]) -> None:
        nonlocal tell
        if tell is not None:
            with contextlib.suppress(OSError):
                os.write(tell, b"+")
            os.close(tell)
            tell = None
        _notify("READY=1")

    with subscribe(say, [ready]):
        yield


def _notify(word: str) -> None:
    """Tell systemd, where it asked for that (Type=notify)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address.startswith(("/", "@")) and hasattr(socket, "AF_UNIX"):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.sendto(word.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)
