"""Charts of counts over time: one line for what finished, one for what failed; and small ones for a figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from localq.web.draw.svg import element, figure

__all__ = ["chart", "spark"]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 1000.0, 220.0, 66.0, 24.0, 10.0


def chart(
    times: Sequence[int],
    lines: Sequence[tuple[str, Sequence[float | None]]],
    when: Callable[[int], str],
    title: str,
    value_text: Callable[[float], str] | None = None,
) -> Markup:
    """Return a chart of lines over the same times.

    Args:
        lines: Of each the class that it is drawn in, and its values; it has a gap where there is none.
        when: Says a time as it stands below the chart.
        value_text: Says a value as it stands beside the chart; default: as a number.
    """
    top = _nice(max((value for _, values in lines for value in values if value is not None), default=0))
    wide, high = _WIDTH - _LEFT - 8, _HEIGHT - _BOTTOM - _TOP
    steps = max(1, len(times) - 1)

    def place(number: float, value: float) -> tuple[float, float]:
        return _LEFT + wide * number / steps, _TOP + high * (1 - value / top)

    drawn = []
    for part in range(5):
        value = top * part / 4
        y = place(0, value)[1]
        drawn.append(element("line", x1=_LEFT, x2=_LEFT + wide, y1=y, y2=y, class_="grid"))
        said = value_text(value) if value_text else f"{value:,.0f}" if top >= 4 else f"{value:g}"
        drawn.append(element("text", said, x=_LEFT - 6, y=y + 4, text_anchor="end"))
    for part in range(5):
        number = round(steps * part / 4)
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        said = when(times[number]) if times else ""
        drawn.append(element("text", said, x=place(number, 0)[0], y=_HEIGHT - 6, text_anchor=anchor))
    for class_, values in lines:
        for run in _without_gaps(values):
            # A value with a gap on either side is drawn as a short line.
            whole = [place(n, v) for n, v in run] if run[1:] else [place(n + d, v) for n, v in run for d in (-0.2, 0.2)]
            drawn.append(element("polyline", points=_points(whole), class_=class_))
    return figure(_WIDTH, _HEIGHT, title, drawn, "chart")


def spark(values: Sequence[float], title: str) -> Markup:
    """Return a line without axes, for beside a figure."""
    top = max(values, default=0) or 1
    steps = max(1, len(values) - 1)
    places = [(120 * number / steps, 26 - 24 * value / top) for number, value in enumerate(values)]
    return figure(
        120, 28, title, [element("polyline", points=_points(places), class_="done")], "chart spark", stretched=True
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


def _nice(value: float) -> float:
    """Return the next number up that a scale likes to end with."""
    if value <= 0:
        return 4.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(factor * size for factor in (1, 2, 4, 5, 8, 10, 20) if factor * size >= value)
