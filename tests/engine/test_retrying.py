"""Deliberate repetition: only where a step says so, each attempt with a row and a key of its own."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from orchestra_kit.model import RunStatus


def retrying(world: Any, **policy: Any) -> list[dict[str, Any]]:
    return [world.action("pay", expect={"expectedStatusCode": 200}, retry={"retryLimit": 3, **policy})]


def test_a_step_that_says_nothing_is_tried_once(world: Any) -> None:
    world.system.script("pay", world.http(503))
    world.execute([world.action("pay", expect={"expectedStatusCode": 200})])
    assert len(world.system.commands) == 1


def test_passed_after_a_retry_is_flaky_and_the_run_passes_with_a_note(world: Any) -> None:
    world.system.script("pay", world.http(503), world.no_answer("refused"), world.http(200))
    run_id = world.execute([*retrying(world), world.action("ship")])
    assert world.statuses(run_id) == [("pay", "FAILED"), ("pay", "FAILED"), ("pay", "FLAKY"), ("ship", "PASSED")]
    assert [item.attempt for item in world.results(run_id)] == [1, 2, 3, 1]
    run = world.run(run_id)
    assert (run.status, run.status_reason) == (RunStatus.PASSED, "passed after a retry: pay.")
    assert world.system.keys["pay"] == [f"{run_id}.pay.0.{attempt}" for attempt in (1, 2, 3)]


def test_the_limit_ends_the_repetition(world: Any) -> None:
    world.system.script("pay", world.http(503))
    run_id = world.execute(retrying(world, retryLimit=2))
    assert world.statuses(run_id) == [("pay", "FAILED")] * 3
    assert world.run(run_id).status is RunStatus.FAILED


@pytest.mark.parametrize(
    ("answer", "policy", "attempts"),
    [
        ("500", {}, 1),
        ("500", {"onStatus": [500]}, 4),
        ("refused", {"onError": False}, 1),
        ("refused", {"onError": True, "onStatus": []}, 4),
        ("secret", {}, 1),
    ],
)
def test_only_declared_failures_are_repeated(world: Any, answer: str, policy: dict[str, Any], attempts: int) -> None:
    scripted = world.http(500) if answer == "500" else world.no_answer(answer, retryable=answer == "refused")
    world.system.script("pay", scripted)
    world.execute(retrying(world, **policy))
    assert len(world.system.commands) == attempts


def test_a_broken_rule_is_never_repeated(world: Any) -> None:
    world.system.script("pay", world.http(200, {"total": 1}))
    expect = {"expectedStatusCode": 200, "businessRules": ["response.body.total == 2"]}
    world.execute([world.action("pay", expect=expect, retry={"retryLimit": 3})])
    assert len(world.system.commands) == 1


def test_pauses_back_off_up_to_their_limit_with_jitter(world: Any) -> None:
    world.system.script("pay", world.http(503))
    run_id = world.submit(retrying(world, retryAfter=1.0, backOff=3.0, maxRetryAfter=4.0))
    chances = iter([0.0, 0.5, 1.0])
    world.executor(chance=lambda: next(chances, 0.5)).execute(world.ref(run_id))
    starts = [item.started_at for item in world.results(run_id)]
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(starts)]
    assert pauses == pytest.approx([0.75, 3.0, 5.0])


def test_the_input_is_resolved_again_and_stays_the_same(world: Any) -> None:
    world.system.script("pay", world.http(503), world.http(200))
    world.execute([world.action("pay", {"t": "{{ run.token }}"}, expect={"expectedStatusCode": 200},
                                retry={"retryLimit": 1})])  # fmt: skip
    first, second = world.system.inputs("pay")
    assert first == second
