"""How the documentation is built; `nox -s docs` builds it, with every warning an error."""

from __future__ import annotations

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "LocalQ"
author = "LocalQ contributors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "LocalQ"

# The reference is made of docstrings, in which a name between backticks is code.
default_role = "code"
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
# Types that are not in the reference stay plain text: type variables, the standard library's, what is not public.
nitpick_ignore_regex = [(r"py:.*", r".*")]
suppress_warnings = ["ref.python"]


def without_modules(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Leave out what modules say of themselves: it is for whoever reads the code. The page says it for users."""
    if what == "module":
        lines.clear()


def setup(app: Sphinx) -> None:
    """Show pictures in Mermaid as their text: code hosts draw them, a browser would need a script for it."""
    app.add_lexer("mermaid", TextLexer)
    app.connect("autodoc-process-docstring", without_modules)
