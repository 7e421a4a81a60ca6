"""Read a project without running it, and say what it does that would be different here."""

from __future__ import annotations

import os
from pathlib import Path

from localq.contrib.celery.calls import configurations, has_path, read_calls
from localq.contrib.celery.configfile import CONFIG_FILES, read_config_files
from localq.contrib.celery.configs import namespaces, read_settings
from localq.contrib.celery.difference import Difference
from localq.contrib.celery.imports import read_imports
from localq.contrib.celery.project import Source, files_of, parse

__all__ = ["read_project"]


def read_project(spec: str, root: Path) -> tuple[list[str], list[Difference]]:
    """Return the files that were read, and what was found, by file and line.

    Args:
        spec: What -A names: see `localq.contrib.celery.project.files_of`.
        root: The folder it is looked up in; files are named from there.

    Raises:
        FileNotFoundError: there is nothing of that name.
    """
    folder = root / spec if (root / spec).is_dir() else root
    parsed = [parse(path, os.path.relpath(path, root)) for path in files_of(spec, root)]
    parsed += read_config_files(folder, root)
    sources = [one for one in parsed if isinstance(one, Source)]
    found = [one for one in parsed if isinstance(one, Difference)]
    configs = {name for source in sources for name in configurations(source)}.union(CONFIG_FILES)
    prefixes, placed = namespaces(sources), any(map(has_path, sources))
    for source in sources:
        found += read_imports(source)
        found += read_settings(source, configs, prefixes, placed=placed)
        found += read_calls(source)
    return [one.name if isinstance(one, Source) else one.file for one in parsed], sorted(set(found))
