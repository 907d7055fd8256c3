"""FIRE_AND_FORGET beside the scenario, BARRIER waiting for it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from orchestra_kit.model import RunMode, RunStatus

PATIENCE = 30.0


def barrier(*tracked: str, **meta: Any) -> dict[str, Any]:
    meta = {"trackedSteps": list(tracked), **meta}
    return {"alias": "wait", "kind": "BARRIER", "channelType": None, "endpointRef": None, "action": {"meta": meta}}


def fired(world: Any, alias: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = world.action(alias, mode="FIRE_AND_FORGET", expect={"expectedStatusCode": 200}, **more)
    return made


def test_the_scenario_goes_on_while_the_call_is_under_way(world: Any) -> None:
    paid = threading.Event()

    def mail(_: Any) -> Any:
        assert paid.wait(PATIENCE), "pay never ran: the call held the scenario"
        return world.http()

    def pay(_: Any) -> Any:
        paid.set()
        return world.http()

    world.system.script("mail", mail)
    world.system.script("pay", pay)
    run_id = world.execute([fired(world, "mail"), world.action("pay"), barrier("mail"), world.action("ship")])
    assert world.run(run_id).status is RunStatus.PASSED
    assert [status for _, status in world.statuses(run_id)] == ["PASSED"] * 4


def test_what_no_barrier_waits_for_is_recorded_before_the_run_ends(world: Any) -> None:
    world.system.script("mail", world.http(500))
    run_id = world.execute([fired(world, "mail"), world.action("pay")])
    assert ("mail", "FAILED") in world.statuses(run_id)
    assert world.run(run_id).status is RunStatus.FAILED


def test_steps_after_a_barrier_see_the_answer(world: Any) -> None:
    world.system.script("mail", world.http(200, {"id": 4}))
    steps = [fired(world, "mail"), barrier("mail"), world.action("pay", {"m": "{{ steps.mail.response.body.id }}"})]
    world.execute(steps)
    assert world.system.inputs("pay") == [{"m": 4}]


@pytest.mark.parametrize(
    ("reaction", "ship", "wait", "mode"),
    [
        ("ABORT_RUN", "SKIPPED", "FAILED", RunMode.RUN_ALL_STEPS),
        ("ABORT_SUITE", "SKIPPED", "FAILED", RunMode.STOP_ON_FIRST_FAILURE),
        ("CONTINUE", "PASSED", "PASSED", RunMode.STOP_ON_FIRST_FAILURE),
    ],
)
def test_a_failed_tracked_step_has_the_declared_consequence(
    world: Any, reaction: str, ship: str, wait: str, mode: RunMode
) -> None:
    world.system.script("mail", world.http(500))
    steps = [fired(world, "mail"), world.action("pay"), barrier("mail", onFailure=reaction), world.action("ship")]
    run_id = world.execute(steps, mode=mode)
    assert dict(world.statuses(run_id)) == {"mail": "FAILED", "pay": "PASSED", "wait": wait, "ship": ship}
    assert world.run(run_id).status is RunStatus.FAILED
    if wait == "FAILED":
        found = world.result(run_id, "wait").violations[0]
        assert (found.type.value, found.code) == ("HTTP_ERROR", "TRACKED_STEP_FAILED")


def test_abort_suite_is_told_to_the_store(world: Any) -> None:
    finished: list[Any] = []

    class Watching:
        def __getattr__(self, name: str) -> Any:
            if name == "finish_run":
                return lambda finish: (finished.append(finish), world.store.finish_run(finish))[1]
            return getattr(world.store, name)

    world.work = Watching()
    world.system.script("mail", world.http(500))
    world.execute([fired(world, "mail"), barrier("mail", onFailure="ABORT_SUITE")])
    assert finished[0].abort_suite
    del finished[:]
    world.execute([fired(world, "mail"), barrier("mail", onFailure="ABORT_RUN")])
    assert not finished[0].abort_suite


def test_a_barrier_gives_up_after_its_time(world: Any) -> None:
    from orchestra_kit.spi.clock import SystemClock

    release = threading.Event()
    world.system.script("mail", lambda _: (release.wait(PATIENCE), world.http())[1])
    run_id = world.submit([fired(world, "mail"), barrier("mail", timeoutMs=50)])
    executor = world.executor(clock=SystemClock())
    thread = threading.Thread(target=lambda: executor.execute(world.ref(run_id)))
    thread.start()
    while not any(alias == "wait" and status == "FAILED" for alias, status in world.statuses(run_id)):
        thread.join(0.02)
    release.set()
    thread.join(PATIENCE)
    found = world.result(run_id, "wait").violations[0]
    assert (found.type.value, found.code) == ("TIMEOUT", "TRACKED_STEP_LATE")
    assert world.run(run_id).status is RunStatus.FAILED


def test_a_retry_beside_the_scenario_is_recorded_attempt_by_attempt(world: Any) -> None:
    world.system.script("mail", world.http(503), world.http(200))
    steps = [fired(world, "mail", retry={"retryLimit": 2, "retryAfter": 0.01}), barrier("mail")]
    run_id = world.execute(steps)
    assert world.statuses(run_id) == [("mail", "FAILED"), ("mail", "FLAKY"), ("wait", "PASSED")]
    assert world.run(run_id).status is RunStatus.PASSED


def test_a_resume_repeats_the_call_under_the_same_key(world: Any) -> None:
    died = threading.Event()

    class Crash(BaseException):
        pass

    class Dying:
        def __getattr__(self, name: str) -> Any:
            operation = getattr(world.store, name)

            def doomed(*given: Any, **named: Any) -> Any:
                if name == "commit_step" and given[0].result.step_alias == "pay":
                    died.set()
                    raise Crash
                return operation(*given, **named)

            return doomed

    world.system.script("mail", lambda _: (died.wait(PATIENCE), world.http())[1])
    run_id = world.submit([fired(world, "mail"), world.action("pay"), barrier("mail")])
    world.work = Dying()
    with pytest.raises(Crash):
        world.executor("w1").execute(world.ref(run_id))
    world.clock.pass_time(31)
    world.store.reap_expired(max_recoveries=5)
    world.work = world.store
    world.executor("w2").execute(world.ref(run_id))
    assert world.run(run_id).status is RunStatus.PASSED
    assert set(world.system.keys["mail"]) == {f"{run_id}.mail.0.1"}
    assert world.statuses(run_id) == [("mail", "PASSED"), ("pay", "PASSED"), ("wait", "PASSED")]
