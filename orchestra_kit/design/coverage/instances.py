"""Activities with a loop of their own, run no times, once and several times."""

from __future__ import annotations

from orchestra_kit.design.coverage.added import Added, AddedRun, StepBudget, Ways
from orchestra_kit.design.coverage.token_runs import TokenRuns
from orchestra_kit.model.process import Loop


def instance_runs(runs: TokenRuns, ways: Ways, max_loop: int, budget: StepBudget) -> list[Added]:
    """Return for each activity with a loop the runs with a number of instances that the cover (once) does not show."""
    moments: dict[int, int] = {}
    for moment in sorted(ways.graph.alive):
        node = runs.moments[moment][0]
        if 0 <= node < len(runs.net.content) and runs.net.content[node].loop is not None:
            moments.setdefault(node, moment)
    found: list[Added] = []
    for node, moment in moments.items():
        activity = runs.net.content[node]
        if activity.loop is None:
            continue
        numbers, note = _numbers(activity.loop, max_loop)
        walk = ways.by(moment)
        added = [AddedRun(walk=walk, instances={activity.id: number}) for number in numbers if budget.allows(walk)]
        if len(added) < len(numbers):
            note += "; the rest left out, the suite would be too long"
        found.append(Added(kind="instances", of=activity.id, runs=tuple(added), lower_bound=len(numbers), note=note))
    return found


def _numbers(loop: Loop, max_loop: int) -> tuple[list[int], str]:
    """Return the numbers of instances, beside one, that a loop is to show, and what stands against others."""
    most = loop.max_loop_iterations
    if loop.kind == "standard":
        several = max_loop if most is None else min(max_loop, most)
        numbers = [0] if loop.test_before else []
        note = "" if loop.test_before else "0 times: not possible, the loop is tested after its first round"
    elif most is not None and loop.condition is None:
        return ([most] if most != 1 else []), f"the model fixes the number of instances: {most}"
    else:
        several, numbers, note = max_loop, [0], ""
    if several > 1:
        numbers.append(several)
    return numbers, note
