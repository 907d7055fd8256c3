"""Graphs and recorded facts made by hand, for the tests of the reports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestra_kit.model import (
    Bounds,
    ChannelType,
    ControlFlowGraph,
    Diagram,
    DiagramEdge,
    DiagramShape,
    EndpointRef,
    Environment,
    Expectations,
    FlowNode,
    HttpService,
    NodeType,
    ProcessSummary,
    RunStatus,
    ScenarioStep,
    SequenceFlow,
    SourceType,
    StepAction,
    StepKind,
    StepMeta,
    StepResult,
    StepStatus,
    TestRun,
    TestScenario,
    Violation,
    ViolationType,
)
from orchestra_kit.reporting.assembly import build_report
from orchestra_kit.reporting.report import RunFacts, SuiteReport
from orchestra_kit.spi.plan import RunPlan

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def node(node_id: str, kind: str, name: str = "", **more: Any) -> FlowNode:
    """Return a node of the process `order`, unless told otherwise."""
    more = {"container": "order", "process_id": "order", **more}
    return FlowNode(id=node_id, name=name, type=NodeType(kind), **more)


def flow(flow_id: str, source: str, target: str, name: str = "", **more: Any) -> SequenceFlow:
    """Return a flow of the process `order`, unless told otherwise."""
    more = {"container": "order", "process_id": "order", **more}
    return SequenceFlow(id=flow_id, name=name, source=source, target=target, **more)


def graph_of(nodes: list[FlowNode], flows: list[SequenceFlow], **more: Any) -> ControlFlowGraph:
    """Return a graph of the process `order`."""
    processes = (ProcessSummary(id="order", name="Order", nodes=len(nodes), flows=len(flows)),)
    more = {"processes": processes, **more}
    return ControlFlowGraph(source_type=SourceType.BPMN, nodes=tuple(nodes), flows=tuple(flows), **more)


@pytest.fixture
def order_graph() -> ControlFlowGraph:
    """Start, reserve, in stock?, pay or reject, two ends; without diagram interchange."""
    return graph_of(
        [
            node("start", "startEvent", "Order placed"),
            node("reserve", "serviceTask", "Reserve stock"),
            node("gw", "exclusiveGateway", "In stock?", default_flow="f4"),
            node("pay", "serviceTask", "Pay"),
            node("reject", "sendTask", "Send rejection"),
            node("done", "endEvent", "Shipped"),
            node("refused", "endEvent", "Refused"),
        ],
        [
            flow("f1", "start", "reserve"),
            flow("f2", "reserve", "gw"),
            flow("f3", "gw", "pay", "yes"),
            flow("f4", "gw", "reject", "no", is_default=True),
            flow("f5", "pay", "done"),
            flow("f6", "reject", "refused"),
        ],
    )


@pytest.fixture
def drawn_graph(order_graph: ControlFlowGraph) -> ControlFlowGraph:
    """The same with diagram interchange for all of it."""
    places = {
        "start": (150, 100, 36, 36),
        "reserve": (240, 78, 100, 80),
        "gw": (395, 93, 50, 50),
        "pay": (500, 78, 100, 80),
        "reject": (500, 200, 100, 80),
        "done": (662, 100, 36, 36),
        "refused": (662, 222, 36, 36),
    }
    shapes = tuple(
        DiagramShape(element_id=key, bounds=Bounds(x=x, y=y, width=width, height=height))
        for key, (x, y, width, height) in places.items()
    )
    ways = {
        "f1": ((186, 118), (240, 118)),
        "f2": ((340, 118), (395, 118)),
        "f3": ((445, 118), (500, 118)),
        "f4": ((420, 143), (420, 240), (500, 240)),
        "f5": ((600, 118), (662, 118)),
        "f6": ((600, 240), (662, 240)),
    }
    edges = tuple(DiagramEdge(element_id=key, waypoints=way) for key, way in ways.items())
    return order_graph.model_copy(update={"diagram": Diagram(shapes=shapes, edges=edges)})


def step(index: int, alias: str, element: str, flows: tuple[str, ...], **more: Any) -> ScenarioStep:
    """Return an HTTP ACTION, unless told otherwise."""
    base: dict[str, Any] = {
        "id": f"step-{alias}",
        "order_index": index,
        "alias": alias,
        "name": alias.capitalize(),
        "kind": StepKind.ACTION,
        "channel_type": ChannelType.HTTP_REST,
        "endpoint_ref": EndpointRef(service_name="payments", endpoint_name=f"POST /{alias}"),
        "element_id": element,
        "flow_ids": flows,
        "expectations": Expectations(expected_status_code=201),
    }
    return ScenarioStep(**{**base, **more})


def result(alias: str, index: int, status: StepStatus = StepStatus.PASSED, **more: Any) -> StepResult:
    """Return one attempt that took 40 ms, a tenth of a second after the one before it."""
    started = NOON + timedelta(milliseconds=100 * index)
    base: dict[str, Any] = {
        "tenant_id": "local",
        "run_id": "run-1",
        "origin_run_id": "run-1",
        "step_id": f"step-{alias}",
        "step_alias": alias,
        "order_index": index,
        "idempotency_key": f"run-1/{alias}/0/1",
        "started_at": started,
        "finished_at": started + timedelta(milliseconds=40),
        "status": status,
        "duration_ms": 40,
        "request": {
            "method": "POST",
            "url": f"http://payments.test/{alias}",
            "headers": {"accept": "*/*"},
            "body": {"amount": 12},
        },
        "actual_status_code": 201,
        "response_headers": {"content-type": "application/json"},
        "response_body": {"id": "p-1", "amount": 12, "lines": [{"sku": "A", "n": 2}]},
    }
    return StepResult(**{**base, **more})


def facts_of(
    steps: list[ScenarioStep],
    results: list[StepResult],
    status: RunStatus = RunStatus.PASSED,
    *,
    key: str = "happy",
    run: dict[str, Any] | None = None,
    scenario: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    environment: dict[str, Any] | None = None,
) -> RunFacts:
    """Return the facts of one run of one second."""
    people = {"created_at": NOON, "created_by": "ann"}
    plan_scenario = TestScenario(
        **{
            "id": f"scenario-{key}", "tenant_id": "local", "suite_id": "suite-1", "key": key, "name": "In stock",
            "steps": tuple(steps), "updated_at": NOON, "updated_by": "ann", **people, **(scenario or {}),
        }
    )  # fmt: skip
    plan_environment = Environment(
        **{
            "id": "env-1", "tenant_id": "local", "name": "staging",
            "http_services": {"payments": HttpService(base_url="http://payments.test")}, **(environment or {}),
        }
    )  # fmt: skip
    test_run = TestRun(
        **{
            "id": "run-1", "tenant_id": "local", "scenario_id": plan_scenario.id, "scenario_key": key,
            "scenario_version": 1, "status": status, "started_at": NOON, "finished_at": NOON + timedelta(seconds=1),
            "correlation_id": "corr-1", **people, **(run or {}),
        }
    )  # fmt: skip
    plan = RunPlan(scenario=plan_scenario, environment=plan_environment, data=data or {"amount": 12})
    return RunFacts(run=test_run, plan=plan, results=tuple(results))


HAPPY_STEPS = [
    step(0, "reserve", "reserve", ("f1",)),
    step(1, "pay", "pay", ("f2", "f3")),
    step(
        2,
        "ledger",
        "pay",
        (),
        kind=StepKind.ASSERTION,
        channel_type=ChannelType.DB,
        endpoint_ref=None,
        action=StepAction(meta=StepMeta(data_source="shop", sql="select 1", timeout_ms=2000)),
        expectations=Expectations(),
    ),
]

BREACH = Violation(
    type=ViolationType.CONTRACT_VIOLATION,
    code="response.body",
    message="required property 'status' is missing",
    details={"expected": {"id": "p-1", "status": "PAID"}, "actual": {"id": "p-1"}, "pointer": "/lines/0"},
)


@pytest.fixture
def happy_facts() -> RunFacts:
    """A run that walked start, reserve, gateway, pay and shipped, and saw its ledger row after 300 ms."""
    results = [
        result("reserve", 0),
        result("pay", 1),
        result("ledger", 2, request={"sql": "select 1"}, response_body=None, response_headers=None,
               actual_status_code=None, db_result={"rows": [{"paid": 12}], "count": 1}, settling_time_ms=300, polls=4),
    ]  # fmt: skip
    return facts_of(HAPPY_STEPS, results, scenario={"end_flow_ids": ("f5",)}, run={"data_row_key": "one"})


@pytest.fixture
def failing_facts() -> RunFacts:
    """A run whose payment breaks its contract, so that the ledger was not looked at."""
    results = [result("reserve", 0), result("pay", 1, StepStatus.FAILED, violations=(BREACH,))]
    return facts_of(HAPPY_STEPS, results, RunStatus.FAILED, run={"id": "run-2", "data_row_key": "two"})


@pytest.fixture
def flaky_facts() -> RunFacts:
    """A run whose reservation answered 500 first and 201 at the second attempt."""
    refused = Violation(
        type=ViolationType.HTTP_ERROR,
        code="status",
        message="expected 201, got 500",
        details={"expected": 201, "actual": 500},
    )
    results = [
        result("reserve", 0, StepStatus.FAILED, violations=(refused,), actual_status_code=500),
        result("reserve", 0, StepStatus.FLAKY, attempt=2, started_at=NOON + timedelta(milliseconds=60)),
        result("pay", 1),
        result("ledger", 2, settling_time_ms=900),
    ]
    return facts_of(HAPPY_STEPS, results, key="retry", scenario={"end_flow_ids": ("f5",)}, run={"id": "run-3"})


@pytest.fixture
def unjudged_facts() -> RunFacts:
    """A run that could not be judged: the service refused the connection."""
    refused = Violation(
        type=ViolationType.EXECUTION_ERROR, code="refused", message="connection refused", details={"kind": "refused"}
    )
    results = [
        result("reserve", 0, StepStatus.FAILED, violations=(refused,), actual_status_code=None, response_body=None)
    ]
    return facts_of(HAPPY_STEPS, results, RunStatus.FAILED, key="down", run={"id": "run-4"})


@pytest.fixture
def skipped_facts() -> RunFacts:
    """A run skipped because the scenario it depends on failed."""
    return facts_of(
        HAPPY_STEPS,
        [],
        RunStatus.SKIPPED,
        key="later",
        run={"id": "run-5", "status_reason": "scenario happy did not pass", "started_at": None, "finished_at": None},
    )


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The makers above by name, for tests that need their own facts."""
    return SimpleNamespace(
        node=node,
        flow=flow,
        graph=graph_of,
        step=step,
        result=result,
        facts=facts_of,
        steps=HAPPY_STEPS,
        breach=BREACH,
        noon=NOON,
    )


@pytest.fixture
def every_facts(
    happy_facts: RunFacts,
    failing_facts: RunFacts,
    flaky_facts: RunFacts,
    unjudged_facts: RunFacts,
    skipped_facts: RunFacts,
) -> list[RunFacts]:
    """One run of each kind."""
    return [happy_facts, failing_facts, flaky_facts, unjudged_facts, skipped_facts]


@pytest.fixture
def report(every_facts: list[RunFacts], drawn_graph: ControlFlowGraph) -> SuiteReport:
    """The report of one run of each kind."""
    return build_report(
        every_facts,
        graph=drawn_graph,
        title="Nightly",
        process_key="order",
        suite_name="order-suite",
        generated_at=NOON + timedelta(seconds=9),
    )


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real process files."""
    default = Path(__file__).parents[2] / ".." / "shared" / "data"
    folder = Path(os.environ.get("ORCHESTRA_CORPUS", default)) / "bpmn"
    if not folder.is_dir():
        pytest.skip(f"no corpus at {folder}; set ORCHESTRA_CORPUS")
    return folder


@pytest.fixture(scope="module")
def open_page() -> Iterator[Callable[[str], Any]]:
    """A function that opens an address in Chromium and returns the page; it counts what the page asks for."""
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser_path is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=flags)
        try:

            def visit(address: str, **options: Any) -> Any:
                page = browser.new_page(viewport={"width": 1280, "height": 900}, **options)
                page.requested, page.troubles = [], []  # kept on the page, where the tests look
                page.on("request", lambda request: page.requested.append(request.url))
                page.on("pageerror", lambda error: page.troubles.append(str(error)))
                page.on("console", lambda line: page.troubles.append(line.text) if line.type == "error" else None)
                page.on("dialog", lambda dialog: (page.troubles.append("dialog"), dialog.dismiss()))
                page.goto(address)
                return page

            yield visit
        finally:
            browser.close()
