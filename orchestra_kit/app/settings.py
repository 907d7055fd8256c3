"""Settings of an installation, from process variables with defaults for a single user on embedded parts."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestra_kit.errors import DefinitionError
from orchestra_kit.model.ids import LOCAL_TENANT

HOME_VARIABLE = "ORCHESTRA_HOME"
DATABASE_VARIABLE = "ORCHESTRA_DATABASE_URL"
TENANT_VARIABLE = "ORCHESTRA_TENANT"
ACTOR_VARIABLE = "ORCHESTRA_ACTOR"
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,62}\Z")  # it is a folder's name, too
SECRET_ENV_VARIABLE = "ORCHESTRA_SECRET_ENV"  # noqa: S105 - the name of a variable, no secret

VARIABLES = {
    HOME_VARIABLE: "the project folder for the embedded database, keys and notebooks (default `.orchestra`)",
    DATABASE_VARIABLE: "PostgreSQL to use instead of the embedded one, as the app role",
    "ORCHESTRA_OWNER_URL": "the same database as the owner role, for migrations only",
    "ORCHESTRA_WORKER_URL": "the same database as the worker role",
    TENANT_VARIABLE: "the tenant to work in (default `local`)",
    ACTOR_VARIABLE: "the name written into createdBy and audit rows (default: the login name)",
    SECRET_ENV_VARIABLE: "process variables that secrets may come from, as `name=VARIABLE,name=VARIABLE`",
    "ORCHESTRA_WORKER_KEY": "the key sensitive values are sealed with (default: `.orchestra/worker.key`)",
}
"""Every process variable Orchestra reads; the reference page is generated from this table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things are and who works."""

    home: Path
    database_url: str | None = None
    tenant_id: str = LOCAL_TENANT
    actor: str = "local"
    secret_variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def notebooks(self) -> Path:
        """The folder of executed notebooks."""
        return self.home / "notebooks"


def read_settings(environ: Mapping[str, str] | None = None, *, directory: Path | None = None) -> Settings:
    """Return the settings of this process; raise DefinitionError for a variable that cannot be read."""
    env = os.environ if environ is None else environ
    try:
        home = ((directory or Path.cwd()) / (env.get(HOME_VARIABLE) or ".orchestra")).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise DefinitionError(f"the project folder cannot be found: {error}.", hint=f"Set {HOME_VARIABLE}.") from None
    return Settings(
        home=home,
        database_url=env.get(DATABASE_VARIABLE) or None,
        tenant_id=_tenant(env.get(TENANT_VARIABLE) or LOCAL_TENANT),
        actor=env.get(ACTOR_VARIABLE) or _login_name(),
        secret_variables=_pairs(env.get(SECRET_ENV_VARIABLE, "")),
    )


def check_database_url(url: str | None) -> None:
    """Raise DefinitionError when a URL was given that is none of PostgreSQL's."""
    if url is None:
        return
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(url)
    except ProgrammingError as error:
        raise DefinitionError(
            f"{DATABASE_VARIABLE} is no PostgreSQL URL.", hint="Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
        ) from error


def _tenant(name: str) -> str:
    if not _TENANT.match(name):
        raise DefinitionError(
            f"{TENANT_VARIABLE} is '{name}'; a tenant is named by up to 63 letters, digits, '-' and '_'."
        )
    return name


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "local"


def _pairs(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, sign, variable = item.partition("=")
        if not sign or not name or not variable:
            raise DefinitionError(f"{SECRET_ENV_VARIABLE} holds '{item}'; write it as name=VARIABLE.")
        pairs[name.strip()] = variable.strip()
    return pairs
