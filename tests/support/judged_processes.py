"""The processes of tests/design/conditions, read and judged once each."""

from __future__ import annotations

from functools import cache
from typing import Any

from branching_rules import WRITES
from branching_service import PROCESSES

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.conditions import FeasibleSuite, JudgedScenario, judge_paths
from orchestra_kit.design.coverage import ComposedScenario, ComposedSuite, Criterion, compose
from orchestra_kit.model import ControlFlowGraph
from orchestra_kit.solver import open_solver


@cache
def graph_of(key: str) -> ControlFlowGraph:
    path = PROCESSES / f"{key}.bpmn"
    return read_bpmn(path.read_bytes(), source=path.name).graph


@cache
def judged(key: str) -> FeasibleSuite:
    """Return the judged suite of a process."""
    graph = graph_of(key)
    return judge_paths(graph, compose(graph, graph.processes[0].id), open_solver(), file=f"{key}.bpmn")


def judged_path(key: str, path: tuple[str, ...]) -> JudgedScenario:
    """Return what is found about one path, whatever the plan says."""
    graph = graph_of(key)
    nodes = [node for flow in path for node in _ends(graph, flow)]
    scenario = ComposedScenario(key="asked", path=path, visits=tuple(dict.fromkeys(nodes)))
    suite = ComposedSuite(
        process_id=graph.processes[0].id, criterion=Criterion.FLOW, scenarios=(scenario,), size=1, lower_bound=0
    )
    found = judge_paths(graph, suite, open_solver(), boundaries=False)
    return next(item for item in (*found.scenarios, *found.infeasible) if item.scenario.key == "asked")


def _ends(graph: ControlFlowGraph, flow_id: str) -> tuple[str, str]:
    flow = next(item for item in graph.flows if item.id == flow_id)
    return flow.source, flow.target


def order_of(key: str, scenario: JudgedScenario, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the service is given: variables at the start, and what each element is to write, visit by visit."""
    start: dict[str, Any] = {}
    writes: dict[str, list[dict[str, Any]]] = {}
    writer = {name: node for node, names in WRITES.get(key, {}).items() for name in names}
    for version in scenario.versions:
        if version.computed or version.symbol not in values:
            continue
        value = values[version.symbol]
        if version.variable in writer:
            writes.setdefault(writer[version.variable], []).append({version.variable: value})
        else:
            start[version.variable] = value
    return start, writes
