"""The statements that every SQL database has.

Made by `python -m localq.store.sql.compiler`: change the statements, and not this.
"""

from __future__ import annotations

from localq.store.sql.statement import DifferentValues, ManyRows, Statement

__all__ = [
    "EdgeTexts",
    "GroupTexts",
    "HistoryTexts",
    "JobTexts",
    "KnownTaskTexts",
    "LimitTexts",
    "MailTexts",
    "MovingTexts",
    "ReadTexts",
    "ScheduleTexts",
    "SqlTexts",
    "WorkerTexts",
]


class EdgeTexts:
    """What ties jobs together, and counts down."""

    tie: Statement
    mark_awaited: Statement
    tie_beside: Statement
    wait_longer: Statement
    cut: Statement
    untie: Statement
    untie_awaited: Statement
    replace: Statement
    cancelled_of: Statement
    waiters_of: Statement
    edges_from: Statement
    count_down: Statement
    doom: Statement
    let_go: Statement
    ties_of: Statement
    set_waits: Statement
    blame: Statement
    fate: Statement
    again: Statement
    bad_ties: Statement
    claim_stuck: Statement
    claimed: Statement


class GroupTexts:
    """What is kept of groups."""

    save: Statement
    load: Statement
    drop: Statement
    drop_old: Statement


class HistoryTexts:
    """What is remembered."""

    ended: Statement
    going: Statement
    tallies: Statement
    tally: Statement
    keep: Statement
    drop_tallies: Statement
    fine: Statement
    record: Statement
    forget: Statement
    last_change: Statement
    changes: Statement
    changes_to: Statement


class JobTexts:
    """What adds, claims, finishes, changes and removes jobs."""

    add_job: ManyRows
    add_member: ManyRows
    add_plain: Statement
    by_id: Statement
    standing: Statement
    place_of: Statement
    add_payload: Statement
    outlook: Statement
    promote: Statement
    first_due: Statement
    promote_queue: Statement
    next_due_queue: DifferentValues
    next_queue: DifferentValues
    best_of_queue: Statement
    claim_queue: Statement
    front_of_queue: Statement
    take_front: Statement
    claim_keys: Statement
    count_ready: Statement
    payload: Statement
    finish: ManyRows
    finish_whole: ManyRows
    new_call: Statement
    new_place: Statement
    whole_call: Statement
    add_attempt: ManyRows
    note_shown: Statement
    add_note: Statement
    cancel_waiting: Statement
    flag: Statement
    requeue: Statement
    next_done: DifferentValues
    done_before: Statement
    still_done: Statement
    waiting_keys: Statement
    waiting_keys_in: Statement
    final_key: Statement
    drop_job: Statement
    drop_payload: Statement
    drop_note: Statement
    drop_attempts: Statement


class KnownTaskTexts:
    """What finds jobs by task."""

    next_task: Statement
    task_behind: Statement
    front: Statement
    best_of_task: Statement
    put_back: Statement


class LimitTexts:
    """What parks jobs and lets them out."""

    next_queue: DifferentValues
    next_task: DifferentValues
    let_out: Statement
    park: Statement
    put_back: Statement
    full_at: Statement
    keep: Statement


class MailTexts:
    """What is said to workers, and what they answer."""

    post: Statement
    posted: Statement
    drop_letters: Statement
    drop_replies: Statement
    last: Statement
    take: Statement
    answer: Statement
    answers: Statement
    orders: Statement
    given: Statement
    give: Statement
    withdraw: Statement
    order: Statement
    drop_bucket: Statement


class MovingTexts:
    """What takes rows, and puts them."""

    jobs: Statement
    payloads: Statement
    notes: Statement
    attempts: Statement
    waiters: Statement
    ties: Statement
    groups: Statement
    put_job: ManyRows
    keys_of: Statement
    put_tie: Statement
    blame: Statement
    put_group: Statement
    some_tie: Statement


class ReadTexts:
    """What there is to know of jobs."""

    call: Statement
    starting: Statement
    ahead: Statement
    attempts: Statement
    last_attempt: Statement
    added_at: Statement
    calls: Statement
    by_ids: Statement
    seen: Statement
    seen_one: Statement
    notes_of: Statement
    stats: Statement
    open_stats: Statement
    line: Statement
    waiting: Statement
    inputs: Statement
    stranded: Statement
    family: Statement
    ties: Statement
    ties_among: Statement
    awaited: Statement


class ScheduleTexts:
    """What is kept of schedules, and of their instants."""

    of_source: Statement
    of_name: Statement
    of_names: Statement
    add: Statement
    write: Statement
    set_state: Statement
    drop: Statement
    drop_ledger: Statement
    due: Statement
    next_due: Statement
    held: Statement
    due_of: Statement
    next_due_of: Statement
    held_of: Statement
    found: Statement
    found_after: Statement
    found_named: Statement
    found_named_after: Statement
    advance: Statement
    recount: Statement
    last_fired: Statement
    touch: Statement
    knows: Statement
    enter: Statement
    ledger: Statement
    next_with_ledger: Statement
    oldest_kept: Statement
    drop_old: Statement


class WorkerTexts:
    """What is kept of workers."""

    enter: Statement
    known: Statement
    beat: Statement
    owned: Statement
    all: Statement
    describe: Statement
    leave: Statement
    lost: Statement
    lost_anywhere: Statement
    drop_gone: Statement


class SqlTexts:
    """All that a database is told.

    Attributes:
        tables: The statements that make the tables and their indexes, in their order.
        ready_by_task: The one that makes the index which is made when it is first needed.
    """

    tables: tuple[str, ...]
    ready_by_task: str
    edge: EdgeTexts
    group: GroupTexts
    history: HistoryTexts
    job: JobTexts
    known_task: KnownTaskTexts
    limit: LimitTexts
    mail: MailTexts
    moving: MovingTexts
    read: ReadTexts
    schedule: ScheduleTexts
    worker: WorkerTexts
