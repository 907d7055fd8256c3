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
