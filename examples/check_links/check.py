"""Ask for many pages at once and print the status of each: python check.py URLS.txt.

Every request is a job that mostly waits, so hundreds run side by side as coroutines in one process. A server that is
slow or away is asked again, later and later; what is not done when the program is stopped goes on at its next start.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from urllib.parse import urlsplit

from localq import LocalQ, SoftTimeLimitExceeded

q = LocalQ(path="links.db", worker_pool="asyncio", worker_concurrency=500)


@q.task(autoretry_for=(OSError,), retry_backoff=True, max_retries=2, soft_time_limit=10)
async def status(url: str) -> str:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    try:
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port or (443 if secure else 80), ssl=secure
        )
        try:
            head = f"HEAD {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            return (await reader.readline()).decode("latin-1").strip()
        finally:
            writer.close()
    except SoftTimeLimitExceeded:
        return "no answer within 10 s"


def main(urls: list[str]) -> None:
    with q.running():
        results = q.enqueue_many([status.s(url) for url in urls])
        for url, result in zip(urls, results, strict=True):
            answer = result.get(propagate=False)
            print(f"{answer if isinstance(answer, str) else f'{type(answer).__name__}: {answer}'}\t{url}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text().split())
