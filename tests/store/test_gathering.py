"""Requests of many threads that travel together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestra_kit.store.postgres.gathering import Gathering

COMPANY = 6


class Server:
    """Doubles numbers. The first trip is held until the others wait; `poison` fails alone and spoils its company."""

    def __init__(self, *, poison: int | None = None, unknown: int | None = None, interrupt: bool = False) -> None:
        self.trips: list[list[int]] = []
        self.under_way, self.go_on = threading.Event(), threading.Event()
        self._poison, self._unknown, self._interrupt = poison, unknown, interrupt

    def alone(self, key: str, item: int) -> int:
        self.trips.append([item])
        if len(self.trips) == 1:
            self.under_way.set()
            assert self.go_on.wait(30)
        if item == self._poison:
            raise ValueError(item)
        return item * 2

    def together(self, key: str, items: Sequence[int]) -> list[int | None]:
        self.trips.append(list(items))
        if self._interrupt:
            raise KeyboardInterrupt
        if self._poison in items:
            raise ValueError(items)
        return [None if item == self._unknown else item * 2 for item in items]


def meet(server: Server, *, keys: Sequence[str] = ("a",) * (COMPANY + 1)) -> list[int | BaseException]:
    """Send 0 ahead; send the others when it is under way, let it arrive when all of them stand in line."""
    gathering = Gathering(alone=server.alone, together=server.together)

    def send(number: int) -> int | BaseException:
        try:
            return gathering.send(keys[number], number)
        except BaseException as error:
            return error

    with ThreadPoolExecutor(COMPANY + 1) as pool:
        first = pool.submit(send, 0)
        assert server.under_way.wait(30)
        others = [pool.submit(send, number) for number in range(1, COMPANY + 1)]
        same = sum(key == keys[0] for key in keys) - 1
        while len(gathering._lines[keys[0]].waiting) < same:
            threading.Event().wait(0.001)
        server.go_on.set()
        answers = [item.result(30) for item in (first, *others)]
    assert not gathering._lines, "nothing may be kept of a line that is over"
    return answers


def test_one_request_waits_for_nobody() -> None:
    server = Server()
    server.go_on.set()
    assert Gathering(alone=server.alone, together=server.together).send("a", 4) == 8
    assert server.trips == [[4]]


def test_those_who_come_while_a_trip_is_under_way_take_the_next_one_together() -> None:
    server = Server()
    assert meet(server) == [0, 2, 4, 6, 8, 10, 12]
    assert server.trips[0] == [0] and sorted(server.trips[1]) == [1, 2, 3, 4, 5, 6] and len(server.trips) == 2


def test_nobody_fails_for_another() -> None:
    server = Server(poison=3)
    answers = meet(server)
    assert [answers[n] for n in (0, 1, 2, 4, 5, 6)] == [0, 2, 4, 8, 10, 12]
    assert isinstance(answers[3], ValueError) and answers[3].args == (3,)


def test_an_item_without_an_answer_is_sent_alone() -> None:
    server = Server(unknown=5)
    assert meet(server) == [0, 2, 4, 6, 8, 10, 12]
    assert server.trips[-1] == [5]


def test_items_of_different_keys_never_travel_together() -> None:
    server = Server()
    assert meet(server, keys=("a", "b", "a", "b", "a", "b", "a")) == [0, 2, 4, 6, 8, 10, 12]
    assert [2, 4, 6] in [sorted(trip) for trip in server.trips]
    assert all(len({number % 2 for number in trip}) == 1 for trip in server.trips)


def test_an_interrupted_leader_leaves_nobody_behind() -> None:
    answers = meet(Server(interrupt=True))
    interrupted = [item for item in answers if isinstance(item, KeyboardInterrupt)]
    assert len(interrupted) == 1
    assert sum(item for item in answers if isinstance(item, int)) >= 42 - 12


def test_an_interrupted_waiter_is_taken_out_of_line(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    gathering = Gathering(alone=server.alone, together=server.together)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(gathering.send, "a", 0)
        assert server.under_way.wait(30)

        class Interrupted:
            def acquire(self) -> None:
                if gathering._lines["a"].waiting:
                    raise KeyboardInterrupt

            def release(self) -> None: ...

        monkeypatch.setattr(threading, "Lock", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            gathering.send("a", 1)
        monkeypatch.undo()
        server.go_on.set()
        assert first.result(30) == 0
        assert gathering.send("a", 2) == 4
    assert [1] not in server.trips and not gathering._lines


def test_many_threads_all_get_their_own_answers() -> None:
    def together(key: str, items: Sequence[int]) -> list[int]:
        return [item * 2 for item in items]

    gathering = Gathering(alone=lambda key, item: item * 2, together=together, trips=2, most=5)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda item: gathering.send("a", item), range(3000))) == [2 * n for n in range(3000)]
    assert not gathering._lines
