from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import localq
from localq import LocalQ
from localq.exceptions import DecodeError, EncodeError, ImproperlyConfigured, SecurityError
from localq.serialization import codec, serializers
from localq.testing import drain


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the serializers that a test registers."""
    monkeypatch.setattr(serializers, "_made", dict(serializers._made))
    monkeypatch.setattr(serializers, "_CONTENT_TYPES", dict(serializers._CONTENT_TYPES))


def reverse(value: Any) -> str:
    return json.dumps(value)[::-1]


def restore(text: str) -> Any:
    assert isinstance(text, str)
    return json.loads(text[::-1])


@pytest.fixture
def q(tmp_path: Path) -> Iterator[LocalQ]:
    app = LocalQ("tests", path=tmp_path / "jobs.db", durability="normal")
    yield app
    app.close()


@pytest.mark.parametrize("serializer", ["yaml", "msgpack", "reversed", "b64"])
def test_a_job_goes_through_any_serializer_that_is_accepted(q: LocalQ, serializer: str) -> None:
    localq.register("reversed", reverse, restore, "application/x-reversed")
    localq.register(
        "b64",
        lambda value: base64.b64encode(json.dumps(value).encode()),
        lambda data: json.loads(base64.b64decode(bytes(data))),
        content_type="application/x-b64",
        content_encoding="binary",
    )
    q.conf.update(task_serializer=serializer, accept_content=["json", serializer])

    @q.task
    def same(*args: Any, **kwargs: Any) -> Any:
        return [list(args), kwargs]

    plain = same.delay(1, "é\0", None, x=[1.5, {"y": True}])
    chained = (same.s({"a": 1}) | same.s(2)).delay()
    drain(q)

    assert plain.get() == [[1, "é\0", None], {"x": [1.5, {"y": True}]}]
    assert plain.args == (1, "é\0", None)
    assert chained.get() == [[[[{"a": 1}], {}], 2], {}]


def test_content_is_accepted_by_its_type_as_well(q: LocalQ) -> None:
    localq.register("reversed", reverse, restore, "application/x-reversed", "utf-8")
    data = codec.encode([1], "reversed")

    assert codec.decode(data, "reversed", ("application/x-reversed",)) == [1]
    assert codec.decode(b"[1]", "json", ("application/json",)) == [1]
    with pytest.raises(SecurityError, match="'reversed' is refused"):
        codec.decode(data, "reversed", ("json",))


def test_a_serializer_may_be_registered_after_the_app_was_configured(q: LocalQ) -> None:
    app = LocalQ("late", path=q.location, task_serializer="later", set_as_current=False)

    @app.task(serializer="later")
    def add(x: int) -> int:
        return x

    with pytest.raises(ImproperlyConfigured, match="unknown serializer 'later'"):
        add.delay(1)
    localq.register("later", reverse, restore, "application/x-later")

    assert add.delay(1).state == "PENDING"
    app.close()


@pytest.mark.parametrize(("name", "package"), [("yaml", "yaml"), ("msgpack", "msgpack"), ("dill", "dill")])
def test_a_package_that_is_not_there_is_named_where_settings_are_read(
    q: LocalQ, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    serializers._made.pop(name, None)
    monkeypatch.setitem(sys.modules, package, None)
    q.conf.task_serializer = name

    with pytest.raises(ImproperlyConfigured, match=rf"'{name}' needs a package that is not there: pip install"):
        q.conf.load()


def test_what_a_serializer_of_ones_own_raises_says_which_it_was(q: LocalQ) -> None:
    localq.register("broken", lambda value: 5, restore, "application/x-broken")  # type: ignore[arg-type,return-value]

    with pytest.raises(EncodeError, match=r"broken cannot write .*returned int"):
        codec.encode([1], "broken")
    with pytest.raises(DecodeError, match="cannot read the stored broken"):
        codec.decode(b"=junk", "broken", ("broken",))


def test_bytes_of_ones_own_are_taken_for_no_mark_of_ours(q: LocalQ) -> None:
    def encode(value: Any) -> bytes:
        return b"\0fed" + json.dumps(value).encode()

    localq.register("odd", encode, lambda data: json.loads(data[4:]), "application/x-odd", "binary")
    q.conf.update(task_serializer="odd", accept_content=["odd"])
    same = q.task(lambda x: x, name="same")  # type: ignore[call-overload,var-annotated]

    result = same.delay(7)
    drain(q)

    assert result.get() == 7


def test_the_names_of_ours_are_not_given_away() -> None:
    with pytest.raises(ImproperlyConfigured, match="'json' comes with LocalQ"):
        localq.register("json", reverse, restore, "application/json")
