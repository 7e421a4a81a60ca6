"""localq demo: every file once, whatever is killed, vanishes or cannot be read."""

from __future__ import annotations

import ctypes
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from localq import LocalQ, current
from localq.cli.demo import run as demo_run
from localq.cli.demo import tasks
from localq.cli.demo.run import Counted, job_id, new_run
from localq.cli.demo.view import shown
from localq.model.job import JobState
from localq.serialization import codec
from localq.store.protocol import Filter
from tests.cli.terminal import on_terminal
from tests.worker.waiting import PROGRAM_S, until

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
KILLED = -signal.SIGKILL


class Tree(NamedTuple):
    """A folder, and what it holds, as this test counts it: bytes by path."""

    folder: Path
    files: dict[str, bytes]

    def write(self, name: str | bytes, content: bytes) -> None:
        path = os.path.join(os.fsencode(self.folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        self.files[os.fsdecode(path)] = content

    def digests(self) -> dict[str, str]:
        return {path: hashlib.sha256(content).hexdigest() for path, content in self.files.items()}

    def line(self) -> str:
        """Return the totals as the table's last row has them, but for the size."""
        lines = sum(len(content.splitlines()) for content in self.files.values() if b"\0" not in content)
        return f"All {len(self.files)} {lines}"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "folder", {})
    for number in range(180):
        tree.write(f"src/part{number % 7}/file{number}.py", b"line\n" * (number % 40 + 1) + b"# %d" % number)
    for number in range(10):
        tree.write(f"copies/{number}.txt", b"the same\n" * 50)
    for name in (
        "empty.c",
        "naïve ☃.py",
        "[bold]not markup[/bold].txt",
        "line\nbreak.js",
        b"latin-\xe9.java",
    ):
        tree.write(name, b"")
    tree.write("large.bin", b"\0" * 300_000 + b"\n")
    return tree


class Demo:
    """Runs the demo on a file of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def start(self, *words: object, fault: str = "", **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "localq", "demo", "--path", self.path, "-c", "2", *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**ENVIRONMENT, "LOCALQ_FAULT": fault}, **more,
        )  # fmt: skip

    def __call__(self, *words: object, fault: str = "", code: int = 0, **more: Any) -> str:
        program = self.start(*words, fault=fault, **more)
        said, _ = program.communicate(timeout=PROGRAM_S)
        assert program.returncode == code, said
        return said

    def digests(self, run: str | None = None) -> dict[str, str]:
        """Return what is in the file: digests by path; fails if a file has two jobs in a run."""
        q = LocalQ("localq.cli.demo.tasks", path=self.path)
        try:
            which = Filter(tasks=(tasks.digest.name,), queues=run and (run,), states=(JobState.SUCCEEDED,))
            jobs = q.store.read.find(which, 10_000).jobs
            found = {}
            for job in jobs:
                result = q.AsyncResult(job.id)
                assert result.args is not None
                assert result.args[0] not in found
                found[result.args[0]] = result.result["sha256"]
            return found
        finally:
            q.close()


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path / "jobs.db")


@pytest.fixture
def q(tmp_path: Path) -> Iterator[LocalQ]:
    """Return the demo's app on the demo's file, in this process."""
    tasks.q.relocate(path=tmp_path / "jobs.db")
    yield tasks.q
    tasks.q.close()
    current.set_app(None)


def squeezed(text: str) -> str:
    """Return a text without the space between columns, and without commas in numbers."""
    return re.sub(r"(?<=\d),(?=\d)", "", re.sub(" +", " ", text))


# What it shows


def test_every_file_is_digested_once(demo: Demo, tree: Tree) -> None:
    said = demo(tree.folder)

    assert demo.digests() == tree.digests()
    assert tree.line() in squeezed(said)


def test_totals_duplicates_and_the_largest_are_shown(demo: Demo, tree: Tree) -> None:
    said = squeezed(demo(tree.folder))

    assert "\nPython 181 " in said
    assert "\nBinary 1 300.0 kB\n" in said
    assert "Duplicates: 9 files are copies of 1 other, 4.0 kB in all" in said
    assert "\n 9 450 bytes copies/0.txt" in said
    assert "300.0 kB large.bin" in said
    assert "196 files, a job each, in " in said
    assert "196/196 files" in said


def test_what_it_says_to_try_next_works(demo: Demo, tree: Tree) -> None:
    said = demo(tree.folder)
    commands = [line.split()[1:] for line in said.splitlines() if line.startswith("  localq ")]

    assert [words[0] for words in commands] == ["list", "result", "flower"]
    # The last serves until it is told to stop.
    assert commands[-1] == ["flower", "--path", str(demo.path)]
    for words in commands[:-1]:
        answer = subprocess.run(
            [sys.executable, "-m", "localq", *words],
            capture_output=True, text=True, timeout=PROGRAM_S, check=True, env=ENVIRONMENT,
        ).stdout  # fmt: skip
    assert tree.digests()[str(tree.folder / "large.bin")] in answer


def test_a_terminal_shows_a_bar_to_its_end(demo: Demo, tree: Tree) -> None:
    code, seen = on_terminal("demo", str(tree.folder), "--path", str(demo.path), "-c", "1")

    assert code == 0
    assert re.search(r"Digesting ━+ 196/196", seen)
    assert "on 1 process:" in seen


def test_an_empty_folder_is_no_error(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()

    assert "0 files, a job each" in demo(tmp_path / "nothing")


def test_names_are_shown_without_what_a_terminal_would_obey() -> None:
    class Ascii:
        encoding = "ascii"

    assert shown("a\x1b[31m\nb\udce9é", Ascii()) == "a\\x1b[31m\\nb\\udce9\\xe9"  # type: ignore[arg-type]


def test_a_folder_that_is_not_there_is_a_usage_error(demo: Demo, tmp_path: Path) -> None:
    assert "does not exist" in demo(tmp_path / "nowhere", code=2)
    assert not demo.path.exists()


# What is no file, cannot be read, or is somebody else's


def test_links_special_files_and_the_own_database_are_left_out(tree: Tree) -> None:
    demo = Demo(tree.folder / "jobs.db")
    (tree.folder / "link").symlink_to("large.bin")
    (tree.folder / "around").symlink_to(tree.folder)
    os.mkfifo(tree.folder / "pipe")

    said = demo(tree.folder)

    assert demo.digests() == tree.digests()
    assert re.search(r"Left out: files of this queue: \d, special files: 1, symbolic links: 2.", said)


def test_files_that_vanish_are_failures_with_the_reason(demo: Demo, tree: Tree) -> None:
    demo(tree.folder, fault="enqueue.inside#2=kill", code=KILLED)
    for name in ("src/part0/file0.py", "large.bin"):
        os.unlink(tree.folder / name)
        del tree.files[str(tree.folder / name)]
    (tree.folder / "large.bin").mkdir()

    said = demo("--resume")

    assert demo.digests() == tree.digests()
    assert "Failed: 2" in said
    assert re.search(r"No such file or directory +src/part0/file0.py", said)
    assert re.search(r"Not a regular file any more +large.bin", said)
    assert tree.line() in squeezed(said)
    assert "localq list --args --state FAILURE" in said


def without_power_over_files() -> None:
    """Let the program that is started next read only what its user may read, even as root."""
    if os.geteuid() == 0:
        drop, override, search = 24, 1, 2
        libc = ctypes.CDLL(None)
        assert libc.prctl(drop, override) == libc.prctl(drop, search) == 0


def test_what_cannot_be_read_or_listed_is_a_failure_with_the_reason(demo: Demo, tree: Tree) -> None:
    (tree.folder / "large.bin").chmod(0)
    (tree.folder / "copies").chmod(0)

    said = demo(tree.folder, preexec_fn=without_power_over_files)

    (tree.folder / "copies").chmod(0o700)
    assert "Failed: 2" in said
    assert re.search(r"Permission denied +large.bin", said)
    assert re.search(r"Permission denied +copies", said)


def test_a_folder_that_vanished_before_it_was_listed_is_said(demo: Demo, tree: Tree) -> None:
    demo(tree.folder, fault="enqueue.after#1=kill", code=KILLED)
    shutil.rmtree(tree.folder)

    assert "cannot be listed: No such file or directory" in demo("--resume", code=1)


def test_jobs_of_others_in_the_file_are_left_alone(demo: Demo, tree: Tree) -> None:
    shop = LocalQ("shop", path=demo.path)
    result = shop.send_task("shop.sell", ("a thing",))

    demo(tree.folder)

    assert result.state == "PENDING"
    shop.close()


def test_jobs_that_are_cancelled_or_removed_are_failures(q: LocalQ, tree: Tree) -> None:
    run = new_run(str(tree.folder))
    counted = Counted(q, run, ["copies/0.txt", "copies/1.txt"])
    counted.add()

    q.cancel([job_id(run, 1)])
    counted.look()
    q.store.jobs.purge([run.id])
    look = counted.look()

    assert [(one.name, one.reason) for one in counted.failed] == [
        ("copies/0.txt", "Its job was cancelled"),
        ("copies/1.txt", "Its job was removed from the queue"),
    ]
    assert (look.done, look.total, look.failed) == (2, 2, 2)


# Killed and taken up again

MOMENTS = [
    "store.create=kill",
    "worker.registered=kill",
    "enqueue.inside=kill",
    "enqueue.after=kill",
    "outcome.received=kill",
    "finish.inside=kill",
    "enqueue.before#2=kill",
    "enqueue.inside#2=kill",
    "enqueue.after#2=kill",
    "hand.after#2=kill",
    "finish.after#2=kill",
]


@pytest.mark.parametrize("moment", [MOMENTS[0], *(pytest.param(one, marks=pytest.mark.slow) for one in MOMENTS[1:])])
def test_a_run_killed_at_a_named_moment_is_finished_by_resume(demo: Demo, tree: Tree, moment: str) -> None:
    demo(tree.folder, fault=moment, code=KILLED)

    said = demo(tree.folder, "--resume")

    assert demo.digests() == tree.digests()
    assert tree.line() in squeezed(said)


def test_a_run_whose_name_was_shown_can_be_resumed(demo: Demo, tree: Tree) -> None:
    program = demo.start(tree.folder)
    assert program.stdout is not None
    name = program.stdout.readline().split()[1]
    program.kill()
    program.communicate(timeout=PROGRAM_S)

    said = demo("--resume")

    assert said.startswith(f"Going on with run {name} of {tree.folder}")
    assert demo.digests() == tree.digests()


@pytest.mark.slow
def test_a_run_killed_again_and_again_at_random_is_finished_by_resume(demo: Demo, tree: Tree) -> None:
    moments = [random.randint(1, 60) for _ in range(3)]
    print(moments)

    demo(tree.folder, fault=f"outcome.received#{moments[0] + 1}=kill", code=KILLED)
    for moment in moments[1:]:
        demo("--resume", fault=f"outcome.received#{moment}=kill", code=KILLED)
    said = demo("--resume")

    assert demo.digests() == tree.digests()
    assert tree.line() in squeezed(said)
    assert "done before" in said


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["outcome.received=kill", "outcome.received#2=kill"])
def test_no_number_of_kills_is_counted_against_a_file(demo: Demo, tree: Tree, fault: str) -> None:
    said = [demo(tree.folder, "--resume", fault=fault.replace("#2", "#3"), code=KILLED)]
    said += [demo("--resume", fault=fault, code=KILLED) for _ in range(4)]
    said.append(demo("--resume"))

    assert len(set(re.findall(r"demo-\w{8} of", "".join(said)))) == 1
    assert demo.digests() == tree.digests()


def test_a_run_killed_between_two_batches_is_finished_by_resume(
    q: LocalQ, demo: Demo, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo(tree.folder, fault="enqueue.inside#2=kill", code=KILLED)
    run = demo_run.find_run(q, None)
    assert run is not None
    found = codec.decode(q.store.read.seen([run.id])[run.id][1].result)["files"]  # type: ignore[union-attr, arg-type]
    files = [os.path.join(directory, name) for directory, names in found for name in names]
    monkeypatch.setattr(demo_run, "_ADDED_AT_ONCE", 50)
    half = Counted(q, run, files)
    half.add()
    half.add()

    said = demo("--resume")

    assert demo.digests() == tree.digests()
    assert tree.line() in squeezed(said)


def test_a_finished_run_is_only_shown_again(demo: Demo, tree: Tree) -> None:
    demo(tree.folder)
    tree.write("later.py", b"")

    said = demo("--resume")

    del tree.files[str(tree.folder / "later.py")]
    assert "196 files, a job each: all done before." in said
    assert tree.line() in squeezed(said)
    assert demo.digests() == tree.digests()


def test_without_resume_a_new_run_leaves_the_unfinished_one_as_it_is(demo: Demo, tree: Tree) -> None:
    demo(tree.folder, fault="outcome.received#9=kill", code=KILLED)
    before = len(demo.digests())

    said = demo(tree.folder)

    old, new = re.findall(r"Run (demo-\w+) of", said)
    assert "is unfinished and stays as it is" in said
    assert demo.digests(new) == tree.digests()
    assert len(demo.digests(old)) == before < len(tree.files)


def test_resume_takes_the_folder_that_is_named(demo: Demo, tree: Tree, tmp_path: Path) -> None:
    other = Tree(tmp_path / "other", {})
    other.write("one.py", b"1\n")
    demo(tree.folder, fault="outcome.received#9=kill", code=KILLED)
    demo(other.folder)

    assert tree.line() in squeezed(demo(tree.folder, "--resume"))
    assert other.line() in squeezed(demo("--resume", other.folder))


def test_two_may_work_on_one_run(demo: Demo, tree: Tree) -> None:
    first = demo.start(tree.folder, fault="run.before=sleep:0.005")
    until(demo.path.exists)
    store = LocalQ(path=demo.path).store
    until(lambda: store.read.find(Filter(tasks=(tasks.digest.name,)), 1).jobs)
    second = demo("--resume")

    said, _ = first.communicate(timeout=PROGRAM_S)

    assert first.returncode == 0
    assert tree.line() in squeezed(said)
    assert tree.line() in squeezed(second)
    assert demo.digests() == tree.digests()
    store.close()


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(demo: Demo, tree: Tree) -> None:
    program = demo.start(tree.folder, fault="run.before=sleep:0.02", start_new_session=True)
    until(demo.path.exists)
    store = LocalQ(path=demo.path).store
    until(lambda: store.read.find(Filter(tasks=(tasks.digest.name,), states=(JobState.SUCCEEDED,)), 1).jobs)

    os.killpg(program.pid, signal.SIGINT)
    said, _ = program.communicate(timeout=PROGRAM_S)

    assert program.returncode == 130
    assert "Traceback" not in said
    assert f"localq demo --resume --path {demo.path}" in said
    assert not store.read.find(Filter(states=(JobState.RUNNING,)), 1).jobs
    assert [row.declared for row in store.workers.all()] == [True]
    store.close()
    assert tree.line() in squeezed(demo("--resume"))


# The tasks themselves


@pytest.mark.parametrize(
    ("name", "content", "lines", "language"),
    [
        ("a.py", b"1\n2\n", 2, "Python"),
        ("a.PYI", b"1\n2", 2, "Python"),
        ("a.h", b"", 0, "C"),
        ("Makefile.in", b"\n", 1, "Build"),
        ("data", b"\0\n\n", 0, "Binary"),
        ("README", b"words", 1, "Other text"),
        ("a.so", b"\0\n", 0, "Machine code"),
    ],
)
def test_lines_and_language(tmp_path: Path, name: str, content: bytes, lines: int, language: str) -> None:
    (tmp_path / name).write_bytes(content)

    found = tasks.digest(str(tmp_path / name))

    assert found == {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "lines": lines,
        "language": language,
    }
