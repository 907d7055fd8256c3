"""What only the queue on PostgreSQL can get wrong: forged rows, lost connections, rights."""

from __future__ import annotations

import logging
import pickle
import time

import psycopg
import pytest

from orchestra_kit.dispatch.huey_queue import HueyWakeUpQueue
from orchestra_kit.dispatch.message import decode, encode
from orchestra_kit.errors import DefinitionError, StoreUnavailableError
from orchestra_kit.spi.work import RunRef

REF = RunRef(tenant_id="t", run_id="r")
RAN: list[str] = []


class Bomb:
    def __reduce__(self):
        return (RAN.append, ("bang",))


def wait_for(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.01)


@pytest.fixture
def admin(urls):
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        yield connection


@pytest.fixture
def queue(urls):
    made = HueyWakeUpQueue(urls.worker)
    yield made
    made.stop(timeout_seconds=20)
    made.close()


def put(admin, data: bytes) -> None:
    admin.execute("INSERT INTO orchestra_queue.huey_task (queue, data) VALUES ('orchestra', %s)", (data,))


def test_a_row_holds_the_two_ids_as_json(queue, admin) -> None:
    queue.send((REF,))
    (data,) = admin.execute("SELECT data FROM orchestra_queue.huey_task").fetchone()
    assert bytes(data) == b'{"tenantId": "t", "runId": "r"}'


def test_a_forged_pickle_is_refused_and_nothing_runs(queue, admin, caplog) -> None:
    """A22."""
    got: list[RunRef] = []
    for data in (pickle.dumps(Bomb()), pickle.dumps({"tenantId": "t", "runId": "r"}), b"\x00", b"[]", b"1" * 5000):
        put(admin, data)
    queue.send((REF,))
    with caplog.at_level(logging.WARNING, "orchestra.dispatch"):
        queue.consume(got.append, threads=1)
        wait_for(lambda: got == [REF])
    assert (queue.refused, RAN) == (5, [])
    assert "bang" not in caplog.text


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"tenantId": "t"}',
        b'{"tenantId": "t", "runId": "r", "more": 1}',
        b'{"tenantId": 1, "runId": "r"}',
        b'{"tenantId": "", "runId": "r"}',
        b"\x80\x04N.",
        b"[" * 1500,
    ],
)
def test_any_other_message_is_refused(data) -> None:
    with pytest.raises(DefinitionError, match="refused"):
        decode(data)


def test_a_message_survives_the_way_there_and_back() -> None:
    odd = RunRef(tenant_id="tänänt", run_id='"quoted"')
    assert decode(encode(odd)) == odd


def test_killed_connections_come_back(queue, admin) -> None:
    """T08: LISTEN and all other connections of the queue are ended."""
    got: list[RunRef] = []
    queue.consume(got.append, threads=1)
    queue.send((REF,))
    wait_for(lambda: len(got) == 1)
    ended = admin.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'orchestra-wake-up'"
        " AND datname = current_database()"
    ).fetchone()
    assert ended[0] >= 2
    queue.send((REF,))
    wait_for(lambda: len(got) == 2)


def test_a_message_without_notify_is_found_by_looking(queue, admin) -> None:
    """T08: a NOTIFY that is lost costs a moment."""
    got: list[RunRef] = []
    queue.consume(got.append, threads=1)
    queue.send((REF,))
    wait_for(lambda: len(got) == 1)
    put(admin, encode(REF))  # no NOTIFY
    wait_for(lambda: len(got) == 2)


def test_surfaces_do_not_reach_the_queue(urls) -> None:
    with psycopg.connect(urls.app, autocommit=True) as app:
        for statement in ("SELECT * FROM orchestra_queue.huey_task", "DELETE FROM orchestra_queue.huey_task"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


def test_a_database_that_is_away_is_told() -> None:
    queue = HueyWakeUpQueue("postgresql://x@localhost:1/none")
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        queue.send((REF,))


def test_two_threads_may_find_the_same_connection_gone(queue, monkeypatch) -> None:
    """Huey closes a connection that another thread has closed a moment before."""

    def closed_meanwhile() -> bool:
        raise AttributeError("'NoneType' object has no attribute 'close'")

    with monkeypatch.context() as patched:
        patched.setattr(queue._storage, "close", closed_meanwhile)
        queue.close()
    queue.send((REF,))
