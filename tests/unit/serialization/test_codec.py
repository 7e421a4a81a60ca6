from __future__ import annotations

import base64
import collections
import contextlib
import dataclasses
import enum
import importlib.util
import json
import json.encoder
import math
import os
import pickle
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localq.exceptions import (
    DecodeError,
    EncodeError,
    ImproperlyConfigured,
    SecurityError,
    SoftTimeLimitExceeded,
)
from localq.serialization import codec, serializers


@codec.register
class Color(enum.Enum):
    RED = 1
    BLUE = "b"
    CRIMSON = 1


@codec.register
class Rank(enum.IntEnum):
    LOW = 1
    HIGH = 2


@codec.register
class Shade(enum.StrEnum):
    DARK = "dark"


@codec.register
class Permission(enum.Flag):
    READ = 1
    WRITE = 2


@codec.register(name="test.point")
@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: Any = 0


@codec.register
@dataclasses.dataclass
class Account:
    name: str
    tags: list[str] = dataclasses.field(default_factory=list)
    balance: Decimal = Decimal(0)
    total: int = dataclasses.field(init=False, default=7)
    factor: dataclasses.InitVar[int] = 1

    def __post_init__(self, factor: int) -> None:
        if self.name == "refused":
            raise ValueError("refused by the constructor")


class Unregistered(enum.Enum):
    ONE = 1


class UnregisteredRank(enum.IntEnum):
    ONE = 1


class UnregisteredShade(enum.StrEnum):
    ONE = "one"


@dataclasses.dataclass
class Stray:
    x: int


class Pair(NamedTuple):
    left: int
    right: int


def same(a: Any, b: Any) -> bool:
    """Equal and of the same types all the way down; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return repr(a) == repr(b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a.items(), b.items(), strict=True))
    if isinstance(a, Decimal):
        return str(a) == str(b)
    if isinstance(a, datetime):
        return (a.replace(tzinfo=None), a.fold, a.utcoffset()) == (
            b.replace(tzinfo=None),
            b.fold,
            b.utcoffset(),
        )
    if isinstance(a, time):
        return (a.isoformat(), a.fold) == (b.isoformat(), b.fold)
    if isinstance(a, Point):
        return same(a.x, b.x) and same(a.y, b.y)
    if isinstance(a, set | frozenset):
        return a == b and collections.Counter(map(type, a)) == collections.Counter(map(type, b))
    return bool(a == b)


texts = st.text(st.characters())  # lone surrogates are among them
offsets = st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds)))
zones = st.sampled_from(["UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
any_zone = st.none() | st.just(UTC) | offsets | zones.map(ZoneInfo)
folds = st.integers(0, 1)
datetimes = st.builds(lambda t, z, fold: t.replace(tzinfo=z, fold=fold), st.datetimes(), any_zone, folds)
times = st.builds(lambda t, z, fold: t.replace(tzinfo=z, fold=fold), st.times(), any_zone, folds)
hashable = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | texts
    | st.binary()
    | st.uuids()
    | st.dates()
    | datetimes
    | times
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.sampled_from([*Color, *Rank, *Shade, Permission.READ | Permission.WRITE])
)
leaves = hashable | st.floats() | st.complex_numbers() | st.decimals()
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(texts | st.just("$lq"), inner)
        | st.dictionaries(hashable | st.tuples(hashable, st.booleans()), inner)
        | st.sets(hashable)
        | st.frozensets(hashable | st.frozensets(hashable))
        | st.builds(Point, st.integers(), inner)
    ),
    max_leaves=20,
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts.filter(lambda key: key != "$lq"), inner),
)


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def message(value: Any) -> str:
    with pytest.raises(EncodeError) as caught:
        codec.encode(value)
    return str(caught.value)


# Round trips


@given(values)
def test_a_value_comes_back_equal_and_of_the_same_types(value: Any) -> None:
    data = codec.encode(value)

    assert same(value, codec.decode(data))


@given(values)
def test_what_is_written_is_strict_ascii_json(value: Any) -> None:
    data = codec.encode(value)

    assert data.isascii()
    json.loads(data, parse_constant=refuse_constant)


@given(plain)
def test_plain_values_are_written_as_json_writes_them(value: Any) -> None:
    assert codec.encode(value).decode() == json.dumps(value, separators=(",", ":"))


@given(st.lists(values).map(tuple), st.dictionaries(texts | st.just("$lq"), values))
def test_a_call_comes_back_with_a_tuple_and_a_dict(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    data = codec.encode_call(args, kwargs)

    assert same((args, kwargs), codec.decode_call(data))


@pytest.mark.parametrize("serializer", ["pickle", "dill"])
@given(values)
def test_pickle_and_dill_bring_a_call_back_where_they_are_accepted(serializer: str, value: Any) -> None:
    data = codec.encode_call((value,), {"a": value}, serializer)

    assert same(((value,), {"a": value}), codec.decode_call(data, serializer, ("json", serializer)))


@given(st.sets(hashable))
def test_equal_sets_are_written_as_equal_bytes_in_whatever_order_they_were_filled(items: set[Any]) -> None:
    backwards: set[Any] = set()
    for item in reversed(list(items)):
        backwards.add(item)

    assert codec.encode(items) == codec.encode(backwards)


def test_a_call_is_a_json_array_of_a_plain_list_and_a_plain_object() -> None:
    assert codec.encode_call((2, (3,)), {"x": 1}) == b'[[2,{"$lq":"tuple","v":[3]}],{"x":1}]'
    assert codec.encode_call((), {}) == b"[[],{}]"


def test_numbers_that_json_has_no_word_for_are_tagged_in_arguments_too() -> None:
    data = codec.encode_call((math.inf,), {"x": -0.0})

    assert data == b'[[{"$lq":"float","v":"inf"}],{"x":-0.0}]'
    assert codec.decode_call(data) == ((math.inf,), {"x": 0.0})


def test_a_datetime_keeps_its_zone_its_offset_and_its_fold() -> None:
    paris = ZoneInfo("Europe/Paris")
    early, late = (datetime(2026, 10, 25, 2, 30, tzinfo=paris, fold=fold) for fold in (0, 1))

    back = [codec.decode(codec.encode(moment)) for moment in (early, late)]

    assert [moment.tzinfo for moment in back] == [paris, paris]
    assert [moment.utcoffset() for moment in back] == [timedelta(hours=2), timedelta(hours=1)]
    assert back[1].timestamp() - back[0].timestamp() == 3600


def test_a_zone_with_other_rules_here_keeps_the_instant() -> None:
    data = b'{"$lq":"datetime","v":"2026-07-01T12:00:00+05:00","zone":"Europe/Paris"}'

    moment = codec.decode(data)

    assert moment == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert moment.tzinfo == ZoneInfo("Europe/Paris")


@pytest.mark.parametrize("key", ["No/Such", "Europe", "", "../../etc/passwd", "/etc/passwd", "a\0b", 5, "A" * 999])
def test_a_zone_unknown_here_leaves_a_datetime_its_offset(key: Any) -> None:
    data = json.dumps({"$lq": "datetime", "v": "2026-07-01T12:00:00+05:00", "zone": key}).encode()

    assert codec.decode(data).utcoffset() == timedelta(hours=5)


def test_a_time_in_a_zone_unknown_here_is_refused_because_it_has_no_offset() -> None:
    with pytest.raises(DecodeError, match="install tzdata"):
        codec.decode(b'{"$lq":"time","v":"12:00:00","zone":"No/Such"}')


def test_a_time_keeps_its_zone_though_it_has_no_offset() -> None:
    moment = time(12, tzinfo=ZoneInfo("Europe/Paris"))

    assert codec.decode(codec.encode(moment)).tzinfo == ZoneInfo("Europe/Paris")


def test_a_users_dict_that_looks_like_a_tag_comes_back_as_it_was() -> None:
    for value in ({"$lq": "set", "v": [1]}, {"$lq": None}, [{"a": {"$lq": {"$lq": 1}}}]):
        assert codec.decode(codec.encode(value)) == value


def test_text_that_looks_like_a_tag_stays_text() -> None:
    for value in ('{"$lq":"set","v":[1]}', '"$lq"', ["$lq", "v"]):
        assert codec.decode(codec.encode(value)) == value


def test_lone_surrogates_survive() -> None:
    assert codec.decode(codec.encode(["\ud800", {"\udfff": "a\udc80b"}])) == [
        "\ud800",
        {"\udfff": "a\udc80b"},
    ]


def test_members_of_enums_come_back_as_the_members_themselves() -> None:
    for member in (Color.RED, Color.BLUE, Rank.HIGH, Shade.DARK):
        assert codec.decode(codec.encode({"a": [member], member: member}))["a"][0] is member
    assert codec.decode(codec.encode(Color.CRIMSON)) is Color.RED
    assert codec.decode(codec.encode(Permission(0))) is Permission(0)


def test_a_dataclass_is_built_by_its_constructor_and_gets_its_other_fields_back() -> None:
    account = Account("anna", ["a"], Decimal("1.50"), factor=3)
    account.total = 99

    assert codec.decode(codec.encode([account])) == [account]


def test_a_field_added_since_with_a_default_does_not_break_old_bytes() -> None:
    assert codec.decode(b'{"$lq":"data","v":{"x":1},"t":"test.point"}') == Point(1)


# Subclasses


class Text(str):
    pass


class Number(int):
    def __repr__(self) -> str:
        return "number"

    def __int__(self) -> int:
        return 99


class Real(float):
    def __repr__(self) -> str:
        return "real"


class Moment(datetime):
    nanosecond = 0


class NoMoment(datetime):
    nanosecond = math.nan  # what pandas.NaT answers


@pytest.mark.parametrize(
    ("value", "base"),
    [
        (Text("a"), "a"),
        (Number(7), 7),
        (Real(1.5), 1.5),
        (Real("inf"), math.inf),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(list, {"a": [1]}), {"a": [1]}),
        (collections.Counter({Text("a"): Number(2)}), {"a": 2}),
        (Pair(1, 2), (1, 2)),
        (Moment(2026, 1, 1), datetime(2026, 1, 1)),
        ([Text("a"), {"k": Pair(1, Number(2))}], ["a", {"k": (1, 2)}]),
    ],
)
def test_a_subclass_that_is_no_enum_is_written_as_its_base(value: Any, base: Any) -> None:
    assert same(base, codec.decode(codec.encode(value)))


def test_a_moment_with_nanoseconds_or_none_at_all_is_refused() -> None:
    assert "it has nanoseconds" in message(NoMoment(2026, 1, 1))


@pytest.mark.parametrize("value", [Unregistered.ONE, UnregisteredRank.ONE, UnregisteredShade.ONE, Stray(1)])
@pytest.mark.parametrize("wrap", ["bare", "in a list", "in a tuple in a dict"])
def test_an_unregistered_enum_or_dataclass_is_refused_and_told_how_to_register(value: Any, wrap: str) -> None:
    wrapped = {"bare": value, "in a list": [value], "in a tuple in a dict": {"a": (1, value)}}[wrap]

    assert "put @localq.serialization.codec.register above its" in message(wrapped)


def test_an_unregistered_enum_is_refused_as_a_key_too() -> None:
    assert message({UnregisteredShade.ONE: 1}).startswith("result{key}: cannot write <enum 'UnregisteredShade'>")


def test_an_enum_member_that_its_class_does_not_know_is_refused() -> None:
    ghost = object.__new__(Color)
    ghost._name_, ghost._value_ = "GHOST", 9

    assert "GHOST: 9> is no member of it" in message(ghost)


def test_a_subclass_of_a_registered_dataclass_is_another() -> None:
    @dataclasses.dataclass(frozen=True)
    class Point3(Point):
        z: int = 0

    assert "Point3" in message(Point3(1))


class Said:
    """Says what JSON should have of it."""

    def __init__(self, said: Any) -> None:
        self.said = said

    def __json__(self) -> Any:
        return self.said


class SaidText(str):
    """Text, which json writes without asking."""

    def __json__(self) -> Any:
        raise AssertionError


@pytest.mark.parametrize("said", ["text", 3, None, {"a": [1, date(2026, 1, 2)]}, Said("more")])
def test_a_value_that_says_what_json_should_have_of_it_is_written_so(said: Any) -> None:
    expected = "more" if isinstance(said, Said) else said

    assert codec.decode(codec.encode([Said(said)])) == [expected]
    assert codec.decode_call(codec.encode_call((Said(said),), {"by": Said(said)})) == ((expected,), {"by": expected})


def test_text_that_says_something_else_of_itself_stays_as_it_is() -> None:
    assert codec.decode(codec.encode(SaidText("as it is"))) == "as it is"


def test_a_value_that_says_itself_is_refused_and_shown() -> None:
    ring = Said(None)
    ring.said = [ring]

    with pytest.raises(EncodeError, match=r"\.__json__\(\)\[0\]: this value contains itself"):
        codec.encode(ring)


@pytest.mark.parametrize("wrap", [lambda value: {value}, lambda value: {value: 1}], ids=["set", "key"])
def test_a_value_that_says_what_json_should_have_of_it_is_no_key_and_in_no_set(wrap: Any) -> None:
    with pytest.raises(EncodeError, match="pass what stands for it"):
        codec.encode(wrap(Said([1])))


def test_lazy_text_of_django_is_written_as_text() -> None:
    functional = pytest.importorskip("django.utils.functional")
    turns: list[str] = []
    lazy = functional.lazystr("late")
    later = functional.lazy(lambda: turns.append("worked out") or "now", str)()

    assert codec.encode([lazy, later, {lazy: 1}]) == b'["late","now",{"late":1}]'
    assert codec.encode_call((lazy,), {}) == b'[["late"],{}]'
    assert turns == ["worked out"]


# Registering


def test_only_enums_and_dataclasses_can_be_registered() -> None:
    class Other:
        pass

    for cls in (Other, int, 5, Point(1)):
        with pytest.raises(ImproperlyConfigured, match="write @register above @dataclass"):
            codec.register(cls)  # type: ignore[type-var]


def test_a_name_means_one_class_but_a_reloaded_module_may_register_again() -> None:
    def define() -> type:
        @dataclasses.dataclass
        class Twice:
            x: int

        return Twice

    first, second = codec.register(define()), codec.register(define())

    assert type(codec.decode(codec.encode(first(1)))) is second
    with pytest.raises(ImproperlyConfigured, match=r"'test\.point' means .*Point'> already; give .*Stray"):
        codec.register(Stray, name="test.point")
    assert codec.decode(codec.encode(Point(1))) == Point(1)


def test_a_dataclass_whose_constructor_needs_more_than_its_fields_is_refused() -> None:
    @dataclasses.dataclass
    class Needy:
        x: int
        secret: dataclasses.InitVar[int]

    with pytest.raises(ImproperlyConfigured, match="its constructor needs 'secret', which is no field"):
        codec.register(Needy)


def test_register_gives_the_class_back() -> None:
    @dataclasses.dataclass
    class Plain:
        x: int

    assert codec.register(Plain) is Plain


# Values that cannot be written


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def test_the_error_leads_to_the_value() -> None:
    with pytest.raises(EncodeError) as caught:
        codec.encode_call((1, {"a": [Account("x", [object()])]}), {})  # type: ignore[list-item]
    assert str(caught.value).startswith("args[1]['a'][0].tags[0]: cannot write <class 'object'> as JSON; ")

    with pytest.raises(EncodeError, match=r"^kwargs\['name'\]\[2\]\{item\}: cannot write <class 'function'>"):
        codec.encode_call((), {"name": [0, 1, {message}]})

    with pytest.raises(EncodeError, match=r"^answer\[0\]: "):
        codec.encode([object()], where="answer")


def test_the_path_survives_keys_that_cannot_be_shown() -> None:
    assert message({Rude(): 1}).startswith("result{key}: cannot write <class ")
    assert message({"x" * 5000: object()}).startswith("result['xxx")
    assert len(message({"x" * 5000: object()})) < 400


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (Path("a"), "pass str(path)"),
        (bytearray(b"a"), "pass bytes(value)"),
        (memoryview(b"a"), "pass bytes(value)"),
        (iter([1]), "pass list(value)"),
        ((n for n in ()), "pass list(value)"),
        (len, "serializer='dill'"),
        (lambda: None, "serializer='dill'"),
        (Rude(), "serializer='dill'"),
        (ValueError("x"), "serializer='dill'"),
        (type("Array", (), {"tolist": lambda self: []})(), "pass value.tolist()"),
        (int, "serializer='dill'"),
        (Point, "serializer='dill'"),
        (NotImplemented, "serializer='dill'"),
        (range(3), "serializer='dill'"),
    ],
)
def test_a_foreign_value_is_refused_with_advice(value: Any, advice: str) -> None:
    text = message([value])

    assert text.startswith("result[0]: cannot write <class ")
    assert advice in text


def test_an_open_file_is_refused_with_advice() -> None:
    with open(os.devnull) as file:
        assert "pass its name, and open it in the task" in message(file)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_int_of_too_many_digits_is_refused_wherever_it_is(sign: int) -> None:
    fits, too_long = sign * 10**4299, sign * 10**4300

    assert codec.decode(codec.encode([fits, (fits,)])) == [fits, (fits,)]
    for value in (too_long, [1, too_long], {"a": (too_long,)}, {too_long: 1}, Number(too_long)):
        assert ": the int is too long for JSON" in message(value)


def nested(depth: int, wrap: Any, inside: Any = 1) -> Any:
    for _ in range(depth):
        inside = wrap(inside)
    return inside


wraps = {
    "list": lambda v: [v],
    "dict": lambda v: {"a": v},
    "tuple": lambda v: (v,),
    "pairs": lambda v: {1: v},
    "dataclass": lambda v: Point(1, v),
}


@pytest.mark.parametrize("wrap", wraps.values(), ids=list(wraps))
def test_containers_may_be_64_deep_and_no_deeper(wrap: Any) -> None:
    deepest = nested(64, wrap)

    assert codec.decode(codec.encode(deepest)) == deepest
    assert codec.decode_call(codec.encode_call((deepest,), {"a": deepest})) == ((deepest,), {"a": deepest})
    assert "result" in message(nested(65, wrap))
    assert "nested more than 64 deep" in message(nested(65, wrap))
    for args, kwargs in (((nested(65, wrap),), {}), ((), {"a": nested(65, wrap)})):
        with pytest.raises(EncodeError, match=r"^(args\[0\]|kwargs\['a'\]).*nested more than 64 deep"):
            codec.encode_call(args, kwargs)


@pytest.mark.parametrize("wrap", wraps.values(), ids=list(wraps))
def test_a_bottomless_value_is_refused_without_exhausting_the_stack(wrap: Any) -> None:
    assert "nested more than 64 deep" in message(nested(10_000, wrap))


def test_the_depth_allowed_is_a_constant_that_can_be_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MAX_DEPTH", 100)

    assert codec.decode(codec.encode(nested(100, wraps["list"]))) == nested(100, wraps["list"])
    assert "nested more than 100 deep" in message(nested(101, wraps["list"]))


def test_a_limit_raised_beyond_the_stack_still_gives_an_encode_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MAX_DEPTH", 10**9)

    with pytest.raises(EncodeError, match="RecursionError"):
        codec.encode(nested(50_000, wraps["list"]))


def test_a_value_that_contains_itself_is_refused_and_shown_where() -> None:
    ring: list[Any] = [1]
    ring.append({"again": ring})
    doubled: list[Any] = []
    doubled.extend([doubled, doubled])
    point = Account("x")
    point.tags.append(point)  # type: ignore[arg-type]

    assert message(["first", ring]).startswith("result[1][1]['again']: this value contains itself")
    assert message((doubled,)).startswith("result[0][0]: this value contains itself")
    assert message(point).startswith("result.tags[0]: this value contains itself")


def test_a_value_used_twice_is_no_ring() -> None:
    shared = [1, (2,)]

    assert codec.decode(codec.encode([shared, shared, {"a": shared}])) == [shared, shared, {"a": shared}]


class Zone(tzinfo):
    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        if moment is None:
            return None
        raise RuntimeError("this zone is broken")


class Broken(dict[str, int]):
    def items(self) -> Any:
        raise OSError("the connection is gone")


def test_what_a_values_own_methods_raise_becomes_an_encode_error() -> None:
    for value in (datetime(2026, 1, 1, tzinfo=Zone()), Broken(a=1), [Broken(a=1)]):
        with pytest.raises(EncodeError, match="cannot be written as JSON") as caught:
            codec.encode(value)
        assert isinstance(caught.value.__cause__, RuntimeError | OSError)


def test_a_time_whose_zone_cannot_be_told_is_refused() -> None:
    assert "use zoneinfo.ZoneInfo" in message(time(12, tzinfo=Zone()))


@pytest.mark.parametrize("serializer", ["json", "pickle", "dill"])
def test_a_soft_time_limit_that_strikes_while_writing_or_reading_is_not_dressed_up(serializer: str) -> None:
    with pytest.raises(SoftTimeLimitExceeded):
        codec.encode(Interrupted(), serializer)
    with pytest.raises(SoftTimeLimitExceeded):
        codec.decode(*INTERRUPTED_BYTES[serializer], ("json", "pickle", "dill"))


class Interrupted(dict[str, int]):
    def items(self) -> Any:
        raise SoftTimeLimitExceeded

    def __reduce__(self) -> Any:
        raise SoftTimeLimitExceeded


def interrupt() -> None:
    raise SoftTimeLimitExceeded


@codec.register
@dataclasses.dataclass
class InterruptedWhenBuilt:
    def __post_init__(self) -> None:
        interrupt()


class CallsInterrupt:
    def __reduce__(self) -> Any:
        return interrupt, ()


INTERRUPTED_BYTES = {
    "json": (
        json.dumps({"$lq": "data", "t": f"{__name__}.InterruptedWhenBuilt", "v": {}}).encode(),
        "json",
    ),
    "pickle": (
        b"cbuiltins\nexec\n(S'from localq.exceptions import *; raise SoftTimeLimitExceeded'\ntR.",
        "pickle",
    ),
    "dill": (
        b"cbuiltins\nexec\n(S'from localq.exceptions import *; raise SoftTimeLimitExceeded'\ntR.",
        "dill",
    ),
}


# Bytes that cannot be read


@given(st.binary())
def test_bytes_that_mean_nothing_give_a_decode_error_and_nothing_else(data: bytes) -> None:
    for read in (codec.decode, codec.decode_call):
        with contextlib.suppress(DecodeError):
            read(data)


tags = ["float", "dict", "tuple", "set", "frozenset", "bytes", "datetime", "date", "time", "timedelta"]
tags += ["uuid", "decimal", "complex", "enum", "data", "unknown"]


@given(st.sampled_from(tags), plain, st.dictionaries(st.sampled_from(["t", "fold", "zone", "else"]), plain))
def test_a_tag_with_any_content_is_read_or_is_a_decode_error(tag: str, content: Any, more: dict[str, Any]) -> None:
    data = json.dumps([{"$lq": tag, "v": content} | more]).encode()

    with contextlib.suppress(DecodeError):
        codec.decode(data)


@given(values, st.data())
def test_bytes_damaged_anywhere_are_read_or_are_a_decode_error(value: Any, data: st.DataObject) -> None:
    whole = bytearray(codec.encode(value))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(DecodeError):
        codec.decode(bytes(whole))


@pytest.mark.parametrize("data", [b"", b"{", b"[1", b"nope", b"\xff\xfe", b"1 2", b"[1]]", b"\xef\xbb\xbf1", b"'a'"])
def test_broken_json_is_a_decode_error_that_tells_the_size(data: bytes) -> None:
    with pytest.raises(DecodeError, match=rf"cannot read the stored JSON \({len(data)} bytes\): "):
        codec.decode(data)


def test_the_content_of_unreadable_bytes_is_not_shown() -> None:
    with pytest.raises(DecodeError) as caught:
        codec.decode(b'{"password": "hunter2"')
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("data", [None, "text", 1, ["1"]])
def test_something_else_than_bytes_is_a_decode_error(data: Any) -> None:
    with pytest.raises(DecodeError, match="where bytes are due"):
        codec.decode(data)


@pytest.mark.parametrize("constant", [b"NaN", b"[Infinity]", b'{"a":-Infinity}'])
def test_words_that_are_not_json_are_refused_though_python_reads_them(constant: bytes) -> None:
    with pytest.raises(DecodeError, match="is not JSON; LocalQ writes it with a tag"):
        codec.decode(constant)


@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"a":' * 200_000, b'{"$lq":' * 200_000])
def test_bottomless_bytes_are_a_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        codec.decode(data)


def test_endless_digits_are_a_decode_error() -> None:
    with pytest.raises(DecodeError, match="4300"):
        codec.decode(b"9" * 5000)


def test_white_space_around_json_is_allowed() -> None:
    assert codec.decode(b' \n[1, {"$lq": "tuple", "v": []}]\r\n') == [1, ()]


def test_utf_8_from_other_writers_is_read() -> None:
    assert codec.decode('["é", "漢", "😀"]'.encode()) == ["é", "漢", "😀"]


@pytest.mark.parametrize("tag", ["object", "py/object", "", "__reduce__"])
def test_an_unknown_tag_is_refused_by_name(tag: str) -> None:
    with pytest.raises(DecodeError, match=f"unknown tag {tag!r}"):
        codec.decode(json.dumps({"a": [{"$lq": tag, "v": 1}]}).encode())


@pytest.mark.parametrize("tag", [None, 1, [], {}, True])
def test_a_tag_that_is_no_text_is_refused(tag: Any) -> None:
    with pytest.raises(DecodeError, match="unknown tag"):
        codec.decode(json.dumps({"$lq": tag, "v": 1}).encode())


@pytest.mark.parametrize(
    "found",
    [
        {"$lq": "datetime"},
        {"$lq": "datetime", "v": 5},
        {"$lq": "datetime", "v": "yesterday"},
        {"$lq": "datetime", "v": "2026-01-01", "fold": 2},
        {"$lq": "datetime", "v": "2026-01-01", "later": 1},
        {"$lq": "timedelta", "v": [10**12, 0, 0]},
        {"$lq": "uuid", "v": "xyz"},
        {"$lq": "decimal", "v": 1},
        {"$lq": "decimal", "v": "one"},
        {"$lq": "bytes", "v": "a"},
        {"$lq": "bytes", "v": "é==="},
        {"$lq": "float", "v": "1e999"},
        {"$lq": "float", "v": []},
        {"$lq": "set", "v": [[1]]},
        {"$lq": "set", "v": "abc"},
        {"$lq": "dict", "v": [[[], 1]]},
        {"$lq": "dict", "v": [[1]]},
        {"$lq": "complex", "v": ["a", "b", "c"]},
        {"$lq": "enum", "v": "RED"},
        {"$lq": "enum", "v": "GREEN", "t": f"{__name__}.Color"},
        {"$lq": "enum", "v": ["RED"], "t": f"{__name__}.Color"},
        {"$lq": "enum", "v": 64, "t": f"{__name__}.Permission"},
        {"$lq": "enum", "v": "x", "t": "test.point"},
        {"$lq": "data", "v": {"x": 1}, "t": f"{__name__}.Color"},
        {"$lq": "data", "v": [1], "t": "test.point"},
        {"$lq": "data", "v": {}, "t": "test.point"},
        {"$lq": "data", "v": {"x": 1}, "t": []},
        {"$lq": "data", "v": {"name": "refused"}, "t": f"{__name__}.Account"},
    ],
)
def test_a_tag_with_wrong_content_is_refused_by_name(found: dict[str, Any]) -> None:
    with pytest.raises(DecodeError, match=f"cannot read the value tagged '{found['$lq']}'"):
        codec.decode(json.dumps(found).encode())


def test_a_field_unknown_here_is_named() -> None:
    with pytest.raises(DecodeError, match="Point'> has no field 'z' here"):
        codec.decode(b'{"$lq":"data","v":{"x":1,"z":2},"t":"test.point"}')


@pytest.mark.parametrize("tag", ["data", "enum"])
@pytest.mark.parametrize("name", ["os.system", "antigravity.Anything", "builtins.eval", "x", "__main__.X"])
def test_a_class_is_looked_up_among_the_registered_and_never_imported(tag: str, name: str) -> None:
    with pytest.raises(DecodeError, match=f"no class is registered as '{name}' here; import the module"):
        codec.decode(json.dumps({"$lq": tag, "v": {}, "t": name}).encode())

    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("data", [b"1", b"[]", b"[[],{},1]", b"[{},[]]", b"[[],[]]", b'{"args":[]}', b"null", b'"ab"'])
def test_a_call_of_another_shape_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError, match=r"the stored arguments are not \[args, kwargs\]"):
        codec.decode_call(data)


def test_a_call_whose_names_are_no_text_is_a_decode_error() -> None:
    with pytest.raises(DecodeError, match=r"names as keys"):
        codec.decode_call(b'[[],{"$lq":"dict","v":[[1,2]]}]')


# Pickle and dill


class Trap:
    sprung = False

    def __reduce__(self) -> Any:
        return setattr, (Trap, "sprung", True)


@pytest.mark.parametrize("serializer", ["pickle", "dill"])
def test_pickle_and_dill_are_not_read_unless_accepted(serializer: str) -> None:
    data = codec.encode(Trap(), serializer)

    with pytest.raises(SecurityError, match=f"accepts json; add '{serializer}' to accept_content, if you trust"):
        codec.decode(data, serializer)
    with pytest.raises(SecurityError):
        codec.decode_call(data, serializer, ("json",))

    assert not Trap.sprung


def test_json_is_not_read_either_where_it_is_not_accepted() -> None:
    with pytest.raises(SecurityError, match=r"accepts pickle; add 'json' to accept_content$"):
        codec.decode(b"1", "json", ("pickle",))
    with pytest.raises(SecurityError, match="accepts nothing"):
        codec.decode(b"1", "json", ())


@pytest.mark.parametrize("serializer", ["yml", "", "JSON", None])
def test_an_unknown_serializer_is_refused_with_the_known_ones(serializer: Any) -> None:
    known = "there are json, pickle, dill, yaml, msgpack"

    for call in (
        lambda: codec.encode(1, serializer),
        lambda: codec.encode_call((), {}, serializer),
        lambda: codec.decode(b"1", serializer),
        lambda: codec.decode(b"1", serializer, (serializer,)),
        lambda: codec.decode_call(b"1", serializer),
    ):
        with pytest.raises(ImproperlyConfigured, match=known):
            call()


def test_what_pickle_cannot_write_is_an_encode_error() -> None:
    with pytest.raises(EncodeError, match=r"^result: pickle cannot write <class 'function'>"):
        codec.encode(lambda: None, "pickle")
    with pytest.raises(EncodeError, match=r"^the arguments: dill cannot write"):
        codec.encode_call((iter_forever(),), {}, "dill")


def iter_forever() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize("serializer", ["pickle", "dill"])
@pytest.mark.parametrize("data", [b"", b"\x80", b"junk", b"cno_such_module\nname\n.", pickle.dumps([1])[:-1]])
def test_what_pickle_cannot_read_is_a_decode_error(serializer: str, data: bytes) -> None:
    with pytest.raises(DecodeError, match=f"cannot read the stored {serializer}"):
        codec.decode(data, serializer, (serializer,))


def test_dill_carries_functions_by_value() -> None:
    base = 40
    data = codec.encode_call((lambda x: x + base,), {}, "dill")

    (function,), _ = codec.decode_call(data, "dill", ["dill"])

    assert function(2) == 42


def test_dill_that_is_not_installed_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dill", None)
    monkeypatch.delitem(serializers._made, "dill", raising=False)

    with pytest.raises(ImproperlyConfigured, match="pip install dill"):
        codec.encode(1, "dill")


# Without json's accelerator


def load_again(name: str) -> Any:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def slow_codec() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json.encoder, "c_make_encoder", None)
        slow_writer = load_again("localq.serialization.tagged_json.writer")
        patch.setitem(sys.modules, "localq.serialization.tagged_json.writer", slow_writer)
        slow = load_again("localq.serialization.codec")
    assert slow.write_value is slow_writer.write_value
    return slow


@given(plain)
def test_values_are_written_alike_without_the_c_encoder(slow_codec: Any, value: Any) -> None:
    assert slow_codec.encode((value,)) == codec.encode((value,))
    assert slow_codec.encode_call((value,), {}) == codec.encode_call((value,), {})


# Sizes and kinds


def test_large_values_come_back() -> None:
    text, data = "x" * 1_000_000, os.urandom(100_000)
    numbers = list(range(100_000))

    assert codec.decode(codec.encode([text, data, numbers])) == [text, data, numbers]
    assert json.loads(codec.encode(data))["v"] == base64.b64encode(data).decode()
    assert codec.decode(codec.encode(numbers)) == numbers
    assert codec.decode(codec.encode([*numbers, (1,)]))[-1] == (1,)


def test_a_uuid_of_any_kind_is_a_uuid() -> None:
    class DriverUUID(uuid.UUID):
        pass

    assert codec.decode(codec.encode(DriverUUID(int=5))) == uuid.UUID(int=5)


def test_a_date_is_no_datetime() -> None:
    assert type(codec.decode(codec.encode(date(2026, 1, 1)))) is date
