"""`localq why`: a sentence about a job that waits."""

from __future__ import annotations

import json
from typing import Any

from localq import LocalQ, chain
from localq.model.worker import Served
from tests.store.given import LEASE, SECOND, card, done
from tests.worker.waiting import DEADLINE_S


def test_a_job_that_no_worker_can_take_says_so(localq: Any, q: LocalQ) -> None:
    job = q.send_task("shop.mail")

    found = localq("why", job.id)

    assert (found.exit_code, found.output) == (0, "No worker is alive. Start one: localq worker -A APP\n")


def test_a_job_that_waits_names_what_it_waits_for(localq: Any, q: LocalQ) -> None:
    @q.task
    def mail(*what: Any) -> None: ...

    last = chain(mail.si(), mail.si())()
    first = last.parent

    said = json.loads(localq("why", last.id, "--json").stdout)

    assert said == {"id": last.id, "kind": "awaits", "reason": "It waits for a job to finish.", "jobs": [first.id]}


def test_a_failed_job_names_its_error(localq: Any, q: LocalQ) -> None:
    @q.task
    def mail() -> None:
        raise ValueError("no such address")

    job = mail.delay()
    with q.running(concurrency=1, pool="threads"):
        job.get(timeout=DEADLINE_S, propagate=False)

    assert localq("why", job.id).output == "It failed at its first try.\n  ValueError: no such address\n"


def test_a_job_that_never_ran_names_the_one_that_did_not_succeed(localq: Any, q: LocalQ) -> None:
    @q.task
    def mail(fails: bool) -> None:
        if fails:
            raise ValueError("no such address")

    last = chain(mail.si(True), mail.si(False), mail.si(False))()
    first = last.parent.parent
    with q.running(concurrency=1, pool="threads"):
        last.get(timeout=DEADLINE_S, propagate=False)

    said = localq("why", last.id).output
    result = localq("result", last.id).output

    assert (
        said == f"It did not run, because {mail.name} did not succeed.\n  ValueError: no such address\n  {first.id}\n"
    )
    assert "attempt 1: BEHIND a job that did not succeed, ended " in result


def test_an_unknown_id_is_an_error(localq: Any, q: LocalQ) -> None:
    q.store.open()

    assert localq("why", "nobody").exit_code == 4


def test_a_job_behind_others_says_about_how_long_that_takes(localq: Any, q: LocalQ) -> None:
    jobs = [q.send_task("shop.mail") for _ in range(100)]
    now = q.clock.now()
    key = q.store.workers.enter(card(queues=None), now, LEASE)
    claimed = q.store.jobs.claim(key, Served(None, ()), 70, now).jobs
    # Of the last half minute: two a second.
    q.store.jobs.finish([done(one) for one in claimed[:10]], now - 200 * SECOND)
    q.store.jobs.finish([done(one) for one in claimed[10:]], now - 20 * SECOND)

    said = localq("why", jobs[-1].id).output

    assert said == "It is behind 29 jobs of queue celery: about 14 s.\n"
