"""The operations of all services of a project, found by the names testers write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestra_kit.errors import Place, UnknownNameError
from orchestra_kit.model import InterfaceSummary, OperationSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One operation of one service."""

    service_name: str
    operation: OperationSummary
    interface: InterfaceSummary

    @property
    def name(self) -> str:
        """The name a tester would write for it: `service.operationId`."""
        return f"{self.service_name}.{self.operation.endpoint_name}"


class OperationCatalog:
    """All operations of the services named in `specs`."""

    def __init__(self, interfaces: Mapping[str, InterfaceSummary]) -> None:
        self.interfaces = interfaces
        self._by_name: dict[str, Endpoint] = {}
        for service, interface in interfaces.items():
            for operation in interface.operations:
                endpoint = Endpoint(service_name=service, operation=operation, interface=interface)
                self._by_name.setdefault(endpoint.name, endpoint)
                self._by_name.setdefault(f"{service} {operation.method.upper()} {operation.path}", endpoint)

    def find(self, name: str, *, place: Place | None = None) -> Endpoint:
        """Return the operation `service.operationId` or `service METHOD /path`; raise UnknownNameError."""
        found = self._by_name.get(" ".join(name.split()))
        if found is not None:
            return found
        service = name.split(".")[0].split(" ")[0]
        if service not in self.interfaces:
            raise UnknownNameError("service", service, self.interfaces, place=place)
        own = [known for known in self._by_name if known.startswith((f"{service}.", f"{service} "))]
        raise UnknownNameError("operation", name, own, place=place)
