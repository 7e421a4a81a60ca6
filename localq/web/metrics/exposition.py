"""Prometheus' text format. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

__all__ = ["BUCKETS", "Family", "Names", "histogram", "text_of"]

#: Upper bounds of the buckets of histograms, in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
OTHERS = "(others)"

Sample = tuple[str, Mapping[str, str], float]


class Family(NamedTuple):
    """Samples of one name: each with what is added to that, its labels, and its value."""

    name: str
    kind: str
    help: str
    samples: Sequence[Sample]


class Names:
    """Values of a label, which are never more than so many: those that come later are others.

    Who is let in stays in, so that no counter ever falls.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def of(self, name: str) -> str:
        """Return the value of the label for a name."""
        if name not in self._known:
            if len(self._known) >= self._most:
                return OTHERS
            self._known.add(name)
        return name


def histogram(labels: Mapping[str, str], spans: Mapping[float, int], total: float) -> list[Sample]:
    """Return the samples of a histogram.

    Args:
        spans: How many there were of each length, in seconds.
        total: The sum of all, in seconds.
    """
    found: list[Sample] = []
    for bound in BUCKETS:
        below = sum(count for span, count in spans.items() if span <= bound)
        found.append(("_bucket", {**labels, "le": f"{bound:g}"}, below))
    count = sum(spans.values())
    found.append(("_bucket", {**labels, "le": "+Inf"}, count))
    return [*found, ("_count", labels, count), ("_sum", labels, total)]


def text_of(families: Iterable[Family]) -> str:
    """Return families as text; those without samples say what they would be."""
    lines = []
    for family in families:
        lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]
        for more, labels, value in family.samples:
            said = ",".join(f'{name}="{_escaped(text)}"' for name, text in sorted(labels.items()))
            lines.append(f"{family.name}{more}{f'{{{said}}}' if said else ''} {float(value)!r}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
