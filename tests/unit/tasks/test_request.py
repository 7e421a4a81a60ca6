from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from localq import Context, LocalQ


@pytest.mark.parametrize("headers", [None, {}, {"lang": "en"}])
def test_a_header_that_is_absent_is_the_default(eager: LocalQ, headers: dict[str, str] | None) -> None:
    @eager.task(bind=True)
    def look(self: Any) -> tuple[Any, ...]:
        request = self.request
        return request.get("tenant", "public"), getattr(request, "tenant", "public"), hasattr(request, "tenant")

    found = look.apply_async(headers=headers).get()

    assert found == ("public", "public", False)


def test_a_header_is_an_attribute_of_the_request(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def look(self: Any) -> tuple[Any, ...]:
        request = self.request
        return request.tenant, request.get("tenant", "public"), hasattr(request, "tenant"), request.headers

    found = look.apply_async(headers={"tenant": "a"}).get()

    assert found == ("a", "a", True, {"tenant": "a"})


def test_a_request_is_of_this_language_unless_a_header_says_another(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def look(self: Any) -> Any:
        return self.request.lang

    assert look.delay().get() == "py"
    assert look.apply_async(headers={"lang": "de"}).get() == "de"


def test_a_request_has_the_fields_of_celery(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def look(self: Any, x: int, y: int) -> Any:
        return {
            name: getattr(self.request, name)
            for name in ("args", "kwargs", "argsrepr", "kwargsrepr", "stamps", "stamped_headers", "children", "chord")
        }

    found = look.apply_async((1,), {"y": 2}).get()

    assert found == {
        "args": [1],
        "kwargs": {"y": 2},
        "argsrepr": "(1,)",
        "kwargsrepr": "{'y': 2}",
        "stamps": {},
        "stamped_headers": None,
        "children": [],
        "chord": None,
    }


def test_texts_of_the_arguments_are_those_of_the_call(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def look(self: Any, secret: str) -> Any:
        return self.request.argsrepr, self.request.kwargsrepr

    assert look.apply_async(("secret",), argsrepr="('***',)").get() == ("('***',)", "{}")


def test_a_job_of_no_schedule_has_no_instant_and_no_name_of_one(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def look(self: Any) -> Any:
        return self.request.scheduled_at, hasattr(self.request, "periodic_task_name")

    assert look.delay().get() == (None, False)


def test_arguments_are_put_in_for_a_test_by_their_names_or_as_a_mapping(q: LocalQ) -> None:
    @q.task(bind=True)
    def look(self: Any) -> Any:
        return self.request.args, self.request.id, self.request.get("tenant", "public")

    look.push_request(args=[1], id="a", headers={"tenant": "b"})
    named = look()
    look.pop_request()
    look.push_request({"id": "c", "tenant": "d"})
    mapped = look()
    look.pop_request()

    assert (named, mapped) == (([1], "a", "b"), (None, "c", "d"))


def test_a_request_is_copied_and_pickled() -> None:
    request = Context(id="a", headers={"tenant": "b"})

    copies = copy.copy(request), copy.deepcopy(request), pickle.loads(pickle.dumps(request))

    assert [(one.id, one.tenant, hasattr(one, "other")) for one in copies] == [("a", "b", False)] * 3
