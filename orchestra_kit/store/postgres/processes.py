"""ProcessStore on PostgreSQL: processes and interface descriptions, each version frozen."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select, update

from orchestra_kit.model import (
    ControlFlowGraph,
    InterfaceSummary,
    Process,
    ProcessId,
    ProcessVersion,
    ProtocolId,
    ProtocolSpec,
    TenantId,
    new_id,
)
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.store.postgres import tables
from orchestra_kit.store.postgres.audit import note_for
from orchestra_kit.store.postgres.database import Database
from orchestra_kit.store.postgres.session import add, columns_of, model_of, one_of, rows_of
from orchestra_kit.store.postgres.tenants import tenant_row
from orchestra_kit.store.postgres.trips import Connection
from orchestra_kit.store.transitions import absent

_process, _version, _spec = tables.process, tables.process_version, tables.protocol_spec


class PostgresProcesses:
    """ProcessStore on PostgreSQL."""

    _database: Database

    def add_process_version(
        self, caller: Caller, *, key: str, name: str, graph: ControlFlowGraph, source_uri: str, source_text: str | None
    ) -> ProcessVersion:
        """Store a new version of the process `key` (made when absent). The same text again gives the version there is."""

        def store(database: Connection) -> ProcessVersion:
            tenant_row(database, caller.tenant_id, lock=True)
            process = _process_named(database, caller, key)
            known = _known_version(database, process, source_text) if process else None
            if known is not None:
                return known
            made = process or _add_process(database, caller, key, name)
            return _add_version(database, caller, made, name, graph, source_uri, source_text)

        return self._database.in_tenant(caller.tenant_id, store, repeatable=True)

    def get_process(self, caller: Caller, key: str) -> Process:
        """Return the process by key or id; raise NotFoundError."""

        def read(database: Connection) -> Process:
            process = _process_named(database, caller, key)
            if process is None:
                known = rows_of(database, select(_process.c.key).where(_process.c.tenant_id == caller.tenant_id))
                raise absent("process", key, [row["key"] for row in known])
            return process

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)

    def get_process_version(self, caller: Caller, process_id: str, version: int | None = None) -> ProcessVersion:
        """Return one version, the newest by default; raise NotFoundError."""
        statement = select(_version).where(
            _version.c.tenant_id == caller.tenant_id, _version.c.process_id == process_id
        )
        if version is not None:
            statement = statement.where(_version.c.version == version)
        statement = statement.order_by(_version.c.version.desc()).limit(1)
        row = self._database.in_tenant(caller.tenant_id, lambda db: one_of(db, statement), repeatable=True)
        if row is None:
            raise absent("process version", process_id if version is None else f"{process_id}@{version}")
        return model_of(ProcessVersion, row)

    def list_processes(self, caller: Caller) -> tuple[Process, ...]:
        """Return all processes by key."""
        statement = (
            select(_process).where(_process.c.tenant_id == caller.tenant_id).order_by(_process.c.key.collate("C"))
        )
        rows = self._database.in_tenant(caller.tenant_id, lambda db: rows_of(db, statement), repeatable=True)
        return tuple(model_of(Process, row) for row in rows)

    def add_spec(
        self, caller: Caller, *, service_name: str, summary: InterfaceSummary, source_uri: str, raw_text: str
    ) -> ProtocolSpec:
        """Store a new version of a service's description. The same text again gives the version there is."""

        def store(database: Connection) -> ProtocolSpec:
            tenant_row(database, caller.tenant_id, lock=True)
            versions = [model_of(ProtocolSpec, row) for row in rows_of(database, _specs_of(caller, service_name))]
            for known in versions:
                if known.raw_text == raw_text:
                    return known
            now = _now(database)
            spec = ProtocolSpec(
                protocol_id=versions[0].protocol_id if versions else ProtocolId(new_id()),
                tenant_id=TenantId(caller.tenant_id),
                service_name=service_name,
                version=len(versions) + 1,
                raw_spec_uri=source_uri,
                raw_text=raw_text,
                parsed_summary=summary,
                created_at=now,
                created_by=caller.actor,
            )
            add(database, _spec, columns_of(_spec, spec))
            note_for(database, caller, "create", "ProtocolSpec", spec.protocol_id, version=spec.version)
            return spec

        return self._database.in_tenant(caller.tenant_id, store, repeatable=True)

    def get_spec(self, tenant_id: str, protocol_id: str, version: int) -> ProtocolSpec:
        """Return one version; raise NotFoundError."""
        statement = select(_spec).where(
            _spec.c.tenant_id == tenant_id, _spec.c.protocol_id == protocol_id, _spec.c.version == version
        )
        row = self._database.in_tenant(tenant_id, lambda db: one_of(db, statement), repeatable=True)
        if row is None:
            raise absent("interface description", f"{protocol_id}@{version}")
        return model_of(ProtocolSpec, row)

    def find_spec(self, caller: Caller, service_name: str, version: int | None = None) -> ProtocolSpec:
        """Return a service's description, the newest by default; raise NotFoundError."""

        def read(database: Connection) -> ProtocolSpec:
            statement = _specs_of(caller, service_name)
            if version is not None:
                statement = statement.where(_spec.c.version == version)
            row = one_of(database, statement.limit(1))
            if row is None:
                known = select(_spec.c.service_name).where(_spec.c.tenant_id == caller.tenant_id).distinct()
                names = [item["service_name"] for item in rows_of(database, known)]
                raise absent("interface description of service", service_name, names)
            return model_of(ProtocolSpec, row)

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)

    def list_specs(self, caller: Caller) -> tuple[ProtocolSpec, ...]:
        """Return the newest version of each service's description."""
        mine = _spec.c.tenant_id == caller.tenant_id
        newest = select(_spec.c.protocol_id, func.max(_spec.c.version).label("version")).where(mine)
        last = newest.group_by(_spec.c.protocol_id).subquery()
        same = and_(_spec.c.protocol_id == last.c.protocol_id, _spec.c.version == last.c.version)
        statement = select(_spec).join(last, same).where(mine).order_by(_spec.c.service_name.collate("C"))
        rows = self._database.in_tenant(caller.tenant_id, lambda db: rows_of(db, statement), repeatable=True)
        return tuple(model_of(ProtocolSpec, row) for row in rows)


def _specs_of(caller: Caller, service_name: str):  # type: ignore[no-untyped-def]  # SQLAlchemy's Select of many columns
    where = (_spec.c.tenant_id == caller.tenant_id, _spec.c.service_name == service_name)
    return select(_spec).where(*where).order_by(_spec.c.version.desc())


def _now(database: Connection):  # type: ignore[no-untyped-def]
    row = database.execute("SELECT clock_timestamp() AS now").fetchone()
    assert row is not None
    return row["now"]


def _process_named(database: Connection, caller: Caller, key: str) -> Process | None:
    named = or_(_process.c.key == key, _process.c.id == key)
    row = one_of(database, select(_process).where(_process.c.tenant_id == caller.tenant_id, named))
    return None if row is None else model_of(Process, row)


def _known_version(database: Connection, process: Process, source_text: str | None) -> ProcessVersion | None:
    if source_text is None:
        return None
    where = (_version.c.tenant_id == process.tenant_id, _version.c.process_id == process.id)
    statement = select(_version).where(*where, _version.c.source_text == source_text)
    row = one_of(database, statement.order_by(_version.c.version.desc()).limit(1))
    return None if row is None else model_of(ProcessVersion, row)


def _add_process(database: Connection, caller: Caller, key: str, name: str) -> Process:
    process = Process(
        id=ProcessId(new_id()),
        tenant_id=TenantId(caller.tenant_id),
        key=key,
        name=name,
        created_at=_now(database),
        created_by=caller.actor,
    )
    add(database, _process, columns_of(_process, process))
    note_for(database, caller, "create", "Process", process.id, key=key)
    return process


def _add_version(
    database: Connection,
    caller: Caller,
    process: Process,
    name: str,
    graph: ControlFlowGraph,
    source_uri: str,
    source_text: str | None,
) -> ProcessVersion:
    mine = (_version.c.tenant_id == process.tenant_id, _version.c.process_id == process.id)
    newest = one_of(database, select(_version.c.version).where(*mine).order_by(_version.c.version.desc()).limit(1))
    version = ProcessVersion(
        process_id=process.id,
        tenant_id=process.tenant_id,
        version=newest["version"] + 1 if newest else 1,
        source_type=graph.source_type,
        source_uri=source_uri,
        control_flow_graph=graph,
        source_text=source_text,
        created_at=_now(database),
        created_by=caller.actor,
    )
    add(database, _version, columns_of(_version, version))
    if name and name != process.name:
        where = (_process.c.tenant_id == process.tenant_id, _process.c.id == process.id)
        rows_of(database, update(_process).where(*where).values(name=name))
    note_for(database, caller, "create", "ProcessVersion", process.id, version=version.version)
    return version
