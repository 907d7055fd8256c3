"""What the benches of the engine share: plans of trivial and HTTP steps, an executor over any store, a small service."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

for folder in ("tests/support", "."):
    sys.path.insert(0, str(Path(__file__).parent.parent / folder))

# ruff: noqa: E402  # the folders of our own code come first
from store_samples import a_suite, caller_of

from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.executor import Executor, InlineDriver
from orchestra_kit.engine.heartbeat import LeaseKeeper
from orchestra_kit.model import ChannelType, Egress, Environment, HttpService, TenantSettings, TestScenario, new_id
from orchestra_kit.model import Executor as ExecutorName
from orchestra_kit.model import TestRun as Run
from orchestra_kit.protocols.http import plugin as http_plugin
from orchestra_kit.spi.clock import SystemClock
from orchestra_kit.spi.plan import RunPlan, SpecReader
from orchestra_kit.spi.protocol import Observation, ProtocolPlugin
from orchestra_kit.spi.runs import RunSubmission
from orchestra_kit.spi.work import RunRef, StepIntent

SERVICE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def order(request):
    return JSONResponse({"id": int(request.path_params["id"]), "status": "NEW", "amount": 10.5, "items": []})
app = Starlette(routes=[Route("/orders/{id}", order)])
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


@contextlib.contextmanager
def service() -> Iterator[str]:
    """A service in a process of its own; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-c", SERVICE, str(port)])
    try:
        ends_at = time.monotonic() + 30
        while time.monotonic() < ends_at:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


class _Trivial:
    """A plugin that answers at once: what is left is the engine and the store."""

    answer = Observation(view={"status": 200, "headers": {}, "body": {"i": 1}}, status_code=200, body={"i": 1})

    def prepare(self, *_: Any) -> None:
        return None

    def act(self, _: Any) -> Observation:
        return self.answer

    def close(self) -> None:
        pass

    def check_request(self, _: Any) -> list[Any]:
        return []

    def check_response(self, *_: Any) -> list[Any]:
        return []


class _Plain:
    def seal(self, value: Any) -> str:
        return base64.b64encode(json.dumps(value).encode()).decode()

    def unseal(self, sealed: str) -> Any:
        return json.loads(base64.b64decode(sealed))


def plugins(kind: str) -> dict[ChannelType, ProtocolPlugin]:
    if kind == "http":
        return {http_plugin.channel_type: http_plugin}
    fake: Any = _Trivial()
    channel = ChannelType.HTTP_REST
    return {channel: ProtocolPlugin(channel_type=channel, make_executor=lambda: fake, contract_validator=fake)}


class Bench:
    """Runs of one scenario on a store, executed in the calling thread as a worker's handler would."""

    def __init__(self, store: Any, work: Any, *, kind: str, steps: int, url: str = "http://127.0.0.1:1") -> None:
        self._store, self._work, self._count = store, work, steps
        self.caller = caller_of(f"bench-{kind}-{steps}")
        tenant = self.caller.tenant_id
        store.ensure_tenant(tenant, name="Bench", actor="bench")
        store.set_settings(self.caller, TenantSettings(max_parallel_runs=1_000_000))
        suite = store.put_suite(self.caller, a_suite(tenant))
        self.environment = store.put_environment(
            self.caller,
            Environment(
                id=new_id(), tenant_id=tenant, name="test", http_services={"shop": HttpService(base_url=url)},
                egress=Egress(allow=("127.0.0.1",), allow_public=False),
            ),
        )  # fmt: skip
        made = [self._step(number) for number in range(steps)]
        self.scenario = store.create_scenario(
            self.caller,
            TestScenario.model_validate(
                {"id": new_id(), "tenantId": tenant, "suiteId": suite.id, "key": "chain", "steps": made,
                 "createdAt": suite.created_at, "createdBy": "b", "updatedAt": suite.created_at, "updatedBy": "b"}
            ),
        )  # fmt: skip
        self.plan = RunPlan(scenario=self.scenario, environment=self.environment)
        equipment = Equipment(
            store=work, plugins=plugins(kind), sealer=_Plain(), clock=SystemClock(), secrets=lambda _: None,
            specs=SpecReader(lambda *_: None),
        )  # fmt: skip
        self._keeper = LeaseKeeper(work, lease_seconds=30.0)
        self._keeper.__enter__()
        self.executor = Executor(equipment, {ExecutorName.INLINE: InlineDriver()}, self._keeper, worker_id="bench")
        self._equipment = equipment

    def _step(self, number: int) -> dict[str, Any]:
        return {
            "id": f"id-{number}", "orderIndex": number, "alias": f"s{number}", "kind": "ACTION",
            "channelType": "HTTP_REST", "endpointRef": {"serviceName": "shop", "endpointName": "GET /orders/{id}"},
            "action": {"inputTemplate": {"path": {"id": number}}},
            "expectations": {"expectedStatusCode": 200, "businessRules": [f"response.body.id == {number}"]},
        } if "http" in self.caller.tenant_id else {
            "id": f"id-{number}", "orderIndex": number, "alias": f"s{number}", "kind": "ACTION",
            "channelType": "HTTP_REST", "endpointRef": {"serviceName": "shop", "endpointName": "GET /trivial"},
        }  # fmt: skip

    def queue_runs(self, count: int) -> list[RunRef]:
        """Submit and queue runs; this is not measured."""
        first = self.scenario.steps[0]
        intent = StepIntent(step_id=first.id, step_alias=first.alias, order_index=0)
        runs = [self._run() for _ in range(count)]
        self._store.submit(
            self.caller, tuple(RunSubmission(run=run, plan=self.plan, first_intent=intent) for run in runs)
        )
        while self._work.promote_due(limit=1000):
            pass
        return [RunRef(tenant_id=self.caller.tenant_id, run_id=run.id) for run in runs]

    def _run(self) -> Run:
        run_id = new_id()
        return Run(
            id=run_id, tenant_id=self.caller.tenant_id, scenario_id=self.scenario.id, scenario_key="chain",
            scenario_version=1, environment_id=self.environment.id, created_at=self.scenario.created_at,
            correlation_id=run_id, created_by="b",
        )  # fmt: skip

    def execute(self, ref: RunRef) -> int:
        """Execute a run; return its steps."""
        status = self.executor.execute(ref)
        assert status == "PASSED", (status, self._store.get_run(self.caller, ref.run_id))
        return self._count

    def close(self) -> None:
        self._keeper.__exit__(None, None, None)
        self._equipment.close()
