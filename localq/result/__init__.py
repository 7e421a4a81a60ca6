"""Results: what a caller holds of a job, of several, or of a group (celery/result.py of 5.7)."""

from __future__ import annotations

from localq.joining import allow_join_result, denied_join_result
from localq.result.eager import EagerResult
from localq.result.graph import DependencyGraph
from localq.result.group import GroupResult, result_from_tuple
from localq.result.handle import signal_number
from localq.result.many import ResultSet
from localq.result.single import AsyncResult

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
