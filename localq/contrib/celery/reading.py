"""Read a project without running it, and say what it does that would be different here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from localq.contrib.celery.app_names import AppNames
from localq.contrib.celery.beside import files_named, installed_apps, is_django
from localq.contrib.celery.built_on import built_on_celery, installed
from localq.contrib.celery.calls import has_path, read_calls, task_names
from localq.contrib.celery.configfile import read_config_files
from localq.contrib.celery.configs import Reading, read_settings, read_together, registered
from localq.contrib.celery.difference import Difference
from localq.contrib.celery.imports import imported, read_imports
from localq.contrib.celery.places import TWO_PLACES
from localq.contrib.celery.project import Source, files_of, parse
from localq.contrib.celery.scopes import Scopes
from localq.contrib.celery.values import Values

__all__ = ["read_project"]

#: How often files are looked for that the files found so far name.
_ROUNDS = 3


def read_project(spec: str, root: Path) -> tuple[list[str], list[Difference]]:
    """Return the files that were read, and what was found, by file and line.

    Args:
        spec: What -A names: see `localq.contrib.celery.project.files_of`.
        root: The folder it is looked up in; files are named from there.

    Raises:
        FileNotFoundError: there is nothing of that name.
    """
    folder = root / spec if (root / spec).is_dir() else root
    parsed = _parsed(files_of(spec, root), root)
    parsed += read_config_files(folder, root)
    sources = [one for one in parsed if isinstance(one, Source)]
    found = {one for one in parsed if isinstance(one, Difference)}
    found.update(_read(sources, _own(sources, root)))
    found.update(installed({name.partition(".")[0] for source in sources for name, _, _ in imported(source)}))
    return [one.name if isinstance(one, Source) else one.file for one in parsed], sorted(found)


def _parsed(files: Iterable[Path], root: Path) -> list[Source | Difference]:
    """Parse files, and those that they name as Django's apps or as modules with tasks."""
    parsed: dict[Path, Source | Difference] = {}
    left = set(files)
    for _ in range(_ROUNDS):
        if not left:
            break
        parsed |= {path: parse(path, os.path.relpath(path, root)) for path in sorted(left)}
        sources = [one for one in parsed.values() if isinstance(one, Source)]
        left = files_named(sources, Values(sources), [root, *_beside(sources, root)]) - parsed.keys()
    return [parsed[path] for path in sorted(parsed)]


def _beside(sources: Iterable[Source], root: Path) -> Iterator[Path]:
    """Yield the folders that Django's settings are imported from: where their outermost package lies."""
    for source in filter(is_django, sources):
        folder = (root / source.name).parent
        while (folder / "__init__.py").is_file():
            folder = folder.parent
        yield folder


def _own(sources: Iterable[Source], root: Path) -> set[str]:
    """Return the top names of the project's own modules."""
    names = {part.removesuffix(".py") for source in sources for part in Path(source.name).parts}
    return names | {path.name.removesuffix(".py") for path in root.iterdir()}


def _read(sources: list[Source], own: set[str]) -> Iterator[Difference]:
    apps, values = AppNames(sources), Values(sources)
    placed = any(has_path(source, apps) for source in sources)
    serializers = frozenset(name for source in sources for name in registered(source))
    reading = Reading(Scopes(sources, apps), values, serializers, placed)
    tasks = {name for source in sources for name in task_names(source, apps)}
    apart = False
    for source in sources:
        yield from read_imports(source, own)
        for one in (*read_settings(source, reading), *read_calls(source, apps, values, tasks, placed=placed)):
            apart = apart or one.text == TWO_PLACES
            yield one
        yield from _installed_apps(source, values, own)
    if not apart:
        yield from read_together(sources, reading)


def _installed_apps(source: Source, values: Values, own: set[str]) -> Iterator[Difference]:
    for name, line in installed_apps(source, values) if is_django(source) else ():
        built = None if name.partition(".")[0] in own else built_on_celery(name)
        if built is not None:
            yield Difference(source.name, line, built.level, f"{name}: {built.text}", name)
