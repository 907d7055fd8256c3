"""One embedded database and one worker for all tests here; the shops run beside them."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from orchestra_kit.app.settings import read_settings
from orchestra_kit.app.submission import RunOptions
from orchestra_kit.app.workspace import open_workspace
from orchestra_kit.demo.documents import PROJECT
from orchestra_kit.demo.tour import shop_environment
from orchestra_kit.model import Executor


@pytest.fixture(scope="session")
def home():
    """A project folder with a short path: PostgreSQL's socket lies in it."""
    folder = Path(tempfile.mkdtemp(prefix="orchestra-acceptance-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def workspace(home):
    """A workspace on its own database, with a worker in this process."""
    settings = replace(read_settings({**os.environ, "ORCHESTRA_HOME": str(home)}), database_url=None)
    with open_workspace(settings) as opened:
        made = opened.definitions.generate_suite(PROJECT, publish=True)
        assert made.gap_messages() == []
        with opened.worker(threads=8):
            yield opened


@pytest.fixture(scope="session")
def start(workspace):
    """Submits the demo's suite, or one scenario of it, against a running shop."""

    def submit(shop, environment, *, scenario=None):
        described = shop_environment(shop.base_urls, shop.database)
        workspace.definitions.put_environment(described.model_copy(update={"name": environment}))
        reference = f"order-fulfilment/{scenario}" if scenario else "order-fulfilment"
        options = RunOptions(environment=environment, executor=Executor.INLINE, triggered_by="test")
        return workspace.runner.submit(reference, None, options)

    return submit


@pytest.fixture(scope="session")
def finish(workspace):
    """Waits for submitted runs and returns what came of them."""
    return lambda submitted: workspace.runner.wait(submitted, work_here=False, timeout_seconds=240)
