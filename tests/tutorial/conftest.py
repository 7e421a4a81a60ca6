"""One folder, and usually one worker, for a chapter of the tutorial."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.redis_server import RedisServer, reason
from tests.tutorial.project import Project

#: Where the chapters have their jobs: in a file, or on the Redis server of the tutorial's URLs.
KINDS = ["file", pytest.param("redis", marks=pytest.mark.skipif(reason() is not None, reason=str(reason())))]


@pytest.fixture(scope="module", params=KINDS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Return the folder of the chapter; what it started ends with it."""
    server = RedisServer() if request.param == "redis" else None
    made = Project(tmp_path_factory.mktemp("tutorial"), None if server is None else server.port)
    yield made
    made.close()
    if server is not None:
        server.stop()
