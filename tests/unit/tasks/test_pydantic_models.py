from __future__ import annotations

import sys
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from localq import LocalQ, Task
from localq.exceptions import EncodeError, ImproperlyConfigured
from localq.testing import drain


class Order(BaseModel):
    """An order."""

    number: int
    note: str = ""


class Urgent(Order):
    """An order of another class."""


class Asking(BaseModel):
    """Writes down what its validator is told."""

    value: int

    @field_validator("value")
    @classmethod
    def _look(cls, value: int, info: ValidationInfo) -> int:
        context: Any = info.context
        return value + context["more"] + (100 if context["celery_task_name"] == "asking" else 0)


class Aliased(BaseModel):
    """Has another name when it is written."""

    model_config = ConfigDict(populate_by_name=True)
    number: int


@pytest.fixture
def next_order(q: LocalQ) -> Any:
    @q.task(name="next", pydantic=True)
    def next_order(order: Order, by: int = 1, *more: Any, other: Order | None = None) -> Order:
        assert isinstance(order, Order)
        assert other is None or isinstance(other, Order)
        return Order(number=order.number + by, note=other.note if other else order.note)

    return next_order


def test_models_are_sent_as_plain_data_and_come_whole(q: LocalQ, next_order: Any) -> None:
    results = [
        next_order.delay(Order(number=1)),
        next_order.delay({"number": 1}),
        next_order.delay(order=Order(number=1), other=Order(number=2, note="b")),
        next_order.s(Order(number=1)).delay(),
        (next_order.s(Order(number=1)) | next_order.s(by=5)).delay(),
    ]
    stored = results[0].args
    drain(q)

    assert stored == ({"number": 1, "note": ""},)
    assert [one.get() for one in results] == [
        {"number": 2, "note": ""},
        {"number": 2, "note": ""},
        {"number": 2, "note": "b"},
        {"number": 2, "note": ""},
        {"number": 7, "note": ""},
    ]


def test_a_call_here_and_an_eager_one_are_the_same(q: LocalQ, next_order: Any) -> None:
    assert next_order({"number": 1}) == {"number": 2, "note": ""}
    assert next_order.apply((Order(number=1),)).get() == {"number": 2, "note": ""}


def test_what_is_no_model_of_its_parameter_fails_the_job(q: LocalQ, next_order: Any) -> None:
    result = next_order.delay({"number": "none"})
    drain(q)

    with pytest.raises(ValidationError):
        next_order({"number": "none"})
    assert result.state == "FAILURE"
    assert "number" in str(result.result)


def test_a_model_that_would_not_come_back_as_it_is_cannot_be_sent(q: LocalQ, next_order: Any) -> None:
    with pytest.raises(EncodeError):
        next_order.delay(Urgent(number=1))
    with pytest.raises(EncodeError):
        next_order.delay({"number": 1}, 1, Order(number=1))


def test_a_bound_task_and_a_coroutine_take_models_too(eager: LocalQ) -> None:
    @eager.task(bind=True, pydantic=True)
    def bound(self: Task[Any, Any], order: Order) -> Order | None:
        assert self.request.id
        return order

    @eager.task(pydantic=True)
    async def awaited(order: Order) -> Order:
        return order

    whole = {"number": 1, "note": ""}
    assert [bound.delay(Order(number=1)).get(), awaited.delay(Order(number=1)).get()] == [whole, whole]


def test_validators_are_told_of_app_task_and_context_and_may_be_strict(eager: LocalQ) -> None:
    @eager.task(name="asking", pydantic=True, pydantic_context={"more": 10})
    def asking(one: Asking) -> int:
        return one.value

    @eager.task(pydantic=True, pydantic_strict=True)
    def strict(one: Aliased) -> int:
        return one.number

    assert asking.delay({"value": 1}).get() == 111
    assert strict.delay({"number": 1}).get() == 1
    assert strict.delay({"number": "1"}).state == "FAILURE"


def test_how_results_are_written_can_be_said(eager: LocalQ) -> None:
    @eager.task(pydantic=True, pydantic_dump_kwargs={"exclude_defaults": True})
    def short(order: Order) -> Order:
        return order

    assert short.delay({"number": 1}).get() == {"number": 1}


def test_without_the_option_models_are_nothing_special(q: LocalQ) -> None:
    @q.task
    def plain(order: Order) -> Any:
        return order

    with pytest.raises(EncodeError):
        plain.delay(Order(number=1))
    assert plain({"number": 1}) == {"number": 1}


def test_without_pydantic_the_error_says_what_to_install(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)

    with pytest.raises(ImproperlyConfigured, match=r"pip install 'localq\[pydantic\]'"):
        q.task(pydantic=True)(lambda: None)
