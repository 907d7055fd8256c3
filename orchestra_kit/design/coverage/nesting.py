"""One container with its sub-processes in place.

Inner scenarios are spread over the visits their parent makes anyway; how often a sub-process must be visited is a demand
on the parent's own minimum flow, so that the suite stays as small as its innermost parts allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestra_kit.design.coverage.added import StepBudget
from orchestra_kit.design.coverage.additions import additions
from orchestra_kit.design.coverage.barriers import BarrierFinder
from orchestra_kit.design.coverage.containers import Container
from orchestra_kit.design.coverage.criteria import Criterion, base_demands, group
from orchestra_kit.design.coverage.deadlocks import deadlock_runs
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
from orchestra_kit.design.coverage.orders import Resources
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
        resources: Resources,
    ) -> None:
        self._resources = resources
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
        for node in container.children():
            if inner[node.id].endless and not node.triggered_by_event:
                exits[node.id] = Exits(normal=False)
        self._fatal = self._ends_that_leave()
        net = TokenNet(container.nodes, container.flows, exits, self._fatal)
        self._runs, self._plain = explore_runs(net, lambda edge: edge.kind in PLAIN)
        self._whole = self._runs.graph
        self._further = self._whole.restrict(lambda edge: edge.kind is not EdgeKind.ESCAPE)

    def _ends_that_leave(self) -> set[str]:
        """Return the end events that leave this sub-process whatever else runs in it.

        An error nobody catches ends its own token alone, as in Camunda.
        """
        holder = self._container.holder
        found: set[str] = set()
        for node in self._container.nodes if holder is not None else ():
            signal = raised_signal(node)
            catcher = self._caught_around(signal, holder) if signal else None
            if catcher is not None and catcher.cancel_activity:
                found.add(node.id)
        return found

    def _caught_around(self, signal: Signal, holder: FlowNode | None) -> FlowNode | None:
        """Return the boundary event of an activity, or of one around it, that catches a signal."""
        while holder is not None:
            attached = [node for node in self._nodes.values() if node.attached_to == holder.id]
            catcher = catcher_of(signal, attached)
            if catcher is not None:
                return catcher
            holder = self._nodes.get(holder.container)
        return None

    def compose(self, criterion: Criterion, max_loop: int) -> Inside:
        """Return the cover of the container, then everything on top of it."""
        if not self._container.flows:
            return self._all_at_once()
        walks, bound = self._cover(criterion)
        if not walks:
            return Inside(endless=True, extras=tuple(self._deadlock_extras(criterion)))
        fragments = [self._expand(walk) for walk in walks]
        extras = self._added_extras(walks, criterion, max_loop)
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

    def _expand(
        self, walk: Walk, chosen: Mapping[int, Fragment] | None = None, instances: Mapping[str, int] | None = None
    ) -> Fragment:
        """Return a walk with a scenario of each sub-process put where the walk leaves it.

        `chosen` says which, by edge index; `instances` how many where that is not one.
        """
        path: list[str] = []
        visits = [item for item in [self._whole.node_ids[walk.start]] if item]
        provokes: list[str] = []
        raises: Signal | None = None
        finder = BarrierFinder(self._nodes, self._flows)
        barriers: list[Barrier] = []
        repeated: dict[str, int] = dict(instances or {})
        for edge in walk.edges:
            if edge.kind in (EdgeKind.DONE, EdgeKind.BOUNDARY, EdgeKind.ESCAPE):
                times = (instances or {}).get(edge.id, 1) if edge.kind is EdgeKind.DONE else 1
                for _ in range(times):
                    inner = (chosen or {}).get(edge.index) or self._next(edge)
                    if inner is None:
                        break
                    barriers += (item.moved(len(visits)) for item in inner.barriers)
                    path += inner.path
                    visits += inner.visits
                    provokes += inner.provokes
                    repeated |= inner.instances
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
        if last is not None and last.id in self._fatal:
            raises = raised_signal(last)
        return Fragment(
            path=tuple(path),
            visits=tuple(visits),
            provokes=tuple(provokes),
            raises=raises,
            barriers=tuple(sorted(barriers, key=lambda item: item.at)),
            instances=dict(repeated),
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

    def _added_extras(self, walks: Sequence[Walk], criterion: Criterion, max_loop: int) -> list[Extra]:
        """Return what comes on top of the cover in this container alone."""
        added = additions(
            self._runs,
            self._plain,
            self._further,
            walks,
            criterion=criterion,
            max_loop=max_loop,
            resources=self._resources,
        )
        extras: list[Extra] = []
        for group_ in added:
            if group_.kind == "deadlock" and self._container.holder is not None:
                continue  # the activity around it would never end either
            for run in group_.runs:
                if run.in_cover:
                    continue
                fragment = self._expand(run.walk, instances=run.instances)
                extras.append(Extra(kind=group_.kind, of=group_.of, fragment=fragment))
        return extras

    def _deadlock_extras(self, criterion: Criterion) -> list[Extra]:
        """Return runs of a process none of whose runs ends."""
        if self._container.holder is not None:
            return []
        added = deadlock_runs(self._runs, self._further, criterion, StepBudget(len(self._whole.edges)))
        return [
            Extra(kind=item.kind, of=item.of, fragment=self._expand(run.walk)) for item in added for run in item.runs
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
        """Return scenarios that start each event sub-process while the first activity of its container runs.

        An interrupting one takes the place of the rest, the others run beside it.
        """
        extras: list[Extra] = []
        for node in self._container.children():
            if not node.triggered_by_event:
                continue
            inner = self._inner[node.id]
            for fragment in (*inner.fragments, *(item.fragment for item in inner.extras)):
                start = self._nodes[fragment.visits[0]]
                extras.append(
                    Extra(kind="eventSubProcess", of=node.id, fragment=self._with_event(node.id, start, fragment))
                )
        return extras

    def _with_event(self, name: str, start: FlowNode, inside: Fragment) -> Fragment:
        """Return a run of the container in which an event sub-process is started."""
        before, after = self._ways_around()
        path, visits = [*before.path, *inside.path], [*before.visits, name, *inside.visits]
        provokes = (start.id, *inside.provokes)
        barriers = [item.moved(len(before.visits) + 1) for item in inside.barriers]
        if start.cancel_activity:
            return Fragment(
                path=tuple(path),
                visits=tuple(visits),
                provokes=provokes,
                raises=inside.raises,
                barriers=tuple(barriers),
            )
        if inside.raises is not None:
            return Fragment(path=tuple(path), visits=tuple(visits), provokes=provokes, raises=inside.raises)
        return Fragment(
            path=(*path, *after.path),
            visits=(*visits, *after.visits),
            provokes=(*provokes, *after.provokes),
            barriers=tuple(barriers),
            raises=after.raises,
        )

    def _ways_around(self) -> tuple[Fragment, Fragment]:
        """Return the shortest way into the first activity of the container, and the rest of that run."""
        ids = self._whole.node_ids
        graph, ends = self._plain, set(self._plain.ends)
        activities = {number for number in graph.alive if ids[number] and self._nodes[ids[number]].type.is_activity}
        way = graph.shortest(graph.starts, lambda node: node in activities) or graph.shortest(
            graph.starts, lambda _: True
        )
        if way is None:
            return Fragment(path=(), visits=()), Fragment(path=(), visits=())
        before = Fragment(
            path=tuple(flow for edge in way.edges for flow in edge.fires),
            visits=tuple(ids[node] for node in (way.start, *(edge.target for edge in way.edges)) if ids[node]),
        )
        rest = graph.shortest([way.end], lambda node: node in ends)
        if rest is None:
            return before, Fragment(path=(), visits=())
        whole = self._expand(rest)
        return before, Fragment(path=whole.path, visits=whole.visits[1:], provokes=whole.provokes, raises=whole.raises)


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
