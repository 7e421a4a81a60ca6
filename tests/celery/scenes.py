"""Small programs about tasks, in words that both sides know: each is given an app, and returns what came of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

__all__ = ["DIFFERENCES", "SCENES", "Stage"]


class Stage(NamedTuple):
    """An app, the module it is of (`celery`, `localq`) with its signals, and what runs what was sent to its end."""

    app: Any
    module: Any
    signals: Any
    settle: Callable[[], None]

    def warned(self, do: Callable[[], Any]) -> tuple[Any, list[str]]:
        """Return what a function returns, and the classes of what it warns of."""
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            return do(), [one.category.__name__ for one in told]


RETRIES: list[tuple[Any, Any, Any]] = [
    ((1,), {"y": 2}, {}),
    ((), {"x": 1, "y": 5}, {"kwargs": {"x": 2}}),
    ((1, 2), {}, {"kwargs": {"y": 5}}),
    ((1, 2), {"z": 3}, {"kwargs": {"y": 5}}),
    ((1, 2), {"z": 3}, {"args": (9,)}),
    ((), {"x": 1, "z": 3}, {"args": (9,)}),
    ((1,), {"y": 2}, {"args": (9,), "kwargs": {}}),
    ((1, 2, 3), {}, {"args": (9,), "kwargs": {"z": 4}}),
    ((1, 2, 3), {}, {"args": ()}),
    ((1, 2, 3), {}, {"kwargs": {}}),
]


def retried_arguments(at: Stage) -> Any:
    """Retry with other arguments."""
    ran: list[Any] = []

    @at.app.task(bind=True, name="retried")
    def work(self: Any, x: int = 0, y: int = 0, z: int = 0, again: Any = None, number: int = 0) -> None:
        if self.request.retries:
            ran.append([number, x, y, z])
        else:
            raise self.retry(countdown=0, **RETRIES[number][2])

    for number, (args, kwargs, _) in enumerate(RETRIES):
        # What says which row it is comes with the keywords, and goes where they go.
        work.apply_async(args, {**kwargs, "number": number})
        at.settle()
    return ran


def unthrown_retries(at: Stage) -> Any:
    """Retry several times in one run, and go on."""
    ran: list[Any] = []

    @at.app.task(bind=True, name="unthrown")
    def work(self: Any, names: list[str]) -> str:
        ran.append([self.request.retries, *names])
        if not self.request.retries:
            for name in names:
                self.retry(args=([name],), countdown=0, throw=False)
        return "done"

    result = work.delay(["a", "b", "c"])
    at.settle()
    return sorted(ran), result.state


def hooks(at: Stage) -> Any:
    """Write down the hooks of a run that is retried and fails."""
    heard: list[Any] = []

    class Told(at.module.Task):  # type: ignore[name-defined, misc]
        def on_retry(self, *args: Any) -> None:
            heard.append("on_retry")

        def on_failure(self, *args: Any) -> None:
            heard.append("on_failure")

        def after_return(self, status: str, *args: Any) -> None:
            heard.append(["after_return", status])

    @at.app.task(bind=True, base=Told, name="told", max_retries=1)
    def work(self: Any) -> None:
        raise self.retry(exc=KeyError("x"), countdown=0)

    work.delay()
    at.settle()
    return heard


def own_sending(at: Stage) -> Any:
    """Write down what an overridden `apply_async` is asked, and what it gives."""
    asked: list[Any] = []

    class Tenant(at.module.Task):  # type: ignore[name-defined, misc]
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            plain = ["id" if isinstance(one, str) and len(one) > 30 else one for one in args or ()]
            asked.append([*plain, options.get("retries", 0), options.get("mine")])
            options.pop("mine", None)
            return super().apply_async(args, kwargs, **{**options, "headers": {"tenant": "a"}})

    @at.app.task(bind=True, base=Tenant, name="who")
    def who(self: Any, *args: Any) -> Any:
        if args[:1] == ("again",) and not self.request.retries:
            raise self.retry(countdown=0)
        return [self.request.get("tenant"), self.request.retries]

    @at.app.task(name="plain")
    def plain(fails: bool = False) -> int:
        if fails:
            raise KeyError("x")
        return 5

    results = [
        who.delay(1),
        who.apply_async((2,), mine="yes"),
        who.s(3).delay(),
        who.s(4).apply_async(),
        at.module.group([who.s(5), who.s(6)])()[1],
        at.module.chain(plain.si(), who.si(7))(),
        at.module.chord([who.s(8), plain.si()])(who.si(9)),
        who.delay("again"),
    ]
    plain.apply_async(link=who.s(10))
    plain.apply_async((True,), link_error=who.s(11))
    at.settle()
    return sorted(asked, key=repr), [one.get(timeout=10, disable_sync_subtasks=False) for one in results]


def publishing(at: Stage) -> Any:
    """Write down what is told of what is sent, and change it."""
    told: list[Any] = []

    def before(sender: str, headers: Any, body: Any, **_: Any) -> None:
        if not sender.startswith("published"):
            return
        plain = ["id" if isinstance(one, str) and len(one) > 30 else one for one in body[0]]
        told.append([sender, headers["retries"], plain])
        headers["trace"] = "t"
        body[1]["schema"] = "public"

    @at.app.task(bind=True, name="published")
    def work(self: Any, what: Any, *more: Any, schema: str = "none") -> Any:
        if what == "again" and not self.request.retries:
            raise self.retry(countdown=0)
        if what == "fails":
            raise KeyError("x")
        return [self.request.get("trace"), schema]

    @at.app.task(bind=True, name="published host")
    def host(self: Any, schema: str = "none") -> Any:
        raise self.replace(work.si("replaced"))

    at.signals.before_task_publish.connect(before)
    try:
        results = [work.delay(1), work.delay("again"), host.delay()]
        work.apply_async((2,), link=work.s(3))
        work.apply_async(("fails",), link_error=work.s(4))
        at.settle()
    finally:
        at.signals.before_task_publish.disconnect(before)
    return sorted(told, key=repr), [one.get(timeout=10) for one in results]


def definitions(at: Stage) -> Any:
    """Define what is odd, and call it."""
    (one, two), early = at.warned(lambda: (at.app.task(name="same")(_one), at.app.task(name="same")(_two)))
    # Celery makes its tasks only when they are used.
    _, late = at.warned(lambda: (one.name, two.name))
    odd, _ = at.warned(lambda: at.app.task(name="odd", soft_time_limit=5, time_limit=4, once=True)(_one))
    try:
        odd.delay()
        refused = None
    except ValueError:
        refused = "ValueError"
    return one(), two(), early + late, odd.once, odd(), refused


def _one() -> int:
    return 1


def _two() -> int:
    return 2


def app_class(at: Stage) -> Any:
    """Put another class in the place of the app's."""

    @at.app.task(name="early")
    def early() -> str:
        return "ran"

    class Context(at.app.Task):  # type: ignore[name-defined, misc]
        abstract = True

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return ["context", self.run(*args, **kwargs)]

    at.app.Task = Context

    @at.app.task(name="late")
    def late() -> str:
        return "ran"

    results = [early.delay(), late.delay()]
    at.settle()
    return [one.get(timeout=10) for one in results]


def stamps(at: Stage) -> Any:
    """Write down what tasks get of stamps."""
    seen: list[Any] = []

    @at.app.task(bind=True, name="stamped", shared=False)
    def work(self: Any) -> None:
        seen.append(dict(sorted((self.request.stamps or {}).items())))

    for given in ({"customer": 5}, {"tags": ["a", "b"]}, {"day": date(2026, 3, 1), "id": UUID(int=5)}):
        for sig in (work.si(), at.module.chain(work.si(), at.module.group(work.si(), work.si()))):
            sig.stamp(**given)
            sig.apply_async()
            at.settle()
    work.apply_async(headers={"day": date(2026, 3, 1)}, stamped_headers=["one"], one=1)
    at.settle()
    return seen


def later_steps(at: Stage) -> Any:
    """Write down what an overridden `apply_async` is asked for the steps of a chain."""
    asked: list[Any] = []

    class Own(at.module.Task):  # type: ignore[name-defined, misc]
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            asked.append(list(args or ()))
            return super().apply_async(args, kwargs, **options)

    @at.app.task(base=Own, name="own")
    def own(*args: int) -> int:
        return sum(args)

    result = at.module.chain(own.s(1), own.s(2))()
    at.settle()
    return asked, result.get(timeout=10)


def ids_of_unthrown_retries(at: Stage) -> Any:
    """Count the ids of the runs that retries lead to which are not thrown."""
    ids: list[str] = []

    @at.app.task(bind=True, name="unthrown")
    def work(self: Any) -> None:
        ids.append(self.request.id)
        for _ in range(0 if self.request.retries else 3):
            self.retry(countdown=0, throw=False)

    work.delay()
    at.settle()
    return len(ids), len(set(ids))


def defined_again(at: Stage) -> Any:
    """Define the same function again."""
    made = []
    for number in (1, 2):
        scope: dict[str, Any] = {"__name__": "notebook"}
        exec(f"def cell(): return {number}", scope)
        task, _ = at.warned(lambda scope=scope: at.app.task(name="cell")(scope["cell"]))
        at.warned(lambda task=task: task.name)
        made.append(task)
    return [task() for task in made]


#: What is different on purpose: what comes of it on Celery, and here.
DIFFERENCES: list[tuple[Callable[[Stage], Any], Any, Any]] = [
    (later_steps, ([[1], [1, 2]], 3), ([[1], [2]], 3)),
    (ids_of_unthrown_retries, (4, 1), (4, 4)),
    (defined_again, [1, 1], [1, 2]),
]
SCENES = [app_class, retried_arguments, unthrown_retries, hooks, own_sending, publishing, definitions, stamps]
