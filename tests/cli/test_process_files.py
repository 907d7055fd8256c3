"""Several files and several pools through the command: calls opened, messages in order, both in one suite."""

from __future__ import annotations

from command_line import CommandLine, Write

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def bpmn(body: str) -> str:
    return f'<definitions xmlns="{MODEL}">{body}</definitions>'


def row(process: str, *nodes: tuple[str, str, str]) -> str:
    """A process of (tag, id, attributes) in a row."""
    elements = "".join(f'<{tag} id="{name}" name="{name}" {more}/>' for tag, name, more in nodes)
    flows = "".join(
        f'<sequenceFlow id="{process}_{place}" sourceRef="{nodes[place][1]}" targetRef="{nodes[place + 1][1]}"/>'
        for place in range(len(nodes) - 1)
    )
    return f'<process id="{process}">{elements}{flows}</process>'


SHOP = bpmn(
    row("shop", ("startEvent", "s", ""), ("callActivity", "call", 'calledElement="pay"'), ("endEvent", "e", ""))
)
PAY = bpmn(
    '<process id="pay"><startEvent id="in"/><exclusiveGateway id="by"/><task id="card"/><task id="bill"/>'
    '<sequenceFlow id="p1" sourceRef="in" targetRef="by"/><sequenceFlow id="p2" sourceRef="by" targetRef="card"/>'
    '<sequenceFlow id="p3" sourceRef="by" targetRef="bill"/></process>'
)
TALK = bpmn(
    '<collaboration id="c"><participant id="P1" name="Customer" processRef="a"/>'
    '<participant id="P2" name="Shop" processRef="b"/><messageFlow id="m1" sourceRef="ask" targetRef="asked"/>'
    '<messageFlow id="m2" sourceRef="reply" targetRef="answer"/></collaboration>'
    + row("a", ("startEvent", "s", ""), ("sendTask", "ask", ""), ("receiveTask", "answer", ""), ("endEvent", "e", ""))
    + row("b", ("receiveTask", "asked", ""), ("sendTask", "reply", ""))
)


def test_a_call_into_another_file_is_planned_in_place(orchestra: CommandLine, write: Write) -> None:
    shop, pay = write("shop.bpmn", SHOP), write("pay.bpmn", PAY)
    alone = orchestra.json("suite", "plan", shop)["suite"]
    assert alone["size"] == 1
    assert alone["calls"] == [{"elementId": "call", "calls": "pay", "why": "the process 'pay' is in no file given"}]
    assert "call call: the process 'pay' is in no file given" in orchestra.done("suite", "plan", shop).out
    both = orchestra.json("suite", "plan", shop, "--with", pay)["suite"]
    assert (both["size"], both["lowerBound"], both["gap"]) == (2, 2, 0)
    assert both["calls"] == [{"elementId": "call", "calls": "pay", "file": "pay.bpmn"}]


def test_a_file_beside_that_cannot_be_read_is_named(orchestra: CommandLine, write: Write) -> None:
    shop, none = write("shop.bpmn", SHOP), write("none.bpmn", "nothing")
    assert "none.bpmn" in orchestra.done("suite", "plan", shop, "--with", none, code=2).err


def test_pools_are_planned_together(orchestra: CommandLine, write: Write) -> None:
    path = write("talk.bpmn", TALK)
    suite = orchestra.json("suite", "plan", path)["suite"]
    assert (suite["size"], suite["lowerBound"], suite["gap"]) == (1, 1, 0)
    [together] = suite["collaborations"]
    [scenario] = together["scenarios"]
    assert scenario["messages"] == ["m1", "m2"]
    assert [node for _, node in scenario["order"]] == ["s", "ask", "asked", "reply", "answer", "e"]
    assert "a + b: 1 scenarios across their messages" in orchestra.done("suite", "plan", path).out


def test_a_project_generates_what_its_calls_and_pools_do(orchestra: CommandLine, write: Write) -> None:
    write("shop.bpmn", SHOP)
    write("pay.bpmn", PAY)
    project = write("orchestra.yaml", "suite: calls\nprocess: shop.bpmn\nincludes: [pay.bpmn]\nroles: {}\n")
    made = orchestra.json("suite", "generate", project)
    assert (made["size"], made["lowerBound"]) == (2, 2)
    assert {note["elementId"] for note in made["notes"]} >= {"card", "bill"}
    write("talk.bpmn", TALK)
    talk = write(
        "talk.yaml", "suite: talk\nprocess: talk.bpmn\ncollaboration: true\nroles: {Customer: driven, Shop: observed}\n"
    )
    made = orchestra.json("suite", "generate", talk)
    assert made["size"] == 1
    roles = {note["elementId"]: note["role"] for note in made["notes"]}
    assert roles == {"ask": "driven", "answer": "observed", "asked": "observed", "reply": "observed"}


def test_a_collaboration_of_one_is_wrong_use(orchestra: CommandLine, write: Write) -> None:
    write("shop.bpmn", SHOP)
    project = write("orchestra.yaml", "suite: x\nprocess: shop.bpmn\ncollaboration: true\n")
    assert "exchanges messages with no other process" in orchestra.done("suite", "generate", project, code=2).err
