"""Response checks: our validator against openapi-core, microseconds a call, on a small and a large body.

Both are given the raw bytes of the same valid answer and both find media type and status, parse and judge the body.
openapi-core also finds the operation by its URL, which our plan already knows. Prints one JSON line.
Run: python bench/validation.py [rounds]
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from orchestra_kit.model import EndpointRef, Environment, Expectations, ProtocolSpec, ScenarioStep
from orchestra_kit.protocols.http.contract_validator import HttpContractValidator
from orchestra_kit.protocols.http.spec_parser import OpenApiParser
from orchestra_kit.protocols.http.step_executor import decode_body
from orchestra_kit.spi.protocol import Command, Correlation, Observation, Surroundings

TARGETS = {"small": 100.0, "large": 20.0}
_SECONDS_A_ROUND = 0.4


def document(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "bench", "version": "1"},
        "servers": [{"url": "http://h"}],
        "paths": paths,
        "components": {"schemas": schemas},
    }


def operation(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a GET operation with one answer."""
    identity = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    answer = {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}
    return {"get": {"operationId": name, "parameters": [identity], "responses": answer}}


def small_case() -> tuple[dict[str, Any], str, str, Any]:
    """Return document, operation, path and body of an order of a tenth of a kilobyte."""
    line = {
        "type": "object",
        "required": ["sku", "quantity"],
        "properties": {"sku": {"type": "string"}, "quantity": {"type": "integer", "minimum": 1}},
    }
    order = {
        "type": "object",
        "required": ["id", "status", "lines"],
        "properties": {
            "id": {"type": "integer"},
            "status": {"enum": ["NEW", "PAID", "SHIPPED"]},
            "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
            "note": {"type": ["string", "null"]},
        },
    }
    paths = {"/orders/{id}": operation("getOrder", {"$ref": "#/components/schemas/Order"})}
    body = {
        "id": 7,
        "status": "PAID",
        "lines": [{"sku": "A-1", "quantity": 2}, {"sku": "B-2", "quantity": 1}],
        "note": None,
    }
    return document(paths, {"Order": order, "Line": line}), "getOrder", "/orders/7", body


def large_case(paths: int = 300, schemas: int = 400, items: int = 50) -> tuple[dict[str, Any], str, str, Any]:
    """Return a document of a few hundred kilobytes and a body of nested objects of about 85 kB."""
    rnd = random.Random(1)
    fields: tuple[dict[str, Any], ...] = (
        {"type": "string", "maxLength": 80},
        {"type": "integer", "minimum": 0},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "string", "enum": ["A", "B", "C"]},
        {"type": ["string", "null"]},
    )
    samples = ("some text", 5, 1.5, True, "A", "text")
    named: dict[str, Any] = {}
    bodies: list[dict[str, Any]] = []
    for index in range(schemas):
        chosen = [rnd.randrange(len(fields)) for _ in range(12)]
        properties = {f"f{number}": fields[kind] for number, kind in enumerate(chosen)}
        body: dict[str, Any] = {f"f{number}": samples[kind] for number, kind in enumerate(chosen)}
        if index:
            properties["child"] = {"$ref": f"#/components/schemas/S{index // 2}"}
            body["child"] = bodies[index // 2]
        named[f"S{index}"] = {"type": "object", "required": ["f0", "f1"], "properties": properties}
        bodies.append(body)
    routes = {
        f"/r{index}/{{id}}": operation(
            f"get{index}", {"type": "array", "items": {"$ref": f"#/components/schemas/S{index % schemas}"}}
        )
        for index in range(paths)
    }
    return document(routes, named), f"get{paths - 1}", f"/r{paths - 1}/1", [bodies[paths - 1]] * items


def our_judge(doc: dict[str, Any], name: str, raw: bytes) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return (parse and judge, judge alone) by our validator."""
    summary = OpenApiParser().parse(json.dumps(doc), source="bench")
    spec = ProtocolSpec(
        protocol_id="bench",
        tenant_id="local",
        service_name="shop",
        version=1,
        raw_spec_uri="bench",
        parsed_summary=summary,
        created_at=datetime.now(UTC),
        created_by="bench",
    )
    step = ScenarioStep(
        id="s",
        order_index=0,
        alias="call",
        kind="ACTION",
        endpoint_ref=EndpointRef(service_name="shop", endpoint_name=name),
    )
    command = Command(
        step=step,
        input={},
        meta={},
        correlation=Correlation(run_id="r", correlation_id="c", idempotency_key="k", step_alias="call", attempt=1),
        surroundings=Surroundings(environment=Environment(id="e", tenant_id="local", name="e"), secrets=None),  # type: ignore[arg-type]
        timeout_seconds=1,
        spec=spec,
        operation=next(one for one in summary.operations if one.endpoint_name == name),
    )
    validator, expectations = HttpContractValidator(), Expectations(expected_status_code=200)
    media_type = "application/json"
    # As for openapi-core, the answer is wrapped once, outside the measurement; the body is parsed anew every time.
    seen = Observation(
        status_code=200, headers={}, body=decode_body(raw, media_type), raw_body=raw, media_type=media_type
    )

    def judge() -> None:
        if validator.check_response(command, seen, expectations):
            raise AssertionError("the good body was refused")

    def parse_and_judge() -> None:
        decode_body(raw, media_type)
        judge()

    return parse_and_judge, judge


def their_judge(doc: dict[str, Any], path: str, raw: bytes) -> Callable[[], None]:
    """Return the same by openapi-core."""
    from openapi_core import OpenAPI
    from openapi_core.testing import MockRequest, MockResponse

    authority = OpenAPI.from_dict(doc)
    request, response = MockRequest("http://h", "get", path), MockResponse(raw, status_code=200)
    return lambda: authority.validate_response(request, response)


def microseconds(call: Callable[[], None]) -> float:
    """Return the mean time of one call over about _SECONDS_A_ROUND."""
    call()
    count = 1
    while True:
        began = time.perf_counter()
        for _ in range(count):
            call()
        spent = time.perf_counter() - began
        if spent >= _SECONDS_A_ROUND:
            return spent / count * 1e6
        count = max(count * 2, int(count * _SECONDS_A_ROUND / max(spent, 1e-9)))


def main(rounds: int) -> None:
    """Measure in interleaved rounds and print medians and ratios."""
    shown: dict[str, Any] = {"bench": "validation", "rounds": rounds}
    for size, case in (("small", small_case()), ("large", large_case())):
        doc, name, path, body = case
        raw = json.dumps(body).encode()
        ours, alone = our_judge(doc, name, raw)
        calls = {"openapiCore": their_judge(doc, path, raw), "orchestra": ours, "orchestraJudgeAlone": alone,
                 "jsonLoadsAlone": lambda raw=raw: json.loads(raw)}  # fmt: skip
        times: dict[str, list[float]] = {label: [] for label in calls}
        for _ in range(rounds):
            for label, call in calls.items():
                times[label].append(microseconds(call))
        median = {label: round(statistics.median(values), 1) for label, values in times.items()}
        ratios = [one / other for one, other in zip(times["openapiCore"], times["orchestra"], strict=True)]
        ratio = round(statistics.median(ratios), 1)
        shown[size] = {
            "bodyBytes": len(raw),
            "microseconds": median,
            "ratio": ratio,
            "ratioSpread": [round(min(ratios), 1), round(max(ratios), 1)],
            "target": TARGETS[size],
            "met": ratio >= TARGETS[size],
        }
    print(json.dumps(shown))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
