"""A worker inside a server: the end of its block, waiting for what is not there, and names of several processes."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ
from localq.app.running import SERVER_STOP_S
from localq.exceptions import DuplicateNodenameWarning, TimeoutError, UnknownJob
from localq.model.clock import SYSTEM
from localq.model.worker import WorkerCard, WorkerRow, WorkerState
from localq.worker.own_name import enter_by_own_name, numbered
from tests.store.server import PLACES, place
from tests.worker.waiting import DEADLINE_S, hold, until

# The end of a block


def waits_for(q: LocalQ, folder: Path) -> Any:
    @q.task
    def wait_at() -> None:
        (folder / "runs").touch()
        hold(folder / "gate", DEADLINE_S)

    return wait_at


@pytest.mark.parametrize("where", ["plain", "loop"])
def test_a_block_gives_running_jobs_the_time_it_was_told(
    q: LocalQ, tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wait_at = waits_for(q, tmp_path)

    def block() -> Any:
        with q.running(1, stop_timeout=0.01):
            job = wait_at.delay()
            until((tmp_path / "runs").exists)
        return job

    async def in_loop() -> Any:
        return block()

    job = block() if where == "plain" else asyncio.run(in_loop())

    assert (job.state, [run.outcome for run in job.attempts]) == ("PENDING", ["INTERRUPTED"])
    line = "localq: stopping: waiting for 1 running job, 0.01 s at most; then it runs again\n"
    assert capsys.readouterr().err.startswith(line if where == "loop" else "")


def test_an_async_block_leaves_the_loop_free_while_it_waits(q: LocalQ, tmp_path: Path) -> None:
    wait_at = waits_for(q, tmp_path)
    turns = []

    async def server() -> Any:
        async def serve() -> None:
            while True:
                turns.append(time.monotonic())
                await asyncio.sleep(0)

        serving = asyncio.create_task(serve())
        async with q.running(1) as same:
            assert same is q
            job = wait_at.delay()
            await asyncio.to_thread(until, (tmp_path / "runs").exists)
            # The end of the block waits for this, which only a loop that goes on can do.
            asyncio.get_running_loop().call_later(0.05, (tmp_path / "gate").touch)
        serving.cancel()
        return job

    assert asyncio.run(server()).state == "SUCCESS"
    assert q._embedded is None


def test_a_block_waits_as_long_as_it_takes_but_in_a_server() -> None:
    q = LocalQ(path=":memory:", set_as_current=False)

    async def in_loop() -> float | None:
        return q.running()._timeout

    assert q.running()._timeout is None
    assert asyncio.run(in_loop()) == SERVER_STOP_S
    assert q.running(stop_timeout=3)._timeout == 3
    with pytest.raises(TypeError, match="timeout='soon' must be a number of seconds"):
        q.running(stop_timeout="soon")  # type: ignore[arg-type]


# What is not there


def test_waiting_for_a_job_that_nobody_added_is_an_error_at_once(q: LocalQ) -> None:
    nobody = q.AsyncResult("nope")
    q.store.open()

    async def awaited() -> Any:
        return await nobody

    for wait in (nobody.get, lambda: asyncio.run(awaited()), q.ResultSet([nobody]).get, nobody.then):
        with pytest.raises(UnknownJob, match="There is no job nope: it was never added to this queue"):
            wait(lambda _: None) if wait == nobody.then else wait()
    with pytest.raises(UnknownJob):
        list(q.as_completed([nobody]))
    assert (nobody.state, nobody.ready(), nobody.result) == ("PENDING", False, None)


def test_a_timeout_waits_for_a_job_that_somebody_is_still_to_add(q: LocalQ) -> None:
    task = q.task(abs, name="abs")
    later = q.AsyncResult("later")
    told: list[int] = []
    waiter = threading.Thread(target=lambda: told.append(later.get(timeout=math.inf)))

    with pytest.raises(TimeoutError, match="No job later appeared within 0 s"):
        later.get(timeout=0)
    waiter.start()
    with q.running(1, pool="solo"):
        task.apply_async((-3,), task_id="later")
        waiter.join(DEADLINE_S)

    assert told == [3]


def test_a_job_that_is_removed_while_it_is_waited_for_ends_the_wait(q: LocalQ) -> None:
    job = q.task(abs, name="abs").delay(-1)
    looked = threading.Event()
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            job.get(on_interval=looked.set)
        except UnknownJob as error:
            errors.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert looked.wait(DEADLINE_S)
    q.store.jobs.purge(None)
    waiter.join(DEADLINE_S)

    assert [str(error)[: len(f"There is no job {job.id}")] for error in errors] == [f"There is no job {job.id}"]


# Names


class Rows:
    """The workers of a store, and one that comes in while another looks for a name."""

    def __init__(self, *names: str, then: tuple[str, ...] = ()) -> None:
        self.rows: list[WorkerRow] = []
        self._then = list(then)
        for name in names:
            self.enter(card(name, f"before {len(self.rows)}"), 0, 0)

    def all(self) -> list[WorkerRow]:
        return list(self.rows)

    def enter(self, one: WorkerCard, now: int, lease_us: int, namesakes: Collection[int] | None = None) -> int:
        if self._then and namesakes is not None:
            self.enter(card(self._then.pop(0), f"between {len(self.rows)}"), 0, 0)
        if namesakes is not None and any(row.card.name == one.name and row.key not in namesakes for row in self.rows):
            return 0
        self.rows.append(WorkerRow(len(self.rows) + 1, one, 0, 0, WorkerState.ALIVE, False))
        return len(self.rows)


def card(name: str, uuid: str) -> WorkerCard:
    return WorkerCard(uuid, name, "h", 1, "solo", 1, None, (), ())


@pytest.mark.parametrize(
    ("there", "then", "name"),
    [
        ((), (), "localq@h"),
        (("localq@h",), (), "localq-2@h"),
        (("localq@h", "localq-2@h", "mail@h"), (), "localq-3@h"),
        (("localq-2@h",), (), "localq@h"),
        ((), ("localq@h",), "localq-2@h"),
        (("localq@h",), ("localq-2@h",), "localq-3@h"),
        ((), ("localq@h", "localq-2@h"), "localq-3@h"),
    ],
)
def test_a_worker_whose_name_is_taken_gets_a_number(there: tuple[str, ...], then: tuple[str, ...], name: str) -> None:
    rows: Any = Rows(*there, then=then)

    assert enter_by_own_name(rows, card("localq@h", "mine"), SYSTEM, 1) == name

    assert [row.card.name for row in rows.all()].count(name) == 1


@pytest.mark.parametrize("kind", PLACES)
def test_of_many_that_enter_at_once_each_has_a_name(kind: str, tmp_path: Path) -> None:
    with place(kind, tmp_path) as url, ExitStack() as ended, ThreadPoolExecutor(8) as many:
        stores = [LocalQ(url=url, set_as_current=False).store for _ in range(8)]
        for store in stores:
            store.open()
            ended.callback(store.close)
        presences = [presence for store in stores if (presence := store.workers.presence(1))]

        def enter(at: int) -> str:
            return enter_by_own_name(stores[at].workers, card("localq@h", presences[at].uuid), SYSTEM, 60_000_000)

        names = list(many.map(enter, range(8)))
        for one in presences:
            one.close()

    assert sorted(names) == sorted(numbered("localq@h", n) for n in range(1, 9))


def test_a_number_stands_before_the_host() -> None:
    assert [numbered("localq@a.b", n) for n in (1, 2, 10)] == ["localq@a.b", "localq-2@a.b", "localq-10@a.b"]


SERVER = """
import sys
from localq import LocalQ
q = LocalQ(path="jobs.db", durability="normal")
with q.running(1, pool="threads"):
    print(q._embedded.worker.plan.name.partition("@")[0], flush=True)
    sys.stdin.read()
"""


def test_the_processes_of_a_server_that_start_at_once_have_each_a_name_and_answer_by_it(
    q: LocalQ, tmp_path: Path
) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    command = [sys.executable, "server.py"]
    servers = [
        subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    try:
        names = sorted(str(server.stdout.readline().strip()) for server in servers if server.stdout)
        answers = [next(iter(one)) for one in q.control.ping(timeout=DEADLINE_S, limit=4)]
    finally:
        for server in servers:
            server.communicate("")

    assert len(set(names)) == 4, names
    assert "localq" in names
    assert sorted(name.partition("@")[0] for name in answers) == names


def test_a_second_worker_of_a_chosen_name_is_warned_of(q: LocalQ) -> None:
    other = LocalQ(path=q.location, set_as_current=False)
    with q.running(1, pool="threads", name="mail@h"):
        with pytest.warns(DuplicateNodenameWarning, match="Another live worker is called mail@h too"):
            other.start(1, pool="threads", name="mail@h")
        other.close()


def test_the_name_of_a_worker_that_has_ended_is_free_again(q: LocalQ) -> None:
    names = []
    for _ in range(2):
        with q.running(1, pool="threads"):
            assert q._embedded is not None
            names.append(q._embedded.worker.plan.name)

    assert names[0] == names[1]
    assert names[0].startswith("localq@")
