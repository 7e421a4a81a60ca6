"""Errors that differ only in what they are about are one group, and others are not."""

from __future__ import annotations

import pytest

from localq.monitor.error_groups import ErrorGroup, fingerprint, grouped


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("ValueError: order 17 is lost", "ValueError: order … is lost"),
        ("ValueError: order -1,024.5 is lost", "ValueError: order … is lost"),
        ("KeyError: 'ann'", "KeyError: '…'"),
        ('KeyError: "it\'s"', "KeyError: '…'"),
        ("OSError: can't open file: it isn't there", "OSError: can't open file: it isn't there"),
        ("HTTPError: 503 for url: http://10.0.0.1:80/a/17", "HTTPError: … for url: http://…/a/…"),
        ("E: 01a22ecf-6853-771b-8003-d07db1adcb54 gone", "E: … gone"),
        ("E: <Thing object at 0x7f536d69e610>", "E: <Thing object at …>"),
        ("E: commit deadbeef1234 of user17", "E: commit … of user…"),
        ("E: at 2026-11-30 12:00:01", "E: at …"),
        ("E: [1, 2, 3]", "E: […]"),
        ("E: decade of facade", "E: decade of facade"),
        ("TimeoutError: ", "TimeoutError:"),
        ("E: 找不到订单 17", "E: 找不到订单 …"),
        ("", ""),
    ],
)
def test_numbers_ids_and_quoted_text_are_no_part_of_what_an_error_is(error: str, said: str) -> None:
    assert fingerprint(error) == said


def test_a_fingerprint_is_its_own_fingerprint() -> None:
    said = fingerprint("E: 'a' 17 0xff deadbeef01")

    assert fingerprint(said) == said


def test_a_long_error_takes_no_longer_for_it() -> None:
    assert len(fingerprint("'" * 100_000)) <= 500
    assert len(fingerprint("1," * 100_000)) <= 500


def test_groups_come_largest_first_with_their_newest_job() -> None:
    errors = [("a", 1, "E: 1"), ("b", 5, "F: 'x'"), ("c", 3, "E: 3"), ("d", 2, "E: 2")]

    assert grouped(errors) == [ErrorGroup("E: …", 3, "c", 3, "E: 3"), ErrorGroup("F: '…'", 1, "b", 5, "F: 'x'")]
