"""A worker under control: it reads its letters between two turns of its loop, answers them, and minds the orders.

Commands that take microseconds run in the loop, so that they find the worker in one piece; the others, and those of
programs, run in a thread. A worker is asked for letters by its bell; while it is busy, when words may get lost, it
looks by itself.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from localq.execution.policy import Limits
from localq.model.clock import Clock
from localq.model.events import emit
from localq.model.hints import nearest
from localq.model.job import Job
from localq.model.orders import LIMITS, Letter, Order
from localq.model.rates import Rate, read_rate
from localq.store.protocol.store import Store
from localq.worker.autoscale import Autoscaler, Bounds
from localq.worker.control import Command, Panel, State, answers, changes, nok
from localq.worker.pool.contract import Pool

__all__ = ["WORD", "Control"]

#: What is said to a worker that has mail.
WORD = "control"
#: Seconds between looks into the mailbox: while bells ring but may have lost their words, and otherwise.
_BUSY_S = 0.01
_FLOOR_S = 0.5
#: Seconds between two thoughts about the pool's size.
_AUTOSCALE_S = 0.02
#: The modules that register LocalQ's own commands.
BUILT_IN = (changes, answers)


class _Worker(Protocol):
    """What control needs of the worker it belongs to."""

    app: Any
    store: Store
    clock: Clock
    pool: Pool

    @property
    def plan(self) -> Any: ...

    @property
    def stops(self) -> bool: ...

    def wake(self) -> None: ...

    def describe(self) -> None: ...


class _Answer(NamedTuple):
    letter: int
    text: str


class Control:
    """The control of one worker.

    Attributes:
        totals: The number of jobs received, by task.
        orders: The orders that hold; `limits`, the time limits among them, by task.
        samples: What memory was used when somebody asked (`memsample`), in KiB.
    """

    def __init__(self, worker: _Worker, bounds: Bounds | None = None) -> None:
        self._worker = worker
        self.totals: dict[str, int] = {}
        self.orders: tuple[Order, ...] = ()
        self.samples: list[int] = []
        self.began = worker.clock.steady()
        self._state = State(worker.app, worker.plan.name, worker)
        self._place: int | None = None
        self._told = self._maybe = False
        self._looked = 0.0
        self._scaled = 0.0
        self.autoscaler: Autoscaler | None = None
        self.limits: Mapping[str, Limits] = {}
        self._rates: dict[str, Rate] = {}
        self._rates_of: Any = None
        #: Appended to by threads.
        self._answers: deque[_Answer] = deque()
        if bounds is not None:
            self.autoscale(bounds)

    def begin(self) -> None:
        """Start: letters sent before now are not for this worker, orders are."""
        self._place = self._worker.store.take_control(self._worker.plan.name, None, self._worker.clock.now()).place
        self.obey(self._worker.store.orders())

    # Letters

    def hear(self, words: Collection[str]) -> None:
        """Take note that the bell rang."""
        self._maybe = True
        self._told = self._told or WORD in words

    def tend(self) -> None:
        """Read and answer what has come, and see to the pool's size."""
        steady = self._worker.clock.steady()
        if self._told or steady - self._looked >= (_BUSY_S if self._maybe else _FLOOR_S):
            self._told = self._maybe = False
            self._looked = steady
            mail = self._worker.store.take_control(self._worker.plan.name, self._place, self._worker.clock.now())
            self._place = mail.place
            for letter in mail.letters:
                self._execute(letter)
        if self._answers:
            self._send_answers()
        if self.autoscaler is not None and steady - self._scaled >= _AUTOSCALE_S:
            self._scaled = steady
            self._scale(self.autoscaler, steady)

    def _execute(self, letter: Letter) -> None:
        command = Panel.commands.get(letter.command)
        emit("control.received", worker=self._worker.plan.name, command=letter.command)
        if command is None:
            known = sorted(Panel.commands)
            self._answer(letter, nok(f"No such control command: {letter.command!r}.{nearest(letter.command, known)}"))
        elif command.quick:
            self._answer(letter, self._called(command, letter))
        else:
            name = f"LocalQ-control-{letter.command}"
            threading.Thread(target=self._call_aside, args=(command, letter), name=name, daemon=True).start()

    def _called(self, command: Command, letter: Letter) -> Any:
        try:
            return command.function(self._state, **json.loads(letter.arguments))
        except (Exception, SystemExit) as error:
            return nok(f"{type(error).__name__}: {error}")

    def _call_aside(self, command: Command, letter: Letter) -> None:
        self._answer(letter, self._called(command, letter))
        self._worker.wake()

    def _answer(self, letter: Letter, answer: Any) -> None:
        if letter.wants_reply:
            try:
                text = json.dumps(answer, default=repr)
            except (TypeError, ValueError) as error:
                text = json.dumps(nok(f"The answer cannot be written as JSON: {error}"))
            self._answers.append(_Answer(letter.key, text))

    def _send_answers(self) -> None:
        store, name = self._worker.store, self._worker.plan.name
        asked = []
        while self._answers:
            # It leaves the queue when it is written, should the store be locked.
            first = self._answers[0]
            store.reply(first.letter, name, first.text)
            self._answers.popleft()
            asked.append(f"{WORD}-{first.letter}")
        store.ring_waiters(asked)

    # Orders

    def obey(self, orders: Sequence[Order]) -> None:
        """Take over the orders that hold now."""
        if tuple(orders) == self.orders:
            return
        self.orders = tuple(orders)
        limits = {}
        for order in orders:
            if order.kind == LIMITS:
                # What no version of ours wrote must not stop a worker.
                with contextlib.suppress(TypeError, ValueError):
                    soft, hard = json.loads(str(order.value))
                    limits[order.name] = Limits(float(hard or 0), float(soft or 0))
        self.limits = limits

    def rates(self) -> Mapping[str, Rate] | None:
        """Return the rate limits that tasks have by themselves; None: no limits hold here, orders included."""
        app = self._worker.app
        if app.conf.worker_disable_rate_limits:
            return None
        read_from = (app.tasks.revision, app.conf.task_default_rate_limit)
        if read_from != self._rates_of:
            self._rates_of = read_from
            found = {name: _rate_of(task, read_from[1]) for name, task in app.tasks.items()}
            self._rates = {name: rate for name, rate in found.items() if rate is not None}
        return self._rates

    def received(self, jobs: Sequence[Job]) -> None:
        """Count jobs that were claimed."""
        totals = self.totals
        for job in jobs:
            totals[job.task] = totals.get(job.task, 0) + 1

    # The pool's size

    def autoscale(self, bounds: Bounds) -> None:
        """Keep the pool's size within bounds, by demand, from now on."""
        self.autoscaler = Autoscaler(bounds, self._worker.clock.steady())

    def resize(self, size: int) -> None:
        """Change the pool's size, and what the store says of it."""
        worker = self._worker
        if size != worker.pool.size:
            worker.pool.resize(size)
            worker.describe()

    def _scale(self, autoscaler: Autoscaler, steady: float) -> None:
        worker = self._worker
        if worker.stops:
            return
        size = worker.pool.size
        demand = len(worker.pool.in_hand())
        if demand >= size or size < autoscaler.bounds.fewest:
            plan = worker.plan
            demand += worker.store.backlog(plan.queues, plan.excluded, autoscaler.bounds.most)
        self.resize(autoscaler.size(size, demand, steady))


def _rate_of(task: Any, default: Any) -> Rate | None:
    given = default if task.rate_limit is None else task.rate_limit
    # Both were checked when they were set; what was put into a task's attribute later may be anything.
    with contextlib.suppress(ValueError):
        return read_rate(given)
    return None
