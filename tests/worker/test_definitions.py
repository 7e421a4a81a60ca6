"""What the main program defines works in slots that were started afresh, as it does where it is defined."""

from __future__ import annotations

from pathlib import Path

import pytest

from localq import LocalQ
from localq.exceptions import DuplicateTaskNameWarning
from localq.worker.pool.task_definitions import by_value
from tests.worker.python import APART
from tests.worker.test_programs import HEAD, THREADS, run_program, run_words

FRESH = pytest.mark.parametrize("threads", ["", THREADS], ids=["one thread", "several threads"])


@FRESH
def test_modules_below_a_package_are_there(tmp_path: Path, threads: str) -> None:
    text = """
import urllib.request, xml.etree.ElementTree, concurrent.futures, email.mime.text, logging.config

class Names:
    def one(self):
        return xml.etree.ElementTree.fromstring("<a/>").tag

@q.task
def names():
    text = email.mime.text.MIMEText("x").get_content_type()
    urllib.request.Request("http://example.org/").host
    return [text, Names().one(), concurrent.futures.Future.__name__, logging.config.__name__]
"""
    use = "with q.running(concurrency=1): print(names.delay().get(120))"

    assert run_program(tmp_path, text + threads + use) == "['text/plain', 'a', 'Future', 'logging.config']\n"


def test_a_module_that_was_imported_after_the_start_is_there(tmp_path: Path) -> None:
    text = """
q.start(concurrency=1)
import wsgiref.simple_server
def make():
    import http.cookies
    @q.task
    def names():
        return [wsgiref.simple_server.__name__, http.cookies.__name__]
    return names
print(make().delay().get(120))
q.stop()
"""
    assert run_program(tmp_path, text) == "['wsgiref.simple_server', 'http.cookies']\n"


SHOP = """
from dataclasses import dataclass, field
from enum import Enum
from localq import current_app, current_task, register

@register
class Colour(Enum):
    RED = "r"
    BLUE = "b"

@register
@dataclass
class Line:
    wares: str
    colour: Colour = Colour.RED
    tags: list = field(default_factory=list)

    def order(self):
        return Order([self])

@register(name="order")
@dataclass
class Order:
    lines: list

    def all_lines(self):
        return all(isinstance(line, Line) for line in self.lines)

@q.task
def known(line):
    order = line.order()
    assert isinstance(line, Line) and order.all_lines() and line.colour is Colour.BLUE
    return order

@q.task
def again(order):
    return [isinstance(order, Order), order.all_lines(), order.lines[0].order() == order]
"""

USE = f"""
line = Line("pen", Colour.BLUE)
for pool in {APART}:
    with q.running(concurrency=1, pool=pool):
        order = known.delay(line).get(120)
        print(order == Order([line]), again.delay(order).get(120))
        @q.task(name="late")
        def late(order):
            return [isinstance(order, Order), isinstance(order.lines[0], Line), again.run(order)]
        print(late.delay(order).get(120))
"""


@FRESH
def test_registered_classes_of_the_main_program_are_one_class_in_all_its_tasks(tmp_path: Path, threads: str) -> None:
    out = run_program(tmp_path, SHOP + threads + USE)

    assert out.splitlines() == ["True [True, True, True]", "[True, True, [True, True, True]]"] * len(APART)


def test_a_class_that_was_registered_after_the_start_goes_with_the_next_task(tmp_path: Path) -> None:
    use = "print(known.delay(Line('pen', Colour.BLUE)).get(120) == Order([Line('pen', Colour.BLUE)])); q.stop()"

    assert run_program(tmp_path, "q.start(concurrency=1)\n" + SHOP + use) == "True\n"


@FRESH
def test_what_is_current_can_be_named(tmp_path: Path, threads: str) -> None:
    text = """
from localq import current_app, current_task
def helper():
    return current_app.tasks[current_task.name] is not None
@q.task
def here():
    return [helper(), current_task.name, current_task.request.retries]
"""
    use = "with q.running(concurrency=1): print(here.delay().get(120))"

    assert run_program(tmp_path, text + threads + use) == "[True, 'program.here', 0]\n"


@FRESH
def test_a_package_that_is_run_imports_relatively_within_its_tasks(tmp_path: Path, threads: str) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").touch()
    (tmp_path / "shop/prices.py").write_text("PRICES = {'pen': 3}\n")
    text = """
def helper():
    from . import prices
    return prices.PRICES

class Till:
    def price(self, name):
        from .prices import PRICES
        return PRICES[name]

@q.task
def price(name):
    from .prices import PRICES
    return [PRICES[name], helper()[name], Till().price(name), __package__]

with q.running(concurrency=1): print(price.delay("pen").get(120))
"""
    (tmp_path / "shop/__main__.py").write_text(HEAD + threads + text)

    assert run_words(tmp_path, "-W", "error::ImportWarning", "-m", "shop") == "[3, 3, 3, 'shop']\n"


def test_what_cannot_be_copied_is_named_when_it_is_sent_and_in_the_job(tmp_path: Path) -> None:
    text = """
import logging, threading
logging.basicConfig(stream=sys.stdout, format="%(message)s", level="WARNING")
rate, stream = 3, (n for n in range(3))
@q.task
def uses():
    return rate, next(stream)
@q.task
def fine():
    return rate
"""
    use = """
with q.running(concurrency=1):
    try:
        uses.delay().get(120)
    except Exception as error:
        print(error)
    print(fine.delay().get(120))
"""
    lines = run_program(tmp_path, text + THREADS + use).splitlines()

    why = "'stream': TypeError: cannot pickle 'generator' object"
    assert lines[0] == f"Task program.uses cannot be sent to a worker process: {why}"
    assert any(line.startswith("Task program.uses") and f"cannot be copied ({why})" in line for line in lines[1:])
    assert lines[-1] == "3"


KINDS = """
import abc, enum, typing
from dataclasses import dataclass, field, fields, asdict

class Base(abc.ABC):
    def __init__(self): self.x = 1
    @abc.abstractmethod
    def go(self): ...

class Child(Base):
    def __init__(self): super().__init__()
    def go(self): return self.x, __class__.__name__
    @classmethod
    def name(cls): return cls.__name__
    @property
    def six(self): return 6

@dataclass(frozen=True, slots=True)
class Slim:
    n: int

class Size(enum.IntFlag):
    S = 1
    M = 2

class Kind(enum.Enum):
    A = 1, "first"
    ALIAS = 1, "first"
    def __new__(cls, value, label):
        made = object.__new__(cls)
        made._value_, made.label = value, label
        return made

T = typing.TypeVar("T")
class Box(typing.Generic[T]):
    def kept(self): return 7

class Pair(typing.NamedTuple):
    a: int
    b: int = 2

def all_kinds():
    try:
        Base()
    except TypeError:
        yield "abstract"
    yield Child().go(), Child.name(), Child().six
    yield Slim(2), asdict(Slim(3)), [one.name for one in fields(Slim)], hash(Slim(1)) == hash(Slim(1))
    yield Size.S | Size.M == 3, Kind(1) is Kind.A is Kind.ALIAS, Kind.A.label
    yield Box[int]().kept(), Pair(1)
"""


def test_classes_of_every_kind_are_in_the_other_interpreter_what_they_are_here(tmp_path: Path) -> None:
    end = """
from localq.worker.pool.definition_pickle import dumps
print(*all_kinds(), sep="\\n")
with open("definition", "wb") as file: file.write(dumps(all_kinds))
"""
    load = """
from localq.worker.pool.definition_pickle import loads
with open("definition", "rb") as file: data = file.read()
print(*loads(data)(), sep="\\n")
"""
    (tmp_path / "here.py").write_text(KINDS + end)

    here = run_words(tmp_path, "here.py")
    there = run_words(tmp_path, "-c", load)

    assert there == here
    assert here.startswith("abstract\n")


def test_a_task_whose_name_two_functions_have_is_sent_to_its_workers(q: LocalQ) -> None:
    def work() -> None: ...

    work.__qualname__ = "work"
    first = q.task(name="same")(work)
    before = by_value(first)

    with pytest.warns(DuplicateTaskNameWarning):
        q.task(name="same")(lambda: None)

    assert (before, by_value(first)) == (False, True)
