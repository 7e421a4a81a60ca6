"""Print the commands of the Celery that is installed, each with its options, for `tests/cli/data/celery-5.7.json`.

Run it with a Python that has Celery: `python tests/cli/celery_commands.py > tests/cli/data/celery-5.7.json`.
"""

from __future__ import annotations

import importlib
import json
from typing import Any


def options_of(command: Any) -> list[str]:
    """Return the options of a click command: all names of each, and "VALUE" where it takes one."""
    return [
        " ".join([*one.opts, *one.secondary_opts, *(() if one.is_flag or one.count else ("VALUE",))])
        for one in command.params
        if one.param_type_name == "option" and one.name not in ("help", "version")
    ]


def commands() -> dict[str, list[str]]:
    """Return the options of each command; "" is the program itself."""
    program = importlib.import_module("celery.bin.celery").celery
    return {"": options_of(program)} | {name: options_of(one) for name, one in sorted(program.commands.items())}


if __name__ == "__main__":
    print(json.dumps(commands(), indent=1))
