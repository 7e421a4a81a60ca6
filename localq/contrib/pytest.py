"""Fixtures for pytest, in the shapes of Celery's plugin: an app on a file of its own, and a worker for it.

pytest loads this module whenever LocalQ is installed: it is light, and what tests need is loaded when they ask.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import logging
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

import pytest

from localq import current
from localq.app import LocalQ
from localq.exceptions import ImproperlyConfigured, NoEffectWarning
from localq.model.hints import near_miss
from localq.settings import NEW_NAMES, SETTINGS

__all__ = [
    "depends_on_current_app",
    "localq_app",
    "localq_class_tasks",
    "localq_config",
    "localq_drain",
    "localq_enable_logging",
    "localq_includes",
    "localq_isolated",
    "localq_parameters",
    "localq_session_app",
    "localq_session_worker",
    "localq_worker",
    "localq_worker_parameters",
    "localq_worker_pool",
    "use_localq_app_trap",
]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "localq(**settings): settings of the fixture localq_app for this test")
    if not config.pluginmanager.has_plugin("celery"):
        # Celery's own plugin, where it is installed too, declares it itself.
        config.addinivalue_line("markers", "celery(**settings): the same as localq(**settings)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Show the queue below a test that failed with one of the apps."""
    report: Any = yield
    if report.when == "call" and report.failed:
        apps = {name: app for name, app in getattr(item, "funcargs", {}).items() if isinstance(app, LocalQ)}
        for name, app in apps.items():
            # A test may have closed or broken the queue: its own failure matters.
            with contextlib.suppress(Exception):
                report.sections.append((f"Jobs of {name}", _testing().shown_queue(app)))
    return report


def _testing() -> Any:
    return importlib.import_module("localq.testing")


# What tests override


@pytest.fixture(scope="session")
def localq_config() -> Mapping[str, Any]:
    """Return settings of the app."""
    return {}


@pytest.fixture(scope="session")
def localq_parameters() -> Mapping[str, Any]:
    """Return other arguments of `LocalQ(...)`, such as `path`."""
    return {}


@pytest.fixture(scope="session")
def localq_includes() -> Sequence[str]:
    """Return modules to import for their tasks before a worker starts."""
    return ()


@pytest.fixture(scope="session")
def localq_worker_pool() -> str:
    """Return the worker's pool: in threads, tasks see the test's own objects."""
    return "threads"


@pytest.fixture(scope="session")
def localq_worker_parameters() -> Mapping[str, Any]:
    """Return other arguments of `localq.testing.start_worker`."""
    return {}


@pytest.fixture(scope="session")
def localq_enable_logging() -> bool:
    """Return whether workers log, into what pytest captures."""
    return False


@pytest.fixture(scope="session")
def localq_class_tasks() -> Sequence[Any]:
    """Return subclasses of Task to register with the app."""
    return ()


@pytest.fixture(scope="session")
def use_localq_app_trap() -> bool:
    """Return whether code that relies on the current app, instead of its own, fails."""
    return False


# Apps


class _Trap:
    """Stands for the current app, where there must be no use of it."""

    def __getattr__(self, name: str) -> Any:
        raise ImproperlyConfigured(f"The current app was used (its {name!r}), which use_localq_app_trap forbids.")


def _is_argument(name: str) -> bool:
    """Whether `LocalQ()` takes a name: as an argument of its own, or as a setting."""
    return name in SETTINGS or name in NEW_NAMES or name in inspect.signature(LocalQ).parameters


@contextlib.contextmanager
def _made(
    path: Any, config: Mapping[str, Any], parameters: Mapping[str, Any], tasks: Sequence[Any], trap: bool
) -> Iterator[LocalQ]:
    before = current.app_or_none()
    where = {} if {"path", "url", "eager"} & set(parameters) else {"path": path / "jobs.db"}
    own = {name: value for name, value in config.items() if not _is_argument(name)}
    given = {name: value for name, value in config.items() if name not in own}
    app = LocalQ("localq.tests", **{"durability": "normal", **where, **parameters, **given})
    # Names of the program's own, which `LocalQ()` takes for slips.
    app.conf.update(own)
    for name in own:
        meant = near_miss(name, SETTINGS)
        if meant is not None:
            warnings.warn(f"{name!r} is no setting of LocalQ. Did you mean {meant!r}?", NoEffectWarning, stacklevel=2)
    for task in tasks:
        app.register_task(task)
    current.set_app(_Trap() if trap else app)
    try:
        yield app
    finally:
        app.close()
        current.set_app(before)


@pytest.fixture
def localq_app(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    localq_config: Mapping[str, Any],
    localq_parameters: Mapping[str, Any],
    localq_class_tasks: Sequence[Any],
    use_localq_app_trap: bool,
) -> Iterator[LocalQ]:
    """Return an app for one test, on a file of its own; settings also come from the marker `localq`, or `celery`."""
    config = dict(localq_config)
    for name in ("celery", "localq"):
        marker = request.node.get_closest_marker(name)
        config |= {} if marker is None else marker.kwargs
    folder = tmp_path_factory.mktemp("localq")
    with _made(folder, config, localq_parameters, localq_class_tasks, use_localq_app_trap) as app:
        yield app


@pytest.fixture(scope="session")
def localq_session_app(
    tmp_path_factory: pytest.TempPathFactory,
    localq_config: Mapping[str, Any],
    localq_parameters: Mapping[str, Any],
    localq_class_tasks: Sequence[Any],
    use_localq_app_trap: bool,
) -> Iterator[LocalQ]:
    """Return an app for all tests, on a file of its own."""
    folder = tmp_path_factory.mktemp("localq-session")
    with _made(folder, localq_config, localq_parameters, localq_class_tasks, use_localq_app_trap) as app:
        yield app


@pytest.fixture
def depends_on_current_app(localq_app: LocalQ) -> Iterator[None]:
    """Make the test's app the current one."""
    before = current.app_or_none()
    current.set_app(localq_app)
    yield
    current.set_app(before)


@pytest.fixture
def localq_isolated() -> Iterator[Callable[[LocalQ], LocalQ]]:
    """Return a function that gives your own app an empty queue for this test."""
    with contextlib.ExitStack() as kept:
        yield lambda app: kept.enter_context(_testing().isolated(app))


# Workers


@contextlib.contextmanager
def _worker(
    app: LocalQ, includes: Sequence[str], pool: str, parameters: Mapping[str, Any], logs: bool
) -> Iterator[Any]:
    for name in includes:
        importlib.import_module(name)
    logger = logging.getLogger("localq")
    before = logger.disabled
    logger.disabled = before or not logs
    try:
        with _testing().start_worker(app, **{"pool": pool, **parameters}) as worker:
            yield worker
    finally:
        logger.disabled = before


@pytest.fixture
def localq_worker(
    localq_app: LocalQ,
    localq_includes: Sequence[str],
    localq_worker_pool: str,
    localq_worker_parameters: Mapping[str, Any],
    localq_enable_logging: bool,
) -> Iterator[Any]:
    """Return a running worker of the app of this test."""
    with _worker(
        localq_app, localq_includes, localq_worker_pool, localq_worker_parameters, localq_enable_logging
    ) as worker:
        yield worker


@pytest.fixture(scope="session")
def localq_session_worker(
    localq_session_app: LocalQ,
    localq_includes: Sequence[str],
    localq_worker_pool: str,
    localq_worker_parameters: Mapping[str, Any],
    localq_enable_logging: bool,
) -> Iterator[Any]:
    """Return a running worker of the app of all tests."""
    with _worker(
        localq_session_app, localq_includes, localq_worker_pool, localq_worker_parameters, localq_enable_logging
    ) as worker:
        yield worker


@pytest.fixture
def localq_drain(localq_app: LocalQ) -> Callable[..., Any]:
    """Return `localq.testing.drain` for the app of this test."""

    def drain(**options: Any) -> Any:
        return _testing().drain(localq_app, **options)

    return drain
