"""What a job carries beside its arguments, read by its parts."""

from __future__ import annotations

import pytest

from localq.model.job_options import JobOptions


@pytest.mark.parametrize(
    "options",
    [
        JobOptions(),
        JobOptions(group_id="g", root_id="r"),
        JobOptions(serializer="pickle"),
        JobOptions(serializer="yaml", group_id="g"),
        # The word is another's.
        JobOptions(headers={"serializer": "dill"}),
        JobOptions(link=[{"task": "add", "options": {"serializer": "pickle"}}]),
    ],
)
def test_the_serializer_is_found_without_reading_the_rest(options: JobOptions) -> None:
    assert JobOptions.serializer_of(options.write()) == options.serializer


@pytest.mark.parametrize("text", ["", "no JSON", '{"serializer": 7}', '{"serializer": ', "[]"])
def test_what_is_no_text_of_options_says_the_usual_one(text: str) -> None:
    assert JobOptions.serializer_of(text) == JobOptions.read(text).serializer == "json"
