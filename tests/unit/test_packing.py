from __future__ import annotations

import zlib

import pytest

from localq import LocalQ
from localq.exceptions import DecodeError
from localq.packing import KINDS, LEAST, MOST, packed, plain

TEXT = b"all work and no play " * 1000


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_come_back_whole(kind: str) -> None:
    small = packed(TEXT, kind)

    assert len(small) < len(TEXT) // 10
    assert plain(small) == TEXT


def test_nothing_is_packed_where_nothing_is_won() -> None:
    noise = zlib.compress(bytes(i * i % 251 for i in range(4000)), 9)
    assert packed(TEXT, None) is TEXT
    assert packed(b"x" * (LEAST - 1), "zlib") == b"x" * (LEAST - 1)
    assert packed(noise, "zlib") == noise
    assert plain(TEXT) is TEXT


@pytest.mark.parametrize("kind", ["zlib", "bzip2", "lzma"])
def test_what_unpacks_to_more_than_it_says_is_refused(kind: str) -> None:
    small = packed(TEXT, kind)
    said = len(TEXT).to_bytes(8, "big")

    with pytest.raises(DecodeError, match="it says 5 bytes, and has 6 or more"):
        plain(small.replace(said, (5).to_bytes(8, "big")))
    with pytest.raises(DecodeError, match="is over the limit"):
        plain(small.replace(said, (MOST + 1).to_bytes(8, "big")))


@pytest.mark.parametrize(("start", "put"), [(-5, b""), (12, b"?" * 50), (3, b"q"), (3, b"")])
def test_what_is_damaged_is_refused(start: int, put: bytes) -> None:
    small = packed(TEXT, "zlib")

    with pytest.raises(DecodeError, match="packed content is damaged"):
        plain(small[:start] + put)


def test_jobs_keep_less_and_run_as_ever(eager: LocalQ) -> None:
    eager.conf.update(task_compression="gzip", result_compression="lzma")
    seen: list[int] = []

    @eager.task
    def echo(text: str) -> str:
        return text

    @eager.task
    def heard(text: str) -> None:
        seen.append(len(text))

    result = echo.apply_async(("x" * 50_000,), link=heard.s())
    job, last, _ = eager.store.results([result.id])[result.id]

    assert result.get() == "x" * 50_000
    assert result.args == ("x" * 50_000,)
    assert seen == [50_000]
    assert last is not None
    assert len(last.result or b"") < 1000
    kept = eager.store.call(job.id)
    assert kept is not None
    assert len(kept.args or b"") < 1000


@pytest.mark.parametrize("where", ["call", "task"])
def test_a_call_or_a_task_may_ask_for_it(q: LocalQ, where: str) -> None:
    @q.task(compression="bzip2" if where == "task" else None)
    def echo(text: str) -> str:
        return text

    options = {"compression": "zlib"} if where == "call" else {}
    job_id = echo.apply_async(("x" * 50_000,), **options).id

    job = q.store.call(job_id)
    assert job is not None
    assert len(job.args or b"") < 1000


def test_an_unknown_kind_is_refused_in_the_caller(q: LocalQ) -> None:
    with pytest.raises(ValueError, match=r"compression='zib' must be one of .* Did you mean 'zlib'"):
        q.send_task("echo", compression="zib")
