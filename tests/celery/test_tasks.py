"""Tasks and their classes do on LocalQ what they do on Celery."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import celery
import celery.signals
import pytest
from celery import _state
from celery.contrib.testing.worker import start_worker
from celery.signals import after_task_publish, task_postrun

import localq
import localq.signals
from localq.testing import drain
from tests.celery.scenes import DIFFERENCES, SCENES, Stage

#: Seconds after which Celery is taken to have got lost.
DEADLINE_S = 60


def on_celery(scene: Callable[[Stage], Any]) -> Any:
    app = celery.Celery(scene.__name__, broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.broker_transport_options = {"polling_interval": 0.001}
    app.conf.broker_connection_retry_on_startup = True
    counts = {"sent": 0, "done": 0}

    def sent(**_: Any) -> None:
        counts["sent"] += 1

    def done(**_: Any) -> None:
        counts["done"] += 1

    def settle() -> None:
        # A worker knows the tasks that were there when it started.
        end = time.monotonic() + DEADLINE_S
        with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
            while counts["sent"] != counts["done"]:
                assert time.monotonic() < end, f"Celery does not come to an end: {counts}"
                time.sleep(0.001)

    after_task_publish.connect(sent)
    task_postrun.connect(done)
    # Celery makes the tasks of one app tasks of the next ones too.
    shared = set(_state._on_app_finalizers)
    try:
        return scene(Stage(app, celery, celery.signals, settle))
    finally:
        _state._on_app_finalizers.intersection_update(shared)
        after_task_publish.disconnect(sent)
        task_postrun.disconnect(done)


def on_localq(scene: Callable[[Stage], Any]) -> Any:
    app = localq.LocalQ(scene.__name__, path=":memory:")
    try:
        return scene(Stage(app, localq, localq.signals, lambda: drain(app, scheduled=True) and None))
    finally:
        app.close()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: str(scene.__name__))
def test_a_program_about_tasks_comes_to_the_same_on_both(scene: Callable[[Stage], Any]) -> None:
    assert on_localq(scene) == on_celery(scene)


@pytest.mark.parametrize(("scene", "there", "here"), DIFFERENCES, ids=[str(one[0].__name__) for one in DIFFERENCES])
def test_what_is_different_on_purpose_is_different_so(scene: Callable[[Stage], Any], there: Any, here: Any) -> None:
    assert on_celery(scene) == there
    assert on_localq(scene) == here
