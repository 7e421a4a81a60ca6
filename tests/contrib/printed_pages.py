"""What the blocks of a page take for granted: names that its text supplies, files, servers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Page:
    """How the blocks of a page are run.

    Attributes:
        module: The name of the module that they are in; tasks are named after it.
        before: By a part of a block: code that is run before that block.
        says: What the blocks print, line by line; None: it is not looked at.
        fragments: By a part of a block: why it is read only, and not run.
        endless: By a part of a block that goes on for ever: code beside it, which sees it do its work, and ends it.
    """

    module: str = "tasks"
    before: dict[str, str] = field(default_factory=dict)
    says: list[str] | None = None
    fragments: dict[str, str] = field(default_factory=dict)
    endless: dict[str, str] = field(default_factory=dict)


#: Blocks that are whole projects, by page and the test that writes their files and runs them.
ELSEWHERE = {
    "docs/django.md": "tests/contrib/test_pages.py::test_the_page_about_django_is_a_project_that_runs",
    "docs/moving-on.md": "tests/contrib/test_moving_page.py::",
    "docs/web.md": "tests/contrib/test_pages.py::test_the_blocks_about_flask_are_an_application_that_runs",
}

WORKER = "q.start(concurrency=1, pool='threads')\n"
SHOP = 'from localq import LocalQ\nq = LocalQ("shop", path="jobs.db")\n'
ADD = "@q.task\ndef add(x, y):\n    return x + y\n"

PAGES = {
    "README.md": Page(
        before={
            "result = fetch.delay": WORKER,
            "chord(fetch.s": "url = 'https://example.org'\nurls = [url]\n"
            + "".join(f"@q.task\ndef {name}(seen): ...\n" for name in ("merge", "parse", "save")),
        },
        says=["4"],
    ),
    "docs/configuration.md": Page(
        before={
            "config_from_envvar": "import os, sys\nfrom pathlib import Path\nfrom localq import LocalQ\n"
            "Path('shop').mkdir()\nPath('shop/config.py').write_text('class Fast: worker_concurrency = 8')\n"
            "Path('shop/__init__.py').touch()\nsys.path.insert(0, os.getcwd())\n"
            "Path('pyproject.toml').write_text('[tool.localq]')\nos.environ['SHOP_CONFIG'] = 'shop.config'\n",
            "task_annotations": "def timed(method):\n    return method\n",
        }
    ),
    "docs/control.md": Page(
        before={
            "inspect().active()": f"{SHOP}@q.task\ndef add(x, y): ...\nresult = add.delay(2, 2)\n{WORKER}",
            "def rows": "def count(table):\n    return 7\n",
        },
        module="shop",
    ),
    "docs/dashboard-api.md": Page(),
    "docs/dashboard.md": Page(),
    "docs/desktop.md": Page(
        module="__main__",
        before={
            "freeze_support": f"{SHOP}class Window:\n    def mainloop(self): ...\n",
            "def close(self)": "",
            "pack.delay": "import queue\nfrom types import SimpleNamespace\ncalls = queue.SimpleQueue()\n"
            "bar = label = SimpleNamespace(configure=print)\nfolder = 'here'\n@q.task\ndef pack(folder): ...\n",
        },
    ),
    "docs/index.md": Page(says=["4"]),
    "docs/many-hosts.md": Page(
        before={"broker=": "from localq import Celery\n"},
        fragments={"psycopg.connect": "needs that server: tests/store/test_postgresql_within.py has one"},
    ),
    "docs/migrating-from-celery.md": Page(
        before={
            "shop.celeryconfig": "import sys, types\nsys.modules['shop'] = types.ModuleType('shop')\n"
            "sys.modules['shop.celeryconfig'] = types.ModuleType('shop.celeryconfig')\n"
        }
    ),
    "docs/notebook.md": Page(module="__main__"),
    "docs/results.md": Page(
        before={
            "q.AsyncResult": f"{SHOP}{ADD}{WORKER}",
            "resize.delay": "@q.task\ndef resize(name): ...\n",
        }
    ),
    "docs/routing.md": Page(
        module="shop.tasks",
        before={"film.apply_async((name,), queue": f"{SHOP}name = 'a'\n@q.task(name='films')\ndef film(name): ...\n"},
    ),
    "docs/running.md": Page(
        before={
            "with q.running": SHOP,
            "freeze_support": "def main(): ...\n",
            "eager=True": "",
            "def test_adding": ADD,
        }
    ),
    "docs/schedules.md": Page(
        module="shop",
        before={
            "class WhenDirty": "from localq.schedules import BaseSchedule\nclass Index:\n    class objects: ...\n",
        },
    ),
    "docs/scripts.md": Page(
        module="__main__",
        before={"as_completed": f"names = ['a', 'bc']\n{WORKER}"},
        says=["1", "2", "3"],
    ),
    "docs/security.md": Page(
        before={
            "message_signing": "import os\nfrom localq import LocalQ\nos.environ['LOCALQ_KEY'] = 'a' * 32\n",
        }
    ),
    "docs/servers.md": Page(),
    "docs/several-apps.md": Page(fragments={"# reports.py": "two files side by side"}),
    "docs/signals-and-events.md": Page(
        before={
            "def tell": "class Telling(list):\n    send = connect = list.append\npager = database = Telling()\n",
            "q.events.State": f"{SHOP}@q.task\ndef breaks():\n    raise ValueError('no')\n{WORKER}",
        },
        endless={
            "q.events.State": "import time\nend = time.monotonic() + SECONDS\njob = breaks.delay()\n"
            "while not {'state', 'receiver'} <= globals().keys() and time.monotonic() < end:\n    time.sleep(0.01)\n"
            "while not any(task.failed for task in state.tasks.values()) and time.monotonic() < end:\n"
            "    breaks.delay().get(propagate=False, timeout=SECONDS)\n"
            "assert time.monotonic() < end\nreceiver.should_stop = True\n",
        },
    ),
    "docs/tasks.md": Page(
        before={
            "add.apply_async": WORKER,
            "class Tenant": "from localq import Task\ndef tenant():\n    return 'ann'\n",
            "q.within": "import sqlite3\nfrom localq import shared_task\nq.stop()\n"
            "LocalQ(path='shop.db').store.read.stats()\n"
            "with sqlite3.connect('shop.db') as made:\n    made.execute('CREATE TABLE customer (name TEXT)')\n"
            "made.close()\n@shared_task\ndef welcome(name): ...\n",
            "pydantic=True": "from pydantic import BaseModel\nclass Order(BaseModel):\n    number: int\n"
            "class Receipt(BaseModel): ...\n",
            "compression=": "table = 'x' * 10_000\n@shared_task\ndef report(table): ...\n",
            "def fetch(self": "def download(url): ...\n",
        },
    ),
    "docs/testing.md": Page(
        module="shop",
        before={
            "def test_a_sale": f"{SHOP}{ADD}outbox = []\n@q.task\ndef send_receipt(name):\n    outbox.append(name)\n"
            "@q.task\ndef send_reminder(name): ...\ndef sell(ware, to):\n    send_receipt.delay(to)\n",
        },
    ),
    "docs/tutorial.md": Page(
        before={">>> from tasks": WORKER},
        says=["4"],
    ),
    "docs/workflows.md": Page(
        before={"on_error=": "header, body = [add.s(1, 1)], total.s()\n"},
        says=["7", "[0, 2, 4, 6]", "90", "7"],
    ),
}
