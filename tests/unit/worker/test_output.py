"""What a pool keeps of what its jobs print and log while they run."""

from __future__ import annotations

import threading

from localq.model.outcome import OUTPUT_KEPT
from localq.worker.pool.output import Output, Part
from tests.worker.waiting import DEADLINE_S


def test_it_is_read_from_a_place_on() -> None:
    output = Output()
    output.add("a", "one\n")
    output.add("a", "two\n")

    parts = [output.after("a", place) for place in (0, 4, 8, 99)]

    assert [part.text for part in parts] == ["one\ntwo\n", "two\n", "", ""]
    assert output.after("another", 0) == Part(0, "", False)


def test_the_last_of_it_is_kept_and_the_place_tells_what_is_missing() -> None:
    output = Output()
    output.add("a", "x" * OUTPUT_KEPT)
    output.add("a", "12345")

    part = output.after("a", 0)

    assert (part.start, len(part.text), part.text[-6:]) == (5, OUTPUT_KEPT, "x12345")


def test_it_is_forgotten_with_the_end_of_the_run() -> None:
    output = Output()
    output.add("a", "one\n")
    output.add("b", "two\n")

    taken = output.take("a")
    output.drop(["b", "c"])

    assert (taken, output.take("a"), output.take("b")) == ("one\n", None, None)


def watched(output: Output, job_id: str, place: int) -> tuple[threading.Thread, list[Part]]:
    """Wait in a thread for what a run says next."""
    awaited, parts = output.watch(job_id), list[Part]()
    thread = threading.Thread(target=lambda: parts.append(awaited(place, DEADLINE_S)))
    thread.start()
    return thread, parts


def test_who_waits_gets_what_is_said_next() -> None:
    output = Output()
    output.add("a", "one\n")
    thread, parts = watched(output, "a", 4)

    output.add("a", "two\n")
    thread.join(DEADLINE_S)

    assert parts == [Part(4, "two\n", False)]


def test_who_waits_is_told_of_the_end_though_another_run_follows_at_once() -> None:
    output = Output()
    thread, parts = watched(output, "a", 0)

    silent = output.take("a")
    output.add("a", "of the next run\n")
    thread.join(DEADLINE_S)

    assert silent is None
    assert parts == [Part(0, "", True)]


def test_who_waited_in_vain_leaves_nothing_behind() -> None:
    output = Output()

    part = output.watch("a")(0, 0.0)

    assert part == Part(0, "", False)
    assert output._tails == {}
