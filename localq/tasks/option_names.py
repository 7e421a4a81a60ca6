"""The names of a call's options, and what becomes of a name that is nearly one of them.

Names are Celery's (`Task.apply_async` of 5.7). Those that only make sense for a broker are accepted and ignored
(`BROKER_ONLY`). A name that is nearly one of these is a TypeError in a call and a warning in a configuration, which say
which; what is nobody's is for who is asked on the way: overrides of `apply_async`, routers, receivers of
before_task_publish.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localq.exceptions import NoEffectWarning
from localq.model.hints import near_miss
from localq.model.warning import warn

__all__ = [
    "BROKER_ONLY",
    "FAMILY",
    "KEPT",
    "OPTIONS",
    "ROUTING",
    "options_among",
    "read_options",
    "without_near_misses",
]

#: Options that end in the job's own columns.
_COLUMNS = ("countdown", "eta", "expires", "queue", "priority", "task_id", "beside")
#: Options kept with the job as they are.
_KEPT = """
    time_limit soft_time_limit ignore_result store_errors_even_if_ignored acks_late
    max_retries retries default_retry_delay headers shadow serializer root_id parent_id group_id
    link link_error argsrepr kwargsrepr compression stamps as_body
"""
KEPT = frozenset(_KEPT.split())
#: Those of them that say whose child a job is.
FAMILY = frozenset({"root_id", "parent_id", "group_id"})
#: Options without a meaning where there is no broker: accepted, and ignored.
_BROKER_ONLY = """
    producer connection publisher delivery_mode immediate mandatory
    retry retry_policy reply_to correlation_id add_to_parent route_name router result_cls
    task_type origin group_index chord chain replaced_task_nesting stamped_headers
"""
BROKER_ONLY = frozenset(_BROKER_ONLY.split())
#: Options that say which queue is meant, where `localq.tasks.routing.router` is asked.
ROUTING = ("exchange", "exchange_type", "routing_key")
OPTIONS = frozenset(_COLUMNS) | frozenset(ROUTING) | KEPT | BROKER_ONLY


def read_options(options: Mapping[str, Any]) -> None:
    """Check the names of a call's options.

    Raises:
        TypeError: one is nearly another, which is named.
    """
    for name in options:
        meant = None if name in OPTIONS else near_miss(name, OPTIONS)
        if meant is not None:
            raise TypeError(f"apply_async() got an unknown option {name!r}. Did you mean {meant!r}?")


def options_among(arguments: Mapping[str, Any], refusal: str) -> str:
    """Return what to do about an option of a call given as an argument of the task, where a refusal names it."""
    for name in arguments:
        if name in OPTIONS and f"unexpected keyword argument '{name}'" in refusal:
            return (
                f". An option is given as apply_async(args, kwargs, {name}=...), or by set({name}=...) of a signature"
            )
    return ""


def without_near_misses(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return options that were configured, without those that are nearly others: a warning names both.

    A program is started all the same, as Celery starts it.
    """
    kept = {}
    for name, value in options.items():
        meant = None if name in OPTIONS else near_miss(str(name), OPTIONS)
        if meant is None:
            kept[name] = value
        else:
            warn(f"{where}: the option {name!r} of a call has no effect. Did you mean {meant!r}?", NoEffectWarning)
    return kept
