"""Jobs are found a page at a time: what is left for the next page is said, and nothing is left out or told twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localq import LocalQ
from localq.monitor.job_pages import open_to_all, page_of, stored_text
from localq.monitor.jobs import wanted
from localq.store.protocol import Filter, Page


class Narrow:
    """A store that looks at two jobs at a time."""

    def __init__(self, q: LocalQ) -> None:
        self._read = q.store.read
        self.asked = 0

    def find(self, which: Filter, limit: int, look: int = 0) -> Page:
        self.asked += 1
        return self._read.find(which, limit, 2)

    def __getattr__(self, name: str) -> object:
        return getattr(self._read, name)


def send(q: LocalQ, count: int, task: str = "shop.pack") -> list[str]:
    return [q.send_task(task, (number,)).id for number in range(count)]


def pages(read: Narrow, **which: object) -> Iterator[Page]:
    before = None
    while True:
        page = page_of(read, wanted(read, [], before=before, **which), 3)  # type: ignore[arg-type]
        yield page
        if page.cursor is None:
            return
        before = page.cursor


def test_a_search_that_stops_says_how_far_it_came_and_goes_on_there(q: LocalQ) -> None:
    rare = send(q, 1, "shop.rare")
    send(q, 9)

    found = list(pages(Narrow(q), tasks=["shop.rare"]))

    assert [page.jobs for page in found[:-1]] == [[]] * (len(found) - 1)
    assert [job.id for job in found[-1].jobs] == rare
    assert len(found) > 3
    times = [page.looked_back_to for page in found[:-1]]
    assert None not in times
    assert times == sorted(times, key=lambda at: -(at or 0))


def test_pages_hold_every_job_once(q: LocalQ) -> None:
    ids = send(q, 11)

    assert [job.id for page in pages(Narrow(q)) for job in page.jobs] == ids[::-1]


def test_a_full_page_that_is_the_last_has_no_cursor(q: LocalQ) -> None:
    send(q, 3)

    assert page_of(q.store.read, wanted(q.store.read, []), 3).cursor is None
    assert page_of(q.store.read, wanted(q.store.read, []), 2).cursor is not None


def test_a_search_goes_on_as_long_as_somebody_is_patient(q: LocalQ) -> None:
    rare = send(q, 1, "shop.rare")
    send(q, 9)
    read = Narrow(q)

    page = page_of(read, wanted(read, [], tasks=["shop.rare"]), 3, enough=lambda: False)  # type: ignore[arg-type]

    assert [job.id for job in page.jobs] == rare
    assert page.cursor is None


def test_what_was_added_before_a_stretch_of_time_is_not_looked_at(q: LocalQ) -> None:
    now = q.clock.now()
    send(q, 9)
    read = Narrow(q)

    later = (now + 3_600_000_000, None)
    page = page_of(read, wanted(read, [], added=later), 3, enough=lambda: False)  # type: ignore[arg-type]

    assert page == Page([], None, None)
    assert read.asked == 1


@pytest.mark.parametrize("text", ['日本"', "a\\b", "ann"])
def test_text_is_found_as_people_write_it(q: LocalQ, text: str) -> None:
    job = q.send_task("shop.pack", (f"say {text} twice",))
    q.send_task("shop.pack", ("nothing",))

    page = page_of(q.store.read, wanted(q.store.read, [], text=stored_text(text)), 3)

    assert [one.id for one in page.jobs] == [job.id]


def test_a_search_finds_no_text_that_is_hidden(q: LocalQ) -> None:
    hidden = q.send_task("shop.pay", ("ann",), {"password": "hunter2"})
    plain = q.send_task("shop.pay", ("hunter2",))
    jobs = page_of(q.store.read, wanted(q.store.read, [], text="hunter2"), 3).jobs

    assert {job.id for job in jobs} == {hidden.id, plain.id}
    assert [job.id for job in open_to_all(q.store.read, q.conf, "hunter2")(jobs)] == [plain.id]
