"""Whole programs, as users write them: plain scripts, with threads, notebooks, imported modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.python import APART, run_python
from tests.worker.waiting import alive, until

HEAD = """
import logging, sys, threading
from localq import LocalQ
logging.lastResort = None  # what fails on purpose is nobody's business
q = LocalQ(path="jobs.db", durability="normal")
"""

THREADS = """
ended = threading.Event()
threading.Thread(target=ended.wait, daemon=True).start()
"""


def run_program(folder: Path, text: str, *more: str, code: int = 0) -> str:
    """Run a script in a folder; return what it printed."""
    (folder / "program.py").write_text(HEAD + text)
    done = run_python(folder, *more, "program.py")
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


TASKS = """
class Boom(Exception):
    pass

def helper(n):
    return 2 * n

@q.task
def double(n):
    return helper(n)

@q.task(bind=True)
def fact(self, n):
    if n > 1:
        fact.apply_async((n - 1,), task_id=f"fact-{n - 1}")
    return n

@q.task
def first(n):
    return second.delay(n).id

@q.task
def second(n):
    return n + 1

@q.task
def fail():
    raise Boom("x")
"""

USE = """
with q.running(concurrency=2):
    print(double.delay(4).get(120))
    fact.delay(3).get(120)
    print(q.AsyncResult("fact-1").get(120))
    print(q.AsyncResult(first.delay(5).get(120)).get(120))
    try:
        fail.delay().get(120)
    except Boom as error:
        print("Boom", error)
    @q.task
    def late():
        return "late"
    print(late.delay().get(120))
"""


@pytest.mark.parametrize("threads", ["", THREADS], ids=["one thread", "several threads"])
def test_a_plain_script_needs_no_guard(tmp_path: Path, threads: str) -> None:
    out = run_program(tmp_path, TASKS + threads + USE)

    assert out.splitlines() == ["8", "1", "6", "Boom x", "late"]


@pytest.mark.parametrize("threads", ["", THREADS], ids=["one thread", "several threads"])
def test_tasks_of_an_imported_module_are_known(tmp_path: Path, threads: str) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").write_text("")
    (tmp_path / "shop/work.py").write_text(
        "from localq import shared_task\n@shared_task\ndef add(x, y):\n    return x + y\n"
    )
    text = "from shop.work import add\nwith q.running(concurrency=1):\n    print(add.delay(2, 3).get(120))\n"

    assert run_program(tmp_path, threads + text) == "5\n"


@pytest.mark.parametrize("pool", ["processes", "asyncio"])
def test_tasks_of_a_file_that_was_loaded_under_a_name_of_its_own_are_known(tmp_path: Path, pool: str) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/work.py").write_text(
        "from localq import shared_task\ndef helper(x):\n    return 2 * x\n"
        "@shared_task\ndef double(x):\n    return helper(x)\n"
    )
    text = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("plugin_work", "plugins/work.py")
module = sys.modules["plugin_work"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
with q.running(concurrency=1, pool={pool!r}):
    print(module.double.delay(3).get(120))
"""
    assert run_program(tmp_path, THREADS + text) == "6\n"


def test_in_a_notebook_a_task_defined_again_is_the_new_one(tmp_path: Path) -> None:
    text = """
cells = [
    "@q.task\\ndef answer():\\n    return 1",
    "q.start(concurrency=1)",
    "print(answer.delay().get(120))",
    "@q.task\\ndef answer():\\n    return helper() + 1",
    "def helper():\\n    return 41",
    "print(answer.delay().get(120))",
    "@q.task(base=type(answer).__mro__[1])\\nasync def more(x, *, y=1):\\n    return [x, y]",
    "print(more.delay(1, y=2).get(120))",
    "q.stop()",
]
for cell in cells:
    exec(cell, globals())
"""
    for threads in ("", THREADS):
        assert run_program(tmp_path, threads + text).splitlines() == ["1", "42", "[1, 2]"]


def test_a_script_starts_a_worker_as_celery_s_scripts_do(tmp_path: Path) -> None:
    text = """
import os, signal
@q.task
def end():
    os.kill(os.getpid(), signal.SIGTERM)
result = end.delay()
code = q.Worker(pool="solo", hostname="mine@here", loglevel="ERROR").start()
print(code, result.state, result.worker)
"""
    assert run_program(tmp_path, text).splitlines()[-1] == "0 SUCCESS mine@here"


@pytest.mark.parametrize("pool", ["processes", "threads"])
def test_a_program_that_ends_stops_its_worker(tmp_path: Path, pool: str) -> None:
    text = f"""
import os
@q.task
def slow():
    open("began", "w").close()
    threading.Event().wait(0.2)
    open("ended", "w").close()
    return os.getpid()
q.start(concurrency=1, pool={pool!r})
result = slow.delay()
while not os.path.exists("began"):
    threading.Event().wait(0.005)
"""
    run_program(tmp_path, text)

    assert (tmp_path / "ended").exists()


def test_what_a_program_leaves_behind_runs_in_the_next(tmp_path: Path) -> None:
    text = """
@q.task
def one(n):
    return n
if len(q.store.read.stats().counts) == 0:
    for n in range(5):
        one.apply_async((n,), task_id=f"one-{n}")
else:
    with q.running(concurrency=1):
        print([q.AsyncResult(f"one-{n}").get(120) for n in range(5)])
"""
    assert run_program(tmp_path, text) == ""
    assert run_program(tmp_path, text) == "[0, 1, 2, 3, 4]\n"


def test_slots_die_with_a_program_that_is_killed(tmp_path: Path) -> None:
    text = """
import os, signal
@q.task
def pid():
    return os.getpid()
q.start(concurrency=1)
print(pid.delay().get(120), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    pid = int(run_program(tmp_path, text, code=-9))

    until(lambda: not alive(pid))


def test_a_slot_sees_the_programs_world(tmp_path: Path) -> None:
    text = """
import os, logging
logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stdout)
@q.task
def world():
    logging.getLogger("shop").info("from the slot")
    return [os.getcwd(), sys.argv, os.environ.get("PYTHONPATH")]
with q.running(concurrency=1):
    assert world.delay().get(120) == [os.getcwd(), sys.argv, os.environ.get("PYTHONPATH")]
"""
    for threads in ("", THREADS):
        assert run_program(tmp_path, threads + text).count("shop: from the slot\n") == 1


def test_a_client_loads_neither_database_nor_engine(tmp_path: Path) -> None:
    text = """
heavy = ["sqlalchemy", "click", "rich", "dill", "multiprocess"]
heavy += ["localq.worker", "localq.store.sqlite.store", "localq.cli"]
@q.task
def one(): ...
one.s()
print([name for name in heavy if name in sys.modules])
"""
    assert run_program(tmp_path, text) == "[]\n"
    assert not (tmp_path / "jobs.db").exists()


def test_a_web_server_forked_after_the_start_gets_a_worker_of_its_own(tmp_path: Path) -> None:
    text = """
import os
@q.task
def parent():
    return os.getppid()
q.start(concurrency=1, excluded=["child"])
parent.delay().get(120)
child = os.fork()
if child == 0:
    q.start(concurrency=1, name="child@h", queues=["child"])
    result = parent.apply_async(queue="child")
    result.get(120)
    print(result.worker, flush=True)
    q.stop()
    os._exit(0)
print(os.waitpid(child, 0)[1])
q.stop()
"""
    assert run_program(tmp_path, text) == "child@h\n0\n"


def test_a_second_ctrl_c_interrupts_what_runs_and_puts_it_back(tmp_path: Path) -> None:
    said = run_program(
        tmp_path,
        """
import os, signal, time

@q.task
def nap():
    open("runs", "w").close()
    time.sleep(600)

waits = []

def interrupt_again():
    while not waits:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

try:
    with q.running(concurrency=1):
        result = nap.delay()
        while not os.path.exists("runs"):
            time.sleep(0.01)
        engine = q._embedded
        ended, wait = engine._ended, engine._ended.wait
        def waiting(timeout=None):
            # No file: an interruption while it is closed would be lost.
            waits.append(True)
            return wait(timeout)
        ended.wait = waiting
        threading.Thread(target=interrupt_again, daemon=True).start()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(600)
except KeyboardInterrupt:
    print(engine.runs(), result.state, [run.outcome for run in result.attempts])
""",
    )

    assert said == "False PENDING ['INTERRUPTED']\n"


@pytest.mark.parametrize("threads", ["", THREADS], ids=["one thread", "several threads"])
def test_a_program_whose_folder_is_removed_goes_on(tmp_path: Path, threads: str) -> None:
    text = f"""
import os, shutil
from localq import LocalQ
os.mkdir("release"); os.chdir("release"); os.rmdir(os.getcwd())
q = LocalQ(path={str(tmp_path / "other.db")!r})
@q.task
def double(n):
    return 2 * n
"""
    use = f"""
for pool in {(*APART, "threads")}:
    with q.running(concurrency=1, pool=pool):
        print(double.delay(4).get(120))
"""

    assert run_program(tmp_path, threads + text + use) == "8\n" * (len(APART) + 1)


SHOP = """
from localq import LocalQ
q = LocalQ(path="jobs.db", durability="normal")

@q.task
def process(x):
    return f"{__name__} {x}"

print(process.name, q.defined_in)
"""


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["shop.py"], "shop.process"),
        (["-m", "shop"], "shop.process"),
        (["-c", "import shop"], "shop.process"),
        (["-c", "exec(open('shop.py').read())"], "command.process"),
        (["wares/shop.py"], "wares.shop.process"),
        (["-m", "wares.shop"], "wares.shop.process"),
        (["-m", "wares"], "wares.process"),
        (["folder"], "folder.process"),
        (["-m", "localq", "-A", "shop", "report"], "shop.process"),
        (["-m", "localq", "-A", "shop.py", "report"], "shop.process"),
        (["-m", "localq", "-A", "wares/shop.py", "report"], "wares.shop.process"),
    ],
)
def test_a_task_has_one_name_however_its_program_is_started(tmp_path: Path, words: list[str], name: str) -> None:
    (tmp_path / "wares").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "wares/__init__.py").touch()
    for place in ("shop.py", "wares/shop.py", "wares/__main__.py", "folder/__main__.py"):
        (tmp_path / place).write_text(SHOP)

    out = run_words(tmp_path, *words)

    assert out.splitlines()[0] == f"{name} {name.rpartition('.')[0]}"


def test_two_scripts_on_one_file_run_their_own_jobs(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(SHOP + "for n in range(3): process.delay(n)\n")
    run = "with q.running(concurrency=1):\n    print(process.delay(7).get(120))\n"
    (tmp_path / "b.py").write_text(SHOP + run)
    (tmp_path / "c.py").write_text("from a import q, process\n" + run)

    run_words(tmp_path, "a.py")
    told = run_words(tmp_path, "b.py", stderr=True)
    last = run_words(tmp_path, "c.py", stderr=True)

    assert "__main__ 7" in told
    assert "localq: Jobs of a.process wait: this worker does not know the task" in told
    assert "a 7" in last
    assert "Jobs of" not in last


def test_a_job_that_an_earlier_version_named_after_main_is_still_found(tmp_path: Path) -> None:
    text = SHOP + "job = q.send_task('__main__.process', (5,))\nwith q.running(1): print(job.get(120))\n"
    (tmp_path / "shop.py").write_text(text)

    assert run_words(tmp_path, "shop.py").splitlines()[-1] == "__main__ 5"


def test_two_scripts_on_one_file_keep_their_schedules(tmp_path: Path) -> None:
    for name in ("s1", "s2"):
        (tmp_path / f"{name}.py").write_text(
            f"""
from localq import LocalQ
q = LocalQ(path="jobs.db", durability="normal")

@q.periodic(3600)
@q.task
def {name}_work():
    open("{name}.ran", "a").write("x")

with q.running(1):
    import time
    until = time.monotonic() + 20
    while not q.schedules.get("{name}.{name}_work").runs and time.monotonic() < until:
        time.sleep(0.02)
print(*sorted((one.name, one.state, one.runs) for one in q.schedules.list()), sep="\\n")
"""
        )
    run_words(tmp_path, "s1.py")
    out = run_words(tmp_path, "s2.py")

    assert out.splitlines() == ["('s1.s1_work', 'active', 1)", "('s2.s2_work', 'active', 1)"]


def run_words(folder: Path, *words: str, stderr: bool = False) -> str:
    """Run Python with words in a folder; return what was printed, on standard error too where asked."""
    done = run_python(folder, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr if stderr else done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["worker", "--nosuch"], 2, "No such option"),
        (["worker", "-P", "threads", "--path", "no/such/folder/jobs.db"], 74, "no/such/folder"),
        (["status"], 69, "There is no file"),
        (["call", "shop.process", "--args", "[1]"], 0, ""),
        (["worker", "--help"], 0, ""),
    ],
)
@pytest.mark.parametrize("ending", ["app.start()", "app.start(sys.argv[1:])", "app.start(argv=sys.argv[1:])"])
def test_a_script_that_is_a_command_ends_with_its_exit_code(
    tmp_path: Path, words: list[str], code: int, said: str, ending: str
) -> None:
    script = SHOP.replace("q = ", "app = q = ") + f"if __name__ == '__main__':\n    import sys\n    {ending}\n"
    (tmp_path / "shop.py").write_text(script)

    done = run_python(tmp_path, "shop.py", *words)

    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
