"""Edits of BPMN files as people make them: names, ids, positions, elements put in and taken out, flows led elsewhere."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from lxml import etree

TASKS = frozenset(
    {"task", "userTask", "serviceTask", "sendTask", "receiveTask", "scriptTask", "manualTask", "businessRuleTask"}
)
NAMES = TASKS | {"exclusiveGateway", "startEvent", "endEvent"}


class Model:
    """A BPMN file that is being edited."""

    def __init__(self, data: bytes) -> None:
        self.root = etree.fromstring(data, etree.XMLParser(remove_comments=True, remove_pis=True))
        first = next(item for item in self.root.iter() if isinstance(item.tag, str) and item.tag.endswith("}process"))
        self.space = first.tag.rpartition("}")[0] + "}"
        self.made = 0

    def data(self) -> bytes:
        return etree.tostring(self.root, xml_declaration=True, encoding="UTF-8")

    def all(self, *names: str) -> list[Any]:
        return [item for name in names for item in self.root.iter(self.space + name)]

    def add(self, parent: Any, tag: str, **attributes: str) -> Any:
        return etree.SubElement(parent, self.space + tag, attributes)

    def new_id(self) -> str:
        self.made += 1
        return f"made{self.made}"

    def flows_of(self, element: Any) -> tuple[list[Any], list[Any]]:
        name = element.get("id")
        flows = self.all("sequenceFlow")
        return [f for f in flows if f.get("targetRef") == name], [f for f in flows if f.get("sourceRef") == name]


def rename(model: Model, chance: random.Random) -> None:
    elements = [item for item in model.all(*sorted(NAMES)) if item.get("id")]
    if elements:
        chance.choice(elements).set("name", f"Renamed {chance.randrange(1000)}")


def change_ids(model: Model, chance: random.Random) -> None:
    """Give every element of the flow a new id, everywhere it is named."""
    names = {
        item.get("id"): f"n{index}-{item.get('id')}"
        for index, item in enumerate(model.all(*sorted(NAMES), "sequenceFlow", "parallelGateway"))
    }
    for item in model.root.iter():
        for key, value in item.attrib.items():
            if value in names and key in ("id", "sourceRef", "targetRef", "attachedToRef", "default", "bpmnElement"):
                item.set(key, names[value])
        if item.text and item.text.strip() in names:
            item.text = names[item.text.strip()]


def move_shapes(model: Model, chance: random.Random) -> None:
    for item in model.root.iter():
        if isinstance(item.tag, str) and item.tag.endswith("}Bounds"):
            item.set("x", str(chance.randrange(2000)))


def insert_task(model: Model, chance: random.Random) -> None:
    flow = chance.choice(model.all("sequenceFlow"))
    task = model.add(flow.getparent(), "task", id=model.new_id(), name="Inserted")
    model.add(
        flow.getparent(), "sequenceFlow", id=model.new_id(), sourceRef=task.get("id"), targetRef=flow.get("targetRef")
    )
    flow.set("targetRef", task.get("id"))


def remove_task(model: Model, chance: random.Random) -> None:
    """Take out a task between two flows and join them."""
    tasks = [item for item in model.all(*sorted(TASKS)) if all(len(side) == 1 for side in model.flows_of(item))]
    attached = {item.get("attachedToRef") for item in model.all("boundaryEvent")}
    tasks = [item for item in tasks if item.get("id") not in attached]
    if tasks:
        task = chance.choice(tasks)
        (before,), (after,) = model.flows_of(task)
        if before is not after:
            before.set("targetRef", after.get("targetRef"))
            after.getparent().remove(after)
            task.getparent().remove(task)


def remove_flow(model: Model, chance: random.Random) -> None:
    flow = chance.choice(model.all("sequenceFlow"))
    flow.getparent().remove(flow)


def reroute(model: Model, chance: random.Random) -> None:
    flow = chance.choice(model.all("sequenceFlow"))
    others = [item.get("targetRef") for item in flow.getparent().iterchildren(model.space + "sequenceFlow")]
    flow.set("targetRef", chance.choice(others) or "")


def change_gateway(model: Model, chance: random.Random) -> None:
    gateways = model.all("exclusiveGateway", "parallelGateway", "inclusiveGateway")
    if gateways:
        kind = chance.choice(["exclusiveGateway", "parallelGateway", "inclusiveGateway"])
        chance.choice(gateways).tag = model.space + kind


def add_branch(model: Model, chance: random.Random) -> None:
    gateways = model.all("exclusiveGateway", "parallelGateway")
    if gateways:
        gateway = chance.choice(gateways)
        end = model.add(gateway.getparent(), "endEvent", id=model.new_id(), name="New end")
        model.add(
            gateway.getparent(), "sequenceFlow", id=model.new_id(), sourceRef=gateway.get("id"), targetRef=end.get("id")
        )


def set_condition(model: Model, chance: random.Random) -> None:
    flow = chance.choice(model.all("sequenceFlow"))
    for old in list(flow.iterchildren(model.space + "conditionExpression")):
        flow.remove(old)
    model.add(flow, "conditionExpression").text = f"x > {chance.randrange(100)}"


EDITS: tuple[Callable[[Model, random.Random], None], ...] = (
    rename, move_shapes, insert_task, remove_task, remove_flow, reroute, change_gateway, add_branch, set_condition,
)  # fmt: skip


def edited(data: bytes, seed: int, *, times: int) -> bytes:
    """Return the file after some edits that the seed alone decides; ids are kept."""
    model, chance = Model(data), random.Random(seed)
    for _ in range(times):
        if model.all("sequenceFlow"):
            chance.choice(EDITS)(model, chance)
    return model.data()


def after(data: bytes, edit: Callable[[Model, random.Random], None], seed: int = 0) -> bytes:
    """Return the file after one edit."""
    model = Model(data)
    edit(model, random.Random(seed))
    return model.data()
