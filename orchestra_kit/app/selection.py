"""Which scenarios a run is of: `SUITE`, `SUITE@PROCESS_VERSION`, `SUITE/SCENARIO[@VERSION]`, or a tag."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestra_kit.errors import ConflictError, DefinitionError, NotFoundError
from orchestra_kit.model import ScenarioStatus, ScenarioSuite, TestScenario
from orchestra_kit.spi.definitions import Caller, ScenarioStore

_REFERENCE = re.compile(r"(?P<suite>[^/@\s]+)(?:/(?P<scenario>[^@\s]+))?(?:@(?P<version>[^@\s]+))?\Z")
_VERSION = re.compile(r"[1-9][0-9]{0,8}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Scenarios of one suite, each at the version to run."""

    suite: ScenarioSuite
    scenarios: tuple[TestScenario, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioReference:
    """A reference as written, taken apart."""

    suite: str
    scenario: str | None = None
    version: int | None = None


def parse_reference(text: str) -> ScenarioReference:
    """Return the parts of `SUITE[/SCENARIO][@VERSION]`; raise DefinitionError."""
    match = _REFERENCE.match(text)
    if match is None:
        raise DefinitionError(f"'{text}' names no suite; write SUITE, SUITE@VERSION or SUITE/SCENARIO@VERSION.")
    version = match.group("version")
    if version is not None and not _VERSION.match(version):
        raise DefinitionError(f"'{version}' is no version; versions are 1, 2, 3, ...")
    return ScenarioReference(
        suite=match.group("suite"), scenario=match.group("scenario"), version=int(version) if version else None
    )


def select_by_reference(store: ScenarioStore, caller: Caller, text: str) -> Selection:
    """Return the scenarios a reference names, ready to run; raise NotFoundError or ConflictError.

    Without a version, a scenario runs at its newest published one. A single scenario brings those it depends on along.
    """
    reference = parse_reference(text)
    suite = store.get_suite(caller, reference.suite)
    if reference.scenario is None:
        version = reference.version
        ready = _published(store, caller, suite) if version is None else _of_version(store, caller, suite, version)
        return Selection(suite=suite, scenarios=tuple(ready.values()))
    scenario = store.get_scenario(caller, f"{suite.key}/{reference.scenario}", reference.version)
    ready = _published(store, caller, suite, anything=True)
    if reference.version is None:
        if scenario.key not in ready:
            raise _not_published(suite, scenario)
        scenario = ready[scenario.key]
    _refuse_gaps(scenario)
    return Selection(suite=suite, scenarios=_with_dependencies(scenario, ready))


def select_by_tag(store: ScenarioStore, caller: Caller, tag: str) -> list[Selection]:
    """Return the published scenarios that carry a tag, by suite; raise NotFoundError when there are none."""
    selections = []
    for suite in store.list_suites(caller):
        ready = _published(store, caller, suite, anything=True)
        own = tuple(item for item in ready.values() if tag in item.tags)
        if own:
            selections.append(Selection(suite=suite, scenarios=own))
    if not selections:
        known = sorted({name for item in store.list_scenarios(caller) for name in item.tags})
        hint = f"Tags in use: {', '.join(known)}." if known else "No scenario has a tag."
        raise NotFoundError(f"no published scenario has the tag '{tag}'.", hint=hint)
    return selections


def _published(
    store: ScenarioStore, caller: Caller, suite: ScenarioSuite, *, anything: bool = False
) -> dict[str, TestScenario]:
    """Return the newest published version of each active scenario, by key; unless `anything` will do, at least one."""
    newest = store.list_scenarios(caller, suite_id=suite.id)
    active = {item.id for item in newest if item.active and item.status is not ScenarioStatus.DEPRECATED}
    published = store.list_scenarios(caller, suite_id=suite.id, status=ScenarioStatus.PUBLISHED)
    found = {item.key: item for item in published if item.id in active}
    if not found and not anything:
        drafts = sum(item.status is ScenarioStatus.DRAFT for item in newest)
        hint = f"Publish first: orchestra scenario publish {suite.key} ({drafts} drafts)." if drafts else None
        raise ConflictError(f"the suite '{suite.key}' has no published scenario.", hint=hint)
    return found


def _of_version(store: ScenarioStore, caller: Caller, suite: ScenarioSuite, version: int) -> dict[str, TestScenario]:
    """Return the newest published version of each scenario that was generated from a process version, by key."""
    found: dict[str, TestScenario] = {}
    known: set[int] = set()
    for scenario in store.list_scenarios(caller, suite_id=suite.id):
        for item in store.scenario_history(caller, scenario.id):
            known |= {item.process_version} if item.process_version is not None else set()
            if item.process_version == version and item.status is ScenarioStatus.PUBLISHED and item.active:
                found[item.key] = item
    if not found:
        hint = f"Process versions it has: {', '.join(map(str, sorted(known)))}." if known else None
        raise NotFoundError(
            f"the suite '{suite.key}' has no published scenario of process version {version}.", hint=hint
        )
    return found


def _with_dependencies(scenario: TestScenario, ready: dict[str, TestScenario]) -> tuple[TestScenario, ...]:
    """Return a scenario after all those it depends on, directly or not; one that is not ready is left out."""
    chosen = {scenario.key: scenario}
    waiting = [scenario]
    while waiting:
        for dependency in waiting.pop().depends_on:
            needed = ready.get(dependency.scenario_key)
            if needed is not None and needed.key not in chosen:
                chosen[needed.key] = needed
                waiting.append(needed)
    return tuple(reversed(chosen.values()))


def _not_published(suite: ScenarioSuite, scenario: TestScenario) -> ConflictError:
    state = scenario.status.value if scenario.active else "not active"
    return ConflictError(
        f"the scenario '{scenario.key}' is {state} at version {scenario.version}.",
        hint=f"Publish it, or name the version to try it: {suite.key}/{scenario.key}@{scenario.version}.",
    )


def _refuse_gaps(scenario: TestScenario) -> None:
    if scenario.gaps:
        more = f" ({len(scenario.gaps) - 1} more)" if len(scenario.gaps) > 1 else ""
        raise ConflictError(f"the scenario '{scenario.key}' still has gaps: {scenario.gaps[0].message}{more}")
