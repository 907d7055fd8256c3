"""What our HTTP executor adds to a call: `act` against a bare keep-alive httpx client, milliseconds a call.

The service runs in a process of its own. Rounds are interleaved. Prints one JSON line.
Run: python bench/http_step.py [rounds] [calls]
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx

from orchestra_kit.model import Egress, EndpointRef, Environment, HttpService, ScenarioStep
from orchestra_kit.protocols.http.step_executor import HttpStepExecutor
from orchestra_kit.spi.protocol import Command, Correlation, Surroundings

_SERVER = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def order(request):
    return JSONResponse({"id": 7, "status": "PAID"})
app = Starlette(routes=[Route("/orders/{id}", order)])
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    ends_at = time.monotonic() + 30
    while time.monotonic() < ends_at:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the service did not start")


def command(port: int) -> Command:
    """Return the command of a step that reads one order."""
    service = HttpService(base_url=f"http://127.0.0.1:{port}")
    environment = Environment(
        id="e", tenant_id="local", name="e", http_services={"shop": service}, egress=Egress(allow=("127.0.0.1",))
    )
    reference = EndpointRef(service_name="shop", endpoint_name="GET /orders/{id}")
    return Command(
        step=ScenarioStep(id="s", order_index=0, alias="call", kind="ACTION", endpoint_ref=reference),
        input={"path": {"id": 7}},
        meta={},
        correlation=Correlation(run_id="r", correlation_id="c", idempotency_key="k", step_alias="call", attempt=1),
        surroundings=Surroundings(environment=environment, secrets=None),  # type: ignore[arg-type]
        timeout_seconds=10,
    )


def milliseconds(call: Any, count: int) -> float:
    """Return the mean time of a call."""
    call()
    began = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - began) / count * 1000


def main(rounds: int, count: int) -> None:
    """Measure and print."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-c", _SERVER, str(port)])
    try:
        wait_for(port)
        executor, asked = HttpStepExecutor(), command(port)
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)

        def ours() -> None:
            assert executor.act(asked).body == {"id": 7, "status": "PAID"}

        def bare() -> None:
            assert client.get("/orders/7").json() == {"id": 7, "status": "PAID"}

        times: dict[str, list[float]] = {"orchestra": [], "httpx": []}
        for _ in range(rounds):
            times["httpx"].append(milliseconds(bare, count))
            times["orchestra"].append(milliseconds(ours, count))
        ratios = [one / other for one, other in zip(times["orchestra"], times["httpx"], strict=True)]
        shown = {label: round(statistics.median(values), 3) for label, values in times.items()}
        spread = [round(min(ratios), 2), round(max(ratios), 2)]
        print(json.dumps({"bench": "http_step", "rounds": rounds, "milliseconds": shown,
                          "ratio": round(statistics.median(ratios), 2), "ratioSpread": spread}))  # fmt: skip
        executor.close()
        client.close()
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, int(sys.argv[2]) if len(sys.argv) > 2 else 300)
