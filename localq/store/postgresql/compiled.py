"""The statements in PostgreSQL's words.

Made by `python -m localq.store.sql.compiler`: change the statements, and not this.
"""

from __future__ import annotations

from localq.store.postgresql.arrays import LISTS
from localq.store.sql.compiled import (
    EdgeTexts,
    GroupTexts,
    HistoryTexts,
    JobTexts,
    KnownTaskTexts,
    LimitTexts,
    MailTexts,
    MovingTexts,
    ReadTexts,
    ScheduleTexts,
    SqlTexts,
    WorkerTexts,
)
from localq.store.sql.statement import DifferentValues, ManyRows, Statement

__all__ = ["TEXTS"]


class _Edge(EdgeTexts):
    tie = Statement(
        "INSERT INTO edge (waiter, position, awaited, passing, on_error) SELECT w.key, $1 AS anon_1, coalesce(d.key, "
        "0) AS coalesce_1, $2 AS anon_2, $3 AS anon_3 \nFROM job AS w LEFT OUTER JOIN job AS d ON d.id = $4 \nWHERE "
        "w.id = $5",
        ("position", "passing", "on_error", "awaited_id", "waiter_id"),
    )
    mark_awaited = Statement("UPDATE job SET role=(job.role | 1) WHERE job.id = $1", ("of_id",))
    tie_beside = Statement(
        "INSERT INTO edge (waiter, position, awaited, passing, on_error) SELECT edge.waiter, (SELECT max(x.position) "
        "+ 1 AS anon_2 \nFROM edge AS x \nWHERE x.waiter = edge.waiter) AS anon_1, $1 AS anon_3, edge.passing, "
        "edge.on_error \nFROM edge JOIN job AS d ON d.key = edge.awaited \nWHERE d.id = $2 AND edge.passing >= 2",
        ("k", "of_id"),
    )
    wait_longer = Statement(
        "UPDATE job SET waits=(job.waits + 1) WHERE job.key IN (SELECT edge.waiter \nFROM edge JOIN job AS d ON d.key "
        "= edge.awaited \nWHERE d.id = $1 AND edge.passing >= 2) AND job.state = -1 AND job.waits > 0",
        ("of_id",),
    )
    cut = Statement("UPDATE edge SET awaited=0 WHERE edge.waiter = $1 AND edge.awaited = $2", ("k", "from_key"))
    untie = Statement("DELETE FROM edge WHERE edge.waiter = $1", ("k",))
    untie_awaited = Statement("DELETE FROM edge WHERE edge.awaited = $1", ("k",))
    replace = Statement(
        "UPDATE job SET task=$1, queue=$2, priority=$3, run_at=$4, expires_at=$5, args=$6, options=$7, waits=$8, "
        "role=((job.role & 1) | $9) WHERE job.key = $10",
        ("to_task", "to_queue", "to_priority", "at", "until", "to_args", "to_options", "to_waits", "fed", "k"),
    )
    cancelled_of = Statement(
        "SELECT job.key \nFROM job \nWHERE job.key IN (SELECT unnest(CAST($1 AS BIGINT[])) AS unnest_1) AND job.state "
        "= 5",
        ("keys",),
    )
    waiters_of = Statement(
        "SELECT edge.waiter, count(*) AS count_1 \nFROM edge \nWHERE edge.awaited IN (SELECT unnest(CAST($1 AS "
        "BIGINT[])) AS unnest_1) GROUP BY edge.waiter",
        ("keys",),
    )
    edges_from = Statement(
        "SELECT edge.waiter, edge.on_error, edge.awaited \nFROM edge \nWHERE edge.awaited IN (SELECT unnest(CAST($1 "
        "AS BIGINT[])) AS unnest_1)",
        ("keys",),
    )
    count_down = Statement(
        "UPDATE job SET waits=greatest(0, job.waits - $1), culprit=coalesce(job.culprit, $2) WHERE job.key = $3 AND "
        "job.state = -1 AND job.waits > 0",
        ("n", "of_culprit", "k"),
    )
    doom = Statement(
        "UPDATE job SET waits=$1, culprit=$2 WHERE job.key = $3 AND job.state = -1 AND job.waits > 0",
        ("waits", "of_culprit", "k"),
        {"waits": 0},
    )
    let_go = Statement(
        "UPDATE job SET state=CASE WHEN (CASE WHEN (job.run_at <= 0) THEN $1 - job.run_at ELSE job.run_at END > $1) "
        "THEN 0 ELSE 1 END, run_at=CASE WHEN (job.run_at <= 0) THEN $1 - job.run_at ELSE job.run_at END, "
        "expires_at=CASE WHEN (job.expires_at < 0) THEN $1 - job.expires_at ELSE job.expires_at END WHERE job.key = "
        "$2 AND job.state = -1 AND job.waits = 0 AND job.culprit IS NULL",
        ("now", "k"),
    )
    ties_of = Statement(
        "SELECT job.key, job.state, edge.on_error \nFROM edge LEFT OUTER JOIN job ON job.key = edge.awaited \nWHERE "
        "edge.waiter = $1 ORDER BY edge.position",
        ("k",),
    )
    set_waits = Statement(
        "UPDATE job SET state=$1, waits=$2, culprit=$3 WHERE job.key = $4 AND (job.state = 1 OR job.state = -1)",
        ("state", "n", "of_culprit", "k"),
        {"state": -1},
    )
    blame = Statement("UPDATE job SET culprit=$1 WHERE job.key = $2", ("of_culprit", "k"))
    fate = Statement("SELECT job.state, job.culprit \nFROM job \nWHERE job.key = $1", ("k",))
    again = Statement(
        "UPDATE job SET state=$1, run_at=$2, expires_at=NULL, retries=$3, crashes=$4, cancel=$5, shown=NULL, "
        "finished_at=NULL, culprit=NULL WHERE job.key = $6 AND job.state >= 3 RETURNING job.id",
        ("state", "now", "retries", "crashes", "cancel", "k"),
        {"state": 1, "retries": 0, "crashes": 0, "cancel": 0},
    )
    bad_ties = Statement(
        "SELECT edge.awaited \nFROM edge JOIN job ON job.key = edge.awaited \nWHERE edge.waiter = $1 AND "
        "edge.on_error != 2 AND job.state > 3 ORDER BY edge.position",
        ("k",),
    )
    claim_stuck = Statement(
        "UPDATE job SET state=$1, run_token=(job.run_token + 1), owner=$2, attempts=(job.attempts + 1), shown=NULL "
        "WHERE job.key IN (SELECT job.key \nFROM job \nWHERE job.state = -1 AND job.waits = 0 ORDER BY job.key \n "
        "LIMIT $3) RETURNING job.key",
        ("state", "worker", "most"),
        {"state": 2},
    )
    claimed = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, job.args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, job.workflow "
        "\nFROM job \nWHERE job.key = $1",
        ("k",),
    )


class _Group(GroupTexts):
    save = Statement(
        "INSERT INTO saved_group (id, content, saved_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET content = "
        "excluded.content, saved_at = excluded.saved_at",
        ("id", "content", "saved_at"),
    )
    load = Statement("SELECT saved_group.content \nFROM saved_group \nWHERE saved_group.id = $1", ("of_id",))
    drop = Statement("DELETE FROM saved_group WHERE saved_group.id = $1", ("of_id",))
    drop_old = Statement("DELETE FROM saved_group WHERE saved_group.saved_at < $1", ("before",))


class _History(HistoryTexts):
    ended = Statement(
        "SELECT job.task, job.queue, job.state, job.finished_at, job.run_at, attempt.started_at, attempt.ended_at "
        "\nFROM job LEFT OUTER JOIN attempt ON attempt.key = job.key * 1048576 + job.attempts AND job.attempts <= "
        "1048575 AND job.attempts > $1 \nWHERE job.state = $2 AND job.queue = $3 AND job.finished_at >= $4 AND "
        "job.finished_at < $5",
        ("attempts_1", "of_state", "of_queue", "since", "until"),
        {"attempts_1": 0},
    )
    going = Statement(
        "SELECT job.task, job.queue, job.state, job.finished_at, job.run_at, attempt.started_at, attempt.ended_at "
        "\nFROM job LEFT OUTER JOIN attempt ON attempt.key = job.key * 1048576 + job.attempts AND job.attempts <= "
        "1048575 AND job.attempts > $1 \nWHERE job.key IN (SELECT unnest(CAST($2 AS BIGINT[])) AS unnest_1) AND "
        "job.finished_at IS NOT NULL",
        ("attempts_1", "keys"),
        {"attempts_1": 0},
    )
    tallies = Statement(
        "SELECT tally.at, tally.task, tally.queue, tally.state, tally.count, tally.run_us, tally.runs, tally.waits "
        "\nFROM tally \nWHERE tally.at >= $1 AND tally.at < $2 ORDER BY tally.at",
        ("since", "until"),
    )
    tally = Statement(
        "SELECT tally.at, tally.task, tally.queue, tally.state, tally.count, tally.run_us, tally.runs, tally.waits "
        "\nFROM tally \nWHERE tally.at = $1 AND tally.task = $2 AND tally.queue = $3 AND tally.state = $4",
        ("at", "task", "queue", "state"),
    )
    keep = Statement(
        "INSERT INTO tally (at, task, queue, state, count, run_us, runs, waits) VALUES ($1, $2, $3, $4, $5, $6, $7, "
        "$8) ON CONFLICT (at, task, queue, state) DO UPDATE SET count = excluded.count, run_us = excluded.run_us, "
        "runs = excluded.runs, waits = excluded.waits",
        ("at", "task", "queue", "state", "count", "run_us", "runs", "waits"),
    )
    drop_tallies = Statement("DELETE FROM tally WHERE tally.at >= $1 AND tally.at < $2", ("since", "until"))
    fine = Statement(
        "SELECT min(tally.at) AS min_1 \nFROM tally \nWHERE tally.at < $1 AND tally.at % $2 != 0",
        ("before", "step"),
    )
    record = Statement(
        "INSERT INTO change (token, at, actor, came_from, verb, target, count, note) VALUES ($1, $2, $3, $4, $5, $6, "
        "$7, $8) ON CONFLICT (token) DO NOTHING RETURNING change.key",
        ("token", "at", "actor", "came_from", "verb", "target", "count", "note"),
    )
    forget = Statement("DELETE FROM change WHERE change.key <= $1", ("up_to",))
    last_change = Statement("SELECT max(change.key) AS max_1 \nFROM change")
    changes = Statement(
        "SELECT change.key, change.at, change.actor, change.came_from, change.verb, change.target, change.count, "
        "change.note \nFROM change \nWHERE change.key < $1 ORDER BY change.key DESC \n LIMIT $2",
        ("before", "most"),
    )
    changes_to = Statement(
        "SELECT change.key, change.at, change.actor, change.came_from, change.verb, change.target, change.count, "
        "change.note \nFROM change \nWHERE change.key < $1 AND change.target = $2 ORDER BY change.key DESC \n LIMIT $3",
        ("before", "of_target", "most"),
    )


class _Job(JobTexts):
    add_job = ManyRows(
        {
            "id": "text",
            "args": "bytes",
            "task": "text",
            "queue": "text",
            "priority": "number",
            "state": "number",
            "run_at": "number",
            "expires_at": "number",
            "created_at": "number",
            "options": "text",
        },
        "id",
        Statement(
            "INSERT INTO job (id, task, queue, priority, state, run_at, expires_at, created_at, args, options) VALUES "
            "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING RETURNING job.key",
            ("id", "task", "queue", "priority", "state", "run_at", "expires_at", "created_at", "args", "options"),
        ),
        Statement(
            "INSERT INTO job (id, args, task, queue, priority, state, run_at, expires_at, created_at, options) SELECT "
            "anon_1.id, anon_1.args, anon_1.task, anon_1.queue, anon_1.priority, anon_1.state, anon_1.run_at, "
            "anon_1.expires_at, anon_1.created_at, anon_1.options \nFROM unnest(CAST($1 AS TEXT[]), CAST($2 AS "
            "BYTEA[]), CAST($3 AS TEXT[]), CAST($4 AS TEXT[]), CAST($5 AS INTEGER[]), CAST($6 AS INTEGER[]), CAST($7 "
            "AS BIGINT[]), CAST($8 AS BIGINT[]), CAST($9 AS BIGINT[]), CAST($10 AS TEXT[])) AS anon_1(id, args, task, "
            "queue, priority, state, run_at, expires_at, created_at, options) ON CONFLICT (id) DO NOTHING RETURNING "
            "job.id",
            ("id", "args", "task", "queue", "priority", "state", "run_at", "expires_at", "created_at", "options"),
        ),
        lists=LISTS,
    )
    add_member = ManyRows(
        {
            "id": "text",
            "args": "bytes",
            "task": "text",
            "queue": "text",
            "priority": "number",
            "state": "number",
            "run_at": "number",
            "expires_at": "number",
            "created_at": "number",
            "options": "text",
            "waits": "number",
            "role": "number",
            "workflow": "text",
        },
        "id",
        Statement(
            "INSERT INTO job (id, task, queue, priority, state, run_at, expires_at, created_at, args, options, waits, "
            "role, workflow) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO "
            "NOTHING RETURNING job.key",
            (
                "id",
                "task",
                "queue",
                "priority",
                "state",
                "run_at",
                "expires_at",
                "created_at",
                "args",
                "options",
                "waits",
                "role",
                "workflow",
            ),
        ),
        Statement(
            "INSERT INTO job (id, args, task, queue, priority, state, run_at, expires_at, created_at, options, waits, "
            "role, workflow) SELECT anon_1.id, anon_1.args, anon_1.task, anon_1.queue, anon_1.priority, anon_1.state, "
            "anon_1.run_at, anon_1.expires_at, anon_1.created_at, anon_1.options, anon_1.waits, anon_1.role, "
            "anon_1.workflow \nFROM unnest(CAST($1 AS TEXT[]), CAST($2 AS BYTEA[]), CAST($3 AS TEXT[]), CAST($4 AS "
            "TEXT[]), CAST($5 AS INTEGER[]), CAST($6 AS INTEGER[]), CAST($7 AS BIGINT[]), CAST($8 AS BIGINT[]), "
            "CAST($9 AS BIGINT[]), CAST($10 AS TEXT[]), CAST($11 AS INTEGER[]), CAST($12 AS INTEGER[]), CAST($13 AS "
            "TEXT[])) AS anon_1(id, args, task, queue, priority, state, run_at, expires_at, created_at, options, "
            "waits, role, workflow) ON CONFLICT (id) DO NOTHING RETURNING job.id",
            (
                "id",
                "args",
                "task",
                "queue",
                "priority",
                "state",
                "run_at",
                "expires_at",
                "created_at",
                "options",
                "waits",
                "role",
                "workflow",
            ),
        ),
        lists=LISTS,
    )
    add_plain = Statement(
        "INSERT INTO job (id, task, queue, priority, state, run_at, created_at, args) VALUES ($1, $2, $3, $4, $5, $6, "
        "$7, $8) ON CONFLICT (id) DO NOTHING RETURNING job.key",
        ("id", "task", "queue", "priority", "state", "run_at", "created_at", "args"),
    )
    by_id = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, job.workflow "
        "\nFROM job \nWHERE job.id = $1",
        ("of_id",),
    )
    standing = Statement(
        "SELECT job.key, job.state, job.role \nFROM job \nWHERE job.id = $1 FOR UPDATE OF job",
        ("of_id",),
    )
    place_of = Statement("SELECT job.key, job.role \nFROM job \nWHERE job.id = $1", ("of_id",))
    add_payload = Statement(
        "INSERT INTO payload (job, args) SELECT job.key, $1 AS anon_1 \nFROM job \nWHERE job.id = $2",
        ("args", "of_id"),
    )
    outlook = Statement(
        "WITH RECURSIVE found(value) AS \n(SELECT min(job.queue) AS value \nFROM job \nWHERE job.state = 1 UNION ALL "
        "SELECT (SELECT min(job.queue) AS min_2 \nFROM job \nWHERE job.state = 1 AND job.queue > found.value) AS "
        "anon_4 \nFROM found \nWHERE found.value IS NOT NULL)\n SELECT (EXISTS (SELECT * \nFROM standing_order "
        "\nWHERE standing_order.kind IN ('pause', 'rate'))) OR (EXISTS (SELECT * \nFROM job \nWHERE job.state = 0 AND "
        "job.run_at >= 253402300799999999)) AS anon_1, (SELECT min(job.run_at) AS min_1 \nFROM job \nWHERE job.state "
        "= 0 AND job.run_at < 253402300799999999) AS anon_2, (SELECT 1 \nFROM job \nWHERE job.state = -1 AND "
        "job.waits = 0 \n LIMIT $1) AS anon_3, array((SELECT found.value \nFROM found \nWHERE found.value IS NOT "
        "NULL)) AS array_1, NULL AS anon_5 \nFROM worker \nWHERE worker.key = $2 AND worker.gone = 0",
        ("param_1", "k"),
        {"param_1": 1},
    )
    promote = Statement(
        "UPDATE job SET state=$1 WHERE job.key = any(array((SELECT job.key \nFROM job \nWHERE job.state = 0 AND "
        "job.run_at <= $2 ORDER BY job.run_at \n LIMIT $3 FOR UPDATE SKIP LOCKED)))",
        ("state", "now", "most"),
        {"state": 1},
    )
    first_due = Statement(
        "SELECT min(job.run_at) AS min_1 \nFROM job \nWHERE job.state = 0 AND job.run_at < 253402300799999999 AND "
        "job.queue = $1",
        ("of_queue",),
    )
    promote_queue = Statement(
        "UPDATE job SET state=$1 WHERE job.key = any(array((SELECT job.key \nFROM job \nWHERE job.state = 0 AND "
        "job.run_at < 253402300799999999 AND job.queue = $2 AND job.run_at <= $3 ORDER BY job.run_at \n LIMIT $4 FOR "
        "UPDATE SKIP LOCKED)))",
        ("state", "of_queue", "now", "most"),
        {"state": 1},
    )
    next_due_queue = DifferentValues(
        Statement(
            "SELECT min(job.queue) AS min_1 \nFROM job \nWHERE job.state = 0 AND job.run_at < 253402300799999999 AND "
            "job.queue > $1",
            ("after",),
        ),
        Statement(
            "WITH RECURSIVE found(value) AS \n(SELECT min(job.queue) AS value \nFROM job \nWHERE job.state = 0 AND "
            "job.run_at < 253402300799999999 UNION ALL SELECT (SELECT min(job.queue) AS min_1 \nFROM job \nWHERE "
            "job.state = 0 AND job.run_at < 253402300799999999 AND job.queue > found.value) AS anon_1 \nFROM found "
            "\nWHERE found.value IS NOT NULL)\n SELECT found.value \nFROM found \nWHERE found.value IS NOT NULL",
        ),
    )
    next_queue = DifferentValues(
        Statement("SELECT min(job.queue) AS min_1 \nFROM job \nWHERE job.state = 1 AND job.queue > $1", ("after",)),
        Statement(
            "WITH RECURSIVE found(value) AS \n(SELECT min(job.queue) AS value \nFROM job \nWHERE job.state = 1 UNION "
            "ALL SELECT (SELECT min(job.queue) AS min_1 \nFROM job \nWHERE job.state = 1 AND job.queue > found.value) "
            "AS anon_1 \nFROM found \nWHERE found.value IS NOT NULL)\n SELECT found.value \nFROM found \nWHERE "
            "found.value IS NOT NULL",
        ),
    )
    best_of_queue = Statement(
        "SELECT job.key, job.priority \nFROM job \nWHERE job.state = 1 AND job.queue = $1 ORDER BY job.priority DESC, "
        "job.key \n LIMIT $2",
        ("of_queue", "most"),
    )
    claim_queue = Statement(
        "UPDATE job SET state=$1, run_token=(job.run_token + 1), owner=$2, attempts=(job.attempts + 1), shown=NULL "
        "WHERE job.key = any(array((SELECT job.key \nFROM job \nWHERE job.state = 1 AND job.queue = $3 ORDER BY "
        "job.priority DESC, job.key \n LIMIT $4 FOR UPDATE SKIP LOCKED))) RETURNING job.key, job.id, job.task, "
        "job.queue, job.priority, job.run_at, job.expires_at, job.run_token, job.attempts, job.retries, job.crashes, "
        "job.created_at, job.args, job.options, job.role, job.workflow",
        ("state", "worker", "of_queue", "most"),
        {"state": 2},
    )
    front_of_queue = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.run_at, job.expires_at, job.run_token + 1 AS "
        "anon_1, job.attempts + 1 AS anon_2, job.retries, job.crashes, job.created_at, job.args, job.options, "
        "job.role, job.workflow \nFROM job \nWHERE job.state = 1 AND job.queue = $1 ORDER BY job.priority DESC, "
        "job.key \n LIMIT $2",
        ("of_queue", "most"),
    )
    take_front = Statement(
        "UPDATE job SET state=$1, run_token=(job.run_token + 1), owner=$2, attempts=(job.attempts + 1), shown=NULL "
        "WHERE job.key = any(array((SELECT job.key \nFROM job \nWHERE job.state = 1 AND job.queue = $3 ORDER BY "
        "job.priority DESC, job.key \n LIMIT $4 FOR UPDATE SKIP LOCKED)))",
        ("state", "worker", "of_queue", "most"),
        {"state": 2},
    )
    claim_keys = Statement(
        "UPDATE job SET state=$1, run_token=(job.run_token + 1), owner=$2, attempts=(job.attempts + 1), shown=NULL "
        "WHERE job.key = any(array((SELECT job.key \nFROM job \nWHERE job.state = 1 AND job.key IN (SELECT "
        "unnest(CAST($3 AS BIGINT[])) AS unnest_1) ORDER BY job.priority DESC, job.key \n LIMIT $4 FOR UPDATE SKIP "
        "LOCKED))) RETURNING job.key, job.id, job.task, job.queue, job.priority, job.run_at, job.expires_at, "
        "job.run_token, job.attempts, job.retries, job.crashes, job.created_at, job.args, job.options, job.role, "
        "job.workflow",
        ("state", "worker", "keys", "most"),
        {"state": 2},
    )
    count_ready = Statement(
        "SELECT count(*) AS count_1 \nFROM (SELECT job.key AS key \nFROM job \nWHERE job.state = 1 AND job.queue = $1 "
        "\n LIMIT $2) AS anon_1",
        ("of_queue", "most"),
    )
    payload = Statement("SELECT payload.args \nFROM payload \nWHERE payload.job = $1", ("job",))
    finish = ManyRows(
        {
            "k": "number",
            "of_id": "text",
            "token": "number",
            "at": "number",
            "worker": "number",
            "to_state": "number",
            "now": "number",
            "to_retries": "number",
            "to_crashes": "number",
            "to_shown": "text",
            "uncharged": "number",
            "as_role": "number",
        },
        "k",
        Statement(
            "UPDATE job SET state=CASE WHEN (job.cancel > 0 AND $1 < 3) THEN 5 ELSE $1 END, run_at=$2, owner=NULL, "
            "attempts=(job.attempts - $3), retries=$4, crashes=$5, shown=CASE WHEN (job.cancel > 0 AND $1 < 3) THEN "
            "NULL ELSE $6 END, finished_at=CASE WHEN (job.cancel > 0 AND $1 < 3 OR $1 >= 3) THEN $7 ELSE "
            "job.finished_at END WHERE job.key = $8 AND job.id = $9 AND job.run_token = $10 AND job.owner = $11 AND "
            "job.role = $12 AND job.state + 0 = 2",
            (
                "to_state",
                "at",
                "uncharged",
                "to_retries",
                "to_crashes",
                "to_shown",
                "now",
                "k",
                "of_id",
                "token",
                "worker",
                "as_role",
            ),
        ),
        Statement(
            "UPDATE job SET state=CASE WHEN (job.cancel > 0 AND anon_1.to_state < 3) THEN 5 ELSE anon_1.to_state END, "
            "run_at=anon_1.at, owner=NULL, attempts=(job.attempts - anon_1.uncharged), retries=anon_1.to_retries, "
            "crashes=anon_1.to_crashes, shown=CASE WHEN (job.cancel > 0 AND anon_1.to_state < 3) THEN NULL ELSE "
            "anon_1.to_shown END, finished_at=CASE WHEN (job.cancel > 0 AND anon_1.to_state < 3 OR anon_1.to_state >= "
            "3) THEN anon_1.now ELSE job.finished_at END FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS TEXT[]), "
            "CAST($3 AS BIGINT[]), CAST($4 AS BIGINT[]), CAST($5 AS BIGINT[]), CAST($6 AS BIGINT[]), CAST($7 AS "
            "BIGINT[]), CAST($8 AS BIGINT[]), CAST($9 AS BIGINT[]), CAST($10 AS TEXT[]), CAST($11 AS BIGINT[]), "
            "CAST($12 AS BIGINT[])) AS anon_1(k, of_id, token, at, worker, to_state, now, to_retries, to_crashes, "
            "to_shown, uncharged, as_role) WHERE job.key = anon_1.k AND job.id = anon_1.of_id AND job.run_token = "
            "anon_1.token AND job.owner = anon_1.worker AND job.role = anon_1.as_role AND job.state + 0 = 2 RETURNING "
            "job.key",
            (
                "k",
                "of_id",
                "token",
                "at",
                "worker",
                "to_state",
                "now",
                "to_retries",
                "to_crashes",
                "to_shown",
                "uncharged",
                "as_role",
            ),
        ),
        lists=LISTS,
    )
    finish_whole = ManyRows(
        {
            "k": "number",
            "of_id": "text",
            "token": "number",
            "at": "number",
            "worker": "number",
            "to_state": "number",
            "now": "number",
            "to_retries": "number",
            "to_crashes": "number",
            "to_shown": "text",
            "uncharged": "number",
            "as_role": "number",
            "kept_key": "number",
            "kept_started_at": "number",
            "kept_ended_at": "number",
            "kept_result": "bytes",
            "kept_peak_kb": "number",
            "kept_worker": "text",
            "kept_ending": "text",
            "kept_failure": "bytes",
            "kept_output": "text",
        },
        "k",
        Statement(
            "WITH held AS \n(UPDATE job SET state=CASE WHEN (job.cancel > 0 AND $10 < 3) THEN 5 ELSE $10 END, "
            "run_at=$11, owner=NULL, attempts=(job.attempts - $12), retries=$13, crashes=$14, shown=CASE WHEN "
            "(job.cancel > 0 AND $10 < 3) THEN NULL ELSE $15 END, finished_at=CASE WHEN (job.cancel > 0 AND $10 < 3 "
            "OR $10 >= 3) THEN $16 ELSE job.finished_at END WHERE job.key = $17 AND job.id = $18 AND job.run_token = "
            "$19 AND job.owner = $20 AND job.role = $21 AND job.state + 0 = 2 RETURNING job.key), \nkept AS \n(INSERT "
            "INTO attempt (key, worker, started_at, ended_at, ending, result, failure, peak_kb, output) SELECT $1 AS "
            "anon_1, $2 AS anon_2, $3 AS anon_3, $4 AS anon_4, $5 AS anon_5, $6 AS anon_6, $7 AS anon_7, $8 AS "
            "anon_8, $9 AS anon_9 \nFROM held \nWHERE held.key = $17 AND $1 IS NOT NULL ON CONFLICT (key) DO UPDATE "
            "SET worker = excluded.worker, started_at = excluded.started_at, ended_at = excluded.ended_at, ending = "
            "excluded.ending, result = excluded.result, failure = excluded.failure, peak_kb = excluded.peak_kb, "
            "output = excluded.output)\n SELECT held.key \nFROM held",
            (
                "kept_key",
                "kept_worker",
                "kept_started_at",
                "kept_ended_at",
                "kept_ending",
                "kept_result",
                "kept_failure",
                "kept_peak_kb",
                "kept_output",
                "to_state",
                "at",
                "uncharged",
                "to_retries",
                "to_crashes",
                "to_shown",
                "now",
                "k",
                "of_id",
                "token",
                "worker",
                "as_role",
            ),
        ),
        Statement(
            "WITH held AS \n(UPDATE job SET state=CASE WHEN (job.cancel > 0 AND anon_1.to_state < 3) THEN 5 ELSE "
            "anon_1.to_state END, run_at=anon_1.at, owner=NULL, attempts=(job.attempts - anon_1.uncharged), "
            "retries=anon_1.to_retries, crashes=anon_1.to_crashes, shown=CASE WHEN (job.cancel > 0 AND "
            "anon_1.to_state < 3) THEN NULL ELSE anon_1.to_shown END, finished_at=CASE WHEN (job.cancel > 0 AND "
            "anon_1.to_state < 3 OR anon_1.to_state >= 3) THEN anon_1.now ELSE job.finished_at END FROM "
            "unnest(CAST($1 AS BIGINT[]), CAST($2 AS TEXT[]), CAST($3 AS BIGINT[]), CAST($4 AS BIGINT[]), CAST($5 AS "
            "BIGINT[]), CAST($6 AS BIGINT[]), CAST($7 AS BIGINT[]), CAST($8 AS BIGINT[]), CAST($9 AS BIGINT[]), "
            "CAST($10 AS TEXT[]), CAST($11 AS BIGINT[]), CAST($12 AS BIGINT[]), CAST($13 AS BIGINT[]), CAST($14 AS "
            "BIGINT[]), CAST($15 AS BIGINT[]), CAST($16 AS BYTEA[]), CAST($17 AS BIGINT[]), CAST($18 AS TEXT[]), "
            "CAST($19 AS TEXT[]), CAST($20 AS BYTEA[]), CAST($21 AS TEXT[])) AS anon_1(k, of_id, token, at, worker, "
            "to_state, now, to_retries, to_crashes, to_shown, uncharged, as_role, kept_key, kept_started_at, "
            "kept_ended_at, kept_result, kept_peak_kb, kept_worker, kept_ending, kept_failure, kept_output) WHERE "
            "job.key = anon_1.k AND job.id = anon_1.of_id AND job.run_token = anon_1.token AND job.owner = "
            "anon_1.worker AND job.role = anon_1.as_role AND job.state + 0 = 2 RETURNING job.key), \nkept AS "
            "\n(INSERT INTO attempt (key, worker, started_at, ended_at, ending, result, failure, peak_kb, output) "
            "SELECT anon_1.kept_key AS kept_key, anon_1.kept_worker AS kept_worker, anon_1.kept_started_at AS "
            "kept_started_at, anon_1.kept_ended_at AS kept_ended_at, anon_1.kept_ending AS kept_ending, "
            "anon_1.kept_result AS kept_result, anon_1.kept_failure AS kept_failure, anon_1.kept_peak_kb AS "
            "kept_peak_kb, anon_1.kept_output AS kept_output \nFROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS TEXT[]), "
            "CAST($3 AS BIGINT[]), CAST($4 AS BIGINT[]), CAST($5 AS BIGINT[]), CAST($6 AS BIGINT[]), CAST($7 AS "
            "BIGINT[]), CAST($8 AS BIGINT[]), CAST($9 AS BIGINT[]), CAST($10 AS TEXT[]), CAST($11 AS BIGINT[]), "
            "CAST($12 AS BIGINT[]), CAST($13 AS BIGINT[]), CAST($14 AS BIGINT[]), CAST($15 AS BIGINT[]), CAST($16 AS "
            "BYTEA[]), CAST($17 AS BIGINT[]), CAST($18 AS TEXT[]), CAST($19 AS TEXT[]), CAST($20 AS BYTEA[]), "
            "CAST($21 AS TEXT[])) AS anon_1(k, of_id, token, at, worker, to_state, now, to_retries, to_crashes, "
            "to_shown, uncharged, as_role, kept_key, kept_started_at, kept_ended_at, kept_result, kept_peak_kb, "
            "kept_worker, kept_ending, kept_failure, kept_output), held \nWHERE held.key = anon_1.k AND "
            "anon_1.kept_key IS NOT NULL ON CONFLICT (key) DO UPDATE SET worker = excluded.worker, started_at = "
            "excluded.started_at, ended_at = excluded.ended_at, ending = excluded.ending, result = excluded.result, "
            "failure = excluded.failure, peak_kb = excluded.peak_kb, output = excluded.output)\n SELECT held.key "
            "\nFROM held",
            (
                "k",
                "of_id",
                "token",
                "at",
                "worker",
                "to_state",
                "now",
                "to_retries",
                "to_crashes",
                "to_shown",
                "uncharged",
                "as_role",
                "kept_key",
                "kept_started_at",
                "kept_ended_at",
                "kept_result",
                "kept_peak_kb",
                "kept_worker",
                "kept_ending",
                "kept_failure",
                "kept_output",
            ),
        ),
        whole=True,
        lists=LISTS,
    )
    new_call = Statement("UPDATE job SET args=$1, options=$2 WHERE job.key = $3", ("new_args", "new_options", "k"))
    new_place = Statement(
        "UPDATE job SET queue=coalesce($1, job.queue), priority=coalesce($2, job.priority) WHERE job.key = $3",
        ("new_queue", "new_priority", "k"),
    )
    whole_call = Statement("UPDATE job SET role=(job.role & 1) WHERE job.key = $1", ("k",))
    add_attempt = ManyRows(
        {
            "key": "number",
            "started_at": "number",
            "ended_at": "number",
            "result": "bytes",
            "peak_kb": "number",
            "worker": "text",
            "ending": "text",
            "failure": "bytes",
            "output": "text",
        },
        "key",
        Statement(
            "INSERT INTO attempt (key, worker, started_at, ended_at, ending, result, failure, peak_kb, output) VALUES "
            "($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (key) DO UPDATE SET worker = excluded.worker, "
            "started_at = excluded.started_at, ended_at = excluded.ended_at, ending = excluded.ending, result = "
            "excluded.result, failure = excluded.failure, peak_kb = excluded.peak_kb, output = excluded.output",
            ("key", "worker", "started_at", "ended_at", "ending", "result", "failure", "peak_kb", "output"),
        ),
        Statement(
            "INSERT INTO attempt (key, worker, started_at, ended_at, ending, result, failure, peak_kb, output) SELECT "
            "anon_1.key, anon_1.worker, anon_1.started_at, anon_1.ended_at, anon_1.ending, anon_1.result, "
            "anon_1.failure, anon_1.peak_kb, anon_1.output \nFROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), "
            "CAST($3 AS BIGINT[]), CAST($4 AS BYTEA[]), CAST($5 AS BIGINT[]), CAST($6 AS TEXT[]), CAST($7 AS TEXT[]), "
            "CAST($8 AS BYTEA[]), CAST($9 AS TEXT[])) AS anon_1(key, started_at, ended_at, result, peak_kb, worker, "
            "ending, failure, output) ON CONFLICT (key) DO UPDATE SET worker = excluded.worker, started_at = "
            "excluded.started_at, ended_at = excluded.ended_at, ending = excluded.ending, result = excluded.result, "
            "failure = excluded.failure, peak_kb = excluded.peak_kb, output = excluded.output RETURNING attempt.key",
            ("key", "started_at", "ended_at", "result", "peak_kb", "worker", "ending", "failure", "output"),
        ),
        lists=LISTS,
    )
    note_shown = Statement(
        "UPDATE job SET shown=coalesce($1, job.shown) WHERE job.id = $2 AND job.state < 3 RETURNING job.key",
        ("to_shown", "of_id"),
    )
    add_note = Statement(
        "INSERT INTO note (job, meta, noted_at) VALUES ($1, $2, $3) ON CONFLICT (job) DO UPDATE SET meta = "
        "excluded.meta, noted_at = excluded.noted_at",
        ("job", "meta", "noted_at"),
    )
    cancel_waiting = Statement(
        "UPDATE job SET state=$1, cancel=$2, shown=NULL, finished_at=$3 WHERE job.key = $4 AND job.state < 2",
        ("state", "signal", "now", "k"),
        {"state": 5},
    )
    flag = Statement(
        "UPDATE job SET cancel=CASE WHEN ($1 > 1 OR job.cancel = 0) THEN $1 ELSE job.cancel END WHERE job.key = $2 "
        "AND job.state = 2",
        ("signal", "k"),
    )
    requeue = Statement(
        "UPDATE job SET state=$1, run_at=$2, expires_at=NULL, retries=$3, crashes=$4, cancel=$5, shown=NULL, "
        "finished_at=NULL, culprit=NULL WHERE job.id = $6 AND job.state >= 3 RETURNING job.key, job.id, job.role, "
        "job.workflow",
        ("state", "now", "retries", "crashes", "cancel", "of_id"),
        {"state": 1, "retries": 0, "crashes": 0, "cancel": 0},
    )
    next_done = DifferentValues(
        Statement(
            "SELECT min(job.queue) AS min_1 \nFROM job \nWHERE job.finished_at IS NOT NULL AND job.state = $1 AND "
            "job.queue > $2",
            ("of_state", "after"),
        ),
        Statement(
            "WITH RECURSIVE found(value) AS \n(SELECT min(job.queue) AS value \nFROM job \nWHERE job.finished_at IS "
            "NOT NULL AND job.state = $1 UNION ALL SELECT (SELECT min(job.queue) AS min_1 \nFROM job \nWHERE "
            "job.finished_at IS NOT NULL AND job.state = $1 AND job.queue > found.value) AS anon_1 \nFROM found "
            "\nWHERE found.value IS NOT NULL)\n SELECT found.value \nFROM found \nWHERE found.value IS NOT NULL",
            ("of_state",),
        ),
    )
    done_before = Statement(
        "SELECT job.key, job.finished_at, CASE WHEN ((job.workflow IS NULL OR NOT (EXISTS (SELECT 1 \nFROM job AS "
        "other \nWHERE other.workflow = job.workflow AND other.workflow IS NOT NULL AND other.finished_at IS NULL)) "
        "AND NOT (EXISTS (SELECT 1 \nFROM job AS other \nWHERE other.workflow = job.workflow AND other.workflow IS "
        "NOT NULL AND other.finished_at >= $1))) AND NOT (job.role != 0 AND (EXISTS (SELECT 1 \nFROM edge JOIN job AS "
        "waiter ON waiter.key = edge.waiter \nWHERE edge.awaited = job.key AND waiter.state < 3)))) THEN 1 ELSE 0 END "
        "AS anon_1 \nFROM job \nWHERE job.state = $2 AND job.queue = $3 AND job.finished_at >= $4 AND job.finished_at "
        "< $1 ORDER BY job.finished_at \n LIMIT $5",
        ("before", "of_state", "of_queue", "since", "most"),
    )
    still_done = Statement(
        "SELECT job.key \nFROM job \nWHERE job.key IN (SELECT unnest(CAST($1 AS BIGINT[])) AS unnest_1) AND "
        "job.finished_at < $2 AND (job.workflow IS NULL OR NOT (EXISTS (SELECT 1 \nFROM job AS other \nWHERE "
        "other.workflow = job.workflow AND other.workflow IS NOT NULL AND other.finished_at IS NULL)) AND NOT (EXISTS "
        "(SELECT 1 \nFROM job AS other \nWHERE other.workflow = job.workflow AND other.workflow IS NOT NULL AND "
        "other.finished_at >= $2))) AND NOT (job.role != 0 AND (EXISTS (SELECT 1 \nFROM edge JOIN job AS waiter ON "
        "waiter.key = edge.waiter \nWHERE edge.awaited = job.key AND waiter.state < 3)))",
        ("keys", "before"),
    )
    waiting_keys = Statement(
        "SELECT job.key \nFROM job \nWHERE job.state = -1 UNION ALL SELECT job.key \nFROM job \nWHERE job.state = 0 "
        "UNION ALL SELECT job.key \nFROM job \nWHERE job.state = 1 \n LIMIT $1",
        ("most",),
    )
    waiting_keys_in = Statement(
        "SELECT job.key \nFROM job \nWHERE job.state = -1 AND job.queue IN (SELECT unnest(CAST($1 AS TEXT[])) AS "
        "unnest_1) UNION ALL SELECT job.key \nFROM job \nWHERE job.state = 0 AND job.queue IN (SELECT unnest(CAST($1 "
        "AS TEXT[])) AS unnest_1) UNION ALL SELECT job.key \nFROM job \nWHERE job.state = 1 AND job.queue IN (SELECT "
        "unnest(CAST($1 AS TEXT[])) AS unnest_1) \n LIMIT $2",
        ("names", "most"),
    )
    final_key = Statement(
        "SELECT job.key \nFROM job \nWHERE job.id = $1 AND job.state >= 3 AND NOT (job.role != 0 AND (EXISTS (SELECT "
        "1 \nFROM edge JOIN job AS waiter ON waiter.key = edge.waiter \nWHERE edge.awaited = job.key AND waiter.state "
        "< 3)))",
        ("of_id",),
    )
    drop_job = Statement("DELETE FROM job WHERE job.key = $1", ("k",))
    drop_payload = Statement("DELETE FROM payload WHERE payload.job = $1", ("k",))
    drop_note = Statement("DELETE FROM note WHERE note.job = $1", ("k",))
    drop_attempts = Statement("DELETE FROM attempt WHERE attempt.key >= $1 AND attempt.key < $2", ("first", "end"))


class _KnownTask(KnownTaskTexts):
    next_task = Statement(
        "SELECT min(job.task) AS min_1 \nFROM job \nWHERE job.state = 1 AND job.queue = $1 AND job.task >= $2",
        ("of_queue", "at"),
    )
    task_behind = Statement(
        "SELECT min(job.task) AS min_1 \nFROM job \nWHERE job.state = 1 AND job.queue = $1 AND job.task > $2",
        ("of_queue", "at"),
    )
    front = Statement(
        "SELECT job.key, job.priority, job.task \nFROM job \nWHERE job.state = 1 AND job.queue = $1 ORDER BY "
        "job.priority DESC, job.key \n LIMIT $2",
        ("of_queue", "most"),
    )
    best_of_task = Statement(
        "SELECT job.priority, job.key \nFROM job \nWHERE job.state = 1 AND job.queue = $1 AND job.task = $2 ORDER BY "
        "job.priority DESC, job.key \n LIMIT $3",
        ("of_queue", "of_task", "most"),
    )
    put_back = Statement(
        "UPDATE job SET state=$1, owner=NULL, attempts=(job.attempts - 1) WHERE job.key = $2",
        ("state", "k"),
        {"state": 1},
    )


class _Limit(LimitTexts):
    next_queue = DifferentValues(
        Statement(
            "SELECT min(job.queue) AS min_1 \nFROM job \nWHERE job.state = 0 AND job.run_at >= 253402300799999999 AND "
            "job.queue > $1",
            ("after",),
        ),
        Statement(
            "WITH RECURSIVE found(value) AS \n(SELECT min(job.queue) AS value \nFROM job \nWHERE job.state = 0 AND "
            "job.run_at >= 253402300799999999 UNION ALL SELECT (SELECT min(job.queue) AS min_1 \nFROM job \nWHERE "
            "job.state = 0 AND job.run_at >= 253402300799999999 AND job.queue > found.value) AS anon_1 \nFROM found "
            "\nWHERE found.value IS NOT NULL)\n SELECT found.value \nFROM found \nWHERE found.value IS NOT NULL",
        ),
    )
    next_task = DifferentValues(
        Statement(
            "SELECT min(job.task) AS min_1 \nFROM job \nWHERE job.state = 0 AND job.run_at >= 253402300799999999 AND "
            "job.queue = $1 AND job.task > $2",
            ("of_queue", "after"),
        ),
        Statement(
            "WITH RECURSIVE found(value) AS \n(SELECT min(job.task) AS value \nFROM job \nWHERE job.state = 0 AND "
            "job.run_at >= 253402300799999999 AND job.queue = $1 UNION ALL SELECT (SELECT min(job.task) AS min_1 "
            "\nFROM job \nWHERE job.state = 0 AND job.run_at >= 253402300799999999 AND job.queue = $1 AND job.task > "
            "found.value) AS anon_1 \nFROM found \nWHERE found.value IS NOT NULL)\n SELECT found.value \nFROM found "
            "\nWHERE found.value IS NOT NULL",
            ("of_queue",),
        ),
    )
    let_out = Statement(
        "UPDATE job SET state=$1, run_at=$2 WHERE job.key IN (SELECT job.key \nFROM job \nWHERE job.state = 0 AND "
        "job.run_at >= 253402300799999999 AND job.queue = $3 AND job.task = $4 ORDER BY job.priority DESC, job.key \n "
        "LIMIT $5)",
        ("state", "now", "of_queue", "of_task", "most"),
        {"state": 1},
    )
    park = Statement(
        "UPDATE job SET state=$1, run_at=$2 WHERE job.key IN (SELECT anon_1.key \nFROM (SELECT job.key AS key, "
        "job.task AS task \nFROM job \nWHERE job.state = 1 AND job.queue = $3 ORDER BY job.priority DESC, job.key \n "
        "LIMIT $4) AS anon_1 \nWHERE anon_1.task IN (SELECT unnest(CAST($5 AS TEXT[])) AS unnest_1))",
        ("state", "run_at", "of_queue", "most", "tasks"),
        {"state": 0, "run_at": 253402300799999999},
    )
    put_back = Statement(
        "UPDATE job SET state=$1, run_at=$2, owner=NULL, attempts=(job.attempts - 1) WHERE job.key = $3",
        ("state", "run_at", "k"),
        {"state": 0, "run_at": 253402300799999999},
    )
    full_at = Statement("SELECT bucket.full_at \nFROM bucket \nWHERE bucket.task = $1", ("of_task",))
    keep = Statement(
        "INSERT INTO bucket (task, full_at) VALUES ($1, $2) ON CONFLICT (task) DO UPDATE SET full_at = "
        "excluded.full_at",
        ("task", "full_at"),
    )


class _Mail(MailTexts):
    post = Statement(
        "INSERT INTO letter (command, arguments, destination, wants_reply, expires_at, token) VALUES ($1, $2, $3, $4, "
        "$5, $6) ON CONFLICT (token) DO NOTHING RETURNING letter.key",
        ("command", "arguments", "destination", "wants_reply", "expires_at", "token"),
    )
    posted = Statement("SELECT letter.key \nFROM letter \nWHERE letter.token = $1", ("of_token",))
    drop_letters = Statement("DELETE FROM letter WHERE letter.expires_at < $1", ("now",))
    drop_replies = Statement(
        "DELETE FROM reply WHERE NOT (EXISTS (SELECT letter.key \nFROM letter \nWHERE letter.key = reply.letter))",
    )
    last = Statement("SELECT max(letter.key) AS max_1 \nFROM letter")
    take = Statement(
        "SELECT letter.key, letter.command, letter.arguments, letter.wants_reply \nFROM letter \nWHERE letter.key > "
        "$1 AND letter.expires_at >= $2 AND (letter.destination IS NULL OR $3 IN (SELECT "
        "jsonb_array_elements_text(CAST(letter.destination AS JSONB)) AS jsonb_array_elements_text_1 \nFROM letter)) "
        "ORDER BY letter.key",
        ("place", "now", "worker"),
    )
    answer = Statement(
        "INSERT INTO reply (letter, worker, answer, token) VALUES ($1, $2, $3, $4) ON CONFLICT (letter, token) DO "
        "NOTHING RETURNING reply.key",
        ("letter", "worker", "answer", "token"),
    )
    answers = Statement(
        "SELECT reply.worker, reply.answer \nFROM reply \nWHERE reply.letter = $1 ORDER BY reply.key",
        ("of_letter",),
    )
    orders = Statement(
        "SELECT standing_order.kind, standing_order.name, standing_order.value \nFROM standing_order ORDER BY "
        "standing_order.kind, standing_order.name",
    )
    given = Statement(
        "SELECT standing_order.name, standing_order.given_at \nFROM standing_order \nWHERE standing_order.kind = $1",
        ("of_kind",),
    )
    give = Statement(
        "INSERT INTO standing_order (kind, name, value, given_at) VALUES ($1, $2, $3, $4) ON CONFLICT (kind, name) DO "
        "UPDATE SET value = excluded.value, given_at = excluded.given_at",
        ("kind", "name", "value", "given_at"),
    )
    withdraw = Statement(
        "DELETE FROM standing_order WHERE standing_order.kind = $1 AND standing_order.name = $2",
        ("of_kind", "of_name"),
    )
    order = Statement(
        "SELECT standing_order.value \nFROM standing_order \nWHERE standing_order.kind = $1 AND standing_order.name = "
        "$2",
        ("of_kind", "of_name"),
    )
    drop_bucket = Statement("DELETE FROM bucket WHERE bucket.task = $1", ("of_task",))


class _Moving(MovingTexts):
    jobs = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, job.args, job.options, job.waits, job.role, job.culprit, job.workflow \nFROM job \nWHERE "
        "job.key > $1 ORDER BY job.key \n LIMIT $2",
        ("after", "most"),
    )
    payloads = Statement(
        "SELECT payload.job, payload.args \nFROM payload \nWHERE payload.job BETWEEN $1 AND $2",
        ("first", "last"),
    )
    notes = Statement("SELECT note.job, note.meta \nFROM note \nWHERE note.job BETWEEN $1 AND $2", ("first", "last"))
    attempts = Statement(
        "SELECT attempt.key, attempt.worker, attempt.started_at, attempt.ended_at, attempt.ending, attempt.result, "
        "attempt.failure, attempt.peak_kb, attempt.output \nFROM attempt \nWHERE attempt.key BETWEEN $1 AND $2 ORDER "
        "BY attempt.key",
        ("first", "last"),
    )
    waiters = Statement(
        "SELECT edge.waiter \nFROM edge \nWHERE edge.waiter > $1 GROUP BY edge.waiter ORDER BY edge.waiter \n LIMIT $2",
        ("after", "most"),
    )
    ties = Statement(
        "SELECT w.key, w.id, w.culprit, edge.awaited, edge.position, d.id AS id_1, edge.passing, edge.on_error \nFROM "
        "edge JOIN job AS w ON w.key = edge.waiter LEFT OUTER JOIN job AS d ON d.key = edge.awaited \nWHERE "
        "edge.waiter BETWEEN $1 AND $2 ORDER BY edge.waiter, edge.position",
        ("first", "last"),
    )
    groups = Statement(
        "SELECT saved_group.id, saved_group.content, saved_group.saved_at \nFROM saved_group \nWHERE saved_group.id > "
        "$1 ORDER BY saved_group.id \n LIMIT $2",
        ("after", "most"),
    )
    put_job = ManyRows(
        {
            "id": "text",
            "task": "text",
            "queue": "text",
            "priority": "number",
            "state": "number",
            "run_at": "number",
            "expires_at": "number",
            "run_token": "number",
            "owner": "number",
            "attempts": "number",
            "retries": "number",
            "crashes": "number",
            "cancel": "number",
            "shown": "text",
            "created_at": "number",
            "finished_at": "number",
            "args": "bytes",
            "options": "text",
            "waits": "number",
            "role": "number",
            "culprit": "number",
            "workflow": "text",
        },
        "id",
        Statement(
            "INSERT INTO job (id, task, queue, priority, state, run_at, expires_at, run_token, owner, attempts, "
            "retries, crashes, cancel, shown, created_at, finished_at, args, options, waits, role, culprit, workflow) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, "
            "$22) ON CONFLICT (id) DO NOTHING RETURNING job.key",
            (
                "id",
                "task",
                "queue",
                "priority",
                "state",
                "run_at",
                "expires_at",
                "run_token",
                "owner",
                "attempts",
                "retries",
                "crashes",
                "cancel",
                "shown",
                "created_at",
                "finished_at",
                "args",
                "options",
                "waits",
                "role",
                "culprit",
                "workflow",
            ),
        ),
        Statement(
            "INSERT INTO job (id, task, queue, priority, state, run_at, expires_at, run_token, owner, attempts, "
            "retries, crashes, cancel, shown, created_at, finished_at, args, options, waits, role, culprit, workflow) "
            "SELECT anon_1.id, anon_1.task, anon_1.queue, anon_1.priority, anon_1.state, anon_1.run_at, "
            "anon_1.expires_at, anon_1.run_token, anon_1.owner, anon_1.attempts, anon_1.retries, anon_1.crashes, "
            "anon_1.cancel, anon_1.shown, anon_1.created_at, anon_1.finished_at, anon_1.args, anon_1.options, "
            "anon_1.waits, anon_1.role, anon_1.culprit, anon_1.workflow \nFROM unnest(CAST($1 AS TEXT[]), CAST($2 AS "
            "TEXT[]), CAST($3 AS TEXT[]), CAST($4 AS INTEGER[]), CAST($5 AS INTEGER[]), CAST($6 AS BIGINT[]), CAST($7 "
            "AS BIGINT[]), CAST($8 AS INTEGER[]), CAST($9 AS BIGINT[]), CAST($10 AS INTEGER[]), CAST($11 AS "
            "INTEGER[]), CAST($12 AS INTEGER[]), CAST($13 AS INTEGER[]), CAST($14 AS TEXT[]), CAST($15 AS BIGINT[]), "
            "CAST($16 AS BIGINT[]), CAST($17 AS BYTEA[]), CAST($18 AS TEXT[]), CAST($19 AS INTEGER[]), CAST($20 AS "
            "INTEGER[]), CAST($21 AS BIGINT[]), CAST($22 AS TEXT[])) AS anon_1(id, task, queue, priority, state, "
            "run_at, expires_at, run_token, owner, attempts, retries, crashes, cancel, shown, created_at, "
            "finished_at, args, options, waits, role, culprit, workflow) ON CONFLICT (id) DO NOTHING RETURNING job.id",
            (
                "id",
                "task",
                "queue",
                "priority",
                "state",
                "run_at",
                "expires_at",
                "run_token",
                "owner",
                "attempts",
                "retries",
                "crashes",
                "cancel",
                "shown",
                "created_at",
                "finished_at",
                "args",
                "options",
                "waits",
                "role",
                "culprit",
                "workflow",
            ),
        ),
        lists=LISTS,
    )
    keys_of = Statement(
        "SELECT job.id, job.key \nFROM job \nWHERE job.id IN (SELECT unnest(CAST($1 AS TEXT[])) AS unnest_1)",
        ("names",),
    )
    put_tie = Statement(
        "INSERT INTO edge (waiter, position, awaited, passing, on_error) VALUES ($1, $2, $3, $4, $5) ON CONFLICT "
        "(waiter, position) DO NOTHING",
        ("waiter", "position", "awaited", "passing", "on_error"),
    )
    blame = Statement("UPDATE job SET culprit=$1 WHERE job.key = $2 AND job.culprit IS NOT NULL", ("of_culprit", "k"))
    put_group = Statement(
        "INSERT INTO saved_group (id, content, saved_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
        ("id", "content", "saved_at"),
    )
    some_tie = Statement("SELECT 1 \nFROM edge \nWHERE edge.waiter = $1 \n LIMIT $2", ("k", "param_1"), {"param_1": 1})


class _Read(ReadTexts):
    call = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, job.args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, job.workflow "
        "\nFROM job \nWHERE job.id = $1",
        ("of_id",),
    )
    starting = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, job.workflow "
        "\nFROM job \nWHERE job.id >= $1 AND job.id < $2 ORDER BY job.id DESC \n LIMIT $3",
        ("prefix", "end", "most"),
    )
    ahead = Statement(
        "SELECT count(*) AS count_1 \nFROM (SELECT job.key AS key \nFROM job \nWHERE job.state = 1 AND job.queue = $1 "
        "AND (job.priority > $2 OR job.priority = $2 AND job.key < $3) \n LIMIT $4) AS anon_1",
        ("of_queue", "rank", "k", "most"),
    )
    attempts = Statement(
        "SELECT attempt.key, attempt.worker, attempt.started_at, attempt.ended_at, attempt.ending, attempt.result, "
        "attempt.failure, attempt.peak_kb, attempt.output \nFROM attempt \nWHERE attempt.key >= $1 AND attempt.key < "
        "$2 ORDER BY attempt.key",
        ("first", "end"),
    )
    last_attempt = Statement(
        "SELECT attempt.key, attempt.worker, attempt.started_at, attempt.ended_at, attempt.ending, attempt.result, "
        "attempt.failure, attempt.peak_kb, attempt.output \nFROM attempt \nWHERE attempt.key >= $1 AND attempt.key < "
        "$2 ORDER BY attempt.key DESC \n LIMIT $3",
        ("first", "end", "param_1"),
        {"param_1": 1},
    )
    added_at = Statement(
        "SELECT job.created_at \nFROM job \nWHERE job.key >= $1 ORDER BY job.key \n LIMIT $2",
        ("end", "param_1"),
        {"param_1": 1},
    )
    calls = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, job.args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, job.workflow "
        "\nFROM job \nWHERE job.id IN (SELECT unnest(CAST($1 AS TEXT[])) AS unnest_1)",
        ("names",),
    )
    by_ids = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, job.workflow "
        "\nFROM job \nWHERE job.id IN (SELECT unnest(CAST($1 AS TEXT[])) AS unnest_1)",
        ("names",),
    )
    seen = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow, attempt.key AS key_1, attempt.worker, attempt.started_at, attempt.ended_at, attempt.ending, "
        "attempt.result, attempt.failure, attempt.peak_kb, attempt.output, CASE WHEN (job.shown IS NOT NULL OR "
        "job.state = 2) THEN (SELECT note.meta \nFROM note \nWHERE note.job = job.key) END AS told \nFROM job LEFT "
        "OUTER JOIN attempt ON attempt.key = (SELECT max(own.key) AS max_1 \nFROM attempt AS own \nWHERE own.key >= "
        "job.key * 1048576 AND own.key < (job.key + 1) * 1048576) \nWHERE job.id IN (SELECT unnest(CAST($1 AS "
        "TEXT[])) AS unnest_1)",
        ("names",),
    )
    seen_one = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow, attempt.key AS key_1, attempt.worker, attempt.started_at, attempt.ended_at, attempt.ending, "
        "attempt.result, attempt.failure, attempt.peak_kb, attempt.output, CASE WHEN (job.shown IS NOT NULL OR "
        "job.state = 2) THEN (SELECT note.meta \nFROM note \nWHERE note.job = job.key) END AS told \nFROM job LEFT "
        "OUTER JOIN attempt ON attempt.key = (SELECT max(own.key) AS max_1 \nFROM attempt AS own \nWHERE own.key >= "
        "job.key * 1048576 AND own.key < (job.key + 1) * 1048576) \nWHERE job.id = $1",
        ("of_id",),
    )
    notes_of = Statement(
        "SELECT job.id, note.meta \nFROM note JOIN job ON job.key = note.job \nWHERE job.id IN (SELECT unnest(CAST($1 "
        "AS TEXT[])) AS unnest_1)",
        ("names",),
    )
    stats = Statement(
        "SELECT job.queue, -1, count(*) AS count_1 \nFROM job \nWHERE job.state = -1 GROUP BY job.queue UNION ALL "
        "SELECT job.queue, 0, count(*) AS count_2 \nFROM job \nWHERE job.state = 0 GROUP BY job.queue UNION ALL "
        "SELECT job.queue, 1, count(*) AS count_3 \nFROM job \nWHERE job.state = 1 GROUP BY job.queue UNION ALL "
        "SELECT job.queue, 2, count(*) AS count_4 \nFROM job \nWHERE job.state = 2 GROUP BY job.queue UNION ALL "
        "SELECT job.queue, job.state, count(*) AS count_5 \nFROM job \nWHERE job.finished_at IS NOT NULL GROUP BY "
        "job.state, job.queue",
    )
    open_stats = Statement(
        "SELECT job.queue, -1, count(*) AS count_1 \nFROM job \nWHERE job.state = -1 GROUP BY job.queue UNION ALL "
        "SELECT job.queue, 0, count(*) AS count_2 \nFROM job \nWHERE job.state = 0 GROUP BY job.queue UNION ALL "
        "SELECT job.queue, 1, count(*) AS count_3 \nFROM job \nWHERE job.state = 1 GROUP BY job.queue UNION ALL "
        "SELECT job.queue, 2, count(*) AS count_4 \nFROM job \nWHERE job.state = 2 GROUP BY job.queue",
    )
    line = Statement(
        "SELECT anon_1.task, count(*) AS count_1, min(anon_1.run_at) AS min_1 \nFROM (SELECT job.task AS task, "
        "job.run_at AS run_at \nFROM job \nWHERE job.state = 1 AND job.queue = $1 AND job.priority = $2 ORDER BY "
        "job.key \n LIMIT $3) AS anon_1 GROUP BY anon_1.task",
        ("of_queue", "rank", "most"),
    )
    waiting = Statement(
        "SELECT anon_1.queue, anon_1.task, count(*) AS count_1 \nFROM (SELECT job.queue AS queue, job.task AS task "
        "\nFROM job \nWHERE job.state = -1 UNION ALL SELECT job.queue AS queue, job.task AS task \nFROM job \nWHERE "
        "job.state = 0 UNION ALL SELECT job.queue AS queue, job.task AS task \nFROM job \nWHERE job.state = 1) AS "
        "anon_1 GROUP BY anon_1.queue, anon_1.task",
    )
    inputs = Statement(
        "SELECT job.id, job.state, job.options, edge.passing, edge.on_error, attempt.result \nFROM edge JOIN job ON "
        "job.key = edge.awaited LEFT OUTER JOIN attempt ON attempt.key = (SELECT max(other.key) AS max_1 \nFROM "
        "attempt AS other \nWHERE other.key >= job.key * 1048576 AND other.key < (job.key + 1) * 1048576 AND "
        "other.ending = 'SUCCESS') \nWHERE edge.waiter = $1 AND edge.passing != 0 ORDER BY edge.position",
        ("k",),
    )
    stranded = Statement(
        "WITH RECURSIVE moving(key) AS \n(SELECT job.key AS key \nFROM job \nWHERE job.state < 3 AND (job.state > -1 "
        "OR job.waits = 0) AND (job.role & 1) != 0 UNION SELECT edge.waiter AS waiter \nFROM edge, moving \nWHERE "
        "edge.awaited = moving.key)\n SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, "
        "job.run_at, job.expires_at, job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, "
        "job.shown, job.created_at, job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN "
        "(job.culprit IS NOT NULL) THEN coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS "
        "of_culprit ON of_culprit.key = edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), "
        "'') END AS culprit, job.workflow \nFROM job \nWHERE job.state = -1 AND job.waits > 0 AND (job.waits > "
        "(SELECT count(*) AS count_1 \nFROM edge JOIN job AS awaited ON awaited.key = edge.awaited \nWHERE "
        "edge.waiter = job.key AND awaited.state < 3) OR (job.key NOT IN (SELECT moving.key \nFROM moving))) ORDER BY "
        "job.key \n LIMIT $1",
        ("most",),
    )
    family = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, job.workflow "
        "\nFROM job \nWHERE job.key IN (SELECT anon_1.key \nFROM (SELECT job.key AS key \nFROM job \nWHERE "
        "job.workflow = $1 OR job.id = $1 ORDER BY job.key \n LIMIT $2) AS anon_1) ORDER BY job.key",
        ("of_workflow", "most"),
    )
    ties = Statement(
        "SELECT job.id, edge.position, awaited.id AS id_1, edge.passing, edge.on_error \nFROM edge JOIN job ON "
        "job.key = edge.waiter LEFT OUTER JOIN job AS awaited ON awaited.key = edge.awaited \nWHERE job.workflow = $1 "
        "ORDER BY edge.waiter, edge.position",
        ("of_workflow",),
    )
    ties_among = Statement(
        "SELECT job.id, edge.position, awaited.id AS id_1, edge.passing, edge.on_error \nFROM edge JOIN job ON "
        "job.key = edge.waiter JOIN job AS awaited ON awaited.key = edge.awaited \nWHERE edge.waiter IN (SELECT "
        "unnest(CAST($1 AS BIGINT[])) AS unnest_1) AND edge.awaited IN (SELECT unnest(CAST($1 AS BIGINT[])) AS "
        "unnest_2) ORDER BY edge.waiter, edge.position",
        ("keys",),
    )
    awaited = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, job.workflow "
        "\nFROM job JOIN (SELECT job.key AS key, CASE WHEN (job.state > 3) THEN 0 WHEN (job.state < 3) THEN 1 ELSE 2 "
        "END AS urgency, edge.position AS position \nFROM edge JOIN job ON job.key = edge.awaited \nWHERE edge.waiter "
        "= $1 ORDER BY CASE WHEN (job.state > 3) THEN 0 WHEN (job.state < 3) THEN 1 ELSE 2 END, edge.position \n "
        "LIMIT $2) AS anon_1 ON anon_1.key = job.key ORDER BY anon_1.urgency, anon_1.position",
        ("k", "most"),
    )


class _Schedule(ScheduleTexts):
    of_source = Statement(
        "SELECT schedule.key, schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note, schedule.state_before \nFROM schedule \nWHERE schedule.source = $1 ORDER "
        "BY schedule.name",
        ("of_source",),
    )
    of_name = Statement(
        "SELECT schedule.key, schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note, schedule.state_before \nFROM schedule \nWHERE schedule.name = $1",
        ("of_name",),
    )
    of_names = Statement(
        "SELECT schedule.key, schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note, schedule.state_before \nFROM schedule \nWHERE schedule.name IN (SELECT "
        "unnest(CAST($1 AS TEXT[])) AS unnest_1)",
        ("names",),
    )
    add = Statement(
        "INSERT INTO schedule (name, source, spec, rule, state, anchor_at, next_at, due_at, created_at, changed_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING schedule.key",
        ("name", "source", "spec", "rule", "state", "anchor_at", "next_at", "due_at", "created_at", "changed_at"),
    )
    write = Statement(
        "UPDATE schedule SET source=$1, spec=$2, rule=$3, state=$4, state_before=$5, revision=(schedule.revision + "
        "1), anchor_at=$6, next_at=$7, due_at=$8, held_at=$9, changed_at=$10, note=$11 WHERE schedule.key = $12",
        (
            "to_source",
            "to_spec",
            "to_rule",
            "to_state",
            "to_state_before",
            "to_anchor_at",
            "to_next_at",
            "to_due_at",
            "to_held_at",
            "to_changed_at",
            "to_note",
            "k",
        ),
    )
    set_state = Statement(
        "UPDATE schedule SET state=$1, revision=(schedule.revision + 1), next_at=$2, due_at=$3, changed_at=$4, "
        "note=$5 WHERE schedule.name = $6",
        ("to_state", "to_next_at", "to_due_at", "now", "to_note", "of_name"),
    )
    drop = Statement("DELETE FROM schedule WHERE schedule.name = $1 RETURNING schedule.key", ("of_name",))
    drop_ledger = Statement("DELETE FROM firing WHERE firing.schedule = $1", ("k",))
    due = Statement(
        "SELECT schedule.key, schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state = 0 AND schedule.due_at <= $1 "
        "ORDER BY schedule.due_at, schedule.key \n LIMIT $2",
        ("now", "most"),
    )
    next_due = Statement(
        "SELECT min(schedule.due_at) AS min_1 \nFROM schedule \nWHERE schedule.state = 0 AND schedule.due_at > $1",
        ("now",),
    )
    held = Statement(
        "SELECT schedule.key, schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state = 0 AND schedule.held_at IS NOT "
        "NULL ORDER BY schedule.held_at",
    )
    due_of = Statement(
        "SELECT schedule.key, schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state = 0 AND coalesce(schedule.source, "
        "'') IN (SELECT unnest(CAST($1 AS TEXT[])) AS unnest_1) AND schedule.due_at <= $2 ORDER BY schedule.due_at, "
        "schedule.key \n LIMIT $3",
        ("sources", "now", "most"),
    )
    next_due_of = Statement(
        "SELECT min(schedule.due_at) AS min_1 \nFROM schedule \nWHERE schedule.state = 0 AND "
        "coalesce(schedule.source, '') IN (SELECT unnest(CAST($1 AS TEXT[])) AS unnest_1) AND schedule.due_at > $2",
        ("sources", "now"),
    )
    held_of = Statement(
        "SELECT schedule.key, schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state = 0 AND coalesce(schedule.source, "
        "'') IN (SELECT unnest(CAST($1 AS TEXT[])) AS unnest_1) AND schedule.held_at IS NOT NULL ORDER BY "
        "schedule.held_at",
        ("sources",),
    )
    found = Statement(
        "SELECT schedule.key, schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state IN (SELECT unnest(CAST($1 AS "
        "BIGINT[])) AS unnest_1) ORDER BY schedule.name \n LIMIT $2",
        ("states", "most"),
    )
    found_after = Statement(
        "SELECT schedule.key, schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state IN (SELECT unnest(CAST($1 AS "
        "BIGINT[])) AS unnest_1) AND schedule.name > $2 ORDER BY schedule.name \n LIMIT $3",
        ("states", "after", "most"),
    )
    found_named = Statement(
        "SELECT schedule.key, schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state IN (SELECT unnest(CAST($1 AS "
        "BIGINT[])) AS unnest_1) AND schedule.name IN (SELECT unnest(CAST($2 AS TEXT[])) AS unnest_2) ORDER BY "
        "schedule.name \n LIMIT $3",
        ("states", "names", "most"),
    )
    found_named_after = Statement(
        "SELECT schedule.key, schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state IN (SELECT unnest(CAST($1 AS "
        "BIGINT[])) AS unnest_1) AND schedule.name IN (SELECT unnest(CAST($2 AS TEXT[])) AS unnest_2) AND "
        "schedule.name > $3 ORDER BY schedule.name \n LIMIT $4",
        ("states", "names", "after", "most"),
    )
    advance = Statement(
        "UPDATE schedule SET state=$1, revision=(schedule.revision + 1), next_at=$2, due_at=$3, last_at=CASE WHEN "
        "(schedule.last_at IS NULL OR schedule.last_at <= $4) THEN $4 ELSE schedule.last_at END, last_job=CASE WHEN "
        "(schedule.last_at IS NULL OR schedule.last_at <= $4) THEN $5 ELSE schedule.last_job END, runs=(schedule.runs "
        "+ $6), missed=(schedule.missed + $7), held_at=$8, note=coalesce($9, schedule.note) WHERE schedule.key = $10 "
        "AND schedule.revision = $11 AND schedule.state = 0",
        (
            "to_state",
            "to_next",
            "to_due",
            "at",
            "job",
            "more_runs",
            "more_missed",
            "to_held",
            "to_note",
            "k",
            "of_revision",
        ),
    )
    recount = Statement(
        "UPDATE schedule SET last_at=$1, last_job=$2, runs=(schedule.runs - $3) WHERE schedule.key = $4",
        ("at", "job", "fewer", "k"),
    )
    last_fired = Statement(
        "SELECT firing.nominal, firing.job_id \nFROM firing \nWHERE firing.schedule = $1 AND firing.outcome = 'fired' "
        "ORDER BY firing.nominal DESC \n LIMIT $2",
        ("k", "param_1"),
        {"param_1": 1},
    )
    touch = Statement(
        "UPDATE schedule SET revision=(schedule.revision + 1), last_at=CASE WHEN (schedule.last_at IS NULL OR "
        "schedule.last_at <= $1) THEN $1 ELSE schedule.last_at END, last_job=CASE WHEN (schedule.last_at IS NULL OR "
        "schedule.last_at <= $1) THEN $2 ELSE schedule.last_job END WHERE schedule.key = $3",
        ("at", "job", "k"),
    )
    knows = Statement("SELECT 1 \nFROM schedule \nWHERE schedule.key = $1", ("k",))
    enter = Statement(
        "INSERT INTO firing (schedule, nominal, outcome, reason, job_id, until, count, fired_at) VALUES ($1, $2, $3, "
        "$4, $5, $6, $7, $8) ON CONFLICT (schedule, nominal) DO UPDATE SET outcome = excluded.outcome, reason = "
        "excluded.reason, job_id = excluded.job_id, fired_at = excluded.fired_at WHERE firing.outcome = 'skipped' AND "
        "excluded.outcome = 'fired'",
        ("schedule", "nominal", "outcome", "reason", "job_id", "until", "count", "fired_at"),
    )
    ledger = Statement(
        "SELECT firing.nominal, firing.outcome, firing.reason, firing.job_id, firing.until, firing.count, "
        "firing.fired_at \nFROM firing \nWHERE firing.schedule = $1 AND firing.nominal < $2 ORDER BY firing.nominal "
        "DESC \n LIMIT $3",
        ("k", "before", "most"),
    )
    next_with_ledger = Statement(
        "SELECT min(firing.schedule) AS min_1 \nFROM firing \nWHERE firing.schedule > $1",
        ("after",),
    )
    oldest_kept = Statement(
        "SELECT firing.nominal \nFROM firing \nWHERE firing.schedule = $1 ORDER BY firing.nominal DESC \n LIMIT $2 "
        "OFFSET $3",
        ("k", "param_1", "kept"),
        {"param_1": 1},
    )
    drop_old = Statement(
        "DELETE FROM firing WHERE firing.schedule = $1 AND firing.nominal IN (SELECT firing.nominal \nFROM firing "
        "\nWHERE firing.schedule = $1 AND firing.nominal < $2 ORDER BY firing.nominal \n LIMIT $3)",
        ("k", "before", "most"),
    )


class _Worker(WorkerTexts):
    enter = Statement(
        "INSERT INTO worker (uuid, boot_id, card, started_at, seen_at, lease_until) VALUES ($1, $2, $3, $4, $5, $6) "
        "RETURNING worker.key",
        ("uuid", "boot_id", "card", "started_at", "seen_at", "lease_until"),
    )
    known = Statement("SELECT worker.key \nFROM worker \nWHERE worker.uuid = $1 AND worker.gone = 0", ("of_uuid",))
    beat = Statement(
        "UPDATE worker SET seen_at=$1, lease_until=$2 WHERE worker.key = $3 AND worker.gone = 0",
        ("now", "until", "k"),
    )
    owned = Statement(
        "SELECT job.id, job.run_token, job.cancel \nFROM job \nWHERE job.owner = $1 AND job.state = 2",
        ("worker",),
    )
    all = Statement(
        "SELECT worker.key, worker.uuid, worker.boot_id, worker.card, worker.started_at, worker.seen_at, "
        "worker.lease_until, worker.gone \nFROM worker ORDER BY worker.key",
    )
    describe = Statement("UPDATE worker SET card=$1 WHERE worker.key = $2", ("card", "k"))
    leave = Statement(
        "UPDATE worker SET seen_at=$1, gone=$2 WHERE worker.key = $3 AND worker.gone = 0",
        ("now", "gone", "k"),
        {"gone": 1},
    )
    lost = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, job.workflow "
        "\nFROM job \nWHERE job.state = 2 AND job.owner IN (SELECT anon_1.owner \nFROM (SELECT DISTINCT job.owner AS "
        "owner \nFROM job \nWHERE job.state = 2) AS anon_1 LEFT OUTER JOIN worker ON worker.key = anon_1.owner "
        "\nWHERE worker.key IS NULL OR worker.gone != 0 OR worker.boot_id != $1) \n LIMIT $2",
        ("boot", "most"),
    )
    lost_anywhere = Statement(
        "SELECT job.key, job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.key = "
        "edge.awaited \nWHERE edge.waiter = job.key AND edge.awaited = job.culprit), '') END AS culprit, job.workflow "
        "\nFROM job \nWHERE job.state = 2 AND job.owner IN (SELECT anon_1.owner \nFROM (SELECT DISTINCT job.owner AS "
        "owner \nFROM job \nWHERE job.state = 2) AS anon_1 LEFT OUTER JOIN worker ON worker.key = anon_1.owner "
        "\nWHERE worker.key IS NULL OR worker.gone != 0) \n LIMIT $1",
        ("most",),
    )
    drop_gone = Statement(
        "DELETE FROM worker WHERE worker.gone != 0 AND worker.seen_at < $1 AND (worker.key NOT IN (SELECT job.owner "
        "\nFROM job \nWHERE job.state = 2))",
        ("before",),
    )


class _All(SqlTexts):
    tables = (
        "\nCREATE TABLE attempt (\n\tkey BIGSERIAL NOT NULL, \n\tworker TEXT COLLATE \"C\" NOT NULL, \n\tstarted_at "
        "BIGINT, \n\tended_at BIGINT NOT NULL, \n\tending TEXT COLLATE \"C\" NOT NULL, \n\tresult BYTEA, \n\tfailure "
        "BYTEA, \n\tpeak_kb BIGINT, \n\toutput TEXT COLLATE \"C\", \n\tPRIMARY KEY (key)\n)\n\n",
        "\nCREATE TABLE bucket (\n\ttask TEXT COLLATE \"C\" NOT NULL, \n\tfull_at BIGINT NOT NULL, \n\tPRIMARY KEY "
        "(task)\n)\n\n",
        "\nCREATE TABLE change (\n\tkey BIGSERIAL NOT NULL, \n\ttoken TEXT COLLATE \"C\" NOT NULL, \n\tat BIGINT NOT "
        "NULL, \n\tactor TEXT COLLATE \"C\" NOT NULL, \n\tcame_from TEXT COLLATE \"C\" NOT NULL, \n\tverb TEXT "
        "COLLATE \"C\" NOT NULL, \n\ttarget TEXT COLLATE \"C\" NOT NULL, \n\tcount INTEGER NOT NULL, \n\tnote TEXT "
        "COLLATE \"C\" NOT NULL, \n\tPRIMARY KEY (key), \n\tUNIQUE (token)\n)\n\n",
        "CREATE INDEX change_target ON change (target)",
        "\nCREATE TABLE edge (\n\twaiter BIGINT NOT NULL, \n\tposition INTEGER NOT NULL, \n\tawaited BIGINT NOT NULL, "
        "\n\tpassing INTEGER NOT NULL, \n\ton_error INTEGER NOT NULL, \n\tPRIMARY KEY (waiter, position)\n)\n\n",
        "CREATE INDEX edge_awaited ON edge (awaited)",
        "\nCREATE TABLE firing (\n\tschedule BIGINT NOT NULL, \n\tnominal BIGINT NOT NULL, \n\toutcome TEXT COLLATE "
        "\"C\" NOT NULL, \n\treason TEXT COLLATE \"C\", \n\tjob_id TEXT COLLATE \"C\", \n\tuntil BIGINT, \n\tcount "
        "INTEGER NOT NULL, \n\tfired_at BIGINT NOT NULL, \n\tPRIMARY KEY (schedule, nominal)\n)\n\n",
        "\nCREATE TABLE job (\n\tkey BIGSERIAL NOT NULL, \n\tid TEXT COLLATE \"C\" NOT NULL, \n\ttask TEXT COLLATE "
        "\"C\" NOT NULL, \n\tqueue TEXT COLLATE \"C\" NOT NULL, \n\tpriority INTEGER NOT NULL, \n\tstate INTEGER NOT "
        "NULL, \n\trun_at BIGINT NOT NULL, \n\texpires_at BIGINT, \n\trun_token INTEGER DEFAULT '0' NOT NULL, "
        "\n\towner BIGINT, \n\tattempts INTEGER DEFAULT '0' NOT NULL, \n\tretries INTEGER DEFAULT '0' NOT NULL, "
        "\n\tcrashes INTEGER DEFAULT '0' NOT NULL, \n\tcancel INTEGER DEFAULT '0' NOT NULL, \n\tshown TEXT COLLATE "
        "\"C\", \n\tcreated_at BIGINT NOT NULL, \n\tfinished_at BIGINT, \n\targs BYTEA, \n\toptions TEXT COLLATE "
        "\"C\", \n\twaits INTEGER DEFAULT '0' NOT NULL, \n\trole INTEGER DEFAULT '0' NOT NULL, \n\tculprit BIGINT, "
        "\n\tworkflow TEXT COLLATE \"C\", \n\tPRIMARY KEY (key), \n\tUNIQUE (id)\n)\n\n",
        "CREATE INDEX job_done ON job (state, queue, finished_at) WHERE finished_at IS NOT NULL",
        "CREATE INDEX job_due ON job (run_at, queue) WHERE state = 0",
        "CREATE INDEX job_due_in_queue ON job (queue, run_at) WHERE state = 0 AND run_at < 253402300799999999",
        "CREATE INDEX job_failed ON job (state) WHERE state > 3",
        "CREATE INDEX job_owner ON job (owner) WHERE state = 2",
        "CREATE INDEX job_parked ON job (queue, task, priority DESC, key) WHERE state = 0 AND run_at >= "
        "253402300799999999",
        "CREATE INDEX job_ready ON job (queue, priority DESC, key) WHERE state = 1",
        "CREATE INDEX job_shown ON job (shown) WHERE shown IS NOT NULL",
        "CREATE INDEX job_waiting ON job (waits, key) WHERE state = -1",
        "CREATE INDEX job_workflow ON job (workflow, finished_at) WHERE workflow IS NOT NULL",
        "\nCREATE TABLE letter (\n\tkey BIGSERIAL NOT NULL, \n\tcommand TEXT COLLATE \"C\" NOT NULL, \n\targuments "
        "TEXT COLLATE \"C\" NOT NULL, \n\tdestination TEXT COLLATE \"C\", \n\twants_reply INTEGER NOT NULL, "
        "\n\texpires_at BIGINT NOT NULL, \n\ttoken TEXT COLLATE \"C\", \n\tPRIMARY KEY (key)\n)\n\n",
        "CREATE UNIQUE INDEX letter_token ON letter (token)",
        "\nCREATE TABLE meta (\n\tname TEXT COLLATE \"C\" NOT NULL, \n\tvalue TEXT COLLATE \"C\" NOT NULL, "
        "\n\tPRIMARY KEY (name)\n)\n\n",
        "\nCREATE TABLE note (\n\tjob BIGINT NOT NULL, \n\tmeta BYTEA, \n\tnoted_at BIGINT NOT NULL, \n\tPRIMARY KEY "
        "(job)\n)\n\n",
        "\nCREATE TABLE payload (\n\tjob BIGINT NOT NULL, \n\targs BYTEA NOT NULL, \n\tPRIMARY KEY (job)\n)\n\n",
        "\nCREATE TABLE reply (\n\tkey BIGSERIAL NOT NULL, \n\tletter BIGINT NOT NULL, \n\tworker TEXT COLLATE \"C\" "
        "NOT NULL, \n\tanswer TEXT COLLATE \"C\" NOT NULL, \n\ttoken TEXT COLLATE \"C\", \n\tPRIMARY KEY (key)\n)\n\n",
        "CREATE UNIQUE INDEX reply_token ON reply (letter, token)",
        "\nCREATE TABLE saved_group (\n\tid TEXT COLLATE \"C\" NOT NULL, \n\tcontent BYTEA NOT NULL, \n\tsaved_at "
        "BIGINT NOT NULL, \n\tPRIMARY KEY (id)\n)\n\n",
        "\nCREATE TABLE schedule (\n\tkey BIGSERIAL NOT NULL, \n\tname TEXT COLLATE \"C\" NOT NULL, \n\tsource TEXT "
        "COLLATE \"C\" NOT NULL, \n\tspec TEXT COLLATE \"C\" NOT NULL, \n\trule TEXT COLLATE \"C\" NOT NULL, "
        "\n\tstate INTEGER NOT NULL, \n\tstate_before INTEGER, \n\trevision INTEGER DEFAULT '1' NOT NULL, "
        "\n\tanchor_at BIGINT NOT NULL, \n\tnext_at BIGINT, \n\tdue_at BIGINT, \n\tlast_at BIGINT, \n\tlast_job TEXT "
        "COLLATE \"C\", \n\truns INTEGER DEFAULT '0' NOT NULL, \n\tmissed INTEGER DEFAULT '0' NOT NULL, \n\theld_at "
        "BIGINT, \n\tcreated_at BIGINT NOT NULL, \n\tchanged_at BIGINT NOT NULL, \n\tnote TEXT COLLATE \"C\", "
        "\n\tPRIMARY KEY (key), \n\tUNIQUE (name)\n)\n\n",
        "CREATE INDEX schedule_due ON schedule (due_at) WHERE state = 0",
        "CREATE INDEX schedule_held ON schedule (held_at) WHERE held_at IS NOT NULL",
        "CREATE INDEX schedule_source ON schedule (source)",
        "\nCREATE TABLE standing_order (\n\tkind TEXT COLLATE \"C\" NOT NULL, \n\tname TEXT COLLATE \"C\" NOT NULL, "
        "\n\tvalue TEXT COLLATE \"C\" NOT NULL, \n\tgiven_at BIGINT NOT NULL, \n\tPRIMARY KEY (kind, name)\n)\n\n",
        "\nCREATE TABLE tally (\n\tat BIGINT NOT NULL, \n\ttask TEXT COLLATE \"C\" NOT NULL, \n\tqueue TEXT COLLATE "
        "\"C\" NOT NULL, \n\tstate INTEGER NOT NULL, \n\tcount INTEGER NOT NULL, \n\trun_us BIGINT NOT NULL, \n\truns "
        "TEXT COLLATE \"C\" NOT NULL, \n\twaits TEXT COLLATE \"C\" NOT NULL, \n\tPRIMARY KEY (at, task, queue, "
        "state)\n)\n\n",
        "\nCREATE TABLE worker (\n\tkey BIGSERIAL NOT NULL, \n\tuuid TEXT COLLATE \"C\" NOT NULL, \n\tboot_id TEXT "
        "COLLATE \"C\" NOT NULL, \n\tcard TEXT COLLATE \"C\" NOT NULL, \n\tstarted_at BIGINT NOT NULL, \n\tseen_at "
        "BIGINT NOT NULL, \n\tlease_until BIGINT NOT NULL, \n\tgone INTEGER DEFAULT '0' NOT NULL, \n\tPRIMARY KEY "
        "(key)\n)\n\n",
    )
    ready_by_task = (
        "CREATE INDEX IF NOT EXISTS job_ready_by_task ON job (queue, task, priority DESC, key) WHERE state = 1"
    )
    edge = _Edge()
    group = _Group()
    history = _History()
    job = _Job()
    known_task = _KnownTask()
    limit = _Limit()
    mail = _Mail()
    moving = _Moving()
    read = _Read()
    schedule = _Schedule()
    worker = _Worker()


TEXTS = _All()
