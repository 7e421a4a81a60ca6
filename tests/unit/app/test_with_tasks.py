from __future__ import annotations

import copy
import functools
import gc
import operator
import pickle
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, Retry, Task, current, current_app, current_task, shared_task
from localq.exceptions import DuplicateTaskNameWarning, NoEffectWarning, NotRegistered
from localq.tasks.program_name import program_name


@pytest.fixture(autouse=True)
def _no_shared_tasks_left_over(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("localq.tasks.shared_task._makers", [])
    yield
    current.set_app(None)
    gc.collect()


class Counting(Task[Any, Any]):
    """Counts its runs."""

    runs = 0
    unit = "runs"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        type(self).runs += 1
        return self.run(*args, **kwargs)


def test_a_plain_task_is_called_as_the_function_it_was(q: LocalQ) -> None:
    @q.task
    def add(x: int, y: int = 1) -> int:
        """Add."""
        return x + y

    assert add(2, y=3) == 5
    assert add.__doc__ == "Add."
    assert add.__name__ == "add"
    assert add.__wrapped__(2) == 3  # type: ignore[attr-defined]


def test_a_task_is_named_by_its_module_and_function(q: LocalQ) -> None:
    @q.task
    def add() -> None: ...

    assert add.name == f"{__name__}.add"
    assert q.tasks[add.name] is add


def test_the_apps_name_stands_for_the_main_program() -> None:
    app = LocalQ("shop", eager=True)

    def add() -> None: ...

    add.__module__ = "__main__"

    assert app.task(add).name == "shop.add"
    assert LocalQ(eager=True).task(add).name == f"{program_name()}.add"


def test_options_become_attributes_of_the_task(q: LocalQ) -> None:
    @q.task(name="sum", max_retries=7, queue="math", priority=4, time_limit=timedelta(minutes=1))
    def add() -> None: ...

    assert (add.name, add.max_retries, add.queue, add.priority) == ("sum", 7, "math", 4)
    assert add.time_limit == 60


def test_a_bound_task_gets_itself_first(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def who(self: Task[Any, Any], x: int) -> list[Any]:
        return [self.name, self.request.called_directly, x]

    assert who(1) == [who.name, True, 1]
    assert who.delay(1).get() == [who.name, False, 1]


def test_a_base_class_shares_its_behaviour(eager: LocalQ) -> None:
    @eager.task(base=Counting, unit="calls")
    def add(x: int) -> int:
        return x + 1

    assert isinstance(add, Counting)
    assert add.unit == "calls"
    assert add.delay(1).get() == 2
    assert type(add).runs == 1
    assert Counting.runs == 0


def test_a_task_class_with_run_is_registered_as_an_instance_or_a_class(eager: LocalQ) -> None:
    class Double(Task[Any, Any]):
        def run(self, x: int) -> int:
            return 2 * x

    class Named(Task[Any, Any]):
        name = "named"

        def run(self) -> str:
            return self.name

    double = eager.register_task(Double())
    named: Any = eager.register_task(Named)  # type: ignore[arg-type]

    assert double.name == f"{__name__}.Double"
    assert double.delay(4).get() == 8
    assert named.delay().get() == "named"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        double.delay()


def test_a_task_class_without_run_says_so(eager: LocalQ) -> None:
    class Nothing(Task[Any, Any]): ...

    nothing = eager.register_task(Nothing())

    with pytest.raises(TypeError, match=r"has no run\(\): define it in Nothing"):
        nothing()


def test_a_shared_task_belongs_to_apps_made_later() -> None:
    @shared_task
    def add(x: int, y: int) -> int:
        return x + y

    assert repr(add) == "<@shared_task>"
    app = LocalQ(eager=True)

    assert add.delay(2, 2).get() == 4
    assert add(2, 3) == 5
    assert add.name in app.tasks


def test_a_shared_task_belongs_to_apps_made_before() -> None:
    app = LocalQ(eager=True)

    @shared_task(bind=True, name="who")
    def who(self: Task[Any, Any]) -> str:
        return self.name

    assert app.tasks["who"].delay().get() == "who"
    assert who.delay().get() == "who"
    assert repr(who) == "<@task: who>"


def test_a_shared_task_is_that_of_the_current_app() -> None:
    @shared_task
    def where() -> None: ...

    first, second = LocalQ(eager=True), LocalQ(eager=True)

    assert where.app is second
    current.set_app(first)
    assert where.app is first


def test_modules_named_by_imports_and_include_register_their_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first_jobs", "second_jobs"):
        text = "from localq import shared_task\n@shared_task\ndef go():\n    return __name__\n"
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    app = LocalQ(eager=True, include=["second_jobs"], imports=["first_jobs"])

    modules = app.import_tasks()

    assert [module.__name__ for module in modules] == ["first_jobs", "second_jobs"]
    assert app.send_task("second_jobs.go").get() == "second_jobs"
    for name in ("first_jobs", "second_jobs"):
        del sys.modules[name]


@pytest.mark.parametrize(
    ("option", "nearest"),
    [({"max_retires": 3}, "max_retries"), ({"ratelimit": 1}, "rate_limit"), ({"qeue": "a"}, "queue")],
)
def test_an_option_that_is_nearly_one_is_warned_of_and_an_attribute(
    q: LocalQ, option: dict[str, Any], nearest: str
) -> None:
    ((name, value),) = option.items()
    with pytest.warns(NoEffectWarning, match=f"'{name}' of a task .* Did you mean '{nearest}'") as told:
        made = q.task(**option)(lambda: None)

    assert getattr(made, name) == value
    assert told[0].filename == __file__


def test_options_that_are_nobodys_are_attributes_of_the_task(q: LocalQ) -> None:
    @q.task(once={"graceful": True}, user_plan="pro", delivery_mode=1, immediate=True, mandatory=False)
    def work() -> None: ...

    class Own(Task[Any, Any]):
        name = "own"
        delivery_mode = "transient"
        user_plan = "basic"

        def run(self) -> None: ...

    own: Any = q.register_task(Own())
    made: Any = work

    assert (made.once, made.user_plan, made.delivery_mode) == ({"graceful": True}, "pro", 1)
    assert (own.user_plan, own.delivery_mode) == ("basic", "transient")
    assert work.delay().exists()


@pytest.mark.parametrize(
    "option",
    [
        {"time_limit": -1},
        {"time_limit": "5"},
        {"soft_time_limit": 5, "time_limit": 4},
        {"priority": 10},
        {"priority": True},
        {"max_retries": -1},
        {"default_retry_delay": "soon"},
    ],
)
def test_a_task_option_that_cannot_be_is_warned_of_and_refused_at_the_call(q: LocalQ, option: dict[str, Any]) -> None:
    with pytest.warns(NoEffectWarning, match=next(iter(option))):
        made = q.task(**option)(lambda: 5)

    for call in (made.delay, made.s().delay, made.apply, (made.si() | made.si()).delay):
        with pytest.raises(ValueError, match=next(iter(option))):
            call()
    assert made() == 5


def test_the_attributes_of_a_task_class_are_checked_too(q: LocalQ) -> None:
    class Bad(Task[Any, Any]):
        priority = 11

        def run(self) -> None: ...

    with pytest.warns(NoEffectWarning, match="priority=11"):
        bad = q.register_task(Bad())
    with pytest.raises(ValueError, match="priority=11"):
        bad.delay()


@pytest.mark.parametrize("option", ["throws", "autoretry_for", "dont_autoretry_for"])
def test_errors_are_named_by_classes(q: LocalQ, option: str) -> None:
    @q.task(**{option: KeyError})
    def one() -> None: ...

    assert getattr(one, option) == (KeyError,)
    with pytest.warns(NoEffectWarning, match="must be exception classes"):
        other = q.task(**{option: ("KeyError",)})(lambda: None)
    with pytest.raises(TypeError, match="must be exception classes"):
        other.delay()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("retry_backoff", "x", "'x' must be True, False, or the seconds before the first retry"),
        ("retry_backoff", -1, "-1 must be True, False, or the seconds before the first retry"),
        ("retry_backoff", float("inf"), "inf must be True, False"),
        ("retry_backoff_max", 2.5, "2.5 must be a whole number of seconds"),
        ("retry_kwargs", 3, "3 must be a mapping of what retry() takes"),
        ("retry_kwargs", {"countdown": "x"}, "{'countdown': 'x'} must be a mapping of what retry() takes"),
        ("retry_kwargs", {"max_retries": -1}, "{'max_retries': -1} must be a mapping of what retry() takes"),
        ("autoretry_for", 3, "3 must be exception classes"),
        ("max_crashes", 0, "0 must be a whole number from 1, or None"),
        ("serializer", 3, "3 must be a name, or None"),
        ("queue", 3, "3 must be a name of 1 to 255 bytes of printable characters, or None"),
        ("expires", "tomorrow", "expires='tomorrow' is no ISO time"),
        ("expires", [1], "expires must be a datetime, an ISO text or seconds, not list"),
    ],
)
def test_an_option_that_cannot_be_is_told_where_the_task_is_defined_and_refused_where_it_is_called(
    q: LocalQ, option: str, value: Any, said: str
) -> None:
    class Own(Task[Any, Any]):
        name = "own"

        def run(self) -> None: ...

    setattr(Own, option, value)
    with pytest.warns(NoEffectWarning) as by_class:
        own = q.register_task(Own())
    del q.tasks["own"]
    with pytest.warns(NoEffectWarning) as by_decorator:
        q.task(name="own", **{option: value})(lambda: None)
    with pytest.raises((ValueError, TypeError)) as at_the_call:
        own.delay()

    assert said in str(at_the_call.value)
    assert str(at_the_call.value).startswith(f"Task own: {option}")
    assert (
        str(by_class[0].message) == str(by_decorator[0].message) == f"{at_the_call.value}. Calls of it will be refused."
    )


@pytest.mark.parametrize("option", ["retry_jitter", "acks_late", "ignore_result"])
def test_a_flag_that_is_neither_true_nor_false_is_what_python_takes_it_for(q: LocalQ, option: str) -> None:
    with pytest.warns(NoEffectWarning, match=f"Task own: {option}='no' is taken as True"):
        made = q.task(name="own", **{option: "no"})(lambda: None)

    assert getattr(made, option) is True
    assert made.delay().exists()


def test_a_misspelt_retry_option_is_warned_of(q: LocalQ) -> None:
    with pytest.warns(NoEffectWarning, match="retry_kwargs has 'max_retires'. Did you mean 'max_retries'?"):
        q.task(name="own", retry_kwargs={"max_retires": 3})(lambda: None)


def test_one_exception_class_alone_is_enough_in_a_class(q: LocalQ) -> None:
    class Own(Task[Any, Any]):
        name = "own"
        autoretry_for = KeyError  # type: ignore[assignment]

        def run(self) -> None: ...

    assert q.register_task(Own()).autoretry_for == (KeyError,)


@pytest.mark.parametrize(("option", "value"), [("name", 3), ("base", 3), ("base", dict)])
def test_a_name_or_base_that_cannot_be_is_refused(q: LocalQ, option: str, value: Any) -> None:
    with pytest.raises(TypeError, match=rf"as {option}, not"):
        q.task(**{option: value})(lambda: None)


def test_a_second_function_of_one_name_is_warned_of_and_the_first_is_meant(q: LocalQ) -> None:
    @q.task(name="same")
    def one() -> int:
        return 1

    with pytest.warns(DuplicateTaskNameWarning, match=r"one.*two.*calls reach the first. Give one a name=") as told:

        @q.task(name="same")
        def two() -> int:
            return 2

    @q.task(name="same")
    def three() -> int:
        return 3

    assert two is one
    assert three is one
    assert q.tasks["same"]() == 1
    assert [warning.filename for warning in told] == [__file__]


def test_a_second_instance_of_one_name_takes_the_place_of_the_first(q: LocalQ) -> None:
    class One(Task[Any, Any]):
        name = "same"

        def run(self) -> int:
            return 1

    class Two(Task[Any, Any]):
        name = "same"

        def run(self) -> int:
            return 2

    q.register_task(One())
    with pytest.warns(DuplicateTaskNameWarning, match="calls reach the second"):
        q.register_task(Two())

    assert q.tasks["same"]() == 2


def test_functions_made_by_one_decorator_are_two(q: LocalQ) -> None:
    def audited(function: Callable[..., str]) -> Callable[..., str]:
        def wrapper(*args: Any) -> str:
            return function(*args)

        return wrapper

    @q.task
    @audited
    def charge(order: int) -> str:
        return f"charged {order}"

    with pytest.warns(DuplicateTaskNameWarning, match=r"wrapper, made twice; .* Give one a name="):

        @q.task
        @audited
        def refund(order: int) -> str:
            return f"refunded {order}"

    assert charge(7) == "charged 7"


def test_lambdas_and_functions_made_with_other_values_are_others(q: LocalQ) -> None:
    def times(n: int) -> Callable[[int], int]:
        def multiply(x: int) -> int:
            return x * n

        return multiply

    double, twice = q.task(lambda x: x * 2), q.task(times(2))

    with pytest.warns(DuplicateTaskNameWarning):
        assert q.task(lambda x: -x) is double
    with pytest.warns(DuplicateTaskNameWarning):
        assert q.task(times(3)) is twice
    assert (double(5), twice(5)) == (10, 10)
    assert q.task(times(2))(5) == 10
    q.task(times(3), name="thrice")
    assert q.tasks["thrice"](5) == 15


def test_what_is_defined_again_takes_the_place_of_what_was(q: LocalQ) -> None:
    cell = "def audited(f):\n    def wrapper(x): return f(x)\n    return wrapper\n"
    scope: dict[str, Any] = {"__name__": "notebook", "q": q}
    exec(cell, scope)
    for factor in (2, 3):
        exec(f"@q.task\ndef plain(x): return x * {factor}", scope)
        exec(f"@q.task(name='wrapped')\n@audited\ndef inner(x): return x * {factor}", scope)

    assert (q.tasks["notebook.plain"](5), q.tasks["wrapped"](5)) == (15, 15)


def test_a_partial_or_a_callable_object_is_a_task_where_it_has_a_name(q: LocalQ) -> None:
    class Adds:
        def __init__(self, n: int) -> None:
            self.n = n

        def __call__(self, x: int) -> int:
            return x + self.n

    one = q.task(name="add1")(functools.partial(operator.add, 1))
    two = q.task(name="shop.add2")(Adds(2))

    assert (one(5), two(5)) == (6, 7)
    assert (one.name, one.__name__, two.__name__) == ("add1", "add1", "add2")
    for nameless in (functools.partial(operator.add, 1), Adds(2)):
        with pytest.raises(TypeError, match=r"has no name of its own. Give the task one: name="):
            q.task(nameless)
    with pytest.warns(DuplicateTaskNameWarning):
        q.task(name="add1")(functools.partial(operator.add, 2))


def test_defining_a_function_again_replaces_its_task(q: LocalQ) -> None:
    scope: dict[str, Any] = {"__name__": "reloaded", "q": q}
    exec("@q.task\ndef answer(): return 1", scope)
    before = q.tasks.revision
    exec("@q.task\ndef answer(): return 2", scope)

    assert q.tasks["reloaded.answer"]() == 2
    assert q.tasks.revision > before


def test_only_functions_are_decorated(q: LocalQ) -> None:
    with pytest.raises(TypeError, match="decorates a function, not 5"):
        q.task(5)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"not 'mail'; to name a task: @task\(name='mail'\)"):
        q.task("mail")  # type: ignore[call-overload]


def test_an_unknown_task_names_the_nearest_and_what_to_do(q: LocalQ) -> None:
    @q.task(name="mail.send")
    def send() -> None: ...

    with pytest.raises(NotRegistered, match=r"'mail.sent'. Did you mean 'mail.send'\? Import its module"):
        q.tasks["mail.sent"]


def test_a_retry_outside_a_job_raises_the_reason(q: LocalQ) -> None:
    @q.task(bind=True)
    def fail(self: Task[Any, Any], exc: Any) -> None:
        self.retry(exc=exc)

    with pytest.raises(KeyError):
        fail(KeyError("x"))
    with pytest.raises(Retry):
        fail(None)


def test_what_a_task_called_as_a_function_says_of_itself_is_nobodys(q: LocalQ) -> None:
    @q.task(bind=True)
    def work(self: Task[Any, Any]) -> int:
        self.progress(1, 2, "half")
        self.update_state(state="ODD", meta=1)
        return 3

    assert work() == 3
    assert not Path(q.location).exists()


def test_an_app_that_was_moved_is_found_by_its_name_where_only_it_has_that(tmp_path: Path) -> None:
    one = LocalQ("moved", path=tmp_path / "a.db", set_as_current=False)
    before = pickle.dumps(one)
    one.relocate(path=tmp_path / "b.db")

    assert pickle.loads(before) is one
    other = LocalQ("moved", path=tmp_path / "c.db", set_as_current=False)
    assert pickle.loads(before) not in (one, other)


def test_a_task_travels_by_its_name(q: LocalQ) -> None:
    @q.task
    def add() -> None: ...

    assert pickle.loads(pickle.dumps(add)) is add


def test_what_stands_for_the_current_app_and_task_can_be_copied_and_pickled() -> None:
    for _ in range(2):
        for stand in (current_app, current_task):
            assert copy.copy(stand) is copy.deepcopy(stand) is pickle.loads(pickle.dumps(stand)) is stand
            assert not hasattr(stand, "__wrapped__")
        app = LocalQ(path=":memory:")
    app.close()


class InContext(Task[Any, Any]):
    """Says what it was called within."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return ["in context", super().__call__(*args, **kwargs)]


def test_a_class_put_in_the_place_of_the_apps_is_that_of_tasks_made_before_and_later(eager: LocalQ) -> None:
    @eager.task
    def early(x: int) -> int:
        return x

    @eager.task(base=Counting)
    def own(x: int) -> int:
        return x

    class Context(eager.Task):  # type: ignore[name-defined, misc]
        abstract = True

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return ["in context", self.run(*args, **kwargs)]

    eager.Task = Context

    @eager.task
    def late(x: int) -> int:
        return x

    assert [task.delay(1).get() for task in (early, late, own)] == [["in context", 1], ["in context", 1], 1]
    assert eager.Task is Context
    assert isinstance(early, Context)


def test_a_class_put_in_the_place_of_the_apps_leaves_the_tasks_of_a_finalized_app(eager: LocalQ) -> None:
    @eager.task
    def early(x: int) -> int:
        return x

    eager.finalize()
    eager.Task = InContext

    assert early.delay(1).get() == 1


def test_a_shared_task_is_of_the_class_that_was_put_in_the_place_of_the_apps(eager: LocalQ) -> None:
    @shared_task
    def shared(x: int) -> int:
        return x

    eager.Task = InContext

    assert shared.delay(1).get() == ["in context", 1]


def test_the_class_in_the_place_of_the_apps_is_a_task(eager: LocalQ) -> None:
    with pytest.raises(TypeError, match=r"app.Task is a subclass of Task, not 5"):
        eager.Task = 5  # type: ignore[assignment]


@pytest.mark.parametrize("named", [InContext, f"{__name__}:InContext", f"{__name__}.InContext"])
def test_a_subclass_of_an_app_may_name_the_class_of_its_tasks(named: Any) -> None:
    class App(LocalQ):
        task_cls = named

    app = App("tests", eager=True)

    @app.task
    def work(x: int) -> int:
        return x

    assert work.delay(1).get() == ["in context", 1]
    assert issubclass(app.Task, InContext)
    app.close()
