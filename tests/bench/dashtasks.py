"""The benchmarks' tasks on a queue of which nothing is ever pruned, as the dashboard's benchmark needs it."""

from __future__ import annotations

from tests.bench.benchtasks import q

__all__ = ["q"]

q.conf.result_expires = None
