"""Which database to use and how to log in to it as each role.

Without ORCHESTRA_DATABASE_URL: the embedded server of the project. With it, one of these:

1. ORCHESTRA_DATABASE_URL logs in as `orchestra_app`, ORCHESTRA_WORKER_URL as `orchestra_worker`, and for migrations
   ORCHESTRA_OWNER_URL as `orchestra_owner`. An administrator has made the roles (`ROLES_SQL` below; see the reference).
   This is the way for shared servers. A surface needs the first alone, a worker the second alone.
2. ORCHESTRA_DATABASE_URL alone logs in as somebody who may make roles (a superuser, or CREATEROLE and owner of the
   database): a first try. The roles are made, with passwords derived from that login's own, so that every process with
   the same URL finds the same ones and none is stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestra_kit.errors import StoreUnavailableError

DATABASE_VARIABLE, OWNER_VARIABLE, WORKER_VARIABLE = (
    "ORCHESTRA_DATABASE_URL",
    "ORCHESTRA_OWNER_URL",
    "ORCHESTRA_WORKER_URL",
)

ROLES_SQL = """\
CREATE ROLE orchestra_owner LOGIN PASSWORD '...';
CREATE ROLE orchestra_app LOGIN PASSWORD '...';
CREATE ROLE orchestra_worker LOGIN PASSWORD '...';
CREATE ROLE orchestra_dispatch NOLOGIN;
GRANT orchestra_dispatch TO orchestra_owner WITH INHERIT FALSE, SET TRUE;
CREATE DATABASE orchestra OWNER orchestra_owner;
REVOKE ALL ON DATABASE orchestra FROM PUBLIC;
GRANT CONNECT ON DATABASE orchestra TO orchestra_app, orchestra_worker;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUrls:
    """How to log in as each role; None for a role this process was not given."""

    owner_url: str | None
    app_url: str
    worker_url: str | None
    embedded: bool = False


def connect(
    url: str | None = None,
    *,
    directory: Path = Path(".orchestra"),
    environment: Mapping[str, str] = os.environ,
) -> StoreUrls:
    """Return the URLs of a database that is there, has its roles and the newest schema; start the embedded one."""
    import psycopg

    given = url or environment.get(DATABASE_VARIABLE)
    try:
        if not given:
            return _embedded(directory)
        urls = _given(given, environment)
        _check_schema(urls)
    except psycopg.OperationalError as error:
        raise _unreachable(given or "", error) from error
    except psycopg.Error as error:
        from orchestra_kit.store.postgres.database import place_of

        said = str(error.diag.message_primary or error).strip()
        raise StoreUnavailableError(f"{place_of(given or '')} cannot be prepared: {said}") from error
    return urls


def _embedded(directory: Path) -> StoreUrls:
    import psycopg

    from orchestra_kit.store.embedded import ADMIN, ensure_server, server_lock
    from orchestra_kit.store.postgres.migrate import migrate
    from orchestra_kit.store.postgres.roles import APP, DATABASE, OWNER, WORKER, create_database, create_roles

    server = ensure_server(directory)
    owner = server.url(OWNER, DATABASE)
    try:
        migrate(owner)
    except psycopg.OperationalError:  # the first time: neither role nor database
        with server_lock(directory):
            with psycopg.connect(server.url(ADMIN, "postgres"), autocommit=True, connect_timeout=5) as admin:
                create_roles(admin)
                create_database(admin, DATABASE)
            migrate(owner)
    return StoreUrls(
        owner_url=owner, app_url=server.url(APP, DATABASE), worker_url=server.url(WORKER, DATABASE), embedded=True
    )


def _given(url: str, environment: Mapping[str, str]) -> StoreUrls:
    import psycopg

    from orchestra_kit.store.postgres.migrate import migrate

    owner, worker = environment.get(OWNER_VARIABLE), environment.get(WORKER_VARIABLE)
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        if owner is None and worker is None and _may_make_roles(connection):
            made = _prepare(connection, url)
            assert made.owner_url is not None
            migrate(made.owner_url)
            return made
    if owner is not None:
        migrate(owner)
    return StoreUrls(owner_url=owner, app_url=url, worker_url=worker)


def _may_make_roles(connection: Any) -> bool:
    row = connection.execute(
        "SELECT rolsuper OR rolcreaterole, rolsuper OR pg_has_role(d.datdba, 'USAGE')"
        " FROM pg_roles, pg_database d WHERE rolname = current_user AND d.datname = current_database()"
    ).fetchone()
    return bool(row and row[0] and row[1])


def _prepare(connection: Any, url: str) -> StoreUrls:
    from psycopg import sql
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    from orchestra_kit.store.postgres.roles import APP, OWNER, WORKER, close_database, create_roles

    secret, name = connection.info.password, connection.info.dbname
    passwords = {role: _derived(secret, role) for role in (OWNER, APP, WORKER)} if secret else None
    create_roles(connection, passwords)
    database, owner = sql.Identifier(name), sql.Identifier(OWNER)
    close_database(connection, name)
    connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, owner))
    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))
    connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
    known = {key: value for key, value in conninfo_to_dict(url).items() if key not in ("user", "password")}

    def login(role: str) -> str:
        more = {"password": passwords[role]} if passwords else {}
        return make_conninfo("", **{**known, "dbname": name, "user": role, **more})

    return StoreUrls(owner_url=login(OWNER), app_url=login(APP), worker_url=login(WORKER))


def _derived(secret: str, role: str) -> str:
    digest = hmac.new(secret.encode(), f"orchestra role {role}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def _check_schema(urls: StoreUrls) -> None:
    """Raise StoreUnavailableError when the schema is not there or another one, and we were not given the owner's login."""
    if urls.owner_url is not None:
        return
    import psycopg

    from orchestra_kit.store.postgres.database import place_of
    from orchestra_kit.store.postgres.migrate import schema_revision
    from orchestra_kit.store.postgres.migrations import HEAD

    with psycopg.connect(urls.app_url, autocommit=True, connect_timeout=5) as connection:
        user = connection.info.user
        try:
            found = schema_revision(connection)
        except psycopg.errors.InsufficientPrivilege:
            found = None
    if found is None:
        raise StoreUnavailableError(
            f"{place_of(urls.app_url)} has no Orchestra schema that '{user}' may use, and '{user}' may not make roles.",
            hint=f"An administrator makes the roles once (ROLES_SQL in orchestra_kit/store/urls.py); then set "
            f"{DATABASE_VARIABLE} (orchestra_app), {WORKER_VARIABLE} and, for migrations, {OWNER_VARIABLE}.",
        )
    if found != HEAD:
        raise StoreUnavailableError(
            f"{place_of(urls.app_url)} has schema {found}; this version of Orchestra needs {HEAD}.",
            hint=f"Set {OWNER_VARIABLE} once to migrate it.",
        )


def _unreachable(url: str, error: Exception) -> StoreUnavailableError:
    from orchestra_kit.store.postgres.database import place_of

    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return StoreUnavailableError(
        f"{place_of(url)} does not answer: {lines[0] if lines else type(error).__name__}",
        hint=f"Start it, or check {DATABASE_VARIABLE}; without it Orchestra uses its own embedded PostgreSQL.",
    )
