"""The hooks of a task's class that hear of an attempt's end; what they raise is logged, and changes nothing."""

from __future__ import annotations

import logging
from typing import Any

from localq.execution.running import Running
from localq.tasks.request import ExceptionInfo
from localq.tasks.task import Task

__all__ = ["tell"]

_log = logging.getLogger("localq.task")


def tell(this: Running, hook: str, status: str, value: Any, *einfo: ExceptionInfo) -> None:
    """Call the task's hook for an ending, and `after_return` unless a retry follows, where its class defines them."""
    made = type(this.task)
    if getattr(made, hook) is not getattr(Task, hook):
        _call_hook(this, hook, value, this.job.id, this.args, this.kwargs, *einfo)
    if status != "RETRY" and made.after_return is not Task.after_return:
        _call_hook(this, "after_return", status, value, this.job.id, this.args, this.kwargs, *(einfo or (None,)))


def _call_hook(this: Running, name: str, *args: Any) -> None:
    """Call a hook; an error in it is the hook's alone (celery/app/trace.py of 5.7)."""
    try:
        getattr(this.task, name)(*args)
    except BaseException:
        _log.exception("%s of %s[%s] failed", name, this.job.task, this.job.id)
