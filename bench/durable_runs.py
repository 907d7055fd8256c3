"""Durable runs through the whole engine beside DBOS: trivial steps and HTTP steps, 1, 8 and 32 runs at once.

    python bench/durable_runs.py [--rounds 3] [--seconds 2]

One JSON line. Everything is ours here: claim, plan, resolve, act, judge, record, finish, on PostgreSQL; the same ten steps
are a DBOS workflow as its documentation writes them. Cases take turns in each round; the figures are medians. pgbench
makes one commit a step on the same server. `durable_steps.py` measures the store alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import threading
import time
from collections.abc import Callable

import httpx
from _engine import Bench, service
from database import start_server
from durable_steps import STEPS, Dbos, pgbench, timed

from orchestra_kit.store.postgres.store import PostgresStore
from orchestra_kit.store.postgres.work import PostgresWork


def rate(bench: Bench, threads: int, seconds: float) -> float:
    """Return steps a second."""
    refs = iter(bench.queue_runs(int(seconds * (60 if threads == 1 else 250)) + threads))
    lock, end, done = threading.Lock(), time.perf_counter() + seconds, [0] * threads

    def walk(number: int) -> None:
        while time.perf_counter() < end:
            with lock:
                ref = next(refs, None)
            if ref is None:
                return
            done[number] += bench.execute(ref)

    return timed(threads, walk, done)


class DbosHttp(Dbos):
    """Its HTTP workflow beside the trivial one."""

    def __init__(self, database: str, service_url: str) -> None:
        from dbos import DBOS

        client = httpx.Client(limits=httpx.Limits(max_connections=64, max_keepalive_connections=64))

        @DBOS.step()
        def get(number: int) -> object:
            return client.get(f"{service_url}/orders/{number}").json()

        @DBOS.workflow()
        def http_workflow() -> int:
            for number in range(STEPS):
                get(number)
            return STEPS

        super().__init__(database)
        self.trivial, self.http = self.workflow, http_workflow

    def rate_of(self, workflow: Callable[[], int], threads: int, seconds: float) -> float:
        self.workflow = workflow
        return self.rate(threads, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    asked = parser.parse_args()
    with start_server() as server, service() as url:
        urls = server.fresh()
        store, work = PostgresStore(urls.app), PostgresWork(urls.worker, connections=64)
        trivial = Bench(store, work, kind="trivial", steps=STEPS)
        http = Bench(store, work, kind="http", steps=STEPS, url=url)
        peer = DbosHttp(server.fresh(migrated=False).admin, url)
        cases: dict[str, Callable[[], float]] = {}
        for threads in (1, 8, 32):
            cases[f"ours_trivial_{threads}"] = lambda n=threads: rate(trivial, n, asked.seconds)
            cases[f"dbos_trivial_{threads}"] = lambda n=threads: peer.rate_of(peer.trivial, n, asked.seconds)
            cases[f"ours_http_{threads}"] = lambda n=threads: rate(http, n, asked.seconds)
            cases[f"dbos_http_{threads}"] = lambda n=threads: peer.rate_of(peer.http, n, asked.seconds)
            cases[f"pgbench_{threads}"] = lambda n=threads: pgbench(urls, n, asked.seconds)
        rates: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(asked.rounds):
            for name, measure in cases.items():
                rates[name].append(measure())
        peer.destroy()
        for bench in (trivial, http):
            bench.close()
        store.close()
        work.close()
    middle = {name: round(statistics.median(found), 1) for name, found in rates.items()}
    ratios = {}
    for kind, against, threads in (
        (k, a, n) for k in ("trivial", "http") for a in ("dbos", "pgbench") for n in (1, 8, 32)
    ):
        other = f"dbos_{kind}_{threads}" if against == "dbos" else f"pgbench_{threads}"
        pairs = zip(rates[f"ours_{kind}_{threads}"], rates[other], strict=True)
        ratios[f"{kind}_{against}_{threads}"] = round(statistics.median(ours / peer for ours, peer in pairs), 2)
    load = round(os.getloadavg()[0], 2)
    print(json.dumps({"bench": "durable_runs", "steps_per_s": middle, "ratios": ratios, "load1": load}))


if __name__ == "__main__":
    main()
