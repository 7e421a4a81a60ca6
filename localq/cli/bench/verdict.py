"""What the figures of `localq bench` mean for who runs jobs there, in sentences."""

from __future__ import annotations

from localq.cli.bench.measure import Figures, ServerFigures

__all__ = ["shown", "verdict"]

#: Calls a second below which a caller should know of other ways, and syncs above which it is no disk that answers.
_SLOW, _NO_DISK = 500, 100_000
#: The share of LocalQ's own work that nobody notices.
_UNNOTICED = 0.01


def verdict(figures: Figures | ServerFigures) -> list[str]:
    """Return sentences: what the disk or server allows and what each way around it costs, what a job costs, how soon
    it runs.
    """
    first = [*_disk(figures)] if isinstance(figures, Figures) else [*_server(figures)]
    return [*first, _work(figures), _latency(figures)]


def shown(figures: Figures | ServerFigures) -> list[tuple[str, str]]:
    """Return what was measured and its figure, for people, in the order in which a job meets it."""
    full, normal = figures.enqueue_full_per_s, figures.enqueue_normal_per_s
    if isinstance(figures, Figures):
        first = ("syncs of the disk", f"{_rate(figures.syncs_per_s)} a second, p99 {_ms(figures.sync_p99_ms)}")
    else:
        trip = f"p50 {_ms(figures.round_trip_p50_ms)}, p99 {_ms(figures.round_trip_p99_ms)}"
        first = ("to the server and back", trip)
    if normal is None:
        calls = [("calls", f"{_rate(full)} a second")]
    else:
        calls = [
            ("calls, durability='full'", f"{_rate(full)} a second"),
            ("calls, durability='normal'", f"{_rate(normal)} a second"),
        ]
    return [
        first,
        *calls,
        ("enqueue_many, 1,000 at a time", f"{_rate(figures.enqueue_many_per_s)} jobs a second"),
        (f"jobs run, {_slots(figures)}", f"{_rate(figures.drain_per_s)} a second"),
        ("from a call to its result", f"p50 {_ms(figures.result_p50_ms)}, p99 {_ms(figures.result_p99_ms)}"),
        ("processor time of a call", _ms(figures.enqueue_cpu_ms)),
        ("processor time of running a job", _ms(figures.run_cpu_ms)),
    ]


def _disk(figures: Figures) -> list[str]:
    syncs, full, normal = figures.syncs_per_s, figures.enqueue_full_per_s, figures.enqueue_normal_per_s
    if syncs > _NO_DISK:
        return [
            f"A sync takes {_ms(1000 / syncs)} here: memory answers, or a disk that does not wait until it has "
            "written. What is promised for a power cut holds as far as this place does."
        ]
    if full >= _SLOW:
        return [
            f"This disk syncs {_rate(syncs)} times a second: with durability='full', the default, a call takes "
            f"{_ms(1000 / full)}, with 'normal' {_ms(1000 / normal)}. Leave it at 'full'."
        ]
    return [
        f"This disk syncs {_rate(syncs)} times a second, and with durability='full', the default, each call waits "
        f"for it: {_rate(full)} calls a second.",
        "Where many jobs come at once use enqueue_many, which waits once for all of them: "
        f"{_rate(figures.enqueue_many_per_s)} jobs a second, and as safe.",
        f"With durability='normal' no call waits: {_rate(normal)} a second. A power cut may then lose the last "
        "moments' calls; a crash of a program loses none.",
    ]


def _server(figures: ServerFigures) -> list[str]:
    trip, full, normal = figures.round_trip_p50_ms, figures.enqueue_full_per_s, figures.enqueue_normal_per_s
    said = f"A question to this server takes {_ms(trip)}, a call {_ms(1000 / full)}"
    if normal is not None:
        said += f" with durability='full', the default, and {_ms(1000 / normal)} with 'normal'"
    return [
        f"{said}.",
        "Where many jobs come at once use enqueue_many, which asks once for all of them: "
        f"{_rate(figures.enqueue_many_per_s)} jobs a second, and as safe.",
    ]


def _work(figures: Figures | ServerFigures) -> str:
    cost = figures.enqueue_cpu_ms + figures.run_cpu_ms
    return (
        f"{_slots(figures)} run {_rate(figures.drain_per_s)} jobs a second that do nothing. A job costs {_ms(cost)} of "
        f"processor in all: beside {_ms(cost / _UNNOTICED)} of work that is one part in a hundred."
    )


def _latency(figures: Figures | ServerFigures) -> str:
    return (
        f"An idle worker has the result back {_ms(figures.result_p50_ms)} after the call, and "
        f"{_ms(figures.result_p99_ms)} after one in a hundred."
    )


def _slots(figures: Figures | ServerFigures) -> str:
    return f"{figures.slots} slot{'s' if figures.slots > 1 else ''}"


def _rate(value: float) -> str:
    """Return a rate; of a large one, two figures count."""
    if value < 1000:
        return f"{value:.1f}" if value < 10 else f"{value:.0f}"
    return f"{round(value, 2 - len(str(int(value)))):,.0f}"


def _ms(value: float) -> str:
    return f"{value * 1000:.0f} µs" if value < 0.01 else f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"
