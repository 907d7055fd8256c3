"""Pairwise rows: ours and processor seconds beside allpairspy on the six inputs that tools are compared with, all pairs checked.

Prints a line for each input and one JSON line at the end. Run: python bench/pairwise.py
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from orchestra_kit.design.combinations import inclusive_rows, pairwise, pairwise_lower_bound

INPUTS = {
    "3^4": [3] * 4,
    "3^13": [3] * 13,
    "4^15 3^17 2^29": [4] * 15 + [3] * 17 + [2] * 29,
    "4^1 3^39 2^35": [4] + [3] * 39 + [2] * 35,
    "2^100": [2] * 100,
    "10^20": [10] * 20,
}
BRANCHES = (2, 3, 4, 5, 10, 15, 35, 100)


def missing_pairs(levels: Sequence[int], rows: Sequence[Sequence[int]]) -> int:
    """Return how many pairs of values no row holds."""
    return sum(
        levels[i] * levels[j] - len({(row[i], row[j]) for row in rows}) for i, j in combinations(range(len(levels)), 2)
    )


def main() -> None:
    """Measure and print."""
    from allpairspy import AllPairs

    answer = {}
    for name, levels in INPUTS.items():
        begun = time.process_time()
        ours = pairwise(levels)
        between = time.process_time()
        theirs = [tuple(row) for row in AllPairs([list(range(size)) for size in levels])]
        ended = time.process_time()
        answer[name] = {
            "rows": len(ours),
            "lowerBound": pairwise_lower_bound(levels),
            "seconds": round(between - begun, 2),
            "missing": missing_pairs(levels, ours),
            "allpairspy": len(theirs),
            "allpairspySeconds": round(ended - between, 2),
        }
        print(f"{name:>16}", answer[name], flush=True)
    branches = {n: [len(inclusive_rows(n, default=default)) for default in (True, False)] for n in BRANCHES}
    print(json.dumps({"pairwise": answer, "inclusive [with, without default]": branches}))


if __name__ == "__main__":
    main()
