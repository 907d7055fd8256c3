"""The demo's suite leaves as an Arazzo document, comes back as a suite of its own, and passes against the shop."""

from __future__ import annotations

import pytest

from orchestra_kit.app.submission import RunOptions
from orchestra_kit.demo.documents import OPENAPI_DOCUMENTS
from orchestra_kit.demo.launcher import start_shop
from orchestra_kit.demo.tour import shop_environment
from orchestra_kit.model import Executor, RunStatus, ScenarioStatus

SUITE = "order-fulfilment"


@pytest.fixture(scope="module")
def document(workspace, tmp_path_factory):
    """The exported file."""
    path = tmp_path_factory.mktemp("arazzo") / "flows" / "order.arazzo.yaml"
    path.parent.mkdir()
    path.write_text(workspace.arazzo.export(SUITE, as_json=False, out=path, sources=OPENAPI_DOCUMENTS))
    return path


@pytest.mark.timeout(240)
def test_the_suite_passes_after_the_way_through_arazzo(workspace, document, tmp_path):
    made = workspace.arazzo.import_file(document, suite="order-again")
    assert made.created
    assert [scenario.gaps for scenario in made.scenarios] == [()] * len(made.scenarios)
    published = workspace.scenarios.move("order-again", ScenarioStatus.PUBLISHED)
    assert len(published) == len(workspace.scenarios.list(SUITE))
    with start_shop(tmp_path / "shop") as shop:
        described = shop_environment(shop.base_urls, shop.database)
        workspace.definitions.put_environment(described.model_copy(update={"name": "arazzo"}))
        options = RunOptions(environment="arazzo", executor=Executor.INLINE, triggered_by="test")
        submitted = workspace.runner.submit("order-again", None, options)
        outcome = workspace.runner.wait(submitted, work_here=False, timeout_seconds=200)
    assert {run.run.status for run in outcome.runs} == {RunStatus.PASSED}


def test_the_document_names_its_sources_relative_to_itself(document):
    from orchestra_kit.design.arazzo.reading import read_arazzo

    written = read_arazzo(document.read_bytes(), source=str(document))
    found = {item.name: (document.parent / item.url).resolve() for item in written.sources}
    assert found == {name: path.resolve() for name, path in OPENAPI_DOCUMENTS.items()}


def test_the_scenarios_are_the_same_but_for_who_and_when(workspace, document):
    from orchestra_kit.app.definitions import content_of

    made = workspace.arazzo.import_file(document, suite="order-once-more")
    stored = {item.key: content_of(item) for item in workspace.scenarios.list(SUITE)}
    again = {item.key: content_of(item) for item in made.scenarios}
    for contents in (stored, again):
        for content in contents.values():
            for name in ("suiteId", "source"):
                content.pop(name)
    assert again == stored


BY_HAND = """\
arazzo: 1.0.1
info: {title: Stock by hand, version: "1"}
sourceDescriptions:
  - {name: inventory, url: ./inventory.yaml, type: openapi}
  - {name: payments, url: ./payments.yaml, type: openapi}
workflows:
  - workflowId: put-in-stock
    inputs: &item
      type: object
      properties:
        sku: {type: string, default: lamp-1}
        quantity: {type: integer, default: 4}
    steps:
      - stepId: put-item
        operationId: $sourceDescriptions.inventory.putItem
        parameters: [{name: sku, in: path, value: $inputs.sku}]
        requestBody:
          contentType: application/json
          payload: '{"quantity": {$inputs.quantity}, "unitPriceCents": 250}'
        successCriteria:
          - condition: $statusCode == 201 || $statusCode == 200
          - condition: $response.body#/sku == 'LAMP-1' && $response.body#/quantity == $inputs.quantity
        outputs:
          item: $response.body
          sku: $response.body#/sku
    outputs:
      sku: $steps.put-item.outputs.sku
  - workflowId: check-and-reserve
    dependsOn: [put-in-stock]
    inputs: {type: object, properties: {order: {type: string, default: order-77}}}
    steps:
      - stepId: more
        workflowId: put-in-stock
        parameters:
          - {name: sku, value: "{$workflows.put-in-stock.outputs.sku}"}
          - {name: quantity, value: 6}
      - stepId: check stock
        operationId: $sourceDescriptions.inventory.checkStock
        requestBody:
          payload: {orderId: $inputs.order, sku: $steps.more.outputs.sku, quantity: 5}
        successCriteria:
          - condition: $statusCode == 200
          - condition: $response.body#/inStock == true
          - {context: $response.body#/available, condition: '^[0-9]+$', type: regex}
          - {context: $response.body, condition: '$.available', type: jsonpath}
          - condition: $response.body#/nothing == null
          - condition: $response.header.Content-Type == 'application/JSON'
        onFailure:
          - {name: again, type: retry, retryAfter: 0.1, retryLimit: 2, criteria: [{condition: $statusCode >= 500}]}
      - stepId: read
        operationPath: '{$sourceDescriptions.inventory.url}#/paths/~1items~1{sku}/get'
        parameters: [{name: sku, in: path, value: $steps.more.outputs.sku}]
        successCriteria:
          - condition: $response.body#/quantity == CRITERION
"""


@pytest.mark.parametrize(("quantity", "status"), [("6", RunStatus.PASSED), ("7", RunStatus.FAILED)])
def test_a_document_written_by_hand_runs(workspace, tmp_path, quantity, status):
    """A document nobody here exported: calls, outputs across workflows, payload text, criteria of four kinds."""
    path = tmp_path / "by-hand.arazzo.yaml"
    path.write_text(BY_HAND.replace("CRITERION", quantity))
    made = workspace.arazzo.import_file(path, suite=f"by-hand-{quantity}")
    assert [gap.message for item in made.scenarios for gap in item.gaps] == []
    assert made.warnings == ()
    workspace.scenarios.move(made.suite.key, ScenarioStatus.PUBLISHED)
    with start_shop(tmp_path / "shop") as shop:
        described = shop_environment(shop.base_urls, shop.database)
        workspace.definitions.put_environment(described.model_copy(update={"name": made.suite.key}))
        options = RunOptions(environment=made.suite.key, executor=Executor.INLINE, triggered_by="test")
        submitted = workspace.runner.submit(made.suite.key, None, options)
        outcome = workspace.runner.wait(submitted, work_here=False, timeout_seconds=100)
    by_key = {run.run.scenario_key: run for run in outcome.runs}
    assert by_key["put-in-stock"].run.status is RunStatus.PASSED
    found = [violation for result in by_key["check-and-reserve"].results for violation in result.violations]
    assert by_key["check-and-reserve"].run.status is status, found
    assert [violation.code for violation in found] == ([] if status is RunStatus.PASSED else ["RULE_FALSE"])
