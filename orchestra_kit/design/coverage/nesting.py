"""One container with its sub-processes in place.

Inner scenarios are spread over the visits their parent makes anyway; how often a sub-process must be visited is a demand
on the parent's own minimum flow, so that the suite stays as small as its innermost parts allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestra_kit.design.coverage.barriers import BarrierFinder
from orchestra_kit.design.coverage.boundaries import attribute_walks
from orchestra_kit.design.coverage.components import loop_edges
from orchestra_kit.design.coverage.containers import Container
from orchestra_kit.design.coverage.criteria import Criterion, base_demands, further_demands, group
from orchestra_kit.design.coverage.demands import Demands, Loose
from orchestra_kit.design.coverage.fragments import (
    Barrier,
    Extra,
    Fragment,
    Inside,
    Queue,
    Signal,
    Ways,
    catcher_of,
    cut_short,
    raised_signal,
)
from orchestra_kit.design.coverage.loops import loop_walks
from orchestra_kit.design.coverage.spreading import cover_anywhere
from orchestra_kit.design.coverage.token_net import Exits, TokenNet
from orchestra_kit.design.coverage.token_runs import PLAIN, explore_runs
from orchestra_kit.design.coverage.walk_graph import Edge, EdgeKind, Walk, WalkGraph, may_start
from orchestra_kit.model.process import FlowNode, NodeType, SequenceFlow


class Nest:
    """One container whose sub-processes are composed already."""

    def __init__(
        self,
        container: Container,
        inner: Mapping[str, Inside],
        nodes: Mapping[str, FlowNode],
        flows: Mapping[str, SequenceFlow],
    ) -> None:
        self._container, self._inner, self._nodes, self._flows = container, inner, nodes, flows
        boundaries: dict[str, list[FlowNode]] = {}
        for node in container.nodes:
            if node.type is NodeType.BOUNDARY_EVENT and node.attached_to:
                boundaries.setdefault(node.attached_to, []).append(node)
        self._ways: dict[str, Ways] = {}
        for node in container.children():
            if inner[node.id].fragments and not node.triggered_by_event:
                first = inner[node.id].fragments[0]
                ways = Ways(normal=Queue(waiting=[]), interrupted=cut_short(first, nodes, flows))
                for fragment in inner[node.id].fragments:
                    ways.sort(fragment, boundaries.get(node.id, ())).waiting.append(fragment)
                for extra in inner[node.id].extras:
                    ways.sort(extra.fragment, boundaries.get(node.id, ())).extras.append(extra)
                self._ways[node.id] = ways
        exits = {
            name: Exits(normal=bool(ways.normal), uncaught=bool(ways.uncaught)) for name, ways in self._ways.items()
        }
        net = TokenNet(container.nodes, container.flows, exits, self._fatal())
        runs, self._plain = explore_runs(net, lambda edge: edge.kind in PLAIN)
        self._whole = runs.graph
        self._further = self._whole.restrict(lambda edge: edge.kind is not EdgeKind.ESCAPE)

    def _fatal(self) -> set[str]:
        """Return the end events that leave this sub-process whatever else runs in it."""
        holder = self._container.holder
        if holder is None:
            return set()
        around = [node for node in self._nodes.values() if node.attached_to == holder.id]
        found: set[str] = set()
        for node in self._container.nodes:
            signal = raised_signal(node)
            catcher = catcher_of(signal, around) if signal else None
            if signal and (signal.kind != "escalation" or (catcher is not None and catcher.cancel_activity)):
                found.add(node.id)
        return found

    def compose(self, criterion: Criterion, max_loop: int) -> Inside:
        """Return the cover of the container, then everything on top of it."""
        if not self._container.flows:
            return self._all_at_once()
        walks, bound = self._cover(criterion)
        if not walks:
            return Inside()
        fragments = [self._expand(walk) for walk in walks]
        extras = [*self._boundary_extras(walks, criterion), *self._loop_extras(walks, max_loop)]
        extras += [*self._waiting_extras(), *self._event_sub_process_extras()]
        return Inside(fragments=tuple(fragments), extras=tuple(extras), lower_bound=bound)

    # --- the minimal cover -------------------------------------------------------------------------------------------

    def _cover(self, criterion: Criterion) -> tuple[Sequence[Walk], int]:
        """Return the smallest cover that enters each sub-process often enough, and a bound for any cover."""
        graph = self._whole.restrict(lambda edge: edge.kind in PLAIN or self._waiting_at(edge) > 0)
        demands = base_demands(criterion, self._plain, self._whole)
        leaving: dict[tuple[str, str, str], list[int]] = {}
        entered: dict[str, int] = {}
        for edge in graph.edges:
            if self._waiting_at(edge):
                name = self._whole.node_ids[edge.source]
                key = (name, edge.kind.value, edge.id)
                if key not in leaving:
                    entered[name] = entered.get(name, 0) + self._waiting_at(edge)
                leaving.setdefault(key, []).append(edge.index)
        wanted = dict(demands.edges)
        loose = list(demands.loose)
        by_index = {edge.index: edge for edge in graph.edges}
        for indexes in leaving.values():
            times = self._waiting_at(by_index[indexes[0]])
            if len(indexes) == 1:
                wanted[indexes[0]] = max(wanted.get(indexes[0], 0), times)
            else:
                loose.append(Loose(edges=tuple(indexes), times=times))
        best = cover_anywhere(graph, Demands(edges=wanted, nodes=demands.nodes, loose=tuple(loose)))
        floor = self._floor(graph, demands, entered)
        return best.walks, best.lower_bound if floor is None else cover_anywhere(graph, floor).lower_bound

    def _floor(self, graph: WalkGraph, demands: Demands, entered: Mapping[str, int]) -> Demands | None:
        """Return what any cover must do; None where that is just what this one does.

        How inner scenarios divide over the ways out is a choice, not a need: a bound knows only how many there are.
        """
        places = group((graph.node_ids[node], node) for node in sorted(graph.alive))
        nodes, loose = dict(demands.nodes), list(demands.loose)
        simple = True
        for name, times in entered.items():
            inner = self._inner[name]
            whole = times == len(inner.fragments)  # else some lead where no run ends, and prove nothing
            least = inner.lower_bound if whole else 1
            simple = simple and whole and self._ends_one_way(name) and inner.lower_bound == times
            if len(places[name]) == 1:
                nodes[places[name][0]] = max(nodes.get(places[name][0], 0), least)
            else:
                loose.append(Loose(nodes=tuple(places[name]), times=least))
        return None if simple else Demands(edges=demands.edges, nodes=nodes, loose=tuple(loose))

    def _queues_at(self, edge: Edge) -> list[Queue]:
        """Return the inner scenarios that leave a sub-process by an edge."""
        ways = self._ways.get(self._whole.node_ids[edge.source])
        if ways is None:
            return []
        if edge.kind is EdgeKind.DONE:
            return [ways.normal]
        if edge.kind is EdgeKind.ESCAPE:
            return list(ways.uncaught.values())
        return [ways.caught[edge.id]] if edge.kind is EdgeKind.BOUNDARY and edge.id in ways.caught else []

    def _ends_one_way(self, name: str) -> bool:
        ways = self._ways[name]
        return not any(queue.waiting for queue in (*ways.caught.values(), *ways.uncaught.values()))

    def _waiting_at(self, edge: Edge) -> int:
        return sum(len(queue.waiting) for queue in self._queues_at(edge))

    def _all_at_once(self) -> Inside:
        """Return runs over everything in a container that has no flows; as many as its sub-processes need."""
        visits = [node for node in self._container.nodes if may_start(node)]
        if not visits:
            return Inside()
        runs = max([1, *(len(ways.normal.waiting) for ways in self._ways.values())])
        fragments = tuple(self._run_all(visits) for _ in range(runs))
        extras: list[Extra] = []
        for ways in self._ways.values():
            while ways.normal.extras:
                extra = ways.normal.extras[0]
                extras.append(Extra(kind=extra.kind, of=extra.of, fragment=self._run_all(visits)))
        bound = max([1, *(self._inner[name].lower_bound for name in self._ways)])
        extras += self._event_sub_process_extras()
        return Inside(fragments=fragments, extras=tuple(extras), lower_bound=min(bound, runs))

    def _run_all(self, visits: Sequence[FlowNode]) -> Fragment:
        entered: list[str] = []
        path: list[str] = []
        provokes: list[str] = []
        for node in visits:
            entered.append(node.id)
            ways = self._ways.get(node.id)
            inner = (ways.normal.take() or ways.interrupted) if ways else None
            if inner is not None:
                path += inner.path
                entered += inner.visits
                provokes += inner.provokes
        return Fragment(path=tuple(path), visits=tuple(entered), provokes=tuple(provokes))

    # --- from a walk to a fragment -----------------------------------------------------------------------------------

    def _expand(self, walk: Walk, chosen: Mapping[int, Fragment] | None = None) -> Fragment:
        """Return a walk with a scenario of each sub-process put where the walk leaves it; `chosen` by edge index."""
        path: list[str] = []
        visits = [item for item in [self._whole.node_ids[walk.start]] if item]
        provokes: list[str] = []
        raises: Signal | None = None
        finder = BarrierFinder(self._nodes, self._flows)
        barriers: list[Barrier] = []
        for edge in walk.edges:
            if edge.kind in (EdgeKind.DONE, EdgeKind.BOUNDARY, EdgeKind.ESCAPE):
                inner = (chosen or {}).get(edge.index) or self._next(edge)
                if inner is not None:
                    barriers += (item.moved(len(visits)) for item in inner.barriers)
                    path += inner.path
                    visits += inner.visits
                    provokes += inner.provokes
                    raises = inner.raises if edge.kind is EdgeKind.ESCAPE else None
            if edge.kind is EdgeKind.BOUNDARY:
                provokes.append(edge.id)
            path += edge.fires
            entered = self._whole.node_ids[edge.target]
            finder.step(edge, entered, len(visits))
            if entered:
                visits.append(entered)
        barriers += finder.end(len(visits))
        last = self._nodes.get(self._whole.node_ids[walk.end])
        if last is not None and raises is None:
            raises = raised_signal(last)
        return Fragment(
            path=tuple(path),
            visits=tuple(visits),
            provokes=tuple(provokes),
            raises=raises,
            barriers=tuple(sorted(barriers, key=lambda item: item.at)),
        )

    def _next(self, edge: Edge) -> Fragment | None:
        """Return the inner scenario to put where a walk leaves a sub-process, unrun ones first."""
        queues = self._queues_at(edge)
        queue = next((item for item in queues if item.waiting), queues[0] if queues else None)
        found = queue.take() if queue is not None else None
        if found is None and edge.kind is EdgeKind.BOUNDARY:
            ways = self._ways.get(self._whole.node_ids[edge.source])
            return ways.interrupted if ways else None
        return found

    # --- what comes on top -------------------------------------------------------------------------------------------

    def _boundary_extras(self, walks: Sequence[Walk], criterion: Criterion) -> list[Extra]:
        """Return scenarios for the boundary events, and what lies behind them, that the cover does not provoke."""
        demands = further_demands(criterion, self._further, self._plain, self._whole)
        walked = {edge.index for walk in walks for edge in walk.edges}
        visited = {edge.target for walk in walks for edge in walk.edges}
        left = Demands(
            edges={index: times for index, times in demands.edges.items() if index not in walked},
            nodes={node: times for node, times in demands.nodes.items() if node not in visited},
            loose=tuple(
                item for item in demands.loose if not walked.intersection(item.edges) | visited.intersection(item.nodes)
            ),
        )
        return [
            Extra(kind="boundary", of=event, fragment=self._expand(walk))
            for event, walks_of in attribute_walks(cover_anywhere(self._further, left).walks).items()
            for walk in walks_of
        ]

    def _loop_extras(self, walks: Sequence[Walk], max_loop: int) -> list[Extra]:
        found = loop_walks(self._plain, walks, max_loop)
        known = {edge.index for edge in loop_edges(self._plain)}
        found += loop_walks(self._further, [*walks, *(item.walk for item in found)], max_loop, known=known)
        return [
            Extra(
                kind="loop", of=item.edge.id or self._whole.node_ids[item.edge.target], fragment=self._expand(item.walk)
            )
            for item in found
        ]

    def _waiting_extras(self) -> list[Extra]:
        """Return a scenario each for the extra scenarios of sub-processes that found no visit to ride on."""
        result: list[Extra] = []
        everything = self._whole.restrict(lambda _: True)
        for edge in everything.edges:
            for queue in self._queues_at(edge):
                while queue.extras:
                    extra = queue.take_extra()
                    fragment = self._expand(_walk_over(edge, self._plain, everything), {edge.index: extra.fragment})
                    result.append(Extra(kind=extra.kind, of=extra.of, fragment=fragment))
        return result

    def _event_sub_process_extras(self) -> list[Extra]:
        """Return scenarios that start each event sub-process while the first activity of its container runs."""
        before = self._way_in()
        return [
            Extra(
                kind="eventSubProcess",
                of=node.id,
                fragment=Fragment(
                    path=(*before.path, *fragment.path),
                    visits=(*before.visits, node.id, *fragment.visits),
                    provokes=(*fragment.visits[:1], *fragment.provokes),
                    raises=fragment.raises,
                ),
            )
            for node in self._container.children()
            if node.triggered_by_event
            for fragment in (*self._inner[node.id].fragments, *(item.fragment for item in self._inner[node.id].extras))
        ]

    def _way_in(self) -> Fragment:
        """Return the shortest way into the first activity of the container."""
        ids = self._whole.node_ids

        def is_activity(number: int) -> bool:
            return ids[number] in self._nodes and self._nodes[ids[number]].type.is_activity

        walk = self._plain.shortest(self._plain.starts, is_activity) or self._plain.shortest(
            self._plain.starts, lambda _: True
        )
        if walk is None:
            return Fragment(path=(), visits=())
        return Fragment(
            path=tuple(flow for edge in walk.edges for flow in edge.fires),
            visits=tuple(ids[node] for node in (walk.start, *(edge.target for edge in walk.edges)) if ids[node]),
        )


def _walk_over(edge: Edge, plain: WalkGraph, everything: WalkGraph) -> Walk:
    """Return a walk over one edge, without boundary events elsewhere where that can be."""
    ends = set(everything.ends)
    for graph in (plain, everything):
        before = graph.shortest(graph.starts, lambda node: node == edge.source)
        if before is not None:
            break
    for graph in (plain, everything):
        after = graph.shortest([edge.target], lambda node: node in ends)
        if after is not None:
            break
    if before is None or after is None:
        raise AssertionError("an edge of a restricted graph lies on no walk")
    return Walk(start=before.start, edges=(*before.edges, edge, *after.edges))
