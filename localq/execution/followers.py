"""The jobs that follow from a run, where users' code is asked for them: workflows, and tasks that send as they like.

This is called in the run itself, in whose slot such code belongs. The callbacks of a task that says nothing of its own
are pure (`localq.execution.callbacks`); those for failure are made by the worker.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from localq.canvas import Signature
from localq.execution.callbacks import FIRST_ERRBACK, GROUP, callbacks, errbacks
from localq.execution.running import Running
from localq.model.ids import follow_up_id
from localq.model.job import NewJob
from localq.serialization import codec
from localq.serialization.tagged_json.held import passing_on
from localq.tasks.calls.publish_signals import listened, told
from localq.tasks.parameters import takes_failure

__all__ = ["after_failure", "after_success", "heard"]

#: What the signature of a group names as its task.
_GROUP = "celery.group"
_log = logging.getLogger("localq.task")


def after_success(this: Running, value: Any, result: bytes) -> tuple[NewJob, ...]:
    """Return the jobs of a run's callbacks for success.

    Args:
        value, result: What the task returned, as it is and encoded.
    """
    with passing_on() if this.runtime.eager else contextlib.nullcontext():
        return heard(this, _after_success(this, value, result))


def _after_success(this: Running, value: Any, result: bytes) -> tuple[NewJob, ...]:
    """Return the jobs of callbacks for success: as in Celery groups come first, and several tasks are a group."""
    links = _readable(this.options.link, 0)
    own = {number for number, link in links.items() if "canvas" in link or _asks(this, link)}
    groups = {number for number in own if links[number]["task"] == _GROUP}
    group_id = follow_up_id(this.job.id, this.job.run_token, GROUP) if len(links) > 1 else None
    conf, now = this.runtime.settings, this.runtime.clock.now()
    plain = callbacks(this.job, this.options, value, result, conf, now, own, group_id)

    def planned(numbers: set[int]) -> tuple[NewJob, ...]:
        return tuple(
            new for number in sorted(numbers) for new in _planned(this, links[number], number, value, group_id)
        )

    return planned(groups) + plain + planned(own - groups)


def after_failure(this: Running, failure: bytes) -> tuple[NewJob, ...] | None:
    """Return the jobs of a run's callbacks for failure; None where nobody is to be asked, and the worker makes them.

    What an override raises is logged, and its callback is not called.
    """
    links = _readable(this.options.link_error, FIRST_ERRBACK)
    own = {number for number, link in links.items() if _asks(this, link) and _gets_id(this, link)}
    if not own and (this.runtime.eager or not any(listened(link["task"]) for link in links.values())):
        return None
    conf, now = this.runtime.settings, this.runtime.clock.now()
    made = errbacks(this.job, this.options, failure, conf, now, own)
    for number in sorted(own):
        try:
            made += _planned(this, links[number], number, this.job.id)
        except Exception:
            _log.exception("The error callback %s of job %s could not be sent", links[number]["task"], this.job.id)
    return heard(this, made)


def heard(this: Running, jobs: tuple[NewJob, ...]) -> tuple[NewJob, ...]:
    """Send the signals of publishing for jobs that follow from a run; return the jobs as receivers want them.

    Nobody is told in eager mode, as nobody is told of its calls.
    """
    anybody = not this.runtime.eager and any(listened(new.task) for new in jobs)
    return told(this.task.app, jobs) if anybody else jobs


def _readable(links: Sequence[Any] | None, first: int) -> dict[int, Mapping[str, Any]]:
    """Return the callbacks that are such, by their numbers; who makes jobs of the others says what they lack."""
    found = enumerate(links or (), first)
    return {number: link for number, link in found if isinstance(link, dict) and isinstance(link.get("task"), str)}


def _asks(this: Running, link: Mapping[str, Any]) -> bool:
    task = this.task.app.tasks.find(link["task"])
    return task is not None and task.asks()


def _gets_id(this: Running, link: Mapping[str, Any]) -> bool:
    """Whether an error callback is called with the failed job's id: Celery calls the others without sending them."""
    args, kwargs = codec.decode_call(str(link["call"]).encode())
    run = this.task.app.tasks.find(link["task"]).run
    return bool(link["immutable"]) or not takes_failure(run, args, kwargs)


def _planned(
    this: Running, link: Mapping[str, Any], number: int, value: Any, group_id: str | None = None
) -> tuple[NewJob, ...]:
    """Return the jobs of a callback that gets a value in front of its own arguments; of a task, one of the group."""
    if "canvas" in link:
        return tuple(this.task.app.plan_workflow(codec.decode(link["canvas"].encode()), (value,)).jobs)
    args, kwargs = codec.decode_call(str(link["call"]).encode())
    own = {"task_id": follow_up_id(this.job.id, this.job.run_token, number)}
    if group_id is not None:
        own["group_id"] = group_id
    if this.options.serializer != "json" and not link["immutable"]:
        own["serializer"] = this.options.serializer
    options = {**own, **dict(link["options"])}
    sig: Signature[Any] = Signature(link["task"], args, kwargs, options, immutable=bool(link["immutable"]))
    return tuple(this.task.app.plan_workflow(sig, (value,)).jobs)
