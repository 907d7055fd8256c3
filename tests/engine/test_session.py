"""The life of a step: resolved, done, judged, recorded with what comes next, replayed."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_kit.errors import StoreUnavailableError
from orchestra_kit.model import RunMode, RunStatus, StepStatus
from orchestra_kit.spi.driver import RunSession

WRITES = ("claim_run", "begin_run", "begin_step", "commit_step", "finish_run")


class Counting:
    """A work store that counts its commits."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.calls: list[str] = []
        self.commits: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._store, name)
        if name not in WRITES:
            return operation

        def counted(*given: Any, **named: Any) -> Any:
            self.calls.append(name)
            if name == "commit_step":
                self.commits.append(given[0])
            return operation(*given, **named)

        return counted


def three_steps(world: Any) -> list[dict[str, Any]]:
    return [
        world.action("order", {"body": {"sku": "{{ data.sku }}"}}),
        world.action("pay", {"path": {"id": "{{ steps.order.response.body.id }}"}}),
        world.action("ship", {"body": {"note": "paid {{ step.pay.response.body.sum }} in {{ env.region }}"}}),
    ]


def test_steps_see_data_earlier_answers_environment_and_run(world: Any) -> None:
    world.system.script("order", world.http(201, {"id": 7}))
    world.system.script("pay", world.http(200, {"sum": 12.5}))
    steps = [*three_steps(world), world.action("tell", {"t": "{{ run.token }}", "c": "{{ run.correlationId }}"})]
    run_id = world.execute(steps, data={"sku": "A-1"})
    assert world.run(run_id).status is RunStatus.PASSED
    assert world.system.inputs("order") == [{"body": {"sku": "A-1"}}]
    assert world.system.inputs("pay") == [{"path": {"id": 7}}]
    assert world.system.inputs("ship") == [{"body": {"note": "paid 12.5 in eu"}}]
    assert world.system.inputs("tell") == [{"t": run_id.replace("-", "")[-10:], "c": run_id}]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_run_of_n_steps_takes_n_plus_two_commits(world: Any, count: int) -> None:
    world.work = Counting(world.store)
    run_id = world.execute([world.action(f"s{number}") for number in range(count)])
    assert world.run(run_id).status is RunStatus.PASSED
    assert world.work.calls == ["claim_run", *["commit_step"] * count, "finish_run"]
    announced = [commit.next_intent and commit.next_intent.step_alias for commit in world.work.commits]
    assert announced == [*[f"s{number}" for number in range(1, count)], None]


def test_every_call_carries_correlation_and_a_key_of_its_attempt(world: Any) -> None:
    run_id = world.execute([world.action("order")], run={"correlation_id": "corr-1"})
    correlation = world.system.commands[0].correlation
    assert correlation.correlation_id == "corr-1"
    assert correlation.idempotency_key == f"{run_id}.order.0.1"
    assert world.result(run_id, "order").idempotency_key == f"{run_id}.order.0.1"


def test_first_failure_stops_the_run_and_the_rest_is_skipped_with_the_reason(world: Any) -> None:
    world.system.script("pay", world.http(500))
    steps = three_steps(world)
    steps[1] = world.action("pay", expect={"expectedStatusCode": 200})
    steps[2] = world.action("ship")
    steps[0] = world.action("order")
    run_id = world.execute(steps)
    assert world.statuses(run_id) == [("order", "PASSED"), ("pay", "FAILED"), ("ship", "SKIPPED")]
    run = world.run(run_id)
    assert run.status is RunStatus.FAILED
    assert run.status_reason == "step 'pay' failed: STATUS: expected status 200, got 500"
    assert "step 'pay' failed" in world.result(run_id, "ship").violations[0].message
    assert world.system.inputs("ship") == []


def test_run_all_goes_on_and_skips_only_what_refers_to_the_failed_step(world: Any) -> None:
    world.system.script("order", world.http(500, {"id": 1}))
    steps = [
        world.action("order", expect={"expectedStatusCode": 201}),
        world.action("pay", {"id": "{{ steps.order.response.body.id }}"}),
        world.action("audit"),
        world.action("after_pay", expect={"businessRules": ["response.body.step == steps.pay.response.body.step"]}),
    ]
    run_id = world.execute(steps, mode=RunMode.RUN_ALL_STEPS)
    assert world.statuses(run_id) == [
        ("order", "FAILED"), ("pay", "SKIPPED"), ("audit", "PASSED"), ("after_pay", "SKIPPED"),
    ]  # fmt: skip
    assert "refers to step 'order', which failed" in world.result(run_id, "pay").violations[0].message
    assert "refers to step 'pay', which was skipped" in world.result(run_id, "after_pay").violations[0].message
    assert world.run(run_id).status is RunStatus.FAILED


def test_single_step_runs_only_that_step_on_reused_results(world: Any) -> None:
    world.system.script("order", world.http(201, {"id": 7}))
    source = world.execute(three_steps(world), data={"sku": "A"}, key="k")
    world.system.script("pay", world.http(200, {"sum": 1}))
    again = world.submit(
        three_steps(world), key="k", data={"sku": "A"}, mode=RunMode.SINGLE_STEP, reuse_from=source,
        plan={"start_step_index": 1, "reused": ("order",)}, run={"source_run_id": source},
    )  # fmt: skip
    before = len(world.system.commands)
    world.executor().execute(world.ref(again))
    assert [command.step.alias for command in world.system.commands[before:]] == ["pay"]
    assert world.system.inputs("pay")[-1] == {"path": {"id": 7}}
    assert world.statuses(again) == [("order", "PASSED"), ("pay", "PASSED")]
    assert world.result(again, "order").origin_run_id == source
    assert world.run(again).status is RunStatus.PASSED


def test_from_step_keeps_token_and_correlation_of_its_source(world: Any) -> None:
    steps = [world.action("order"), world.action("pay", {"t": "{{ run.token }}", "c": "{{ run.correlationId }}"})]
    source = world.execute(steps, key="k")
    again = world.submit(
        steps, key="k", mode=RunMode.FROM_STEP, reuse_from=source,
        plan={"start_step_index": 1, "reused": ("order",)}, run={"source_run_id": source, "correlation_id": source},
    )  # fmt: skip
    world.executor().execute(world.ref(again))
    first, second = world.system.inputs("pay")
    assert first == second
    assert len(world.system.inputs("order")) == 1


def test_from_step_skips_what_refers_to_a_step_that_is_not_reused(world: Any) -> None:
    world.system.script("order", world.http(500, {"id": 1}))
    steps = [
        world.action("order", expect={"expectedStatusCode": 200}),
        world.action("pay", {"id": "{{ steps.order.response.body.id }}"}),
    ]
    source = world.execute(steps, key="k")
    again = world.submit(
        steps, key="k", mode=RunMode.FROM_STEP, reuse_from=source,
        plan={"start_step_index": 1}, run={"source_run_id": source},
    )  # fmt: skip
    world.executor().execute(world.ref(again))
    assert world.statuses(again) == [("pay", "SKIPPED")]
    run = world.run(again)
    assert run.status is RunStatus.FAILED
    assert "'order', which was not run" in (run.status_reason or "")


def test_a_request_that_breaks_its_contract_is_not_sent(world: Any) -> None:
    from orchestra_kit.model import Violation, ViolationType

    world.system.request_problems["pay"] = [
        Violation(type=ViolationType.VALIDATION_ERROR, code="REQUEST_SCHEMA", message="amount is missing")
    ]
    run_id = world.execute([world.action("pay", {"body": {}})])
    assert world.codes(run_id, "pay") == ["REQUEST_SCHEMA"]
    assert world.system.commands == []
    assert world.result(run_id, "pay").request == {"notSent": True, "input": {"body": {}}}


def test_input_that_cannot_be_resolved_is_named_with_the_nearest_name(world: Any) -> None:
    world.system.script("order", world.http(201, {"orderId": 7}))
    run_id = world.execute(
        [world.action("order"), world.action("pay", {"i": "{{ steps.order.response.body.orderID }}"})]
    )
    assert world.codes(run_id, "pay") == ["INPUT_UNRESOLVED"]
    message = world.result(run_id, "pay").violations[0].message
    assert "pay.inputTemplate.i" in message
    assert "orderId" in message


def test_a_step_without_plugin_says_so_and_does_not_crash_the_run(world: Any) -> None:
    run_id = world.execute([{"alias": "call", "channelType": "GRPC", "endpointRef": None}])
    assert world.codes(run_id, "call") == ["NOT_EXECUTABLE"]
    assert "no plugin is installed for channel GRPC" in world.result(run_id, "call").violations[0].message


def test_a_plugin_that_raises_fails_its_step_as_not_judged(world: Any) -> None:
    world.system.script("pay", ZeroDivisionError("oops"))
    run_id = world.execute([world.action("pay")])
    found = world.result(run_id, "pay").violations[0]
    assert (found.type.value, found.code) == ("EXECUTION_ERROR", "CALL_FAILED")
    assert "ZeroDivisionError" in found.message


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("timeout", ("TIMEOUT", "CALL_TIMEOUT")),
        ("refused", ("EXECUTION_ERROR", "TARGET_UNREACHABLE")),
        ("connection", ("EXECUTION_ERROR", "TARGET_UNREACHABLE")),
        ("egress", ("EXECUTION_ERROR", "EGRESS_REFUSED")),
        ("secret", ("EXECUTION_ERROR", "SECRET_MISSING")),
        ("definition", ("EXECUTION_ERROR", "DEFINITION_WRONG")),
        ("other", ("EXECUTION_ERROR", "CALL_FAILED")),
    ],
)
def test_each_reason_for_no_answer_has_its_violation(world: Any, kind: str, expected: tuple[str, str]) -> None:
    world.system.script("pay", world.no_answer(kind, "it was so"))
    run_id = world.execute([world.action("pay")])
    found = world.result(run_id, "pay").violations[0]
    assert (found.type.value, found.code) == expected
    assert "it was so" in found.message


def test_overrides_replace_the_input_of_a_step(world: Any) -> None:
    class Overriding:
        def drive(self, session: RunSession) -> None:
            session.run_step("order")
            session.run_step("pay", overrides={"x": "{{ steps.order.response.body.step }}", "y": 2})

    run_id = world.submit([world.action("order"), world.action("pay", {"x": 1})])
    world.executor(driver=Overriding()).execute(world.ref(run_id))
    assert world.system.inputs("pay") == [{"x": "order", "y": 2}]
    assert world.run(run_id).status is RunStatus.PASSED


def test_a_driver_that_ends_early_cannot_pass_the_run(world: Any) -> None:
    class Lazy:
        def drive(self, session: RunSession) -> None:
            session.run_step("order")

    run_id = world.submit([world.action("order"), world.action("pay")])
    world.executor(driver=Lazy()).execute(world.ref(run_id))
    run = world.run(run_id)
    assert run.status is RunStatus.FAILED
    assert run.status_reason == "the driver ended before step 'pay' was done."


def test_a_driver_may_repeat_a_step_in_iterations(world: Any) -> None:
    class Looping:
        def drive(self, session: RunSession) -> None:
            for number in range(3):
                session.run_step("order", iteration=number)

    run_id = world.submit([world.action("order")])
    world.executor(driver=Looping()).execute(world.ref(run_id))
    assert [item.iteration for item in world.results(run_id)] == [0, 1, 2]
    assert world.run(run_id).status is RunStatus.PASSED
    assert len(set(world.system.keys["order"])) == 3


def test_a_step_asked_for_twice_is_done_once(world: Any) -> None:
    outcomes = []

    class Stuttering:
        def drive(self, session: RunSession) -> None:
            outcomes.append(session.run_step("order"))
            outcomes.append(session.run_step("order"))

    run_id = world.submit([world.action("order")])
    world.executor(driver=Stuttering()).execute(world.ref(run_id))
    assert [outcome.replayed for outcome in outcomes] == [False, True]
    assert outcomes[0].result == outcomes[1].result
    assert len(world.system.commands) == 1


def test_after_its_stop_a_run_does_nothing_more_whatever_the_driver_asks(world: Any) -> None:
    outcomes = []

    class Stubborn:
        def drive(self, session: RunSession) -> None:
            for alias in session.step_aliases:
                outcomes.append(session.run_step(alias))

    world.system.script("order", world.http(500))
    run_id = world.submit([world.action("order", expect={"expectedStatusCode": 200}), world.action("pay")])
    world.executor(driver=Stubborn()).execute(world.ref(run_id))
    assert [outcome.result.status for outcome in outcomes] == [StepStatus.FAILED, StepStatus.SKIPPED]
    assert not outcomes[1].go_on
    assert world.system.inputs("pay") == []


def test_a_store_that_is_away_for_a_while_loses_nothing(world: Any) -> None:
    class Flaky(Counting):
        failures = 3

        def __getattr__(self, name: str) -> Any:
            operation = super().__getattr__(name)
            if name not in ("commit_step", "finish_run", "claim_run"):
                return operation

            def sometimes(*given: Any, **named: Any) -> Any:
                if self.failures:
                    self.failures -= 1
                    raise StoreUnavailableError("the database does not answer.")
                self.failures = 3
                return operation(*given, **named)

            return sometimes

    world.work = Flaky(world.store)
    run_id = world.execute([world.action("order"), world.action("pay")])
    assert world.run(run_id).status is RunStatus.PASSED
    assert [len(world.system.inputs(alias)) for alias in ("order", "pay")] == [1, 1]


def test_a_store_that_stays_away_leaves_the_run_to_the_reaper(world: Any) -> None:
    class Gone(Counting):
        def __getattr__(self, name: str) -> Any:
            if name == "commit_step":

                def refuse(*_: Any) -> Any:
                    raise StoreUnavailableError("the database does not answer.")

                return refuse
            return super().__getattr__(name)

    run_id = world.submit([world.action("order")])
    world.work = Gone(world.store)
    assert world.executor().execute(world.ref(run_id)) is None
    assert world.run(run_id).status is RunStatus.IN_PROGRESS
    assert sum(world.clock.slept) <= world.settings.store_patience_seconds
    assert world.events[-1].reason == "the database does not answer."
    world.work = world.store
    world.clock.pass_time(world.settings.lease_seconds + 1)
    assert len(world.store.reap_expired(max_recoveries=5)) == 1
    world.executor("w2").execute(world.ref(run_id))
    assert world.run(run_id).status is RunStatus.PASSED
    assert len(set(world.system.keys["order"])) == 1
