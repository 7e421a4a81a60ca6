"""Charts of counts over time: one line for what finished, one for what failed; and small ones for a figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from localq.web.draw.frame import framed
from localq.web.draw.svg import element, figure

__all__ = ["chart", "spark"]

_WIDTH, _HEIGHT = 1000.0, 200.0
#: Lines across, and times below.
_ROWS, _TIMES = 4, 4


def chart(
    times: Sequence[int],
    lines: Sequence[tuple[str, Sequence[float | None]]],
    when: Callable[[int], str],
    title: str,
    value_text: Callable[[float], str] | None = None,
    tips: Sequence[str] = (),
) -> Markup:
    """Return a chart of lines over the same times.

    Args:
        lines: Of each the class that it is drawn in, and its values; it has a gap where there is none.
        when: Says a time as it stands below the chart.
        value_text: Says a value as it stands beside the chart; default: as a number.
        tips: What is said of each time to who points at it; empty: nothing.
    """
    most = max((value for _, values in lines for value in values if value is not None), default=0)
    top = _nice(most) if value_text else _nice_count(most)
    steps = max(1, len(times) - 1)

    def place(number: float, value: float) -> tuple[float, float]:
        return _WIDTH * number / steps, _HEIGHT * (1 - value / top)

    drawn = [
        element("line", x1=0.0, x2=_WIDTH, y1=_HEIGHT * row / _ROWS, y2=_HEIGHT * row / _ROWS, class_="grid")
        for row in range(_ROWS + 1)
    ]
    for class_, values in lines:
        for run in _without_gaps(values):
            whole = [place(n, v) for n, v in run]
            if class_ == "done" and run[1:]:
                ends = [(whole[-1][0], _HEIGHT), (whole[0][0], _HEIGHT)]
                drawn.append(element("polygon", points=_points(whole + ends), class_="area"))
            drawn.append(_line(whole, class_))
    drawn += _tips(tips, steps)
    picture = figure(_WIDTH, _HEIGHT, title, drawn, "chart", stretched=True)
    said = [_said(top * row / _ROWS, value_text) for row in range(_ROWS, -1, -1)]
    return framed(picture, said, [when(times[round(steps * part / _TIMES)]) if times else "" for part in range(5)])


def _said(value: float, value_text: Callable[[float], str] | None) -> str:
    if value_text:
        return value_text(value) if value else "0"
    return f"{value:,.0f}"


def _tips(tips: Sequence[str], steps: int) -> list[Markup]:
    wide = _WIDTH / steps
    return [
        element("rect", element("title", tip), x=wide * (number - 0.5), y=0, width=wide, height=_HEIGHT, class_="tip")
        for number, tip in enumerate(tips)
        if tip
    ]


def spark(values: Sequence[float | None], title: str) -> Markup:
    """Return a line without axes, for beside a figure; it has a gap where there is no value."""
    top = max((value for value in values if value is not None), default=0) or 1
    steps = max(1, len(values) - 1)
    drawn = []
    for run in _without_gaps(values):
        places = [(120 * number / steps, 26 - 24 * value / top) for number, value in run]
        drawn.append(_line(places, "done"))
    return figure(120, 28, title, drawn, "chart spark", stretched=True)


def _line(places: list[tuple[float, float]], class_: str) -> Markup:
    # A value with a gap on either side is a dot: a line without length, whose ends are round.
    lone = not places[1:]
    return element(
        "polyline", points=_points(places * 2 if lone else places), class_=f"{class_} dot" if lone else class_
    )


def _without_gaps(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((number, value))
    return [run for run in runs if run]


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _nice_count(value: float) -> float:
    """Return the next number up whose quarters are whole, for a scale of counts."""
    if value < 10:
        return next(top for top in (4.0, 8.0, 12.0) if top >= value)
    size = 10.0 ** math.floor(math.log10(value) - 1)
    return next(factor * size for factor in (12, 16, 20, 24, 28, 32, 40, 60, 80, 120) if factor * size >= value)


def _nice(value: float) -> float:
    """Return the next number up that a scale likes to end with."""
    if value <= 0:
        return 4.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(factor * size for factor in (1, 2, 4, 5, 8, 10, 20) if factor * size >= value)
