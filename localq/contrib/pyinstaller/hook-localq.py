"""What a build of a program with LocalQ contains: the parts that an app loads late, by name, as well."""  # noqa: N999

from __future__ import annotations

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

#: Bridges to what the program does not use would take that along; those it uses it imports itself.
_LEFT_OUT = ("localq.contrib", "localq.testing")
#: Scripts that run on a Redis server, and the pages of the dashboard.
datas = collect_data_files("localq")
hiddenimports = collect_submodules("localq", filter=lambda name: not name.startswith(_LEFT_OUT))
