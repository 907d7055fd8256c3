"""Plans with their conditions judged: the only place that joins the planner, the conditions and the solver."""

from __future__ import annotations

from typing import Any

from orchestra_kit.model import ControlFlowGraph


def add_conditions(
    plan: dict[str, Any], graph: ControlFlowGraph, *, process_id: str | None, criterion: str, max_loop: int
) -> None:
    """Add to the JSON of a plan what data can do with its scenarios; raise CannotJudgeError without a solver."""
    from orchestra_kit.design.conditions import TimeBudget, data_tables, judge_paths
    from orchestra_kit.design.coverage import compose
    from orchestra_kit.solver import open_solver

    solver, budget = open_solver(), TimeBudget()
    judged: list[dict[str, Any]] = []
    ids = dict.fromkeys(item["process"] for item in plan["containers"])
    for identifier in ids if process_id is None else (process_id,):
        composed = compose(graph, identifier, criterion=criterion, max_loop=max_loop)
        suite = judge_paths(graph, composed, solver, max_loop=max_loop, file=plan["file"], budget=budget)
        tables = data_tables(suite)
        found = suite.to_json()
        found["dataSets"] = [{"scenario": key, "data": table.to_json()} for key, table in tables.items()]
        judged.append(found)
    plan["conditions"] = judged
    plan["suite"]["structuralSize"] = sum(item["structuralSize"] for item in judged)
    plan["suite"]["feasibleSize"] = sum(item["feasibleSize"] for item in judged)
    _add_to_scenarios(plan, judged)


def _add_to_scenarios(plan: dict[str, Any], judged: list[dict[str, Any]]) -> None:
    """Put status and conditions beside the scenarios of the plan itself that are whole runs of a process."""
    known = {
        (found["process"], tuple(item["path"])): item
        for found in judged
        for item in (*found["infeasible"], *found["scenarios"])
    }
    for container in plan["containers"]:
        further = [item for addition in container["additions"] for item in addition.get("scenarios", ())]
        for scenario in (*container["scenarios"], *further):
            item = known.get((container["process"], tuple(scenario["path"])))
            if item is not None:
                scenario["feasibility"] = item["status"]
                scenario["conditions"] = item["conditions"]


def condition_lines(plan: dict[str, Any]) -> list[str]:
    """Return what was judged as lines for people."""
    lines: list[str] = []
    for found in plan["conditions"]:
        lines.append(
            f"{found['process']}: {found['structuralSize']} scenarios by structure, {found['feasibleSize']} that data can drive"
        )
        lines += [_scenario_line(item) for item in found["scenarios"]]
        for item in found["infeasible"]:
            lines.append(f"    ✗ {item['key']}: no data can drive it")
            lines += [
                f"        {part['flow']}{_line(part)}: {part['text']} must be {'true' if part['holds'] else 'false'}"
                for part in item["conflict"]
            ]
            lines += [f"        with {text}" for text in item["computed"]]
            if item["unless"]:
                lines.append(f"        unless {' or '.join(item['unless'])}, which the model does not declare")
        lost: dict[str, list[str]] = {}
        for item in found["lost"]:
            lost.setdefault(item["reason"], []).append(item["id"])
        lines += [f"    lost {', '.join(ids)}: {reason}" for reason, ids in lost.items()]
        lines += [f"    {item['name']}: {item['class']} ({'; '.join(item['origins'])})" for item in found["variables"]]
        for item in found["unreadable"]:
            lines.append(f"    left to you: {item['flow']}{_line(item)} `{item['text']}`: {item['reason']}")
        lines += [f"    assumed: {text}" for text in found["assumptions"]]
        if "notDecided" in found:
            lines.append(f"    {found['notDecided']}")
    return lines


def _line(item: dict[str, Any]) -> str:
    return "" if item["line"] is None else f" (line {item['line']})"


def _scenario_line(item: dict[str, Any]) -> str:
    signs = {"feasible": "✓", "free": "✓", "unknown": "?"}
    text = f"    {signs[item['status']]} {item['key']}: {item['status']}"
    if item.get("data"):
        text += ", data " + ", ".join(f"{name} = {_shown(value)}" for name, value in item["data"].items())
    for expected in item.get("expects", ()):
        text += f", the system has to answer {expected['variable']} = {_shown(expected['value'])} at {expected['at']}"
    if item.get("variants"):
        text += f" (+{len(item['variants'])} rows around limits)"
    if item.get("replaces"):
        text += f", in place of {', '.join(item['replaces'])}"
    if item.get("reason"):
        text += f": {item['reason']}"
    return text


def _shown(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
