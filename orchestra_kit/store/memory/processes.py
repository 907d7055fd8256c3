"""ProcessStore in memory: processes and interface descriptions, each version frozen."""

from __future__ import annotations

from orchestra_kit.model import (
    ControlFlowGraph,
    InterfaceSummary,
    Process,
    ProcessId,
    ProcessVersion,
    ProtocolId,
    ProtocolSpec,
    new_id,
)
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.store.memory.tables import Tables, of_tenant
from orchestra_kit.store.transitions import absent, check_tenant


class MemoryProcesses:
    """ProcessStore in memory."""

    _tables: Tables

    def add_process_version(
        self, caller: Caller, *, key: str, name: str, graph: ControlFlowGraph, source_uri: str, source_text: str | None
    ) -> ProcessVersion:
        """Store a new version of the process `key` (made when absent). The same text again gives the version there is."""
        with self._tables.lock:
            tenant = self._tables.tenant(caller.tenant_id)
            process = self._process_named(caller, key)
            versions = self._tables.process_versions.get((tenant.id, process.id), []) if process else []
            for known in reversed(versions):
                if source_text is not None and known.source_text == source_text:
                    return known
            now = self._tables.now()
            if process is None:
                made = ProcessId(new_id())
                process = Process(
                    id=made, tenant_id=tenant.id, key=key, name=name, created_at=now, created_by=caller.actor
                )
                self._tables.note_for(caller, "create", "Process", made, key=key)
            self._tables.processes[(tenant.id, process.id)] = process.model_copy(update={"name": name or process.name})
            version = ProcessVersion(
                process_id=process.id,
                tenant_id=tenant.id,
                version=len(versions) + 1,
                source_type=graph.source_type,
                source_uri=source_uri,
                control_flow_graph=graph,
                source_text=source_text,
                created_at=now,
                created_by=caller.actor,
            )
            self._tables.process_versions.setdefault((tenant.id, process.id), []).append(version)
            self._tables.note_for(caller, "create", "ProcessVersion", process.id, version=version.version)
            return version

    def _process_named(self, caller: Caller, key: str) -> Process | None:
        found = of_tenant(self._tables.processes, caller.tenant_id)
        return next((process for process in found if key in (process.key, process.id)), None)

    def get_process(self, caller: Caller, key: str) -> Process:
        """Return the process by key or id; raise NotFoundError."""
        with self._tables.lock:
            process = self._process_named(caller, key)
            if process is None:
                raise absent("process", key, [item.key for item in of_tenant(self._tables.processes, caller.tenant_id)])
            return process

    def get_process_version(self, caller: Caller, process_id: str, version: int | None = None) -> ProcessVersion:
        """Return one version, the newest by default; raise NotFoundError."""
        check_tenant(caller.tenant_id)
        with self._tables.lock:
            versions = self._tables.process_versions.get((caller.tenant_id, process_id), [])
            found = [item for item in versions if version in (None, item.version)]
            if not found:
                raise absent("process version", process_id if version is None else f"{process_id}@{version}")
            return found[-1]

    def list_processes(self, caller: Caller) -> tuple[Process, ...]:
        """Return all processes by key."""
        with self._tables.lock:
            return tuple(sorted(of_tenant(self._tables.processes, caller.tenant_id), key=lambda item: item.key))

    def add_spec(
        self, caller: Caller, *, service_name: str, summary: InterfaceSummary, source_uri: str, raw_text: str
    ) -> ProtocolSpec:
        """Store a new version of a service's description. The same text again gives the version there is."""
        with self._tables.lock:
            tenant = self._tables.tenant(caller.tenant_id)
            versions = self._spec_versions(caller, service_name)
            for known in reversed(versions):
                if known.raw_text == raw_text:
                    return known
            spec = ProtocolSpec(
                protocol_id=versions[0].protocol_id if versions else ProtocolId(new_id()),
                tenant_id=tenant.id,
                service_name=service_name,
                version=len(versions) + 1,
                raw_spec_uri=source_uri,
                raw_text=raw_text,
                parsed_summary=summary,
                created_at=self._tables.now(),
                created_by=caller.actor,
            )
            self._tables.specs.setdefault((tenant.id, spec.protocol_id), []).append(spec)
            self._tables.note_for(caller, "create", "ProtocolSpec", spec.protocol_id, version=spec.version)
            return spec

    def _spec_versions(self, caller: Caller, service_name: str) -> list[ProtocolSpec]:
        found = of_tenant(self._tables.specs, caller.tenant_id)
        return next((versions for versions in found if versions[0].service_name == service_name), [])

    def get_spec(self, tenant_id: str, protocol_id: str, version: int) -> ProtocolSpec:
        """Return one version; raise NotFoundError."""
        check_tenant(tenant_id)
        with self._tables.lock:
            for spec in self._tables.specs.get((tenant_id, protocol_id), []):
                if spec.version == version:
                    return spec
            raise absent("interface description", f"{protocol_id}@{version}")

    def find_spec(self, caller: Caller, service_name: str, version: int | None = None) -> ProtocolSpec:
        """Return a service's description, the newest by default; raise NotFoundError."""
        with self._tables.lock:
            found = [item for item in self._spec_versions(caller, service_name) if version in (None, item.version)]
            if not found:
                names = [versions[0].service_name for versions in of_tenant(self._tables.specs, caller.tenant_id)]
                raise absent("interface description of service", service_name, names)
            return found[-1]

    def list_specs(self, caller: Caller) -> tuple[ProtocolSpec, ...]:
        """Return the newest version of each service's description."""
        with self._tables.lock:
            newest = [versions[-1] for versions in of_tenant(self._tables.specs, caller.tenant_id)]
            return tuple(sorted(newest, key=lambda spec: spec.service_name))
