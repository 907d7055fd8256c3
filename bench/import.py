"""Reading BPMN: the corpus and a generated file of 10 000 nodes, beside lxml alone and pm4py where it is installed.

One JSON line for each figure. `ORCHESTRA_CORPUS` says where the corpus is (default `../shared/data`).
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lxml import etree

from orchestra_kit.design.bpmn import read_bpmn

CORPUS = Path(os.environ.get("ORCHESTRA_CORPUS", Path(__file__).parents[2] / "shared" / "data")) / "bpmn"
MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def milliseconds(action: Callable[[bytes], Any], data: bytes, *, repeat: int = 3) -> float | None:
    """Return the best of a few tries; None where the reader fails."""
    best = float("inf")
    for _ in range(repeat):
        started = time.perf_counter()
        try:
            action(data)
        except Exception:
            return None
        best = min(best, time.perf_counter() - started)
    return best * 1000


def generated(nodes: int) -> bytes:
    """Return a chain of that many nodes with listed flows, as tools write it."""
    middle = "".join(
        f'<task id="n{i}" name="Task {i}"><incoming>f{i}</incoming><outgoing>f{i + 1}</outgoing></task>'
        for i in range(1, nodes - 1)
    )
    flows = "".join(f'<sequenceFlow id="f{i}" sourceRef="n{i - 1}" targetRef="n{i}"/>' for i in range(1, nodes))
    ends = f'<startEvent id="n0"/>{middle}<endEvent id="n{nodes - 1}"/>'
    return f'<definitions xmlns="{MODEL}"><process id="p">{ends}{flows}</process></definitions>'.encode()


def read_by_pm4py(data: bytes) -> Any:
    """Read with pm4py, which wants a file."""
    import pm4py

    with tempfile.NamedTemporaryFile(suffix=".bpmn") as file:
        file.write(data)
        file.flush()
        return pm4py.read_bpmn(file.name)


def readers() -> dict[str, Callable[[bytes], Any]]:
    """Return the readers that can run here."""
    found: dict[str, Callable[[bytes], Any]] = {
        "orchestra": lambda data: read_bpmn(data, source="x"),
        "lxml alone": lambda data: list(etree.fromstring(data).iter()),
    }
    try:
        import pm4py  # noqa: F401
    except ImportError:
        return found
    return found | {"pm4py": read_by_pm4py}


def main() -> None:
    """Print the figures."""
    paths = [
        path for path in sorted(CORPUS.rglob("*")) if path.is_file() and path.name not in ("README.md", "MANIFEST.tsv")
    ]
    contents = [path.read_bytes() for path in paths]
    big = generated(10_000)
    for name, action in readers().items():
        times = [milliseconds(action, data) for data in contents]
        good = sorted(item for item in times if item is not None)
        line: dict[str, Any] = {"bench": "import", "reader": name, "files": len(times), "read": len(good)}
        if good:
            line |= {"medianMs": round(statistics.median(good), 2), "maxMs": round(good[-1], 1)}
        if name != "pm4py":
            line["nodes10000Ms"] = round(milliseconds(action, big) or 0, 0)
        print(json.dumps(line))


if __name__ == "__main__":
    main()
