"""Re-proves a plan from the BPMN file alone, without the planner's code: certificate_checker.py PLAN.json FILE"""

import json
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

BOXES = ("process", "choreography", "SubProcess", "subProcess", "transaction", "subChoreography")
NODES = ("Event", "Task", "task", "Gateway", "callActivity", "Choreography", *BOXES[2:])


def tag(element):
    return element.tag.rsplit("}", 1)[-1]


def link(element, side):
    names = [item.get("name") or element.get("name", "") for item in element if tag(item) == "linkEventDefinition"]
    return " ".join(names[0].split()) if names and tag(element) == f"intermediate{side}Event" else None


def closure(start, steps):
    seen, stack = set(start), list(start)
    while stack:
        new = set(steps.get(stack.pop(), ())) - seen
        seen |= new
        stack += new
    return seen


def check_container(plan, root):
    box = next(item for item in root.iter() if item.get("id") == plan["container"] and tag(item).endswith(BOXES))
    nodes = {item.get("id"): item for item in reversed(box) if tag(item).endswith(NODES)}
    flows = {i.get("id"): (i.get("sourceRef"), i.get("targetRef")) for i in box if tag(i) == "sequenceFlow"}
    flows = {key: ends for key, ends in flows.items() if set(ends) <= set(nodes)}
    caught = {link(item, "Catch"): key for key, item in nodes.items() if link(item, "Catch") is not None}
    links = {(key, caught[link(item, "Throw")]) for key, item in nodes.items() if link(item, "Throw") in caught}
    ahead, back = {}, {}
    for source, target in [*flows.values(), *links]:
        ahead.setdefault(source, []).append(target)
        back.setdefault(target, []).append(source)
    free = {key: nodes[key] for key in set(nodes) - {target for _, target in flows.values()} - set(caught.values())}
    starts = {key for key in free if free[key].get("instantiate") == "true"}
    starts |= {key for key in nodes if tag(nodes[key]) == "startEvent"}
    special = {key for key in free if "true" in (free[key].get("triggeredByEvent"), free[key].get("isForCompensation"))}
    starts = starts or {key for key in set(free) - special if tag(free[key]) != "boundaryEvent"}
    ends = {key for key in nodes if tag(nodes[key]) == "endEvent" or key not in ahead}
    alive = closure(starts, ahead) & closure(ends, back)
    needed = {key for key, pair in flows.items() if set(pair) <= alive}
    sources = [source for source, _ in flows.values()]
    needed = {key for key in needed if plan["criterion"] == "flow" or sources.count(flows[key][0]) > 1}
    needed, seen = alive if plan["criterion"] == "node" else needed, set()
    for scenario in plan["scenarios"]:
        path, visits = iter(scenario["path"]), scenario["visits"]
        assert visits[0] in starts and visits[-1] in ends, ("starts and ends", scenario)
        assert all(pair in links or flows[next(path)] == pair for pair in pairwise(visits)), ("not a walk", scenario)
        assert next(path, None) is None, ("flows left over", scenario)
        seen |= {*visits, *scenario["path"]}
    assert needed <= seen, ("not covered", needed - seen)
    proof = {item: flows.get(item, (item, item)) for item in plan["certificate"]}
    for item, (_, head) in proof.items():
        later = closure([head], ahead)
        assert not any(other != item and ends[0] in later for other, ends in proof.items()), ("on one walk", item)
    assert len(proof) == len(plan["scenarios"]) == plan["size"] == plan["lowerBound"], "size is not proven"


def check(plan, data):
    for container in plan["containers"]:
        check_container(container, ElementTree.fromstring(data))


if __name__ == "__main__":
    check(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]).read_bytes())
