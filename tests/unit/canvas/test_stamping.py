"""Stamps: what a workflow is marked with, and what its tasks see of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, chain, chord, group, signature
from localq.canvas import StampingVisitor


@pytest.fixture
def seen(eager: LocalQ) -> list[Any]:
    """Return what the task `look` saw of its request."""
    heard: list[Any] = []

    @eager.task(name="look", bind=True)
    def look(self: Any, *args: Any) -> int:
        heard.append((self.request.stamped_headers, self.request.stamps))
        return 1

    @eager.task(name="fail")
    def fail(*args: Any) -> None:
        raise KeyError("lost")

    return heard


def test_a_stamp_reaches_the_task_as_it_was_given(eager: LocalQ, seen: list[Any]) -> None:
    look = eager.tasks["look"]
    look.s().stamp(customer=5, tags=["a", "b"]).delay()
    look.delay()
    look.apply_async(stamped_headers=["customer"], customer=7)

    assert seen == [
        (["customer", "tags"], {"customer": 5, "tags": ["a", "b"]}),
        (None, {}),
        (["customer"], {"customer": 7}),
    ]


def test_every_part_of_a_workflow_is_stamped(eager: LocalQ, seen: list[Any]) -> None:
    look = eager.tasks["look"]
    sig = chain(look.s(), group(look.s(), look.s()), chord([look.s()], look.s()))
    sig.tasks[0].link(look.s())
    sig.stamp(run="r1").apply_async()

    assert seen == [(["run"], {"run": "r1"})] * 6


def test_a_stamp_is_replaced_or_added_to(eager: LocalQ, seen: list[Any]) -> None:
    sig = eager.tasks["look"].s().stamp(a=1, b=1)
    sig.clone().stamp(a=2).delay()
    sig.clone().stamp(append_stamps=True, a=2).delay()

    assert [stamps for _, stamps in seen] == [{"a": 2, "b": 1}, {"a": [1, 2], "b": 1}]


def test_a_retry_and_a_replacement_keep_the_stamps(eager: LocalQ, seen: list[Any]) -> None:
    @eager.task(bind=True)
    def twice(self: Any) -> None:
        if not self.request.retries:
            raise self.retry(countdown=0, queue="other")
        raise self.replace(eager.tasks["look"].s())

    twice.s().stamp(run="r2").delay()

    assert seen == [(["run"], {"run": "r2"})]


class Recorder(StampingVisitor):
    """Says what it is asked, and stamps each part with a name for it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def on_signature(self, sig: Any, **headers: Any) -> dict[str, Any]:
        self.asked.append(f"signature {sig.task}")
        return {"task": sig.task, "note": "no stamp", "stamped_headers": ["task"]}

    def on_group_start(self, group: Any, **headers: Any) -> dict[str, Any]:
        self.asked.append("group")
        return {"within": "group"}

    def on_chain_start(self, chain: Any, **headers: Any) -> dict[str, Any]:
        self.asked.append("chain")
        return {"line": "chain"}

    def on_chord_body(self, chord: Any, **headers: Any) -> dict[str, Any]:
        self.asked.append("body")
        return {"within": "body"}

    def on_callback(self, callback: Any, **headers: Any) -> dict[str, Any]:
        self.asked.append("callback")
        return {"as": "callback"}

    def on_errback(self, errback: Any, **headers: Any) -> dict[str, Any]:
        self.asked.append("errback")
        return {"as": "errback"}


def test_a_visitor_says_what_each_part_is_stamped_with(eager: LocalQ, seen: list[Any]) -> None:
    look, visitor = eager.tasks["look"], Recorder()
    first = look.s()
    first.link(look.s())
    first.link_error(look.s())

    (first | chord([look.s()], look.s())).stamp(visitor).apply_async()

    assert visitor.asked == [
        *("chain", "callback", "signature look", "errback", "signature look", "signature look"),
        *("group", "signature look", "body", "signature look"),
    ]
    assert sorted(stamps.get("as", stamps.get("within", "")) for _, stamps in seen) == [
        "",
        "body",
        "callback",
        "group",
    ]


def test_jobs_are_revoked_by_their_stamps(tmp_path: Path) -> None:
    q = LocalQ(path=tmp_path / "jobs.db", durability="normal")
    results = [signature("look", app=q).stamp(customer=n, run="r").delay() for n in range(4)]
    plain = signature("look", app=q).delay()

    gone = plain.revoke_by_stamped_headers({"customer": [1, 3], "other": 1})

    assert sorted(gone) == [results[1].id, results[3].id]
    assert [one.state for one in (*results, plain)] == ["PENDING", "REVOKED", "PENDING", "REVOKED", "PENDING"]
    assert len(plain.revoke_by_stamped_headers({"run": "r"})) == 2
    q.close()


def test_copies_of_a_signature_do_not_share_its_callbacks(q: LocalQ) -> None:
    template = q.signature("work")
    for link in (q.signature("notify"), chain(q.signature("notify"), q.signature("log"))):
        template.link(link)
    template.link_error(q.signature("tell"))

    one, two = template.clone((1,)), template.clone((2,))
    one.stamp(customer="ann")
    two.stamp(customer="bob")
    two.options["link"][0].set(queue="slow")
    two.options["link"][1].tasks[0].link(q.signature("more"))

    for sig, customer in ((one, "ann"), (two, "bob"), (template, None)):
        callbacks = [sig.options["link"][0], *sig.options["link"][1].tasks, *sig.options["link_error"]]
        assert [callback.options.get("customer") for callback in callbacks] == [customer] * 4
    assert "queue" not in one.options["link"][0].options
    assert "link" not in one.options["link"][1].tasks[0].options
    assert one.options["link"][0].app is q
