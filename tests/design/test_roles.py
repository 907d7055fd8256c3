"""Who does an element: its own word, its lane, its participant, else its construct."""

from __future__ import annotations

import pytest
from small_projects import binding_of, flows, graph_of

from orchestra_kit.design.roles import RoleTable
from orchestra_kit.errors import UnknownNameError
from orchestra_kit.model import ControlFlowGraph

LANES = """
<laneSet id="L">
  <lane id="Lane_Shop" name="Shop"><flowNodeRef>A</flowNodeRef><flowNodeRef>S</flowNodeRef><flowNodeRef>Sub</flowNodeRef></lane>
  <lane id="Lane_Back" name="Back office"><flowNodeRef>B</flowNodeRef><flowNodeRef>C</flowNodeRef>
    <childLaneSet id="L2"><lane id="Lane_Robot"><flowNodeRef>C</flowNodeRef></lane></childLaneSet>
  </lane>
</laneSet>
"""
BODY = (
    LANES
    + """
<startEvent id="S"/><task id="A"/><serviceTask id="B"/><userTask id="C"/><scriptTask id="D"/>
<subProcess id="Sub"><startEvent id="S2"/><sendTask id="E"/><endEvent id="X2"/>"""
    + flows("g1 S2 E", "g2 E X2")
    + """</subProcess>
<receiveTask id="F"/><exclusiveGateway id="G"/><endEvent id="X"/>
<endEvent id="M"><messageEventDefinition id="m"/></endEvent>
<intermediateCatchEvent id="K"><messageEventDefinition id="k"/></intermediateCatchEvent>"""
    + flows("f1 S A", "f2 A B", "f3 B C", "f4 C D", "f5 D Sub", "f6 Sub F", "f7 F K", "f8 K G", "f9 G X", "f10 G M")
)
POOL = '<collaboration id="Co"><participant id="Pool" name="Our shop" processRef="P"/></collaboration>'


@pytest.fixture(scope="module")
def graph() -> ControlFlowGraph:
    return graph_of(BODY, before=POOL)


def roles(graph: ControlFlowGraph, text: str = "") -> dict[str, str]:
    binding, document = binding_of(text)
    table = RoleTable(graph, binding, document)
    found = {node.id: table.role_of(node) for node in graph.nodes}
    return {identifier: role.value for identifier, role in found.items() if role is not None}


def test_the_construct_decides_without_a_word(graph: ControlFlowGraph) -> None:
    assert roles(graph) == {
        "A": "driven", "B": "driven", "C": "driven", "D": "observed", "E": "driven", "F": "observed",
        "M": "driven", "K": "observed",
    }  # fmt: skip


def test_a_lane_by_id_or_name_an_inner_before_an_outer(graph: ControlFlowGraph) -> None:
    found = roles(graph, "roles: {Back office: observed, Lane_Robot: driven}")
    assert (found["A"], found["B"], found["C"]) == ("driven", "observed", "driven")


def test_a_lane_holds_what_its_sub_processes_hold(graph: ControlFlowGraph) -> None:
    assert roles(graph, "roles: {Lane_Shop: observed}")["E"] == "observed"


def test_the_participant_decides_for_all_but_what_only_waits(graph: ControlFlowGraph) -> None:
    assert set(roles(graph, "roles: {Our shop: observed}").values()) == {"observed"}
    driven = roles(graph, "roles: {Pool: driven}")
    assert {name for name, role in driven.items() if role == "observed"} == {"D", "F"}


def test_an_elements_own_word_comes_first(graph: ControlFlowGraph) -> None:
    text = "roles: {Lane_Shop: observed}\nelements: {A: {role: driven}, B: {role: observed}}"
    found = roles(graph, text)
    assert (found["A"], found["B"]) == ("driven", "observed")


def test_an_unknown_lane_is_told_with_the_nearest(graph: ControlFlowGraph) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown lane or participant 'Lane_Bck'.*'Lane_Back'") as caught:
        roles(graph, "roles: {Lane_Bck: observed}")
    assert caught.value.place is not None
    assert caught.value.place.line == 3
