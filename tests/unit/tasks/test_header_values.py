"""Headers and stamps carry the values that Celery's messages do."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from localq import LocalQ, chain, group
from localq.testing import drain

VALUES = {
    "id": uuid.UUID(int=5),
    "at": datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    "naive": datetime(2026, 3, 1, 12, 30),
    "day": date(2026, 3, 1),
    "hour": time(7, 30),
    "long": timedelta(days=1, seconds=2),
    "price": Decimal("1.50"),
    "raw": b"\x00\xff",
    "deep": {"ids": [uuid.UUID(int=6)], "plain": {"v": 1}},
}


class Lazy:
    def __json__(self) -> str:
        return "text"


@pytest.fixture
def seen(q: LocalQ) -> list[Any]:
    found: list[Any] = []

    @q.task(bind=True, name="look")
    def look(self: Any, *args: Any) -> None:
        found.append((self.request.headers, self.request.stamps))

    @q.task(bind=True, name="again")
    def again(self: Any) -> None:
        if not self.request.retries:
            raise self.retry(countdown=0)
        found.append((self.request.headers, self.request.stamps))

    @q.task(name="fail")
    def fail() -> None:
        raise KeyError("x")

    @q.task(name="told")
    def told(request: Any, exc: BaseException, traceback: Any) -> None:
        found.append((request.headers, {}))

    return found


def test_headers_come_back_as_they_were(q: LocalQ, seen: list[Any]) -> None:
    q.tasks["look"].apply_async(headers=VALUES)
    q.tasks["again"].apply_async(headers=VALUES)
    q.tasks["fail"].apply_async(headers=VALUES, link_error=q.tasks["told"].s())
    q.tasks["look"].apply_async(link=q.tasks["look"].s().set(headers=VALUES))
    drain(q, scheduled=True)

    # The first run of the last call has none.
    assert sorted((repr(headers) for headers, _ in seen), key=len)[1:] == [repr(VALUES)] * 4


def test_stamps_come_back_as_they_were_all_along_a_workflow(q: LocalQ, seen: list[Any]) -> None:
    look = q.tasks["look"]
    line = chain(look.si(), group(look.si(), look.si()), look.si())
    line.stamp(**VALUES)
    line.apply_async()
    drain(q)

    assert [stamps for _, stamps in seen] == [VALUES] * 4


def test_what_says_itself_how_it_is_written_is_written_so(q: LocalQ, seen: list[Any]) -> None:
    q.tasks["look"].apply_async(headers={"title": Lazy()})
    drain(q)

    assert seen[0][0] == {"title": "text"}


def test_what_no_header_can_carry_is_refused_by_the_call(q: LocalQ, seen: list[Any]) -> None:
    with pytest.raises(TypeError, match=r"option headers=.* cannot be written as JSON"):
        q.tasks["look"].apply_async(headers={"it": object()})


def test_a_header_that_looks_like_ours_stays_what_it_is(q: LocalQ, seen: list[Any]) -> None:
    odd = {"a": {"$lq": "nothing", "v": 1}, "b": {"$lq": "uuid"}, "c": {"$lq": ["x"], "v": 1}}
    odd |= {"d": {"$lq": "uuid", "v": "no"}, "e": {"$lq": "decimal", "v": "no"}, "f": {"$lq": "time", "v": 5}}
    q.tasks["look"].apply_async(headers=odd)
    drain(q)

    assert seen[0][0] == odd
