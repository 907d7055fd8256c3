"""From what is recorded to what a report says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from orchestra_kit.model import (
    ControlFlowGraph,
    Expectations,
    RunStatus,
    ScenarioStep,
    StepResult,
    StepStatus,
    SuiteRun,
    Violation,
    ViolationType,
)
from orchestra_kit.reporting.advice import actual_of, advise, circumstances_of, expected_of, pointer_of
from orchestra_kit.reporting.coverage import (
    count_walks,
    covered_elements,
    measure,
    planned_elements,
    planned_flows,
)
from orchestra_kit.reporting.models import Models, joint_coverage
from orchestra_kit.reporting.report import (
    AttemptReport,
    Counts,
    EnvironmentReport,
    Expectation,
    FailingPlace,
    Observed,
    RunFacts,
    RunReport,
    ScenarioCoverage,
    StepReport,
    SuiteReport,
    Verdict,
    ViolationReport,
)


def build_report(
    facts: Sequence[RunFacts],
    *,
    graph: ControlFlowGraph | None = None,
    graphs: Mapping[str, ControlFlowGraph] | None = None,
    title: str = "",
    process_key: str = "",
    suite_name: str = "",
    suite_run: SuiteRun | None = None,
    generated_at: datetime,
) -> SuiteReport:
    """Return the report of a set of runs: those of a suite run, or a single one.

    `graph` is the model all of them ran on; where they are of several suites, `graphs` has the model of each by suite
    id. Suites of the same model count together; models are never mixed.
    """
    models = Models(graph, graphs or {})
    runs = tuple(build_run_report(item, models.graph_of(item), model=models.key_of(item)) for item in facts)
    verdict = joint_verdict([run.verdict for run in runs])
    started = min((run.started_at for run in runs if run.started_at), default=None)
    finished = max((run.finished_at for run in runs if run.finished_at), default=None)
    key = process_key.strip() or _process_of(graph) or suite_name.strip() or "process"
    return SuiteReport(
        title=title.strip() or suite_name.strip() or (runs[0].label if len(runs) == 1 else "Test report"),
        process_key=key,
        suite_name=suite_name.strip() or key,
        suite_run_id=suite_run.id if suite_run else None,
        generated_at=generated_at,
        verdict=verdict,
        exit_code=verdict.exit_code,
        counts=_counts(runs),
        started_at=started,
        finished_at=finished,
        duration_ms=_milliseconds(started, finished),
        coverage=joint_coverage(facts, models) if models else None,
        scenarios=_scenario_coverage(facts, models) if models else (),
        runs=runs,
        walks=_all_walks(runs) if models else {},
        graph=models.only,
        graphs=models.several,
    )


def build_run_report(facts: RunFacts, graph: ControlFlowGraph | None = None, *, model: str = "") -> RunReport:
    """Return what one run says."""
    run, scenario = facts.run, facts.plan.scenario
    steps = _step_reports(facts, graph)
    return RunReport(
        run_id=run.id,
        scenario_id=run.scenario_id,
        scenario_key=run.scenario_key or scenario.key,
        scenario_name=scenario.name,
        scenario_version=run.scenario_version,
        data_row_key=run.data_row_key,
        status=run.status,
        verdict=verdict_of(run.status, steps),
        status_reason=run.status_reason,
        flaky=run.status is RunStatus.PASSED and any(step.status is StepStatus.FLAKY for step in steps),
        mode=run.mode,
        executor=run.executor.value,
        source_run_id=run.source_run_id,
        correlation_id=run.correlation_id,
        created_by=run.created_by,
        triggered_by=run.triggered_by,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration_ms=_milliseconds(run.started_at, run.finished_at),
        recoveries=run.recoveries,
        environment=_environment(facts),
        data=facts.plan.data,
        failing=_failing(steps),
        steps=steps,
        planned_flows=planned_flows(facts),
        model=model,
        coverage=measure(graph, covered_elements(facts, graph), planned_elements(facts), model=model)
        if graph
        else None,
        walks=count_walks(facts, graph) if graph else {},
    )


class JudgedViolation(Protocol):
    """A violation, as far as a verdict needs it."""

    @property
    def type(self) -> ViolationType:
        """What kind of difference it is."""


class JudgedStep(Protocol):
    """The final attempt of a step, as far as a verdict needs it."""

    @property
    def status(self) -> StepStatus:
        """How it ended."""

    @property
    def violations(self) -> Sequence[JudgedViolation]:
        """What was found."""


def verdict_of(status: RunStatus, steps: Sequence[JudgedStep]) -> Verdict:
    """Return what a run says about the system: a violation of any final attempt outweighs what could not be judged."""
    violations = [item for step in steps if step.status is StepStatus.FAILED for item in step.violations]
    if status is RunStatus.PASSED:
        return Verdict.PASSED
    if status is RunStatus.SKIPPED:
        return Verdict.NOT_RUN
    if any(item.type is not ViolationType.EXECUTION_ERROR for item in violations):
        return Verdict.VIOLATIONS
    return Verdict.COULD_NOT_JUDGE


def joint_verdict(verdicts: Sequence[Verdict]) -> Verdict:
    """Return what several runs say together: a violation found is certain, whatever else could not be judged."""
    if Verdict.VIOLATIONS in verdicts:
        return Verdict.VIOLATIONS
    if Verdict.COULD_NOT_JUDGE in verdicts:
        return Verdict.COULD_NOT_JUDGE
    if Verdict.NOT_RUN in verdicts or not verdicts:
        return Verdict.NOT_RUN
    return Verdict.PASSED


def _counts(runs: Sequence[RunReport]) -> Counts:
    verdicts = [run.verdict for run in runs]
    return Counts(
        total=len(runs),
        passed=verdicts.count(Verdict.PASSED),
        violations=verdicts.count(Verdict.VIOLATIONS),
        could_not_judge=verdicts.count(Verdict.COULD_NOT_JUDGE),
        not_run=verdicts.count(Verdict.NOT_RUN),
        flaky=sum(run.flaky for run in runs),
    )


def _all_walks(runs: Sequence[RunReport]) -> dict[str, dict[str, int]]:
    walks: dict[str, Counter[str]] = {}
    for run in runs:
        walks.setdefault(run.model, Counter()).update(run.walks)
    return {model: dict(counts) for model, counts in walks.items()}


def _scenario_coverage(facts: Sequence[RunFacts], models: Models) -> tuple[ScenarioCoverage, ...]:
    by_key: dict[tuple[str, str], list[RunFacts]] = {}
    for item in facts:
        key = item.run.scenario_key or item.plan.scenario.key
        by_key.setdefault((models.key_of(item), key), []).append(item)
    return tuple(
        ScenarioCoverage(scenario_key=key, runs=len(items), coverage=joint_coverage(items, models))
        for (_, key), items in by_key.items()
    )


def _process_of(graph: ControlFlowGraph | None) -> str:
    return graph.processes[0].id if graph and graph.processes else ""


def _environment(facts: RunFacts) -> EnvironmentReport:
    environment = facts.plan.environment
    return EnvironmentReport(
        id=environment.id,
        name=environment.name,
        services={name: _without_login(service.base_url) for name, service in environment.http_services.items()},
        databases=tuple(sorted(facts.plan.db_profiles)),
    )


def _without_login(url: str) -> str:
    """Return an address without user name, password, query and fragment, where credentials hide."""
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return "(not an address)"


def _step_reports(facts: RunFacts, graph: ControlFlowGraph | None) -> tuple[StepReport, ...]:
    names = {node.id: node.name or node.id for node in graph.nodes} if graph else {}
    planned = {step.alias: step for step in facts.plan.scenario.steps}
    attempts: dict[tuple[str, int], list[StepResult]] = {}
    for result in facts.results:
        attempts.setdefault((result.step_alias, result.iteration), []).append(result)
    reports = [_step_report(facts, planned.get(alias), items, names) for (alias, _), items in attempts.items()]
    done = {alias for alias, _ in attempts}
    reports += [_unreached(facts, step, names) for step in facts.plan.scenario.steps if step.alias not in done]
    return tuple(sorted(reports, key=lambda item: (item.order_index, item.iteration)))


def _step_report(
    facts: RunFacts, step: ScenarioStep | None, results: list[StepResult], names: dict[str, str]
) -> StepReport:
    ordered = sorted(results, key=lambda item: item.attempt)
    last = ordered[-1]
    attempts = tuple(_attempt(facts, step, item) for item in ordered)
    final = attempts[-1].violations
    base = _step_base(step, last.step_alias, last.order_index, names)
    return base.model_copy(
        update={
            "iteration": last.iteration,
            "status": last.status,
            "could_not_judge": last.status is StepStatus.FAILED
            and all(item.type is ViolationType.EXECUTION_ERROR for item in final),
            "start_offset_ms": attempts[0].start_offset_ms,
            "duration_ms": _span(ordered),
            "settling_time_ms": last.settling_time_ms,
            "polls": last.polls,
            "reused_from_run": last.origin_run_id if last.origin_run_id != last.run_id else None,
            "attempts": attempts,
        }
    )


def _span(ordered: list[StepResult]) -> int:
    first, last = ordered[0], ordered[-1]
    return max(_milliseconds(first.started_at, last.started_at) + last.duration_ms, last.duration_ms, 0)


def _step_base(step: ScenarioStep | None, alias: str, order_index: int, names: dict[str, str]) -> StepReport:
    if step is None:
        return StepReport(order_index=order_index, alias=alias, status=StepStatus.PENDING)
    meta = step.action.meta
    return StepReport(
        order_index=step.order_index,
        alias=step.alias,
        name=step.name,
        kind=step.kind,
        channel_type=step.channel_type,
        service_name=step.endpoint_ref.service_name if step.endpoint_ref else meta.data_source,
        endpoint_name=step.endpoint_ref.endpoint_name if step.endpoint_ref else None,
        element_id=step.element_id,
        element_name=names.get(step.element_id or "", step.element_id),
        flow_ids=step.flow_ids,
        status=StepStatus.PENDING,
        expected=_expected(step.expectations),
        correlation=meta.correlation,
        timeout_ms=meta.timeout_ms,
    )


def _unreached(facts: RunFacts, step: ScenarioStep, names: dict[str, str]) -> StepReport:
    base = _step_base(step, step.alias, step.order_index, names)
    if not facts.run.status.terminal:
        return base.model_copy(update={"reason": "The run has not come here yet."})
    reason = facts.run.status_reason or {
        RunStatus.PASSED: "Not part of this run.",
        RunStatus.CANCELLED: "The run was cancelled before.",
        RunStatus.SKIPPED: "The run was skipped.",
    }.get(facts.run.status, "The run ended before.")
    return base.model_copy(update={"status": StepStatus.SKIPPED, "reason": reason})


def _expected(expectations: Expectations) -> tuple[Expectation, ...]:
    found: list[Expectation] = []
    codes = expectations.expected_status_code
    if codes is not None:
        text = str(codes) if isinstance(codes, int) else " or ".join(str(code) for code in codes)
        found.append(Expectation(kind="status", text=text))
    if expectations.check_contract:
        found.append(Expectation(kind="contract", text="the answer fits its interface description"))
    found += [Expectation(kind="schema", text=reference) for reference in expectations.schema_refs]
    for rule in expectations.business_rules:
        found.append(Expectation(kind="rule", text=f"{rule.name}: {rule.expr}" if rule.name else rule.expr))
    if expectations.rows is not None:
        found += _expected_rows(expectations)
    if expectations.max_duration_ms is not None:
        found.append(Expectation(kind="duration", text=f"at most {expectations.max_duration_ms} ms"))
    return tuple(found)


def _expected_rows(expectations: Expectations) -> list[Expectation]:
    rows = expectations.rows
    if rows is None:
        return []
    limits = (("exactly", rows.count), ("at least", rows.min_count), ("at most", rows.max_count))
    found = [Expectation(kind="rows", text=f"{word} {limit}") for word, limit in limits if limit is not None]
    for row in rows.rows or ():
        shown = ", ".join(f"{name} = {value!r}" for name, value in row.items())
        found.append(Expectation(kind=f"row ({rows.match.value.lower()})", text=shown))
    if rows.hold_ms:
        found.append(Expectation(kind="rows", text=f"still so after {rows.hold_ms} ms"))
    return found


def _attempt(facts: RunFacts, step: ScenarioStep | None, result: StepResult) -> AttemptReport:
    return AttemptReport(
        attempt=result.attempt,
        status=result.status,
        started_at=result.started_at,
        start_offset_ms=_milliseconds(facts.run.started_at, result.started_at),
        duration_ms=max(result.duration_ms, 0),
        idempotency_key=result.idempotency_key,
        request=result.request,
        observed=Observed(
            status_code=result.actual_status_code,
            headers=result.response_headers,
            body=result.response_body,
            db_result=result.db_result,
            kafka_message=result.kafka_message,
            queue_message=result.queue_message,
        ),
        violations=tuple(_violation(facts, step, result, item) for item in result.violations),
        settling_time_ms=result.settling_time_ms,
        polls=result.polls,
    )


def _violation(facts: RunFacts, step: ScenarioStep | None, result: StepResult, violation: Violation) -> ViolationReport:
    around = circumstances_of(step, result.step_alias, result.request, facts.run.correlation_id)
    return ViolationReport(
        type=violation.type,
        code=violation.code,
        message=violation.message,
        what_to_do=advise(violation, around),
        expected=expected_of(violation),
        actual=actual_of(violation),
        pointer=pointer_of(violation),
        details=violation.details,
        settling_time_ms=violation.settling_time_ms,
    )


def _failing(steps: Sequence[StepReport]) -> FailingPlace | None:
    """Return the first failed step, and its first violation that tells something about the system."""
    step = next((item for item in steps if item.status is StepStatus.FAILED), None)
    if step is None:
        return None
    judged = [item for item in step.violations if item.type is not ViolationType.EXECUTION_ERROR]
    return FailingPlace(
        step_alias=step.alias,
        step_name=step.label,
        order_index=step.order_index,
        iteration=step.iteration,
        element_id=step.element_id,
        element_name=step.element_name,
        violation=next(iter(judged or step.violations), None),
    )


def _milliseconds(start: datetime | None, end: datetime | None) -> int:
    if start is None or end is None:
        return 0
    return max(round((end - start).total_seconds() * 1000), 0)
