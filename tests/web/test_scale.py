"""What keeps pages quick on many jobs: answers that all browsers share."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment
from starlette.testclient import TestClient

from localq import LocalQ
from localq.web.application import build
from localq.web.ask.held import Held
from localq.web.ask.overview import Past
from localq.web.compiled import compiled_in
from localq.web.gate.sessions import Sessions
from localq.web.serve import Address, _listening
from tests.worker.waiting import DEADLINE_S


class Worked:
    """Two clocks that stand still until told otherwise: of time, and of work."""

    def __init__(self) -> None:
        self.now = self.worked = 100.0

    def take(self, seconds: float) -> int:
        """Work for a while, and return how long in all."""
        self.worked += seconds
        return int(self.worked)


@pytest.mark.parametrize(("took", "held_s"), [(0.001, 0.0), (0.03, 1.2), (0.1, 4.0), (9.0, 4.0)])
def test_an_answer_holds_the_longer_the_more_work_it_was(took: float, held_s: float) -> None:
    clocks = Worked()
    held = Held(lambda: clocks.now, lambda: clocks.worked)
    found: list[int] = []

    def find() -> int:
        clocks.take(took)
        found.append(1)
        return len(found)

    held.get(find)
    clocks.now += max(0.0, held_s - 0.01)
    early = held.get(find)
    clocks.now += 0.02
    held.get(find)

    assert early == (1 if held_s else 2)
    assert len(found) == (2 if held_s else 3)


def test_who_asks_while_an_answer_is_being_found_gets_that_one() -> None:
    clocks = Worked()
    held = Held(lambda: clocks.now, lambda: clocks.worked)
    begun, go_on = threading.Event(), threading.Event()
    found: list[str] = []

    def find() -> str:
        begun.set()
        assert go_on.wait(DEADLINE_S)
        clocks.take(1.0)
        found.append("one")
        return "one"

    threads = [threading.Thread(target=held.get, args=(find,)) for _ in range(5)]
    threads[0].start()
    assert begun.wait(DEADLINE_S)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(DEADLINE_S)

    assert found == ["one"]


def test_an_answer_is_found_anew_aside_while_the_last_one_is_given() -> None:
    clocks = Worked()
    held = Held(lambda: clocks.now, lambda: clocks.worked)
    begun: list[str] = []

    def find() -> int:
        clocks.take(1.0)
        return int(clocks.now)

    first = held.get(find)
    clocks.now += 5.0
    old = [held.get(find, lambda: begun.append("again")) for _ in range(3)]
    held.renew(find)
    new = held.get(find, lambda: begun.append("never"))

    assert old == [first] * 3
    assert begun == ["again"]
    assert new == int(clocks.now)


def test_an_answer_that_is_too_old_is_waited_for_and_one_that_somebody_changed_as_well() -> None:
    clocks = Worked()
    held = Held(lambda: clocks.now, lambda: clocks.worked)

    def find() -> int:
        clocks.take(1.0)
        return int(clocks.now)

    held.get(find)
    clocks.now += 60.0
    late = held.get(find, pytest.fail)
    clocks.now += 1.0
    held.forget()

    assert late == 160
    assert held.get(find, pytest.fail) == 161


def test_who_changes_something_waits_for_nobody_that_looks_for_an_answer() -> None:
    """The loop of the dashboard forgets what was held; one who looks for an answer may need another on the way."""
    past = Past()
    begun, go_on = threading.Event(), threading.Event()

    def find() -> str:
        begun.set()
        assert go_on.wait(DEADLINE_S)
        return past.shared("usual", lambda: "usual")

    with ThreadPoolExecutor(1) as aside:
        found = aside.submit(past.shared, "overview", find)
        assert begun.wait(DEADLINE_S)
        past.forget()
        go_on.set()

        assert found.result(DEADLINE_S) == "usual"


def test_what_was_looked_for_before_a_change_is_not_held() -> None:
    clocks = Worked()
    held = Held(lambda: clocks.now, lambda: clocks.worked)
    told: list[str] = []

    def find() -> str:
        clocks.take(1.0)
        if not told:
            held.forget()
        told.append("found")
        return f"found {len(told)}"

    assert [held.get(find) for _ in range(3)] == ["found 1", "found 2", "found 2"]


@pytest.fixture
def slow_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any count be costly."""
    monkeypatch.setattr("localq.web.ask.held._QUICK_S", -1.0)
    monkeypatch.setattr("localq.web.ask.held._TIMES", 1e9)


def test_what_waits_is_never_old_however_many_have_finished(page: Any, q: LocalQ, slow_counts: None) -> None:
    for number in range(3):
        q.send_task("shop.mail", (number,))

        assert page.get("/api/queues/length").json()["active_queues"] == [{"name": "celery", "messages": number + 1}]


def test_whoever_changes_something_sees_it_at_once(page: Any, q: LocalQ, slow_counts: None) -> None:
    q.send_task("shop.mail", ("ann",))
    seen = [page.get("/api/v1/queues").json()["queues"][0]["paused"]]
    for verb in ("pause", "resume"):
        page.post(f"/api/v1/queues/celery/{verb}")
        seen.append(page.get("/api/v1/queues").json()["queues"][0]["paused"])

    assert seen == [False, True, False]


def test_an_answer_does_not_wait_for_the_browser_to_say_that_it_got_the_first_half() -> None:
    listening = _listening(Address("127.0.0.1", 0))

    async def told() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def came(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            found.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(came, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            try:
                return await asyncio.wait_for(found, 60)
            finally:
                writer.close()

    assert asyncio.run(told()) == 1


def test_templates_are_compiled_once_for_all_starts(q: LocalQ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "pages"

    def first_page() -> str:
        app = build(q, Sessions("the token"), compiled=compiled_in(folder))
        with TestClient(app, base_url="http://localhost:5555", headers={"Authorization": "Bearer the token"}) as client:
            return client.get("/audit").text

    first = first_page()
    assert list(folder.iterdir())
    monkeypatch.setattr(Environment, "compile", lambda *_, **__: pytest.fail("compiled again"))

    assert first_page() == first


def test_compiled_templates_are_not_taken_from_a_folder_that_others_can_write_to(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)

    assert compiled_in(shared) is None
    assert compiled_in(Path("/proc/none/pages")) is None


def test_small_counts_are_never_old(page: Any, q: LocalQ) -> None:
    for number in range(3):
        q.send_task("shop.mail", (number,))

        assert f">{number + 1}<" in page.get("/queues").text.replace(" ", "").replace("\n", "")
