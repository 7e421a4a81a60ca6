"""Print where the plugin for Nuitka lies, for its option `--user-plugin`."""

from __future__ import annotations

from pathlib import Path

print(Path(__file__).with_name("plugin.py"))
