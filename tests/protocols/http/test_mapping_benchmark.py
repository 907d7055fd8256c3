"""The matcher on the labelled set: what it says it knows is right, and it does not get worse."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("ORCHESTRA_CORPUS", REPOSITORY.parent / "shared" / "data")) / "mapping"


@pytest.fixture(scope="module")
def bench():
    if not FOLDER.is_dir():
        pytest.skip("the mapping corpus is absent (ORCHESTRA_CORPUS)")
    spec = importlib.util.spec_from_file_location("mapping_bench", REPOSITORY / "bench" / "mapping.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("described", "top1", "top3", "coverage"), [(True, 0.82, 0.94, 0.46), (False, 0.78, 0.92, 0.35)]
)
def test_the_matcher_is_right_where_it_says_it_knows(bench, described, top1, top3, coverage):
    found = bench.measure(FOLDER, described=described, every=2)["all"]  # half of it: quick enough for every run
    assert found["precision"] >= 0.95
    assert found["coverage"] >= coverage
    assert (found["top1"] >= top1, found["top3"] >= top3) == (True, True), found
