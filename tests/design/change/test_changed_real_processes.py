"""Random edits of real models: verdicts and proposals agree with a token player that shares no code."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from process_editing import after, change_ids, edited, move_shapes
from token_player import fewest_runs, judge_composed
from token_player import read_bpmn as read_model

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.change import Verdict, check_scenarios, diff_graphs, match_graphs, restore_coverage
from orchestra_kit.design.coverage import compose
from orchestra_kit.model import ControlFlowGraph, TestScenario

Make = Callable[..., TestScenario]
EXAMPLES = int(os.environ.get("ORCHESTRA_EXAMPLES", "120"))


def graph_of(data: bytes) -> ControlFlowGraph:
    return read_bpmn(data, source="test").graph


def runs_of(data: bytes, graph: ControlFlowGraph, process: str) -> list[tuple[str, ...]]:
    """Return paths that the player accepts: those of the plan, and those that bring back coverage from nothing."""
    model = read_model(data)
    paths = [item.path for item in compose(graph, process).scenarios[:8]]
    paths += [item.path for item in restore_coverage(graph, process, []).scenarios[:8]]
    return [path for path in dict.fromkeys(paths) if path and judge_composed(model, process, path) is None]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 3))
def test_verdicts_agree_with_the_token_player(
    real_files: list[Path], scenario: Make, pick: int, seed: int, times: int
) -> None:
    path = real_files[pick % len(real_files)]
    old_data = path.read_bytes()
    try:
        new_data = edited(old_data, seed, times=times)
    except (ValueError, StopIteration, SyntaxError):
        return  # this file cannot be edited: it is not well-formed, or has no process
    old, new = graph_of(old_data), graph_of(new_data)
    model = read_model(new_data)
    for process in [item.id for item in old.processes if item.flows][:2]:
        stored = [scenario(run, f"s{index}") for index, run in enumerate(runs_of(old_data, old, process))]
        checked = check_scenarios(old, new, stored, process_id=process)
        ends = {flow.id: {flow.source, flow.target} for flow in new.flows}
        before = {flow.id: {flow.source, flow.target} for flow in old.flows}
        there = {node.id for node in new.nodes}
        for item, verdict in zip(stored, checked.scenarios, strict=True):
            if verdict.verdict in (Verdict.VALID, Verdict.MOVED):
                assert judge_composed(model, process, verdict.new_path) is None, (path.name, verdict)
                assert (verdict.verdict is Verdict.VALID) == (verdict.new_path == item.path)
            else:
                assert verdict.troubles and all(trouble.why for trouble in verdict.troubles)
                visited = set().union(*(before[flow] for flow in item.path)) & there
                still = set().union(*(ends.get(flow, set()) for flow in item.path))
                assert judge_composed(model, process, item.path) is not None or not visited <= still
        restoration = checked.restoration
        assert restoration.lower_bound <= len(restoration.scenarios) + len(restoration.beyond)
        for added in restoration.scenarios:
            assert judge_composed(model, process, added.path) is None, (path.name, added)
        held = {flow for item in checked.scenarios for flow in item.new_path}
        assert set(restoration.uncovered) - set(restoration.beyond) <= held | {
            flow for added in restoration.scenarios for flow in added.path
        }


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_bound_is_never_above_what_brute_force_needs(real_files: list[Path], pick: int, seed: int) -> None:
    path = real_files[pick % len(real_files)]
    try:
        data = edited(path.read_bytes(), seed, times=2)
    except (ValueError, StopIteration, SyntaxError):
        return
    graph, model = graph_of(data), read_model(data)
    for process in [item.id for item in graph.processes if 0 < item.flows <= 12][:2]:
        if any(node.type.is_container for node in graph.nodes if node.process_id == process):
            continue
        runs = fewest_runs(model, process, boundaries=True)
        restoration = restore_coverage(graph, process, [])
        if runs is not None and set(restoration.uncovered) <= runs[1]:
            assert restoration.lower_bound <= max(1, runs[0])


def test_layout_is_no_change_and_every_scenario_stays_valid(real_files: list[Path], scenario: Make) -> None:
    seen = 0
    for path in real_files[::5]:
        data = path.read_bytes()
        try:
            moved = after(data, move_shapes)
        except (ValueError, StopIteration, SyntaxError):
            continue
        old, new = graph_of(data), graph_of(moved)
        if [item.id for item in old.nodes] != [item.id for item in new.nodes] or old.nodes[0].id != new.nodes[0].id:
            continue  # made ids hold line numbers
        assert diff_graphs(old, new).changes == ()
        for process in [item.id for item in old.processes if item.flows]:
            stored = [scenario(run, f"s{index}") for index, run in enumerate(runs_of(data, old, process))]
            checked = check_scenarios(old, new, stored, process_id=process)
            assert all(item.verdict is Verdict.VALID for item in checked.scenarios)
            seen += len(stored)
    assert seen > 0 or not real_files


def test_elements_are_found_again_when_all_ids_are_new(real_files: list[Path]) -> None:
    right = total = 0
    for path in real_files:
        data = path.read_bytes()
        try:
            changed = after(data, change_ids)
        except (ValueError, StopIteration, SyntaxError):
            continue
        old, new = graph_of(data), graph_of(changed)
        matching = match_graphs(old, new)
        for flow in old.flows:
            total += 1
            right += matching.flows.get(flow.id, "").endswith(flow.id)
    if total == 0:
        pytest.skip("no process file could be read")
    assert right / total > 0.99


@settings(max_examples=EXAMPLES // 3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 2))
def test_runs_are_carried_over_to_new_ids(
    real_files: list[Path], scenario: Make, pick: int, seed: int, times: int
) -> None:
    path = real_files[pick % len(real_files)]
    old_data = path.read_bytes()
    try:
        new_data = after(edited(old_data, seed, times=times) if times else old_data, change_ids)
    except (ValueError, StopIteration, SyntaxError):
        return
    old, new, model = graph_of(old_data), graph_of(new_data), read_model(new_data)
    processes = match_graphs(old, new).processes
    for process in [item.id for item in old.processes if item.flows][:2]:
        stored = [scenario(run, f"s{index}") for index, run in enumerate(runs_of(old_data, old, process))]
        for verdict in check_scenarios(old, new, stored, process_id=process).scenarios:
            if verdict.verdict is Verdict.BROKEN:
                assert times > 0, (path.name, verdict)
            else:
                assert judge_composed(model, processes[process], verdict.new_path) is None, (path.name, verdict)
