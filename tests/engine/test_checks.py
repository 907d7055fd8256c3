"""What is refused before a run."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_kit.engine.checks import check_plan


def problems(world: Any, *steps: dict[str, Any], **options: Any) -> list[tuple[str, str | None, str | None]]:
    run_id = world.submit(steps, promote=False)
    plan = world.store.get_plan(world.caller, run_id)
    return [(gap.code, gap.step_alias, gap.field) for gap in check_plan(plan, **options)]


def test_a_good_plan_has_no_problems(world: Any) -> None:
    assert problems(world, world.action("order"), world.assertion("row", observes="order", stopWhen="true")) == []


def test_an_assertion_states_its_correlation(world: Any) -> None:
    assert problems(world, world.assertion("row", correlation=None)) == [("NO_CORRELATION", "row", "meta.correlation")]


def test_no_correlation_is_refused_unless_allowed(world: Any) -> None:
    row = world.assertion("row", correlation="NONE")
    assert problems(world, row) == [("UNCORRELATED", "row", "meta.correlation")]
    assert problems(world, row, allow_uncorrelated=True) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"channelType": None}, ("NO_CHANNEL", "b", "channelType")),
        ({"action": {"meta": {"observes": "c"}}}, ("UNKNOWN_STEP", "b", "meta.observes")),
        ({"action": {"meta": {"observes": "b"}}}, ("UNKNOWN_STEP", "b", "meta.observes")),
        ({"kind": "BARRIER"}, ("NOTHING_TRACKED", "b", "meta.trackedSteps")),
        (
            {"kind": "BARRIER", "action": {"meta": {"trackedSteps": ["aa"]}}},
            ("UNKNOWN_STEP", "b", "meta.trackedSteps"),
        ),
        (
            {"kind": "ASSERTION", "action": {"mode": "FIRE_AND_FORGET", "meta": {"correlation": "DATA"}}},
            ("NOT_AN_ACTION", "b", "action.mode"),
        ),
        ({"expectations": {"businessRules": ["true", "1 +"]}}, ("WRONG_EXPRESSION", "b", "businessRules[1]")),
        ({"action": {"meta": {"exportAs": {"x": "(("}}}}, ("WRONG_EXPRESSION", "b", "meta.exportAs.x")),
        ({"action": {"meta": {"stopWhen": "=="}}}, ("WRONG_EXPRESSION", "b", "meta.stopWhen")),
    ],
)
def test_each_mistake_is_named_with_step_and_field(world: Any, changes: Any, expected: tuple[str, str, str]) -> None:
    assert problems(world, world.action("a"), {**world.action("b"), **changes}) == [expected]


def test_an_unknown_step_is_named_with_the_nearest_one(world: Any) -> None:
    run_id = world.submit([world.action("payment"), world.assertion("row", observes="paymnt")], promote=False)
    (gap,) = check_plan(world.store.get_plan(world.caller, run_id))
    assert "Did you mean 'payment'" in gap.message


def test_a_start_beyond_the_end_is_refused(world: Any) -> None:
    run_id = world.submit([world.action("a")], promote=False)
    plan = world.store.get_plan(world.caller, run_id).model_copy(update={"start_step_index": 4})
    assert [gap.code for gap in check_plan(plan)] == ["NO_SUCH_STEP"]
