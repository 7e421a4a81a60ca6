from __future__ import annotations

import copy
import pickle
import re
from types import SimpleNamespace
from typing import Any

import pytest

from localq import Exchange, LocalQ, Queue
from localq.exceptions import ImproperlyConfigured, NoEffectWarning, QueueNotFound
from localq.tasks.routing.queues import topic_matches


@pytest.fixture
def sent(q: LocalQ) -> Any:
    """Return a function that sends a task and says in which queues jobs are."""

    def send(name: str = "shop.mail", args: Any = (), **options: Any) -> Any:
        q.send_task(name, args, **options)
        return queues_of(q)

    return send


def queues_of(q: LocalQ) -> list[str]:
    return sorted(queue for (queue, _), count in q.store.read.stats().counts.items() for _ in range(count))


# Queues and exchanges


def test_queues_and_exchanges_are_values() -> None:
    media = Exchange("media", type="topic", durable=True)
    queue = Queue("videos", media, routing_key="media.video", queue_arguments={"x-max-priority": 10})

    assert (queue.name, queue.exchange, queue.routing_key) == ("videos", media, "media.video")
    assert Queue("videos", Exchange("media", "topic"), "media.video") == queue
    assert len({queue, copy.copy(queue), pickle.loads(pickle.dumps(queue))}) == 1
    assert repr(queue) == "Queue('videos', Exchange('media', type='topic'), routing_key='media.video')"
    with pytest.raises(AttributeError, match="Queue cannot be changed"):
        queue.name = "other"


def test_an_exchange_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"type='headers' must be one of direct, topic, fanout"):
        Exchange("media", type="headers")


@pytest.mark.parametrize(
    ("pattern", "key", "matches"),
    [
        ("media.video", "media.video", True),
        ("media.*", "media.video", True),
        ("media.*", "media.video.hd", False),
        ("media.*", "media", False),
        ("media.#", "media", True),
        ("media.#", "media.video.hd", True),
        ("#", "", True),
        ("#.hd", "media.video.hd", True),
        ("*.video.#", "media.video", True),
        ("*.video.#", "video", False),
        ("media.+", "media.x", False),
    ],
)
def test_words_of_a_topic_match_as_in_amqp(pattern: str, key: str, matches: bool) -> None:
    assert topic_matches(pattern, key) is matches


# Where calls go


def test_a_call_goes_to_the_default_queue(q: LocalQ, sent: Any) -> None:
    q.conf.task_queues = [Queue("videos")]
    assert sent() == ["celery"]


@pytest.mark.parametrize(
    "routes",
    [
        {"shop.mail": "mail"},
        {"shop.mail": {"queue": "mail", "routing_key": "any"}},
        {"shop.*": {"queue": "mail"}},
        {"*.mail": "mail"},
        [({"other": "x"}), {"shop.mail": "mail"}],
        ([("other", "x"), (re.compile(r"shop\.(mail|post)"), {"queue": "mail"})],),
        lambda name, args, kwargs, options, task=None, **more: "mail" if name == "shop.mail" else None,
        {"shop.mail": Queue("mail")},
    ],
)
def test_routes_take_every_form_of_celery_s(q: LocalQ, sent: Any, routes: Any) -> None:
    q.conf.task_routes = routes

    assert sent() == ["mail"]
    assert sent("elsewhere") == ["celery", "mail"]


class Routes:
    def route_for_task(self, task: str, args: Any = None, kwargs: Any = None) -> Any:
        return {"queue": "mail", "priority": 7} if args == (5,) else None


@pytest.mark.parametrize("route", [Routes, Routes(), f"{__name__}.Routes", f"{__name__}:Routes"])
def test_a_class_or_its_name_is_a_route(q: LocalQ, sent: Any, route: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, __name__, SimpleNamespace(Routes=Routes))
    q.conf.task_routes = (route,)

    assert sent(args=(5,)) == ["mail"]
    assert sent(args=(6,)) == ["celery", "mail"]


def test_what_the_call_says_comes_before_the_route_and_the_task_too(q: LocalQ) -> None:
    q.conf.task_routes = {"*": {"queue": "route", "priority": 3}}

    @q.task(queue="own")
    def owned() -> None: ...

    @q.task
    def plain() -> None: ...

    jobs = [owned.delay(), plain.delay(), plain.apply_async(queue="call", priority=5)]

    assert [(one.queue, q.store.read.get([one.id])[one.id].priority) for one in jobs] == [
        ("own", 3),
        ("route", 3),
        ("call", 5),
    ]


def test_an_option_of_a_route_that_is_nearly_another_is_told_and_left_out(q: LocalQ, sent: Any) -> None:
    q.conf.task_routes = {"shop.mail": {"queue": "mail", "priorty": 3, "own": 1}}
    with pytest.warns(NoEffectWarning, match=r"task_routes\['shop.mail'\]: the option 'priorty' .* mean 'priority'"):
        assert sent() == ["mail"]

    q.conf.task_routes = [lambda *_args, **_options: {"qeue": "mail"}]
    with pytest.warns(NoEffectWarning, match=r"task_routes, for task shop.mail: the option 'qeue' .* mean 'queue'"):
        assert sent() == ["celery", "mail"]


def test_a_route_that_raises_is_an_error_in_the_caller(q: LocalQ, sent: Any) -> None:
    def route(name: str, *_args: Any, **_options: Any) -> None:
        raise LookupError("no map")

    q.conf.task_routes = [route]

    with pytest.raises(ImproperlyConfigured, match=r"route .* failed for task shop\.mail: LookupError\('no map'\)"):
        sent()
    assert queues_of(q) == []


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        (5, "task_routes has 5: a route is a mapping"),
        (["no.such.module"], "task_routes names 'no.such.module'"),
        ([("a", "b", "c")], "must be a pair"),
        ({"shop.mail": 5}, "the route for task shop.mail is 5"),
    ],
)
def test_routes_that_cannot_be_are_named(q: LocalQ, routes: Any, told: str) -> None:
    app = LocalQ(path=q.location, config_source={"task_routes": routes}, set_as_current=False)

    for _ in range(2):
        with pytest.raises(ImproperlyConfigured, match=re.escape(told)):
            app.send_task("shop.mail")
    app.close()


def test_routes_that_cannot_be_are_not_taken(q: LocalQ, sent: Any) -> None:
    q.conf.task_routes = {"*": "mail"}
    q.conf.load()

    with pytest.raises(ImproperlyConfigured, match="a route is a mapping"):
        q.conf.task_routes = 5

    assert q.conf.task_routes == {"*": "mail"}
    assert sent() == ["mail"]


def test_a_queue_that_is_not_there_is_refused_where_none_are_made(q: LocalQ, sent: Any) -> None:
    q.conf.update(task_queues=[Queue("videos"), Queue("celery")], task_create_missing_queues=False)

    assert sent(queue="videos") == ["videos"]
    with pytest.raises(QueueNotFound, match=r"the queue 'video', which .* Did you mean 'videos'"):
        sent(queue="video")
    with pytest.raises(KeyError):
        q.signature("shop.mail").set(queue="video").apply_async()
    assert sent() == ["celery", "videos"]


def test_queues_may_be_a_mapping_and_kombu_s(q: LocalQ, sent: Any) -> None:
    exchange = SimpleNamespace(name="media", type="topic")
    kombu = SimpleNamespace(name="videos", exchange=exchange, routing_key="media.video.#", alias=None, bindings=set())
    q.conf.task_queues = {
        "images": {"exchange": "media", "exchange_type": "topic", "binding_key": "media.image"},
        "videos": kombu,
    }

    assert sent(exchange="media", routing_key="media.video.hd") == ["videos"]
    assert sent(exchange=exchange, routing_key="media.image") == ["images", "videos"]


# Exchanges


MEDIA = Exchange("media", type="direct")
QUEUES = (
    Queue("default", Exchange("dedfault", type="direct"), routing_key="default"),
    Queue("videos", MEDIA, routing_key="media.video"),
    Queue("images", MEDIA, routing_key="media.image"),
)


def test_an_exchange_and_a_routing_key_select_a_queue(q: LocalQ, sent: Any) -> None:
    q.conf.update(task_queues=QUEUES, task_default_queue="default")

    assert sent(exchange="media", routing_key="media.image") == ["images"]
    assert sent() == ["default", "images"]


def test_an_exchange_named_as_a_queue_is_that_queue_where_nothing_is_bound(q: LocalQ, sent: Any) -> None:
    assert sent(exchange="for_task_A", routing_key="task_a") == ["for_task_A"]


@pytest.mark.parametrize("alone", [{"routing_key": "task_a"}, {"exchange": "for_task_A"}])
def test_half_of_both_means_the_default_queue_of_a_direct_exchange(q: LocalQ, sent: Any, alone: Any) -> None:
    assert sent(**alone) == ["celery"]


def test_a_key_that_nothing_is_bound_with_is_an_error(q: LocalQ, sent: Any) -> None:
    q.conf.task_queues = QUEUES

    with pytest.raises(QueueNotFound, match=r"'media' with the routing key 'x'.*videos \('media.video'\), images"):
        sent(exchange="media", routing_key="x")


def test_a_topic_goes_to_each_queue_whose_pattern_matches(q: LocalQ, sent: Any) -> None:
    feeds = Exchange("feeds", type="topic")
    q.conf.task_queues = [
        Queue("all", feeds, "feed.#"),
        Queue("news", feeds, "feed.news"),
        Queue("art", feeds, "*.art"),
    ]

    assert sent(exchange="feeds", routing_key="feed.news") == ["all", "news"]


def test_a_queue_of_a_topic_is_reached_by_its_exchange(q: LocalQ, sent: Any) -> None:
    feeds = Exchange("feeds", type="topic")
    q.conf.task_queues = [Queue("all", feeds, "feed.#"), Queue("news", feeds, "feed.news")]

    assert sent(queue="news", routing_key="feed.art") == ["all"]
    assert sent(queue="news") == ["all", "all", "news"]


def test_a_fanout_gives_each_queue_a_job_of_its_own(q: LocalQ) -> None:
    everyone = Exchange("everyone", type="fanout")
    q.conf.task_queues = [Queue("one", everyone), Queue("two", everyone), Queue("celery")]

    result = q.send_task("shop.mail", (1,), exchange="everyone", routing_key="x", countdown=60)

    assert result.queue == "one"
    assert queues_of(q) == ["one", "two"]


def test_a_broadcast_is_known_by_its_alias(q: LocalQ, sent: Any) -> None:
    exchange = SimpleNamespace(name="everyone", type="fanout")
    q.conf.task_queues = [SimpleNamespace(name="bcast.5c1d", alias="everyone", exchange=exchange, routing_key="")]

    assert sent(queue="everyone") == ["everyone"]


def test_a_task_names_its_exchange(q: LocalQ) -> None:
    q.conf.update(task_queues=QUEUES)

    @q.task(exchange="media", routing_key="media.video")
    def compress() -> None: ...

    assert compress.delay().queue == "videos"


def test_a_queue_with_more_bindings_is_reached_by_each(q: LocalQ, sent: Any) -> None:
    more = SimpleNamespace(exchange=Exchange("other"), routing_key="o")
    q.conf.task_queues = [Queue("videos", MEDIA, "media.video", bindings=[more])]

    assert sent(exchange="other", routing_key="o") == ["videos"]
    assert sent(exchange="media", routing_key="media.video") == ["videos", "videos"]


def test_jobs_in_eager_mode_are_routed_too(eager: LocalQ) -> None:
    eager.conf.task_routes = {"*": "mail"}

    @eager.task
    def mail() -> None: ...

    assert mail.delay().queue == "mail"


def test_callbacks_are_routed(eager: LocalQ) -> None:
    asked: list[Any] = []

    def route(name: str, args: Any, kwargs: Any, options: Any, task: Any = None) -> Any:
        asked.append((name.rpartition(".")[2], args))
        return {"queue": "answers"} if name.endswith("answer") else None

    eager.conf.task_routes = [route]

    @eager.task
    def ask() -> int:
        return 5

    @eager.task
    def answer(value: int, other: int) -> int:
        return value + other

    ask.apply_async(link=answer.s(1))

    assert asked == [("ask", ()), ("answer", (5, 1))]


def test_a_call_from_a_task_gets_its_priority_where_that_is_set(eager: LocalQ) -> None:
    eager.conf.task_inherit_parent_priority = True

    @eager.task
    def inner() -> None: ...

    @eager.task(priority=2)
    def ranked() -> None: ...

    @eager.task
    def outer() -> list[str]:
        return [inner.delay().id, ranked.delay().id, inner.apply_async(priority=1).id]

    ids = outer.apply_async(priority=7).get(disable_sync_subtasks=False)
    jobs = eager.store.read.get(ids)

    assert [jobs[one].priority for one in ids] == [7, 2, 1]
