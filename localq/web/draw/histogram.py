"""How long jobs ran, as bars: each twice as long as the one before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from markupsafe import Markup

from localq.model.tally import span_of
from localq.web.draw.svg import element, figure

__all__ = ["Bar", "bars", "histogram"]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640.0, 170.0, 46.0, 24.0, 8.0
#: Classes of a tally in a bar, which is one doubling.
_CLASSES = 4
#: Bars that are drawn at most; what is quicker is in the first.
_MOST = 24

#: From and to so many seconds, and how many.
Bar = tuple[float, float, int]


def bars(sizes: Mapping[int, int]) -> list[Bar]:
    """Return bars for the sizes of spans, without a gap from the first that has any to the last."""
    counts: dict[int, int] = {}
    for size, count in sizes.items():
        counts[size // _CLASSES] = counts.get(size // _CLASSES, 0) + count
    if not counts:
        return []
    last = max(counts)
    first = max(min(counts), last - _MOST + 1)
    quicker = sum(count for number, count in counts.items() if number < first)
    return [
        (
            span_of(number * _CLASSES) / 1e6,
            span_of((number + 1) * _CLASSES) / 1e6,
            counts.get(number, 0) + (quicker if number == first else 0),
        )
        for number in range(first, last + 1)
    ]


def histogram(sizes: Mapping[int, int], span: Callable[[float], str], title: str) -> Markup:
    """Return bars of how many took how long.

    Args:
        span: Says seconds in words.
    """
    shown = bars(sizes)
    top = max((count for _, _, count in shown), default=0) or 1
    wide = (_WIDTH - _LEFT - 8) / max(len(shown), 6)
    high = _HEIGHT - _BOTTOM - _TOP
    drawn = [element("line", x1=_LEFT, x2=_WIDTH - 8, y1=_TOP + high, y2=_TOP + high, class_="grid")]
    drawn.append(element("text", f"{top:,}", x=_LEFT - 6, y=_TOP + 9, text_anchor="end"))
    every = max(1, round(len(shown) / 6))
    for number, (begin, end, count) in enumerate(shown):
        x, tall = _LEFT + number * wide, high * count / top
        said = element("title", f"{span(begin)} … {span(end)}: {count:,}")
        tall = max(tall, 1.5) if count else 0.0
        drawn.append(element("rect", said, x=x + 1, y=_TOP + high - tall, width=wide - 2, height=tall, class_="bar"))
        if number % every == 0:
            drawn.append(element("text", span(begin), x=x, y=_HEIGHT - 7, text_anchor="middle"))
    return figure(_WIDTH, _HEIGHT, title, drawn, "chart histogram")
