"""What a new version of a process means for a scenario made for the old one: still valid, moved, or broken, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from orchestra_kit.design.change.difference import ChangeKind, ProcessDiff
from orchestra_kit.design.change.matching import Matching
from orchestra_kit.design.change.net import Net
from orchestra_kit.design.change.playing import Played, Player
from orchestra_kit.errors import nearest_hint
from orchestra_kit.model import TestScenario, Value
from orchestra_kit.model.process import ControlFlowGraph


class Verdict(StrEnum):
    """`valid`: runs as it is; `moved`: the same run, written with other ids or steps between; `broken`: no such run any more."""

    VALID = "valid"
    MOVED = "moved"
    BROKEN = "broken"
    UNBOUND = "unbound"


class Trouble(Value):
    """One place where a scenario no longer fits. `element` is the old id, `step` the alias of a step that plays it."""

    element: str
    why: str
    hint: str | None = None
    step: str | None = None
    position: int | None = None


class ScenarioVerdict(Value):
    """The verdict on one scenario. `new_path` is the path to store for a moved one; `notes` say what else to look at.

    `unbound` scenarios were written by hand without a path and name no element: nothing can be said of them.
    """

    key: str
    verdict: Verdict
    new_path: tuple[str, ...] = ()
    new_elements: dict[str, str] = {}
    troubles: tuple[Trouble, ...] = ()
    notes: tuple[str, ...] = ()
    visits: tuple[str, ...] = ()


class ScenarioJudge:
    """Judges scenarios of one process against its new version."""

    def __init__(
        self, old: ControlFlowGraph, new: ControlFlowGraph, matching: Matching, diff: ProcessDiff, *, process_id: str
    ) -> None:
        self._old, self._new, self._matching, self._diff = old, new, matching, diff
        self._old_net, self._new_net = Net(old), Net(new)
        self._process_id = process_id
        self._new_process = matching.processes.get(process_id)
        self._added = self._new_net.flows.keys() - set(matching.flows.values())
        self._nodes = {node.id: node for node in old.nodes}
        self._flows = {flow.id: flow for flow in old.flows}

    def judge(self, scenario: TestScenario) -> ScenarioVerdict:
        """Return the verdict on one scenario."""
        if not scenario.path and not any(step.element_id for step in scenario.steps):
            return ScenarioVerdict(key=scenario.key, verdict=Verdict.UNBOUND)
        if self._new_process is None:
            gone = Trouble(element=self._process_id, why=f"the process '{self._process_id}' is gone")
            return ScenarioVerdict(key=scenario.key, verdict=Verdict.BROKEN, troubles=(gone,))
        lost = tuple(self._lost_elements(scenario))
        renamed = {
            step.element_id: self._matching.nodes[step.element_id]
            for step in scenario.steps
            if step.element_id and self._matching.nodes.get(step.element_id, step.element_id) != step.element_id
        }
        if lost:
            return ScenarioVerdict(key=scenario.key, verdict=Verdict.BROKEN, troubles=lost, new_elements=renamed)
        if not scenario.path:
            verdict = Verdict.MOVED if renamed else Verdict.VALID
            return ScenarioVerdict(key=scenario.key, verdict=verdict, new_elements=renamed)
        return self._judge_path(scenario, renamed)

    def _lost_elements(self, scenario: TestScenario) -> Iterator[Trouble]:
        names = {f"{node.name} ({node.id})" if node.name else node.id: node for node in self._new.nodes}
        for step in scenario.steps:
            element = step.element_id
            if element is None or element in self._matching.nodes:
                continue
            old = self._nodes.get(element)
            title = f"{old.type.value} '{old.name or element}'" if old else f"element '{element}'"
            said = f"{old.name} ({old.id})" if old and old.name else element
            alike = [name for name, node in names.items() if old is None or node.type.is_gateway == old.type.is_gateway]
            yield Trouble(
                element=element,
                why=f"{title}, which step '{step.alias}' plays, is gone",
                hint=nearest_hint(said, alike),
                step=step.alias,
            )

    def _judge_path(self, scenario: TestScenario, renamed: dict[str, str]) -> ScenarioVerdict:
        path = scenario.path
        exact = self._play_exactly(path)
        if exact is not None and exact.path is not None:
            return self._fine(scenario, exact, renamed)
        carried = self._carry(path)
        if carried is not None and carried.path is not None:
            return self._fine(scenario, carried, renamed)
        walked = self._still_walks(path)
        if walked is not None:
            return walked.model_copy(update={"key": scenario.key, "new_elements": renamed})
        troubles = tuple(self._troubles(path)) or (self._stuck(path, exact or carried),)
        return ScenarioVerdict(key=scenario.key, verdict=Verdict.BROKEN, troubles=troubles, new_elements=renamed)

    def _play_exactly(self, path: tuple[str, ...]) -> Played | None:
        """Return the replay of the path with its flows renamed; None where one of them is gone."""
        mapped = [self._matching.flows.get(flow) for flow in path]
        known = [flow for flow in mapped if flow in self._new_net.flows]
        if len(known) < len(path):
            return None
        played = self._new_player(path).play([flow for flow in known if flow])
        wanted = self._wanted_visits(path)
        return played if played.path is None or wanted <= played.visits else None

    def _carry(self, path: tuple[str, ...]) -> Played | None:
        """Return the nearest run on the new version: what is left of the path, with only new flows between."""
        kept = [flow for flow in (self._matching.flows.get(item) for item in path) if flow in self._new_net.flows]
        wanted = self._wanted_visits(path)
        if self._drops_a_choice(path):
            return None
        return self._new_player(path).play(
            [flow for flow in kept if flow], free=self._added.__contains__, accept=lambda visits: wanted <= visits
        )

    def _beside(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """Return the other processes that a path goes through, as scenarios across pools do."""
        passed = dict.fromkeys(self._flows[flow].process_id for flow in path if flow in self._flows)
        return tuple(item for item in passed if item != self._process_id)

    def _new_player(self, path: tuple[str, ...]) -> Player:
        beside = (self._matching.processes.get(item) for item in self._beside(path))
        return Player(self._new_net, self._new_process or "", beside=tuple(item for item in beside if item))

    def _drops_a_choice(self, path: tuple[str, ...]) -> bool:
        """Return whether a flow that was chosen among several leads to an element that is gone, too."""
        for item in path:
            if item in self._matching.flows or item not in self._old_net.flows:
                continue
            flow = self._old_net.flows[item]
            if len(self._old_net.leaving[flow.source]) > 1 and flow.target not in self._matching.nodes:
                return True
        return False

    def _wanted_visits(self, path: tuple[str, ...]) -> frozenset[str]:
        known = (self._old_net.flows[flow] for flow in path if flow in self._old_net.flows)
        ends = {end for flow in known for end in (flow.source, flow.target)}
        return frozenset(self._matching.nodes[end] for end in ends if end in self._matching.nodes)

    def _fine(self, scenario: TestScenario, played: Played, renamed: dict[str, str]) -> ScenarioVerdict:
        path = played.path or ()
        same = path == scenario.path and not renamed
        return ScenarioVerdict(
            key=scenario.key,
            verdict=Verdict.VALID if same else Verdict.MOVED,
            new_path=path,
            new_elements=renamed,
            notes=tuple(self._notes(set(path), played.visits)),
            visits=tuple(sorted(played.visits)),
        )

    def _still_walks(self, path: tuple[str, ...]) -> ScenarioVerdict | None:
        """Return the verdict on a path that was no run of the old version either, where nothing it touches has changed."""
        mapped = tuple(self._matching.flows.get(flow, "") for flow in path)
        if not all(flow in self._old_net.flows for flow in path) or not all(
            flow in self._new_net.flows for flow in mapped
        ):
            return None
        if Player(self._old_net, self._process_id, beside=self._beside(path)).play(path).path is not None:
            return None
        visits = self._wanted_visits(path)
        touched = {change.element for change in self._diff.changes if change.kind not in _HARMLESS}
        around = {
            end
            for change in self._added
            for end in (self._new_net.flows[change].source, self._new_net.flows[change].target)
        }
        if (touched & ({*mapped} | visits)) or (around & visits):
            return None
        note = "by its path alone it is no run of the old version either; nothing it touches has changed"
        verdict = Verdict.VALID if mapped == path else Verdict.MOVED
        return ScenarioVerdict(key="", verdict=verdict, new_path=mapped, notes=(note,), visits=tuple(sorted(visits)))

    def _notes(self, flows: set[str], visits: frozenset[str]) -> Iterator[str]:
        for change in self._diff.changes:
            if change.kind in _WORTH_A_LOOK and (change.element in flows or change.element in visits):
                yield change.sentence()

    # --- what is wrong -----------------------------------------------------------------------------------------------

    def _troubles(self, path: tuple[str, ...]) -> Iterator[Trouble]:
        """Yield the flows of the path that are gone or lead elsewhere."""
        for position, item in enumerate(path):
            flow = self._flows.get(item)
            if flow is None:
                yield Trouble(
                    element=item, position=position, why=f"flow '{item}' is not in the version it was made for"
                )
                continue
            now = self._new_net.flows.get(self._matching.flows.get(item, ""))
            source, target = self._matching.nodes.get(flow.source), self._matching.nodes.get(flow.target)
            if now is None:
                why = f"flow '{item}' from '{flow.source}' to '{flow.target}' is gone"
                yield Trouble(element=item, position=position, why=why, hint=self._leaving_now(source))
            elif (now.source, now.target) != (source, target):
                why = f"flow '{item}' led from '{flow.source}' to '{flow.target}', now from '{now.source}' to '{now.target}'"
                yield Trouble(element=item, position=position, why=why, hint=self._leaving_now(source))

    def _leaving_now(self, source: str | None) -> str | None:
        if source is None:
            return None
        ways = [f"'{flow}' to '{self._new_net.flows[flow].target}'" for flow in self._new_net.leaving.get(source, ())]
        return f"From '{source}' there {'are' if len(ways) > 1 else 'is'} now {', '.join(ways) or 'no flow'}."

    def _stuck(self, path: tuple[str, ...], played: Played | None) -> Trouble:
        """Return where the replay stops, all flows being there."""
        if played is None:
            return Trouble(element=path[0], why="no run of the new version visits what it visited")
        position = min(played.position, len(path) - 1)
        return Trouble(element=path[position], position=position, why=played.why)


_HARMLESS = frozenset({ChangeKind.RENAMED, ChangeKind.NEW_ID, ChangeKind.DETAILS})
_WORTH_A_LOOK = frozenset(
    {ChangeKind.CONDITION, ChangeKind.EVENT, ChangeKind.TYPE, ChangeKind.LOOP, ChangeKind.DETAILS, ChangeKind.MOVED}
)


def counts_of(verdicts: tuple[ScenarioVerdict, ...]) -> dict[str, int]:
    """Return how many scenarios there are of each verdict."""
    found = Counter(item.verdict.value for item in verdicts)
    return {
        verdict.value: found[verdict.value]
        for verdict in Verdict
        if found[verdict.value] or verdict is not Verdict.UNBOUND
    }
