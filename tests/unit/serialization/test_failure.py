from __future__ import annotations

import asyncio
import copy
import dataclasses
import enum
import importlib.util
import json
import os
import pickle
import subprocess
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localq.exceptions import DecodeError, EncodeError, MaxRetriesExceededError, Reject, Retry
from localq.serialization import failure as failure_module
from localq.serialization.exception_rebuild import RemoteError, rebuild
from localq.serialization.failure import Failure, RemoteTraceback, describe, dump, load


class Boom(Exception):
    pass


class Coded(Exception):
    def __init__(self, code: int, detail: str = "none") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class KeywordsOnly(Exception):
    def __init__(self, *, code: int, handle: Any = None) -> None:
        super().__init__()
        self.code = code
        self.handle = handle

    def __str__(self) -> str:
        return f"code {self.code}"


class Silent(Exception):
    """Its text needs an attribute that JSON cannot say."""

    def __init__(self, handle: object) -> None:
        self.handle = handle

    def __str__(self) -> str:
        return f"handle {self.handle!r}"


class Refusing(Exception):
    """Cannot be made without arguments that it does not keep."""

    def __new__(cls, first: int, second: int) -> Refusing:
        return super().__new__(cls)

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


class Rude(Exception):
    """Raises whatever it is asked."""

    def __str__(self) -> str:
        raise SystemExit("from str")

    def __repr__(self) -> str:
        raise KeyboardInterrupt("from repr")

    @property
    def args(self) -> Any:  # type: ignore[override]
        raise RuntimeError("from args")

    @property
    def __traceback__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("from traceback")

    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("from cause")

    @property
    def __notes__(self) -> Any:
        raise RuntimeError("from notes")

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("from dict")


class Slotted(Exception):
    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        self.code = code


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int
    why: str = "because"


class Outer:
    class Inner(Exception):
        pass

    value = ValueError("an instance, not a class")
    borrowed = ValueError


class Ends(BaseException):
    pass


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as exc:
        return exc


def sent(error: BaseException) -> BaseException:
    """What the caller gets of what the task raised."""
    return rebuild(load(dump(describe(raised(error)))))


# Describing


def test_a_failure_names_the_class_the_message_and_the_arguments() -> None:
    failure = describe(raised(Outer.Inner("no", 1)))

    assert (failure.type, failure.module) == ("Outer.Inner", __name__)
    assert failure.message == "('no', 1)"
    assert failure.args == ["no", 1]
    assert failure.traceback.startswith("Traceback (most recent call last):\n")
    assert failure.traceback.endswith("Outer.Inner: ('no', 1)\n")
    assert "raise error from cause" in failure.traceback


def test_an_exception_that_was_never_raised_can_be_described() -> None:
    assert describe(Boom("x"))[:4] == ("Boom", __name__, "x", ["x"])


def test_arguments_that_json_cannot_say_are_left_out() -> None:
    assert describe(Boom(object())).args is None
    assert describe(ExceptionGroup("many", [Boom("x")])).args == ["many"]


def test_arguments_are_kept_in_the_codecs_form_which_any_json_reader_reads() -> None:
    failure = describe(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"))

    assert json.loads(dump(failure))["args"] == ["utf-8", {"$lq": "bytes", "v": "/w=="}, 0, 1, "bad"]


def test_the_cause_is_told_in_one_line() -> None:
    assert describe(raised(Boom("x"), KeyError("k"))).cause == "KeyError: 'k'"
    assert describe(raised(Boom("x"), Coded(1))).cause == f"{__name__}.Coded: 1: none"
    assert describe(raised(Boom("x"))).cause is None


def test_the_context_is_the_cause_unless_it_is_suppressed() -> None:
    error = Boom("x")
    error.__context__ = KeyError("k")

    assert describe(error).cause == "KeyError: 'k'"
    error.__suppress_context__ = True
    assert describe(error).cause is None


def test_notes_are_kept() -> None:
    error = Boom("x")
    error.add_note("while loading a.csv")

    failure = describe(error)

    assert failure.notes == ("while loading a.csv",)
    assert "while loading a.csv" in failure.traceback
    assert "__notes__" not in (failure.state or {})


def test_attributes_are_kept_as_far_as_json_can_say_them() -> None:
    assert describe(KeywordsOnly(code=3, handle=object())).state == {"code": 3}
    assert describe(Boom("x")).state is None


# What an exception may do against being described


def test_methods_that_raise_are_told_as_such() -> None:
    failure = describe(raised(Rude("x")))

    assert (failure.type, failure.module) == ("Rude", __name__)
    assert failure.message == "<str() of this Rude raised SystemExit>"
    assert failure.args == ["x"]
    assert "raise error from cause" in failure.traceback
    assert (failure.notes, failure.cause) == ((), None)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, RecursionError, MemoryError, Ends])
@pytest.mark.parametrize("method", ["__str__", "__repr__", "__getattribute__", "__eq__", "__hash__"])
def test_nothing_that_an_exceptions_methods_raise_gets_out(error: type[BaseException], method: str) -> None:
    def refuse(*_: Any) -> Any:
        raise error("refused")

    refusing = type("Refusing", (Exception,), {method: refuse})

    failure = describe(raised(refusing("x")))
    assert failure.type == "Refusing"
    assert isinstance(rebuild(load(dump(failure))), RemoteError)


def test_a_str_that_is_no_text_or_another_kind_of_text_is_told() -> None:
    class Shy(str):
        def __getitem__(self, key: Any) -> str:
            raise RuntimeError("not to be cut")

        def __len__(self) -> int:
            raise RuntimeError("not to be measured")

    number = type("Number", (Exception,), {"__str__": lambda self: 5})
    shy = type("ShyError", (Exception,), {"__str__": lambda self: Shy("shy text")})

    assert describe(number()).message == "<str() of this Number raised TypeError>"
    assert describe(shy()).message == "shy text"
    assert type(describe(shy()).message) is str


def test_class_names_that_are_odd_do_no_harm() -> None:
    class Meta(type):
        @property
        def __module__(cls) -> Any:  # type: ignore[override]
            raise RuntimeError("no module")

    nameless = Meta("Nameless", (Exception,), {})
    numbered = type("Numbered", (Exception,), {"__module__": 5})
    long = type("L" * 10_000, (Exception,), {})

    assert describe(nameless("x"))[:3] == ("Nameless", "builtins", "x")
    assert describe(numbered("x"))[:3] == ("Numbered", "builtins", "x")
    assert len(describe(long("x")).type) == 500


def test_a_huge_message_is_cut_and_says_how_much() -> None:
    failure = describe(raised(Boom("x" * 1_000_000)))

    assert failure.message == "x" * 65_536 + "... [934,464 characters cut]"
    assert failure.args is None
    assert len(failure.traceback) < 66_000
    assert "characters cut] ..." in failure.traceback
    assert failure.traceback.startswith("Traceback (most recent call last):\n")
    assert len(dump(failure)) < 150_000


def test_a_huge_everything_stays_within_some_limits() -> None:
    error = KeywordsOnly(code=1)
    for number in range(1000):
        setattr(error, f"attribute_{number}", "x" * 1000)
        error.add_note("n" * 10_000)

    failure = describe(raised(error, Boom("c" * 100_000)), limit=10_000)

    assert len(dump(failure)) < 40_000


@pytest.mark.parametrize("length", [1000, 20_000])
def test_a_chain_of_causes_of_any_length_is_described(length: int) -> None:
    error: BaseException = Boom("first")
    for number in range(length):
        error = raised(Boom(str(number)), error)

    failure = describe(error)

    assert failure.message == str(length - 1)
    assert "Boom: first\n" in failure.traceback
    assert failure.traceback.endswith(f"Boom: {length - 1}\n")
    assert len(failure.traceback) < 66_000


def test_causes_that_form_a_ring_are_described() -> None:
    first, second = Boom("first"), Boom("second")
    first.__cause__, second.__cause__ = second, first

    assert describe(first).cause == f"{__name__}.Boom: second"


def test_groups_are_described_with_what_is_in_them() -> None:
    failure = describe(raised(ExceptionGroup("many", [raised(Boom("a")), ExceptionGroup("more", [KeyError("b")])])))

    assert failure.message == "many (2 sub-exceptions)"
    assert f"{__name__}.Boom: a" in failure.traceback
    assert "KeyError: 'b'" in failure.traceback


def test_groups_nested_without_end_are_described() -> None:
    error: Exception = Boom("inside")
    for number in range(5_000):
        error = ExceptionGroup(str(number), [error])

    failure = describe(raised(error))

    assert failure.message == "4999 (1 sub-exception)"
    assert "raise error from cause" in failure.traceback


def test_endless_recursion_is_described() -> None:
    def forever() -> None:
        forever()

    with pytest.raises(RecursionError) as caught:
        forever()

    assert "Previous line repeated" in describe(caught.value).traceback


def test_lone_surrogates_and_nul_are_escaped_in_texts_and_kept_in_arguments() -> None:
    failure = describe(raised(Boom("a\udc80b\0c")))

    assert failure.message == "a\\udc80b\\x00c"
    failure.traceback.encode("utf-8")
    assert rebuild(failure).args == ("a\udc80b\0c",)


@pytest.mark.parametrize("error", [SystemExit(3), SystemExit("bye"), KeyboardInterrupt(), GeneratorExit(), Ends("x")])
def test_what_ends_programs_is_described_like_the_rest(error: BaseException) -> None:
    failure = describe(raised(error))

    assert failure.type == type(error).__name__
    assert failure.message == str(error)


def run_as(path: str, function: Callable[[], Any]) -> BaseException:
    """Call the function from a frame of the file `path`."""
    scope: dict[str, Any] = {"function": function}
    exec(compile("def call():\n    function()", path, "exec"), scope)
    try:
        scope["call"]()
    except Exception as exc:
        return exc.with_traceback(exc.__traceback__ and exc.__traceback__.tb_next)
    raise AssertionError("nothing was raised")


OURS = os.path.join(os.path.dirname(failure_module.__file__), "attempt.py")


def test_localqs_frames_above_the_task_are_left_out() -> None:
    def task() -> None:
        raise Boom("x")

    error = run_as(OURS, task)

    assert "attempt.py" in "".join(traceback.format_exception(error))
    assert "attempt.py" not in describe(error).traceback
    assert "in task" in describe(error).traceback


def test_localqs_frames_below_the_task_are_shown() -> None:
    def task() -> None:
        with pytest.raises(Boom) as caught:
            raise Boom("x")
        raise run_as(OURS, lambda: (_ for _ in ()).throw(caught.value))

    assert "attempt.py" in describe(run_as(OURS, task)).traceback


def test_an_error_of_localqs_own_shows_its_frames() -> None:
    def fail() -> None:
        raise Boom("x")

    code = fail.__code__.replace(co_filename=OURS)
    error = run_as(OURS, types.FunctionType(code, {"Boom": Boom}))

    assert describe(error).traceback.count("attempt.py") == 2


# Writing and reading


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def failures_with(parts: st.SearchStrategy[tuple[Failure, ...]]) -> st.SearchStrategy[Failure]:
    return st.builds(
        Failure,
        type=st.text(),
        module=st.text(),
        message=st.text(st.characters()),
        args=st.none() | st.lists(json_values),
        traceback=st.text(),
        state=st.none() | st.dictionaries(st.text(), json_values),
        notes=st.lists(st.text()).map(tuple),
        cause=st.none() | st.text(),
        parts=parts,
    )


single = failures_with(st.just(()))
failures = single | failures_with(st.lists(single, max_size=3).map(tuple))


@given(failures)
def test_a_failure_comes_back_from_its_bytes(failure: Failure) -> None:
    assert load(dump(failure)) == failure


@given(failures)
def test_any_failure_can_be_rebuilt(failure: Failure) -> None:
    error = rebuild(failure)

    assert isinstance(error, RemoteError)
    assert str(error) == failure.message


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_garbage_gives_a_failure_that_says_so(data: bytes) -> None:
    failure = load(data)

    assert failure.message.startswith("the stored error cannot be read: ")
    assert isinstance(rebuild(failure), DecodeError)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[" * 200_000, b"\xff", None, "text", b'{"type":1,"module":"","message":""}']
)
def test_bytes_that_are_no_failure_are_shown_cut(data: Any) -> None:
    failure = load(data)

    assert failure.type == "DecodeError"
    assert len(failure.message) < 500


@given(st.dictionaries(st.sampled_from(["args", "state", "traceback", "notes", "cause", "more"]), json_values))
def test_fields_of_the_wrong_kind_are_ignored(found: dict[str, Any]) -> None:
    data = json.dumps({"type": "ValueError", "module": "builtins", "message": "m"} | found).encode()

    failure = load(data)

    assert failure.message == "m"
    assert isinstance(rebuild(failure), ValueError)
    assert load(dump(failure)) == failure


def test_a_failure_made_by_hand_needs_three_words() -> None:
    failure = Failure("WorkerLostError", "localq.exceptions", "the process died: SIGKILL")

    error = rebuild(load(dump(failure)))

    assert type(error).__name__ == "WorkerLostError"
    assert str(error) == "the process died: SIGKILL"
    assert error.__cause__ is None


def test_arguments_made_by_hand_that_json_cannot_say_are_dropped() -> None:
    failure = Failure("ValueError", "builtins", "m", args=[object()], state={"a": float("nan")})

    assert load(dump(failure)) == Failure("ValueError", "builtins", "m")


# Rebuilding


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad", 5),
        ValueError(),
        KeyError("k"),
        KeyError(("a", 1)),
        ZeroDivisionError("division by zero"),
        StopIteration(5),
        SyntaxError("bad", ("f.py", 1, 2, "text")),
        OSError("plain"),
        FileNotFoundError(2, "No such file"),
        UnicodeDecodeError("utf-8", b"\xff\x00", 0, 1, "invalid start byte"),
        UnicodeEncodeError("ascii", "\udc80", 0, 1, "bad"),
        Boom("x", [1, (2,)], {"k": {3}}),
        Outer.Inner("nested"),
        Slotted(5),
        Frozen(3, "why"),
        Coded(5, "detail"),
        KeywordsOnly(code=7),
        Refusing.__base__("plain"),  # type: ignore[misc]
        EncodeError("result: cannot write"),
        Retry("again", when=5),
        Reject("bad", requeue=True),
        MaxRetriesExceededError("gave up", task_args=[1], task_kwargs={"a": 2}),
        json.JSONDecodeError("Expecting value", "doc", 0),
        subprocess.CalledProcessError(3, ["ls"], output=b"out"),
        TimeoutError("late"),
    ],
    ids=lambda error: f"{type(error).__name__}{error.args}"[:40].replace("\udc80", "?"),
)
def test_an_exception_comes_back_as_itself(error: Exception) -> None:
    back = sent(error)

    assert type(back) is type(error)
    assert back.args == error.args
    assert str(back) == str(error)
    ours = ("remote_traceback",)
    assert {name: value for name, value in vars(back).items() if name not in ours} == vars(error)


def test_a_file_errors_names_come_back() -> None:
    one, two = FileNotFoundError(2, "No", Path("a")), OSError(18, "Cross", "a", None, b"b")

    assert str(sent(one)) == "[Errno 2] No: 'a'"
    assert str(sent(two)) == "[Errno 18] Cross: 'a' -> b'b'"
    assert (sent(two).filename, sent(two).filename2, sent(two).errno) == ("a", b"b", 18)  # type: ignore[attr-defined]


def test_a_constructor_that_keeps_other_arguments_is_not_called_with_them() -> None:
    back = sent(Coded(5, "detail"))

    assert isinstance(back, Coded)
    assert (str(back), back.code, back.detail) == ("5: detail", 5, "detail")


def test_an_exception_that_lost_what_its_text_needs_keeps_its_class_and_its_text() -> None:
    error = Silent(object())

    back = sent(error)

    assert isinstance(back, Silent)
    assert isinstance(back, RemoteError)
    assert type(back).__name__ == "Silent"
    assert str(back) == str(error)


def test_an_exception_that_cannot_be_made_here_is_stood_in_for() -> None:
    back = sent(Refusing(1, 2))

    assert isinstance(back, RemoteError)
    assert (type(back).__name__, type(back).__module__, str(back)) == ("Refusing", __name__, "1 and 2")


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(), Ends("x")],
    ids=lambda error: type(error).__name__,
)
def test_what_would_end_the_caller_is_stood_in_for(error: BaseException) -> None:
    back = sent(error)

    assert isinstance(back, RemoteError)
    assert not isinstance(back, type(error))
    assert type(back).__qualname__ == type(error).__qualname__
    assert str(back) == str(error)


def test_a_class_unknown_here_is_made_with_its_name_once() -> None:
    failure = Failure("Shop.PaymentError", "no_such_module", "card refused", args=["refused", 5], state={"code": 5})

    first, second = rebuild(failure), rebuild(failure)

    assert type(first) is type(second)
    assert isinstance(first, RemoteError)
    assert traceback.format_exception_only(first) == ["no_such_module.Shop.PaymentError: card refused\n"]
    assert type(first).__name__ == "PaymentError"
    assert first.args == ("refused", 5)
    assert first.code == 5  # type: ignore[attr-defined]
    assert first.remote_failure == failure


def test_a_stand_in_can_be_pickled_and_copied() -> None:
    error = rebuild(Failure("PaymentError", "no_such_module", "refused", traceback="Traceback ...\n"))

    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is type(error)
        assert str(other) == "refused"
        assert other.remote_traceback == "Traceback ...\n"
    assert str(pickle.loads(pickle.dumps(RemoteError("by hand")))) == "by hand"


def test_a_class_local_to_a_function_is_stood_in_for() -> None:
    class Local(Exception):
        pass

    assert type(sent(Local("x"))).__name__ == "Local"
    assert isinstance(sent(Local("x")), RemoteError)


def test_the_tasks_traceback_is_printed_with_the_error() -> None:
    back = sent(Boom("x"))

    text = "".join(traceback.format_exception(back))

    assert isinstance(back.__cause__, RemoteTraceback)
    assert "raise error from cause" in back.remote_traceback  # type: ignore[attr-defined]
    assert back.remote_traceback in text  # type: ignore[attr-defined]
    assert "The above exception was the direct cause" in text


def test_notes_come_back() -> None:
    error = Boom("x")
    error.add_note("first")

    back = sent(error)
    back.add_note("second")

    assert back.__notes__ == ["first", "second"]


def test_an_error_may_cross_again_and_again() -> None:
    back: BaseException = KeywordsOnly(code=3)
    for _ in range(3):
        back = sent(back)
    foreign: BaseException = rebuild(Failure("PaymentError", "no_such_module", "refused", ["r"]))
    for _ in range(3):
        foreign = sent(foreign)

    assert isinstance(back, KeywordsOnly)
    assert str(back) == "code 3"
    assert describe(back).cause is None
    assert (type(foreign).__module__, type(foreign).__name__) == ("no_such_module", "PaymentError")
    assert (str(foreign), foreign.args) == ("refused", ("r",))


def test_the_main_scripts_second_name_in_spawned_children_is_its_first() -> None:
    error = type("MainError", (Exception,), {"__module__": "__mp_main__"})

    assert describe(error("x")).module == "__main__"


# What a failure from a hostile store cannot do


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("os", "error"),
        ("os", "environ.clear"),
        ("builtins", "eval"),
        ("builtins", "object"),
        ("builtins", "type"),
        ("builtins", "IOError"),
        ("builtins", "ValueError.__class__"),
        ("builtins", "ValueError.__init__"),
        ("builtins", "BaseException"),
        ("builtins", "__dict__"),
        ("subprocess", "Popen"),
        ("sys", "modules"),
        ("", ""),
        ("builtins", ""),
        ("builtins", "."),
        ("builtins", ".ValueError"),
        (__name__, "Outer.value"),
        (__name__, "Outer.value.__class__"),
        (__name__, "Outer.borrowed"),
        (__name__, "Outer"),
        (__name__, "DecodeError"),
        (__name__, "raised"),
        ("no\0module", "no\0name"),
        ("\ud800", "\ud800"),
    ],
)
def test_a_name_that_is_no_exception_of_its_own_is_only_a_name(module: str, name: str) -> None:
    error = rebuild(Failure(name, module, "m", args=["echo pwned"]))

    assert type(error).__mro__[1:] == (RemoteError, Exception, BaseException, object)
    assert str(error) == "m"


def test_a_module_is_never_imported() -> None:
    assert "antigravity" not in sys.modules

    error = rebuild(Failure("Error", "antigravity", "m"))

    assert isinstance(error, RemoteError)
    assert "antigravity" not in sys.modules


def test_a_modules_getattr_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    module = types.ModuleType("lazy_names")
    module.__getattr__ = asked.append  # type: ignore[method-assign,assignment]
    monkeypatch.setitem(sys.modules, "lazy_names", module)

    assert isinstance(rebuild(Failure("Error", "lazy_names", "m")), RemoteError)
    assert asked == []


def test_a_lazy_module_is_not_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lazy_whole.py").write_text("raise AssertionError('loaded')")
    spec = importlib.util.spec_from_file_location("lazy_whole", tmp_path / "lazy_whole.py")
    assert spec is not None
    assert spec.loader is not None
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "lazy_whole", module)

    assert isinstance(rebuild(Failure("Error", "lazy_whole", "m")), RemoteError)


@pytest.mark.parametrize("module", [None, 5, enum.Enum, {"Boom": Boom}], ids=["None", "int", "class", "dict"])
def test_what_is_no_module_is_not_searched(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setitem(sys.modules, "odd", module)

    assert isinstance(rebuild(Failure("Boom", "odd", "m")), RemoteError)


class Exits(Exception):
    def __init__(self, *args: Any) -> None:
        raise SystemExit("from the constructor")


def test_a_constructor_cannot_end_the_caller() -> None:
    error = rebuild(Failure("Exits", __name__, "m", args=["m"]))

    assert type(error) is Exits
    assert str(error) == "m"


class Stubborn(Exception):
    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(name)

    @property
    def remote_traceback(self) -> str:
        raise RuntimeError("mine")


def test_attributes_are_set_past_a_class_that_refuses_them() -> None:
    failure = Failure("Stubborn", __name__, "m", args=["m"], traceback="T", state={"a": 1, "__class__": "int"})

    error = rebuild(failure)

    assert type(error) is Stubborn
    assert vars(error)["a"] == 1
    assert isinstance(error.__cause__, RemoteTraceback)


@pytest.mark.parametrize(
    "args",
    [[{"$lq": "data", "t": "os.system", "v": {}}], [{"$lq": "nonsense"}], [float("nan")], [object()]],
    ids=["class", "tag", "nan", "object"],
)
def test_arguments_that_cannot_be_read_leave_the_message(args: list[Any]) -> None:
    error = rebuild(Failure("ValueError", "builtins", "m", args=args, state={"a": args}))

    assert type(error) is ValueError
    assert error.args == ("m",)


def test_attributes_that_localq_sets_cannot_be_set_by_the_store() -> None:
    failure = Failure("E", "nowhere", "m", traceback="real", state={"remote_traceback": "x", "remote_failure": 1})

    error = rebuild(failure)

    assert (error.remote_traceback, error.remote_failure) == ("real", failure)  # type: ignore[attr-defined]


class Orders(ExceptionGroup[Exception]):
    """A group with a constructor of its own."""

    def __new__(cls, code: int, parts: list[Exception]) -> Orders:
        made = super().__new__(cls, f"code {code}", parts)
        made.code = code  # type: ignore[attr-defined]
        return made


def test_an_exception_group_comes_back_with_its_parts() -> None:
    inner = ExceptionGroup("in", [OSError(2, "no", "f")])
    group: Any = sent(ExceptionGroup("two", [ValueError("a"), KeyError("b"), inner]))

    assert type(group) is ExceptionGroup
    assert str(group) == "two (3 sub-exceptions)"
    assert [type(part) for part in group.exceptions] == [ValueError, KeyError, ExceptionGroup]
    assert group.exceptions[2].exceptions[0].filename == "f"
    caught: list[tuple[type, ...]] = []
    try:
        raise group
    except* ValueError as found:
        caught.append(tuple(map(type, found.exceptions)))
    except* Exception as rest:
        caught.append(tuple(map(type, rest.exceptions)))
    assert caught == [(ValueError,), (KeyError, ExceptionGroup)]


def test_groups_of_classes_with_constructors_of_their_own_or_not_known_here_are_groups() -> None:
    own: Any = sent(Orders(7, [ValueError("a")]))
    gone = type("Gone", (ExceptionGroup,), {"__module__": "elsewhere"})
    unknown: Any = sent(gone("lost", [ValueError("a")]))
    ends: Any = sent(BaseExceptionGroup("ends", [KeyboardInterrupt(), ValueError("a")]))

    assert (type(own), own.code, own.message) == (Orders, 7, "code 7")
    assert isinstance(unknown, RemoteError)
    assert type(unknown).__name__ == "Gone"
    assert isinstance(ends, RemoteError)
    for group in (own, unknown, ends):
        assert isinstance(group, ExceptionGroup)
        assert repr(group.subgroup(ValueError).exceptions) == "(ValueError('a'),)"


def test_of_a_large_group_so_much_is_kept_as_fits() -> None:
    wide = describe(ExceptionGroup("wide", [ValueError("x" * 10_000) for _ in range(500)]))
    deep: Exception = ValueError("x" * 10_000)
    for _ in range(100):
        deep = ExceptionGroup("deep", [deep])

    assert len(wide.parts) == 64
    assert all(len(dump(failure)) < 400_000 for failure in (wide, describe(deep)))
    assert isinstance(rebuild(load(dump(describe(deep)))), ExceptionGroup)
