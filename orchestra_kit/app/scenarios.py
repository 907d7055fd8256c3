"""Scenarios by hand: list, import, export, publish, deprecate, history, difference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestra_kit.app.definitions import content_of
from orchestra_kit.app.files import read_scenario_file, write_scenario_file
from orchestra_kit.app.selection import parse_reference
from orchestra_kit.app.stores import Stores
from orchestra_kit.design.checking import find_gaps
from orchestra_kit.design.operations import OperationCatalog
from orchestra_kit.errors import ConflictError, NotFoundError
from orchestra_kit.model import Gap, ScenarioStatus, ScenarioSuite, TestScenario, Value
from orchestra_kit.spi.definitions import Caller

_FOUND_AGAIN = frozenset({"MISSING_INPUT", "WRONG_REFERENCE"})


class Change(Value):
    """One difference between two versions; `where` is a field path, `kind` added, removed or changed."""

    where: str
    kind: str
    old: Any = None
    new: Any = None


class Scenarios:
    """Works on stored scenarios for one caller."""

    def __init__(self, stores: Stores, caller: Caller) -> None:
        self._store, self._processes, self._caller = stores.scenarios, stores.processes, caller

    def list(self, suite: str | None, *, tag: str | None = None) -> tuple[TestScenario, ...]:
        """Return scenarios at their newest version, of one suite or of all."""
        suite_id = self._store.get_suite(self._caller, suite).id if suite else None
        return self._store.list_scenarios(self._caller, suite_id=suite_id, tag=tag)

    def import_file(self, path: Path, *, suite: str, expected_version: int | None) -> TestScenario:
        """Store a scenario file; raise ConflictError when `expected_version` is not the newest one."""
        target = self._store.get_suite(self._caller, suite)
        written = read_scenario_file(
            path, tenant_id=self._caller.tenant_id, suite_id=target.id, actor=self._caller.actor
        )
        known = self._find(target.id, written.key)
        return self.put(written, target, known=known, expected_version=expected_version)

    def put(
        self,
        written: TestScenario,
        suite: ScenarioSuite,
        *,
        known: TestScenario | None,
        expected_version: int | None = None,
    ) -> TestScenario:
        """Store a scenario with its gaps looked at anew: as a new one, or as the next version of the `known` one of its key
        unless nothing changed."""
        scenario = written.model_copy(update={"suite_id": suite.id, "gaps": self._gaps(written)})
        if known is None:
            if expected_version is not None:
                raise ConflictError(
                    f"'{suite.key}/{scenario.key}' is not stored yet; version {expected_version} was expected."
                )
            return self._store.create_scenario(self._caller, scenario)
        kept = {name: getattr(known, name) for name in ("id", "created_at", "created_by", "process_version")}
        following = scenario.model_copy(update=kept)
        unchanged = content_of(known) == content_of(following) and known.active == following.active
        if unchanged and expected_version in (None, known.version):
            return known
        return self._store.update_scenario(
            self._caller, following, expected_version=known.version if expected_version is None else expected_version
        )

    def _gaps(self, scenario: TestScenario) -> tuple[Gap, ...]:
        """Return what a written scenario lacks: what it says itself, with inputs and references looked at anew."""
        services = {step.endpoint_ref.service_name for step in scenario.steps if step.endpoint_ref}
        specs = [item for item in self._processes.list_specs(self._caller) if item.service_name in services]
        catalog = OperationCatalog({item.service_name: item.parsed_summary for item in specs})
        found = {_identity(item): item for item in find_gaps(scenario, catalog)}
        kept = [item for item in scenario.gaps if item.code not in _FOUND_AGAIN or _identity(item) in found]
        for item in kept:
            found.pop(_identity(item), None)
        return (*kept, *found.values())

    def export(self, reference: str, *, as_json: bool) -> str:
        """Return SUITE/SCENARIO[@VERSION] as the text of a definition file."""
        return write_scenario_file(self._get(reference), as_json=as_json)

    def history(self, reference: str) -> tuple[TestScenario, ...]:
        """Return all versions of SUITE/SCENARIO, oldest first."""
        return self._store.scenario_history(self._caller, self._get(reference).id)

    def move(self, reference: str, status: ScenarioStatus) -> tuple[TestScenario, ...]:
        """Publish or deprecate one scenario, or all of a suite that can be; raise ConflictError when one cannot."""
        parsed = parse_reference(reference)
        if parsed.scenario is not None:
            scenario = self._get(reference)
            return (self._store.set_scenario_status(self._caller, scenario.id, scenario.version, status),)
        before = ScenarioStatus.DRAFT if status is ScenarioStatus.PUBLISHED else ScenarioStatus.PUBLISHED
        suite = self._store.get_suite(self._caller, parsed.suite)
        ready = [
            item
            for item in self._store.list_scenarios(self._caller, suite_id=suite.id)
            if item.status is before and (status is not ScenarioStatus.PUBLISHED or not item.gaps)
        ]
        if not ready:
            raise ConflictError(
                f"the suite '{suite.key}' has no {before.value} scenario that can become {status.value}."
            )
        return tuple(self._store.set_scenario_status(self._caller, item.id, item.version, status) for item in ready)

    def diff(self, reference: str, old: int, new: int) -> tuple[Change, ...]:
        """Return what changed between two versions, steps compared by alias."""
        versions = {item.version: item for item in self.history(reference)}
        for wanted in (old, new):
            if wanted not in versions:
                known = ", ".join(str(number) for number in versions)
                raise NotFoundError(f"'{reference}' has no version {wanted}.", hint=f"Versions: {known}.")
        return tuple(_changes(_comparable(versions[old]), _comparable(versions[new]), ""))

    def _get(self, reference: str) -> TestScenario:
        parsed = parse_reference(reference)
        if parsed.scenario is None:
            raise NotFoundError(f"'{reference}' names a suite; write SUITE/SCENARIO.")
        return self._store.get_scenario(self._caller, f"{parsed.suite}/{parsed.scenario}", parsed.version)

    def _find(self, suite_id: str, key: str) -> TestScenario | None:
        return next(
            (item for item in self._store.list_scenarios(self._caller, suite_id=suite_id) if item.key == key), None
        )


def _identity(gap: Gap) -> tuple[str, str | None, str | None]:
    return gap.code, gap.step_alias, gap.field


def _comparable(scenario: TestScenario) -> dict[str, Any]:
    content = content_of(scenario)
    content["steps"] = {step["alias"]: step for step in content["steps"]}
    return content


def _changes(old: Any, new: Any, where: str) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            spot = f"{where}.{name}" if where else name
            if name not in new:
                yield Change(where=spot, kind="removed", old=old[name])
            elif name not in old:
                yield Change(where=spot, kind="added", new=new[name])
            else:
                yield from _changes(old[name], new[name], spot)
    elif old != new:
        yield Change(where=where, kind="changed", old=old, new=new)
