"""A Jupyter kernel: tasks are defined in cells, which are run again and again, and the kernel is restarted."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.worker.waiting import DEADLINE_S, alive, until

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("jupyter_client", "ipykernel")),
    reason="jupyter_client or ipykernel is not installed",
)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Any]:
    """Return the manager of a kernel in a folder of its own."""
    from jupyter_client.manager import KernelManager

    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "IPYTHONDIR": str(tmp_path / "ipython")}
    kernel = KernelManager()
    kernel.start_kernel(cwd=str(tmp_path), env=environment)
    yield kernel
    kernel.shutdown_kernel(now=True)


@pytest.fixture
def run(manager: Any) -> Iterator[Callable[[str], str]]:
    """Return a function that runs a cell and returns what it printed."""
    client = manager.client()
    client.start_channels()

    def cell(code: str) -> str:
        said: list[str] = []

        def hear(message: Any) -> None:
            if message["msg_type"] == "stream":
                said.append(message["content"]["text"])

        client.wait_for_ready(DEADLINE_S)
        reply = client.execute_interactive(code, timeout=DEADLINE_S, output_hook=hear)
        assert reply["content"]["status"] == "ok", reply["content"].get("traceback")
        return "".join(said)

    yield cell
    client.stop_channels()


BEGIN = """
import os
from localq import LocalQ
q = LocalQ(path="jobs.db", durability="normal")
q.start(concurrency=1, pool=POOL)
"""
DEFINE = """
class Price:
    def __init__(self, cents):
        self.cents = cents

def rounded(cents):
    return Price(cents - cents % 5).cents

@q.task
def price(cents):
    return [rounded(cents), os.getpid()]
"""


@pytest.mark.parametrize("pool", ["processes", "threads", "asyncio"])
def test_tasks_defined_in_cells_run_as_they_were_defined_last(run: Callable[[str], str], pool: str) -> None:
    run(BEGIN.replace("POOL", repr(pool)))
    run(DEFINE)
    assert run("print(price.delay(99).get(120)[0])") == "95\n"

    run("def rounded(cents):\n    return cents // 100")
    run("@q.task\ndef price(cents):\n    return [rounded(cents), os.getpid()]")
    assert run("print(price.delay(299).get(120)[0])") == "2\n"

    run("@q.task\nasync def later(word):\n    return word + '!'")
    assert run("print(later.delay('now').get(120))") == "now!\n"
    assert run("print([price.delay(n).get(120)[0] for n in (100, 200)])") == "[1, 2]\n"


RATES = """
RATE = 1
STEPS = [1]

def rounded(cents):
    return cents * RATE

@q.task
def price(cents):
    return [rounded(cents), len(STEPS)]
"""


@pytest.mark.parametrize("pool", ["processes", "threads", "asyncio"])
def test_a_helper_or_a_constant_that_is_changed_is_seen_by_the_next_call(run: Callable[[str], str], pool: str) -> None:
    ask = "print(price.delay(10).get(120))"
    run(BEGIN.replace("POOL", repr(pool)))
    run(RATES)
    assert run(ask) == "[10, 1]\n"

    run("RATE = 2")
    assert run(ask) == "[20, 1]\n"
    run("def rounded(cents):\n    return -cents")
    assert run(ask) == "[-10, 1]\n"
    run("STEPS.append(2)")
    assert run(ask) == "[-10, 2]\n"
    assert run(f"{ask}\nSTEPS = []\n{ask}") == "[-10, 2]\n[-10, 0]\n", "within one cell"


CONFIG = """
FEE = 1

class Base:
    step = 10

class Config(Base):
    rate = 1

    @staticmethod
    def fee():
        return FEE

    @property
    def fees(self):
        return FEE

@q.task
def price():
    return [Config.rate, Config.step, Config.fee(), Config().fees]
"""


@pytest.mark.parametrize("pool", ["processes", "threads", "asyncio"])
def test_a_class_that_is_changed_is_seen_by_the_next_call(run: Callable[[str], str], pool: str) -> None:
    ask = "print(price.delay().get(120))"
    run(BEGIN.replace("POOL", repr(pool)))
    run(CONFIG)
    assert run(ask) == "[1, 10, 1, 1]\n"

    run("Config.rate = 2")
    assert run(ask) == "[2, 10, 1, 1]\n"
    run("Base.step = 20")
    assert run(ask) == "[2, 20, 1, 1]\n"
    run("FEE = 3")
    assert run(ask) == "[2, 20, 3, 3]\n"
    run("Config.fee = staticmethod(lambda: -1)")
    assert run(ask) == "[2, 20, -1, 3]\n"
    assert run(f"{ask}\nConfig.rate = 4\n{ask}") == "[2, 20, -1, 3]\n[4, 20, -1, 3]\n", "within one cell"


TABLE = """
class Config:
    table = {"x": 1}
    rate = 1

    class Inner:
        rate = 1

    @classmethod
    def size(cls):
        return len(cls.table) * len(STEPS)

STEPS = [1]

@q.task
def price():
    return [Config.table["x"], getattr(Config, "rate", None), Config.Inner.rate, Config.size()]
"""


@pytest.mark.parametrize("pool", ["processes", "threads", "asyncio"])
def test_a_class_that_is_changed_in_place_is_seen_by_the_next_cell(run: Callable[[str], str], pool: str) -> None:
    ask = "print(price.delay().get(120))"
    run(BEGIN.replace("POOL", repr(pool)))
    run(TABLE)
    assert run(ask) == "[1, 1, 1, 1]\n"

    run("Config.table['x'] = 2")
    assert run(ask) == "[2, 1, 1, 1]\n"
    run("Config.table['y'] = 2")
    assert run(ask) == "[2, 1, 1, 2]\n"
    run("STEPS.append(2)")
    assert run(ask) == "[2, 1, 1, 4]\n"
    run("del Config.rate")
    assert run(ask) == "[2, None, 1, 4]\n"
    assert run(f"Config.Inner.rate = 2\n{ask}\nConfig.Inner.rate = 3\n{ask}") == "[2, None, 2, 4]\n[2, None, 3, 4]\n"


SHOP = """
import sqlite3
import threading

RATE = 1
_lock = threading.Lock()
connection = sqlite3.connect(":memory:", check_same_thread=False)
seen = []

class Terms:
    days = [14]
    rebate = 0

def gross(net):
    with _lock:
        seen.append(net)
        return net * RATE - Terms.rebate
"""
BUYS = """
import shop
from shop import Terms

@q.task
def price(net):
    one = shop.connection.execute("SELECT 1").fetchone()[0]
    return [shop.gross(net), Terms.days, one, len(shop.seen)]
"""


@pytest.mark.parametrize("pool", ["processes", "threads", "asyncio"])
def test_what_is_changed_of_a_module_that_was_imported_is_seen_by_the_next_cell(
    run: Callable[[str], str], tmp_path: Path, pool: str
) -> None:
    ask = "print(price.delay(100).get(120)[:3])"
    (tmp_path / "shop.py").write_text(SHOP)
    run(BEGIN.replace("POOL", repr(pool)))
    run(BUYS)
    assert run(ask) == "[100, [14], 1]\n"

    run("shop.RATE = 2")
    assert run(ask) == "[200, [14], 1]\n"
    run("Terms.rebate = 1")
    assert run(ask) == "[199, [14], 1]\n"
    run("Terms.days.append(30)")
    assert run(ask) == "[199, [14, 30], 1]\n"
    assert run("print(price.delay(100).get(120)[3])") == "5\n", "a module's own is each process's own"


HELD = """
import time

@q.task
def held(cents):
    with open("began", "w") as file:
        print(os.getpid(), file=file)
    while not os.path.exists("gate"):
        time.sleep(0.01)
    return rounded(cents)
"""


@pytest.mark.parametrize("pool", ["processes", "asyncio"])
def test_a_kernel_that_is_restarted_goes_on_with_what_ran_and_what_waited(
    tmp_path: Path, manager: Any, run: Callable[[str], str], pool: str
) -> None:
    for cell in (BEGIN.replace("POOL", repr(pool)), DEFINE, HELD):
        run(cell)
    ran, waited = run("print(held.delay(99).id, price.delay(98).id)").split()
    until(lambda: (tmp_path / "began").exists() and (tmp_path / "began").read_text().endswith("\n"))
    slot = int((tmp_path / "began").read_text())

    manager.restart_kernel(now=True)
    until(lambda: not alive(slot))
    (tmp_path / "gate").touch()
    for cell in (BEGIN.replace("POOL", repr(pool)), DEFINE, HELD):
        run(cell)

    assert run(f"print(q.AsyncResult({ran!r}).get(120), q.AsyncResult({waited!r}).get(120)[0])") == "95 95\n"
    found = run(f"print([[run.outcome for run in q.AsyncResult(one).attempts] for one in ({ran!r}, {waited!r})])")
    assert found == "[['LOST', 'SUCCESS'], ['SUCCESS']]\n"


def test_the_blocks_of_the_page_about_notebooks_are_cells_that_run(run: Callable[[str], str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "notebook.md").read_text("utf-8")
    begin, define, many = re.findall(r"```python\n(.*?)```", page, re.DOTALL)

    run(begin)
    run(define)
    run(many)

    assert run("RATE = 2\nprint(price.delay(10).get(120), len(prices), prices[100])") == "20 1000 119.0\n"


def test_a_bar_below_a_cell_counts_jobs_that_fail_and_leaves_what_the_cell_prints_alone(manager: Any) -> None:
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(DEADLINE_S)
    said: list[Any] = []
    client.execute_interactive(
        """
from localq import LocalQ
q = LocalQ(path="jobs.db", durability="normal")
q.start(concurrency=1)

@q.task
def divide(by):
    return 1 / by
""",
        timeout=DEADLINE_S,
    )

    client.execute_interactive(
        "for job in q.as_completed([divide.delay(by) for by in (1, 0)]): print(job.state)",
        timeout=DEADLINE_S,
        output_hook=said.append,
    )
    client.stop_channels()

    shown = [one["content"]["data"]["text/plain"] for one in said if one["msg_type"].endswith("display_data")]
    printed = "".join(one["content"]["text"] for one in said if one["msg_type"] == "stream")
    assert re.search(r"0/2", shown[0])
    assert re.search(r"2/2.*1 failed", shown[-1])
    assert {"SUCCESS", "FAILURE"} <= set(printed.split())
    assert "RecursionError" not in printed
    assert "ipywidgets" not in "".join(shown) + printed


@pytest.mark.parametrize("pool", ["processes", "threads"])
def test_the_traceback_of_a_job_shows_the_lines_of_the_cells(run: Callable[[str], str], pool: str) -> None:
    run(BEGIN.replace("POOL", repr(pool)))
    run("def inverse(x):\n    return 1 / x")
    run("@q.task\ndef ratio(x):\n    return inverse(x) * 100")
    run("job = ratio.delay(0)\njob.get(120, propagate=False)")

    lines = [line.strip() for line in run("print(job.traceback)").splitlines()]

    assert "return inverse(x) * 100" in lines
    assert "return 1 / x" in lines
