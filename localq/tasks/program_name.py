"""What the main program is called: the same, however it is started, so that every process finds its tasks.

`python shop/tasks.py`, `python -m shop.tasks`, `localq worker -A shop/tasks.py` and whoever imports `shop.tasks` agree;
Python's own name for it, `__main__`, is everybody's and tells nobody's jobs apart.
"""

from __future__ import annotations

import builtins
import os
import sys
from pathlib import Path

__all__ = ["module_name", "program_name", "script_name"]

_MAIN = "__main__"


def module_name(module: str) -> str:
    """Return the name that a module's tasks have before their own."""
    known = sys.modules.get(module)
    name = module if known is None else str(known.__name__)
    # What is in a package's `__main__.py` belongs to the package.
    return program_name() if name == _MAIN else name.removesuffix(f".{_MAIN}")


def program_name() -> str:
    """Return the name of the main program: its module's, its file's, its notebook's, or what kind it is."""
    main = sys.modules.get(_MAIN)
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name not in ("", _MAIN):
        return str(spec.name).removesuffix(f".{_MAIN}")
    notebook = os.environ.get("JPY_SESSION_NAME") or getattr(main, "__vsc_ipynb_file__", None)
    file = getattr(main, "__file__", None)
    if notebook:
        return Path(notebook).stem
    if file and not hasattr(builtins, "__IPYTHON__"):
        return script_name(Path(file).absolute())
    if hasattr(builtins, "__IPYTHON__"):
        return "notebook"
    return "command" if sys.argv[:1] == ["-c"] else "interactive"


def script_name(path: Path) -> str:
    """Return the name under which a script can be imported: its stem; in a package, its full name."""
    parts = [] if path.name in ("__init__.py", f"{_MAIN}.py") else [path.stem]
    folder = path.parent
    if not parts and not (folder / "__init__.py").is_file():
        # A folder, or an archive, that is run as a program.
        return folder.stem
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)
