"""Plans of suites as pages and fragments: planned here, shown by reporting. No database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestra_kit.app.inspection import plan_with_graph
from orchestra_kit.app.reports import check_targets


def write_plan_report(
    path: Path,
    out: Path,
    *,
    process_id: str | None,
    criterion: str,
    max_loop: int,
    fragment: bool = False,
    conditions: bool = False,
    siblings: Sequence[Path] = (),
) -> dict[str, Any]:
    """Plan a process file, write the plan as HTML (a fragment for notebooks when asked for) and return its JSON."""
    from orchestra_kit.reporting.files import write_plan, write_whole
    from orchestra_kit.reporting.plan import plan_fragment

    check_targets(out, make_folders=False)
    plan, graph = plan_with_graph(
        path,
        process_id=process_id,
        criterion=criterion,
        max_loop=max_loop,
        conditions=conditions,
        siblings=siblings,
    )
    if fragment:
        write_whole(out, plan_fragment(plan, graph))
    else:
        write_plan(plan, graph, out)
    return plan
