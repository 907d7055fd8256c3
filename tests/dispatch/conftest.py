from collections.abc import Iterator

import pytest
from database import TestServer, Urls, start_server


@pytest.fixture(scope="session")
def server() -> Iterator[TestServer]:
    with start_server() as running:
        yield running


@pytest.fixture
def urls(server: TestServer) -> Urls:
    return server.fresh()
