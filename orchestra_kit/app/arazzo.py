"""Scenarios from and to Arazzo documents."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from orchestra_kit.app.definitions import Definitions
from orchestra_kit.app.scenarios import Scenarios
from orchestra_kit.app.selection import parse_reference
from orchestra_kit.app.stores import Stores
from orchestra_kit.design.arazzo.document import ArazzoDocument, Finding
from orchestra_kit.design.arazzo.exporting import export_scenarios
from orchestra_kit.design.arazzo.importing import Imported, import_scenarios
from orchestra_kit.design.arazzo.reading import MAX_BYTES, Findings, is_arazzo, load, read_arazzo
from orchestra_kit.design.documents import read_bytes
from orchestra_kit.design.generation import Author
from orchestra_kit.design.yaml_writing import write_yaml
from orchestra_kit.errors import DefinitionError, LimitError, NotFoundError, OrchestraError, Place, UnknownNameError
from orchestra_kit.model import ScenarioSuite, TestScenario, Value, new_id
from orchestra_kit.model.ids import SuiteId, TenantId
from orchestra_kit.protocols.http.bundle import files_beside
from orchestra_kit.spi.definitions import Caller

_MARK = re.compile(rb"arazzo|workflowsSpec|sourceDescriptions")
_KEY_SIGN = re.compile(r"[^A-Za-z0-9._\-]+")


class ImportedSuite(Value):
    """What an Arazzo document became; `warnings` are {code, where, message, line}."""

    suite: ScenarioSuite
    created: bool
    scenarios: tuple[TestScenario, ...]
    specs: tuple[str, ...] = ()
    """The services whose description was stored beside."""
    warnings: tuple[dict[str, object], ...] = ()


def holds_arazzo(path: Path) -> bool:
    """Return whether a file is an Arazzo document; one that cannot be read is none."""
    try:
        data = read_bytes(path, most=MAX_BYTES)
        return _MARK.search(data) is not None and is_arazzo(load(data, source=str(path), findings=Findings()).data)
    except OrchestraError:
        return False


class ArazzoExchange:
    """Imports and exports Arazzo documents for one caller."""

    def __init__(self, stores: Stores, caller: Caller, scenarios: Scenarios, definitions: Definitions) -> None:
        self._stores, self._caller = stores, caller
        self._scenarios, self._definitions = scenarios, definitions

    def import_file(
        self, path: Path, *, suite: str | None, workflows: tuple[str, ...] = (), with_specs: bool = False
    ) -> ImportedSuite:
        """Store the workflows of a document as scenarios of a suite, made where it is not there yet.

        The suite is called after the file unless it is named. Raises DefinitionError when nothing usable is in the file.
        """
        document = read_arazzo(read_bytes(path, most=MAX_BYTES), source=str(path))
        if not document.usable:
            raise DefinitionError(_why_unusable(document), place=Place(file=str(path)))
        known = [item.workflow_id for item in document.workflows]
        for name in workflows:
            if name not in known:
                raise UnknownNameError("workflow", name, known, place=Place(file=str(path)))
        key = suite or _suite_key(path)
        target, created = self._suite(key, document)
        made = self._read(document, path, target, workflows)
        there = self._stores.scenarios.list_scenarios(self._caller)
        stored = {item.key: item for item in there if item.suite_id == target.id}
        self._check_room(made, len(there), stored)
        stored_specs = self._store_specs(document, path) if with_specs else ()
        if created:
            target = self._stores.scenarios.put_suite(self._caller, target)
        return ImportedSuite(
            suite=target,
            created=created,
            scenarios=tuple(self._scenarios.put(item, target, known=stored.get(item.key)) for item in made.scenarios),
            specs=stored_specs,
            warnings=tuple(item.to_json() for item in made.findings),
        )

    def _suite(self, key: str, document: ArazzoDocument) -> tuple[ScenarioSuite, bool]:
        try:
            return self._stores.scenarios.get_suite(self._caller, key), False
        except NotFoundError:
            pass
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,199}", key):
            raise DefinitionError(f"'{key}' is no name for a suite: letters, digits, '.', '_' and '-'.")
        information = document.raw.get("info")
        title = information.get("title") if isinstance(information, Mapping) else None
        suite = ScenarioSuite(
            id=SuiteId(new_id()),
            tenant_id=TenantId(self._caller.tenant_id),
            key=key,
            name=title if isinstance(title, str) else key,
            created_at=datetime.now(UTC),
            created_by=self._caller.actor,
        )
        return suite, True

    def _read(self, document: ArazzoDocument, path: Path, suite: ScenarioSuite, workflows: tuple[str, ...]) -> Imported:
        author = Author(
            tenant_id=self._caller.tenant_id, suite_id=suite.id, actor=self._caller.actor, now=datetime.now(UTC)
        )
        names = {item.name for item in document.sources}
        specs = [item for item in self._stores.processes.list_specs(self._caller) if item.service_name in names]
        operations = {
            item.service_name: [one.endpoint_name for one in item.parsed_summary.operations] for item in specs
        }
        others = _others(document, path)
        return import_scenarios(document, author, others=others, operations=operations, only=workflows or None)

    def _check_room(self, made: Imported, there: int, stored: Mapping[str, TestScenario]) -> None:
        """Raise LimitError before anything is stored when not all new scenarios would find room."""
        new = [item.key for item in made.scenarios if item.key not in stored]
        limit = self._stores.tenants.get_tenant(self._caller.tenant_id).settings.max_scenarios_per_tenant
        if there + len(new) > limit:
            raise LimitError(
                f"{len(new)} new scenarios do not fit: the tenant has {there} and may have {limit} "
                "(maxScenariosPerTenant). Nothing was stored."
            )

    def _store_specs(self, document: ArazzoDocument, path: Path) -> tuple[str, ...]:
        """Store the OpenAPI documents that lie beside the file; raise DefinitionError for one that cannot be used."""
        stored = []
        for source in document.sources:
            beside = _path_beside(source.url)
            if source.kind == "openapi" and beside is not None and (path.parent / beside).is_file():
                self._definitions.import_spec(path.parent / beside, service=source.name)
                stored.append(source.name)
        return tuple(stored)

    def export(self, reference: str, *, as_json: bool, out: Path | None, sources: Mapping[str, Path]) -> str:
        """Return SUITE or SUITE/SCENARIO[@VERSION] as the text of an Arazzo document.

        `sources` tells where the description of a service lies; the document names it relative to `out`.
        """
        parsed = parse_reference(reference)
        suite = self._stores.scenarios.get_suite(self._caller, parsed.suite)
        if parsed.scenario is not None:
            scenarios: tuple[TestScenario, ...] = (
                self._stores.scenarios.get_scenario(self._caller, f"{suite.key}/{parsed.scenario}", parsed.version),
            )
        else:
            listed = self._stores.scenarios.list_scenarios(self._caller, suite_id=suite.id)
            scenarios = tuple(item for item in listed if item.active)
        if not scenarios:
            raise NotFoundError(f"the suite '{suite.key}' has no active scenario.")
        document = export_scenarios(scenarios, title=suite.name, urls=self._urls(out, sources))
        if as_json:
            return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        return write_yaml(document)

    def _urls(self, out: Path | None, sources: Mapping[str, Path]) -> dict[str, str]:
        """Return the URL of each service's description, relative to the file that is written."""
        folder = (out.parent if out is not None else Path()).resolve()
        urls = {
            item.service_name: f"./{quote(item.raw_spec_uri)}"
            for item in self._stores.processes.list_specs(self._caller)
        }
        for service, path in sources.items():
            relative = os.path.relpath(path.resolve(), folder).replace(os.sep, "/")
            urls[service] = quote(relative if relative.startswith("../") else f"./{relative}")
        return urls


def _why_unusable(document: ArazzoDocument) -> str:
    first: Finding | None = next(iter(document.findings), None)
    return f"no workflow with a step is in it.{' ' + first.message if first else ''}"


def _suite_key(path: Path) -> str:
    stem = re.sub(r"\.arazzo$", "", path.stem, flags=re.IGNORECASE)
    return _KEY_SIGN.sub("-", stem).strip("-._")[:180] or "arazzo"


def _path_beside(url: str) -> str | None:
    """Return a URL as a relative path, None for one that leads elsewhere."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
        return None
    return unquote(parts.path)


def _others(document: ArazzoDocument, path: Path) -> dict[str, ArazzoDocument]:
    """Return the Arazzo documents the sources name, as far as they lie in the document's own folder."""
    found: dict[str, ArazzoDocument] = {}
    read = files_beside(path)
    for source in document.sources:
        beside = _path_beside(source.url)
        if source.kind != "arazzo" or beside is None:
            continue
        try:
            found[source.name] = read_arazzo(read(beside).encode(), source=beside)
        except (OrchestraError, OSError, ValueError):
            continue  # a call into it is listed as a gap
    return found
