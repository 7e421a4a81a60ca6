"""What stands around a chart: its scales are text of the page, as large as all other text whatever the chart's size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

__all__ = ["framed"]


def framed(picture: Markup, beside: Sequence[str], below: Iterable[str], class_: str = "") -> Markup:
    """Return a chart with its scales, which say nothing to who cannot see it: the chart has a title, and a table.

    Args:
        beside: Values from the top to the bottom, evenly apart.
        below: What stands at even places from the left to the right; may be empty at some.
    """
    return Markup(
        '<div class="plot {class_}"><div class="beside" aria-hidden="true">{beside}</div>{picture}'
        '<div class="below" aria-hidden="true">{below}</div></div>'
    ).format(class_=class_, beside=_spans(beside), picture=picture, below=_spans(below))


def _spans(texts: Iterable[str]) -> Markup:
    return Markup("").join(Markup("<span>{}</span>").format(text) for text in texts)
