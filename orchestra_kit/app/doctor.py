"""What is installed, reachable or missing, and how to fix it."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Literal
from urllib.parse import quote, urlencode

from orchestra_kit.app.settings import Settings, check_database_url, read_settings
from orchestra_kit.errors import OrchestraError
from orchestra_kit.model import Value

State = Literal["ok", "missing", "broken"]
_NEEDED = (
    "pydantic",
    "psycopg",
    "httpx",
    "lxml",
    "huey",
    "papermill",
    "openapi-core",
    "jsonschema-rs",
    "common-expression-language",
)


class Check(Value):
    """One thing looked at. `missing` is optional and said; `broken` stops the main job."""

    name: str
    state: State
    detail: str
    fix: str | None = None


class DatabaseInfo(Value):
    """The database in use; passwords are left out. `ownerUrl` only for the embedded one, over its owner-only socket."""

    embedded: bool
    url: str
    owner_url: str | None = None


class Examination(Value):
    """Everything the doctor found."""

    ok: bool
    version: str
    home: str
    tenant_id: str
    database: DatabaseInfo | None = None
    checks: tuple[Check, ...]


def examine(settings: Settings | None = None) -> Examination:
    """Look at everything; never raises for what it finds."""
    used = settings or read_settings()
    checks = [_python(), *_packages(), _plugins(), _home(used)]
    database, info = _database(used)
    checks += [database, _kernel(), *(_program(*row) for row in _PROGRAMS)]
    return Examination(
        ok=all(check.state != "broken" for check in checks),
        version=_version("orchestra_kit") or "not installed as a distribution",
        home=str(used.home),
        tenant_id=used.tenant_id,
        database=info,
        checks=tuple(checks),
    )


_PROGRAMS = (
    ("chromium", "browser tests of the report", "Install Debian's package chromium."),
    ("configurable-http-proxy", "the JupyterHub example", "npm install -g configurable-http-proxy"),
)


def _python() -> Check:
    enough = sys.version_info >= (3, 11)
    detail = f"{platform.python_version()} at {sys.executable}"
    return Check(name="Python", state="ok" if enough else "broken", detail=detail, fix="Use Python 3.11 or newer.")


def _packages() -> list[Check]:
    checks = []
    for name in _NEEDED:
        found = _version(name)
        state: State = "ok" if found else "broken"
        fix = f"pip install '{name}' (or install orchestra_kit again)"
        checks.append(Check(name=f"package {name}", state=state, detail=found or "not installed", fix=fix))
    lab = _version("jupyterlab")
    detail = lab or "not installed: executed notebooks are written all the same"
    checks.append(
        Check(
            name="JupyterLab", state="ok" if lab else "missing", detail=detail, fix="pip install 'orchestra_kit[lab]'"
        )
    )
    solver = _version("z3-solver")
    detail = solver or "not installed: no data is found for the conditions of paths"
    fix = "pip install 'orchestra_kit[solver]'"
    checks.append(Check(name="solver (z3)", state="ok" if solver else "missing", detail=detail, fix=fix))
    return checks


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _plugins() -> Check:
    from orchestra_kit.protocols.registry import load_plugins

    return _tried("protocol plugins", lambda: ", ".join(sorted(channel.value for channel in load_plugins())))


def _home(settings: Settings) -> Check:
    def look() -> str:
        settings.home.mkdir(parents=True, exist_ok=True)
        probe = settings.home / ".doctor"
        probe.write_text("")
        probe.unlink()
        return f"{settings.home}, {shutil.disk_usage(settings.home).free // 2**30} GiB free"

    return _tried("project folder", look, fix="Set ORCHESTRA_HOME to a folder you may write to.")


def _database(settings: Settings) -> tuple[Check, DatabaseInfo | None]:
    from orchestra_kit.store.urls import connect

    found: list[DatabaseInfo] = []

    def look() -> str:
        check_database_url(settings.database_url)
        urls = connect(settings.database_url, directory=settings.home)
        found.append(
            DatabaseInfo(
                embedded=urls.embedded,
                url=without_password(urls.app_url),
                owner_url=urls.owner_url if urls.embedded else None,
            )
        )
        return f"{'embedded' if urls.embedded else 'given'}, {without_password(urls.app_url)}"

    check = _tried("database", look, fix="See docs/how-to/database.md.")
    return check, found[0] if found else None


def _kernel() -> Check:
    there = importlib.util.find_spec("ipykernel") is not None
    detail = f"ipykernel {_version('ipykernel')}" if there else "ipykernel is not installed"
    return Check(name="notebook kernel", state="ok" if there else "broken", detail=detail, fix="pip install ipykernel")


def _program(name: str, use: str, fix: str) -> Check:
    path = shutil.which(name)
    return Check(
        name=name, state="ok" if path else "missing", detail=path or f"not found; only needed for {use}", fix=fix
    )


def _tried(name: str, look: Callable[[], str], *, fix: str | None = None) -> Check:
    try:
        return Check(name=name, state="ok", detail=look(), fix=fix)
    except OrchestraError as error:
        return Check(name=name, state="broken", detail=str(error), fix=error.hint or fix)
    except Exception as error:  # noqa: BLE001 - the doctor names whatever is broken and goes on
        return Check(name=name, state="broken", detail=f"{type(error).__name__}: {error}", fix=fix)


def without_password(url: str) -> str:
    """Return a PostgreSQL URL or connection string as a URL whose password is hidden."""
    from psycopg.conninfo import conninfo_to_dict

    known = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    user = quote(known.pop("user", ""), safe="")
    secret = ":***" if known.pop("password", None) else ""
    host, port = known.pop("host", ""), known.pop("port", "")
    name = quote(known.pop("dbname", ""), safe="")
    if "/" in host or "," in host:  # a socket's folder, or several hosts: these stand behind the question mark
        known |= {"host": host, **({"port": port} if port else {})}
        host = port = ""
    host = f"[{host}]" if ":" in host else host
    query = urlencode({key: "***" if "password" in key else value for key, value in known.items()})
    login = f"{user}{secret}@" if user or secret else ""
    return f"postgresql://{login}{host}{':' + port if port else ''}/{name}{'?' + query if query else ''}"
