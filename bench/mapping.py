"""Binding labels to operations on the labelled set: how often the best and the first three are right, how often we dare.

Prints one JSON line for each group. `ORCHESTRA_CORPUS` says where the corpus is (default `../shared/data`). Most rows were
written by a machine from the interface text itself, and some labels are wrong: read the people's rows beside the total.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestra_kit.model import InterfaceSummary
from orchestra_kit.protocols.http.endpoint_matcher import NameMatcher, is_known
from orchestra_kit.protocols.http.spec_parser import OpenApiParser

FOLDER = Path(os.environ.get("ORCHESTRA_CORPUS", Path(__file__).parents[2] / "shared" / "data")) / "mapping"


def half_of(row: dict[str, Any]) -> str:
    """Return the half an API belongs to: weights were chosen on the first, checked on the second, and the other way."""
    return f"half {int(hashlib.md5(row['provider'].encode(), usedforsecurity=False).hexdigest(), 16) % 2}"


def groups_of(row: dict[str, Any]) -> Iterator[str]:
    """Return the groups a row counts in."""
    yield "all"
    yield half_of(row)
    yield row["written_by"]
    yield "name is operationId" if row["name_is_operation_id"] else "name is another"


def measure(folder: Path = FOLDER, *, described: bool, every: int = 1) -> dict[str, dict[str, float]]:
    """Return for each group rows, top1, top3, coverage (how many are said to be known) and precision (of those)."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    interfaces: dict[str, InterfaceSummary] = {}
    matcher, parser = NameMatcher(), OpenApiParser()
    lines = (folder / "mapping.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[::every]:
        row = json.loads(line)
        file = row["file"]
        if file not in interfaces:
            text = (folder / "openapi" / file).read_text(encoding="utf-8")
            interfaces[file] = parser.parse(text, source=file)
        about = (row["description"] or "") if described else ""
        matches = matcher.match(row["short"], {"service": interfaces[file]}, most=3, about=about)
        names = [f"{item.operation.method} {item.operation.path}" for item in matches]
        right, known = names[:1] == [row["true_op"]], is_known(matches)
        for group in groups_of(row):
            counts[group].update(rows=1, top1=right, top3=row["true_op"] in names, known=known, right=known and right)
    return {
        group: {
            "rows": count["rows"],
            "top1": round(count["top1"] / count["rows"], 3),
            "top3": round(count["top3"] / count["rows"], 3),
            "coverage": round(count["known"] / count["rows"], 3),
            "precision": round(count["right"] / max(1, count["known"]), 3),
        }
        for group, count in counts.items()
    }


def main() -> None:
    """Print the figures."""
    for described in (False, True):
        for group, figures in measure(described=described).items():
            print(json.dumps({"bench": "mapping", "described": described, "group": group, **figures}))


if __name__ == "__main__":
    main()
