from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from localq import LocalQ


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Return the logger of tasks, as it is found."""
    logger = logging.getLogger("localq.task")
    level, handlers, propagate = logger.level, list(logger.handlers), logger.propagate
    yield logger
    for one in logger.handlers:
        if one not in handlers:
            one.close()
    logger.level, logger.handlers, logger.propagate = level, handlers, propagate


def test_tasks_log_from_a_level_on_where_a_script_says_so(q: LocalQ, logger: logging.Logger, tmp_path: Path) -> None:
    assert q.log.setup_task_loggers(loglevel="INFO") is logger
    assert logger.level == logging.INFO
    assert logger.propagate

    q.log.setup_task_loggers(logfile=str(tmp_path / "tasks.log"))
    logger.info("left out")
    logger.warning("written")

    assert tmp_path.joinpath("tasks.log").read_text() == "written\n"
    assert not logger.propagate
    with pytest.raises(ValueError, match="loud"):
        q.log.setup_task_loggers(loglevel="loud")
