"""What holds for all tests."""

from __future__ import annotations

import gc
import re

import pytest
from hypothesis import HealthCheck, settings

# By default an example may take 0.2 s, which on a machine that does much else any may.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

#: Pools that are refused without forked slots; a test that has the name of one as a parameter is about it.
EVENT_LOOPS = re.compile(r"\b(asyncio|gevent)\b")


def pytest_collection_finish() -> None:
    """Spare the collector what lives as long as the run: thousands of tests, which it would look at again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs Linux on other systems, and where `LOCALQ_PORTABLE=1` chooses the portable kinds."""
    from localq.host.kinds import SLOTS_FORK  # not before coverage is measured

    for item in () if SLOTS_FORK else items:
        marked = item.get_closest_marker("linux")
        reason = marked.args[0] if marked is not None else _of_event_loop(item)
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=f"needs Linux: {reason}"))


def _of_event_loop(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    values = [] if callspec is None else callspec.params.values()
    found = any(isinstance(one, str) and EVENT_LOOPS.search(one) for one in values)
    return "pools of event loops" if found else None
