"""Variables told as free on a path: whoever fills them as he likes stays on it."""

from __future__ import annotations

from itertools import product
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("z3", reason="the extra `solver` is not installed")

from branching_rules import DOMAINS, WRITES
from branching_service import KEYS, BranchingService
from judged_processes import judged, order_of
from small_languages import FLAGS, NUMBERS, TEXTS, Written, conditions
from small_projects import flows
from small_projects import graph_of as graph

from orchestra_kit.design.conditions import FeasibleSuite, PathStatus, judge_paths
from orchestra_kit.design.coverage import compose
from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.conditions import read_guard
from orchestra_kit.expressions.deciding import holds
from orchestra_kit.expressions.native import native_scope
from orchestra_kit.solver import open_solver

SOLVER = open_solver()
_ABSENT = object()
_ANY = [_ABSENT, None, True, 0, 7, "", "x", "true", [1], {"n": 1}]


def _decisions(*decisions: list[str]) -> str:
    """Return a process of exclusive gateways in a row: flow `g0_1` has the second condition of the first, `g0` is its default."""
    body = '<startEvent id="s"/><endEvent id="e"/>' + flows("in s x0")
    for number, texts in enumerate(decisions):
        target = f"x{number + 1}" if number + 1 < len(decisions) else "e"
        body += f'<exclusiveGateway id="x{number}" default="g{number}"/>'
        for place, text in enumerate(texts):
            body += f'<task id="t{number}_{place}"/>' + flows(f"h{number}_{place} t{number}_{place} {target}")
            body += (
                f'<sequenceFlow id="g{number}_{place}" sourceRef="x{number}" targetRef="t{number}_{place}">'
                f'<conditionExpression xsi:type="tFormalExpression">{escape(text)}</conditionExpression></sequenceFlow>'
            )
        body += flows(f"g{number} x{number} {target}")
    return body


def _judged(*decisions: list[str]) -> FeasibleSuite:
    found = graph(_decisions(*decisions))
    return judge_paths(found, compose(found, "P"), SOLVER, boundaries=False)


def _walked(decisions: list[list[str]], scope: dict[str, Any]) -> list[str] | None:
    """Return the flows out of the gateways that values lead along; None where an engine would stop."""
    path = []
    for number, texts in enumerate(decisions):
        taken = f"g{number}"
        for place, text in enumerate(texts):
            try:
                if holds(read_guard(text), scope):
                    taken = f"g{number}_{place}"
                    break
            except ExpressionError:
                return None
        path.append(taken)
    return path


def test_a_variable_that_must_be_null_is_null_in_the_data_and_not_free() -> None:
    suite = _judged(["= a = null", "= a > 5 or a < 3"], ['= a != null and b = "x" + c'], ["= string length(c) > 3"])
    found = next(item for item in suite.scenarios if "g0_0" in item.scenario.path)
    assert found.status is PathStatus.FEASIBLE
    told = found.to_json()
    assert told["data"]["a"] is None and told["free"] == ["b"] and told["absent"] == []


@pytest.mark.parametrize(
    "condition", ['size(items) > 2 && "a" in items', '= matches(x, "(a+)+$")', "${x == null or x > 5}"]
)
def test_a_variable_whose_condition_must_be_false_is_not_free(condition: str) -> None:
    suite = _judged([condition])
    found = next(item for item in suite.scenarios if "g0" in item.scenario.path)
    assert (found.status, found.free) == (PathStatus.FEASIBLE, ())


def test_where_a_condition_is_not_read_nothing_is_free() -> None:
    decisions = ["= a > 5 and b > 5"], ["${bean.decides(execution)}"]
    known, unknown = _judged(decisions[0]), _judged(*decisions)
    assert {item.free for item in known.scenarios if "g0" in item.scenario.path} == {("b",)}
    assert {item.free for item in unknown.scenarios} == {()}


def test_a_variable_that_must_not_be_there_is_told() -> None:
    suite = _judged(["= is defined(a)"])
    found = next(item for item in suite.scenarios if "g0" in item.scenario.path).to_json()
    assert (found["data"], found["absent"], found["free"]) == ({}, ["a"], [])


def _null(name: str) -> Written:
    return Written(f"({name} = null)", f"({name} == null)", f"({name} == null)", "")


_leaves = conditions | st.sampled_from([*NUMBERS, *TEXTS, *FLAGS]).map(_null)
_gateways = st.lists(st.lists(_leaves, min_size=1, max_size=2), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(_gateways, st.sampled_from(["feel", "juel"]))
def test_no_value_of_free_variables_leads_off_the_path(gateways: list[list[Written]], language: str) -> None:
    decisions = [
        [f"= {item.feel}" if language == "feel" else f"${{{item.juel}}}" for item in items] for items in gateways
    ]
    for found in _judged(*decisions).scenarios:
        if found.status is not PathStatus.FEASIBLE:
            continue
        scope = native_scope(found.values, found.kinds, {name: name for name in found.values})
        planned = [flow for flow in found.scenario.path if flow.startswith("g")]
        for values in product(_ANY, repeat=min(2, len(found.free))):
            changed = scope | dict(zip(found.free, values, strict=False))
            there = {name: value for name, value in changed.items() if value is not _ABSENT}
            assert _walked(decisions, there) == planned, (decisions, found.free, there)


@pytest.mark.parametrize("key", KEYS)
def test_the_service_stays_on_the_path_whatever_free_variables_are(key: str, service: BranchingService) -> None:
    for scenario in judged(key).scenarios:
        for version in scenario.versions:
            if version.symbol not in scenario.free:
                continue
            writer = next((node for node, names in WRITES.get(key, {}).items() if version.variable in names), None)
            domain = DOMAINS[key][f"{writer}.{version.variable}" if writer else version.variable]
            for value in (None, *domain):
                start, writes = order_of(key, scenario, {**scenario.values, version.symbol: value})
                usual = service.path_of(key, *order_of(key, scenario, dict(scenario.values)))
                assert service.path_of(key, start, writes) == usual, (scenario.scenario.path, version.symbol, value)
