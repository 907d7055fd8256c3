"""The processes of this folder, judged once each, and the service that branches by their conditions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from branching_service import BranchingService, branching_service


@pytest.fixture(scope="session")
def service() -> Iterator[BranchingService]:
    pytest.importorskip("z3", reason="the extra `solver` is not installed")
    with branching_service() as running:
        yield running
