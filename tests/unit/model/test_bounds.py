from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from localq.model.bounds import checked_id, checked_name, is_name, is_number, is_priority, is_whole


@pytest.mark.parametrize("value", [True, False, None, "1", 1.0, nan, []])
def test_what_is_no_whole_number_is_none_without_bounds_too(value: Any) -> None:
    assert not is_whole(value)


def test_bounds_belong_to_what_they_bound() -> None:
    assert is_whole(-3)
    assert is_whole(0, 0)
    assert is_whole(9, 0, 9)
    assert not is_whole(10, 0, 9)
    assert is_number(0.5, 0, 1)
    assert not is_number(-0.1, 0)


def test_infinity_is_a_number_and_nan_is_within_no_bounds() -> None:
    assert is_number(inf, 0)
    assert not is_number(inf, 0, 1e12)
    assert not is_number(nan, 0)
    assert not is_number(True)


def test_priorities_go_from_0_to_9() -> None:
    assert [rank for rank in range(-2, 12) if is_priority(rank)] == list(range(10))
    assert not is_priority(True)


@pytest.mark.parametrize("value", ["", "x" * 256, "ä" * 128, "a\nb", "a\0b", "\ud800", b"q", None, 5])
def test_what_cannot_be_stored_or_shown_is_no_name(value: Any) -> None:
    assert not is_name(value)


def test_names_may_have_spaces_and_any_script() -> None:
    assert is_name("Grüße an alle")
    assert is_name("x" * 255)
    assert is_name("ä" * 127)


def test_an_id_is_a_name_without_white_space_and_may_be_given_as_something_else() -> None:
    assert checked_id(7, "task_id") == "7"
    with pytest.raises(ValueError, match=r"task_id='a b' must be 1 to 255 bytes .* without white space"):
        checked_id("a b", "task_id")


def test_an_error_does_not_show_all_of_a_very_long_name() -> None:
    with pytest.raises(ValueError, match="queue must be a name of 1 to 255 bytes") as refused:
        checked_name("x" * 100_000, "queue")

    assert len(str(refused.value)) < 500
