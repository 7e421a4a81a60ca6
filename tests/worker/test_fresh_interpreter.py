from __future__ import annotations

import logging

import pytest

from localq import Queue
from localq.worker.pool.fresh_interpreter import _sendable


def test_a_setting_that_cannot_be_written_down_stays_behind(caplog: pytest.LogCaptureFixture) -> None:
    settings = {"task_queues": [Queue("mail")], "task_annotations": {"*": {"rows": (row for row in ())}}}

    with caplog.at_level(logging.WARNING, "localq"):
        sent = _sendable(settings)

    assert sent == {"task_queues": [Queue("mail")]}
    assert "Setting task_annotations cannot be sent to worker processes" in caplog.text
