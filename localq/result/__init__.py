"""Results: what a caller holds of a job, of several, or of a group (celery/result.py of 5.7)."""

from __future__ import annotations

from localq.joining import allow_join_result, denied_join_result
from localq.result.graph import DependencyGraph
from localq.result.many import GroupResult, ResultSet, result_from_tuple
from localq.result.single import AsyncResult, EagerResult, signal_number

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
