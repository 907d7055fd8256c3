"""An embedded server for tests and fresh migrated databases on it.

`start_server()` once a session, `server.fresh()` for an empty migrated database (a copy of a template: some 50 ms).
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from orchestra_kit.store.embedded import ADMIN, EmbeddedServer, ensure_server, stop_server
from orchestra_kit.store.postgres.migrate import migrate
from orchestra_kit.store.postgres.roles import APP, OWNER, WORKER, create_database, create_roles

_TEMPLATE = "template_of_tests"


@dataclass(frozen=True)
class Urls:
    """How to log in to one database, by role."""

    admin: str
    owner: str
    app: str
    worker: str


@dataclass
class TestServer:
    """A server whose databases are thrown away."""

    __test__ = False

    server: EmbeddedServer
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def urls(self, name: str) -> Urls:
        """Return the URLs of a database."""
        url = self.server.url
        return Urls(url(ADMIN, name), url(OWNER, name), url(APP, name), url(WORKER, name))

    def fresh(self, *, migrated: bool = True) -> Urls:
        """Return an empty database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.server.url(ADMIN, "postgres"), autocommit=True) as admin:
            create_database(admin, name, template=_TEMPLATE if migrated else None)
        return self.urls(name)


@contextlib.contextmanager
def start_server() -> Iterator[TestServer]:
    """A server in a folder of its own, stopped and removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="orchestra-test-"))
    directory.chmod(0o755)  # as root the server runs under another account
    try:
        server = ensure_server(directory)
        with psycopg.connect(server.url(ADMIN, "postgres"), autocommit=True) as admin:
            create_roles(admin)
            create_database(admin, _TEMPLATE)
        migrate(server.url(OWNER, _TEMPLATE))
        yield TestServer(server)
    finally:
        stop_server(directory)
        shutil.rmtree(directory, ignore_errors=True)
