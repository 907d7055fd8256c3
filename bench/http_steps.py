"""HTTP steps run inline beside pytest with httpx: milliseconds a step, memory store and durable.

    python bench/http_steps.py [--rounds 5]

One JSON line. Each case is a fresh process timed at two sizes; the slope is the cost of a step, start-up is left out. Both
check the status and one value of the body. The durable case is judged against pytest+httpx plus one commit measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from _engine import Bench, service
from database import Urls, start_server

from orchestra_kit.store.memory import MemoryStore
from orchestra_kit.store.postgres.store import PostgresStore
from orchestra_kit.store.postgres.work import PostgresWork

SMALL, LARGE = 10, 310


def pytest_file(folder: Path, url: str, steps: int) -> Path:
    lines = "".join(
        f"    r = c.get('/orders/{n}'); assert r.status_code == 200 and r.json()['id'] == {n}\n" for n in range(steps)
    )
    path = folder / f"test_{steps}.py"
    path.write_text(f"import httpx\nc = httpx.Client(base_url={url!r})\ndef test_it():\n{lines}")
    return path


def seconds_of(command: list[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def run_here(url: str, steps: int, database: tuple[str, str] | None) -> None:
    """One inline run; the child process of a case."""
    if database is None:
        store = work = MemoryStore()
    else:
        store, work = PostgresStore(database[0]), PostgresWork(database[1])
    bench = Bench(store, work, kind="http", steps=steps, url=url)
    bench.execute(bench.queue_runs(1)[0])
    began = time.perf_counter()
    for ref in bench.queue_runs(1):
        began = time.perf_counter()
        bench.execute(ref)
    print(time.perf_counter() - began)
    bench.close()


def ours(url: str, steps: int, urls: Urls | None) -> float:
    """Seconds of one run. Only the run is timed: submitting and queueing are not what a test script does."""
    command = [sys.executable, __file__, "--child", url, str(steps)]
    if urls is not None:
        command += [urls.app, urls.worker]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def commit_ms(urls: Urls, count: int = 300) -> float:
    """Milliseconds of one commit of one update and one insert, on one connection."""
    with psycopg.connect(urls.admin, autocommit=True) as database:
        database.execute("CREATE TABLE IF NOT EXISTS public.peer (id int, v int)")
        statement = "WITH u AS (UPDATE peer SET v = v + 1 WHERE id = 0) INSERT INTO peer VALUES (%s, 1)"
        began = time.perf_counter()
        for number in range(count):
            database.execute(statement, (number + 1,))
        return (time.perf_counter() - began) / count * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        url, steps, *database = asked.child
        run_here(url, int(steps), (database[0], database[1]) if database else None)
        return
    with start_server() as server, service() as url, tempfile.TemporaryDirectory() as name:
        folder, urls = Path(name), server.fresh()
        files = {steps: pytest_file(folder, url, steps) for steps in (SMALL, LARGE)}
        plain = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        cases: dict[str, Callable[[int], float]] = {
            "pytest_httpx": lambda steps: seconds_of([*plain, files[steps].name], folder),
            "memory": lambda steps: ours(url, steps, None),
            "durable": lambda steps: ours(url, steps, server.fresh()),
        }
        figures: dict[str, list[float]] = {name: [] for name in (*cases, "commit")}
        for _ in range(asked.rounds):
            for case, measure in cases.items():
                took = {steps: measure(steps) for steps in (SMALL, LARGE)}
                figures[case].append((took[LARGE] - took[SMALL]) / (LARGE - SMALL) * 1000)
            figures["commit"].append(commit_ms(urls))
    rounds = [dict(zip(figures, values, strict=True)) for values in zip(*figures.values(), strict=True)]
    ratios = {
        "memory": statistics.median(item["memory"] / item["pytest_httpx"] for item in rounds),
        "durable": statistics.median(item["durable"] / (item["pytest_httpx"] + item["commit"]) for item in rounds),
    }
    shown = {name: round(statistics.median(values), 3) for name, values in figures.items()}
    print(
        json.dumps(
            {
                "bench": "http_steps",
                "ms_per_step": shown,
                "ratios": {name: round(value, 2) for name, value in ratios.items()},
                "load1": round(os.getloadavg()[0], 2),
            }
        )
    )


if __name__ == "__main__":
    main()
