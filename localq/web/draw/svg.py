"""SVG as text: elements with their attributes and texts escaped. Colours are classes, for the style sheet to choose."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

__all__ = ["element", "figure", "number"]


def element(name: str, *inside: str, **attributes: object) -> Markup:
    """Return an element; an attribute's `_` stands for a hyphen, and one at its end is left off, as in `class_`."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value if isinstance(value, str) else number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    body = Markup("").join(escape(part) for part in inside)
    return Markup(f"<{name}{said}>{body}</{name}>") if body else Markup(f"<{name}{said}/>")


def figure(
    width: float, height: float, title: str, inside: Iterable[Markup], class_: str = "", *, stretched: bool = False
) -> Markup:
    """Return a picture that says what it shows to who cannot see it.

    Args:
        stretched: It fills whatever place it gets, whatever that does to its shape.
    """
    return element(
        "svg",
        element("title", title),
        Markup("").join(inside),
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=title,
        class_=class_ or None,
        preserveAspectRatio="none" if stretched else None,
    )


def number(value: object) -> str:
    """Return a number without needless digits; anything else as text."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
