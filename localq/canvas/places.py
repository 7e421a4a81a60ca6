"""Where a signature stands in a workflow: what it waits for, and what it hears as the body of a chord."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from localq.canvas.signatures import Signature
from localq.canvas.stamping import listed

__all__ = ["NO_OPTIONS", "Body", "Ends", "Place"]

NO_OPTIONS: Mapping[str, Any] = {}


class Ends(NamedTuple):
    """What a next job waits for: one job, or several whose results make a list."""

    ids: tuple[str, ...]
    many: bool = False
    on_error: str = "fail"


class Body(NamedTuple):
    """What a signature hears as the body of a chord, when that's header fails.

    Attributes:
        after: The jobs that the chord waits for: their failures are not the header's.
        wrapped: The failure is told as a ChordError; a group that is a body hears it as it is.
        whole: A chain's first step hears it as it would its own; else the error callbacks of the chain hear it alone.
        errbacks: The error callbacks that hear it; None: all.
        outer: What it hears of the header of a chord whose body the chord is in turn.
    """

    after: tuple[str, ...] = ()
    wrapped: bool = True
    whole: bool = False
    errbacks: tuple[Any, ...] | None = None
    outer: Body | None = None

    def of_chain(self, errbacks: Any) -> Body:
        """Return what is heard of it by the first step of a chain that has error callbacks."""
        outer = None if self.outer is None else self.outer.of_chain(errbacks)
        heard = self.errbacks if self.whole or self.errbacks is not None else tuple(listed(errbacks))
        return self._replace(errbacks=heard, outer=outer)

    def said(self, sig: Signature[Any]) -> dict[str, Any]:
        """Return it as an option of a job: of the job's error callbacks those that hear it, by number."""
        said: dict[str, Any] = {"after": list(self.after), "wrapped": self.wrapped}
        if self.outer is not None:
            said["outer"] = self.outer.said(sig)
        if self.errbacks is not None:
            own = listed(sig.options.get("link_error"))
            said["told"] = [number for number, one in enumerate(own) if one in self.errbacks]
        return said


class Place(NamedTuple):
    """Where a signature stands in a workflow, and what it is given there beside what it says itself."""

    before: Ends | None = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = NO_OPTIONS
    options: Mapping[str, Any] = NO_OPTIONS
    #: The workflow ends with it.
    last: bool = False
    #: The group of which its last job is a member.
    group_id: str | None = None
    #: It is the body of a chord.
    body: Body | None = None
    #: It is a step of a chain.
    in_chain: bool = False
