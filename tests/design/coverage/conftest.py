"""BPMN text for tests, the corpus, and the checker that shares no code with the planner."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import pytest

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.model.process import ControlFlowGraph

REPOSITORY = Path(__file__).parents[3]
MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
Write = Callable[..., bytes]


def beside(name: str) -> ModuleType:
    """A module of this folder; tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def checker() -> ModuleType:
    return beside("certificate_checker")


@pytest.fixture(scope="session")
def brute() -> ModuleType:
    return beside("brute_force")


@pytest.fixture(scope="session")
def shapes() -> ModuleType:
    return beside("random_shapes")


@pytest.fixture(scope="session")
def vendored() -> list[Path]:
    return sorted((REPOSITORY / "tests" / "data" / "bpmn").glob("*.bpmn"))


@pytest.fixture(scope="session")
def corpus(vendored: list[Path]) -> list[Path]:
    folder = Path(os.environ.get("ORCHESTRA_CORPUS", REPOSITORY.parent / "shared" / "data")) / "bpmn"
    files = [item for item in sorted(folder.rglob("*")) if item.is_file() and item.suffix not in (".md", ".tsv")]
    if not files:
        pytest.skip(
            f"the BPMN corpus is absent (ORCHESTRA_CORPUS); {len(vendored)} vendored files are planned elsewhere"
        )
    return files + vendored


def write(content: str) -> bytes:
    return f'<definitions xmlns="{MODEL}"><process id="p">{content}</process></definitions>'.encode()


def flow(identifier: str, source: str, target: str, name: str = "") -> str:
    return f'<sequenceFlow id="{identifier}" sourceRef="{source}" targetRef="{target}" name="{name}"/>'


def flows(pairs: Iterable[tuple[str, str]], prefix: str = "f") -> str:
    return "".join(flow(f"{prefix}{index}", *pair) for index, pair in enumerate(pairs))


@pytest.fixture(scope="session")
def bpmn() -> Callable[[str], ControlFlowGraph]:
    return lambda content: read_bpmn(write(content), source="test").graph


def random_content(chance: random.Random, *, nodes: int, edges: int, depth: int = 0, prefix: str = "") -> str:
    """A container of any shape for one token: loops, traps, dead code, boundary events and, with depth, sub-processes."""
    names = [f"{prefix}n{index}" for index in range(nodes)]
    parts = [f'<startEvent id="{prefix}s"/><endEvent id="{prefix}e"/>']
    sources = list(names)
    for name in names:
        if depth and chance.random() < 0.4:
            inner = random_content(chance, nodes=chance.randint(1, 3), edges=4, depth=depth - 1, prefix=f"{name}.")
            parts.append(f'<subProcess id="{name}">{inner}</subProcess>')
        else:
            parts.append(f'<exclusiveGateway id="{name}"/>')
        if depth and chance.random() < 0.2:
            parts.append(f'<boundaryEvent id="{name}b" attachedToRef="{name}"><errorEventDefinition/></boundaryEvent>')
            sources.append(f"{name}b")
    if depth and chance.random() < 0.3:
        parts.append(f'<endEvent id="{prefix}x"><errorEventDefinition/></endEvent>')
        names = [*names, f"{prefix}x"]
    pairs = [(f"{prefix}s", chance.choice(names))]  # the one flow out of the start
    pairs += [(chance.choice(sources), chance.choice([*names, f"{prefix}e"])) for _ in range(edges)]
    pairs = [pair for pair in pairs if pair[0] != f"{prefix}x"]
    return "".join(parts) + flows(pairs, f"{prefix}f")


@pytest.fixture(scope="session")
def make_random() -> Callable[..., bytes]:
    def make(seed: int, *, nodes: int, edges: int, depth: int = 0) -> bytes:
        return write(random_content(random.Random(seed), nodes=nodes, edges=edges, depth=depth))

    return make
