from __future__ import annotations

from localq.contrib.celery.difference import Difference, things


def found(line: int, level: str, text: str, subject: str = "") -> Difference:
    return Difference("proj.py", line, level, text, subject)  # type: ignore[arg-type]


def test_what_is_in_several_places_is_one_thing() -> None:
    (thing,) = things([found(9, "moved", "a is b"), found(2, "moved", "a is b"), found(2, "moved", "a is b")])

    assert (thing.text, thing.places) == ("a is b", ["proj.py:2", "proj.py:9"])


def test_what_holds_for_several_is_said_once_of_all() -> None:
    (thing,) = things(
        [
            found(1, "note", "a has no effect: it has none", "a"),
            found(2, "note", "b has no effect: it has none", "b"),
            found(3, "note", "b has no effect: it has none", "b"),
        ]
    )

    assert thing.text == "a, b have no effect: it has none"
    assert thing.subjects == ["a", "b"]


def test_what_matters_most_comes_first() -> None:
    told = things([found(1, "unread", "u"), found(2, "note", "n"), found(3, "differs", "d"), found(4, "error", "e")])

    assert [one.level for one in told] == ["error", "differs", "note", "unread"]
