"""What a store must do: a small protocol for each facet, and the values that belong to them."""

from __future__ import annotations

from localq.store.protocol.bells import CANCEL, ORDERS, Bell, Bells, Topic
from localq.store.protocol.events import Events, Hearing
from localq.store.protocol.groups import Groups
from localq.store.protocol.jobs import Added, Finished, Jobs
from localq.store.protocol.mail import Mailbox
from localq.store.protocol.moving import Held, Moving, Portion, SavedGroup, Tied, WholeJob
from localq.store.protocol.reading import LINE, LOOK, Filter, Inputs, Page, Reading, Seen, Stats
from localq.store.protocol.schedules import Schedules
from localq.store.protocol.store import Store
from localq.store.protocol.workers import Presence, Workers

__all__ = [
    "CANCEL",
    "LINE",
    "LOOK",
    "ORDERS",
    "Added",
    "Bell",
    "Bells",
    "Events",
    "Filter",
    "Finished",
    "Groups",
    "Hearing",
    "Held",
    "Inputs",
    "Jobs",
    "Mailbox",
    "Moving",
    "Page",
    "Portion",
    "Presence",
    "Reading",
    "SavedGroup",
    "Schedules",
    "Seen",
    "Stats",
    "Store",
    "Tied",
    "Topic",
    "WholeJob",
    "Workers",
]
