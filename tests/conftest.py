"""What holds for all tests."""

from __future__ import annotations

import gc

from hypothesis import HealthCheck, settings

# By default an example may take 0.2 s, which on a machine that does much else any may.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_collection_finish() -> None:
    """Spare the collector what lives as long as the run: thousands of tests, which it would look at again and again."""
    gc.collect()
    gc.freeze()
