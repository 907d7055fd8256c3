"""Which scenarios a run is of: `SUITE`, `SUITE@PROCESS_VERSION`, `SUITE/SCENARIO[@VERSION]`, or a tag."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestra_kit.errors import ConflictError, DefinitionError, NotFoundError
from orchestra_kit.model import ScenarioStatus, ScenarioSuite, TestScenario
from orchestra_kit.spi.definitions import Caller, ScenarioStore

_REFERENCE = re.compile(r"(?P<suite>[^/@\s]+)(?:/(?P<scenario>[^@\s]+))?(?:@(?P<version>[^@\s]+))?\Z")


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
    if version is not None and (not version.isdigit() or int(version) < 1):
        raise DefinitionError(f"'{version}' is no version; versions are 1, 2, 3, ...")
    return ScenarioReference(
        suite=match.group("suite"), scenario=match.group("scenario"), version=int(version) if version else None
    )


def select_by_reference(store: ScenarioStore, caller: Caller, text: str) -> Selection:
    """Return the scenarios a reference names, ready to run; raise NotFoundError or ConflictError."""
    reference = parse_reference(text)
    suite = store.get_suite(caller, reference.suite)
    if reference.scenario is not None:
        scenario = store.get_scenario(caller, f"{suite.key}/{reference.scenario}", reference.version)
        if scenario.status is not ScenarioStatus.PUBLISHED and reference.version is None:
            raise _not_published(scenario)
        _refuse_gaps(scenario)
        return Selection(suite=suite, scenarios=(scenario,))
    found = store.list_scenarios(caller, suite_id=suite.id)
    if reference.version is not None:
        found = _of_process_version(store, caller, found, reference.version)
        if not found:
            raise NotFoundError(f"the suite '{suite.key}' has no scenarios of process version {reference.version}.")
    return Selection(suite=suite, scenarios=_ready(suite, found))


def select_by_tag(store: ScenarioStore, caller: Caller, tag: str) -> list[Selection]:
    """Return the published scenarios that carry a tag, by suite; raise NotFoundError when there are none."""
    tagged = store.list_scenarios(caller, tag=tag, status=ScenarioStatus.PUBLISHED)
    suites = {suite.id: suite for suite in store.list_suites(caller)}
    selections = [
        Selection(suite=suite, scenarios=own)
        for suite in suites.values()
        if (own := tuple(item for item in tagged if item.suite_id == suite.id and item.active))
    ]
    if not selections:
        known = sorted({name for item in store.list_scenarios(caller) for name in item.tags})
        hint = f"Tags in use: {', '.join(known)}." if known else "No scenario has a tag."
        raise NotFoundError(f"no published scenario has the tag '{tag}'.", hint=hint)
    return selections


def _of_process_version(
    store: ScenarioStore, caller: Caller, scenarios: tuple[TestScenario, ...], version: int
) -> tuple[TestScenario, ...]:
    chosen: list[TestScenario] = []
    for scenario in scenarios:
        versions = [item for item in store.scenario_history(caller, scenario.id) if item.process_version == version]
        chosen += versions[-1:]
    return tuple(chosen)


def _ready(suite: ScenarioSuite, scenarios: tuple[TestScenario, ...]) -> tuple[TestScenario, ...]:
    published = tuple(item for item in scenarios if item.status is ScenarioStatus.PUBLISHED and item.active)
    if published:
        return published
    drafts = [item.key for item in scenarios if item.status is ScenarioStatus.DRAFT]
    hint = f"Publish first: orchestra scenario publish {suite.key} ({len(drafts)} drafts)." if drafts else None
    raise ConflictError(f"the suite '{suite.key}' has no published scenario.", hint=hint)


def _not_published(scenario: TestScenario) -> ConflictError:
    return ConflictError(
        f"the scenario '{scenario.key}' is {scenario.status.value} at version {scenario.version}.",
        hint=f"Publish it, or name the version to try it: {scenario.key}@{scenario.version}.",
    )


def _refuse_gaps(scenario: TestScenario) -> None:
    if scenario.gaps:
        more = f" ({len(scenario.gaps) - 1} more)" if len(scenario.gaps) > 1 else ""
        raise ConflictError(f"the scenario '{scenario.key}' still has gaps: {scenario.gaps[0].message}{more}")
