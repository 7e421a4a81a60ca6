"""The page of hostile tasks, made of what became of them: `python -m tests.crash.hostile.page docs/hostile-tasks.md`.

What stands between `<!-- table -->` and `<!-- end of table -->` in the file is written anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

# Imported for its tasks, in the order of the sections.
from tests.crash.hostile import app  # noqa: F401
from tests.crash.hostile.body import BODIES, POOLS
from tests.crash.hostile.run import Hostile

__all__ = ["PAGE", "told"]

PAGE = Path(__file__).absolute().parents[3] / "docs/hostile-tasks.md"
SECTIONS = (
    "Errors", "Results", "Output and logs", "Ends", "Limits and signals", "What is left behind",
    "Threads, children and other programs", "Event loops", "Greenlets",
)  # fmt: skip
#: What the page says where a body cannot be run in a pool.
NOT_RUN = "-"


def told(text: str) -> dict[tuple[str, str], str]:
    """Return what a page says became of the jobs, by body and pool."""
    found: dict[tuple[str, str], str] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(POOLS) + 2 and cells[0].startswith("`"):
            found.update({(cells[0].strip("`"), pool): cell for pool, cell in zip(POOLS, cells[2:], strict=True)})
    return found


def rewrite(text: str, verdicts: Mapping[tuple[str, str], str]) -> str:
    """Return a page with its tables made anew."""
    lines: list[str] = []
    for title in SECTIONS:
        lines += [f"## {title}", "", f"| Task | It ... | {' | '.join(POOLS)} |", "|---" * (len(POOLS) + 2) + "|"]
        for one in BODIES.values():
            if one.section == title:
                cells = [verdicts.get((one.name, pool), NOT_RUN) for pool in POOLS]
                lines.append(f"| `{one.name}` | {one.says} | {' | '.join(cells)} |")
        lines.append("")
    begin, end = "<!-- table -->", "<!-- end of table -->"
    made = "\n".join([begin, "", *lines, end])
    return re.sub(f"{begin}.*?{end}", lambda _: made, text, flags=re.DOTALL)


def main(path: str) -> None:
    """Run every body in every pool, and write down what became of it."""
    verdicts = {}
    for pool in POOLS:
        hostile = Hostile(pool)
        for body in BODIES.values():
            if pool in body.pools:
                print(pool, body.name, flush=True)
                verdicts[body.name, pool] = hostile.verdict(body)
                hostile.follow(body)
        assert hostile.close() == 0
    page = Path(path)
    page.write_text(rewrite(page.read_text("utf-8"), verdicts), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
