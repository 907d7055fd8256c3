"""Where a data source is: the URL of a connection profile, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from orchestra_kit.errors import DefinitionError, UnknownNameError
from orchestra_kit.model import DbConnectionProfile
from orchestra_kit.spi.protocol import Command

# Parameters of a PostgreSQL URL that only say how to connect; all others could redirect the connection or name a file.
_HARMLESS = {
    "sslmode": "sslmode",
    "user": "user",
    "currentschema": "schema",
    "applicationname": "",
    "connecttimeout": "",
}
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """A database as its URL names it. `host` is a folder for a Unix socket; `database` is a path for SQLite."""

    kind: Literal["postgresql", "sqlite"]
    database: str
    host: str = ""
    port: int = 5432
    user: str | None = None
    schema: str | None = None
    ssl_mode: str = "prefer"


def profile_of(command: Command) -> DbConnectionProfile:
    """Return the profile of the step's data source; raise with the nearest alias."""
    alias = command.meta.get("dataSource")
    if not isinstance(alias, str) or not alias:
        raise DefinitionError(
            f"step '{command.step.alias}' names no data source.", hint="Set meta.dataSource to an alias of dbProfiles."
        )
    profiles = command.surroundings.db_profiles
    if alias not in profiles:
        raise UnknownNameError("data source", alias, profiles)
    return profiles[alias]


def read_source(profile: DbConnectionProfile) -> DataSource:
    """Return what `jdbcUrl` says; raise DefinitionError for another database or a password in the URL."""
    url = profile.jdbc_url.strip().removeprefix("jdbc:")
    scheme = url.partition(":")[0].lower()
    if scheme in ("postgresql", "postgres"):
        return _postgresql(url, profile)
    if scheme == "sqlite":
        return _sqlite(url, profile)
    raise DefinitionError(
        f"data source '{profile.alias}': '{scheme}' databases are not supported.",
        hint="Write jdbc:postgresql://host:port/database or jdbc:sqlite:/path/to/file.",
    )


def _sqlite(url: str, profile: DbConnectionProfile) -> DataSource:
    path = url.partition(":")[2].partition("?")[0]
    if path.startswith("//"):  # sqlite:///relative and sqlite:////absolute, as SQLAlchemy writes them
        path = path[3:] if path.startswith("///") else path[2:]
    if not path or path.startswith(":memory:"):
        raise DefinitionError(f"data source '{profile.alias}' names no SQLite file.")
    return DataSource(kind="sqlite", database=path)


def _postgresql(url: str, profile: DbConnectionProfile) -> DataSource:
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError as exc:
        raise DefinitionError(f"data source '{profile.alias}': its URL cannot be read: {exc}.") from exc
    if parts.password is not None:
        raise DefinitionError(
            f"data source '{profile.alias}': its URL holds a password.", hint="Use passwordRef with a secret reference."
        )
    settings: dict[str, str] = {"user": unquote(parts.username or "")}
    host = unquote(parts.hostname or "")
    for name, value in parse_qsl(parts.query):
        if name.lower() == "password":
            raise DefinitionError(
                f"data source '{profile.alias}': its URL holds a password.",
                hint="Use passwordRef with a secret reference.",
            )
        if name.lower() == "host" and not host and value.startswith("/"):
            host = value
        elif name.lower() in _HARMLESS:
            settings[_HARMLESS[name.lower()]] = value
        else:
            raise UnknownNameError(f"parameter in the URL of data source '{profile.alias}':", name, _HARMLESS)
    if not host or "," in host:
        raise DefinitionError(f"data source '{profile.alias}' needs exactly one host.")
    ssl_mode = settings.get("sslmode", "prefer")
    if ssl_mode not in _SSL_MODES:
        raise UnknownNameError("sslmode", ssl_mode, _SSL_MODES)
    return DataSource(
        kind="postgresql",
        database=unquote(parts.path.lstrip("/")) or "postgres",
        host=host,
        port=port,
        user=settings.get("user") or None,
        schema=profile.default_schema or settings.get("schema") or None,
        ssl_mode=ssl_mode,
    )
