"""The line at which a program failed is told apart from those it passed on the way."""

from __future__ import annotations

import traceback

import pytest

from localq.monitor.call_code import call_code
from localq.monitor.failing_line import failing_line

CAUSED = """Traceback (most recent call last):
  File "/shop/a.py", line 3, in first
    first()
KeyError: 1

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/shop/b.py", line 7, in second
    json.loads(text)
    ~~~~~~~~~~^^^^^^
  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
ValueError: File "/x", line 3, in z
"""


def test_the_line_is_the_last_of_ones_own_in_the_last_error() -> None:
    assert failing_line(CAUSED) == ("/shop/b.py", 7, "second", "json.loads(text)")


def test_a_library_is_named_where_nothing_else_is() -> None:
    text = 'Traceback (most recent call last):\n  File "<string>", line 1, in <module>\nNameError: x\n'

    assert failing_line(text) == ("<string>", 1, "<module>", "")


@pytest.mark.parametrize("text", ["", "ValueError: no", "(the traceback is too long)"])
def test_a_text_without_places_has_no_line(text: str) -> None:
    assert failing_line(text) is None


def test_what_python_prints_is_read() -> None:
    try:
        raise ExceptionGroup("all", [ValueError("one")])
    except ExceptionGroup:
        found = failing_line(traceback.format_exc())

    assert found is not None
    assert found.source == 'raise ExceptionGroup("all", [ValueError("one")])'


def test_a_call_is_written_as_the_program_would_write_it() -> None:
    called = call_code("shop.mail", ("shop", "mail"), ["ann", None], {"n": 1, "class": True})

    assert called == "from shop import mail\n\nmail.delay('ann', None, n=1, **{'class': True})"
    assert call_code("shop.mail", None, [], {}) == "app.send_task('shop.mail')"
    assert call_code("it's", ("m", "<lambda>"), [1], {"a": 2}) == """app.send_task("it's", [1], {'a': 2})"""


def test_a_call_with_values_that_json_has_no_word_for_has_no_code() -> None:
    assert call_code("a", None, [{"$lq": "datetime", "v": "2026-01-01T12:00:00+00:00"}], {}) is None
