"""Short ways to write documents, import them, and evaluate what comes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestra_kit.design.arazzo.importing import import_scenarios
from orchestra_kit.design.arazzo.reading import read_arazzo
from orchestra_kit.design.generation import Author

AUTHOR = Author(tenant_id="t", suite_id="s", actor="a", now=datetime(2026, 1, 2, tzinfo=UTC))
HERE = Path(__file__).parent / "documents"


def document_of(*workflows, **more):
    """Return a document's data with sensible rest."""
    sources = [{"name": "shop", "url": "./shop.yaml", "type": "openapi"}]
    return {
        "arazzo": "1.0.1",
        "info": {"title": "T", "version": "1"},
        "sourceDescriptions": sources,
        "workflows": list(workflows),
        **more,
    }


def workflow_of(*steps, identifier="flow", **more):
    """Return a workflow; steps without a target call `op`."""
    targets = ("operationId", "operationPath", "workflowId", "channelPath")
    written = [
        {"stepId": f"s{number}", **({} if any(name in step for name in targets) else {"operationId": "op"}), **step}
        for number, step in enumerate(steps)
    ]
    return {"workflowId": identifier, "steps": written, **more}


def import_data(data, **more):
    """Return what a document given as data becomes."""
    return import_scenarios(read(data), AUTHOR, **more)


def read(data):
    return read_arazzo(json.dumps(data).encode(), source="flow.json")


@pytest.fixture
def doc():
    return document_of


@pytest.fixture
def flow():
    return workflow_of


@pytest.fixture
def imported():
    return import_data


@pytest.fixture
def one(imported):
    """Import one workflow; return its scenario."""

    def scenario(*steps, **more):
        [found] = imported(document_of(workflow_of(*steps, **more))).scenarios
        return found

    return scenario


@pytest.fixture
def reading():
    return read


@pytest.fixture
def author():
    return AUTHOR


@pytest.fixture(params=sorted(path.name for path in HERE.iterdir()))
def written(request):
    """Each of the documents here, as bytes."""
    return (HERE / request.param).read_bytes()
