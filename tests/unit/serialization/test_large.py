"""Large values are written and read as small ones are, whatever writes them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest

from localq.exceptions import DecodeError
from localq.serialization import codec

_TEXT = 'line of a text, with "quotes", \\ and \x00 control\x7f characters \n' * 1_000
_VALUES: dict[str, Any] = {
    "a text": _TEXT,
    "a text that is not ASCII": "größer, 中文, 🙂 " * 2_000,
    "a text with half a character": _TEXT + "\ud800",
    "a list of numbers": [
        *range(1_000),
        2**63,
        2**64,
        -(2**63),
        2**200,
        0.1,
        -0.0,
        1e16,
        5e-324,
        1.7976931348623157e308,
    ],
    "None among numbers": [None] * 500 + [1.5] * 500,
    "the word null in texts": ["null"] * 1_000,
    "rows": [{"id": one, "name": f"name {one}", "share": one / 3, "there": one % 2 == 0} for one in range(1_000)],
    "a dict of many": {f"key {one}": [one, {"in": one}] for one in range(1_000)},
    "a text within": {"page": _TEXT, "status": 200},
    "what needs tags": [(1, 2)] * 1_000,
    "infinities": [math.inf, -math.inf] * 500,
}


def _same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)


@pytest.mark.parametrize("name", _VALUES)
def test_a_large_value_comes_back_as_it_was_in_ascii(name: str) -> None:
    value = _VALUES[name]
    result, call = codec.encode(value), codec.encode_call((1, value), {"more": value})
    assert result.isascii()
    assert call.isascii()
    assert _same(codec.decode(result), value)
    assert _same(codec.decode_call(call), ((1, value), {"more": value}))
    json.loads(result)


def test_not_a_number_is_never_written_as_none() -> None:
    for value in ([math.nan] * 1_000, [*["x"] * 1_000, math.nan], {"text": _TEXT, "share": math.nan}):
        back = codec.decode(codec.encode(value))
        last = list(back.values() if isinstance(back, dict) else back)[-1]
        assert math.isnan(last)
        (again,), _ = codec.decode_call(codec.encode_call((value,), {}))
        assert repr(again) == repr(value)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((_TEXT, math.nan), {}), ((math.inf, _TEXT), {"n": 1}), ((_TEXT,), {"share": math.nan}), ((1, _TEXT, None), {})],
)
def test_arguments_beside_a_large_text_come_back_as_they_were(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    assert repr(codec.decode_call(codec.encode_call(args, kwargs))) == repr((args, kwargs))


@pytest.mark.parametrize(
    "data",
    [
        b'"' + b"x" * 20_000,
        b"[" + b"1," * 20_000 + b"NaN]",
        b"[" * 20_000 + b"]" * 20_000,
        b'"' + b"x" * 20_000 + b'" 1',
        b'"' + b"\xff" * 20_000 + b'"',
        b"9" * 20_000,
    ],
    ids=["cut", "not a number", "too deep", "two values", "not UTF-8", "an endless number"],
)
def test_large_bytes_that_are_damaged_are_told_as_small_ones_are(data: bytes) -> None:
    with pytest.raises(DecodeError):
        codec.decode(data)


def test_large_text_in_place_of_bytes_is_refused() -> None:
    with pytest.raises(DecodeError):
        codec.decode('"' + "x" * 20_000 + '"')  # type: ignore[arg-type]


def test_what_sends_small_values_alone_does_not_load_what_writes_large_ones() -> None:
    said = "import sys, localq; from localq.serialization import codec; codec.decode(codec.encode([1, 'x'])); "
    said += "print('msgspec' in sys.modules); codec.encode('x' * 20_000); print('msgspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
