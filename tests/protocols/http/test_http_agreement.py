"""openapi-core is the authority on contracts; the compiled path must say the same of every answer.

Known differences, each on purpose:
1. `1.0` is an integer for us in 3.0 documents too (JSON Schema since draft 6); openapi-core judges 3.0 by draft 4.
2. `format`: `email` needs a domain, `time` needs an offset and a leap second is a second (RFC 5321, RFC 3339); the Python
   checkers of openapi-core accept any text with `@`, other times, and refuse leap seconds.
3. A discriminator may only name an alternative that is listed or mapped; openapi-core takes any schema of the document,
   and it does not apply the other alternatives' names when a mapping gives plain names.
4. A required property that is writeOnly need not be in an answer in 3.1 either; openapi-core says so for 3.0 only.
5. Patterns follow ECMA-262 as the standard says, not Python's `re` (`$`, `\\d`).
6. openapi-core reads `+json` media types only when told to (done here), and raises UnicodeEncodeError for `format: byte`
   with letters beyond ASCII.
7. XML, form and binary bodies are not read: only their media type is judged.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestra_kit.model import Expectations, ViolationType
from orchestra_kit.protocols.http.contract_validator import HttpContractValidator
from orchestra_kit.protocols.http.spec_parser import OpenApiParser
from orchestra_kit.protocols.http.step_executor import decode_body
from orchestra_kit.spi.protocol import Observation

# -- answers, good and bad ---------------------------------------------------------------------------------------------

_JUNK: tuple[Any, ...] = (None, True, 0, -1, 7, 2.5, 10**12, "", "text", "2024-02-30", [], [1], {}, {"x": 1})
_FORMATS = {
    "date": ("2024-02-29", "2024-02-30", "x"),
    "date-time": ("2024-02-29T10:00:00Z", "2024-02-29 10:00", "2024-13-01T00:00:00Z"),
    "uuid": ("0198c0de-0000-7000-8000-000000000001", "0198c0de"),
    "ipv4": ("1.2.3.4", "1.2.3.400"),
    "email": ("a@b.example", "nobody"),
    "uri": ("https://a.example/b", "no uri at all"),
    "byte": ("aGk=", "a"),
}


class Maker:
    """Makes a value for a schema; every now and then a wrong one."""

    def __init__(self, components: dict[str, Any], rnd: random.Random, wrong: float) -> None:
        self._components, self._rnd, self._wrong = components, rnd, wrong

    def make(self, schema: Any, depth: int = 0) -> Any:
        rnd = self._rnd
        if not isinstance(schema, dict) or rnd.random() < self._wrong:
            return rnd.choice(_JUNK)
        if depth > 7:
            return rnd.choice((None, {}, [], "deep", 1))
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            return self.make(self._components.get(name, {}), depth + 1)
        if "enum" in schema:
            return rnd.choice(schema["enum"])
        if "const" in schema:
            return schema["const"]
        chosen: Any = ...
        if "allOf" in schema:
            chosen = {}
            for part in schema["allOf"]:
                made = self.make(part, depth + 1)
                chosen = {**chosen, **made} if isinstance(made, dict) and isinstance(chosen, dict) else made
        for keyword in ("oneOf", "anyOf"):
            if keyword in schema:
                made = self.make(rnd.choice(schema[keyword]), depth + 1)
                chosen = {**chosen, **made} if isinstance(chosen, dict) and isinstance(made, dict) else made
        own = self._by_type(schema, depth)
        if chosen is ...:
            return own
        return {**own, **chosen} if isinstance(own, dict) and isinstance(chosen, dict) else chosen

    def _by_type(self, schema: dict[str, Any], depth: int) -> Any:
        rnd = self._rnd
        kinds = schema.get("type") or ("object" if "properties" in schema else "string")
        kind = rnd.choice(kinds) if isinstance(kinds, list) else kinds
        if kind == "object":
            found = {}
            for name, part in (schema.get("properties") or {}).items():
                if isinstance(part, dict) and part.get("writeOnly") and not self._slip():
                    continue
                needed = name in schema.get("required", ())
                if (needed and rnd.random() > self._wrong) or (not needed and rnd.random() < 0.4):
                    found[name] = self.make(part, depth + 1)
            if rnd.random() < self._wrong + 0.03:
                found["surplus"] = self.make(schema.get("additionalProperties", {"type": "string"}), depth + 1)
            return found
        if kind == "array":
            low, high = schema.get("minItems", 0), schema.get("maxItems", 3)
            count = rnd.randint(min(low, 3), max(min(high, 3), min(low, 3)))
            return [self.make(schema.get("items", {}), depth + 1) for _ in range(count)]
        if kind in ("integer", "number"):
            low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
            high = schema.get("maximum", schema.get("exclusiveMaximum", low + 10))
            if self._slip():
                return rnd.choice([low, high, int(low) - 1, int(high) + 1, 2**31, 2**63])
            return int((low + high + 1) / 2)
        if kind == "boolean":
            return rnd.random() < 0.5
        if kind == "null":
            return None
        if schema.get("format") in _FORMATS:
            good, *bad = _FORMATS[schema["format"]]
            return rnd.choice(bad) if self._slip() else good
        low = schema.get("minLength", 1)
        return "x" * (rnd.choice([max(low - 1, 0), min(schema.get("maxLength", low) + 1, 50)]) if self._slip() else low)

    def _slip(self) -> bool:
        return self._rnd.random() < self._wrong


# -- the two judges ----------------------------------------------------------------------------------------------------


class Judges:
    """One document before both judges."""

    def __init__(self, document: dict[str, Any]) -> None:
        from openapi_core import Config, OpenAPI

        document = json.loads(json.dumps(document))
        document["servers"] = [{"url": "http://h"}]
        for item in document["paths"].values():
            for part in [item, *[item.get(name) for name in ("get", "post", "put", "delete", "patch")]]:
                if isinstance(part, dict):
                    part.pop("servers", None)
        self.summary = OpenApiParser().parse(json.dumps(document), source="x")
        self.components = self.summary.components["schemas"]
        readers = {f"application/{name}+json": json.loads for name in ("problem", "vnd.shop")}
        config = Config(spec_validator_cls=None, extra_media_type_deserializers=readers)
        self._authority = OpenAPI.from_dict(document, config=config)
        self._ours = HttpContractValidator()

    def authority(self, operation, status, content, media_type, headers) -> list[str]:
        from openapi_core.exceptions import OpenAPIError
        from openapi_core.testing import MockRequest, MockResponse

        request = MockRequest("http://h", operation.method.lower(), operation.path, path_pattern=operation.path)
        response = MockResponse(content, status_code=status, headers=headers, content_type=media_type)
        try:
            self._authority.validate_response(request, response)
        except OpenAPIError as exc:
            return [f"{type(exc).__name__}: {exc.__cause__ or exc}"]
        return []

    def ours(self, make_command, operation, status, content, media_type, headers) -> list[str]:
        seen = Observation(
            status_code=status,
            headers={**headers, "content-type": media_type or ""},
            body=decode_body(content, media_type),
            raw_body=content,
            media_type=media_type,
        )
        command = make_command(operation.endpoint_name, summary=self.summary)
        found = self._ours.check_response(command, seen, Expectations(expected_status_code=status))
        assert all(one.type is ViolationType.CONTRACT_VIOLATION for one in found), found
        return [one.message for one in found]


def both(judges, make_command, operation, status, value, media_type="application/json", headers=None):
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    authority = judges.authority(operation, status, content, media_type, headers or {})
    ours = judges.ours(make_command, operation, status, content, media_type, headers or {})
    assert bool(authority) == bool(ours), f"{operation.endpoint_name} {status} {content!r}\n{authority}\n{ours}"
    return not ours


def order_document(version: str) -> dict[str, Any]:
    """A document like those of real services, with everything in it that the two versions say differently."""
    is_30 = version.startswith("3.0")
    note = {"type": "string", "nullable": True} if is_30 else {"type": ["string", "null"]}
    price = (
        {"type": "number", "minimum": 0, "exclusiveMinimum": True}
        if is_30
        else {"type": "number", "exclusiveMinimum": 0}
    )
    schemas = {
        "Money": {"type": "object", "required": ["amount", "currency"], "additionalProperties": False,
                  "properties": {"amount": price, "currency": {"type": "string", "enum": ["EUR", "USD"]}}},
        "Card": {"type": "object", "required": ["kind", "digits"],
                 "properties": {"kind": {"type": "string"}, "digits": {"type": "string", "minLength": 4, "maxLength": 4}}},
        "Invoice": {"type": "object", "required": ["kind", "days"],
                    "properties": {"kind": {"type": "string"}, "days": {"type": "integer", "format": "int32"}}},
        "Base": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "format": "uuid"}}},
        "Item": {"type": "object", "required": ["sku", "quantity"],
                 "properties": {"sku": {"type": "string", "pattern": "^[A-Zx]+$"}, "quantity": {"type": "integer", "minimum": 1},
                                "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}, "maxItems": 2}}},
        "Order": {"allOf": [{"$ref": "#/components/schemas/Base"}, {
            "type": "object", "required": ["status", "items"],
            "properties": {
                "status": {"type": "string", "enum": ["NEW", "PAID"]}, "note": note,
                "items": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Item"}},
                "total": {"$ref": "#/components/schemas/Money"}, "placed": {"type": "string", "format": "date-time"},
                "photo": {"type": "string", "format": "byte"}, "count": {"type": "integer", "format": "int64"},
                "payment": {"oneOf": [{"$ref": "#/components/schemas/Card"}, {"$ref": "#/components/schemas/Invoice"}],
                            "discriminator": {"propertyName": "kind", "mapping": {
                                "card": "#/components/schemas/Card", "invoice": "#/components/schemas/Invoice"}}},
                "either": {"oneOf": [{"type": "string"}, {"type": "integer", "maximum": 5}, {"type": "number"}]},
                "tags": {"type": "object", "additionalProperties": {"type": "integer"}},
                **({"pin": {"type": "string", "writeOnly": True}} if is_30 else {}),
            }}]},
    }  # fmt: skip
    if is_30:
        schemas["Order"]["allOf"][1]["required"].append("pin")
    reference = {"schema": {"$ref": "#/components/schemas/Order"}}
    responses = {
        "200": {"description": "ok", "content": {"application/json": reference, "text/plain": {"schema": {"type": "string"}}},
                "headers": {"ETag": {"required": True, "schema": {"type": "string", "minLength": 2}},
                            "X-Left": {"schema": {"type": "integer"}}}},
        "201": {"description": "made", "content": {"application/vnd.shop+json": reference, "image/*": {}}},
        "204": {"description": "none"},
        "4XX": {"description": "bad", "content": {"application/problem+json": {"schema": {
            "type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}}}},
    }  # fmt: skip
    return {
        "openapi": version,
        "info": {"title": "orders", "version": "1"},
        "paths": {"/orders": {"post": {"operationId": "place", "responses": responses}}},
        "components": {"schemas": schemas},
    }


@pytest.fixture(scope="module", params=["3.0.3", "3.1.0"])
def judges(request):
    return Judges(order_document(request.param))


def bodies(judges, rnd, wrong):
    value = Maker(judges.components, rnd, wrong).make({"$ref": "#/components/schemas/Order"})
    if isinstance(value, dict) and isinstance(value.get("payment"), dict):
        kind = "card" if "digits" in value["payment"] else "invoice"
        if rnd.random() < 0.7:
            value["payment"]["kind"] = kind
        elif value["payment"].get("kind") in ("Card", "Invoice"):  # difference 3
            del value["payment"]["kind"]
    return value


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9), wrong=st.sampled_from([0.0, 0.03, 0.15]))
def test_both_say_the_same_of_a_body(judges, http_command, seed, wrong):
    rnd = random.Random(seed)
    [operation] = judges.summary.operations
    both(judges, http_command, operation, 200, bodies(judges, rnd, wrong), headers={"ETag": "abc"})


def test_the_bodies_that_are_compared_are_both_good_and_bad(judges, http_command):
    """Else the agreement above would say nothing."""
    [operation] = judges.summary.operations
    verdicts = [
        both(judges, http_command, operation, 200, bodies(judges, random.Random(seed), 0.02), headers={"ETag": "abc"})
        for seed in range(120)
    ]
    assert 10 < sum(verdicts) < 110


@pytest.mark.parametrize("status", [200, 201, 204, 301, 404, 499, 500])
@pytest.mark.parametrize(
    "media_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "text/plain", "image/png",
     "application/problem+json", "application/vnd.shop+json", "application/xml", None],
)  # fmt: skip
@pytest.mark.parametrize("content", [b"", b'{"title": "x"}', b"{", b'"x"', b"plain"])
def test_both_say_the_same_of_status_media_type_and_presence(judges, http_command, status, media_type, content):
    [operation] = judges.summary.operations
    if media_type is None and content:
        return  # the test double of openapi-core cannot leave the media type out
    both(judges, http_command, operation, status, content, media_type or "application/json", {"ETag": "abc"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ETag": "abc"},
        {"etag": "abc"},
        {"ETag": "a"},
        {"ETag": "abc", "X-Left": "3"},
        {"ETag": "abc", "X-Left": "no"},
    ],
)
def test_both_say_the_same_of_headers(judges, http_command, headers):
    [operation] = judges.summary.operations
    both(judges, http_command, operation, 200, b"plain", "text/plain", headers)


# -- the corpus --------------------------------------------------------------------------------------------------------

_ONLY_PYTHON = re.compile(r"\(\?[<!]|\\[AZdwsb]|\$")


def _differs_on_purpose(document_text: str) -> str | None:
    """Return the known difference a document is full of, if there is one."""
    if '"discriminator"' in document_text:
        return "difference 3"
    if '"writeOnly"' in document_text and '"openapi": "3.1' in document_text:
        return "difference 4"
    return None


def test_both_say_the_same_of_answers_to_corpus_operations(corpus, http_command):
    """Small documents of the corpus, a few operations each, a good and some bad answers to each."""
    compared = verdict_good = documents = 0
    for file in sorted(corpus.glob("openapi/*.json")):
        text = file.read_text(encoding="utf-8")
        if len(text) > 400_000 or _differs_on_purpose(text) or ".json#" in text or ".yaml" in text or ".yml" in text:
            continue
        judges = Judges(json.loads(text))
        rnd = random.Random(file.name)
        used = 0
        for operation in judges.summary.operations:
            for status, content in operation.responses.items():
                schema = content.get("application/json")
                if not status.isdigit() or not schema or used >= 12 or any(_required_headers(operation, status)):
                    continue
                used += 1
                for wrong in (0.0, 0.05, 0.3):
                    value = Maker(judges.components, rnd, wrong).make(schema)
                    verdict_good += both(judges, http_command, operation, int(status), value)
                    compared += 1
        documents += used > 0
    assert documents >= 20 and compared > 400
    assert 0.05 < verdict_good / compared < 0.95


def _required_headers(operation, status):
    return [name for name, header in operation.response_headers.get(status, {}).items() if header["required"]]


# -- the known differences, each shown ---------------------------------------------------------------------------------


def test_difference_1_a_whole_float_is_an_integer(http_command):
    judges = Judges(order_document("3.0.3"))
    [operation] = judges.summary.operations
    body = {"id": "0198c0de-0000-7000-8000-000000000001", "status": "NEW", "items": [{"sku": "A", "quantity": 2.0}]}
    arguments = (operation, 200, json.dumps(body).encode(), "application/json", {"ETag": "abc"})
    assert judges.authority(*arguments) and not judges.ours(http_command, *arguments)


def test_difference_4_a_write_only_property_is_not_asked_for(http_command):
    document = order_document("3.1.0")
    order = document["components"]["schemas"]["Order"]["allOf"][1]
    order["properties"]["pin"] = {"type": "string", "writeOnly": True}
    order["required"].append("pin")
    judges = Judges(document)
    [operation] = judges.summary.operations
    body = {"id": "0198c0de-0000-7000-8000-000000000001", "status": "NEW", "items": [{"sku": "A", "quantity": 2}]}
    arguments = (operation, 200, json.dumps(body).encode(), "application/json", {"ETag": "abc"})
    assert judges.authority(*arguments) and not judges.ours(http_command, *arguments)
