"""A Python that has nothing of POSIX's own, as on Windows: put this folder in front of PYTHONPATH.

The standard library and other packages keep what they have; whatever is imported afterwards finds no such modules,
functions, signals or kinds of sockets.
"""

from __future__ import annotations

import asyncio
import asyncio.unix_events
import concurrent.futures
import faulthandler
import importlib
import os
import platform
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import types

MODULES = ("fcntl", "resource", "termios", "grp", "pwd", "tty", "pty", "syslog")
GONE = {
    "os": """
        register_at_fork fork forkpty getuid geteuid getgid getegid setsid getsid killpg getpgid setpgid waitid getppid
        posix_fallocate sysconf memfd_create pipe2 pread pwrite O_CLOEXEC O_NOFOLLOW O_NONBLOCK O_DIRECTORY fchmod
        fchown fchdir chown mkfifo sched_getaffinity getgroups setuid setgid initgroups WNOHANG P_ALL WEXITED WNOWAIT
        fdatasync eventfd statvfs uname getloadavg lockf posix_spawn
    """,
    "signal": """
        SIGKILL SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGCHLD SIGALRM SIGSTOP SIGCONT SIGTSTP SIGPIPE SIGWINCH SIGXCPU SIGTTOU
        SIGTTIN SIGPROF SIGVTALRM setitimer getitimer ITIMER_REAL pthread_sigmask pthread_kill sigwait siginterrupt
        SIG_BLOCK SIG_SETMASK SIG_UNBLOCK sigtimedwait pause alarm
    """,
    "socket": "AF_UNIX SCM_RIGHTS SOCK_SEQPACKET MSG_DONTWAIT CMSG_SPACE CMSG_LEN",
    "select": "poll epoll PIPE_BUF",
}
KEEP = (asyncio, concurrent.futures, faulthandler, platform, shutil, sqlite3, subprocess)

for name in ("filelock", "multiprocess", "multiprocess.connection", "multiprocess.spawn", "click", "uvicorn"):
    importlib.import_module(name)
for module in (os, signal, socket, select):
    whole = types.ModuleType(module.__name__)
    whole.__dict__.update(module.__dict__)
    for user in list(sys.modules.values()):
        if user is not None and getattr(user, module.__name__, None) is module:
            setattr(user, module.__name__, whole)
import os  # noqa: E402 - this module's own had their place taken, too
import select  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402

for name in MODULES:
    sys.modules[name] = None  # type: ignore[assignment]
for module in (os, signal, socket, select):
    for name in GONE[module.__name__].split():
        module.__dict__.pop(name, None)


def _pair(*_: object) -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        one = socket.create_connection(door.getsockname())
        other, _ = door.accept()
    return one, other


# Those who keep what they have keep this, too: theirs would look for Unix sockets where there are none any more.
for user in [socket, *(vars(one).get("socket") for one in list(sys.modules.values()) if one is not None)]:
    if isinstance(user, types.ModuleType) and hasattr(user, "socketpair"):
        user.socketpair = _pair  # type: ignore[attr-defined]
