"""Results: what a caller holds of a job, of several, or of a group (celery/result.py of 5.7)."""

from __future__ import annotations

from localq.result.actions import signal_number
from localq.result.async_result import AsyncResult
from localq.result.eager_result import EagerResult
from localq.result.graph import DependencyGraph
from localq.result.group_result import GroupResult, result_from_tuple
from localq.result.joining import allow_join_result, denied_join_result
from localq.result.result_set import ResultSet

__all__ = [
    "AsyncResult",
    "DependencyGraph",
    "EagerResult",
    "GroupResult",
    "ResultSet",
    "allow_join_result",
    "denied_join_result",
    "result_from_tuple",
    "signal_number",
]
