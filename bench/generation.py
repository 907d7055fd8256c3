"""Suite sizes and processor seconds beside naive greedy and all simple paths, on the corpus and on generated processes.

The corpus is read from ORCHESTRA_CORPUS (default ../shared/data). For the comparison every gateway is a choice and each
container stands alone, as the other two ways need it; our size by token semantics stands beside. Prints a line for each
measure and one JSON line at the end. Run: python bench/generation.py
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import deque
from pathlib import Path

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage.containers import containers_of
from orchestra_kit.design.coverage.cover import fewest_walks
from orchestra_kit.design.coverage.criteria import Criterion, base_demands
from orchestra_kit.design.coverage.planning import plan_container
from orchestra_kit.design.coverage.token_net import TokenNet
from orchestra_kit.design.coverage.token_runs import PLAIN, explore_runs
from orchestra_kit.design.coverage.walk_graph import Edge, WalkGraph
from orchestra_kit.model.enums import SourceType
from orchestra_kit.model.process import ControlFlowGraph, FlowNode, NodeType, ProcessSummary, SequenceFlow

ROOT = Path(__file__).parents[1]
MOST_PATHS = 20_000


def naive_greedy(graph: WalkGraph) -> int:
    """Return how many shortest runs through the next uncovered flow cover all flows."""
    left = {edge.index for edge in graph.edges if edge.fires}
    ends, count = set(graph.ends), 0
    while left:
        edge = next(edge for edge in graph.edges if edge.index in left)
        before = graph.shortest(graph.starts, lambda node, goal=edge.source: node == goal)
        after = graph.shortest([edge.target], lambda node: node in ends)
        assert before is not None and after is not None
        left -= {step.index for step in (*before.edges, edge, *after.edges)}
        count += 1
    return count


def simple_paths(graph: WalkGraph) -> tuple[int, bool]:
    """Return how many paths without a repeated node there are (up to a limit), and whether they cover all flows."""
    ends, count = set(graph.ends), 0
    left = {edge.index for edge in graph.edges if edge.fires}
    stack: list[tuple[int, frozenset[int], tuple[Edge, ...]]] = [(node, frozenset({node}), ()) for node in graph.starts]
    while stack and count < MOST_PATHS:
        node, seen, edges = stack.pop()
        if node in ends:
            count += 1
            left -= {edge.index for edge in edges}
        for edge in graph.leaving[node]:
            if edge.target not in seen:
                stack.append((edge.target, seen | {edge.target}, (*edges, edge)))
    return count, not left


def corpus() -> dict[str, float]:
    """Measure every container of the corpus with at least five flows."""
    folder = Path(os.environ.get("ORCHESTRA_CORPUS", ROOT.parent / "shared" / "data")) / "bpmn"
    files = [item for item in sorted(folder.rglob("*")) if item.is_file() and item.suffix not in (".md", ".tsv")]
    sums = dict.fromkeys(("containers", "size", "one token", "naive greedy", "simple paths", "paths miss flows"), 0)
    times: list[float] = []
    for path in files:
        graph = read_bpmn(path.read_bytes(), source=path.name).graph
        for container in containers_of(graph).values():
            if len(container.flows) < 5:
                continue
            started = time.process_time()
            plan = plan_container(graph, container, Criterion.FLOW, 2)
            times.append(time.process_time() - started)
            net = TokenNet(container.nodes, container.flows, one_token=True)
            runs, base = explore_runs(net, lambda edge: edge.kind in PLAIN)
            paths, all_covered = simple_paths(base)
            sums["containers"] += 1
            sums["size"] += plan.size
            sums["one token"] += fewest_walks(base, base_demands(Criterion.FLOW, base, runs.graph))
            sums["naive greedy"] += naive_greedy(base)
            sums["simple paths"] += paths
            sums["paths miss flows"] += not all_covered
    middle = sorted(times)[len(times) // 2] if times else 0.0
    return {**sums, "median ms": round(1000 * middle, 2), "max ms": round(1000 * max(times, default=0.0), 1)}


def chain(count: int) -> ControlFlowGraph:
    """Return choices and parallel blocks of three branches in a row, about `count` flows."""
    place = {"container": "p", "process_id": "p"}
    nodes = [FlowNode(id="n0", type=NodeType.START_EVENT, **place)]
    flows: list[SequenceFlow] = []
    chance = random.Random(count)

    def add(kind: NodeType, *sources: str) -> str:
        nodes.append(FlowNode(id=f"n{len(nodes)}", type=kind, **place))
        for source in sources:
            flows.append(SequenceFlow(id=f"f{len(flows)}", source=source, target=nodes[-1].id, **place))
        return nodes[-1].id

    here = "n0"
    while len(flows) < count:
        kind = chance.choice([NodeType.PARALLEL_GATEWAY, NodeType.EXCLUSIVE_GATEWAY, NodeType.INCLUSIVE_GATEWAY])
        split = add(kind, here)
        branches = [add(NodeType.TASK, add(NodeType.TASK, split)) for _ in range(3)]
        here = add(kind, *branches)
    add(NodeType.END_EVENT, here)
    return ControlFlowGraph(
        source_type=SourceType.BPMN, processes=(ProcessSummary(id="p"),), nodes=tuple(nodes), flows=tuple(flows)
    )


def main() -> None:
    """Measure and print."""
    found: dict[str, object] = {"corpus": corpus()}
    print("corpus", found["corpus"])
    seconds: deque[float] = deque()
    for count in (1_000, 10_000, 100_000):
        graph = chain(count)
        container = containers_of(graph)["p"]
        started = time.process_time()
        plan = plan_container(graph, container, Criterion.FLOW, 2)
        seconds.append(time.process_time() - started)
        found[f"chain {count}"] = {"size": plan.size, "bound": plan.lower_bound, "seconds": round(seconds[-1], 2)}
        print(f"chain of blocks, {len(graph.flows)} flows", found[f"chain {count}"])
    found["ratio 100000 : 10000"] = round(seconds[-1] / seconds[-2], 1)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
