"""Sequence diagrams through the command: looked at, planned, stored, turned into a suite that passes against a service."""

from __future__ import annotations

import json

from command_line import CommandLine, Write
from order_shop import PROJECT, OrderShop, environment_of

FOLDER = PROJECT.parents[1] / "orders-sequence"
PAGE = FOLDER / "orders.md"


def test_process_inspect_counts_messages_and_fragments(orchestra: CommandLine) -> None:
    found = json.loads(orchestra.done("process", "inspect", PAGE, "--json").out)
    assert (found["ok"], found["sourceType"], found["messages"], found["fragments"]) == (True, "SEQUENCE", 13, 2)
    assert [(item["id"], item["messages"], item["fragments"]) for item in found["processes"]] == [
        ("Orders", 11, 2), ("Shipping", 2, 0)
    ]  # fmt: skip
    assert not found["diagnostics"]
    assert "13 messages, 2 fragments" in orchestra.done("process", "inspect", PAGE).out


def test_suite_plan_of_one_diagram_and_of_all(orchestra: CommandLine) -> None:
    one = orchestra.json("suite", "plan", PAGE, "--process", "Orders")
    (container,) = one["containers"]
    assert (container["size"], container["lowerBound"], container["unreachable"]) == (2, 2, [])
    both = orchestra.json("suite", "plan", PAGE)
    assert [item["process"] for item in both["containers"]] == ["Orders", "Shipping"]


def test_a_diagram_that_is_none_is_wrong_use(orchestra: CommandLine, write: Write) -> None:
    path = write("flow.mmd", "flowchart LR\n A-->B\n")
    assert "NOT_A_SEQUENCE_DIAGRAM" in orchestra.done("suite", "plan", path, code=2).err
    found = json.loads(orchestra.done("process", "inspect", path, "--json", code=2).out)
    assert found["ok"] is False


def test_a_diagram_is_stored_as_a_process(orchestra: CommandLine, write: Write) -> None:
    path = write("pay.puml", "@startuml pay\nactor A\nA -> B : GET /x\n@enduml\n")
    stored = orchestra.json("process", "import", path)
    assert (stored["sourceType"], stored["version"]) == ("SEQUENCE", 1)
    assert orchestra.json("process", "list")[0]["key"] == "pay"


def test_a_suite_out_of_a_page_passes_against_the_service(
    orchestra: CommandLine, shop: OrderShop, write: Write
) -> None:
    orchestra.done("env", "import", write("environment.json", environment_of(shop)))
    made = orchestra.json("suite", "generate", FOLDER, "--publish")
    assert (made["size"], made["lowerBound"], made["gap"]) == (2, 2, 0)
    assert not [gap for item in made["scenarios"] for gap in item["gaps"]]
    assert made["unobservable"] == {"m2": "shop does this within itself"}
    said = orchestra.json("suite", "run", "orders-by-messages", "--env", "test", "--executor", "inline", code=0)
    assert said["verdict"] == "PASSED" and len(said["runs"]) == len(made["scenarios"])
