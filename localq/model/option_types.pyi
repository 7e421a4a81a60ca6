"""The options of calls, of tasks and of workers inside a program. Only type checkers and editors read this."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias, TypedDict
from uuid import UUID

__all__ = ["CallOptions", "RetryOptions", "SignatureOptions", "StartOptions", "TaskOptions"]

_Seconds: TypeAlias = float | timedelta
_Id: TypeAlias = str | UUID
#: A signature is a mapping.
_Signatures: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
_Errors: TypeAlias = type[BaseException] | Sequence[type[BaseException]]

#: What `Task.retry` may change of a job.
class RetryOptions(TypedDict, total=False):
    queue: Any
    priority: int | None
    time_limit: _Seconds | None
    soft_time_limit: _Seconds | None
    ignore_result: bool | None
    store_errors_even_if_ignored: bool | None
    acks_late: bool | None
    retries: int | None
    default_retry_delay: _Seconds | None
    headers: Mapping[str, Any] | None
    shadow: str | None
    serializer: str | None
    compression: str | None
    root_id: _Id | None
    parent_id: _Id | None
    group_id: _Id | None
    link: _Signatures | None
    link_error: _Signatures | None
    argsrepr: str | None
    kwargsrepr: str | None
    stamps: Mapping[str, Any] | None
    stamped_headers: Sequence[str] | None
    exchange: Any
    exchange_type: str | None
    routing_key: str | None
    expires: _Seconds | datetime | str | None

#: What `Task.apply_async` takes beside the job's id.
class CallOptions(RetryOptions, total=False):
    countdown: _Seconds | None
    eta: datetime | str | None
    max_retries: int | None
    as_body: Any
    beside: Any
    # Without a meaning where there is no broker.
    producer: Any
    connection: Any
    publisher: Any
    delivery_mode: Any
    immediate: Any
    mandatory: Any
    retry: Any
    retry_policy: Any
    reply_to: Any
    correlation_id: Any
    add_to_parent: Any
    route_name: Any
    router: Any
    result_cls: Any
    task_type: Any
    origin: Any
    group_index: Any
    chord: Any
    chain: Any
    replaced_task_nesting: Any

#: What says all of a call.
class SignatureOptions(CallOptions, total=False):
    task_id: _Id | None

class TaskOptions(TypedDict, total=False):
    name: str | None
    typing: bool
    max_retries: int | None
    default_retry_delay: _Seconds
    ignore_result: bool | None
    store_errors_even_if_ignored: bool | None
    serializer: str | None
    time_limit: _Seconds | None
    soft_time_limit: _Seconds | None
    acks_late: bool | None
    max_crashes: int | None
    throws: _Errors
    expires: _Seconds | datetime | None
    priority: int | None
    queue: Any
    autoretry_for: _Errors
    dont_autoretry_for: _Errors
    retry_kwargs: Mapping[str, Any]
    retry_backoff: bool | float
    retry_backoff_max: int
    retry_jitter: bool
    rate_limit: str | float | None
    track_started: bool | None
    compression: str | None
    redact: str | int | Sequence[str | int]
    exchange: Any
    exchange_type: str | None
    routing_key: str | None
    pydantic: bool
    pydantic_strict: bool | None
    pydantic_context: Any
    pydantic_dump_kwargs: Mapping[str, Any] | None
    resultrepr_maxsize: int
    trail: bool
    shadow_name: Callable[..., str | None]
    # As Celery's decorators take them.
    shared: bool
    lazy: bool
    filter: Callable[..., Any] | None
    # Without effect here.
    abstract: bool
    send_events: bool
    reject_on_worker_lost: bool | None
    retry_on_worker_lost: bool | None
    acks_on_failure: bool | None
    acks_on_timeout: bool | None
    acks_on_failure_or_timeout: bool
    delivery_mode: Any
    immediate: Any
    mandatory: Any

class StartOptions(TypedDict, total=False):
    pool: str | None
    queues: Sequence[str] | set[str] | frozenset[str] | None
    excluded: Sequence[str] | set[str] | frozenset[str]
    name: str | None
    beat: bool | None
    autoscale: tuple[int, int] | None
