"""Resume, replay and fencing: nothing recorded is done again, and nobody writes what is no longer theirs."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from orchestra_kit.engine.events import LeaseLost, RunLeft, StepFinished
from orchestra_kit.errors import KernelDiedError
from orchestra_kit.model import RunMode, RunStatus
from orchestra_kit.spi.driver import RunSession


class Crash(BaseException):
    """The worker process dies here."""


class Dying:
    """A work store under which the worker dies at the k-th write, before or after it took effect."""

    WRITES = ("claim_run", "begin_run", "begin_step", "commit_step", "finish_run", "release_run")

    def __init__(self, store: Any, at: int, *, after: bool) -> None:
        self._store, self._left, self._after = store, at, after

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._store, name)
        if name not in self.WRITES:
            return operation

        def doomed(*given: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Crash
            answer = operation(*given, **named)
            if self._left == 0:
                raise Crash
            return answer

        return doomed


def chain(world: Any) -> list[dict[str, Any]]:
    return [
        world.action("order", {"sku": "A"}),
        world.action("pay", {"id": "{{ steps.order.response.body.id }}"}, expect={"expectedStatusCode": 200},
                     retry={"retryLimit": 1}),
        world.assertion("row", expect={"rows": {"count": 1}}, timeoutMs=500, observes="pay"),
        world.action("ship", {"sum": "{{ steps.pay.response.body.sum }}"}),
    ]  # fmt: skip


def script_chain(world: Any) -> None:
    world.system.script("order", world.http(201, {"id": 7}))
    world.system.script("pay", world.http(503), world.http(200, {"sum": 3}))
    world.system.script("row", world.rows({"id": 7}))


def revive(world: Any, run_id: str, worker: str) -> None:
    world.clock.pass_time(world.settings.lease_seconds + 1)
    world.store.reap_expired(max_recoveries=50)
    world.work = world.store
    world.executor(worker).execute(world.ref(run_id))


def rounds_to_survive(limit: int = 30) -> list[tuple[int, bool]]:
    return [(at, after) for at in range(1, limit) for after in (False, True)]


@pytest.mark.parametrize(("at", "after"), rounds_to_survive(8))
def test_a_crash_at_any_commit_repeats_no_recorded_step(world: Any, at: int, after: bool) -> None:
    script_chain(world)
    run_id = world.submit(chain(world))
    recorded: list[set[tuple[str, int]]] = []
    world.work = Dying(world.store, at, after=after)
    with pytest.raises(Crash):
        world.executor("w1").execute(world.ref(run_id))
    done = {(item.step_alias, item.attempt) for item in world.results(run_id) if item.status.value != "RUNNING"}
    recorded.append(done)
    calls_before = len(world.system.commands)
    revive(world, run_id, "w2")
    repeated = {(c.step.alias, c.correlation.attempt) for c in world.system.commands[calls_before:]}
    assert not repeated & done
    assert world.run(run_id).status is RunStatus.PASSED
    rows = [(item.step_alias, item.attempt, item.status.value) for item in world.results(run_id)]
    assert [row[:2] for row in rows] == [("order", 1), ("pay", 1), ("pay", 2), ("row", 1), ("ship", 1)] or (
        # Killed between the first pay and its record: the repeat, under the same key, was answered well.
        [row[:2] for row in rows] == [("order", 1), ("pay", 1), ("row", 1), ("ship", 1)]
    )
    for alias in ("order", "pay", "row", "ship"):
        keys = world.system.keys[alias]
        attempts = {c.correlation.attempt for c in world.system.commands if c.step.alias == alias}
        assert len(set(keys)) == len(attempts)


def test_a_resumed_run_goes_on_with_the_announced_attempt_and_key(world: Any) -> None:
    script_chain(world)
    run_id = world.submit(chain(world))
    world.work = Dying(world.store, 3, after=True)  # claim, order, first pay
    with pytest.raises(Crash):
        world.executor("w1").execute(world.ref(run_id))
    revive(world, run_id, "w2")
    assert world.system.keys["pay"] == [f"{run_id}.pay.0.1", f"{run_id}.pay.0.2"]
    assert world.statuses(run_id)[2] == ("pay", "FLAKY")


def test_replayed_steps_are_told_as_replayed(world: Any) -> None:
    script_chain(world)
    run_id = world.submit(chain(world))
    world.work = Dying(world.store, 4, after=True)
    with pytest.raises(Crash):
        world.executor("w1").execute(world.ref(run_id))
    del world.events[:]
    revive(world, run_id, "w2")
    told = [(e.result.step_alias, e.replayed) for e in world.events if isinstance(e, StepFinished)]
    assert told == [("order", True), ("pay", True), ("row", False), ("ship", False)]


def test_a_failed_run_that_died_before_its_finish_ends_as_it_would_have(world: Any) -> None:
    world.system.script("order", world.http(500))
    run_id = world.submit([world.action("order", expect={"expectedStatusCode": 200}), world.action("pay")])
    world.work = Dying(world.store, 3, after=False)
    with pytest.raises(Crash):
        world.executor("w1").execute(world.ref(run_id))
    revive(world, run_id, "w2")
    assert world.statuses(run_id) == [("order", "FAILED"), ("pay", "SKIPPED")]
    assert len(world.system.commands) == 1


class Diverging:
    """A driver whose second drive gives the first step other input."""

    def __init__(self) -> None:
        self.drives = 0

    def drive(self, session: RunSession) -> None:
        self.drives += 1
        session.run_step("order", overrides={"round": self.drives})
        if self.drives == 1:
            raise KernelDiedError("the notebook's kernel ended.")
        session.run_step("pay")


def test_a_replay_with_other_input_is_named_and_fails_as_not_judged(world: Any) -> None:
    driver = Diverging()
    run_id = world.submit([world.action("order"), world.action("pay")])
    world.executor("w1", driver=driver).execute(world.ref(run_id))
    assert isinstance(world.events[-1], RunLeft)
    world.clock.pass_time(world.settings.lease_seconds + 1)
    world.store.reap_expired(max_recoveries=5)
    world.executor("w2", driver=driver).execute(world.ref(run_id))
    run = world.run(run_id)
    assert run.status is RunStatus.FAILED
    assert "REPLAY_DIVERGED" in (run.status_reason or "")
    assert "its resolved input" in (run.status_reason or "")
    found = world.result(run_id, "order")
    assert (found.attempt, found.violations[0].type.value) == (2, "EXECUTION_ERROR")
    assert [item.step.alias for item in world.system.commands] == ["order"]


def test_a_changed_definition_is_a_divergence(world: Any) -> None:
    run_id = world.submit([world.action("order", {"a": 1}), world.action("pay")])
    world.work = Dying(world.store, 2, after=True)
    with pytest.raises(Crash):
        world.executor("w1").execute(world.ref(run_id))
    row = world.store._tables.runs[("local", run_id)]
    steps = row.plan.scenario.steps
    changed = steps[0].model_copy(update={"name": "another one"})
    scenario = row.plan.scenario.model_copy(update={"steps": (changed, *steps[1:])})
    row.plan = row.plan.model_copy(update={"scenario": scenario})
    revive(world, run_id, "w2")
    assert "its definition" in (world.run(run_id).status_reason or "")


def test_the_same_input_in_another_order_or_number_form_is_no_divergence(world: Any) -> None:
    from orchestra_kit.engine.programs import digest_of

    assert digest_of(b"x") == digest_of(b"x")
    world.system.script("order", world.http(200, {"n": 1e22, "m": {"b": 1, "a": 2.0}}))
    steps = [world.action("order"), world.action("pay", {"n": "{{ steps.order.response.body }}"}), world.action("ship")]
    run_id = world.submit(steps)
    world.work = Dying(world.store, 3, after=True)
    with pytest.raises(Crash):
        world.executor("w1").execute(world.ref(run_id))
    row = world.store._tables.runs[("local", run_id)]
    key = ("order", 0, 1)
    body = {"m": {"a": 2, "b": 1}, "n": 10**22}
    row.results[key] = row.results[key].model_copy(update={"response_body": body})
    revive(world, run_id, "w2")
    assert world.run(run_id).status is RunStatus.PASSED


def test_a_worker_that_lost_its_lease_writes_nothing_and_stops(world: Any) -> None:
    def frozen(_: Any) -> Any:
        # While this worker sleeps its lease runs out and another one takes the run to its end.
        if world.system.acts[(run_id, "order")] == 1:
            revive(world, run_id, "w2")
        return world.http(200, {"by": "w1"})

    world.system.script("order", frozen)
    run_id = world.submit([world.action("order"), world.action("pay")])
    assert world.executor("w1").execute(world.ref(run_id)) is None
    assert world.run(run_id).status is RunStatus.PASSED
    assert world.run(run_id).lease_epoch == 2
    assert isinstance(world.events[-1], LeaseLost)
    assert len(world.system.keys["pay"]) == 1
    assert len(set(world.system.keys["order"])) == 1


def test_a_crashing_driver_is_left_to_the_reaper_until_it_is_stuck(world: Any) -> None:
    class Broken:
        def drive(self, session: RunSession) -> None:
            raise RuntimeError("boom")

    run_id = world.submit([world.action("order")])
    for _ in range(3):
        assert world.executor(driver=Broken()).execute(world.ref(run_id)) is None
        assert isinstance(world.events[-1], RunLeft)
        assert world.run(run_id).status is RunStatus.IN_PROGRESS
        world.clock.pass_time(world.settings.lease_seconds + 1)
        world.store.reap_expired(max_recoveries=2)
    run = world.run(run_id)
    assert run.status is RunStatus.FAILED_STUCK
    assert run.status_reason


def test_a_stuck_run_that_is_resumed_repeats_the_same_attempt(world: Any) -> None:
    run_id = world.submit([world.action("order"), world.action("pay")])
    world.work = Dying(world.store, 3, after=False)
    with pytest.raises(Crash):
        world.executor("w1").execute(world.ref(run_id))
    world.clock.pass_time(world.settings.lease_seconds + 1)
    world.store.reap_expired(max_recoveries=0)
    assert world.run(run_id).status is RunStatus.FAILED_STUCK
    world.store.resume_run(world.caller, run_id)
    world.store.promote_due()
    world.work = world.store
    world.executor("w2").execute(world.ref(run_id))
    assert world.run(run_id).status is RunStatus.PASSED
    assert len(world.system.keys["order"]) == 1
    assert len(set(world.system.keys["pay"])) == 1


def test_a_driver_that_cannot_go_on_ends_the_run_with_its_reason(world: Any) -> None:
    from orchestra_kit.errors import CannotJudgeError

    class Refusing:
        def drive(self, session: RunSession) -> None:
            session.run_step("order")
            raise CannotJudgeError("the notebook failed in cell 'x'.")

    run_id = world.submit([world.action("order"), world.action("pay"), world.action("ship")])
    world.executor(driver=Refusing()).execute(world.ref(run_id))
    run = world.run(run_id)
    assert (run.status, run.status_reason) == (RunStatus.FAILED, "the notebook failed in cell 'x'.")
    assert world.statuses(run_id)[0] == ("order", "PASSED")
    assert all(status == "SKIPPED" for _, status in world.statuses(run_id)[1:])


def test_a_run_for_a_driver_this_worker_has_not_fails_plainly(world: Any) -> None:
    run_id = world.submit([world.action("order")], run={"executor": "notebook"})
    world.executor().execute(world.ref(run_id))
    assert world.codes(run_id, "order") == ["NO_DRIVER"]
    assert world.run(run_id).status is RunStatus.FAILED


def test_a_run_without_steps_ends(world: Any) -> None:
    run_id = world.execute([])
    assert world.run(run_id).status is RunStatus.PASSED


def test_one_of_many_claims_gets_the_run(world: Any) -> None:
    run_id = world.submit([world.action("order")])
    got: list[Any] = []
    executors = [world.executor(f"w{number}") for number in range(5)]
    threads = [threading.Thread(target=lambda e=e: got.append(e.execute(world.ref(run_id)))) for e in executors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, got)) == ["None"] * 4 + ["PASSED"]
    assert world.executor().execute(world.ref("unknown")) is None
    assert world.executor().execute(world.ref(run_id)) is None
    assert len(world.system.commands) == 1


class TestPositions:
    """Where plugins stand before the first step."""

    def kafka(self, world: Any) -> list[dict[str, Any]]:
        return [world.action("order"), world.assertion("told", channel="KAFKA", timeoutMs=100)]

    def test_is_taken_before_the_first_intent_and_reaches_the_watch(self, world: Any) -> None:
        world.needs_position = True
        world.system.script("told", world.http())
        run_id = world.execute(self.kafka(world))
        assert world.run(run_id).status is RunStatus.PASSED
        assert [command.position for command in world.system.commands] == [None, {"offset": 7}]

    def test_is_never_taken_again_by_a_resume(self, world: Any) -> None:
        world.needs_position = True
        world.system.script("told", world.http())
        run_id = world.submit(self.kafka(world))
        world.work = Dying(world.store, 3, after=True)
        with pytest.raises(Crash):
            world.executor("w1").execute(world.ref(run_id))
        world.system.position = {"offset": 99}
        revive(world, run_id, "w2")
        assert world.system.commands[-1].position == {"offset": 7}
        assert len(world.system.prepared) == 1

    def test_that_cannot_be_taken_fails_the_run_at_its_first_step(self, world: Any) -> None:
        from orchestra_kit.errors import CannotJudgeError

        world.needs_position = True
        world.system.position = CannotJudgeError("no broker answers.")
        run_id = world.execute(self.kafka(world))
        assert world.codes(run_id, "order") == ["PREPARE_FAILED"]
        assert world.statuses(run_id) == [("order", "FAILED"), ("told", "SKIPPED")]
        assert world.system.commands == []


def test_all_modes_survive_a_resume(world: Any) -> None:
    world.system.script("order", world.http(500))
    steps = [world.action("order", expect={"expectedStatusCode": 200}), world.action("pay"), world.action("ship")]
    run_id = world.submit(steps, mode=RunMode.RUN_ALL_STEPS)
    world.work = Dying(world.store, 3, after=True)
    with pytest.raises(Crash):
        world.executor("w1").execute(world.ref(run_id))
    revive(world, run_id, "w2")
    assert world.statuses(run_id) == [("order", "FAILED"), ("pay", "PASSED"), ("ship", "PASSED")]
    assert len(world.system.commands) == 3
