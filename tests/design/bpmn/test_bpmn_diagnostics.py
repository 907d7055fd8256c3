"""One named diagnostic for each defect, with the element and the line."""

from __future__ import annotations

import pytest

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.bpmn.findings import MOST_OF_ONE_CODE

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def diagnose(content: str, *, process: str = 'id="p"') -> list[tuple[str, str | None, int | None]]:
    text = f'<definitions xmlns="{MODEL}">\n<process {process}>\n{content}\n</process></definitions>'
    return [(item.code, item.element_id, item.line) for item in read_bpmn(text.encode(), source="x").diagnostics]


def flow(identifier: str, source: str, target: str, inner: str = "") -> str:
    return f'<sequenceFlow id="{identifier}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>'


START, END = '<startEvent id="s"/>', '<endEvent id="e"/>'
GOOD = START + '<task id="t"/>' + END + flow("f", "s", "t") + flow("g", "t", "e")
CONDITION = "<conditionExpression>x</conditionExpression>"


def test_a_sound_process_has_no_diagnostic() -> None:
    assert diagnose(GOOD) == []


@pytest.mark.parametrize(
    "content,code,element",
    [
        (GOOD + flow("d", "t", "gone"), "DANGLING_FLOW", "d"),
        (GOOD + '<sequenceFlow id="d" sourceRef="t"/>', "DANGLING_FLOW", "d"),
        (GOOD + '<dataObject id="o"/>' + flow("d", "t", "o"), "DANGLING_FLOW", "d"),
        (GOOD + '<textAnnotation id="t"/>', "DUPLICATE_ID", "t"),
        (GOOD + '<boundaryEvent id="b"><timerEventDefinition/></boundaryEvent>' + flow("h", "b", "e"),
         "BOUNDARY_WITHOUT_HOST", "b"),
        (GOOD + '<boundaryEvent id="b" attachedToRef="s"><timerEventDefinition/></boundaryEvent>' + flow("h", "b", "e"),
         "BOUNDARY_WITHOUT_HOST", "b"),
        (GOOD + '<boundaryEvent id="b" attachedToRef="t"><timerEventDefinition/></boundaryEvent>', "BOUNDARY_WITHOUT_FLOW", "b"),
        (GOOD.replace('<task id="t"/>', '<task id="t" default="f"/>'), "DEFAULT_FLOW_NOT_OUTGOING", "t"),
        (GOOD + '<task id="u"/>' + flow("h", "u", "e"), "UNREACHABLE", "u"),
        (GOOD + '<task id="u"/><task id="v"/>' + flow("h", "u", "v") + flow("i", "v", "u"), "UNREACHABLE", "u"),
        (GOOD + '<task id="u"/>' + flow("h", "t", "u") + flow("i", "u", "u"), "NO_WAY_OUT", "u"),
        ('<task id="t"/>' + END + flow("g", "t", "e"), "NO_START", "p"),
        (START + '<task id="t"/>' + flow("f", "s", "t"), "NO_END", "p"),
        (GOOD + flow("h", "t", "s"), "START_WITH_INCOMING", "s"),
        (GOOD + flow("h", "e", "t"), "END_WITH_OUTGOING", "e"),
        (GOOD + '<widget id="w"/>', "UNKNOWN_ELEMENT", "w"),
        (GOOD.replace(flow("g", "t", "e"), flow("g", "t", "e", CONDITION)), "SINGLE_CONDITIONAL_FLOW", "t"),
        (GOOD + '<subProcess id="q"><task id="i"/></subProcess>' + flow("h", "t", "i") + flow("j", "t", "q"),
         "FLOW_CROSSES_BORDER", "h"),
        (START + '<intermediateThrowEvent id="l" name="A"><linkEventDefinition name="A"/></intermediateThrowEvent>'
         + flow("f", "s", "l"), "LINK_WITHOUT_TARGET", "l"),
        (GOOD + '<subProcess id="q" triggeredByEvent="true"><task id="i"/></subProcess>', "EVENT_SUB_PROCESS_STARTS", "q"),
        (GOOD.replace(END, '<endEvent id="e"><timerEventDefinition/></endEvent>'), "EVENT_DEFINITION_NOT_ALLOWED", "e"),
        (GOOD.replace('<task id="t"/>', '<eventBasedGateway id="t"/><task id="u"/>') + flow("h", "t", "u") + flow("i", "u", "e"),
         "EVENT_GATEWAY_TARGET", "t"),
    ],
)  # fmt: skip
def test_each_defect_is_named_with_its_element(content: str, code: str, element: str) -> None:
    found = diagnose(content)
    assert (code, element) in [(item[0], item[1]) for item in found]
    assert all(line == 3 or item == "p" for _, item, line in found)


@pytest.mark.parametrize(
    "content",
    [
        # compensation handlers, event sub-processes, ad-hoc content, links and boundary events need no incoming flow
        GOOD + '<boundaryEvent id="b" attachedToRef="t"><compensateEventDefinition/></boundaryEvent>'
        '<task id="h" isForCompensation="true"/><association id="a" sourceRef="b" targetRef="h"/>',
        GOOD + '<subProcess id="q" triggeredByEvent="true"><startEvent id="i"><messageEventDefinition/></startEvent>'
        '<endEvent id="j"/>' + flow("k", "i", "j") + "</subProcess>",
        GOOD.replace('<task id="t"/>', '<adHocSubProcess id="t"><task id="i"/><task id="j"/></adHocSubProcess>'),
        START + '<intermediateThrowEvent id="l"><linkEventDefinition name="A \n B"/></intermediateThrowEvent>'
        '<intermediateCatchEvent id="m"><linkEventDefinition name="A B"/></intermediateCatchEvent>'
        + END + flow("f", "s", "l") + flow("g", "m", "e"),
        '<task id="only"/>',
        '<task id="a"/><task id="b"/>' + flow("f", "a", "b"),
        '<receiveTask id="r" instantiate="true"/>' + END + flow("f", "r", "e"),
    ],
)  # fmt: skip
def test_legal_constructs_raise_no_alarm(content: str) -> None:
    assert diagnose(content) == []


def test_one_cause_gives_one_diagnostic() -> None:
    chain = "".join(f'<task id="u{index}"/>' for index in range(5))
    chain += "".join(flow(f"v{index}", f"u{index}", f"u{index + 1}") for index in range(4)) + flow("w", "u4", "e")
    assert [item[0] for item in diagnose(GOOD + chain)] == ["UNREACHABLE"]


def test_an_empty_file_of_processes_and_none_at_all() -> None:
    assert [item[0] for item in diagnose("")] == ["EMPTY_PROCESS"]
    text = f'<definitions xmlns="{MODEL}"><collaboration><participant id="a"/></collaboration></definitions>'
    document = read_bpmn(text.encode(), source="x")
    assert document.ok
    assert [item.code for item in document.diagnostics] == ["NO_PROCESS"]
    nothing = read_bpmn(f'<definitions xmlns="{MODEL}"/>'.encode(), source="x")
    assert not nothing.ok


def test_a_flood_of_one_defect_is_counted() -> None:
    found = diagnose("".join(flow(f"f{index}", "a", "b") for index in range(MOST_OF_ONE_CODE + 50)))
    assert found[-1][0] == "MORE_LIKE_THIS"
    assert len([item for item in found if item[0] == "DANGLING_FLOW"]) == MOST_OF_ONE_CODE
