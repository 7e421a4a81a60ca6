"""Bells: hints between processes that arrive soon, may get lost, and never do harm."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from localq.host.bells import HostBell, Ringer
from localq.host.unix_letters import bell_folder
from localq.store.protocol import Topic
from localq.store.sqlite.store import SqliteStore
from tests.store import children
from tests.store.together import DEADLINE_S, run_python, together

pytestmark = pytest.mark.facets("bells", "jobs", "read", "workers")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def ringer(folder: Path) -> Iterator[Ringer]:
    ringer = Ringer(folder)
    yield ringer
    ringer.close()


@pytest.fixture
def bell(folder: Path) -> Iterator[HostBell]:
    bell = HostBell(folder, "w")
    yield bell
    bell.close()


# Through a store


def test_a_worker_is_rung(store: Any) -> None:
    bell = store.bells.hang(Topic.WORK)

    store.bells.ring(Topic.WORK)

    assert bell.wait(DEADLINE_S)
    assert bell.drain() == []
    assert not bell.wait(0)
    bell.close()


def test_waiters_are_told_which_jobs_are_there(store: Any) -> None:
    worker, first, second = (
        store.bells.hang(Topic.WORK),
        store.bells.hang(Topic.RESULTS),
        store.bells.hang(Topic.RESULTS),
    )

    store.bells.ring(Topic.RESULTS, ["job-1", "job-2"])
    store.bells.ring(Topic.RESULTS, iter(["job-3"]))

    for bell in (first, second):
        said = []
        while len(said) < 3:
            assert bell.wait(DEADLINE_S)
            said += bell.drain()
        assert said == ["job-1", "job-2", "job-3"]
    assert not worker.wait(0)
    for bell in (worker, first, second):
        bell.close()


def test_a_store_knows_whether_anybody_waits_for_a_bell_or_takes_it_for_so(store: Any) -> None:
    silent = store.bells.heard(Topic.RESULTS)
    bell = store.bells.hang(Topic.RESULTS)

    assert store.bells.heard(Topic.RESULTS)
    bell.listen_for("job")
    assert store.bells.heard(Topic.RESULTS)
    bell.close()

    assert store.bells.heard(Topic.RESULTS) == silent


def test_beside_a_file_it_is_known_that_nobody_waits(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db", durability="normal")
    store.open()
    bell = store.bells.hang(Topic.WORK)

    assert not store.bells.heard(Topic.RESULTS)
    assert store.bells.heard(Topic.WORK)
    bell.close()
    store.close()


def test_a_store_that_is_closed_rings_and_listens_by_opening_again(store: Any) -> None:
    store.bells.ring(Topic.WORK)
    store.close()
    bell = store.bells.hang(Topic.WORK)
    store.close()

    if store.shared:  # a store in memory takes its bells along
        store.bells.ring(Topic.WORK)
        assert bell.wait(DEADLINE_S)
    bell.close()


def test_ringing_where_nobody_listens_is_no_error(store: Any) -> None:
    store.bells.ring(Topic.WORK)
    store.bells.ring(Topic.RESULTS, ["job-1"])
    store.bells.ring(Topic.RESULTS, [])

    assert store.read.stats().counts == {}


def test_many_threads_may_ring_a_store_for_the_first_time(make_store: Callable[[], Any]) -> None:
    store = make_store()
    bell = store.bells.hang(Topic.WORK)
    start = threading.Barrier(8)

    def ring(_: int) -> None:
        start.wait(DEADLINE_S)
        store.bells.ring(Topic.WORK)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ring, range(8)))
    gc.collect()  # a socket forgotten by any of them would be told of here

    assert bell.wait(DEADLINE_S)
    bell.close()


# Ringing


def test_a_bell_stays_rung_until_it_is_drained(bell: HostBell, ringer: Ringer) -> None:
    ringer.ring("w")

    assert bell.wait(DEADLINE_S)
    assert bell.wait(0)
    bell.drain()
    assert not bell.wait(0)


def test_a_bell_can_be_waited_for_by_its_descriptor(bell: HostBell) -> None:
    assert os.fstat(bell.fileno())
    assert not bell.wait(-1)


def test_a_ring_wakes_a_sleeper(bell: HostBell, ringer: Ringer) -> None:
    with ThreadPoolExecutor(1) as thread:
        sleeper = thread.submit(bell.wait, DEADLINE_S)
        ringer.ring("w")
        assert sleeper.result(DEADLINE_S)


def test_only_bells_of_the_kind_are_rung(folder: Path, bell: HostBell, ringer: Ringer) -> None:
    other = HostBell(folder, "r")

    ringer.say("r", ["job-1"])

    assert other.wait(DEADLINE_S)
    assert not bell.wait(0)
    other.close()


def test_a_bell_hung_up_later_is_heard_by_what_is_said(folder: Path, ringer: Ringer) -> None:
    ringer.say("r", ["nobody-hears-this"])
    bells = [HostBell(folder, "r") for _ in range(3)]

    ringer.say("r", ["job-1"])

    for bell in bells:
        assert bell.wait(DEADLINE_S)
        assert bell.drain() == ["job-1"]
        bell.close()


def test_long_lists_arrive_whole_in_several_rings(bell: HostBell, ringer: Ringer) -> None:
    words = [f"{number:036}" for number in range(1000)]

    ringer.say("w", words)

    assert bell.drain() == words


@pytest.mark.parametrize("size", [8191, 8192, 8193, 20_000])
def test_words_of_any_length_arrive_or_are_left_out(bell: HostBell, ringer: Ringer, size: int) -> None:
    ringer.say("w", ["before", "x" * size, "after"])
    ringer.say("w", ["x" * size])

    arrived = [word for word in bell.drain() if len(word) < 100]
    assert arrived == ["before", "after"]


def test_words_of_any_alphabet_arrive(bell: HostBell, ringer: Ringer) -> None:
    ringer.say("w", ["größe", "日本", "broken-\ud800"])

    assert bell.drain() == ["größe", "日本", "broken-?"]


def test_a_bell_nobody_drains_neither_blocks_nor_fails(bell: HostBell, ringer: Ringer) -> None:
    for _ in range(5000):
        ringer.ring("w")

    assert bell.wait(0)
    bell.drain()
    ringer.ring("w")
    assert bell.wait(DEADLINE_S)


# Listening for one word


def test_a_bell_that_listens_for_one_word_is_rung_with_no_other(folder: Path, ringer: Ringer) -> None:
    bell, other = HostBell(folder, "r"), HostBell(folder, "r")
    bell.listen_for("job-2")

    ringer.say("r", ["job-1", "job-3"])
    assert not bell.wait(0)
    ringer.say("r", ["job-1", "job-2", "job-3"])

    assert bell.wait(DEADLINE_S)
    assert bell.drain() == ["job-2"]
    assert other.drain() == ["job-1", "job-3", "job-1", "job-2", "job-3"]
    bell.close(), other.close()


def test_several_bells_may_listen_for_one_word(folder: Path, ringer: Ringer) -> None:
    bells = [HostBell(folder, "r") for _ in range(3)]
    for bell in bells:
        bell.listen_for("größe-\ud800")

    ringer.say("r", ["größe-\ud800"])

    for bell in bells:
        assert bell.drain() == ["größe-?"]
        bell.close()


def test_a_bell_listens_to_all_again(folder: Path, ringer: Ringer) -> None:
    bell = HostBell(folder, "r")
    bell.listen_for("job-2")
    ringer.say("r", ["job-1"])
    bell.listen_for(None)

    ringer.say("r", ["job-3"])

    assert bell.drain() == ["job-3"]
    bell.close()


def test_a_ringer_that_still_has_a_bells_old_name_takes_down_nothing(folder: Path, ringer: Ringer) -> None:
    bell = HostBell(folder, "r")
    before = bell.path
    bell.listen_for("job-2")
    bell.listen_for(None)

    assert ringer.tell_one(before, b"job-1")

    assert os.listdir(folder) == [os.path.basename(bell.path)] != [os.path.basename(before)]
    ringer.say("r", ["job-3"])
    assert bell.drain() == ["job-3"]
    bell.close()
    assert os.listdir(folder) == []


def test_a_bell_whose_folder_is_gone_can_be_told_to_listen(tmp_path: Path) -> None:
    bell = HostBell(tmp_path / "gone", "r")

    bell.listen_for("job-2")

    assert not bell.wait(0)
    bell.close()


# Coming and going


def test_a_closed_bell_leaves_nothing_behind(folder: Path, ringer: Ringer) -> None:
    bell = HostBell(folder, "w")
    assert os.listdir(folder) == [os.path.basename(bell.path)]

    bell.close()
    bell.close()

    assert os.listdir(folder) == []
    ringer.ring("w")


def test_a_forgotten_bell_takes_itself_down(folder: Path) -> None:
    HostBell(folder, "w")
    gc.collect()

    assert os.listdir(folder) == []


@pytest.mark.linux("bells are Unix sockets")
def test_the_bell_of_a_killed_process_is_removed_by_who_rings_it(folder: Path, ringer: Ringer) -> None:
    killed = run_python(children.be_killed_with_a_bell, str(folder))
    assert killed.returncode == -9
    living = HostBell(folder, "r")
    assert len(os.listdir(folder)) == 2

    ringer.say("r", ["job-1"])

    assert os.listdir(folder) == [os.path.basename(living.path)]
    assert living.drain() == ["job-1"]
    living.close()


@pytest.mark.linux("bells are Unix sockets")
def test_a_bell_in_the_making_is_not_taken_for_a_dead_one(
    folder: Path, ringer: Ringer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of a socket is there a moment before it can hear."""
    bind, spared = socket.socket.bind, []

    def slowly(new: socket.socket, path: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
            bind(deaf, path)
        ringer.say("w", ["job"])
        spared.append(os.path.exists(path))
        os.unlink(path)
        bind(new, path)

    monkeypatch.setattr(socket.socket, "bind", slowly)
    bell = HostBell(folder, "w")

    assert spared == [True]
    ringer.say("w", ["job"])
    assert bell.wait(DEADLINE_S)
    bell.close()


def test_every_new_bell_is_found_by_who_is_ringing_already(folder: Path, ringer: Ringer) -> None:
    stop = threading.Event()

    def ring() -> None:
        while not stop.is_set():
            ringer.say("w", ["job"])

    with ThreadPoolExecutor(1) as thread:
        ringing = thread.submit(ring)
        for _ in range(100):
            bell = HostBell(folder, "w")
            assert bell.wait(DEADLINE_S)
            bell.close()
        stop.set()
        ringing.result(DEADLINE_S)


def test_a_bell_knows_whether_it_crossed_a_fork(bell: HostBell, folder: Path) -> None:
    assert bell.mine()

    assert together(1, children.look_at_a_bell_from_a_fork, folder) == [(True, False, True)]


def test_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    gone = Ringer(tmp_path / "gone")

    gone.ring("w")
    gone.say("r", ["job-1"])
    gone.close()

    assert not (tmp_path / "gone").exists()


def test_ringing_after_closing_is_no_error(folder: Path, bell: HostBell) -> None:
    ringer = Ringer(folder)
    ringer.close()

    ringer.ring("w")
    ringer.say("w", ["job"])

    assert not bell.wait(0)


def test_other_files_in_the_folder_are_left_alone(folder: Path, ringer: Ringer) -> None:
    for name in ("id", "w", "w-not-a-socket", "0123-4567.lock", "neww-1-0-abc"):
        (folder / name).write_text("precious")

    ringer.ring("w")
    ringer.say("w", ["job"])

    assert {(folder / name).read_text() for name in ("id", "w", "0123-4567.lock", "neww-1-0-abc")} == {"precious"}


# Long paths


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a temporary folder with a short path, as most systems have."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """Return a folder whose path is too long for sockets."""
    folder = tmp_path / ("n" * 120)
    folder.mkdir()
    return folder


@pytest.mark.usefixtures("temporary")
@pytest.mark.parametrize("name", ["n" * 120, "ü" * 60, "n" * 40 + "/" + "o" * 40])
def test_bells_ring_under_paths_too_long_for_sockets(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "jobs.db"
    path.parent.mkdir(parents=True)
    listening, ringing = SqliteStore(path), SqliteStore(path)
    bell = listening.bells.hang(Topic.RESULTS)

    ringing.bells.ring(Topic.RESULTS, ["job-1"])

    assert len(os.fsencode(str(listening.database.folder))) > 108
    assert bell.wait(DEADLINE_S)
    assert bell.drain() == ["job-1"]
    bell.close()
    assert not os.path.exists(bell.path)
    listening.close()
    ringing.close()


def test_a_short_path_is_used_as_it_is() -> None:
    assert bell_folder(Path("/srv/jobs.db.d")) == Path("/srv/jobs.db.d")


def test_a_path_is_as_long_as_its_bytes(temporary: Path) -> None:
    folder = Path("/srv/" + "ü" * 40)

    assert bell_folder(folder).is_relative_to(temporary)


def test_a_long_path_is_reached_by_a_private_link(long: Path, temporary: Path) -> None:
    link = bell_folder(long)

    assert link.resolve() == long
    assert link == bell_folder(long) != bell_folder(long / "other")
    assert link.parent.parent == temporary
    assert link.parent.stat().st_mode & 0o777 == 0o700


def test_a_temporary_folder_with_a_long_path_is_passed_over(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    link = bell_folder(long)

    assert link.is_relative_to("/tmp")
    assert len(str(link)) < 60
    assert link.resolve() == long
    link.unlink()


def test_a_link_that_was_cleaned_up_is_made_again(long: Path, temporary: Path) -> None:
    bell, ringer = HostBell(long, "w"), Ringer(long)
    ringer.say("w", ["before"])
    bell_folder(long).unlink()

    ringer.say("w", ["lost"])
    ringer.say("w", ["after"])

    heard = bell.drain()
    assert (heard[0], heard[-1]) == ("before", "after")
    bell.close()
    ringer.close()


def silent(folder: Path) -> bool:
    """Whether bells in a folder can be hung up and rung without an error, and nothing is heard."""
    bell, ringer = HostBell(folder, "w"), Ringer(folder)
    ringer.ring("w")
    heard = bell.wait(0.001), bell.drain()
    bell.close()
    ringer.close()
    return heard == (False, [])


@pytest.mark.linux("bells are Unix sockets")
def test_where_no_link_can_be_made_there_is_only_silence(
    long: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (temporary / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "file"))

    assert bell_folder(long) == long
    assert silent(long)


@pytest.mark.linux("bells are Unix sockets")
def test_a_link_in_somebody_elses_hands_is_not_followed(long: Path, temporary: Path, tmp_path: Path) -> None:
    (temporary / f"localq-{os.getuid()}").symlink_to(tmp_path)

    assert bell_folder(long) == long
    assert silent(long)
