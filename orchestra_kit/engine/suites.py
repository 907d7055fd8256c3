"""Suite runs: which scenarios may start, which are skipped and why, and how the whole ends."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.events import SuiteAdvanced
from orchestra_kit.errors import DefinitionError, Place, nearest_hint
from orchestra_kit.model import RunStatus, SuiteRunStatus, TestScenario
from orchestra_kit.spi.work import SuiteAdvance, SuiteChild, SuiteState

_FAILED = (RunStatus.FAILED, RunStatus.FAILED_STUCK)


def check_dependencies(scenarios: Sequence[TestScenario]) -> None:
    """Raise DefinitionError naming the path of a cycle, a scenario that waits for itself, or one that is not there."""
    parents: dict[str, list[str]] = {}
    for scenario in scenarios:
        parents[scenario.key] = [item.scenario_key for item in scenario.depends_on]
    for scenario in scenarios:
        for item in scenario.depends_on:
            place = Place(field=f"{scenario.key}.dependsOn")
            if item.scenario_key == scenario.key:
                raise DefinitionError(f"scenario '{scenario.key}' depends on itself.", place=place)
            if item.scenario_key not in parents:
                raise DefinitionError(
                    f"scenario '{scenario.key}' depends on '{item.scenario_key}', which is not among these scenarios.",
                    place=place,
                    hint=nearest_hint(item.scenario_key, parents),
                )
            if not item.required_status.terminal:
                raise DefinitionError(
                    f"scenario '{scenario.key}' waits for '{item.scenario_key}' to be {item.required_status}, "
                    "which is no way to end.",
                    place=place,
                )
    cycle = _find_cycle(parents)
    if cycle:
        raise DefinitionError(
            f"scenarios depend on each other in a circle: {' -> '.join(cycle)}.",
            place=Place(field=f"{cycle[0]}.dependsOn"),
        )


def decide(state: SuiteState) -> SuiteAdvance | None:
    """Return what is to be done with a suite run now, None when there is nothing. Pure: the store applies it once.

    A scenario starts when all runs of every scenario it depends on ended as required; with one that ended otherwise it
    is skipped, and so is whatever depends on it.
    """
    if state.status.terminal:
        return None
    statuses = {child.run_id: child.status for child in state.children}
    skip = _skipped(state.children)
    statuses.update(dict.fromkeys(skip, RunStatus.SKIPPED))
    runs_of = _by_key(state.children)
    release = tuple(
        child.run_id
        for child in state.children
        if _waits(child)
        and child.run_id not in skip
        and not state.cancel_requested
        and all(statuses[parent] is required for key, required in child.depends_on for parent in runs_of[key])
    )
    status = _status_of(state, statuses)
    if not release and not skip and status is None:
        return None
    return SuiteAdvance(
        tenant_id=state.tenant_id,
        suite_run_id=state.suite_run_id,
        revision=state.revision,
        release=release,
        skip=tuple(skip.items()),
        status=status,
    )


class SuiteOrchestrator:
    """Moves open suite runs on. Any number may work at once: a decision counts only at the revision it was made at."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    def tick(self) -> bool:
        """Look at every open suite run; True when something was let go, so that schedulers may look at once."""
        released = False
        for tenant_id, suite_run_id in self._equipment.store.find_open_suites():
            state = self._equipment.store.load_suite(tenant_id, suite_run_id)
            advance = decide(state) if state is not None else None
            if advance is None or not self._equipment.store.advance_suite(advance):
                continue
            released = released or bool(advance.release)
            self._equipment.announce(
                SuiteAdvanced(
                    tenant_id=tenant_id,
                    suite_run_id=suite_run_id,
                    released=advance.release,
                    skipped=tuple(run_id for run_id, _ in advance.skip),
                    status=advance.status,
                )
            )
        return released


def _waits(child: SuiteChild) -> bool:
    return child.blocked and child.status is RunStatus.PENDING


def _by_key(children: Sequence[SuiteChild]) -> dict[str, list[str]]:
    runs_of: dict[str, list[str]] = defaultdict(list)
    for child in children:
        runs_of[child.scenario_key].append(child.run_id)
    return runs_of


def _skipped(children: Sequence[SuiteChild]) -> dict[str, str]:
    """Return the runs to be skipped with the reason, through any number of generations."""
    known = {child.run_id: child for child in children}
    runs_of = _by_key(children)
    waiting_for: dict[str, list[SuiteChild]] = defaultdict(list)
    for child in children:
        if _waits(child):
            for key, _ in child.depends_on:
                waiting_for[key].append(child)
    skipped: dict[str, str] = {}
    for child in children:
        missing = next((key for key, _ in child.depends_on if key not in runs_of), None)
        if _waits(child) and missing is not None:
            skipped[child.run_id] = f"it depends on '{missing}', which is not part of this suite run."
    ended = deque(
        [(child.scenario_key, child.status) for child in children if child.status.terminal]
        + [(known[run_id].scenario_key, RunStatus.SKIPPED) for run_id in skipped]
    )
    seen = set()
    while ended:
        key, status = ended.popleft()
        if (key, status) in seen:
            continue
        seen.add((key, status))
        for child in waiting_for[key]:
            required = dict(child.depends_on)[key]
            if status is not required and child.run_id not in skipped:
                skipped[child.run_id] = f"it depends on '{key}' to be {required}, which was {status}."
                ended.append((child.scenario_key, RunStatus.SKIPPED))
    return skipped


def _status_of(state: SuiteState, statuses: dict[str, RunStatus]) -> SuiteRunStatus | None:
    """Return the status the suite run moves to, None when it stays."""
    ends = list(statuses.values())
    if not all(status.terminal for status in ends):
        begun = any(status is not RunStatus.PENDING for status in ends)
        return SuiteRunStatus.IN_PROGRESS if begun and state.status is SuiteRunStatus.PENDING else None
    if any(status in _FAILED for status in ends):
        return SuiteRunStatus.FAILED
    if state.cancel_requested or RunStatus.CANCELLED in ends:
        return SuiteRunStatus.CANCELLED
    # A suite in which nothing ran has shown nothing.
    return SuiteRunStatus.PASSED if RunStatus.PASSED in ends else SuiteRunStatus.FAILED


def _find_cycle(parents: dict[str, list[str]]) -> list[str] | None:
    """Return the keys of a circle, its first key repeated at the end."""
    done: set[str] = set()
    for start in parents:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            key, number = stack.pop()
            if number == 0:
                if key in done:
                    continue
                path.append(key)
                on_path.add(key)
            following = parents[key]
            if number < len(following):
                stack.append((key, number + 1))
                nearest = following[number]
                if nearest in on_path:
                    return [*path[path.index(nearest) :], nearest]
                stack.append((nearest, 0))
            else:
                path.pop()
                on_path.discard(key)
                done.add(key)
    return None
