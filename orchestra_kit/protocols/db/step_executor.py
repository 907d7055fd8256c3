"""Looks into databases under test and reports the rows. Reads only."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestra_kit.errors import DefinitionError, EgressError, OrchestraError, SecretError, UnknownNameError
from orchestra_kit.model import DbConnectionProfile, ScenarioStep
from orchestra_kit.protocols.db.answers import Answer, DatabaseFailure
from orchestra_kit.protocols.db.query import ReadQuery, read_query
from orchestra_kit.protocols.db.source import DataSource, profile_of, read_source
from orchestra_kit.protocols.egress import guard_for
from orchestra_kit.protocols.failing import elapsed_ms, failed
from orchestra_kit.protocols.secrets import SecretBinder
from orchestra_kit.spi.protocol import Command, Observation, ObservationError, Surroundings

if TYPE_CHECKING:
    from orchestra_kit.protocols.db.postgresql import PostgresReader

_MAX_READERS = 64


class DbStepExecutor:
    """Runs one reading statement per look. Connections to PostgreSQL are pooled, at most a few per data source."""

    def __init__(self) -> None:
        self._readers: dict[tuple[Any, ...], PostgresReader] = {}
        self._lock = threading.Lock()

    def prepare(self, steps: Sequence[ScenarioStep], surroundings: Surroundings) -> Any:
        """A database needs no position: what is asked for is named by the run's own data."""
        return None

    def act(self, command: Command) -> Observation:
        """Look once."""
        started = time.perf_counter()
        secrets = SecretBinder(command.surroundings.secrets)
        shown: dict[str, Any] = {"dataSource": command.meta.get("dataSource"), "sql": command.meta.get("sql")}
        try:
            query = query_of(command)
            parameters = parameters_of(command, query)
            shown["parameters"] = parameters
            answer = self._read(command, query, parameters, secrets)
        except DatabaseFailure as exc:
            error = ObservationError(kind=exc.kind, message=exc.message, retryable=exc.retryable)
        except EgressError as exc:
            error = ObservationError(kind="egress", message=str(exc))
        except SecretError as exc:
            error = ObservationError(kind="secret", message=str(exc))
        except OrchestraError as exc:
            error = ObservationError(kind="definition", message=str(exc))
        else:
            return Observation(
                view={"rows": answer.rows, "count": len(answer.rows)},
                request=shown,
                rows=answer.rows,
                truncated=answer.truncated,
                duration_ms=elapsed_ms(started),
            )
        return failed(error, shown=shown, started=started, secrets=secrets)

    def watch(self, command: Command) -> DbWatch:
        """Look again with every poll; no connection is held in between."""
        return DbWatch(self, command)

    def close(self) -> None:
        """Close all pools."""
        with self._lock:
            readers, self._readers = self._readers, {}
        for reader in readers.values():
            reader.close()

    def _read(self, command: Command, query: ReadQuery, parameters: dict[str, Any], secrets: SecretBinder) -> Answer:
        profile = profile_of(command)
        source = read_source(profile)
        timeout = max(command.timeout_seconds, 0.01)
        if source.kind == "sqlite":
            from orchestra_kit.protocols.db.sqlite import read_sqlite

            return read_sqlite(source, query, parameters, timeout=timeout)
        return self._reader(command, profile, source, secrets).read(query, parameters, timeout=timeout)

    def _reader(
        self, command: Command, profile: DbConnectionProfile, source: DataSource, secrets: SecretBinder
    ) -> PostgresReader:
        from orchestra_kit.protocols.db.postgresql import Login, PostgresReader

        login = Login(
            user=secrets.resolve(profile.username_ref) if profile.username_ref else source.user or "",
            password=secrets.resolve(profile.password_ref) if profile.password_ref else "",
        )
        if not login.user:
            raise DefinitionError(f"data source '{profile.alias}' has no user.", hint="Set usernameRef of its profile.")
        egress = command.surroundings.environment.egress
        # A changed secret, URL or allow list is another pool; the tenant keeps equal ones apart.
        key = (profile.tenant_id, source, login, egress)
        with self._lock:
            reader = self._readers.get(key)
            if reader is None:
                if len(self._readers) >= _MAX_READERS:
                    self._readers.pop(next(iter(self._readers))).close()
                reader = self._readers[key] = PostgresReader(source, login, guard_for(egress))
            return reader


class DbWatch:
    """An eventual assertion on rows."""

    def __init__(self, executor: DbStepExecutor, command: Command) -> None:
        self._executor = executor
        self._command = command

    def poll(self) -> Observation:
        """Look once."""
        return self._executor.act(self._command)

    def close(self) -> None:
        """Nothing is held."""


def query_of(command: Command) -> ReadQuery:
    """Return the step's checked statement; raise DefinitionError when a template was put into it."""
    text = command.meta.get("sql")
    if not isinstance(text, str) or not text.strip():
        raise DefinitionError(f"step '{command.step.alias}' has no SQL.", hint="Set meta.sql to one SELECT.")
    if command.step.action.meta.sql is not None and text != command.step.action.meta.sql:
        raise DefinitionError(
            "meta.sql must not hold templates: a value in it could change the statement.",
            hint="Write :name in the SQL and give the value in meta.parameters.",
        )
    return read_query(text)


def parameters_of(command: Command, query: ReadQuery) -> dict[str, Any]:
    """Return a value for each parameter of the statement. The run's ids are there without being given."""
    correlation = command.correlation
    given: dict[str, Any] = {
        "correlationId": correlation.correlation_id,
        "runId": correlation.run_id,
        "idempotencyKey": correlation.idempotency_key,
    }
    for source in (command.meta.get("parameters"), _parameters_in(command.input)):
        if source is None:
            continue
        if not isinstance(source, Mapping):
            raise DefinitionError("meta.parameters must be an object of names and values.")
        given.update(source)
    missing = next((name for name in query.parameters if name not in given), None)
    if missing is not None:
        raise UnknownNameError("SQL parameter", missing, given)
    return {name: given[name] for name in query.parameters}


def _parameters_in(value: Any) -> Any:
    return value.get("parameters") if isinstance(value, Mapping) else None
