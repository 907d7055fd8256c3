"""Re-proves a plan from the BPMN file alone, without the planner's code.

k elements of which no two lie on one path, nor can hold tokens at once (Kovalyov and Esparza), need k runs.
"""

import xml.etree.ElementTree as ElementTree
from itertools import permutations

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
        new = set(steps[stack.pop()]) - seen
        seen, stack = seen | new, [*stack, *new]
    return seen


def together(node, out, flows):  # the pairs of flows that one firing of a node may put tokens on
    pairs = [] if tag(node) in ("exclusiveGateway", "eventBasedGateway") else permutations(out, 2)
    free = {i for i in out if tag(node)[:3] in ("inc", "com") or "conditionExpression" in flows[i][2]}
    return [i for i in pairs if node.get("default") not in i or tag(node) == "parallelGateway" or not free & set(i)]


def check_container(plan, root):
    box = next(item for item in root.iter() if item.get("id") == plan["container"] and tag(item).endswith(BOXES))
    nodes = {item.get("id"): item for item in reversed(box) if tag(item).endswith(NODES)}
    flows = [item for item in box if tag(item) == "sequenceFlow"]
    flows = {item.get("id"): (item.get("sourceRef"), item.get("targetRef"), [*map(tag, item)]) for item in flows}
    flows = {key: flow for key, flow in flows.items() if set(flow[:2]) <= set(nodes)}
    outs, entering = ({key: [i for i in flows if flows[i][end] == key] for key in nodes} for end in (0, 1))
    throw, catch = ({key: link(item, side) for key, item in nodes.items()} for side in ("Throw", "Catch"))
    ahead = {key: [i for i in nodes if throw[key] == catch[i] is not None] for key in nodes}
    steps = {key: outs[key] + ahead[key] for key in nodes} | {key: [flow[1]] for key, flow in flows.items()}
    free = {key for key in nodes if not entering[key] and tag(nodes[key]) != "boundaryEvent"}
    begin = {key for key in nodes if tag(nodes[key]) == "startEvent" or nodes[key].get("instantiate") == "true"}
    stack = [] if begin else [*permutations(free, 2)]
    lost = {item["id"] for item in plan["unreachable"]}.union(i for i in nodes if nodes[i].get("triggeredByEvent"))
    fires = closure(begin or free, steps) & set(nodes) - lost
    stack += [pair for key in fires for pair in together(nodes[key], outs[key], flows)]
    later, beside = {key: closure(steps[key], steps) for key in steps}, set(stack)
    while stack:
        here, moving = stack.pop()
        for new in steps[moving]:
            kind = tag(nodes[new]) if new in nodes and len(entering[new]) > 1 else ""
            waits = kind == "parallelGateway" and any((here, item) not in beside for item in entering[new])
            if not waits and not (kind == "inclusiveGateway" and new in later[here]):
                stack += {(here, new), (new, here)} - beside
                beside |= {(here, new), (new, here)}
    for pair in permutations(plan["certificate"], 2):
        assert pair not in beside and pair[0] not in later[pair[1]], ("one run can take both", pair)
    wanted = {"node": set(nodes), "flow": set(flows), "decision": {i for i in flows if len(outs[flows[i][0]]) > 1}}
    runs = [[*run["path"], *run["visits"]] for more in (plan, *plan["additions"]) for run in more["scenarios"]]
    assert wanted[plan["criterion"]] <= lost.union(*runs), ("not covered", wanted[plan["criterion"]] - lost)
    assert len({*plan["certificate"]}) == len(plan["scenarios"]) == plan["size"] == plan["lowerBound"], "not proven"
    assert set(plan["certificate"]) <= set().union(*runs[: plan["size"]]), "the proof speaks of what no run covers"


def check(plan, data):
    return [check_container(container, ElementTree.fromstring(data)) for container in plan["containers"]]
