"""Durable steps a second: our store (claim, N commits, finish) beside DBOS and pgbench on the same embedded server.

    python bench/durable_steps.py [--rounds 3] [--seconds 2] [--no-dbos]

One JSON line. Cases take turns in each round; the figure is the median. `ours` does all a trivial step costs in the store:
lease, fence, result with a 2 KB body or none, next intent. pgbench commits one UPDATE and one INSERT a step, prepared.
Read the ratios; the figures themselves depend on what else the machine does (load1 is told).
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from database import Urls, start_server
from store_samples import a_commit, a_scenario, a_submission, a_suite, an_environment, an_intent, caller_of

from orchestra_kit.model import RunStatus, TenantSettings
from orchestra_kit.spi.work import FinishRun, RunRef
from orchestra_kit.store.postgres.store import PostgresStore
from orchestra_kit.store.postgres.work import PostgresWork
from orchestra_kit.store.server_files import programs

STEPS = 10
BODY = {"items": [{"sku": f"sku-{i}", "qty": i, "note": "x" * 40} for i in range(24)]}


class Ours:
    """Runs are submitted and queued before the clock starts; claim to finish is measured."""

    def __init__(self, urls: Urls) -> None:
        self.store, self.work = PostgresStore(urls.app), PostgresWork(urls.worker, connections=64)
        self.caller = caller_of("bench")
        self.store.ensure_tenant("bench", name="Bench", actor="bench")
        self.store.set_settings(self.caller, TenantSettings(max_parallel_runs=1_000_000))
        suite = self.store.put_suite(self.caller, a_suite("bench"))
        self.scenario = self.store.create_scenario(self.caller, a_scenario("bench", suite.id, steps=STEPS))
        self.environment = self.store.put_environment(self.caller, an_environment("bench"))

    def queue_runs(self, count: int) -> list[RunRef]:
        made = tuple(a_submission(self.scenario, self.environment) for _ in range(count))
        self.store.submit(self.caller, made)
        while self.work.promote_due(limit=1000):
            pass
        return [RunRef(tenant_id="bench", run_id=item.run.id) for item in made]

    def run(self, ref: RunRef, body: object) -> None:
        claimed = self.work.claim_run(ref, worker_id="bench", lease_seconds=30)
        assert claimed is not None
        for number in range(STEPS):
            following = an_intent(number + 1) if number + 1 < STEPS else None
            self.work.commit_step(a_commit(claimed, an_intent(number), following, response_body=body))
        self.work.finish_run(FinishRun(lease=claimed.lease, status=RunStatus.PASSED))

    def rate(self, threads: int, seconds: float, body: object) -> float:
        refs = iter(self.queue_runs(int(seconds * (60 if threads == 1 else 400)) + threads))
        lock, end, done = threading.Lock(), time.perf_counter() + seconds, [0] * threads

        def walk(number: int) -> None:
            while time.perf_counter() < end:
                with lock:
                    ref = next(refs, None)
                if ref is None:
                    return
                self.run(ref, body)
                done[number] += STEPS

        return timed(threads, walk, done)


def timed(threads: int, walk: Callable[[int], None], done: list[int]) -> float:
    started = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(walk, range(threads)))
    return sum(done) / (time.perf_counter() - started)


def pgbench(urls: Urls, clients: int, seconds: float) -> float:
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS peer")
        connection.execute("CREATE TABLE IF NOT EXISTS peer.tiny (id int PRIMARY KEY, v int)")
        connection.execute("CREATE TABLE IF NOT EXISTS peer.log (id int, v int)")
        connection.execute("INSERT INTO peer.tiny SELECT g, 0 FROM generate_series(0, 63) g ON CONFLICT DO NOTHING")
    change = "update peer.tiny set v = v + 1 where id = :w;\ninsert into peer.log values (:w, 1);\n"
    script = f"\\set w :client_id\nbegin;\n{change}commit;\n"
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        command = [str(programs(None) / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1"]
        command += ["-T", str(max(1, round(seconds))), "-f", file.name, urls.admin]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    assert found is not None
    return float(found.group(1))


class Dbos:
    """Ten trivial steps a workflow, as its documentation writes them."""

    def __init__(self, url: str) -> None:
        from dbos import DBOS

        @DBOS.step()
        def trivial(number: int) -> dict[str, int]:
            return {"i": number}

        @DBOS.workflow()
        def workflow() -> int:
            for number in range(STEPS):
                trivial(number)
            return STEPS

        DBOS(config={"name": "peer", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False})
        DBOS.launch()
        self.workflow, self.destroy = workflow, DBOS.destroy
        workflow()

    def rate(self, threads: int, seconds: float) -> float:
        end, done = time.perf_counter() + seconds, [0] * threads

        def walk(number: int) -> None:
            while time.perf_counter() < end:
                done[number] += self.workflow()

        return timed(threads, walk, done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--no-dbos", action="store_true")
    asked = parser.parse_args()
    with start_server() as server:
        urls = server.fresh()
        ours, peer = Ours(urls), None
        if not asked.no_dbos:
            peer = Dbos(server.fresh(migrated=False).admin)
        cases: dict[str, Callable[[], float]] = {}
        for threads in (1, 8, 32):
            cases[f"ours_{threads}"] = lambda n=threads: ours.rate(n, asked.seconds, {"i": 1})
            cases[f"ours_2kb_{threads}"] = lambda n=threads: ours.rate(n, asked.seconds, BODY)
            cases[f"pgbench_{threads}"] = lambda n=threads: pgbench(urls, n, asked.seconds)
            if peer is not None:
                cases[f"dbos_{threads}"] = lambda n=threads: peer.rate(n, asked.seconds)
        rates: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(asked.rounds):
            for name, measure in cases.items():
                rates[name].append(measure())
        if peer is not None:
            peer.destroy()
        ours.store.close()
        ours.work.close()
    middle = {name: round(statistics.median(found), 1) for name, found in rates.items()}
    ratios = {
        f"{of}_{threads}": round(middle[f"ours_{threads}"] / middle[f"{of}_{threads}"], 2)
        for of in ("dbos", "pgbench")
        for threads in (1, 8, 32)
        if f"{of}_{threads}" in middle
    }
    print(json.dumps({"steps_per_s": middle, "ratios": ratios, "load1": round(os.getloadavg()[0], 2)}))


if __name__ == "__main__":
    main()
