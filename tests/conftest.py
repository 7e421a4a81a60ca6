"""What holds for all tests."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Spare the collector what lives as long as the run: thousands of tests, which it would look at again and again."""
    gc.collect()
    gc.freeze()
