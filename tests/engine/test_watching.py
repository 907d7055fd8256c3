"""Eventual assertions: polled with growing pauses, settled, held, stopped early, late."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_kit.engine.settings import EngineSettings
from orchestra_kit.model import RunStatus


def appears_after(world: Any, seconds: float, *, then: Any = None, for_seconds: float = 1e9) -> Any:
    """Return an answer: no row until `seconds` after the first look, then one, after `for_seconds` the rows `then`."""
    begun: list[float] = []

    def answer(_: Any) -> Any:
        begun.append(world.clock.monotonic())
        passed = world.clock.monotonic() - begun[0]
        if passed < seconds:
            return world.rows()
        return world.rows({"id": 1}) if passed < seconds + for_seconds else world.rows(*(then or []))

    return answer


def watching(world: Any, **meta: Any) -> list[dict[str, Any]]:
    hold = meta.pop("holdMs", 0)
    return [world.assertion("row", expect={"rows": {"count": 1, "holdMs": hold}}, **meta)]


def test_passes_as_soon_as_the_row_is_there(world: Any) -> None:
    world.system.script("row", appears_after(world, 0.4))
    run_id = world.execute(watching(world, timeoutMs=5000))
    result = world.result(run_id, "row")
    assert result.status.value == "PASSED"
    assert 400 <= result.settling_time_ms <= 445
    assert result.db_result == {"rows": [{"id": 1}], "count": 1}
    assert result.polls == len(world.system.commands)
    assert world.system.closed_watches == 1


def test_pauses_grow_with_the_time_elapsed_and_stay_few(world: Any) -> None:
    world.system.script("row", world.rows())
    run_id = world.execute(watching(world, timeoutMs=60_000))
    slept = world.clock.slept
    assert slept[0] == pytest.approx(0.002)
    assert max(slept) <= 1.0
    assert world.result(run_id, "row").polls < 150


def test_poll_interval_caps_the_pause(world: Any) -> None:
    world.system.script("row", world.rows())
    world.execute(watching(world, timeoutMs=5_000, pollIntervalMs=50))
    assert max(world.clock.slept) == pytest.approx(0.05)


def test_time_up_reports_what_was_wrong_last_and_how_long_was_waited(world: Any) -> None:
    world.system.script("row", world.rows())
    run_id = world.execute(watching(world, timeoutMs=2_000))
    found = world.result(run_id, "row").violations
    assert [(item.type.value, item.code) for item in found] == [("DB_ASSERTION_FAILED", "ROW_COUNT")]
    assert "expected 1 rows, got 0 (after 2000 ms" in found[0].message
    assert found[0].details["waitedMs"] == 2000
    assert found[0].settling_time_ms == 2000
    assert world.result(run_id, "row").settling_time_ms is None


def test_the_last_look_is_at_the_deadline(world: Any) -> None:
    world.system.script("row", appears_after(world, 1.999))
    run_id = world.execute(watching(world, timeoutMs=2_000))
    assert world.run(run_id).status is RunStatus.PASSED


def test_settling_is_counted_from_the_end_of_the_observed_action(world: Any) -> None:
    def slow_call(command: Any) -> Any:
        world.clock.pass_time(3.0)
        return world.http()

    def think(_: Any) -> Any:
        world.clock.pass_time(0.5)
        return world.http()

    world.system.script("order", slow_call)
    world.system.script("other", think)
    world.system.script("row", world.rows({"id": 1}))
    steps = [world.action("order"), world.action("other"), *watching(world, observes="order")]
    run_id = world.execute(steps)
    assert world.result(run_id, "row").settling_time_ms == 500


def test_a_row_must_stay_for_the_hold_time(world: Any) -> None:
    world.system.script("row", world.rows({"id": 1}))
    run_id = world.execute(watching(world, timeoutMs=5_000, holdMs=700))
    result = world.result(run_id, "row")
    assert result.status.value == "PASSED"
    assert result.settling_time_ms == 0
    assert result.duration_ms >= 700
    assert result.polls > 2


def test_a_duplicate_that_comes_later_fails_and_tells_that_it_held_before(world: Any) -> None:
    world.system.script("row", appears_after(world, 0.1, for_seconds=0.3, then=[{"id": 1}, {"id": 1}]))
    run_id = world.execute(watching(world, timeoutMs=1_000, holdMs=600))
    found = world.result(run_id, "row").violations[0]
    assert "expected 1 rows, got 2" in found.message
    assert "it had held for" in found.message


def test_holding_may_outlast_the_deadline_but_becoming_true_may_not(world: Any) -> None:
    world.system.script("row", appears_after(world, 0.9))
    run_id = world.execute(watching(world, timeoutMs=1_000, holdMs=500))
    assert world.run(run_id).status is RunStatus.PASSED


def test_a_declared_bad_end_state_stops_the_waiting(world: Any) -> None:
    world.system.script("row", world.rows(), world.rows(), world.rows({"state": "REJECTED"}, {"state": "X"}))
    stop = "response.rows.exists(r, r.state == 'REJECTED')"
    run_id = world.execute(watching(world, timeoutMs=60_000, stopWhen=stop))
    result = world.result(run_id, "row")
    assert result.polls == 3
    assert "stopped early" in result.violations[0].message
    assert world.clock.seconds < 1001


def test_rules_are_part_of_what_is_waited_for(world: Any) -> None:
    world.system.script("row", world.rows({"s": "NEW"}), world.rows({"s": "NEW"}), world.rows({"s": "PAID"}))
    expect = {"rows": {"count": 1}, "businessRules": ["response.rows[0].s == 'PAID'"]}
    run_id = world.execute([world.assertion("row", expect=expect, timeoutMs=1000)])
    assert world.run(run_id).status is RunStatus.PASSED
    assert world.result(run_id, "row").polls == 3


def test_a_target_that_is_away_for_a_while_is_looked_at_again(world: Any) -> None:
    world.system.script("row", world.no_answer("refused"), world.no_answer("connection"), world.rows({"id": 1}))
    run_id = world.execute(watching(world, timeoutMs=1000))
    assert world.run(run_id).status is RunStatus.PASSED


@pytest.mark.parametrize("kind", ["secret", "egress", "definition", "other"])
def test_what_will_not_mend_itself_ends_the_waiting_at_once(world: Any, kind: str) -> None:
    world.system.script("row", world.no_answer(kind, retryable=False))
    run_id = world.execute(watching(world, timeoutMs=60_000))
    result = world.result(run_id, "row")
    assert result.polls == 1
    assert result.violations[0].type.value == "EXECUTION_ERROR"


def test_expected_counts_may_be_templates(world: Any) -> None:
    world.system.script("row", world.rows({"id": 1}, {"id": 2}))
    steps = [world.assertion("row", expect={"rows": {"count": "{{ data.n }}"}}, timeoutMs=100)]
    assert world.run(world.execute(steps, data={"n": 2})).status is RunStatus.PASSED
    failed = world.execute(steps, data={"n": 3})
    assert "expected 3 rows, got 2" in world.result(failed, "row").violations[0].message


def test_parameters_are_resolved_and_sql_is_not(world: Any) -> None:
    world.system.script("row", world.rows({"id": 1}))
    sql = "SELECT * FROM t WHERE id = :id AND j = '{{ data.id }}'"
    world.execute(watching(world, sql=sql, parameters={"id": "{{ data.id }}"}, timeoutMs=100), data={"id": 9})
    meta = world.system.commands[0].meta
    assert meta["parameters"] == {"id": 9}
    assert meta["sql"] == sql


def test_an_assertion_without_a_time_limit_uses_the_default(world: Any) -> None:
    world.settings = EngineSettings(assertion_seconds=1.5)
    world.system.script("row", world.rows())
    run_id = world.execute(watching(world))
    assert world.result(run_id, "row").violations[0].details["waitedMs"] == 1500


def test_a_watch_that_cannot_begin_fails_its_step(world: Any) -> None:
    from orchestra_kit.errors import SecretError

    def refuse(_: Any) -> Any:
        raise SecretError("there is no secret 'db'.")

    world.system.watch = refuse
    run_id = world.execute(watching(world))
    assert world.codes(run_id, "row") == ["SECRET_MISSING"]
