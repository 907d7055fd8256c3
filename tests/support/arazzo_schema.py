"""A JSON Schema of Arazzo documents, written from the text of the specification (1.0.1 and 1.1.0, section "Schema")."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

KEY = r"^[a-zA-Z0-9._\-]+$"


def _object(properties: dict[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
        "required": list(required),
        **more,
    }


def _list(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "array", "uniqueItems": True, "items": {"$ref": f"#/$defs/{name}"}, **more}


def _either(first: str, second: str) -> dict[str, Any]:
    items = {"oneOf": [{"$ref": f"#/$defs/{first}"}, {"$ref": f"#/$defs/{second}"}]}
    return {"type": "array", "uniqueItems": True, "items": items}


TEXT = {"type": "string"}
NAMES = {"type": "array", "uniqueItems": True, "items": TEXT}


def _targets(*names: str) -> dict[str, Any]:
    return {"oneOf": [{"required": [name]} for name in names]}


@cache
def schema(version: str) -> Draft202012Validator:
    """Return the validator for `1.0` or `1.1`."""
    newer = version == "1.1"
    value = {"anyOf": [TEXT, {"$ref": "#/$defs/selector"}]} if newer else TEXT
    outputs = {"type": "object", "propertyNames": {"pattern": KEY}, "additionalProperties": value}
    places = ["path", "query", "header", "cookie", *(["querystring"] if newer else [])]
    kinds = ["openapi", "arazzo", *(["asyncapi"] if newer else [])]
    typed = {
        "oneOf": [
            {"enum": ["simple", "regex", "jsonpath", "xpath"]},
            _object({"type": {"enum": ["jsonpath", "xpath", "jsonpointer"]}, "version": TEXT}, "type", "version"),
        ]
    }
    parameter = _object({"name": TEXT, "in": {"enum": places}, "value": True}, "name", "value")
    action = {"name": TEXT, "workflowId": TEXT, "stepId": TEXT, "criteria": _list("criterion", minItems=1)}
    if newer:
        action["parameters"] = _either("parameter", "reusable")
    goto = {
        "if": {"properties": {"type": {"const": "goto"}}},
        "then": {"oneOf": [{"required": ["workflowId"]}, {"required": ["stepId"]}]},
    }
    retry = {"retryAfter": {"type": "number", "minimum": 0}, "retryLimit": {"type": "integer", "minimum": 0}}
    step: dict[str, Any] = {
        "stepId": TEXT,
        "description": TEXT,
        "operationId": TEXT,
        "operationPath": TEXT,
        "workflowId": TEXT,
        "parameters": _either("parameter", "reusable"),
        "requestBody": {"$ref": "#/$defs/body"},
        "successCriteria": _list("criterion", minItems=1),
        "onSuccess": _either("success", "reusable"),
        "onFailure": _either("failure", "reusable"),
        "outputs": outputs,
    }
    targets = ["operationId", "operationPath", "workflowId"]
    if newer:
        step |= {
            "channelPath": TEXT,
            "timeout": {"type": "integer", "minimum": 0},
            "correlationId": TEXT,
            "action": {"enum": ["send", "receive"]},
            "dependsOn": NAMES,
        }
        targets.append("channelPath")
    named = lambda item: {  # noqa: E731 - a word for a shape
        "type": "object", "propertyNames": {"pattern": KEY}, "additionalProperties": item,
    }  # fmt: skip
    definitions = {
        "info": _object({"title": TEXT, "summary": TEXT, "description": TEXT, "version": TEXT}, "title", "version"),
        "source": _object(
            {"name": {"type": "string", "pattern": r"^[A-Za-z0-9_\-]+$"}, "url": TEXT, "type": {"enum": kinds}},
            "name",
            "url",
        ),
        "workflow": _object(
            {
                "workflowId": TEXT,
                "summary": TEXT,
                "description": TEXT,
                "inputs": {"type": ["object", "boolean"]},
                "dependsOn": NAMES,
                "steps": _list("step", minItems=1),
                "successActions": _either("success", "reusable"),
                "failureActions": _either("failure", "reusable"),
                "outputs": outputs,
                "parameters": _either("parameter", "reusable"),
            },
            "workflowId",
            "steps",
        ),
        "step": _object(step, "stepId", allOf=[_targets(*targets)]),
        "parameter": parameter,
        "reusable": {
            "type": "object",
            "properties": {"reference": TEXT, "value": True},
            "additionalProperties": False,
            "required": ["reference"],
        },
        "body": _object({"contentType": TEXT, "payload": True, "replacements": _list("replacement")}),
        "replacement": _object(
            {"target": TEXT, "value": True, **({"targetSelectorType": typed} if newer else {})}, "target", "value"
        ),
        "criterion": _object(
            {"context": TEXT, "condition": TEXT, "type": typed}, "condition", dependentRequired={"type": ["context"]}
        ),
        "selector": _object({"context": TEXT, "selector": TEXT, "type": True}, "context", "selector", "type"),
        "success": _object({**action, "type": {"enum": ["end", "goto"]}}, "name", "type", **goto),
        "failure": _object({**action, **retry, "type": {"enum": ["end", "goto", "retry"]}}, "name", "type", **goto),
        "components": _object(
            {
                "inputs": named({"type": ["object", "boolean"]}),
                "parameters": named({"$ref": "#/$defs/parameter"}),
                "successActions": named({"$ref": "#/$defs/success"}),
                "failureActions": named({"$ref": "#/$defs/failure"}),
            }
        ),
    }
    root = _object(
        {
            "arazzo": {"type": "string", "pattern": rf"^{version.replace('.', chr(92) + '.')}\.\d+(-.+)?$"},
            "info": {"$ref": "#/$defs/info"},
            "sourceDescriptions": _list("source", minItems=1),
            "workflows": _list("workflow", minItems=1),
            "components": {"$ref": "#/$defs/components"},
            **({"$self": {"type": "string", "pattern": "^[^#]*$"}} if newer else {}),
        },
        "arazzo",
        "info",
        "sourceDescriptions",
        "workflows",
    )
    return Draft202012Validator({**root, "$defs": definitions})


def breaches(document: Any) -> list[str]:
    """Return what in a document is against the specification."""
    validator = schema(str(document.get("arazzo"))[:3])
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)]
