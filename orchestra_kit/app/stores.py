"""The stores of a workspace, as Protocols: what services are built with."""

from __future__ import annotations

from dataclasses import dataclass

from orchestra_kit.spi.definitions import EnvironmentStore, ProcessStore, ScenarioStore, TenantStore
from orchestra_kit.spi.runs import RunStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Everything a surface may store or read; worker duties are not here."""

    tenants: TenantStore
    processes: ProcessStore
    scenarios: ScenarioStore
    environments: EnvironmentStore
    runs: RunStore
