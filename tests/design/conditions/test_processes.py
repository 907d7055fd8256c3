"""Forty processes with arithmetic, dates, null, texts, membership, loops and conflicts, against a service that branches."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("z3", reason="the extra `solver` is not installed")

from branching_rules import RULES
from branching_service import KEYS, PROCESSES, BranchingService, every_run
from judged_processes import graph_of, judged, judged_path, order_of
from token_player import judge_composed, read_bpmn

from orchestra_kit.design.conditions import PathStatus, data_tables
from orchestra_kit.model import NodeType


def _agrees(key: str, planned: tuple[str, ...], taken: list[str]) -> bool:
    """Return whether the run is the plan; a plan that walks one branch of a parallel split at a time is a part of it."""
    if list(planned) == taken:
        return True
    splits = any(node.type is NodeType.PARALLEL_GATEWAY for node in graph_of(key).nodes)
    rest = iter(taken)
    return splits and all(flow in rest for flow in planned)


def test_there_are_rules_for_every_process() -> None:
    assert len(KEYS) >= 40 and set(KEYS) == set(RULES)


@pytest.mark.parametrize("key", KEYS)
def test_every_condition_is_read(key: str) -> None:
    assert judged(key).unread == ()
    guarded = {flow.id for flow in graph_of(key).flows if flow.condition}
    assert guarded == set(RULES[key])


@pytest.mark.parametrize("key", KEYS)
def test_the_service_takes_every_feasible_path_with_the_data_found(key: str, service: BranchingService) -> None:
    for scenario in judged(key).scenarios:
        assert scenario.status is PathStatus.FEASIBLE, scenario.reason
        rows: list[dict[str, Any]] = [dict(scenario.values), *(variant.values for variant in scenario.variants)]
        for values in rows:
            start, writes = order_of(key, scenario, values)
            taken = service.path_of(key, start, writes)
            assert _agrees(key, scenario.scenario.path, taken), (values, taken)


@pytest.mark.parametrize("key", KEYS)
def test_every_scenario_that_remains_is_a_run_by_the_token_player(key: str) -> None:
    model = read_bpmn((PROCESSES / f"{key}.bpmn").read_bytes())
    for scenario in (item.scenario for item in judged(key).scenarios):
        assert judge_composed(model, judged(key).process_id, scenario.path, scenario.provokes) is None


@pytest.mark.parametrize("key", KEYS)
def test_no_values_of_a_small_domain_lead_along_an_infeasible_path(key: str) -> None:
    possible = set(every_run(key))
    for scenario in judged(key).infeasible:
        assert scenario.core, "a proof names the conditions that conflict"
        assert scenario.scenario.path not in possible


@pytest.mark.parametrize("key", KEYS)
def test_every_path_that_values_lead_along_is_found_feasible(key: str) -> None:
    for path, given in every_run(key).items():
        assert judged_path(key, path).status is PathStatus.FEASIBLE, (path, given)


@pytest.mark.parametrize("key", KEYS)
def test_the_feasible_suite_covers_every_flow_that_values_lead_along(key: str) -> None:
    possible = {flow for path in every_run(key) for flow in path}
    suite = judged(key)
    covered = {flow for item in suite.cover for flow in item.scenario.path}
    assert possible <= covered
    assert not {item.element_id for item in suite.lost} & possible
    assert all(item.proven for item in suite.lost)
    assert covered | {item.element_id for item in suite.lost} == {flow.id for flow in graph_of(key).flows}


@pytest.mark.parametrize("key", KEYS)
def test_data_sets_hold_a_base_row_and_rows_around_limits(key: str) -> None:
    suite = judged(key)
    tables = data_tables(suite)
    for scenario in suite.scenarios:
        if not scenario.settable():
            assert scenario.scenario.key not in tables
            continue
        rows = tables[scenario.scenario.key].rows
        assert rows[0].key == "base" and rows[0].values == scenario.settable()
        assert len({repr(sorted(row.values.items(), key=str)) for row in rows}) == len(rows)


def test_both_sizes_are_told_for_all_processes() -> None:
    structural = sum(judged(key).structural_size for key in KEYS)
    feasible = sum(judged(key).feasible_size for key in KEYS)
    assert structural > 0 and feasible > 0
    assert sum(len(judged(key).infeasible) for key in KEYS) >= 15
