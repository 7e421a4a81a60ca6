"""What a page says of the change before it: by number, so that no link makes it say anything else."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

from starlette.datastructures import QueryParams

__all__ = ["SAID", "said_in", "with_said"]

_SAID, _COUNT = "said", "n"
#: Sentences that a page may be asked to say.
SAID = (
    "{n} jobs run again.",
    "Only finished jobs run again.",
    "{n} jobs are cancelled.",
    "They had finished already.",
    "The queue is paused.",
    "It was paused already.",
    "The queue goes on.",
    "It was not paused.",
    "{n} jobs wait there by now, more than you were shown. None was removed.",
    "{n} jobs are removed.",
    "No job waited there.",
    "The worker takes one more job at a time.",
    "The worker takes one job less at a time.",
    "The worker serves that queue.",
    "The worker serves that queue no more.",
    "The worker stops when what it runs has finished.",
    "The schedule is added.",
    "The schedule is changed.",
    "The schedule rests until it is resumed.",
    "The schedule goes on.",
    "The schedule has fired.",
    "{n} instants have fired.",
    "No instant of that time is left to fire.",
    "The schedule is removed.",
    "{n} jobs are deleted.",
    "Only finished jobs that none waits for are deleted.",
)


def with_said(path: str, text: str, count: int) -> str:
    """Return an address at which a page says a sentence."""
    parted, _, query = path.partition("?")
    fields = {name: values for name, values in parse_qs(query).items() if name not in (_SAID, _COUNT)}
    if text in SAID:
        fields |= {_SAID: [str(SAID.index(text))], _COUNT: [str(count)]}
    return f"{parted}?{urlencode(fields, doseq=True)}"


def said_in(query: QueryParams) -> tuple[str, int] | None:
    """Return the sentence that an address asks a page to say, and its number."""
    said, count = query.get(_SAID, ""), query.get(_COUNT, "0")
    if not (said.isascii() and said.isdigit() and count.isascii() and count.isdigit() and len(said + count) < 14):
        return None
    return (SAID[int(said)], int(count)) if int(said) < len(SAID) else None
