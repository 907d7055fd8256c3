"""The notebook of a run: one short text and one cell for each step, readable without running it."""

from __future__ import annotations

import builtins
import hashlib
import keyword
import re
from collections.abc import Sequence
from html import escape
from typing import Any

from orchestra_kit.model import ChannelType, RunMode, ScenarioStep, TestRun
from orchestra_kit.spi.plan import RunPlan

TAKEN_NAMES = frozenset(keyword.kwlist) | frozenset(keyword.softkwlist) | frozenset(dir(builtins))
OWN_NAMES = frozenset({"connect", "step", "summary", "overrides"})
LONGEST_CELL_ID = 64
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$])")

INTRODUCTION = """\
Each cell below asks the worker to do one step and shows what came back. Results are recorded as they come: when this
notebook runs again after a crash, recorded steps are replayed and not repeated. A cell stops the walk when its step
failed and the run ends with it. `overrides` replaces the input of a step by its alias."""

CONNECT = """\
from orchestra_kit.notebook.kernel_client import connect, step, summary

connect(overrides=overrides)"""


def generate_notebook(plan: RunPlan, run: TestRun, *, aliases: Sequence[str] | None = None) -> Any:
    """Return the notebook of a run; `aliases` are the steps it executes, by default those its mode asks for.

    Cell ids depend on aliases alone, so the same plan gives the same notebook.
    """
    import nbformat.v4

    v4: Any = nbformat.v4  # its functions carry no types
    wanted = planned_aliases(plan) if aliases is None else tuple(aliases)
    steps = {step.alias: step for step in plan.scenario.steps}
    names = variable_names(wanted)
    cells = [
        v4.new_markdown_cell(_title(plan, run), id="title"),
        v4.new_code_cell(_parameters(plan, run), id="parameters", metadata={"tags": ["parameters"]}),
        v4.new_code_cell(CONNECT, id="connect"),
    ]
    for alias in wanted:
        cells.append(v4.new_markdown_cell(_about(steps[alias]), id=cell_id("about", alias)))
        cells.append(v4.new_code_cell(f'{names[alias]} = step("{alias}")\n{names[alias]}', id=cell_id("step", alias)))
    cells.append(v4.new_code_cell("summary()", id="summary"))
    return v4.new_notebook(cells=cells, metadata=_metadata(plan, run))


def planned_aliases(plan: RunPlan) -> tuple[str, ...]:
    """Return the aliases a run of this plan executes, in order, reused ones included."""
    steps = plan.scenario.steps
    if plan.mode is RunMode.SINGLE_STEP:
        return tuple(step.alias for step in steps[plan.start_step_index : plan.start_step_index + 1])
    return tuple(step.alias for step in steps if step.order_index >= plan.start_step_index or step.alias in plan.reused)


def cell_id(kind: str, alias: str) -> str:
    """Return the stable id of a step's cell; a long alias is cut and told apart by a digest."""
    text = f"{kind}-{alias}"
    if len(text) <= LONGEST_CELL_ID:
        return text
    digest = hashlib.sha256(alias.encode()).hexdigest()[:12]
    return f"{text[: LONGEST_CELL_ID - 13]}-{digest}"


def variable_names(aliases: Sequence[str]) -> dict[str, str]:
    """Return a Python name for each alias: the alias itself, with `_` behind one that means something already."""
    names: dict[str, str] = {}
    used = set(aliases) | OWN_NAMES
    for alias in aliases:
        name = alias
        if name in TAKEN_NAMES or name in OWN_NAMES:
            name += "_"
            while name in used or name in TAKEN_NAMES:
                name += "_"
        used.add(name)
        names[alias] = name
    return names


def markdown_text(text: str) -> str:
    """Return text from a document so that it shows as it is: no markup, no HTML, one line."""
    return _MARKDOWN.sub(r"\\\1", escape(" ".join(text.split()), quote=False))


def _title(plan: RunPlan, run: TestRun) -> str:
    scenario = plan.scenario
    heading = markdown_text(scenario.name or scenario.key)
    facts = [
        f"- scenario: {markdown_text(scenario.key)}, version {scenario.version}",
        f"- environment: {markdown_text(plan.environment.name)}",
        f"- run: {markdown_text(run.id)}, {plan.mode.value}",
    ]
    if scenario.path:
        version = f", process version {scenario.process_version}" if scenario.process_version else ""
        facts.insert(1, f"- process: a path of {len(scenario.path)} flows{version}")
    if run.data_row_key:
        facts.append(f"- data row: {markdown_text(run.data_row_key)}")
    return "\n".join([f"# {heading}", "", *facts, "", INTRODUCTION])


def _parameters(plan: RunPlan, run: TestRun) -> str:
    row = "None" if run.data_row_key is None else _literal(run.data_row_key)
    return "\n".join(
        [
            f"scenario: str = {_literal(plan.scenario.key)}  # for the reader, the worker knows",
            f"environment: str = {_literal(plan.environment.name)}  # for the reader, the worker knows",
            f"data_row: str = {row}  # for the reader, the worker knows",
            "overrides: dict = {}  # input that replaces the scenario's, by alias",
        ]
    )


def _literal(text: str) -> str:
    # ascii() keeps line separators and bidirectional marks of a document out of the code.
    return ascii(text)


def _about(step: ScenarioStep) -> str:
    heading = f"### {step.order_index + 1}\\. {markdown_text(step.alias)}"
    facts = [step.kind.value]
    if step.channel_type is not None:
        facts.append(step.channel_type.value)
    target = _target(step)
    if target:
        facts.append(target)
    lines = [heading, "", " · ".join(markdown_text(fact) for fact in facts)]
    if step.name and step.name != step.alias:
        lines += ["", markdown_text(step.name)]
    return "\n".join(lines)


def _target(step: ScenarioStep) -> str:
    meta = step.action.meta
    if step.endpoint_ref is not None:
        return f"{step.endpoint_ref.service_name} {step.endpoint_ref.endpoint_name}"
    if step.channel_type is ChannelType.DB:
        return meta.data_source or ""
    if step.channel_type is ChannelType.KAFKA:
        return meta.topic or ""
    if step.channel_type is ChannelType.QUEUE:
        return meta.queue_name or ""
    return ", ".join(meta.tracked_steps)


def _metadata(plan: RunPlan, run: TestRun) -> dict[str, Any]:
    return {
        "title": plan.scenario.name or plan.scenario.key,
        "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
        "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
        "orchestra": {
            "runId": run.id,
            "scenarioKey": plan.scenario.key,
            "scenarioVersion": plan.scenario.version,
            "environment": plan.environment.name,
        },
    }
