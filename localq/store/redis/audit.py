"""Whether the keys of a store agree with each other: read-only, for tests after a crash, and for `localq doctor`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from localq.model.edges import OnError
from localq.model.job import JobState
from localq.model.orders import PARKED_AT
from localq.store.redis.keys import MINUTE_US
from localq.store.redis.rows import pairs
from localq.store.redis.server import RedisServer

__all__ = ["Contents", "contents", "faults"]

#: Keys asked for at once.
_AT_ONCE = 1000
_READ: dict[bytes, Callable[[bytes], tuple[Any, ...]]] = {
    b"string": lambda key: ("STRLEN", key),
    b"hash": lambda key: ("HGETALL", key),
    b"list": lambda key: ("LRANGE", key, 0, -1),
    b"set": lambda key: ("SMEMBERS", key),
    b"zset": lambda key: ("ZRANGE", key, 0, -1, "WITHSCORES"),
}
Fields = Mapping[str, str]


class Contents(NamedTuple):
    """All that a store's keys hold, by their names without the prefix, as text; of strings their length."""

    hashes: dict[str, dict[str, str]]
    lists: dict[str, list[str]]
    sets: dict[str, set[str]]
    zsets: dict[str, dict[str, int]]
    strings: dict[str, int]

    @property
    def jobs(self) -> dict[str, Fields]:
        """The hashes of jobs, by id."""
        return {name[2:]: fields for name, fields in self.hashes.items() if name.startswith("j:")}

    def named(self, kind: str) -> dict[str, Any]:
        """Return what keys of a kind hold, by what follows the colon."""
        found: dict[str, Any] = {}
        for held in (self.hashes, self.lists, self.sets, self.zsets, self.strings):
            found |= {name[len(kind) + 1 :]: value for name, value in held.items() if name.startswith(f"{kind}:")}
        return found


def contents(server: RedisServer) -> Contents:
    """Read all keys of a store; what is written meanwhile may be there or not."""
    prefix = server.key("")
    names = sorted(set(_names(server, prefix)))
    found = Contents({}, {}, {}, {}, {})
    for first in range(0, len(names), _AT_ONCE):
        some = names[first : first + _AT_ONCE]
        kinds = [
            kind if isinstance(kind, bytes) else kind.encode() for kind in server.ask(*(("TYPE", n) for n in some))
        ]
        there = [(name, kind) for name, kind in zip(some, kinds, strict=True) if kind in _READ]
        for (name, kind), value in zip(there, server.ask(*(_READ[k](n) for n, k in there)), strict=True):
            _put(found, _text(name)[len(prefix) :], kind, value)
    return found


def _names(server: RedisServer, prefix: str) -> Iterator[bytes]:
    pattern = prefix.replace("{", "[{]").replace("}", "[}]") + "*"
    cursor = b"0"
    while True:
        cursor, found = server.one("SCAN", cursor, "MATCH", pattern, "COUNT", _AT_ONCE)
        yield from found
        if cursor == b"0":
            return


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _put(found: Contents, name: str, kind: bytes, value: Any) -> None:
    if kind == b"string":
        found.strings[name] = value
    elif kind == b"hash":
        found.hashes[name] = {_text(field): _text(held) for field, held in pairs(value).items()}
    elif kind == b"list":
        found.lists[name] = [_text(one) for one in value]
    elif kind == b"set":
        found.sets[name] = {_text(one) for one in value}
    else:
        found.zsets[name] = {_text(member): int(float(score)) for member, score in pairs(value).items()}


def faults(held: Contents) -> list[str]:
    """Return what does not agree, a sentence each."""
    jobs = held.jobs
    checks = (_places, _counts, _order, _finished, _workflows, _edges, _belongings, _workers)
    return list(chain.from_iterable(check(held, jobs) for check in checks))


def _state(fields: Fields) -> JobState:
    return JobState(int(fields["s"]))


def _run_at(fields: Fields) -> int:
    return int(fields.get("r", fields["i"]))


def _rank(fields: Fields) -> int:
    return (9 - int(fields.get("p", 0))) * (1 << 49) + int(fields["k"])


def _place(fields: Fields, held: Contents, job_id: str) -> Iterator[tuple[str, int]]:
    """Yield the sorted sets that a job is to be in, with its score there."""
    state, queue, key = _state(fields), fields["q"], int(fields["k"])
    apart = f"{queue}\0{fields['t']}"
    if state == JobState.READY:
        yield f"r:{apart if job_id in held.zsets.get(f'r:{apart}', ()) else queue}", _rank(fields)
    elif state == JobState.SCHEDULED:
        parked = _run_at(fields) == PARKED_AT
        yield (f"P:{apart}", _rank(fields)) if parked else (f"d:{queue}", _run_at(fields))
    elif state == JobState.WAITING:
        yield f"w:{queue}", key
        if not int(fields.get("w", 0)):
            yield "stuck", key
    elif state in (JobState.FAILED, JobState.CANCELLED):
        yield f"x:{state:d}", key
    if "h" in fields:
        yield f"hs:{fields['h']}", key


def _places(held: Contents, jobs: Mapping[str, Fields]) -> Iterator[str]:
    """Check that each job is in the sets that its state says, and in no other."""
    expected: dict[str, dict[str, int]] = defaultdict(dict)
    running: dict[str, dict[str, str]] = defaultdict(dict)
    for job_id, fields in jobs.items():
        for name, score in _place(fields, held, job_id):
            expected[name][job_id] = score
        if _state(fields) == JobState.RUNNING:
            running[fields["o"]][job_id] = fields["n"]
    actual = {
        name: value for name, value in held.zsets.items() if name.split(":")[0] in ("r", "d", "w", "P", "x", "hs")
    }
    actual |= {"stuck": held.zsets["stuck"]} if "stuck" in held.zsets else {}
    for name in sorted(actual.keys() | expected.keys()):
        yield from _compared(name, actual.get(name, {}), expected.get(name, {}))
    owned = held.named("h")
    for worker in sorted(owned.keys() | running.keys()):
        told = {job_id: token.rstrip("+") for job_id, token in owned.get(worker, {}).items()}
        yield from _compared(f"h:{worker}", told, running.get(worker, {}))
    for name, kind in (("parked", "P"), ("apart", "r")):
        wanted = {one for one in held.named(kind) if "\0" in one}
        yield from _compared(name, dict.fromkeys(held.sets.get(name, ()), 0), dict.fromkeys(wanted, 0))


def _compared(name: str, actual: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    for one in sorted(actual.keys() | expected.keys()):
        if actual.get(one) != expected.get(one):
            yield f"{name!r} has {actual.get(one)} of {one!r}; it should be {expected.get(one)}"


def _counts(held: Contents, jobs: Mapping[str, Fields]) -> Iterator[str]:
    """Check that counts are those of the jobs there are."""
    by_state = Counter(f"{fields['s']}:{fields['q']}" for fields in jobs.values())
    open_ones = [fields for fields in jobs.values() if _state(fields) < JobState.RUNNING]
    by_task = Counter(f"{fields['q']}\0{fields['t']}" for fields in open_ones)
    for name, expected in (("n", by_state), ("t", by_task)):
        actual = {field: int(count) for field, count in held.hashes.get(name, {}).items() if int(count)}
        yield from _compared(name, actual, expected)
    missing = {fields["q"] for fields in jobs.values()} - held.sets.get("q", set())
    yield from (f"'q' does not name {queue!r}" for queue in sorted(missing))


def _order(held: Contents, jobs: Mapping[str, Fields]) -> Iterator[str]:
    """Check that keys lead to jobs, and lists by task have all of theirs in order."""
    chunks: dict[str, str] = {}
    for number, chunk in held.named("c").items():
        chunks |= {str(int(number) * 128 + int(place)): job_id for place, job_id in chunk.items()}
    yield from _compared("c", chunks, {fields["k"]: job_id for job_id, fields in jobs.items()})
    yield from _compared("cz", held.zsets.get("cz", {}), {number: int(number) for number in held.named("c")})
    by_task: dict[str, list[int]] = defaultdict(list)
    for fields in jobs.values():
        by_task[fields["t"]].append(int(fields["k"]))
    for task, keys in by_task.items():
        # A task may be another by now: the list is of the one it was added for.
        listed = set(map(int, chain.from_iterable(held.named("i").values())))
        yield from (f"no list of {task!r} has the key {key}" for key in keys if key not in listed)
    for task, listed_keys in held.named("i").items():
        if list(map(int, listed_keys)) != sorted(set(map(int, listed_keys))):
            yield f"'i:{task}' is not in order"


def _finished(held: Contents, jobs: Mapping[str, Fields]) -> Iterator[str]:
    """Check that what is over is found by the minute, and by prune."""
    again = set(held.zsets.get("fk", {}))
    over, ended = held.named("f"), held.named("F")
    for job_id, fields in jobs.items():
        final = _state(fields).final
        if final != ("f" in fields):
            yield f"{job_id!r} is {_state(fields).name} and finished at {fields.get('f')}"
        if not final or "f" not in fields:
            continue
        minute = str(int(fields["f"]) // MINUTE_US)
        if fields["k"] not in ended.get(minute, ()):
            yield f"'F:{minute}' has no {job_id!r}"
        if "g" not in fields and fields["k"] not in over.get(minute, ()) and fields["k"] not in again:
            yield f"prune does not find {job_id!r}"
    entries = set(chain.from_iterable(over.values())) | again
    open_ones = held.hashes.get("go", {})
    for workflow in held.named("g"):
        if workflow not in open_ones and f"g{workflow}" not in entries:
            yield f"prune does not find the workflow {workflow!r}"
    missing = (over.keys() | ended.keys()) - held.zsets.get("fm", {}).keys()
    yield from (f"'fm' does not name the minute {minute}" for minute in sorted(missing))


def _workflows(held: Contents, jobs: Mapping[str, Fields]) -> Iterator[str]:
    members: dict[str, set[str]] = defaultdict(set)
    unfinished: Counter[str] = Counter()
    for job_id, fields in jobs.items():
        if "g" in fields:
            members[fields["g"]].add(job_id)
            unfinished[fields["g"]] += not _state(fields).final
    listed = held.named("g")
    for workflow in sorted(listed.keys() | members.keys()):
        if set(listed.get(workflow, ())) != members[workflow]:
            yield f"'g:{workflow}' has {listed.get(workflow)}; it should have {sorted(members[workflow])}"
    actual = {workflow: int(count) for workflow, count in held.hashes.get("go", {}).items()}
    yield from _compared("go", actual, {one: count for one, count in unfinished.items() if count})


def _ties(held: Contents, job_id: str, fields: Fields, field: str) -> Sequence[str]:
    one = fields.get(field)
    return held.lists.get(f"{field}:{job_id}", ()) if one == "*" else () if one is None else (one,)


def _edges(held: Contents, jobs: Mapping[str, Fields]) -> Iterator[str]:
    """Check that edges are known on both sides, and counts of what is waited for are right."""
    forth, back = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for job_id, fields in jobs.items():
        edges = _ties(held, job_id, fields, "e")
        forth.update((job_id, one[3:], one[:2]) for one in edges if one[2] == ".")
        back.update((one[3:], job_id, one[:2]) for one in _ties(held, job_id, fields, "b"))
        yield from _waits(job_id, fields, edges, jobs)
    yield from (f"{one[1]!r} does not know that {one[0]!r} waits for it" for one in forth - back)
    yield from (f"{one[0]!r} does not know that it waits for {one[1]!r}" for one in back - forth)


def _waits(job_id: str, fields: Fields, edges: Iterable[str], jobs: Mapping[str, Fields]) -> Iterator[str]:
    if _state(fields) != JobState.WAITING:
        return
    waits = int(fields.get("w", 0))
    unfinished = sum(one[2] == "." and one[3:] in jobs and not _state(jobs[one[3:]]).final for one in edges)
    fails = any(int(one[1]) == OnError.FAIL for one in edges)
    if waits and waits != unfinished:
        yield f"{job_id!r} waits for {waits} jobs, of which {unfinished} are unfinished"
    if not waits and "u" not in fields:
        yield f"{job_id!r} waits for nothing, and has no culprit"
    if not waits and unfinished and not fails:
        yield f"{job_id!r} does not wait for {unfinished} unfinished jobs"


def _belongings(held: Contents, jobs: Mapping[str, Fields]) -> Iterator[str]:
    """Check that what is kept of a job beside its hash belongs to one that says so."""
    for kind, field in (("p", "L"), ("m", "m"), ("e", "e"), ("b", "b"), ("a", None)):
        for job_id in held.named(kind):
            fields = jobs.get(job_id)
            if fields is None or (field is not None and field not in fields):
                yield f"'{kind}:{job_id}' belongs to no job"
    for job_id, fields in jobs.items():
        if "L" in fields and held.strings.get(f"p:{job_id}") != int(fields["L"]):
            yield f"'p:{job_id}' has {held.strings.get(f'p:{job_id}')} bytes, not {fields['L']}"


def _workers(held: Contents, jobs: Mapping[str, Fields]) -> Iterator[str]:
    """Check that each worker is there or gone, and who holds jobs is known."""
    known, there, gone = held.hashes.get("wk", {}).keys(), held.zsets.get("wl", {}), held.zsets.get("wg", {})
    for worker in sorted(known | there.keys() | gone.keys() | held.named("h").keys()):
        if worker not in known or (worker in there) == (worker in gone):
            yield f"worker {worker} is known: {worker in known}, there: {worker in there}, gone: {worker in gone}"
