"""Whatever a file holds, reading it ends quickly with a graph or a named defect, and planning what was read with our errors."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bpmn_mutation import mutate
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.design.bpmn import inspect_process, read_bpmn
from orchestra_kit.design.bpmn.findings import SEVERITIES

REPOSITORY = Path(__file__).parents[3]
SECONDS, MEGABYTES = 2.0, 512
EXAMPLES = 20_000


def check(data: bytes) -> None:
    """Read, and hold the result to the contract of `process inspect`."""
    document = read_bpmn(data, source="fuzz.bpmn")
    assert document.ok or document.diagnostics
    assert all(item.code in SEVERITIES for item in document.diagnostics)
    ids = {item.id for item in document.graph.nodes}
    assert len(document.graph.nodes) >= len(ids)
    document.graph.to_json()


@pytest.fixture(scope="module")
def sources(vendored: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in vendored]


@settings(max_examples=400, deadline=None)
@given(number=st.integers(0, 1000), seed=st.integers(0, 2**48))
def test_a_mutated_real_file_never_raises(sources: list[bytes], number: int, seed: int) -> None:
    check(mutate(sources[number % len(sources)], seed))


def test_a_file_of_mutated_bytes_is_inspected_by_name(tmp_path: Path, sources: list[bytes]) -> None:
    path = tmp_path / "odd.bpmn"
    path.write_bytes(mutate(sources[0], 7))
    assert inspect_process(path)["file"] == str(path)


def task(number: int) -> str:
    return f'<task id="n{number}"/>'


def flow(number: int, source: int, target: int) -> str:
    return f'<sequenceFlow id="f{number}" sourceRef="n{source}" targetRef="n{target}"/>'


MANY = 4000
TASKS = "".join(task(number) for number in range(MANY))
SHAPES = {
    "nothing joined": TASKS,
    "many ways into one chain that no start leads to": TASKS
    + "".join(flow(number, number, number + 1) for number in range(MANY // 2, MANY - 1))
    + "".join(flow(MANY + number, number, MANY // 2) for number in range(MANY // 2)),
    "links of one name": "".join(
        f'<intermediateThrowEvent id="t{number}"><linkEventDefinition name="a"/></intermediateThrowEvent>'
        f'<intermediateCatchEvent id="c{number}"><linkEventDefinition name="a"/></intermediateCatchEvent>'
        for number in range(MANY)
    ),
    "a lane for each": "<laneSet>"
    + "".join(f'<lane id="l{number}"><flowNodeRef>n{number}</flowNodeRef></lane>' for number in range(MANY))
    + "</laneSet>"
    + TASKS,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_shape_makes_reading_quadratic(shape: str) -> None:
    """Four times as many elements take about four times as long; where it was quadratic, this took over ten seconds."""
    text = (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p"><startEvent id="s"/>'
        f"{SHAPES[shape]}</process></definitions>"
    )
    started = time.process_time()
    assert len(read_bpmn(text.encode(), source="x").graph.nodes) >= MANY
    assert time.process_time() - started < 4


@pytest.mark.soak
def test_twenty_thousand_mutated_files_within_time_and_memory(corpus: list[Path]) -> None:
    """In a process of its own, so that its peak of memory is that of reading."""
    done = subprocess.run(
        [sys.executable, __file__, str(EXAMPLES), *map(str, corpus)],
        cwd=REPOSITORY,
        env={"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests' / 'support'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    slowest, peak = (float(item) for item in done.stdout.split())
    assert slowest <= SECONDS
    assert peak <= MEGABYTES


def soak(count: int, paths: list[str]) -> tuple[float, float]:
    """Read mutated files in turn; return the slowest in seconds and the peak of memory in megabytes."""
    contents = [Path(path).read_bytes() for path in paths]
    slowest = 0.0
    for seed in range(count):
        data = mutate(contents[seed % len(contents)], seed)
        started = time.process_time()
        try:
            check(data)
        except Exception:
            print(f"seed {seed} of {paths[seed % len(paths)]}", file=sys.stderr)
            raise
        slowest = max(slowest, time.process_time() - started)
    return slowest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(*soak(int(sys.argv[1]), sys.argv[2:]))
