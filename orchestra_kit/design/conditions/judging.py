"""`judge_paths`: which scenarios of a suite data can drive, with which data, and others in place of those it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from orchestra_kit.design.conditions.budget import TimeBudget
from orchestra_kit.design.conditions.collecting import Collected, Openness, PathReader
from orchestra_kit.design.conditions.guards import GuardTable, read_guards
from orchestra_kit.design.conditions.hints import ConditionHints
from orchestra_kit.design.conditions.outcome import FeasibleSuite, JudgedScenario, LostElement, PathStatus
from orchestra_kit.design.conditions.runs import Run, Search
from orchestra_kit.design.conditions.variables import VariableReport, Version, reports
from orchestra_kit.design.conditions.walking import RunFinder
from orchestra_kit.design.coverage import ComposedScenario, ComposedSuite, Criterion
from orchestra_kit.design.coverage.naming import KeyMaker
from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.conditions import Guard, read_as
from orchestra_kit.expressions.deciding import holds
from orchestra_kit.expressions.native import native_scope
from orchestra_kit.model.process import ControlFlowGraph, NodeType
from orchestra_kit.spi.solver import Requirement, SolveOutcome, Solver, Verdict

TIME_LIMIT = 5.0
MAX_REFUSALS = 60
"""How many beginnings of runs may turn out impossible in the search for one replacement."""
MAX_QUESTIONS_IN_ALL = 600
_STATUS = {
    Verdict.SATISFIABLE: PathStatus.FEASIBLE,
    Verdict.UNSATISFIABLE: PathStatus.INFEASIBLE,
    Verdict.UNKNOWN: PathStatus.UNKNOWN,
}


def judge_paths(
    graph: ControlFlowGraph,
    composed: ComposedSuite,
    solver: Solver,
    hints: ConditionHints | None = None,
    *,
    max_loop: int = 2,
    boundaries: bool = True,
    file: str | None = None,
    budget: TimeBudget | None = None,
) -> FeasibleSuite:
    """Return what data can do with each scenario of a suite, with replacements for those it cannot drive.

    What the `budget` leaves no time for is not decided: such scenarios stay, with that as their reason. Several processes
    of one file share a budget.
    """
    guards = read_guards(graph, file=file, process_id=composed.process_id)
    judge = _Judge(
        graph, composed, solver, guards, hints or ConditionHints(), max_loop, boundaries, budget or TimeBudget()
    )
    return judge.suite()


class _Judge:
    """One suite under judgement."""

    def __init__(
        self,
        graph: ControlFlowGraph,
        composed: ComposedSuite,
        solver: Solver,
        guards: GuardTable,
        hints: ConditionHints,
        max_loop: int,
        boundaries: bool,
        budget: TimeBudget,
    ) -> None:
        self._graph, self._composed, self._solver, self._guards = graph, composed, solver, guards
        self._max_loop, self._boundaries, self._budget = max_loop, boundaries, budget
        self._stopped = False
        self._reader = PathReader(graph, guards, hints)
        self._flows = {flow.id: flow for flow in graph.flows}
        self._asked: dict[str, SolveOutcome] = {}
        self._left = MAX_QUESTIONS_IN_ALL
        self._guide: SolveOutcome | None = None
        self._keys = KeyMaker(graph)
        for item in composed.scenarios:
            self._keys.key(item.path, item.visits, item.provokes)

    def suite(self) -> FeasibleSuite:
        """Return the judged suite."""
        judged = [self.judge(item) for item in self._composed.scenarios]
        kept = [item for item in judged if item.status is not PathStatus.INFEASIBLE]
        infeasible = [item for item in judged if item.status is PathStatus.INFEASIBLE]
        cover = [item for item in kept if item.scenario.kind == "cover"]
        further = [item for item in kept if item.scenario.kind != "cover"]
        lost: list[LostElement] = []
        if any(item.scenario.kind == "cover" for item in infeasible):
            cover, further = self._promoted(cover, further, infeasible)
            found, lost = self._replaced(cover, infeasible)
            cover = self._without_needless([*cover, *found])
        paths = {item.scenario.path for item in (*cover, *further)}
        for item in infeasible:
            other = self._replaced_extra(item) if item.scenario.kind != "cover" else None
            if other is not None and other.scenario.path not in paths:
                paths.add(other.scenario.path)
                further.append(other)
        scenarios = (*cover, *further)
        return FeasibleSuite(
            process_id=self._composed.process_id,
            structural_size=self._composed.size,
            scenarios=scenarios,
            infeasible=tuple(infeasible),
            lost=tuple(lost),
            variables=self._reports([*scenarios, *infeasible]),
            unread=tuple(self._guards.unread.values()),
            assumptions=tuple(dict.fromkeys(text for item in (*scenarios, *infeasible) for text in item.assumptions)),
            not_decided=self._budget.reason if self._stopped else "",
        )

    def judge(self, scenario: ComposedScenario) -> JudgedScenario:
        """Return what is known about one scenario."""
        found, outcome = self._solved(Run.of(scenario))
        blank = JudgedScenario(
            scenario=scenario,
            status=PathStatus.FREE,
            conditions=tuple(found.conditions),
            versions=found.versions,
            unread=tuple(found.unread),
            open_choices=tuple(found.open_choices),
            assumptions=tuple(found.assumptions),
        )
        if outcome is None:
            return blank
        by_key = {item.key: item for item in found.conditions}
        return replace(
            blank,
            status=_STATUS[outcome.verdict],
            values=outcome.values,
            kinds=outcome.kinds,
            absent=outcome.absent,
            free=() if found.unread else outcome.free,  # nobody knows what a condition that is not read looks at
            variants=outcome.variants,
            core=tuple(by_key[key] for key in outcome.core if key in by_key),
            computed_in_core=tuple(
                f"{item.root} = {item.text.strip().lstrip('=').strip()}"
                for item in found.definitions
                if item.id in outcome.core
            ),
            reason=outcome.reason,
            unless=self._unless(Run.of(scenario), outcome) if outcome.verdict is Verdict.UNSATISFIABLE else (),
        )

    def _unless(self, run: Run, refuted: SolveOutcome) -> tuple[str, ...]:
        """Return what would make an impossible run possible after all: activities that write more than they declare."""
        wider = self._reader.collect(run.path, run.visits, openness=Openness.ANY)
        if self._solve(wider, values=False).verdict is not Verdict.SATISFIABLE:
            return ()
        asked = {name for item in wider.conditions if item.key in refuted.core for name in item.bind}
        writes = [
            (item.node_id, item.variable)
            for item, _ in wider.reads
            if item.origin.startswith("possibly") and item.variable in asked
        ]
        return tuple(dict.fromkeys(f"'{node}' writes '{variable}'" for node, variable in writes))

    def _solve(self, found: Collected, *, values: bool) -> SolveOutcome:
        left = min(TIME_LIMIT, self._budget.left)
        request = self._reader.request(found, values=values, boundaries=values and self._boundaries, time_limit=left)
        key = request.model_dump_json(exclude={"time_limit"})
        if key not in self._asked:
            if self._is_over():
                return SolveOutcome(verdict=Verdict.UNKNOWN, reason=self._budget.reason)
            self._asked[key] = self._solver.solve(request)
        return self._asked[key]

    def _is_over(self) -> bool:
        """Return whether the time is over, and remember that something was left undone for it."""
        self._stopped |= self._budget.is_over
        return self._stopped

    def _solved(self, run: Run, *, values: bool = True) -> tuple[Collected, SolveOutcome | None]:
        """Return what a run asks for and the answer; None when it asks for nothing.

        Where the declared writers leave no way, undeclared ones may: then that is an assumption of the answer.
        """
        found = self._reader.collect(run.path, run.visits)
        if not found.requirements:
            return found, None
        outcome = self._solve(found, values=values)
        if outcome.verdict is Verdict.UNSATISFIABLE:
            wider = self._reader.collect(run.path, run.visits, openness=Openness.PEOPLE)
            if wider.requirements != found.requirements:
                other = self._solve(wider, values=values)
                if other.verdict is Verdict.SATISFIABLE:
                    return wider, other
        return found, outcome

    def _may_be(self, run: Run) -> bool:
        """Return False for a beginning of a run whose conditions conflict already."""
        if self._left <= 0 or self._is_over():
            return False
        if self._goes_with_guide(run):
            return True
        self._left -= 1
        outcome = self._solved(run, values=False)[1]
        if outcome is not None and outcome.verdict is Verdict.SATISFIABLE:
            self._guide = outcome
        return outcome is None or outcome.verdict is not Verdict.UNSATISFIABLE

    def _goes_with_guide(self, run: Run) -> bool:
        """Return whether the values last found lead along a run, too: then nobody need be asked."""
        if self._is_over():
            return False
        found = self._reader.collect(run.path, run.visits)
        return self._guide is not None and not found.definitions and all(map(self._holds, found.requirements))

    def _holds(self, item: Requirement) -> bool:
        assert self._guide is not None
        if not self._guide.values.keys() >= set(item.bind.values()):
            return False
        guard = Guard(text=item.text, dialect=item.dialect, tree=read_as(item.text, item.dialect))
        try:
            return holds(guard, native_scope(self._guide.values, self._guide.kinds, item.bind)) is item.holds
        except ExpressionError:
            return False

    def _found_through(
        self, finder: RunFinder, goal: str, *, times: int, limit: int, covered: frozenset[str]
    ) -> Search:
        """Return a run through a flow, guided by values that make the flow itself possible."""
        if self._is_over():
            return Search(run=None, exhausted=False)
        self._guide = self._solved(Run(path=(goal,), visits=(), provokes=()), values=False)[1]
        alone = self._guide is not None and self._guide.verdict is Verdict.UNSATISFIABLE
        if alone and self._chooses_one(self._flows[goal].source):
            return Search(run=None, exhausted=True)  # no values at all lead along the flow, wherever they come from
        search = finder.find(
            goal,
            times=times,
            feasible=self._may_be,
            limit=limit,
            likely=self._goes_with_guide,
            covered=covered,
        )
        return search if self._left > 0 and not self._stopped else replace(search, exhausted=False)

    # --- replacements ------------------------------------------------------------------------------------------------

    def _promoted(
        self, cover: list[JudgedScenario], further: list[JudgedScenario], infeasible: list[JudgedScenario]
    ) -> tuple[list[JudgedScenario], list[JudgedScenario]]:
        """Return cover and further scenarios after those that are there anyway have taken the place of infeasible ones."""
        gone = [item for item in infeasible if item.scenario.kind == "cover"]
        missing = {flow for item in gone for flow in item.scenario.path}
        missing -= {flow for item in cover for flow in item.scenario.path}
        cover, further = list(cover), list(further)
        while missing and further:
            best = max(further, key=lambda item: len(missing & set(item.scenario.path)))
            newly = missing & set(best.scenario.path)
            if not newly:
                break
            further.remove(best)
            keys = tuple(item.scenario.key for item in gone if newly & set(item.scenario.path))
            cover.append(replace(best, scenario=replace(best.scenario, kind="cover", of=""), replaces=keys))
            missing -= newly
        return cover, further

    def _replaced(
        self, cover: list[JudgedScenario], infeasible: list[JudgedScenario]
    ) -> tuple[list[JudgedScenario], list[LostElement]]:
        """Return runs through the flows that only infeasible scenarios of the cover take, and the flows that have none."""
        finder = RunFinder(self._graph, self._composed.process_id, max_loop=self._max_loop)
        gone = [item for item in infeasible if item.scenario.kind == "cover"]
        walked = {flow for item in cover for flow in item.scenario.path}
        found: list[JudgedScenario] = []
        lost: list[LostElement] = []
        for flow in dict.fromkeys(flow for item in gone for flow in item.scenario.path):
            if flow in walked or not self._counts(flow, cover, found):
                continue
            search = self._found_through(finder, flow, times=1, limit=MAX_REFUSALS, covered=frozenset(walked))
            if search.run is None:
                # Where no run at all is found, it is not the conditions that stand against it.
                proven = (
                    search.exhausted and finder.find(flow, feasible=lambda _: True, limit=MAX_REFUSALS).run is not None
                )
                lost.append(self._lost(flow, gone, proven=proven))
                continue
            replaces = tuple(item.scenario.key for item in gone if flow in item.scenario.path)
            found.append(replace(self.judge(self._scenario(search.run, "cover", "")), replaces=replaces))
            walked.update(search.run.path)
        return found, lost

    def _counts(self, flow: str, cover: list[JudgedScenario], found: list[JudgedScenario]) -> bool:
        """Return whether the criterion asks for a flow that nothing covers."""
        criterion = self._composed.criterion
        source = self._flows[flow].source
        if criterion is Criterion.DECISION:
            return sum(1 for item in self._graph.flows if item.source == source) > 1
        if criterion is Criterion.NODE:
            visited = {node for item in (*cover, *found) for node in item.scenario.visits}
            return self._flows[flow].target not in visited
        return True

    def _lost(self, flow: str, gone: Iterable[JudgedScenario], *, proven: bool) -> LostElement:
        conflict = next(item for item in gone if flow in item.scenario.path)
        reason = "; ".join(item.said for item in conflict.core)
        if self._stopped and not proven:
            said = f"{self._budget.reason}; the run planned through it is impossible: {reason}"
            return LostElement(element_id=flow, reason=said, proven=False)
        how = (
            "every run through it is impossible" if proven else "no possible run through it was found within the bounds"
        )
        return LostElement(
            element_id=flow, reason=f"{how}, for example: {reason}", proven=proven, unless=conflict.unless
        )

    def _replaced_extra(self, gone: JudgedScenario) -> JudgedScenario | None:
        """Return another run for what an infeasible loop or boundary scenario was added for."""
        scenario = gone.scenario
        goal = scenario.of
        if goal not in self._flows:
            goal = next((flow for flow in scenario.path if self._flows[flow].source == scenario.of), "")
        if not goal:
            return None  # what it was added for is no flow, and no flow of the path leaves it
        finder = RunFinder(self._graph, self._composed.process_id, max_loop=self._max_loop)
        times = max(1, scenario.path.count(goal))
        search = self._found_through(finder, goal, times=times, limit=MAX_REFUSALS // 2, covered=frozenset(self._flows))
        if search.run is None:
            return None
        judged = self.judge(self._scenario(search.run, scenario.kind, scenario.of))
        return replace(judged, replaces=(scenario.key,))

    def _chooses_one(self, node_id: str) -> bool:
        return any(node.id == node_id and node.type is NodeType.EXCLUSIVE_GATEWAY for node in self._graph.nodes)

    def _scenario(self, run: Run, kind: str, of: str) -> ComposedScenario:
        key = self._keys.key(run.path, run.visits, run.provokes)
        return ComposedScenario(
            key=key, path=run.path, visits=run.visits, provokes=run.provokes, kind=kind, of=of, barriers=run.barriers
        )

    def _without_needless(self, cover: list[JudgedScenario]) -> list[JudgedScenario]:
        """Return a cover without scenarios whose every flow and node another one takes, last ones first."""
        kept = list(cover)
        for item in reversed(cover):
            others = {element for other in kept if other is not item for element in _elements(other)}
            if _elements(item) <= others:
                kept.remove(item)
        return kept

    def _reports(self, judged: Iterable[JudgedScenario]) -> tuple[VariableReport, ...]:
        uses: dict[str, list[tuple[Version, str]]] = {}
        for item in judged:
            found = self._solved(Run.of(item.scenario))[0]
            for version, flow in found.reads:
                uses.setdefault(version.variable, []).append((version, flow))
        return reports(uses)


def _elements(judged: JudgedScenario) -> set[str]:
    return {*judged.scenario.path, *judged.scenario.visits}
