"""Schedules as programs say them: every form of it, and what is refused with which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from localq import LocalQ, shared_task
from localq.exceptions import LocalQError, NoEffectWarning, ScheduleError
from localq.schedules import crontab, every, schedule
from localq.schedules.definition import Definition, read_definition
from localq.tasks import shared_task as shared_tasks


@pytest.fixture
def shop(q: LocalQ) -> LocalQ:
    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    @q.task(queue="reports", priority=7, expires=120)
    def report() -> None:
        pass

    return q


def entry(**parts: Any) -> dict[str, dict[str, Any]]:
    return {"x": {"task": "tests.unit.schedules.test_declaration.add", "schedule": 10, "args": (1, 2), **parts}}


def named(name: str) -> str:
    return f"tests.unit.schedules.test_declaration.{name}"


def only(q: LocalQ) -> Definition:
    (found,) = q.schedules.configured()
    return found


# Forms


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (30, "every 30 seconds"),
        (2.5, "every 2 seconds and 500 milliseconds"),
        (timedelta(seconds=30), "every 30 seconds"),
        ("*/5 * * * *", "every 5 minutes"),
        ("@daily", "at 00:00"),
        (crontab(hour=7, minute=30, day_of_week=1), "at 07:30 on Monday"),
        (every(2, "hours"), "every 2 hours"),
        (datetime(2030, 1, 1, tzinfo=UTC), "once, at 2030-01-01 00:00:00 UTC"),
    ],
)
def test_an_entry_of_the_configuration_takes_every_kind_of_rule(shop: LocalQ, rule: Any, words: str) -> None:
    shop.conf.beat_schedule = entry(schedule=rule)

    assert only(shop).rule.words() == words


def test_an_entry_keeps_the_call_and_its_options(shop: LocalQ) -> None:
    shop.conf.beat_schedule = entry(
        kwargs={}, options={"queue": "x", "priority": 3, "expires": 15.0, "headers": {"a": 1}, "countdown": 2}
    )

    found = only(shop)

    assert (found.job.task, found.job.args, found.job.queue, found.job.priority) == (
        named("add"),
        b"[[1,2],{}]",
        "x",
        3,
    )
    assert (found.delay, found.expires) == (2_000_000, 15_000_000)
    assert '"headers":{"a":1}' in (found.job.options or "")


def test_an_entry_takes_what_its_task_says_of_itself(shop: LocalQ) -> None:
    shop.conf.beat_schedule = entry(task=named("report"), args=())

    found = only(shop)

    assert (found.job.queue, found.job.priority, found.expires) == ("reports", 7, 120_000_000)


def test_relative_intervals_lie_on_round_times(shop: LocalQ) -> None:
    shop.conf.beat_schedule = entry(schedule=timedelta(hours=1), relative=True)

    rule = only(shop).rule

    assert isinstance(rule, schedule)
    assert rule.relative


def test_entries_may_be_added_to_the_setting_one_by_one(shop: LocalQ) -> None:
    other = LocalQ("other")
    shop.conf.beat_schedule["x"] = entry()["x"]

    assert only(shop).name == "x"
    assert other.conf.beat_schedule == {}


def test_a_periodic_task_is_named_as_its_signature_reads(shop: LocalQ) -> None:
    add = shop.tasks[named("add")]

    name = shop.add_periodic_task(10.0, add.s(1, 2), expires=30)

    assert name == f"{named('add')}(1, 2)"
    assert (only(shop).name, only(shop).expires, only(shop).job.args) == (name, 30_000_000, b"[[1,2],{}]")


def test_a_periodic_task_takes_arguments_and_terms_beside_its_signature(shop: LocalQ) -> None:
    add = shop.tasks[named("add")]

    shop.add_periodic_task("@hourly", add.s(2), args=(1,), name="sum", zone="Asia/Tokyo", overlap="skip", queue="x")

    found = only(shop)
    assert (found.job.args, found.zone, found.overlap, found.job.queue) == (b"[[1,2],{}]", "Asia/Tokyo", "skip", "x")


def test_the_decorator_stands_above_or_below_the_task(q: LocalQ) -> None:
    @q.periodic(crontab(hour=2, minute=0), args=("a",))
    @q.task
    def above(letter: str) -> None:
        pass

    @q.task(name="other.name")
    @q.periodic(60, kwargs={"letter": "b"}, name="mine")
    def below(letter: str) -> None:
        pass

    found = {one.name: one for one in q.schedules.configured()}

    assert list(found) == [named("above"), "mine"]
    assert found["mine"].job.task == "other.name"
    assert found["mine"].job.args == b'[[],{"letter":"b"}]'


def test_a_shared_task_is_known_by_the_app(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_tasks, "_makers", [])

    @shared_task
    def everywhere() -> None:
        pass

    q.add_periodic_task(10, everywhere, name="shared")

    assert only(q).job.task == named("everywhere")


def test_functions_connected_to_the_app_are_called_before_schedules_are_read(shop: LocalQ) -> None:
    @shop.on_after_configure.connect
    def set_up(sender: LocalQ, **kwargs: Any) -> None:
        sender.add_periodic_task(10.0, sender.tasks[named("add")].s(1, 2), name="early")

    @shop.on_after_finalize.connect
    def set_up_more(sender: LocalQ, **kwargs: Any) -> None:
        sender.add_periodic_task(10.0, sender.tasks[named("add")].s(1, 2), name="late")

    assert [one.name for one in shop.schedules.configured()] == ["early", "late"]
    assert [one.name for one in shop.schedules.configured()] == ["early", "late"]


def test_what_is_connected_late_is_called_at_once(shop: LocalQ) -> None:
    shop.schedules.configured()
    before = shop.schedules.revision

    @shop.on_after_configure.connect
    def set_up(sender: LocalQ, **kwargs: Any) -> None:
        sender.add_periodic_task(10.0, sender.tasks[named("add")].s(1, 2), name="late")

    assert shop.schedules.revision > before


def test_a_zone_may_be_an_object_and_defaults_to_the_setting(shop: LocalQ) -> None:
    shop.conf.beat_schedule = entry()
    assert only(shop).zone == "UTC"

    shop.conf.timezone = "Asia/Shanghai"
    assert only(shop).zone == "Asia/Shanghai"

    shop.conf.beat_schedule = entry(zone=ZoneInfo("Europe/Berlin"))
    assert only(shop).zone == "Europe/Berlin"


def test_naive_starts_and_ends_are_in_the_zone(shop: LocalQ) -> None:
    shop.conf.beat_schedule = entry(zone="Asia/Tokyo", start="2026-01-01T09:00", end=datetime(2026, 1, 2, 9))

    found = only(shop)

    assert found.start == 1767225600_000000
    assert found.end == 1767225600_000000 + 86_400_000_000


def test_the_deadline_of_the_settings_is_for_cron_rules(shop: LocalQ) -> None:
    shop.conf.beat_cron_starting_deadline = 60

    shop.conf.beat_schedule = {"c": entry(schedule="@daily")["x"], "i": entry()["x"]}

    assert [one.deadline for one in shop.schedules.configured()] == [60_000_000, None]


def test_a_definition_is_read_back_as_it_was(shop: LocalQ) -> None:
    shop.conf.beat_schedule = entry(
        schedule=crontab(minute="*/15"),
        args=({1, 2}, datetime(2026, 1, 1)),
        zone="Europe/Berlin",
        missed="all",
        most=5,
        window=60,
        overlap="queue",
        jitter=3,
        max_runs=9,
        deadline=30,
        start="2026-01-01",
        end="2027-01-01",
        options={"expires": datetime(2099, 1, 1, tzinfo=UTC)},
    )
    found = only(shop)

    assert read_definition("x", found.spec()) == found


# What is refused


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"task": None}, "beat_schedule['x']['task']: is missing"),
        ({"task": named("ad")}, f"beat_schedule['x']['task']: there is no task '{named('ad')}'. Did you mean"),
        ({"schedule": "* * * *"}, "beat_schedule['x']['schedule']: Cron expression '* * * *'"),
        ({"schedule": 0}, "beat_schedule['x']['schedule']: An interval is 0"),
        ({"schedule": object()}, "beat_schedule['x']['schedule']: A schedule's rule is <object"),
        ({"args": (1,)}, "beat_schedule['x']['args']: "),
        ({"args": (1, object())}, "beat_schedule['x']['args']: args[1]"),
        ({"args": "12"}, "beat_schedule['x']['args']: must be a list or tuple"),
        ({"kwargs": [1]}, "beat_schedule['x']['kwargs']: must be a dict"),
        ({"options": {"priority": 11}}, "beat_schedule['x']['options']: priority=11"),
        ({"options": {"eta": datetime(2030, 1, 1)}}, "a schedule takes no eta: the schedule says when"),
        ({"options": {"countdown": -1}}, "beat_schedule['x']['options']: -1 must be a number of seconds"),
        ({"zone": "Europe/Berln"}, "beat_schedule['x']['zone']: Unknown time zone 'Europe/Berln'. Did you mean"),
        ({"zone": 3}, "beat_schedule['x']['zone']: must be the name of a zone"),
        ({"missed": "none"}, "beat_schedule['x']['missed']: 'none' must be one of latest, skip, all"),
        ({"overlap": "que"}, "beat_schedule['x']['overlap']: 'que' must be one of allow, skip, queue, cancel. Did you"),
        ({"jitter": -1}, "beat_schedule['x']['jitter']: -1 must be a number of seconds"),
        (
            {"jitter": timedelta.max},
            "timedelta(days=999999999, seconds=86399, microseconds=999999) must be a number",
        ),
        (
            {"options": {"countdown": 1e300}},
            "['options']: 1e+300 must be a number of seconds, or a timedelta, from",
        ),
        ({"schedule": datetime.max}, "beat_schedule['x']['schedule']: at(9999-12-31 23:59:59.999999): it must lie in"),
        ({"start": datetime.max}, "beat_schedule['x']['start']: 9999-12-31 23:59:59.999999 must lie before the year"),
        ({"max_runs": 0}, "beat_schedule['x']['max_runs']: 0 must be a whole number from 1"),
        ({"most": 10_000}, "beat_schedule['x']['most']: 10000 must be a whole number from 1 to 1,000"),
        ({"start": 5}, "beat_schedule['x']['start']: 5 must be a datetime or an ISO text"),
        ({"start": "2027-01-01", "end": "2026-01-01"}, "beat_schedule['x']['end']: 2026-01-01 is before"),
        ({"schedule": "@daily", "relative": True}, "beat_schedule['x']['schedule']: relative=True is for intervals"),
        ({"schedul": 5}, "beat_schedule['x']['schedul']: there is no such key. Did you mean 'schedule'?"),
    ],
)
def test_a_bad_entry_is_refused_with_its_field_and_the_reason(shop: LocalQ, parts: dict[str, Any], words: str) -> None:
    shop.conf.beat_schedule = entry(**parts)

    with pytest.raises(ScheduleError) as caught:
        shop.schedules.configured()

    assert words in str(caught.value)


def test_an_option_of_an_entry_that_is_nearly_another_is_warned_of_and_has_no_effect(shop: LocalQ) -> None:
    shop.conf.beat_schedule = entry(options={"queeu": "mail", "priority": 3})

    with pytest.warns(NoEffectWarning, match=r"beat_schedule\['x'\]\['options'\]: .*'queeu'.* Did you mean 'queue'"):
        found = only(shop)

    assert (found.job.queue, found.job.priority) == ("celery", 3)


def test_an_unknown_zone_of_the_settings_is_refused(shop: LocalQ) -> None:
    def configure() -> None:
        shop.conf.timezone = "Mars/Olympus"
        shop.conf.beat_schedule = entry()
        shop.schedules.configured()

    with pytest.raises(LocalQError, match=r"timezone.*'Mars/Olympus'"):
        configure()


def test_a_bad_rule_is_refused_where_it_is_said(shop: LocalQ) -> None:
    with pytest.raises(ScheduleError, match=r"add_periodic_task\(name='sum'\), schedule: "):
        shop.add_periodic_task("nonsense", shop.tasks[named("add")].s(1, 2), name="sum")
    with pytest.raises(ScheduleError, match=r"@periodic on .*, zone: Unknown time zone"):
        shop.periodic(10, zone="Nowhere")(shop.tasks[named("report")])


@pytest.mark.parametrize(
    ("misspelt", "meant"), [("nam", "name"), ("zon", "zone"), ("overlapp", "overlap"), ("expirs", "expires")]
)
def test_an_option_of_a_call_that_is_nearly_another_is_refused(shop: LocalQ, misspelt: str, meant: str) -> None:
    report, said = shop.tasks[named("report")], f", {misspelt}: there is no such option. Did you mean '{meant}'?"
    odd: dict[str, Any] = {misspelt: "x"}

    for add in (
        lambda: shop.periodic(10, **odd)(report),
        lambda: shop.add_periodic_task(10, report, **odd),
        lambda: shop.schedules.add("x", 10, report, **odd),
        lambda: shop.schedules.add("y", 10, report) and shop.schedules.update("y", **odd),
    ):
        with pytest.raises(ScheduleError) as caught:
            add()

        assert str(caught.value).endswith(said)


def test_two_decorators_need_two_names(shop: LocalQ) -> None:
    report = shop.tasks[named("report")]
    shop.periodic(10)(report)

    with pytest.raises(ScheduleError, match="there is one called"):
        shop.periodic(20)(report)
    shop.periodic(20, name="second")(report)

    assert len(shop.schedules.configured()) == 2


def test_a_function_that_is_no_task_is_refused(q: LocalQ) -> None:
    @q.periodic(10)
    def forgotten() -> None:
        pass

    with pytest.raises(ScheduleError, match=r"is no task. Decorate the function with @q.task"):
        q.schedules.configured()


def test_an_object_that_looks_like_a_crontab_and_is_none_is_refused(shop: LocalQ) -> None:
    odd = SimpleNamespace(minute={1}, hour="x", day_of_week="*", day_of_month="*", month_of_year="*")
    shop.conf.beat_schedule = entry(schedule=odd)

    with pytest.raises(ScheduleError, match=r"beat_schedule\['x'\]\['schedule'\]"):
        shop.schedules.configured()
