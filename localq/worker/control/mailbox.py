"""The mailbox of a worker: it reads its letters between two turns of its loop, and answers them.

Commands that take microseconds run in the loop, so that they find the worker in one piece; the others, and those of
programs, run in a thread. A worker is asked for letters by its bell; while it is busy, when words may get lost, it
looks by itself.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, NamedTuple

from localq.model.clock import Clock
from localq.model.events import emit
from localq.model.hints import nearest
from localq.model.ids import new_id
from localq.model.orders import MAIL, Letter
from localq.store.protocol import Store
from localq.worker.control import Command, Later, Panel, State, answers, changes, nok, printed

__all__ = ["Mailbox"]

#: Seconds between looks into the mailbox: while bells ring but may have lost their words, and otherwise.
_BUSY_S = 0.01
_FLOOR_S = 0.5
#: The modules that register LocalQ's own commands.
BUILT_IN = (changes, answers, printed)


class _Answer(NamedTuple):
    letter: int
    text: str


class Mailbox:
    """The letters of one worker, and its answers.

    Args:
        state: What commands are told of the worker.
        wake: Ends the wait of its loop; from any thread.
    """

    def __init__(self, state: State, store: Store, clock: Clock, wake: Callable[[], None]) -> None:
        self._state, self._store, self._clock, self._wake = state, store, clock, wake
        self._place: int | None = None
        self._token = new_id()
        self._told = self._maybe = False
        self._looked = 0.0
        #: Appended to by threads.
        self._answers: deque[_Answer] = deque()

    def begin(self) -> None:
        """Start: letters sent before now are not for this worker."""
        self._place = self._store.mail.take(self._state.hostname, None, self._clock.now()).place

    def hear(self, words: Collection[str]) -> None:
        """Take note that the bell rang."""
        self._maybe = True
        self._told = self._told or MAIL in words

    def tend(self) -> None:
        """Read and answer what has come."""
        steady = self._clock.steady()
        if self._told or steady - self._looked >= (_BUSY_S if self._maybe else _FLOOR_S):
            self._told = self._maybe = False
            self._looked = steady
            mail = self._store.mail.take(self._state.hostname, self._place, self._clock.now())
            self._place = mail.place
            for letter in mail.letters:
                self._execute(letter)
        if self._answers:
            self._send_answers()

    def _execute(self, letter: Letter) -> None:
        command = Panel.commands.get(letter.command)
        emit("control.received", worker=self._state.hostname, command=letter.command)
        if command is None:
            known = sorted(Panel.commands)
            self._answer(letter, nok(f"No such control command: {letter.command!r}.{nearest(letter.command, known)}"))
        elif command.quick:
            answer = self._called(command, letter)
            if isinstance(answer, Later):
                self._call_aside(letter, answer.answer)
            else:
                self._answer(letter, answer)
        else:
            self._call_aside(letter, partial(self._called, command, letter))

    def _called(self, command: Command, letter: Letter) -> Any:
        try:
            return command.function(self._state, **json.loads(letter.arguments))
        except (Exception, SystemExit) as error:
            return nok(f"{type(error).__name__}: {error}")

    def _call_aside(self, letter: Letter, call: Callable[[], Any]) -> None:
        def answer() -> None:
            self._answer(letter, call())
            self._wake()

        threading.Thread(target=answer, name=f"LocalQ-control-{letter.command}", daemon=True).start()

    def _answer(self, letter: Letter, answer: Any) -> None:
        if letter.wants_reply:
            try:
                text = json.dumps(answer, default=repr)
            except (TypeError, ValueError) as error:
                text = json.dumps(nok(f"The answer cannot be written as JSON: {error}"))
            self._answers.append(_Answer(letter.key, text))

    def _send_answers(self) -> None:
        store, name = self._store, self._state.hostname
        while self._answers:
            # It leaves the queue when it is written, should the store be locked.
            first = self._answers[0]
            store.mail.answer(first.letter, name, first.text, self._token)
            self._answers.popleft()
