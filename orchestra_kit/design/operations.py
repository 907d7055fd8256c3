"""The operations of all services of a project, found by the names testers write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestra_kit.errors import DefinitionError, Place, UnknownNameError
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

    def of(self, service_name: str, operation: OperationSummary) -> Endpoint:
        """Return the endpoint of an operation of one of the services."""
        return Endpoint(service_name=service_name, operation=operation, interface=self.interfaces[service_name])

    def find(self, name: str, *, place: Place | None = None) -> Endpoint:
        """Return the operation `service.operationId` or `service METHOD /path`; raise UnknownNameError."""
        found = self._by_name.get(" ".join(name.split()))
        if found is not None:
            return found
        service = self._service_of(name)
        if service is None:
            raise UnknownNameError("service", re.split(r"[. ]", name, maxsplit=1)[0], self.interfaces, place=place)
        own = [known for known in self._by_name if known.startswith((f"{service}.", f"{service} "))]
        if not own:
            raise DefinitionError(f"the service '{service}' has no operations.", place=place)
        raise UnknownNameError("operation", name, own, place=place)

    def _service_of(self, name: str) -> str | None:
        """Return the service a name begins with, the longest where one's name begins another's."""
        fitting = [item for item in self.interfaces if name.startswith((f"{item}.", f"{item} ")) or name == item]
        return max(fitting, key=len, default=None)
