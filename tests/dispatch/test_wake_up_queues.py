"""Both queues behave alike: send, handle, double, drain."""

from __future__ import annotations

import threading
import time

import pytest
from store_samples import a_scenario, a_submission, a_suite, an_environment, caller_of

from orchestra_kit.dispatch.huey_queue import HueyWakeUpQueue
from orchestra_kit.dispatch.memory import MemoryWakeUpQueue
from orchestra_kit.spi.work import RunRef
from orchestra_kit.store.memory import MemoryStore


@pytest.fixture(params=["memory", "huey"])
def wake_ups(request):
    queue = (
        MemoryWakeUpQueue() if request.param == "memory" else HueyWakeUpQueue(request.getfixturevalue("urls").worker)
    )
    yield queue
    queue.stop(timeout_seconds=20)
    queue.close()


def ref(number: int) -> RunRef:
    return RunRef(tenant_id="t", run_id=f"run-{number}")


def wait_for(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.01)


def test_each_message_is_handled_once(wake_ups) -> None:
    got: list[RunRef] = []
    wake_ups.send(tuple(ref(n) for n in range(5)))
    wake_ups.consume(got.append, threads=3)
    wake_ups.send((ref(5),))
    wait_for(lambda: len(got) >= 6)
    assert sorted(got, key=lambda item: item.run_id) == [ref(n) for n in range(6)]


def test_a_doubled_message_comes_twice(wake_ups) -> None:
    """T07: the queue promises nothing; the claim decides."""
    got: list[RunRef] = []
    wake_ups.send((ref(1), ref(1)))
    wake_ups.consume(got.append, threads=1)
    wait_for(lambda: len(got) == 2)


def test_a_handler_that_fails_does_not_end_its_thread(wake_ups) -> None:
    got: list[RunRef] = []

    def handle(item: RunRef) -> None:
        if item == ref(0):
            raise RuntimeError("broken")
        got.append(item)

    wake_ups.consume(handle, threads=1)
    wake_ups.send((ref(0), ref(1)))
    wait_for(lambda: got == [ref(1)])


def test_stop_waits_for_the_handler_and_leaves_the_rest(wake_ups) -> None:
    """T14: what is under way ends; what was not begun stays in the queue."""
    begun, go_on, ended = threading.Event(), threading.Event(), []

    def handle(item: RunRef) -> None:
        begun.set()
        assert go_on.wait(20)
        ended.append(item)

    wake_ups.consume(handle, threads=1)
    wake_ups.send((ref(0), ref(1)))
    assert begun.wait(20)
    assert wake_ups.stop(timeout_seconds=0.1) is False
    go_on.set()
    assert wake_ups.stop(timeout_seconds=20) is True
    assert ended == [ref(0)]


def test_five_messages_for_one_run_give_one_claim(wake_ups) -> None:
    """T07: also one for a run nobody knows and one for a run that has ended."""
    store = MemoryStore()
    store.ensure_tenant("t", name="T", actor="x")
    suite = store.put_suite(caller_of("t"), a_suite("t"))
    scenario = store.create_scenario(caller_of("t"), a_scenario("t", suite.id))
    environment = store.put_environment(caller_of("t"), an_environment("t"))
    run, ended = store.submit(caller_of("t"), tuple(a_submission(scenario, environment) for _ in range(2)))
    store.promote_due()
    store.cancel_run(caller_of("t"), ended.id)
    tried: list[object] = []

    def handle(item: RunRef) -> None:
        tried.append(store.claim_run(item, worker_id="w", lease_seconds=30))

    wake_ups.consume(handle, threads=3)
    names = [run.id] * 5 + ["unknown", ended.id]
    wake_ups.send(tuple(RunRef(tenant_id="t", run_id=name) for name in names))
    wait_for(lambda: len(tried) == 7)
    assert len([item for item in tried if item is not None]) == 1
    assert store.get_run(caller_of("t"), run.id).lease_epoch == 1
