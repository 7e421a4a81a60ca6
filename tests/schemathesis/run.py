"""Let Schemathesis call all that the API's document names, on a real dashboard with jobs: `nox -s schemathesis`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from localq import LocalQ

TOKEN = "the token"
#: What is so on purpose: programs of the same user need no token; names and times are narrower than any schema says;
#: and of two methods of one path a third is told of one.
EXCLUDED = "ignored_auth,missing_required_header,positive_data_acceptance,unsupported_method"
PROGRAM = """
import os
from localq import LocalQ
q = LocalQ("shop", path=os.environ["SHOP"])
@q.task(name="shop.mail")
def mail(to, password=""):
    return f"sent to {to}"
"""


def filled(path: Path) -> None:
    """Put jobs, a paused queue and a schedule into a queue."""
    with LocalQ("shop", path=path) as q:
        q.store.open()
        for number in range(60):
            q.send_task("shop.mail", (f"ann {number}",), {"password": "hunter2"}, task_id=f"job-{number}")
        q.send_task("shop.mail", ("ann",), queue="slow", countdown=3600)
        q.control.pause("slow")
        q.schedules.add("nightly", "0 3 * * *", "shop.mail", ("all",))


def main(words: list[str]) -> int:
    """Serve the queue, and call everything."""
    folder = Path(tempfile.mkdtemp())
    (folder / "shop.py").write_text(PROGRAM)
    filled(folder / "jobs.db")
    environment = {**os.environ, "SHOP": str(folder / "jobs.db"), "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "localq", "-A", "shop", "flower", "--port", "5987", "--token", TOKEN]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert "Dashboard:" in server.stdout.readline(), "the dashboard has not come"
        said = ["run", "http://127.0.0.1:5987/api/v1/openapi.json", "--header", f"Authorization: Bearer {TOKEN}"]
        said += ["--exclude-checks", EXCLUDED]
        found = subprocess.run([Path(sys.executable).with_name("schemathesis"), *said, *words], cwd=folder, check=False)
        return found.returncode
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
