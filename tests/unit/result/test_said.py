from __future__ import annotations

from typing import Any

import pytest

from localq import LocalQ
from localq.exceptions import EncodeError, Ignore, TaskError
from localq.testing import drain
from tests.worker.waiting import DEADLINE_S


class Refused(Exception):
    pass


@pytest.mark.parametrize(
    ("meta", "error"),
    [
        ({"exc_type": "ValueError", "exc_message": "bad"}, ValueError("bad")),
        ({"exc_type": "ValueError", "exc_message": ["bad", 3], "custom": "more"}, ValueError("bad", 3)),
        ({"exc_type": "Refused", "exc_message": ["no"], "exc_module": __name__}, Refused("no")),
        (Refused("no", 1), Refused("no", 1)),
        (KeyError("x"), KeyError("x")),
    ],
)
@pytest.mark.parametrize("where", ["eager", "q"])
def test_a_task_may_show_itself_as_failed_and_say_of_what(
    request: pytest.FixtureRequest, where: str, meta: Any, error: Exception
) -> None:
    app: LocalQ = request.getfixturevalue(where)

    @app.task(bind=True)
    def fail(self: Any) -> None:
        self.update_state(state="FAILURE", meta=meta)
        raise Ignore

    result = fail.delay()
    drain(app)

    assert (result.state, type(result.info), result.info.args) == ("FAILURE", type(error), error.args)
    with pytest.raises(type(error)) as caught:
        result.get(timeout=DEADLINE_S)
    assert caught.value.args == error.args


def test_a_class_that_is_not_known_here_is_made_by_its_name(q: LocalQ) -> None:
    @q.task(bind=True)
    def fail(self: Any) -> None:
        self.update_state(state="FAILURE", meta={"exc_type": "system", "exc_message": ["true"], "exc_module": "os"})
        raise Ignore

    result = fail.delay()
    drain(q)

    assert (type(result.info).__name__, isinstance(result.info, Exception), str(result.info)) == (
        "system",
        True,
        "true",
    )


def test_data_that_tell_of_no_error_are_shown_and_no_value(q: LocalQ) -> None:
    @q.task(bind=True)
    def fail(self: Any) -> None:
        self.update_state(state="FAILURE", meta={"custom": 1})
        raise Ignore

    @q.task(bind=True)
    def finish(self: Any) -> None:
        self.update_state(state="DONE", meta={"exc_type": "ValueError"})
        raise Ignore

    failed, finished = fail.delay(), finish.delay()
    drain(q)

    assert failed.info == {"custom": 1}
    with pytest.raises(TaskError, match=r"is FAILURE: {'custom': 1}"):
        failed.get(timeout=DEADLINE_S)
    assert finished.get(timeout=DEADLINE_S) == {"exc_type": "ValueError"}


def test_an_error_is_no_data_of_another_state(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def work(self: Any) -> None:
        self.update_state(state="PROGRESS", meta=ValueError("x"))

    with pytest.raises(EncodeError, match="meta: cannot write"):
        work.delay().get()
