"""What a build of a program with LocalQ contains: the parts that an app loads late, by name, as well.

LocalQ and what it requires are packed as bytecode: compiled to C they are no faster, as what they wait for is disks and
pipes, and a thousand modules take a compiler hours.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

from nuitka.plugins.PluginBase import NuitkaPluginBase

import localq

#: Bridges to what the program does not use would take that along; those it uses it imports itself.
_LEFT_OUT = ("localq.contrib", "localq.testing")
_NAME = re.compile(r"[\w.-]+")


class LocalQPlugin(NuitkaPluginBase):  # type: ignore[misc]  # Nuitka ships no types
    """Pack LocalQ whole."""

    plugin_name = "localq"
    plugin_desc = "Pack what LocalQ loads by name, and its data."

    def __init__(self) -> None:
        # By its name as well: of what is installed to be edited the metadata lists no packages.
        self._as_bytecode = {"localq", *_packages("localq")}

    def getImplicitImports(self, module: Any) -> Iterator[str]:  # noqa: N802
        """Yield every module of LocalQ as an import of its package."""
        if module.getFullName() == "localq":
            for one in pkgutil.walk_packages(localq.__path__, "localq."):
                if not one.name.startswith(_LEFT_OUT):
                    yield one.name

    def decideCompilation(self, module_name: Any) -> str | None:  # noqa: N802
        """Return "bytecode" for what is not the program's own."""
        # What Nuitka runs before or after a module, `name-preLoad`, it wants compiled.
        if "-" not in module_name and module_name.getTopLevelPackageName() in self._as_bytecode:
            return "bytecode"
        return None

    def considerDataFiles(self, module: Any) -> Iterator[Any]:  # noqa: N802
        """Yield the scripts that run on a Redis server, and the pages of the dashboard."""
        if module.getFullName() == "localq":
            yield self.makeIncludedDataDirectory(
                source_path=str(Path(localq.__file__).parent),
                dest_path="localq",
                reason="scripts and pages of LocalQ",
                ignore_dirs=("__pycache__",),
                ignore_suffixes=(".py", ".pyc"),
            )


def _packages(distribution: str) -> set[str]:
    """Return the names under which a distribution, and all that it requires, are imported."""
    wanted, found = [distribution], set[str]()
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        found.add(name)
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            continue
        wanted += [_plain(line) for line in lines if "extra ==" not in line]
    return {package for package, names in packages_distributions().items() if not found.isdisjoint(map(_plain, names))}


def _plain(line: str) -> str:
    """Return the name of a distribution in its usual form, out of a requirement."""
    named = _NAME.match(line)
    return re.sub(r"[-_.]+", "-", named[0] if named else line).lower()
