"""Charts of counts over time: one line for what finished, one for what failed; and small ones for a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from localq.web.draw.svg import element, figure

__all__ = ["chart", "spark"]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 1000.0, 220.0, 46.0, 24.0, 10.0


def chart(
    times: Sequence[int], lines: Sequence[tuple[str, Sequence[float]]], when: Callable[[int], str], title: str
) -> Markup:
    """Return a chart of lines over the same times.

    Args:
        lines: Of each the class that it is drawn in, and its values.
        when: Says a time as it stands below the chart.
    """
    top = _nice(max((max(values, default=0) for _, values in lines), default=0))
    wide, high = _WIDTH - _LEFT - 8, _HEIGHT - _BOTTOM - _TOP
    steps = max(1, len(times) - 1)

    def place(number: int, value: float) -> tuple[float, float]:
        return _LEFT + wide * number / steps, _TOP + high * (1 - value / top)

    drawn = []
    for part in range(5):
        value = top * part / 4
        y = place(0, value)[1]
        drawn.append(element("line", x1=_LEFT, x2=_LEFT + wide, y1=y, y2=y, class_="grid"))
        drawn.append(
            element("text", f"{value:,.0f}" if top >= 4 else f"{value:g}", x=_LEFT - 6, y=y + 4, text_anchor="end")
        )
    for part in range(5):
        number = round(steps * part / 4)
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        said = when(times[number]) if times else ""
        drawn.append(element("text", said, x=place(number, 0)[0], y=_HEIGHT - 6, text_anchor=anchor))
    for class_, values in lines:
        drawn.append(element("polyline", points=_points([place(n, v) for n, v in enumerate(values)]), class_=class_))
    return figure(_WIDTH, _HEIGHT, title, drawn, "chart")


def spark(values: Sequence[float], title: str) -> Markup:
    """Return a line without axes, for beside a figure."""
    top = max(values, default=0) or 1
    steps = max(1, len(values) - 1)
    places = [(120 * number / steps, 26 - 24 * value / top) for number, value in enumerate(values)]
    return figure(120, 28, title, [element("polyline", points=_points(places), class_="done")], "chart spark")


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _nice(value: float) -> float:
    """Return the next number up that a scale likes to end with."""
    if value <= 0:
        return 4.0
    size = 10.0 ** (len(str(int(value))) - 1)
    return next(factor * size for factor in (1, 2, 4, 5, 8, 10) if factor * size >= value)
