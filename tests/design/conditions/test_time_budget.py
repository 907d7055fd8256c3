"""The time for the conditions of a file: what is left when it is over is told as not decided, and nothing is asked any more."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

pytest.importorskip("z3", reason="the extra `solver` is not installed")

from judged_processes import graph_of

from orchestra_kit.app.path_conditions import condition_lines
from orchestra_kit.design.conditions import FeasibleSuite, PathStatus, TimeBudget, judge_paths
from orchestra_kit.design.coverage import compose
from orchestra_kit.solver import open_solver
from orchestra_kit.spi.solver import SolveOutcome, Solver, SolveRequest

_REASON = "not decided: the 20 s for the conditions of a file are over"


@dataclass
class _Slow:
    """The solver, with a clock that only its answers move."""

    seconds: float
    now: float = 100.0
    limits: list[float] = field(default_factory=list)
    solver: Solver = field(default_factory=open_solver)

    def solve(self, request: SolveRequest) -> SolveOutcome:
        self.now += self.seconds
        self.limits.append(request.time_limit)
        return self.solver.solve(request.model_copy(update={"time_limit": 60.0}))

    def budget(self) -> TimeBudget:
        return TimeBudget(seconds=20.0, clock=lambda: self.now)


def _judged(key: str, solver: _Slow, budget: TimeBudget) -> FeasibleSuite:
    graph = graph_of(key)
    return judge_paths(graph, compose(graph, graph.processes[0].id), solver, budget=budget)


def test_what_is_asked_before_the_time_is_over_is_decided_and_the_rest_told() -> None:
    solver = _Slow(seconds=12.0)
    suite = _judged("feel-shadowed", solver, solver.budget())
    assert len(solver.limits) == 2, "two questions of 12 seconds each, then none"
    first, second = suite.scenarios
    assert (first.status, first.reason) == (PathStatus.FEASIBLE, "")
    assert (second.status, second.reason) == (PathStatus.UNKNOWN, _REASON)
    assert len(suite.infeasible) == 1 and suite.not_decided == _REASON


def test_the_last_question_gets_no_more_time_than_there_is() -> None:
    solver = _Slow(seconds=18.0)
    _judged("feel-shadowed", solver, solver.budget())
    assert solver.limits[:2] == [5.0, 2.0]


def test_a_flow_whose_other_runs_were_not_searched_for_is_lost_without_proof() -> None:
    quick, slow = _Slow(seconds=0.0), _Slow(seconds=12.0)
    decided = _judged("feel-shadowed", quick, quick.budget())
    assert decided.lost and all(item.proven for item in decided.lost)
    assert decided.not_decided == "" and "notDecided" not in decided.to_json()
    stopped = _judged("feel-shadowed", slow, slow.budget())
    assert {item.element_id for item in stopped.lost} == {item.element_id for item in decided.lost}
    assert all(not item.proven and item.reason.startswith(_REASON) for item in stopped.lost)
    told = stopped.to_json()
    assert told["notDecided"] == _REASON
    assert f"    {_REASON}" in condition_lines({"conditions": [told]})


def test_processes_of_one_file_share_the_time() -> None:
    solver = _Slow(seconds=20.0)
    budget = solver.budget()
    _judged("feel-stock", solver, budget)
    asked = len(solver.limits)
    second = _judged("feel-shadowed", solver, budget)
    assert asked == 1 and len(solver.limits) == 1
    assert {item.reason for item in second.scenarios} == {_REASON} and second.not_decided == _REASON
