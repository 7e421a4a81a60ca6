"""How the documentation is built; `nox -s docs` builds it, with every warning an error."""

from __future__ import annotations

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "LocalQ"
author = "LocalQ contributors"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "LocalQ"


def setup(app: Sphinx) -> None:
    """Show pictures in Mermaid as their text: code hosts draw them, a browser would need a script for it."""
    app.add_lexer("mermaid", TextLexer)
