"""Where a value is inside the one being written: for the depth allowed, and for the path in an error."""

from __future__ import annotations

from typing import Any, NoReturn

from localq.exceptions import EncodeError
from localq.serialization.tagged_json.types import brief

__all__ = ["Place", "Step", "deeper", "fail", "path"]

#: Where a value is: (place of its container, step from there, that container, levels left for containers).
#: The outermost has no container: (None, its name, the levels there are in all, levels left for containers).
Place = tuple[Any, object, object, int]


class Step(str):
    """A step of a path that is shown as it is, unlike an index or a key."""


def deeper(at: Place) -> int:
    """Return the levels left inside the container at this place; refuse the container when there are none."""
    if at[3] > 0:
        return at[3] - 1
    places: list[Any] = [at]
    while places[-1][0] is not None:
        places.append(places[-1][0])
    seen: set[int] = set()
    for parent, _, container, _ in reversed(places):
        if parent is not None and id(container) in seen:
            raise EncodeError(f"{path(parent)}: this value contains itself, which JSON cannot say; flatten it")
        seen.add(id(container))
    raise EncodeError(
        f"{path(at)}: containers are nested more than {places[-1][2]} deep; "
        "flatten the value, or raise localq.serialization.codec.MAX_DEPTH"
    )


def fail(at: Place, kind: type, advice: str) -> NoReturn:
    """Refuse a value, whose type is `kind`."""
    raise EncodeError(f"{path(at)}: cannot write {brief(kind)} as JSON; {advice}")


def path(at: Place) -> str:
    """Show a place as the user would write it: `args[0]['a'].name`."""
    steps: list[str] = []
    place: Any = at
    while place[0] is not None:
        steps.append(place[1] if isinstance(place[1], Step) else f"[{brief(place[1], 40)}]")
        place = place[0]
    steps.append(place[1])
    text = "".join(reversed(steps))
    return text if len(text) <= 300 else f"{text[:150]}...{text[-100:]}"
