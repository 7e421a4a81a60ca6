r"""The keys of a store: what lies where, how it is written, and who writes it.

All begin with the prefix of the store's URL in braces, `{lq}:` where it says nothing, so that a cluster keeps them
together. Numbers are decimal text, times microseconds since 1970. `\0` parts names in what follows.

The store
    fmt             "1:<12 hex digits>": the format's number, and the store's own random name
    k, v            the last key given to a job; the number of scripts that wrote

A job, in the hash `j:<id>`; an absent field has its default. No value is longer than 64 bytes, so that Redis keeps the
hash in its compact form; longer ones lie in keys of their own.
    k               its key, by the order of adding
    t, q, p         task, queue, priority (absent: 0)
    s               state, as `JobState`
    i, r            created; when it is to run (absent: as `i`)
    x               expires
    n, a, y, z      run token, attempts, retries, crashes (absent: 0)
    o               owner, the key of a worker; it counts only while the job is RUNNING
    c               cancel: 0 or absent, else the signal and 1
    h               the state it shows
    f               when it finished
    w, u            unfinished jobs that it waits for (absent: 0); the id of its culprit, empty for one that is gone
    R               the role (absent: 0)
    g               workflow
    A, O            arguments (absent: empty) and options (absent: none), unless `L` is there
    L               the length of `p:<id>`, which has both where either is longer
    m               there is something in `m:<id>`
    e, b            its one edge, its one waiter; `*`: they are in the list
    N               attempt number N: "<worker's number> <started, or -> <ended> <peak in kB, or -> <ending>"
    Nr, Nf, No      its result, failure and output; absent: none, or in `a:<id>`
    p:<id>          4 bytes, high first: the length of the arguments; the arguments; the options, empty for none
    a:<id>          hash of N, Nr, Nf, No that are too long, and of all those of attempts before the last 20
    m:<id>          the data of the last note
    e:<id>, b:<id>  lists of edges and of waiters: "<passing><on_error><. or !><id>", where ! says that the awaited
                    was not known when they were tied. One that is alone stands so in the field, if it is short enough

Where jobs are
    r:<queue>       zset, READY: score (9 - priority) * 2^49 + key; member id
    r:<queue>\0<task>, apart    the same of tasks that a worker met and did not know; set of "<queue>\0<task>" of these
    d:<queue>       zset, SCHEDULED, but for those parked: by `r`
    w:<queue>       zset, WAITING: by key
    stuck           zset, those of `w` with none left to wait for, and a culprit: by key
    P:<queue>\0<task>   zset as `r`, of jobs over their limit; `parked`: set of "<queue>\0<task>" that have some
    h:<worker>      hash, RUNNING: id -> token, with a + at its end once a heartbeat said that it had begun
    x:4, x:5        zsets, FAILED and CANCELLED: by key
    hs:<state>      zset, jobs that show this state, whatever `s` is: by key
    c:<key // 128>  hash, key mod 128 -> id: all jobs; `cz`, zset of the key // 128 that there are
    i:<task>        list, keys of the jobs of a task in the order of adding; some may be gone
    f:<minute>      list, what finished in the minute (f // 60,000,000): the key of a job, or "g<workflow>" when all of
                    it is over. Entries may be stale: a job is there if its `f` is of this minute
    fm              zset of the minutes that there are lists of, by number
    fk              zset, entries that prune had to leave, by when to look at them again
    F:<minute>      list, keys of all jobs that finished in the minute, those of workflows among them: what is counted
    g:<workflow>    list, ids of its jobs in the order of adding
    go              hash, workflow -> how many of its jobs are unfinished
    n               hash, "<state>:<queue>" -> number of jobs; a field at zero may stay
    t               hash, "<queue>\0<task>" -> number of jobs WAITING, SCHEDULED or READY; a field at zero may stay
    q               set, every queue that a job has been in
    u:<unique>      the id of the living job

Tallies, of jobs that are gone
    T:<step>        hash, "<task>\0<queue>\0<state>" -> "count run_us runs waits", the last two as "size:count,..."; a
                    step begins at that many microseconds
    Ts              zset of the steps there are, by when they begin

Workers
    nm              hash, "n<name>" -> number, "#<number>" -> name; "last": the last number given
    wk, wu          hashes: key -> card; uuid -> key
    wl, wg          zsets of keys: by the end of the lease (server's microseconds), by when they were gone
    idle:<queue>, idle, rung, ix   bells: see `lua/wake.lua`

Schedules
    s:<key>         hash, the fields of `Schedule`, and state_before; absent: None
    sk              the last key given
    sn, sz          hash name -> key; zset of names, all at 0, for pages
    ss:<source>     set of keys
    sd, sh          zsets of ACTIVE ones: by due_at; those with held_at, by that
    l:<key>         zset, the ledger: by nominal; "nominal=outcome|fired_at|count|until|job|reason", parted by
                    \0 and not |, None empty; the outcome is f or s
    sl              zset of the keys that have a ledger, by key: prune walks it

Orders, letters, the rest
    o               hash of orders that brake, "pause\0<queue>" and "rate\0<task>" -> value; of a rate
                    "<interval> <burst>", "0" for no limit or "-" for what cannot be read, and then "|<text>"
    ol              hash, "limits\0<task>" -> value
    oa              hash, as in `o` and `ol`: since when
    bk              hash, task -> when its bucket is full
    mail            zset of letters by key: MessagePack of (command, arguments, wants_reply, expires_at,
                    destination or nil, token)
    mt              hash, token -> key of the letter; and `ml`, the key of the last letter
    ans:<key>       list of answers, MessagePack of (worker, answer, token); gone with the letter
    G:<id>, Gz      a saved group; zset of their ids, by when they were saved
    A, Ak, At       zset of changes by key: "<token>\0" and MessagePack of (at, actor, came_from, verb, target, count,
                    note); the last key; hash, token -> key
    ch              there while somebody listens for single results
    big:<token>     list, parts of an add that is too long for one script, empty once added; it goes by itself until it
                    is in `bigs`, the zset of tokens by when their jobs began to count
    ob:<sender>     the last number of an outbox that was heard; goes by itself

Channels begin with the prefix and the store's own name: `work`, `bell:<bell>`, `res` (ids), `res:<id>`, `sch`, `ev`.
"""

from __future__ import annotations

__all__ = ["LONGEST", "MINUTE_US"]

#: The longest value in a job's hash, in bytes.
LONGEST = 64
#: The time that one list of finished jobs is for, in microseconds.
MINUTE_US = 60_000_000
