"""The shop starts as a whole and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import httpx
import pytest

from orchestra_kit.demo import launcher
from orchestra_kit.demo.launcher import ShopNotStartedError, start_shop


def is_running(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process_id}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def wait_until_gone(process_ids):
    deadline = time.monotonic() + 5
    while any(is_running(process_id) for process_id in process_ids):
        assert time.monotonic() < deadline, "a process of the shop is still there"
        time.sleep(0.02)


def test_shop_starts_and_stops(tmp_path):
    with start_shop(tmp_path) as shop:
        assert set(shop.base_urls) == {"inventory", "payments", "fulfilment"}
        assert set(shop.process_ids) == {"inventory", "payments", "fulfilment", "worker"}
        for url in (shop.inventory_url, shop.payments_url, shop.fulfilment_url):
            assert httpx.get(f"{url}/").status_code == 404
        assert shop.database.exists()
    wait_until_gone(shop.process_ids.values())
    assert shop.database.exists()
    shop.close()


def test_shop_starts_again_with_an_empty_database(tmp_path):
    for _ in range(2):
        with start_shop(tmp_path) as shop:
            url = f"{shop.inventory_url}/items/sku-1"
            assert httpx.put(url, json={"quantity": 1, "unitPriceCents": 1}).status_code == 201


def test_two_shops_live_side_by_side(tmp_path):
    with start_shop(tmp_path / "one") as one, start_shop(tmp_path / "two") as two:
        httpx.put(f"{one.inventory_url}/items/sku-1", json={"quantity": 1, "unitPriceCents": 1})
        assert httpx.get(f"{two.inventory_url}/items/sku-1").status_code == 404


def test_shop_ends_with_its_starter(tmp_path):
    script = textwrap.dedent("""
        import sys, time
        from orchestra_kit.demo.launcher import start_shop
        shop = start_shop(sys.argv[1])
        print(*shop.process_ids.values(), flush=True)
        time.sleep(60)
    """)
    root = Path(launcher.__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root
    ) as starter:
        process_ids = [int(word) for word in starter.stdout.readline().split()]
        assert len(process_ids) == 4
        assert all(is_running(process_id) for process_id in process_ids)
        starter.send_signal(signal.SIGKILL)
    wait_until_gone(process_ids)


def test_failed_start_tells_the_output_and_stops_the_rest(tmp_path, monkeypatch):
    started = []
    real = launcher._Child

    def remember(name, directory, options):
        child = real(name, directory, ("--nonsense",) if name == "payments" else options)
        started.append(child.process.pid)
        return child

    monkeypatch.setattr(launcher, "_Child", remember)
    with pytest.raises(ShopNotStartedError, match="payments process ended with code 2") as failure:
        start_shop(tmp_path)
    assert "--nonsense" in failure.value.output or "required" in failure.value.output
    wait_until_gone(started)


def test_silent_process_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(launcher, "START_SECONDS", 0.0)
    with pytest.raises(ShopNotStartedError, match="was not ready in time"):
        start_shop(tmp_path)
