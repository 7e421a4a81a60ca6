"""The statements in SQLite's words.

Made by `python -m localq.store.sql.compiler`: change the statements, and not this.
"""

from __future__ import annotations

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
        "INSERT INTO edge (waiter, position, awaited, passing, on_error) SELECT w.\"key\", ? AS anon_1, "
        "coalesce(d.\"key\", 0) AS coalesce_1, ? AS anon_2, ? AS anon_3 \nFROM job AS w LEFT OUTER JOIN job AS d ON "
        "d.id = ? \nWHERE w.id = ?",
        ("position", "passing", "on_error", "awaited_id", "waiter_id"),
    )
    mark_awaited = Statement("UPDATE job SET role=(job.role | 1) WHERE job.id = ?", ("of_id",))
    tie_beside = Statement(
        "INSERT INTO edge (waiter, position, awaited, passing, on_error) SELECT edge.waiter, (SELECT max(x.position) "
        "+ 1 AS anon_2 \nFROM edge AS x \nWHERE x.waiter = edge.waiter) AS anon_1, ? AS anon_3, edge.passing, "
        "edge.on_error \nFROM edge JOIN job AS d ON d.\"key\" = edge.awaited \nWHERE d.id = ? AND edge.passing >= 2",
        ("k", "of_id"),
    )
    wait_longer = Statement(
        "UPDATE job SET waits=(job.waits + 1) WHERE job.\"key\" IN (SELECT edge.waiter \nFROM edge JOIN job AS d ON "
        "d.\"key\" = edge.awaited \nWHERE d.id = ? AND edge.passing >= 2) AND job.state = -1 AND job.waits > 0",
        ("of_id",),
    )
    cut = Statement("UPDATE edge SET awaited=0 WHERE edge.waiter = ? AND edge.awaited = ?", ("k", "from_key"))
    untie = Statement("DELETE FROM edge WHERE edge.waiter = ?", ("k",))
    untie_awaited = Statement("DELETE FROM edge WHERE edge.awaited = ?", ("k",))
    replace = Statement(
        "UPDATE job SET task=?, queue=?, priority=?, run_at=?, expires_at=?, args=?, options=?, waits=?, "
        "role=((job.role & 1) | ?) WHERE job.\"key\" = ?",
        ("to_task", "to_queue", "to_priority", "at", "until", "to_args", "to_options", "to_waits", "fed", "k"),
    )
    cancelled_of = Statement(
        "SELECT job.\"key\" \nFROM job \nWHERE job.\"key\" IN (SELECT anon_1.value \nFROM json_each(?) AS anon_1) AND "
        "job.state = 5",
        ("keys",),
    )
    waiters_of = Statement(
        "SELECT edge.waiter, count(*) AS count_1 \nFROM edge \nWHERE edge.awaited IN (SELECT anon_1.value \nFROM "
        "json_each(?) AS anon_1) GROUP BY edge.waiter",
        ("keys",),
    )
    edges_from = Statement(
        "SELECT edge.waiter, edge.on_error, edge.awaited \nFROM edge \nWHERE edge.awaited IN (SELECT anon_1.value "
        "\nFROM json_each(?) AS anon_1)",
        ("keys",),
    )
    count_down = Statement(
        "UPDATE job SET waits=max(0, job.waits - ?), culprit=coalesce(job.culprit, ?) WHERE job.\"key\" = ? AND "
        "job.state = -1 AND job.waits > 0",
        ("n", "of_culprit", "k"),
    )
    doom = Statement(
        "UPDATE job SET waits=?, culprit=? WHERE job.\"key\" = ? AND job.state = -1 AND job.waits > 0",
        ("waits", "of_culprit", "k"),
        {"waits": 0},
    )
    let_go = Statement(
        "UPDATE job SET state=CASE WHEN (CASE WHEN (job.run_at <= 0) THEN ? - job.run_at ELSE job.run_at END > ?) "
        "THEN 0 ELSE 1 END, run_at=CASE WHEN (job.run_at <= 0) THEN ? - job.run_at ELSE job.run_at END, "
        "expires_at=CASE WHEN (job.expires_at < 0) THEN ? - job.expires_at ELSE job.expires_at END WHERE job.\"key\" "
        "= ? AND job.state = -1 AND job.waits = 0 AND job.culprit IS NULL",
        ("now", "now", "now", "now", "k"),
    )
    ties_of = Statement(
        "SELECT job.\"key\", job.state, edge.on_error \nFROM edge LEFT OUTER JOIN job ON job.\"key\" = edge.awaited "
        "\nWHERE edge.waiter = ? ORDER BY edge.position",
        ("k",),
    )
    set_waits = Statement(
        "UPDATE job SET state=?, waits=?, culprit=? WHERE job.\"key\" = ? AND (job.state = 1 OR job.state = -1)",
        ("state", "n", "of_culprit", "k"),
        {"state": -1},
    )
    blame = Statement("UPDATE job SET culprit=? WHERE job.\"key\" = ?", ("of_culprit", "k"))
    fate = Statement("SELECT job.state, job.culprit \nFROM job \nWHERE job.\"key\" = ?", ("k",))
    again = Statement(
        "UPDATE job SET state=?, run_at=?, expires_at=NULL, retries=?, crashes=?, cancel=?, shown=NULL, "
        "finished_at=NULL, culprit=NULL WHERE job.\"key\" = ? AND job.state >= 3 RETURNING id",
        ("state", "now", "retries", "crashes", "cancel", "k"),
        {"state": 1, "retries": 0, "crashes": 0, "cancel": 0},
    )
    bad_ties = Statement(
        "SELECT edge.awaited \nFROM edge JOIN job ON job.\"key\" = edge.awaited \nWHERE edge.waiter = ? AND "
        "edge.on_error != 2 AND job.state > 3 ORDER BY edge.position",
        ("k",),
    )
    claim_stuck = Statement(
        "UPDATE job SET state=?, run_token=(job.run_token + 1), owner=?, attempts=(job.attempts + 1), shown=NULL "
        "WHERE job.\"key\" IN (SELECT job.\"key\" \nFROM job \nWHERE job.state = -1 AND job.waits = 0 ORDER BY "
        "job.\"key\"\n LIMIT ? OFFSET ?) RETURNING \"key\"",
        ("state", "worker", "most", "param_1"),
        {"state": 2, "param_1": 0},
    )
    claimed = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, job.args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow \nFROM job \nWHERE job.\"key\" = ?",
        ("k",),
    )


class _Group(GroupTexts):
    save = Statement(
        "INSERT INTO saved_group (id, content, saved_at) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET content = "
        "excluded.content, saved_at = excluded.saved_at",
        ("id", "content", "saved_at"),
    )
    load = Statement("SELECT saved_group.content \nFROM saved_group \nWHERE saved_group.id = ?", ("of_id",))
    drop = Statement("DELETE FROM saved_group WHERE saved_group.id = ?", ("of_id",))
    drop_old = Statement("DELETE FROM saved_group WHERE saved_group.saved_at < ?", ("before",))


class _History(HistoryTexts):
    ended = Statement(
        "SELECT job.task, job.queue, job.state, job.finished_at, job.run_at, attempt.started_at, attempt.ended_at "
        "\nFROM job LEFT OUTER JOIN attempt ON attempt.\"key\" = job.\"key\" * 1048576 + job.attempts AND "
        "job.attempts <= 1048575 AND job.attempts > ? \nWHERE job.state = ? AND job.queue = ? AND job.finished_at >= "
        "? AND job.finished_at < ?",
        ("attempts_1", "of_state", "of_queue", "since", "until"),
        {"attempts_1": 0},
    )
    going = Statement(
        "SELECT job.task, job.queue, job.state, job.finished_at, job.run_at, attempt.started_at, attempt.ended_at "
        "\nFROM job LEFT OUTER JOIN attempt ON attempt.\"key\" = job.\"key\" * 1048576 + job.attempts AND "
        "job.attempts <= 1048575 AND job.attempts > ? \nWHERE job.\"key\" IN (SELECT anon_1.value \nFROM json_each(?) "
        "AS anon_1) AND job.finished_at IS NOT NULL",
        ("attempts_1", "keys"),
        {"attempts_1": 0},
    )
    tallies = Statement(
        "SELECT tally.at, tally.task, tally.queue, tally.state, tally.count, tally.run_us, tally.runs, tally.waits "
        "\nFROM tally \nWHERE tally.at >= ? AND tally.at < ? ORDER BY tally.at",
        ("since", "until"),
    )
    tally = Statement(
        "SELECT tally.at, tally.task, tally.queue, tally.state, tally.count, tally.run_us, tally.runs, tally.waits "
        "\nFROM tally \nWHERE tally.at = ? AND tally.task = ? AND tally.queue = ? AND tally.state = ?",
        ("at", "task", "queue", "state"),
    )
    keep = Statement(
        "INSERT INTO tally (at, task, queue, state, count, run_us, runs, waits) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON "
        "CONFLICT (at, task, queue, state) DO UPDATE SET count = excluded.count, run_us = excluded.run_us, runs = "
        "excluded.runs, waits = excluded.waits",
        ("at", "task", "queue", "state", "count", "run_us", "runs", "waits"),
    )
    drop_tallies = Statement("DELETE FROM tally WHERE tally.at >= ? AND tally.at < ?", ("since", "until"))
    fine = Statement(
        "SELECT min(tally.at) AS min_1 \nFROM tally \nWHERE tally.at < ? AND tally.at % ? != 0",
        ("before", "step"),
    )
    record = Statement(
        "INSERT INTO change (token, at, actor, came_from, verb, target, count, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (token) DO NOTHING",
        ("token", "at", "actor", "came_from", "verb", "target", "count", "note"),
    )
    forget = Statement("DELETE FROM change WHERE change.\"key\" <= ?", ("up_to",))
    last_change = Statement("SELECT max(change.\"key\") AS max_1 \nFROM change")
    changes = Statement(
        "SELECT change.\"key\", change.at, change.actor, change.came_from, change.verb, change.target, change.count, "
        "change.note \nFROM change \nWHERE change.\"key\" < ? ORDER BY change.\"key\" DESC\n LIMIT ? OFFSET ?",
        ("before", "most", "param_1"),
        {"param_1": 0},
    )
    changes_to = Statement(
        "SELECT change.\"key\", change.at, change.actor, change.came_from, change.verb, change.target, change.count, "
        "change.note \nFROM change \nWHERE change.\"key\" < ? AND change.target = ? ORDER BY change.\"key\" DESC\n "
        "LIMIT ? OFFSET ?",
        ("before", "of_target", "most", "param_1"),
        {"param_1": 0},
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
            "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            ("id", "task", "queue", "priority", "state", "run_at", "expires_at", "created_at", "args", "options"),
        ),
        several=Statement(
            "INSERT INTO job (id, args, task, queue, priority, state, run_at, expires_at, created_at, options) SELECT "
            "given.column1, given.column2, given.column3, given.column4, given.column5, given.column6, given.column7, "
            "given.column8, given.column9, given.column10 \nFROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)) AS given "
            "\nWHERE 1 = 1 ON CONFLICT (id) DO NOTHING",
            ("id", "args", "task", "queue", "priority", "state", "run_at", "expires_at", "created_at", "options"),
        ),
        alike=Statement(
            "INSERT INTO job (id, args, task, queue, priority, state, run_at, expires_at, created_at, options) SELECT "
            "given.column1, given.column2, ? AS anon_1, ? AS anon_2, ? AS anon_3, ? AS anon_4, ? AS anon_5, ? AS "
            "anon_6, ? AS anon_7, ? AS anon_8 \nFROM (VALUES (?, ?)) AS given \nWHERE 1 = 1 ON CONFLICT (id) DO "
            "NOTHING",
            ("task", "queue", "priority", "state", "run_at", "expires_at", "created_at", "options"),
        ),
        own=2,
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
            "role, workflow) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
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
        several=Statement(
            "INSERT INTO job (id, args, task, queue, priority, state, run_at, expires_at, created_at, options, waits, "
            "role, workflow) SELECT given.column1, given.column2, given.column3, given.column4, given.column5, "
            "given.column6, given.column7, given.column8, given.column9, given.column10, given.column11, "
            "given.column12, given.column13 \nFROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)) AS given \nWHERE "
            "1 = 1 ON CONFLICT (id) DO NOTHING",
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
        alike=Statement(
            "INSERT INTO job (id, args, task, queue, priority, state, run_at, expires_at, created_at, options, waits, "
            "role, workflow) SELECT given.column1, given.column2, ? AS anon_1, ? AS anon_2, ? AS anon_3, ? AS anon_4, "
            "? AS anon_5, ? AS anon_6, ? AS anon_7, ? AS anon_8, ? AS anon_9, ? AS anon_10, ? AS anon_11 \nFROM "
            "(VALUES (?, ?)) AS given \nWHERE 1 = 1 ON CONFLICT (id) DO NOTHING",
            (
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
        own=2,
    )
    add_plain = Statement(
        "INSERT INTO job (id, task, queue, priority, state, run_at, created_at, args) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO NOTHING",
        ("id", "task", "queue", "priority", "state", "run_at", "created_at", "args"),
    )
    by_id = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow \nFROM job \nWHERE job.id = ?",
        ("of_id",),
    )
    standing = Statement("SELECT job.\"key\", job.state, job.role \nFROM job \nWHERE job.id = ?", ("of_id",))
    place_of = Statement("SELECT job.\"key\", job.role \nFROM job \nWHERE job.id = ?", ("of_id",))
    add_payload = Statement(
        "INSERT INTO payload (job, args) SELECT job.\"key\", ? AS anon_1 \nFROM job \nWHERE job.id = ?",
        ("args", "of_id"),
    )
    outlook = Statement(
        "SELECT (EXISTS (SELECT * \nFROM standing_order \nWHERE standing_order.kind IN ('pause', 'rate'))) OR (EXISTS "
        "(SELECT * \nFROM job \nWHERE job.state = 0 AND job.run_at >= 253402300799999999)) AS anon_1, (SELECT "
        "min(job.run_at) AS min_1 \nFROM job \nWHERE job.state = 0 AND job.run_at < 253402300799999999) AS anon_2, "
        "(SELECT 1 \nFROM job \nWHERE job.state = -1 AND job.waits = 0\n LIMIT ? OFFSET ?) AS anon_3, (SELECT "
        "min(job.queue) AS min_2 \nFROM job \nWHERE job.state = 1) AS anon_4, (SELECT max(job.queue) AS max_1 \nFROM "
        "job \nWHERE job.state = 1) AS anon_5 \nFROM worker \nWHERE worker.\"key\" = ? AND worker.gone = 0",
        ("param_1", "param_2", "k"),
        {"param_1": 1, "param_2": 0},
    )
    promote = Statement(
        "UPDATE job SET state=? WHERE job.\"key\" IN (SELECT job.\"key\" \nFROM job \nWHERE job.state = 0 AND "
        "job.run_at <= ? ORDER BY job.run_at\n LIMIT ? OFFSET ?)",
        ("state", "now", "most", "param_1"),
        {"state": 1, "param_1": 0},
    )
    first_due = Statement(
        "SELECT min(job.run_at) AS min_1 \nFROM job \nWHERE job.state = 0 AND job.run_at < 253402300799999999 AND "
        "job.queue = ?",
        ("of_queue",),
    )
    promote_queue = Statement(
        "UPDATE job SET state=? WHERE job.\"key\" IN (SELECT job.\"key\" \nFROM job \nWHERE job.state = 0 AND "
        "job.run_at < 253402300799999999 AND job.queue = ? AND job.run_at <= ? ORDER BY job.run_at\n LIMIT ? OFFSET ?)",
        ("state", "of_queue", "now", "most", "param_1"),
        {"state": 1, "param_1": 0},
    )
    next_due_queue = DifferentValues(
        Statement(
            "SELECT min(job.queue) AS min_1 \nFROM job \nWHERE job.state = 0 AND job.run_at < 253402300799999999 AND "
            "job.queue > ?",
            ("after",),
        ),
    )
    next_queue = DifferentValues(
        Statement("SELECT min(job.queue) AS min_1 \nFROM job \nWHERE job.state = 1 AND job.queue > ?", ("after",)),
    )
    best_of_queue = Statement(
        "SELECT job.\"key\", job.priority \nFROM job \nWHERE job.state = 1 AND job.queue = ? ORDER BY job.priority "
        "DESC, job.\"key\"\n LIMIT ? OFFSET ?",
        ("of_queue", "most", "param_1"),
        {"param_1": 0},
    )
    claim_queue = Statement(
        "UPDATE job SET state=?, run_token=(job.run_token + 1), owner=?, attempts=(job.attempts + 1), shown=NULL "
        "WHERE job.\"key\" IN (SELECT job.\"key\" \nFROM job \nWHERE job.state = 1 AND job.queue = ? ORDER BY "
        "job.priority DESC, job.\"key\"\n LIMIT ? OFFSET ?) RETURNING \"key\", id, task, queue, priority, run_at, "
        "expires_at, run_token, attempts, retries, crashes, created_at, args, options, role, workflow",
        ("state", "worker", "of_queue", "most", "param_1"),
        {"state": 2, "param_1": 0},
    )
    front_of_queue = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.run_at, job.expires_at, job.run_token + 1 "
        "AS anon_1, job.attempts + 1 AS anon_2, job.retries, job.crashes, job.created_at, job.args, job.options, "
        "job.role, job.workflow \nFROM job \nWHERE job.state = 1 AND job.queue = ? ORDER BY job.priority DESC, "
        "job.\"key\"\n LIMIT ? OFFSET ?",
        ("of_queue", "most", "param_1"),
        {"param_1": 0},
    )
    take_front = Statement(
        "UPDATE job SET state=?, run_token=(job.run_token + 1), owner=?, attempts=(job.attempts + 1), shown=NULL "
        "WHERE job.\"key\" IN (SELECT job.\"key\" \nFROM job \nWHERE job.state = 1 AND job.queue = ? ORDER BY "
        "job.priority DESC, job.\"key\"\n LIMIT ? OFFSET ?)",
        ("state", "worker", "of_queue", "most", "param_1"),
        {"state": 2, "param_1": 0},
    )
    claim_keys = Statement(
        "UPDATE job SET state=?, run_token=(job.run_token + 1), owner=?, attempts=(job.attempts + 1), shown=NULL "
        "WHERE job.state = 1 AND job.\"key\" IN (SELECT anon_1.value \nFROM json_each(?) AS anon_1) RETURNING "
        "\"key\", id, task, queue, priority, run_at, expires_at, run_token, attempts, retries, crashes, created_at, "
        "args, options, role, workflow",
        ("state", "worker", "keys"),
        {"state": 2},
    )
    count_ready = Statement(
        "SELECT count(*) AS count_1 \nFROM (SELECT job.\"key\" AS \"key\" \nFROM job \nWHERE job.state = 1 AND "
        "job.queue = ?\n LIMIT ? OFFSET ?) AS anon_1",
        ("of_queue", "most", "param_1"),
        {"param_1": 0},
    )
    payload = Statement("SELECT payload.args \nFROM payload \nWHERE payload.job = ?", ("job",))
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
            "UPDATE job SET state=CASE WHEN (job.cancel > 0 AND ? < 3) THEN 5 ELSE ? END, run_at=?, owner=NULL, "
            "attempts=(job.attempts - ?), retries=?, crashes=?, shown=CASE WHEN (job.cancel > 0 AND ? < 3) THEN NULL "
            "ELSE ? END, finished_at=CASE WHEN (job.cancel > 0 AND ? < 3 OR ? >= 3) THEN ? ELSE job.finished_at END "
            "WHERE job.\"key\" = ? AND job.id = ? AND job.run_token = ? AND job.owner = ? AND job.role = ? AND "
            "job.state + 0 = 2",
            (
                "to_state",
                "to_state",
                "at",
                "uncharged",
                "to_retries",
                "to_crashes",
                "to_state",
                "to_shown",
                "to_state",
                "to_state",
                "now",
                "k",
                "of_id",
                "token",
                "worker",
                "as_role",
            ),
        ),
        several=Statement(
            "UPDATE job SET state=CASE WHEN (job.cancel > 0 AND given.column6 < 3) THEN 5 ELSE given.column6 END, "
            "run_at=given.column4, owner=NULL, attempts=(job.attempts - given.column11), retries=given.column8, "
            "crashes=given.column9, shown=CASE WHEN (job.cancel > 0 AND given.column6 < 3) THEN NULL ELSE "
            "given.column10 END, finished_at=CASE WHEN (job.cancel > 0 AND given.column6 < 3 OR given.column6 >= 3) "
            "THEN given.column7 ELSE job.finished_at END FROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)) AS given "
            "WHERE job.\"key\" = given.column1 AND job.id = given.column2 AND job.run_token = given.column3 AND "
            "job.owner = given.column5 AND job.role = given.column12 AND job.state + 0 = 2",
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
        alike=Statement(
            "UPDATE job SET state=CASE WHEN (job.cancel > 0 AND ? < 3) THEN 5 ELSE ? END, run_at=given.column4, "
            "owner=NULL, attempts=(job.attempts - ?), retries=?, crashes=?, shown=CASE WHEN (job.cancel > 0 AND ? < "
            "3) THEN NULL ELSE ? END, finished_at=CASE WHEN (job.cancel > 0 AND ? < 3 OR ? >= 3) THEN ? ELSE "
            "job.finished_at END FROM (VALUES (?, ?, ?, ?)) AS given WHERE job.\"key\" = given.column1 AND job.id = "
            "given.column2 AND job.run_token = given.column3 AND job.owner = ? AND job.role = ? AND job.state + 0 = 2",
            (
                "to_state",
                "to_state",
                "uncharged",
                "to_retries",
                "to_crashes",
                "to_state",
                "to_shown",
                "to_state",
                "to_state",
                "now",
                "worker",
                "as_role",
            ),
        ),
        own=4,
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
            "WITH held AS \n(UPDATE job SET state=CASE WHEN (job.cancel > 0 AND ? < 3) THEN 5 ELSE ? END, run_at=?, "
            "owner=NULL, attempts=(job.attempts - ?), retries=?, crashes=?, shown=CASE WHEN (job.cancel > 0 AND ? < "
            "3) THEN NULL ELSE ? END, finished_at=CASE WHEN (job.cancel > 0 AND ? < 3 OR ? >= 3) THEN ? ELSE "
            "job.finished_at END WHERE job.\"key\" = ? AND job.id = ? AND job.run_token = ? AND job.owner = ? AND "
            "job.role = ? AND job.state + 0 = 2 RETURNING \"key\"), \nkept AS \n(INSERT INTO attempt (\"key\", "
            "worker, started_at, ended_at, ending, result, failure, peak_kb, output) SELECT ? AS anon_1, ? AS anon_2, "
            "? AS anon_3, ? AS anon_4, ? AS anon_5, ? AS anon_6, ? AS anon_7, ? AS anon_8, ? AS anon_9 \nFROM held "
            "\nWHERE held.\"key\" = ? AND ? IS NOT NULL ON CONFLICT (\"key\") DO UPDATE SET worker = excluded.worker, "
            "started_at = excluded.started_at, ended_at = excluded.ended_at, ending = excluded.ending, result = "
            "excluded.result, failure = excluded.failure, peak_kb = excluded.peak_kb, output = excluded.output)\n "
            "SELECT held.\"key\" \nFROM held",
            (
                "to_state",
                "to_state",
                "at",
                "uncharged",
                "to_retries",
                "to_crashes",
                "to_state",
                "to_shown",
                "to_state",
                "to_state",
                "now",
                "k",
                "of_id",
                "token",
                "worker",
                "as_role",
                "kept_key",
                "kept_worker",
                "kept_started_at",
                "kept_ended_at",
                "kept_ending",
                "kept_result",
                "kept_failure",
                "kept_peak_kb",
                "kept_output",
                "k",
                "kept_key",
            ),
        ),
        whole=True,
    )
    new_call = Statement("UPDATE job SET args=?, options=? WHERE job.\"key\" = ?", ("new_args", "new_options", "k"))
    new_place = Statement(
        "UPDATE job SET queue=coalesce(?, job.queue), priority=coalesce(?, job.priority) WHERE job.\"key\" = ?",
        ("new_queue", "new_priority", "k"),
    )
    whole_call = Statement("UPDATE job SET role=(job.role & 1) WHERE job.\"key\" = ?", ("k",))
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
            "INSERT INTO attempt (\"key\", worker, started_at, ended_at, ending, result, failure, peak_kb, output) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (\"key\") DO UPDATE SET worker = excluded.worker, "
            "started_at = excluded.started_at, ended_at = excluded.ended_at, ending = excluded.ending, result = "
            "excluded.result, failure = excluded.failure, peak_kb = excluded.peak_kb, output = excluded.output",
            ("key", "worker", "started_at", "ended_at", "ending", "result", "failure", "peak_kb", "output"),
        ),
        several=Statement(
            "INSERT INTO attempt (\"key\", worker, started_at, ended_at, ending, result, failure, peak_kb, output) "
            "SELECT given.column1, given.column6, given.column2, given.column3, given.column7, given.column4, "
            "given.column8, given.column5, given.column9 \nFROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)) AS given \nWHERE "
            "1 = 1 ON CONFLICT (\"key\") DO UPDATE SET worker = excluded.worker, started_at = excluded.started_at, "
            "ended_at = excluded.ended_at, ending = excluded.ending, result = excluded.result, failure = "
            "excluded.failure, peak_kb = excluded.peak_kb, output = excluded.output",
            ("key", "started_at", "ended_at", "result", "peak_kb", "worker", "ending", "failure", "output"),
        ),
        alike=Statement(
            "INSERT INTO attempt (\"key\", worker, started_at, ended_at, ending, result, failure, peak_kb, output) "
            "SELECT given.column1, ? AS anon_1, given.column2, given.column3, ? AS anon_2, given.column4, ? AS "
            "anon_3, given.column5, ? AS anon_4 \nFROM (VALUES (?, ?, ?, ?, ?)) AS given \nWHERE 1 = 1 ON CONFLICT "
            "(\"key\") DO UPDATE SET worker = excluded.worker, started_at = excluded.started_at, ended_at = "
            "excluded.ended_at, ending = excluded.ending, result = excluded.result, failure = excluded.failure, "
            "peak_kb = excluded.peak_kb, output = excluded.output",
            ("worker", "ending", "failure", "output"),
        ),
        own=5,
    )
    note_shown = Statement(
        "UPDATE job SET shown=coalesce(?, job.shown) WHERE job.id = ? AND job.state < 3 RETURNING \"key\"",
        ("to_shown", "of_id"),
    )
    add_note = Statement(
        "INSERT INTO note (job, meta, noted_at) VALUES (?, ?, ?) ON CONFLICT (job) DO UPDATE SET meta = "
        "excluded.meta, noted_at = excluded.noted_at",
        ("job", "meta", "noted_at"),
    )
    cancel_waiting = Statement(
        "UPDATE job SET state=?, cancel=?, shown=NULL, finished_at=? WHERE job.\"key\" = ? AND job.state < 2",
        ("state", "signal", "now", "k"),
        {"state": 5},
    )
    flag = Statement(
        "UPDATE job SET cancel=CASE WHEN (? > 1 OR job.cancel = 0) THEN ? ELSE job.cancel END WHERE job.\"key\" = ? "
        "AND job.state = 2",
        ("signal", "signal", "k"),
    )
    requeue = Statement(
        "UPDATE job SET state=?, run_at=?, expires_at=NULL, retries=?, crashes=?, cancel=?, shown=NULL, "
        "finished_at=NULL, culprit=NULL WHERE job.id = ? AND job.state >= 3 RETURNING \"key\", id, role, workflow",
        ("state", "now", "retries", "crashes", "cancel", "of_id"),
        {"state": 1, "retries": 0, "crashes": 0, "cancel": 0},
    )
    next_done = DifferentValues(
        Statement(
            "SELECT min(job.queue) AS min_1 \nFROM job \nWHERE job.finished_at IS NOT NULL AND job.state = ? AND "
            "job.queue > ?",
            ("of_state", "after"),
        ),
    )
    done_before = Statement(
        "SELECT job.\"key\", job.finished_at, CASE WHEN ((job.workflow IS NULL OR NOT (EXISTS (SELECT 1 \nFROM job AS "
        "other \nWHERE other.workflow = job.workflow AND other.workflow IS NOT NULL AND other.finished_at IS NULL)) "
        "AND NOT (EXISTS (SELECT 1 \nFROM job AS other \nWHERE other.workflow = job.workflow AND other.workflow IS "
        "NOT NULL AND other.finished_at >= ?))) AND NOT (job.role != 0 AND (EXISTS (SELECT 1 \nFROM edge JOIN job AS "
        "waiter ON waiter.\"key\" = edge.waiter \nWHERE edge.awaited = job.\"key\" AND waiter.state < 3)))) THEN 1 "
        "ELSE 0 END AS anon_1 \nFROM job \nWHERE job.state = ? AND job.queue = ? AND job.finished_at >= ? AND "
        "job.finished_at < ? ORDER BY job.finished_at\n LIMIT ? OFFSET ?",
        ("before", "of_state", "of_queue", "since", "before", "most", "param_1"),
        {"param_1": 0},
    )
    still_done = Statement(
        "SELECT job.\"key\" \nFROM job \nWHERE job.\"key\" IN (SELECT anon_1.value \nFROM json_each(?) AS anon_1) AND "
        "job.finished_at < ? AND (job.workflow IS NULL OR NOT (EXISTS (SELECT 1 \nFROM job AS other \nWHERE "
        "other.workflow = job.workflow AND other.workflow IS NOT NULL AND other.finished_at IS NULL)) AND NOT (EXISTS "
        "(SELECT 1 \nFROM job AS other \nWHERE other.workflow = job.workflow AND other.workflow IS NOT NULL AND "
        "other.finished_at >= ?))) AND NOT (job.role != 0 AND (EXISTS (SELECT 1 \nFROM edge JOIN job AS waiter ON "
        "waiter.\"key\" = edge.waiter \nWHERE edge.awaited = job.\"key\" AND waiter.state < 3)))",
        ("keys", "before", "before"),
    )
    waiting_keys = Statement(
        "SELECT job.\"key\" \nFROM job \nWHERE job.state = -1 UNION ALL SELECT job.\"key\" \nFROM job \nWHERE "
        "job.state = 0 UNION ALL SELECT job.\"key\" \nFROM job \nWHERE job.state = 1\n LIMIT ? OFFSET ?",
        ("most", "param_1"),
        {"param_1": 0},
    )
    waiting_keys_in = Statement(
        "SELECT job.\"key\" \nFROM job \nWHERE job.state = -1 AND job.queue IN (SELECT anon_1.value \nFROM "
        "json_each(?) AS anon_1) UNION ALL SELECT job.\"key\" \nFROM job \nWHERE job.state = 0 AND job.queue IN "
        "(SELECT anon_1.value \nFROM json_each(?) AS anon_1) UNION ALL SELECT job.\"key\" \nFROM job \nWHERE "
        "job.state = 1 AND job.queue IN (SELECT anon_1.value \nFROM json_each(?) AS anon_1)\n LIMIT ? OFFSET ?",
        ("names", "names", "names", "most", "param_1"),
        {"param_1": 0},
    )
    final_key = Statement(
        "SELECT job.\"key\" \nFROM job \nWHERE job.id = ? AND job.state >= 3 AND NOT (job.role != 0 AND (EXISTS "
        "(SELECT 1 \nFROM edge JOIN job AS waiter ON waiter.\"key\" = edge.waiter \nWHERE edge.awaited = job.\"key\" "
        "AND waiter.state < 3)))",
        ("of_id",),
    )
    drop_job = Statement("DELETE FROM job WHERE job.\"key\" = ?", ("k",))
    drop_payload = Statement("DELETE FROM payload WHERE payload.job = ?", ("k",))
    drop_note = Statement("DELETE FROM note WHERE note.job = ?", ("k",))
    drop_attempts = Statement(
        "DELETE FROM attempt WHERE attempt.\"key\" >= ? AND attempt.\"key\" < ?",
        ("first", "end"),
    )


class _KnownTask(KnownTaskTexts):
    next_task = Statement(
        "SELECT min(job.task) AS min_1 \nFROM job \nWHERE job.state = 1 AND job.queue = ? AND job.task >= ?",
        ("of_queue", "at"),
    )
    task_behind = Statement(
        "SELECT min(job.task) AS min_1 \nFROM job \nWHERE job.state = 1 AND job.queue = ? AND job.task > ?",
        ("of_queue", "at"),
    )
    front = Statement(
        "SELECT job.\"key\", job.priority, job.task \nFROM job \nWHERE job.state = 1 AND job.queue = ? ORDER BY "
        "job.priority DESC, job.\"key\"\n LIMIT ? OFFSET ?",
        ("of_queue", "most", "param_1"),
        {"param_1": 0},
    )
    best_of_task = Statement(
        "SELECT job.priority, job.\"key\" \nFROM job \nWHERE job.state = 1 AND job.queue = ? AND job.task = ? ORDER "
        "BY job.priority DESC, job.\"key\"\n LIMIT ? OFFSET ?",
        ("of_queue", "of_task", "most", "param_1"),
        {"param_1": 0},
    )
    put_back = Statement(
        "UPDATE job SET state=?, owner=NULL, attempts=(job.attempts - 1) WHERE job.\"key\" = ?",
        ("state", "k"),
        {"state": 1},
    )


class _Limit(LimitTexts):
    next_queue = DifferentValues(
        Statement(
            "SELECT min(job.queue) AS min_1 \nFROM job \nWHERE job.state = 0 AND job.run_at >= 253402300799999999 AND "
            "job.queue > ?",
            ("after",),
        ),
    )
    next_task = DifferentValues(
        Statement(
            "SELECT min(job.task) AS min_1 \nFROM job \nWHERE job.state = 0 AND job.run_at >= 253402300799999999 AND "
            "job.queue = ? AND job.task > ?",
            ("of_queue", "after"),
        ),
    )
    let_out = Statement(
        "UPDATE job SET state=?, run_at=? WHERE job.\"key\" IN (SELECT job.\"key\" \nFROM job \nWHERE job.state = 0 "
        "AND job.run_at >= 253402300799999999 AND job.queue = ? AND job.task = ? ORDER BY job.priority DESC, "
        "job.\"key\"\n LIMIT ? OFFSET ?)",
        ("state", "now", "of_queue", "of_task", "most", "param_1"),
        {"state": 1, "param_1": 0},
    )
    park = Statement(
        "UPDATE job SET state=?, run_at=? WHERE job.\"key\" IN (SELECT anon_1.\"key\" \nFROM (SELECT job.\"key\" AS "
        "\"key\", job.task AS task \nFROM job \nWHERE job.state = 1 AND job.queue = ? ORDER BY job.priority DESC, "
        "job.\"key\"\n LIMIT ? OFFSET ?) AS anon_1 \nWHERE anon_1.task IN (SELECT anon_2.value \nFROM json_each(?) AS "
        "anon_2))",
        ("state", "run_at", "of_queue", "most", "param_1", "tasks"),
        {"state": 0, "run_at": 253402300799999999, "param_1": 0},
    )
    put_back = Statement(
        "UPDATE job SET state=?, run_at=?, owner=NULL, attempts=(job.attempts - 1) WHERE job.\"key\" = ?",
        ("state", "run_at", "k"),
        {"state": 0, "run_at": 253402300799999999},
    )
    full_at = Statement("SELECT bucket.full_at \nFROM bucket \nWHERE bucket.task = ?", ("of_task",))
    keep = Statement(
        "INSERT INTO bucket (task, full_at) VALUES (?, ?) ON CONFLICT (task) DO UPDATE SET full_at = excluded.full_at",
        ("task", "full_at"),
    )


class _Mail(MailTexts):
    post = Statement(
        "INSERT INTO letter (command, arguments, destination, wants_reply, expires_at, token) VALUES (?, ?, ?, ?, ?, "
        "?) ON CONFLICT (token) DO NOTHING",
        ("command", "arguments", "destination", "wants_reply", "expires_at", "token"),
    )
    posted = Statement("SELECT letter.\"key\" \nFROM letter \nWHERE letter.token = ?", ("of_token",))
    drop_letters = Statement("DELETE FROM letter WHERE letter.expires_at < ?", ("now",))
    drop_replies = Statement(
        "DELETE FROM reply WHERE NOT (EXISTS (SELECT letter.\"key\" \nFROM letter \nWHERE letter.\"key\" = "
        "reply.letter))",
    )
    last = Statement("SELECT max(letter.\"key\") AS max_1 \nFROM letter")
    take = Statement(
        "SELECT letter.\"key\", letter.command, letter.arguments, letter.wants_reply \nFROM letter \nWHERE "
        "letter.\"key\" > ? AND letter.expires_at >= ? AND (letter.destination IS NULL OR ? IN (SELECT anon_1.value "
        "\nFROM json_each(letter.destination) AS anon_1)) ORDER BY letter.\"key\"",
        ("place", "now", "worker"),
    )
    answer = Statement(
        "INSERT INTO reply (letter, worker, answer, token) VALUES (?, ?, ?, ?) ON CONFLICT (letter, token) DO NOTHING",
        ("letter", "worker", "answer", "token"),
    )
    answers = Statement(
        "SELECT reply.worker, reply.answer \nFROM reply \nWHERE reply.letter = ? ORDER BY reply.\"key\"",
        ("of_letter",),
    )
    orders = Statement(
        "SELECT standing_order.kind, standing_order.name, standing_order.value \nFROM standing_order ORDER BY "
        "standing_order.kind, standing_order.name",
    )
    given = Statement(
        "SELECT standing_order.name, standing_order.given_at \nFROM standing_order \nWHERE standing_order.kind = ?",
        ("of_kind",),
    )
    give = Statement(
        "INSERT INTO standing_order (kind, name, value, given_at) VALUES (?, ?, ?, ?) ON CONFLICT (kind, name) DO "
        "UPDATE SET value = excluded.value, given_at = excluded.given_at",
        ("kind", "name", "value", "given_at"),
    )
    withdraw = Statement(
        "DELETE FROM standing_order WHERE standing_order.kind = ? AND standing_order.name = ?",
        ("of_kind", "of_name"),
    )
    order = Statement(
        "SELECT standing_order.value \nFROM standing_order \nWHERE standing_order.kind = ? AND standing_order.name = ?",
        ("of_kind", "of_name"),
    )
    drop_bucket = Statement("DELETE FROM bucket WHERE bucket.task = ?", ("of_task",))


class _Moving(MovingTexts):
    jobs = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, job.args, job.options, job.waits, job.role, job.culprit, job.workflow \nFROM job \nWHERE "
        "job.\"key\" > ? ORDER BY job.\"key\"\n LIMIT ? OFFSET ?",
        ("after", "most", "param_1"),
        {"param_1": 0},
    )
    payloads = Statement(
        "SELECT payload.job, payload.args \nFROM payload \nWHERE payload.job BETWEEN ? AND ?",
        ("first", "last"),
    )
    notes = Statement("SELECT note.job, note.meta \nFROM note \nWHERE note.job BETWEEN ? AND ?", ("first", "last"))
    attempts = Statement(
        "SELECT attempt.\"key\", attempt.worker, attempt.started_at, attempt.ended_at, attempt.ending, "
        "attempt.result, attempt.failure, attempt.peak_kb, attempt.output \nFROM attempt \nWHERE attempt.\"key\" "
        "BETWEEN ? AND ? ORDER BY attempt.\"key\"",
        ("first", "last"),
    )
    waiters = Statement(
        "SELECT edge.waiter \nFROM edge \nWHERE edge.waiter > ? GROUP BY edge.waiter ORDER BY edge.waiter\n LIMIT ? "
        "OFFSET ?",
        ("after", "most", "param_1"),
        {"param_1": 0},
    )
    ties = Statement(
        "SELECT w.\"key\", w.id, w.culprit, edge.awaited, edge.position, d.id AS id_1, edge.passing, edge.on_error "
        "\nFROM edge JOIN job AS w ON w.\"key\" = edge.waiter LEFT OUTER JOIN job AS d ON d.\"key\" = edge.awaited "
        "\nWHERE edge.waiter BETWEEN ? AND ? ORDER BY edge.waiter, edge.position",
        ("first", "last"),
    )
    groups = Statement(
        "SELECT saved_group.id, saved_group.content, saved_group.saved_at \nFROM saved_group \nWHERE saved_group.id > "
        "? ORDER BY saved_group.id\n LIMIT ? OFFSET ?",
        ("after", "most", "param_1"),
        {"param_1": 0},
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
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
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
    )
    keys_of = Statement(
        "SELECT job.id, job.\"key\" \nFROM job \nWHERE job.id IN (SELECT anon_1.value \nFROM json_each(?) AS anon_1)",
        ("names",),
    )
    put_tie = Statement(
        "INSERT INTO edge (waiter, position, awaited, passing, on_error) VALUES (?, ?, ?, ?, ?) ON CONFLICT (waiter, "
        "position) DO NOTHING",
        ("waiter", "position", "awaited", "passing", "on_error"),
    )
    blame = Statement("UPDATE job SET culprit=? WHERE job.\"key\" = ? AND job.culprit IS NOT NULL", ("of_culprit", "k"))
    put_group = Statement(
        "INSERT INTO saved_group (id, content, saved_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
        ("id", "content", "saved_at"),
    )
    some_tie = Statement(
        "SELECT 1 \nFROM edge \nWHERE edge.waiter = ?\n LIMIT ? OFFSET ?",
        ("k", "param_1", "param_2"),
        {"param_1": 1, "param_2": 0},
    )


class _Read(ReadTexts):
    call = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, job.args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow \nFROM job \nWHERE job.id = ?",
        ("of_id",),
    )
    starting = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow \nFROM job \nWHERE job.id >= ? AND job.id < ? ORDER BY job.id DESC\n LIMIT ? OFFSET ?",
        ("prefix", "end", "most", "param_1"),
        {"param_1": 0},
    )
    ahead = Statement(
        "SELECT count(*) AS count_1 \nFROM (SELECT job.\"key\" AS \"key\" \nFROM job \nWHERE job.state = 1 AND "
        "job.queue = ? AND (job.priority > ? OR job.priority = ? AND job.\"key\" < ?)\n LIMIT ? OFFSET ?) AS anon_1",
        ("of_queue", "rank", "rank", "k", "most", "param_1"),
        {"param_1": 0},
    )
    attempts = Statement(
        "SELECT attempt.\"key\", attempt.worker, attempt.started_at, attempt.ended_at, attempt.ending, "
        "attempt.result, attempt.failure, attempt.peak_kb, attempt.output \nFROM attempt \nWHERE attempt.\"key\" >= ? "
        "AND attempt.\"key\" < ? ORDER BY attempt.\"key\"",
        ("first", "end"),
    )
    last_attempt = Statement(
        "SELECT attempt.\"key\", attempt.worker, attempt.started_at, attempt.ended_at, attempt.ending, "
        "attempt.result, attempt.failure, attempt.peak_kb, attempt.output \nFROM attempt \nWHERE attempt.\"key\" >= ? "
        "AND attempt.\"key\" < ? ORDER BY attempt.\"key\" DESC\n LIMIT ? OFFSET ?",
        ("first", "end", "param_1", "param_2"),
        {"param_1": 1, "param_2": 0},
    )
    added_at = Statement(
        "SELECT job.created_at \nFROM job \nWHERE job.\"key\" >= ? ORDER BY job.\"key\"\n LIMIT ? OFFSET ?",
        ("end", "param_1", "param_2"),
        {"param_1": 1, "param_2": 0},
    )
    calls = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, job.args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow \nFROM job \nWHERE job.id IN (SELECT anon_1.value \nFROM json_each(?) AS anon_1)",
        ("names",),
    )
    by_ids = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow \nFROM job \nWHERE job.id IN (SELECT anon_1.value \nFROM json_each(?) AS anon_1)",
        ("names",),
    )
    seen = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow, attempt.\"key\" AS key_1, attempt.worker, attempt.started_at, attempt.ended_at, "
        "attempt.ending, attempt.result, attempt.failure, attempt.peak_kb, attempt.output, CASE WHEN (job.shown IS "
        "NOT NULL OR job.state = 2) THEN (SELECT note.meta \nFROM note \nWHERE note.job = job.\"key\") END AS told "
        "\nFROM job LEFT OUTER JOIN attempt ON attempt.\"key\" = (SELECT max(own.\"key\") AS max_1 \nFROM attempt AS "
        "own \nWHERE own.\"key\" >= job.\"key\" * 1048576 AND own.\"key\" < (job.\"key\" + 1) * 1048576) \nWHERE "
        "job.id IN (SELECT anon_1.value \nFROM json_each(?) AS anon_1)",
        ("names",),
    )
    seen_one = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow, attempt.\"key\" AS key_1, attempt.worker, attempt.started_at, attempt.ended_at, "
        "attempt.ending, attempt.result, attempt.failure, attempt.peak_kb, attempt.output, CASE WHEN (job.shown IS "
        "NOT NULL OR job.state = 2) THEN (SELECT note.meta \nFROM note \nWHERE note.job = job.\"key\") END AS told "
        "\nFROM job LEFT OUTER JOIN attempt ON attempt.\"key\" = (SELECT max(own.\"key\") AS max_1 \nFROM attempt AS "
        "own \nWHERE own.\"key\" >= job.\"key\" * 1048576 AND own.\"key\" < (job.\"key\" + 1) * 1048576) \nWHERE "
        "job.id = ?",
        ("of_id",),
    )
    notes_of = Statement(
        "SELECT job.id, note.meta \nFROM note JOIN job ON job.\"key\" = note.job \nWHERE job.id IN (SELECT "
        "anon_1.value \nFROM json_each(?) AS anon_1)",
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
        "job.run_at AS run_at \nFROM job \nWHERE job.state = 1 AND job.queue = ? AND job.priority = ? ORDER BY "
        "job.\"key\"\n LIMIT ? OFFSET ?) AS anon_1 GROUP BY anon_1.task",
        ("of_queue", "rank", "most", "param_1"),
        {"param_1": 0},
    )
    waiting = Statement(
        "SELECT anon_1.queue, anon_1.task, count(*) AS count_1 \nFROM (SELECT job.queue AS queue, job.task AS task "
        "\nFROM job \nWHERE job.state = -1 UNION ALL SELECT job.queue AS queue, job.task AS task \nFROM job \nWHERE "
        "job.state = 0 UNION ALL SELECT job.queue AS queue, job.task AS task \nFROM job \nWHERE job.state = 1) AS "
        "anon_1 GROUP BY anon_1.queue, anon_1.task",
    )
    inputs = Statement(
        "SELECT job.id, job.state, job.options, edge.passing, edge.on_error, attempt.result \nFROM edge JOIN job ON "
        "job.\"key\" = edge.awaited LEFT OUTER JOIN attempt ON attempt.\"key\" = (SELECT max(other.\"key\") AS max_1 "
        "\nFROM attempt AS other \nWHERE other.\"key\" >= job.\"key\" * 1048576 AND other.\"key\" < (job.\"key\" + 1) "
        "* 1048576 AND other.ending = 'SUCCESS') \nWHERE edge.waiter = ? AND edge.passing != 0 ORDER BY edge.position",
        ("k",),
    )
    stranded = Statement(
        "WITH RECURSIVE moving(\"key\") AS \n(SELECT job.\"key\" AS \"key\" \nFROM job \nWHERE job.state < 3 AND "
        "(job.state > -1 OR job.waits = 0) AND (job.role & 1) != 0 UNION SELECT edge.waiter AS waiter \nFROM edge, "
        "moving \nWHERE edge.awaited = moving.\"key\")\n SELECT job.\"key\", job.id, job.task, job.queue, "
        "job.priority, job.state, job.run_at, job.expires_at, job.run_token, job.owner, job.attempts, job.retries, "
        "job.crashes, job.cancel, job.shown, job.created_at, job.finished_at, NULL AS args, job.options, job.waits, "
        "job.role, CASE WHEN (job.culprit IS NOT NULL) THEN coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge "
        "JOIN job AS of_culprit ON of_culprit.\"key\" = edge.awaited \nWHERE edge.waiter = job.\"key\" AND "
        "edge.awaited = job.culprit), '') END AS culprit, job.workflow \nFROM job \nWHERE job.state = -1 AND "
        "job.waits > 0 AND (job.waits > (SELECT count(*) AS count_1 \nFROM edge JOIN job AS awaited ON "
        "awaited.\"key\" = edge.awaited \nWHERE edge.waiter = job.\"key\" AND awaited.state < 3) OR (job.\"key\" NOT "
        "IN (SELECT moving.\"key\" \nFROM moving))) ORDER BY job.\"key\"\n LIMIT ? OFFSET ?",
        ("most", "param_1"),
        {"param_1": 0},
    )
    family = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow \nFROM job \nWHERE job.\"key\" IN (SELECT anon_1.\"key\" \nFROM (SELECT job.\"key\" AS \"key\" "
        "\nFROM job \nWHERE job.workflow = ? OR job.id = ? ORDER BY job.\"key\"\n LIMIT ? OFFSET ?) AS anon_1) ORDER "
        "BY job.\"key\"",
        ("of_workflow", "of_workflow", "most", "param_1"),
        {"param_1": 0},
    )
    ties = Statement(
        "SELECT job.id, edge.position, awaited.id AS id_1, edge.passing, edge.on_error \nFROM edge JOIN job ON "
        "job.\"key\" = edge.waiter LEFT OUTER JOIN job AS awaited ON awaited.\"key\" = edge.awaited \nWHERE "
        "job.workflow = ? ORDER BY edge.waiter, edge.position",
        ("of_workflow",),
    )
    ties_among = Statement(
        "SELECT job.id, edge.position, awaited.id AS id_1, edge.passing, edge.on_error \nFROM edge JOIN job ON "
        "job.\"key\" = edge.waiter JOIN job AS awaited ON awaited.\"key\" = edge.awaited \nWHERE edge.waiter IN "
        "(SELECT anon_1.value \nFROM json_each(?) AS anon_1) AND edge.awaited IN (SELECT anon_2.value \nFROM "
        "json_each(?) AS anon_2) ORDER BY edge.waiter, edge.position",
        ("keys", "keys"),
    )
    awaited = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow \nFROM job JOIN (SELECT job.\"key\" AS \"key\", CASE WHEN (job.state > 3) THEN 0 WHEN "
        "(job.state < 3) THEN 1 ELSE 2 END AS urgency, edge.position AS position \nFROM edge JOIN job ON job.\"key\" "
        "= edge.awaited \nWHERE edge.waiter = ? ORDER BY CASE WHEN (job.state > 3) THEN 0 WHEN (job.state < 3) THEN 1 "
        "ELSE 2 END, edge.position\n LIMIT ? OFFSET ?) AS anon_1 ON anon_1.\"key\" = job.\"key\" ORDER BY "
        "anon_1.urgency, anon_1.position",
        ("k", "most", "param_1"),
        {"param_1": 0},
    )


class _Schedule(ScheduleTexts):
    of_source = Statement(
        "SELECT schedule.\"key\", schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note, schedule.state_before \nFROM schedule \nWHERE schedule.source = ? ORDER "
        "BY schedule.name",
        ("of_source",),
    )
    of_name = Statement(
        "SELECT schedule.\"key\", schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note, schedule.state_before \nFROM schedule \nWHERE schedule.name = ?",
        ("of_name",),
    )
    of_names = Statement(
        "SELECT schedule.\"key\", schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note, schedule.state_before \nFROM schedule \nWHERE schedule.name IN (SELECT "
        "anon_1.value \nFROM json_each(?) AS anon_1)",
        ("names",),
    )
    add = Statement(
        "INSERT INTO schedule (name, source, spec, rule, state, anchor_at, next_at, due_at, created_at, changed_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ("name", "source", "spec", "rule", "state", "anchor_at", "next_at", "due_at", "created_at", "changed_at"),
    )
    write = Statement(
        "UPDATE schedule SET source=?, spec=?, rule=?, state=?, state_before=?, revision=(schedule.revision + 1), "
        "anchor_at=?, next_at=?, due_at=?, held_at=?, changed_at=?, note=? WHERE schedule.\"key\" = ?",
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
        "UPDATE schedule SET state=?, revision=(schedule.revision + 1), next_at=?, due_at=?, changed_at=?, note=? "
        "WHERE schedule.name = ?",
        ("to_state", "to_next_at", "to_due_at", "now", "to_note", "of_name"),
    )
    drop = Statement("DELETE FROM schedule WHERE schedule.name = ? RETURNING \"key\"", ("of_name",))
    drop_ledger = Statement("DELETE FROM firing WHERE firing.schedule = ?", ("k",))
    due = Statement(
        "SELECT schedule.\"key\", schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state = 0 AND schedule.due_at <= ? ORDER "
        "BY schedule.due_at, schedule.\"key\"\n LIMIT ? OFFSET ?",
        ("now", "most", "param_1"),
        {"param_1": 0},
    )
    next_due = Statement(
        "SELECT min(schedule.due_at) AS min_1 \nFROM schedule \nWHERE schedule.state = 0 AND schedule.due_at > ?",
        ("now",),
    )
    held = Statement(
        "SELECT schedule.\"key\", schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state = 0 AND schedule.held_at IS NOT "
        "NULL ORDER BY schedule.held_at",
    )
    due_of = Statement(
        "SELECT schedule.\"key\", schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state = 0 AND coalesce(schedule.source, "
        "'') IN (SELECT anon_1.value \nFROM json_each(?) AS anon_1) AND schedule.due_at <= ? ORDER BY "
        "schedule.due_at, schedule.\"key\"\n LIMIT ? OFFSET ?",
        ("sources", "now", "most", "param_1"),
        {"param_1": 0},
    )
    next_due_of = Statement(
        "SELECT min(schedule.due_at) AS min_1 \nFROM schedule \nWHERE schedule.state = 0 AND "
        "coalesce(schedule.source, '') IN (SELECT anon_1.value \nFROM json_each(?) AS anon_1) AND schedule.due_at > ?",
        ("sources", "now"),
    )
    held_of = Statement(
        "SELECT schedule.\"key\", schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state = 0 AND coalesce(schedule.source, "
        "'') IN (SELECT anon_1.value \nFROM json_each(?) AS anon_1) AND schedule.held_at IS NOT NULL ORDER BY "
        "schedule.held_at",
        ("sources",),
    )
    found = Statement(
        "SELECT schedule.\"key\", schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state IN (SELECT anon_1.value \nFROM "
        "json_each(?) AS anon_1) ORDER BY schedule.name\n LIMIT ? OFFSET ?",
        ("states", "most", "param_1"),
        {"param_1": 0},
    )
    found_after = Statement(
        "SELECT schedule.\"key\", schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state IN (SELECT anon_1.value \nFROM "
        "json_each(?) AS anon_1) AND schedule.name > ? ORDER BY schedule.name\n LIMIT ? OFFSET ?",
        ("states", "after", "most", "param_1"),
        {"param_1": 0},
    )
    found_named = Statement(
        "SELECT schedule.\"key\", schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state IN (SELECT anon_1.value \nFROM "
        "json_each(?) AS anon_1) AND schedule.name IN (SELECT anon_2.value \nFROM json_each(?) AS anon_2) ORDER BY "
        "schedule.name\n LIMIT ? OFFSET ?",
        ("states", "names", "most", "param_1"),
        {"param_1": 0},
    )
    found_named_after = Statement(
        "SELECT schedule.\"key\", schedule.name, schedule.source, schedule.spec, schedule.rule, schedule.state, "
        "schedule.revision, schedule.anchor_at, schedule.next_at, schedule.due_at, schedule.last_at, "
        "schedule.last_job, schedule.runs, schedule.missed, schedule.held_at, schedule.created_at, "
        "schedule.changed_at, schedule.note \nFROM schedule \nWHERE schedule.state IN (SELECT anon_1.value \nFROM "
        "json_each(?) AS anon_1) AND schedule.name IN (SELECT anon_2.value \nFROM json_each(?) AS anon_2) AND "
        "schedule.name > ? ORDER BY schedule.name\n LIMIT ? OFFSET ?",
        ("states", "names", "after", "most", "param_1"),
        {"param_1": 0},
    )
    advance = Statement(
        "UPDATE schedule SET state=?, revision=(schedule.revision + 1), next_at=?, due_at=?, last_at=CASE WHEN "
        "(schedule.last_at IS NULL OR schedule.last_at <= ?) THEN ? ELSE schedule.last_at END, last_job=CASE WHEN "
        "(schedule.last_at IS NULL OR schedule.last_at <= ?) THEN ? ELSE schedule.last_job END, runs=(schedule.runs + "
        "?), missed=(schedule.missed + ?), held_at=?, note=coalesce(?, schedule.note) WHERE schedule.\"key\" = ? AND "
        "schedule.revision = ? AND schedule.state = 0",
        (
            "to_state",
            "to_next",
            "to_due",
            "at",
            "at",
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
        "UPDATE schedule SET last_at=?, last_job=?, runs=(schedule.runs - ?) WHERE schedule.\"key\" = ?",
        ("at", "job", "fewer", "k"),
    )
    last_fired = Statement(
        "SELECT firing.nominal, firing.job_id \nFROM firing \nWHERE firing.schedule = ? AND firing.outcome = 'fired' "
        "ORDER BY firing.nominal DESC\n LIMIT ? OFFSET ?",
        ("k", "param_1", "param_2"),
        {"param_1": 1, "param_2": 0},
    )
    touch = Statement(
        "UPDATE schedule SET revision=(schedule.revision + 1), last_at=CASE WHEN (schedule.last_at IS NULL OR "
        "schedule.last_at <= ?) THEN ? ELSE schedule.last_at END, last_job=CASE WHEN (schedule.last_at IS NULL OR "
        "schedule.last_at <= ?) THEN ? ELSE schedule.last_job END WHERE schedule.\"key\" = ?",
        ("at", "at", "at", "job", "k"),
    )
    knows = Statement("SELECT 1 \nFROM schedule \nWHERE schedule.\"key\" = ?", ("k",))
    enter = Statement(
        "INSERT INTO firing (schedule, nominal, outcome, reason, job_id, until, count, fired_at) VALUES (?, ?, ?, ?, "
        "?, ?, ?, ?) ON CONFLICT (schedule, nominal) DO UPDATE SET outcome = excluded.outcome, reason = "
        "excluded.reason, job_id = excluded.job_id, fired_at = excluded.fired_at WHERE firing.outcome = 'skipped' AND "
        "excluded.outcome = 'fired'",
        ("schedule", "nominal", "outcome", "reason", "job_id", "until", "count", "fired_at"),
    )
    ledger = Statement(
        "SELECT firing.nominal, firing.outcome, firing.reason, firing.job_id, firing.until, firing.count, "
        "firing.fired_at \nFROM firing \nWHERE firing.schedule = ? AND firing.nominal < ? ORDER BY firing.nominal "
        "DESC\n LIMIT ? OFFSET ?",
        ("k", "before", "most", "param_1"),
        {"param_1": 0},
    )
    next_with_ledger = Statement(
        "SELECT min(firing.schedule) AS min_1 \nFROM firing \nWHERE firing.schedule > ?",
        ("after",),
    )
    oldest_kept = Statement(
        "SELECT firing.nominal \nFROM firing \nWHERE firing.schedule = ? ORDER BY firing.nominal DESC\n LIMIT ? "
        "OFFSET ?",
        ("k", "param_1", "kept"),
        {"param_1": 1},
    )
    drop_old = Statement(
        "DELETE FROM firing WHERE firing.schedule = ? AND firing.nominal IN (SELECT firing.nominal \nFROM firing "
        "\nWHERE firing.schedule = ? AND firing.nominal < ? ORDER BY firing.nominal\n LIMIT ? OFFSET ?)",
        ("k", "k", "before", "most", "param_1"),
        {"param_1": 0},
    )


class _Worker(WorkerTexts):
    enter = Statement(
        "INSERT INTO worker (uuid, boot_id, card, started_at, seen_at, lease_until) VALUES (?, ?, ?, ?, ?, ?) "
        "RETURNING \"key\"",
        ("uuid", "boot_id", "card", "started_at", "seen_at", "lease_until"),
    )
    known = Statement("SELECT worker.\"key\" \nFROM worker \nWHERE worker.uuid = ? AND worker.gone = 0", ("of_uuid",))
    beat = Statement(
        "UPDATE worker SET seen_at=?, lease_until=? WHERE worker.\"key\" = ? AND worker.gone = 0",
        ("now", "until", "k"),
    )
    owned = Statement(
        "SELECT job.id, job.run_token, job.cancel \nFROM job \nWHERE job.owner = ? AND job.state = 2",
        ("worker",),
    )
    all = Statement(
        "SELECT worker.\"key\", worker.uuid, worker.boot_id, worker.card, worker.started_at, worker.seen_at, "
        "worker.lease_until, worker.gone \nFROM worker ORDER BY worker.\"key\"",
    )
    describe = Statement("UPDATE worker SET card=? WHERE worker.\"key\" = ?", ("card", "k"))
    leave = Statement(
        "UPDATE worker SET seen_at=?, gone=? WHERE worker.\"key\" = ? AND worker.gone = 0",
        ("now", "gone", "k"),
        {"gone": 1},
    )
    lost = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow \nFROM job \nWHERE job.state = 2 AND job.owner IN (SELECT anon_1.owner \nFROM (SELECT DISTINCT "
        "job.owner AS owner \nFROM job \nWHERE job.state = 2) AS anon_1 LEFT OUTER JOIN worker ON worker.\"key\" = "
        "anon_1.owner \nWHERE worker.\"key\" IS NULL OR worker.gone != 0 OR worker.boot_id != ?)\n LIMIT ? OFFSET ?",
        ("boot", "most", "param_1"),
        {"param_1": 0},
    )
    lost_anywhere = Statement(
        "SELECT job.\"key\", job.id, job.task, job.queue, job.priority, job.state, job.run_at, job.expires_at, "
        "job.run_token, job.owner, job.attempts, job.retries, job.crashes, job.cancel, job.shown, job.created_at, "
        "job.finished_at, NULL AS args, job.options, job.waits, job.role, CASE WHEN (job.culprit IS NOT NULL) THEN "
        "coalesce((SELECT min(of_culprit.id) AS min_1 \nFROM edge JOIN job AS of_culprit ON of_culprit.\"key\" = "
        "edge.awaited \nWHERE edge.waiter = job.\"key\" AND edge.awaited = job.culprit), '') END AS culprit, "
        "job.workflow \nFROM job \nWHERE job.state = 2 AND job.owner IN (SELECT anon_1.owner \nFROM (SELECT DISTINCT "
        "job.owner AS owner \nFROM job \nWHERE job.state = 2) AS anon_1 LEFT OUTER JOIN worker ON worker.\"key\" = "
        "anon_1.owner \nWHERE worker.\"key\" IS NULL OR worker.gone != 0)\n LIMIT ? OFFSET ?",
        ("most", "param_1"),
        {"param_1": 0},
    )
    drop_gone = Statement(
        "DELETE FROM worker WHERE worker.gone != 0 AND worker.seen_at < ? AND (worker.\"key\" NOT IN (SELECT "
        "job.owner \nFROM job \nWHERE job.state = 2))",
        ("before",),
    )


class _All(SqlTexts):
    tables = (
        "\nCREATE TABLE attempt (\n\t\"key\" INTEGER NOT NULL, \n\tworker TEXT NOT NULL, \n\tstarted_at BIGINT, "
        "\n\tended_at BIGINT NOT NULL, \n\tending TEXT NOT NULL, \n\tresult BLOB, \n\tfailure BLOB, \n\tpeak_kb "
        "BIGINT, \n\toutput TEXT, \n\tPRIMARY KEY (\"key\")\n)\n\n",
        "\nCREATE TABLE bucket (\n\ttask TEXT NOT NULL, \n\tfull_at BIGINT NOT NULL, \n\tPRIMARY KEY (task)\n)\n\n",
        "\nCREATE TABLE change (\n\t\"key\" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, \n\ttoken TEXT NOT NULL, "
        "\n\tat BIGINT NOT NULL, \n\tactor TEXT NOT NULL, \n\tcame_from TEXT NOT NULL, \n\tverb TEXT NOT NULL, "
        "\n\ttarget TEXT NOT NULL, \n\tcount INTEGER NOT NULL, \n\tnote TEXT NOT NULL, \n\tUNIQUE (token)\n)\n\n",
        "CREATE INDEX change_target ON change (target)",
        "\nCREATE TABLE edge (\n\twaiter INTEGER NOT NULL, \n\tposition INTEGER NOT NULL, \n\tawaited BIGINT NOT "
        "NULL, \n\tpassing INTEGER NOT NULL, \n\ton_error INTEGER NOT NULL, \n\tPRIMARY KEY (waiter, position)\n)\n "
        "WITHOUT ROWID\n\n",
        "CREATE INDEX edge_awaited ON edge (awaited)",
        "\nCREATE TABLE firing (\n\tschedule BIGINT NOT NULL, \n\tnominal BIGINT NOT NULL, \n\toutcome TEXT NOT NULL, "
        "\n\treason TEXT, \n\tjob_id TEXT, \n\tuntil BIGINT, \n\tcount INTEGER NOT NULL, \n\tfired_at BIGINT NOT "
        "NULL, \n\tPRIMARY KEY (schedule, nominal)\n)\n WITHOUT ROWID\n\n",
        "\nCREATE TABLE job (\n\t\"key\" INTEGER NOT NULL, \n\tid TEXT NOT NULL, \n\ttask TEXT NOT NULL, \n\tqueue "
        "TEXT NOT NULL, \n\tpriority INTEGER NOT NULL, \n\tstate INTEGER NOT NULL, \n\trun_at BIGINT NOT NULL, "
        "\n\texpires_at BIGINT, \n\trun_token INTEGER DEFAULT '0' NOT NULL, \n\towner BIGINT, \n\tattempts INTEGER "
        "DEFAULT '0' NOT NULL, \n\tretries INTEGER DEFAULT '0' NOT NULL, \n\tcrashes INTEGER DEFAULT '0' NOT NULL, "
        "\n\tcancel INTEGER DEFAULT '0' NOT NULL, \n\tshown TEXT, \n\tcreated_at BIGINT NOT NULL, \n\tfinished_at "
        "BIGINT, \n\targs BLOB, \n\toptions TEXT, \n\twaits INTEGER DEFAULT '0' NOT NULL, \n\trole INTEGER DEFAULT "
        "'0' NOT NULL, \n\tculprit BIGINT, \n\tworkflow TEXT, \n\tPRIMARY KEY (\"key\"), \n\tUNIQUE (id)\n)\n\n",
        "CREATE INDEX job_done ON job (state, queue, finished_at) WHERE finished_at IS NOT NULL",
        "CREATE INDEX job_due ON job (run_at, queue) WHERE state = 0",
        "CREATE INDEX job_due_in_queue ON job (queue, run_at) WHERE state = 0 AND run_at < 253402300799999999",
        "CREATE INDEX job_failed ON job (state) WHERE state > 3",
        "CREATE INDEX job_owner ON job (owner) WHERE state = 2",
        "CREATE INDEX job_parked ON job (queue, task, priority DESC, \"key\") WHERE state = 0 AND run_at >= "
        "253402300799999999",
        "CREATE INDEX job_ready ON job (queue, priority DESC, \"key\") WHERE state = 1",
        "CREATE INDEX job_shown ON job (shown) WHERE shown IS NOT NULL",
        "CREATE INDEX job_waiting ON job (waits, \"key\") WHERE state = -1",
        "CREATE INDEX job_workflow ON job (workflow, finished_at) WHERE workflow IS NOT NULL",
        "\nCREATE TABLE letter (\n\t\"key\" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, \n\tcommand TEXT NOT NULL, "
        "\n\targuments TEXT NOT NULL, \n\tdestination TEXT, \n\twants_reply INTEGER NOT NULL, \n\texpires_at BIGINT "
        "NOT NULL, \n\ttoken TEXT\n)\n\n",
        "CREATE UNIQUE INDEX letter_token ON letter (token)",
        "\nCREATE TABLE meta (\n\tname TEXT NOT NULL, \n\tvalue TEXT NOT NULL, \n\tPRIMARY KEY (name)\n)\n\n",
        "\nCREATE TABLE note (\n\tjob INTEGER NOT NULL, \n\tmeta BLOB, \n\tnoted_at BIGINT NOT NULL, \n\tPRIMARY KEY "
        "(job)\n)\n\n",
        "\nCREATE TABLE payload (\n\tjob INTEGER NOT NULL, \n\targs BLOB NOT NULL, \n\tPRIMARY KEY (job)\n)\n\n",
        "\nCREATE TABLE reply (\n\t\"key\" INTEGER NOT NULL, \n\tletter BIGINT NOT NULL, \n\tworker TEXT NOT NULL, "
        "\n\tanswer TEXT NOT NULL, \n\ttoken TEXT, \n\tPRIMARY KEY (\"key\")\n)\n\n",
        "CREATE UNIQUE INDEX reply_token ON reply (letter, token)",
        "\nCREATE TABLE saved_group (\n\tid TEXT NOT NULL, \n\tcontent BLOB NOT NULL, \n\tsaved_at BIGINT NOT NULL, "
        "\n\tPRIMARY KEY (id)\n)\n\n",
        "\nCREATE TABLE schedule (\n\t\"key\" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, \n\tname TEXT NOT NULL, "
        "\n\tsource TEXT NOT NULL, \n\tspec TEXT NOT NULL, \n\trule TEXT NOT NULL, \n\tstate INTEGER NOT NULL, "
        "\n\tstate_before INTEGER, \n\trevision INTEGER DEFAULT '1' NOT NULL, \n\tanchor_at BIGINT NOT NULL, "
        "\n\tnext_at BIGINT, \n\tdue_at BIGINT, \n\tlast_at BIGINT, \n\tlast_job TEXT, \n\truns INTEGER DEFAULT '0' "
        "NOT NULL, \n\tmissed INTEGER DEFAULT '0' NOT NULL, \n\theld_at BIGINT, \n\tcreated_at BIGINT NOT NULL, "
        "\n\tchanged_at BIGINT NOT NULL, \n\tnote TEXT, \n\tUNIQUE (name)\n)\n\n",
        "CREATE INDEX schedule_due ON schedule (due_at) WHERE state = 0",
        "CREATE INDEX schedule_held ON schedule (held_at) WHERE held_at IS NOT NULL",
        "CREATE INDEX schedule_source ON schedule (source)",
        "\nCREATE TABLE standing_order (\n\tkind TEXT NOT NULL, \n\tname TEXT NOT NULL, \n\tvalue TEXT NOT NULL, "
        "\n\tgiven_at BIGINT NOT NULL, \n\tPRIMARY KEY (kind, name)\n)\n\n",
        "\nCREATE TABLE tally (\n\tat BIGINT NOT NULL, \n\ttask TEXT NOT NULL, \n\tqueue TEXT NOT NULL, \n\tstate "
        "INTEGER NOT NULL, \n\tcount INTEGER NOT NULL, \n\trun_us BIGINT NOT NULL, \n\truns TEXT NOT NULL, \n\twaits "
        "TEXT NOT NULL, \n\tPRIMARY KEY (at, task, queue, state)\n)\n WITHOUT ROWID\n\n",
        "\nCREATE TABLE worker (\n\t\"key\" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, \n\tuuid TEXT NOT NULL, "
        "\n\tboot_id TEXT NOT NULL, \n\tcard TEXT NOT NULL, \n\tstarted_at BIGINT NOT NULL, \n\tseen_at BIGINT NOT "
        "NULL, \n\tlease_until BIGINT NOT NULL, \n\tgone INTEGER DEFAULT '0' NOT NULL\n)\n\n",
    )
    ready_by_task = (
        "CREATE INDEX IF NOT EXISTS job_ready_by_task ON job (queue, task, priority DESC, \"key\") WHERE state = 1"
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
