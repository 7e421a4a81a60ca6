"""How the documentation is built; `nox -s docs` builds it, with every warning an error."""

from __future__ import annotations

project = "LocalQ"
author = "LocalQ contributors"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "LocalQ"
