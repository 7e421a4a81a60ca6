"""What is shown of a job's output: no part of a run twice, and none left out that is still to be had."""

from __future__ import annotations

from localq.model.outcome import OUTPUT_KEPT, Attempt
from localq.monitor.job_output import Answer, Begun, Output


def attempt(number: int, output: str | None) -> Attempt:
    return Attempt(number, "w1@host", 1, 2, "SUCCESS", None, None, None, output)


def told(run: int, number: int, start: int, text: str) -> Answer:
    return Answer(run, number, start, text, False)


def test_of_a_run_that_was_watched_only_the_rest_is_shown_at_its_end() -> None:
    output = Output()
    began = output.goes_on(told(7, 1, 0, "one\n"))
    output.goes_on(told(7, 1, 4, "two\n"))

    (ended,) = output.ended([attempt(1, "one\ntwo\nthree\n")])

    assert began == Begun(1, True, 0, "one\n")
    assert (ended.first, ended.cut, ended.text) == (False, False, "three\n")


def test_the_next_run_begins_anew() -> None:
    output = Output()
    output.goes_on(told(7, 1, 0, "one\n"))
    list(output.ended([attempt(1, "one\n")]))

    place = output.place
    began = output.goes_on(told(8, 2, 0, "one\n"))
    (ended,) = output.ended([attempt(1, "one\n"), attempt(2, "one\nmore\n")])

    assert place == 0
    assert began == Begun(2, True, 0, "one\n")
    assert (ended.attempt.number, ended.text) == (2, "more\n")


def test_runs_that_nobody_watched_are_shown_whole() -> None:
    output = Output()

    shown = list(output.ended([attempt(1, "one\n"), attempt(2, None)]))

    assert [(one.first, one.text) for one in shown] == [(True, "one\n"), (True, "")]


def test_what_follows_long_output_is_found_by_where_the_kept_part_overlaps_what_was_seen() -> None:
    whole = "".join(f"line {n}\n" for n in range(5000))
    output = Output()
    seen = whole[:30_000]
    output.goes_on(told(7, 1, len(seen) - OUTPUT_KEPT, seen[-OUTPUT_KEPT:]))

    (ended,) = output.ended([attempt(1, whole[:35_000][-OUTPUT_KEPT:])])

    assert (ended.cut, ended.text) == (False, whole[30_000:35_000])


def test_what_lies_too_far_behind_is_said_to_be_lost() -> None:
    whole = "".join(f"line {n}\n" for n in range(9000))
    output = Output()
    output.goes_on(told(7, 1, 0, whole[:100]))

    skipped = output.goes_on(told(7, 1, 500, whole[500:600]))
    (ended,) = output.ended([attempt(1, whole[-OUTPUT_KEPT:])])

    assert skipped.lost == 400
    assert (ended.cut, ended.text) == (True, whole[-OUTPUT_KEPT:])
