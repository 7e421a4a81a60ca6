"""What a job was called with is shown, but for what somebody said nobody is to see."""

from __future__ import annotations

from typing import Any

import pytest

from localq import LocalQ, chain
from localq.exceptions import NoEffectWarning
from localq.model.job import Job
from localq.monitor.shown_call import hides, read_call, shown_call


def stored(q: LocalQ, job_id: str) -> Job:
    return q.store.read.get([job_id], args=True)[job_id]


@pytest.mark.parametrize("redact", ["card", ("card",), [1], 1])
@pytest.mark.parametrize("call", [(("ann", "4111"), {}), (("ann",), {"card": "4111"})])
def test_an_argument_that_is_redacted_is_shown_by_neither_name_nor_place(q: LocalQ, redact: Any, call: Any) -> None:
    @q.task(bind=True, redact=redact)
    def pay(self: Any, who: str, card: str) -> None: ...

    job = stored(q, pay.apply_async(*call).id)

    assert "4111" not in read_call(job, q.conf).line()
    assert '"ann"' in read_call(job, q.conf).line()
    assert not shown_call(job, q.conf).exact


def test_what_is_redacted_travels_with_the_job_to_programs_that_do_not_know_its_task(q: LocalQ) -> None:
    @q.task(name="shop.pay", redact=("card",))
    def pay(card: str) -> None: ...

    job = stored(q, pay.delay("4111").id)
    q.tasks.unregister("shop.pay")

    assert shown_call(job, q.conf).args == ["********"]


def test_all_of_many_arguments_is_redacted_by_their_name(q: LocalQ) -> None:
    @q.task(redact=("cards",))
    def pay(who: str, *cards: str) -> None: ...

    assert shown_call(stored(q, pay.delay("ann", "1", "2").id), q.conf).args == ["ann", "********", "********"]


def test_an_argument_is_redacted_before_a_result_comes_in_front_of_it(q: LocalQ) -> None:
    @q.task
    def who() -> str:
        return "ann"

    @q.task(redact=("card",))
    def pay(name: str, card: str) -> None: ...

    last = chain(who.s(), pay.s("4111"))()

    assert "4111" not in shown_call(stored(q, last.id), q.conf).line()


def test_no_search_tells_what_is_hidden(q: LocalQ) -> None:
    @q.task(redact=("card",))
    def pay(who: str, card: str) -> None: ...

    hidden, open_ = stored(q, pay.delay("ann", "4111").id), stored(q, q.send_task("shop.mail", ("ann",)).id)

    assert hides(hidden, q.conf, "411")
    assert not hides(hidden, q.conf, "ann")
    assert not hides(open_, q.conf, "bob")


@pytest.mark.parametrize("redact", [True, {"card": 1}, (-1,), ("",), 2.5])
def test_redacting_what_is_no_argument_is_refused(q: LocalQ, redact: Any) -> None:
    with pytest.warns(NoEffectWarning, match="must be names or places of arguments"):

        @q.task(redact=redact)
        def pay(card: str) -> None: ...

    with pytest.raises(TypeError, match="redact="):
        pay.delay("4111")
