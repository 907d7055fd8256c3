"""Real process files, small ones made here, and scenarios that take a path."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestra_kit.model import TestScenario

REPOSITORY = Path(__file__).parents[3]
MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def usable(path: Path) -> bool:
    data = path.read_bytes()
    return b"sequenceFlow" in data and b"/BPMN/20100524/MODEL" in data and b"<!DOCTYPE" not in data


@pytest.fixture(scope="session")
def real_files() -> list[Path]:
    folder = Path(os.environ.get("ORCHESTRA_CORPUS", REPOSITORY.parent / "shared" / "data")) / "bpmn"
    vendored = sorted((REPOSITORY / "tests" / "data" / "bpmn").glob("*.bpmn"))
    found = [item for item in sorted(folder.rglob("*")) if item.is_file() and item.suffix not in (".md", ".tsv")]
    return [item for item in [*found, *vendored] if usable(item)]


@pytest.fixture(scope="session")
def scenario() -> Callable[..., TestScenario]:
    def make(path: tuple[str, ...] | list[str], key: str = "one", **fields: object) -> TestScenario:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return TestScenario.model_validate(
            {
                "id": key,
                "tenantId": "t",
                "suiteId": "s",
                "key": key,
                "path": tuple(path),
                "createdAt": now,
                "createdBy": "a",
                "updatedAt": now,
                "updatedBy": "a",
                **fields,
            }
        )

    return make


@pytest.fixture(scope="session")
def xml() -> Callable[..., bytes]:
    """`nodes`: `kind:id[:name]` words, `flows`: `id:source>target` words; a name is written with _ for spaces."""

    def make(nodes: str, flows: str, extra: str = "") -> bytes:
        parts = []
        for word in nodes.split():
            kind, name, *title = word.split(":")
            parts.append(f'<{kind} id="{name}" name="{title[0].replace("_", " ") if title else ""}"/>')
        for word in flows.split():
            name, ends = word.split(":")
            source, target = ends.split(">")
            parts.append(f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}"/>')
        return f'<definitions xmlns="{MODEL}"><process id="p">{"".join(parts)}{extra}</process></definitions>'.encode()

    return make
