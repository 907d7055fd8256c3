"""Many customers at once."""

from concurrent.futures import ThreadPoolExecutor


def fulfil(caller):
    reservation_id, payment_id = caller.reserve_and_pay()
    return caller.ship(reservation_id, payment_id).status_code


def test_twenty_orders_at_once_all_settle(new_caller):
    callers = [new_caller() for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(fulfil, callers)) == [201] * 20
    for caller in callers:
        caller.settle()
        assert caller.order().json()["status"] == "CONFIRMED"
        assert [mail["kind"] for mail in caller.notifications()] == ["ORDER_CONFIRMED"]
        assert len(caller.rows("ledger_entries")) == 2
        assert len(caller.rows("stock_movements")) == 1


def test_stock_is_never_sold_twice(new_caller):
    owner = new_caller()
    owner.stock(quantity=7)
    callers = [new_caller() for _ in range(20)]
    for caller in callers:
        caller.sku = owner.sku
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda caller: caller.reserve(1).status_code, callers))
    assert sorted(statuses) == [201] * 7 + [409] * 13
    assert owner.item()["available"] == 0


def test_simultaneous_repeats_charge_once(caller):
    key = f"key-{caller.order_id}"
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: caller.pay(key=key).content, range(10)))
    assert len(set(answers)) == 1
    assert len(caller.rows("payments")) == 1
    caller.settle()
    assert len(caller.rows("ledger_entries")) == 2
