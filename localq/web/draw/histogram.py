"""How long jobs ran, as bars: each twice as long as the one before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from markupsafe import Markup

from localq.model.tally import span_of
from localq.web.draw.frame import framed
from localq.web.draw.svg import element, figure

__all__ = ["Bar", "bars", "histogram"]

_WIDTH, _HEIGHT = 600.0, 140.0
#: Places for bars at least, so that a few are not as wide as walls; and texts below them at most.
_PLACES, _TEXTS = 6, 6
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
    places = max(len(shown), _PLACES)
    wide = _WIDTH / places
    drawn = [element("line", x1=0.0, x2=_WIDTH, y1=_HEIGHT, y2=_HEIGHT, class_="grid")]
    for number, (begin, end, count) in enumerate(shown):
        said = element("title", f"{span(begin)} … {span(end)}: {count:,}")
        tall = max(_HEIGHT * count / top, 1.5) if count else 0.0
        at = {"x": number * wide + wide / 40, "y": _HEIGHT - tall, "width": wide * 0.95, "height": tall}
        drawn.append(element("rect", said, **at, class_="bar"))
    every = max(1, round(len(shown) / _TEXTS))
    below = [span(begin) if number % every == 0 else "" for number, (begin, _, _) in enumerate(shown)]
    picture = figure(_WIDTH, _HEIGHT, title, drawn, "chart histogram", stretched=True)
    return framed(picture, [f"{top:,}", "0"], below + [""] * (places - len(shown)), "bars")
