"""One embedded database for all command tests, a tenant of its own for each, one small shop."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, Write, new_tenant
from order_shop import PROJECT, OrderShop, environment_of, running_shop

from orchestra_kit.store.embedded import stop_server


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A project folder with a running database, removed at the end; its path is short, as sockets need it."""
    folder = Path(tempfile.mkdtemp(prefix="orch-"))
    folder.chmod(0o755)
    new_tenant(folder).done("env", "list")
    yield folder
    stop_server(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrderShop]:
    """A running shop."""
    with running_shop(tmp_path_factory.mktemp("shop")) as running:
        yield running


@pytest.fixture
def orchestra(home: Path) -> CommandLine:
    """The command line of a tenant that has nothing yet."""
    return new_tenant(home)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file: text as it is, anything else as JSON."""

    def written(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return written


@pytest.fixture
def ready(orchestra: CommandLine, shop: OrderShop, write: Write) -> CommandLine:
    """The command line of a tenant with the shop's suite published and its environment stored."""
    orchestra.done("env", "import", write("environment.json", environment_of(shop)))
    orchestra.done("suite", "generate", PROJECT, "--publish")
    return orchestra
