"""Bodies that raise what is hard to tell of, and return what is hard to write."""

from __future__ import annotations

import math
import sys
import weakref
from typing import Any

from tests.crash.hostile.body import EVERY, LOST, body, section

section("Errors")


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("I do not say")

    __repr__ = __str__


class Unreducible(Exception):
    def __reduce__(self) -> Any:
        raise TypeError("I do not travel")


class Unbuildable(Exception):
    def __init__(self, one: int, two: int, three: int) -> None:
        if (one, two, three) != (1, 2, 3):
            raise RuntimeError("only 1, 2, 3")
        super().__init__("1 2 3")


class Unlike(Exception):
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"I have no {name}")


class Base(BaseException):
    pass


@body()
def raise_what_cannot_be_shown() -> None:
    """raises an error whose `__str__` and `__repr__` raise"""
    raise Unspeakable(1)


@body()
def raise_what_cannot_be_pickled() -> None:
    """raises an error whose `__reduce__` raises"""
    raise Unreducible("here")


@body()
def raise_what_cannot_be_made_again() -> None:
    """raises an error whose `__init__` raises for anyone else"""
    raise Unbuildable(1, 2, 3)


@body()
def raise_what_has_no_attributes() -> None:
    """raises an error every attribute of which raises"""
    raise Unlike("here")


@body()
def raise_a_local_class() -> None:
    """raises an error of a class that is defined in the function"""

    class Local(Exception):
        pass

    raise Local("here")


@body()
def raise_a_group() -> None:
    """raises an ExceptionGroup in an ExceptionGroup"""
    raise ExceptionGroup("outer", [ValueError("a"), ExceptionGroup("inner", [KeyError("b"), Unspeakable()])])


@body()
def raise_a_ring() -> None:
    """raises an error that is the cause of its cause, and its own argument"""
    one, two = ValueError("one"), KeyError("two")
    one.__cause__, two.__cause__ = two, one
    one.args = (one,)
    raise one


@body()
def raise_with_notes() -> None:
    """raises an error whose notes are no texts"""
    error = ValueError("noted")
    error.__notes__ = [object(), 5]
    raise error


@body()
def raise_a_long_text() -> None:
    """raises an error with a text of 20 MB"""
    raise ValueError("x" * 20_000_000)


@body()
def raise_a_base_exception() -> None:
    """raises a BaseException that is no Exception"""
    raise Base("here")


@body()
def raise_keyboard_interrupt() -> None:
    """raises KeyboardInterrupt"""
    raise KeyboardInterrupt


@body()
def raise_generator_exit() -> None:
    """raises GeneratorExit"""
    raise GeneratorExit


@body()
def raise_stop_iteration() -> None:
    """raises StopIteration"""
    raise StopIteration(5)


@body()
def recurse() -> None:
    """calls itself to the limit"""
    recurse.run()


@body(LOST)
def recurse_in_c() -> None:
    """calls itself through C code, with the limit lifted, until the stack ends"""
    sys.setrecursionlimit(1 << 30)
    nest: Any = []
    for _ in range(1_000_000):
        nest = [nest]
    repr(nest)


@body()
def fail_where_nobody_hears() -> None:
    """raises in `__del__`, in the callback of a weak reference and in a finalizer"""

    class Bad:
        def __del__(self) -> None:
            raise ValueError("in __del__")

    def fails(*_: Any) -> None:
        raise ValueError("in a callback")

    bad = Bad()
    weak = weakref.ref(bad, fails)
    weakref.finalize(bad, fails)
    del bad
    assert weak() is None


@body(EVERY)
def hooks_that_raise() -> None:
    """sets `sys.excepthook` and `sys.unraisablehook` to functions that raise, and raises"""

    def fails(*_: Any) -> None:
        raise RuntimeError("in a hook")

    sys.excepthook = sys.unraisablehook = fails
    raise ValueError("here")


section("Results")


class Lying(dict):  # type: ignore[type-arg]
    def items(self) -> Any:
        raise RuntimeError("I have none")

    __iter__ = __len__ = keys = items


@body()
def return_an_object() -> Any:
    """returns what no codec knows"""
    return [object()]


@body()
def return_a_ring() -> Any:
    """returns a list that holds itself"""
    ring: list[Any] = []
    ring.append(ring)
    return ring


@body()
def return_a_deep_nest() -> Any:
    """returns 100,000 lists in each other"""
    nest: Any = []
    for _ in range(100_000):
        nest = [nest]
    return nest


@body()
def return_too_much() -> Any:
    """returns a text of 70 MB"""
    return "x" * 70_000_000


@body()
def return_a_generator() -> Any:
    """returns a generator that raises"""

    def steps() -> Any:
        raise ValueError("at the first step")
        yield

    return steps()


@body()
def return_odd_texts() -> Any:
    """returns lone surrogates, zeros and numbers that JSON has not"""
    return ["\ud800", "\x00", math.nan, math.inf, b"\xff", 1 << 20_000]


@body()
def return_a_liar() -> Any:
    """returns a dict whose methods raise"""
    return Lying(a=1)
