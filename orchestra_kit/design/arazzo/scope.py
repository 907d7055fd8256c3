"""What a runtime expression means at one place of a workflow: a CEL expression over data, steps and the own answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.design.arazzo.cel import Unsaid, join_template, literal, path_text
from orchestra_kit.design.arazzo.document import ArazzoDocument
from orchestra_kit.design.arazzo.jsonpath import jsonpath_value
from orchestra_kit.design.arazzo.runtime import (
    Part,
    Runtime,
    dotted_parts,
    foreign_root,
    parse_pointer,
    parse_runtime,
    split_embedded,
)
from orchestra_kit.design.documents import FieldPath
from orchestra_kit.errors import nearest_hint
from orchestra_kit.expressions import parse_template
from orchestra_kit.expressions.template import Hole

Note = Callable[[str, FieldPath, str], None]

MAX_DEPTH = 60
_CHAIN = re.compile(r'[A-Za-z_]\w*(?:\.\w+|\[\d+\]|\["[^"\\]*"\])*\Z')
_IN_REQUEST = {"header": "headers", "query": "query", "path": "path", "cookie": "cookies"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """What later expressions may ask of a step: outputs by name, each as CEL or as the reason why it cannot be said."""

    alias: str
    outputs: Mapping[str, str | Unsaid]


@dataclass(slots=True, kw_only=True)
class Scope:
    """The names of one place. `inputs` maps a declared input to its CEL; with `open_inputs` others are test data.

    `observation` is how the own answer is reached; `request` the own input template, for `$request`.
    """

    document: ArazzoDocument
    workflow_id: str
    inputs: Mapping[str, str]
    note: Note
    open_inputs: bool = True
    steps: dict[str, StepView] = field(default_factory=dict)
    later: frozenset[str] = frozenset()
    observation: str = "response"
    request: Mapping[str, Any] = field(default_factory=dict)
    method: str | None = None
    exports: Mapping[tuple[str, str], str] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    _depth: int = 0

    def cel(self, expression: Runtime, path: FieldPath) -> str:
        """Return what an expression means; raise Unsaid."""
        if expression.flaw:
            self.note("POINTER", path, f"`{expression.text[:120]}`: {expression.flaw}")
        base, parts = self._base(expression, path)
        inside = expression.root == "request" and expression.rest.startswith("body")  # it is followed there
        return _selected(base, parts if inside else [*parts, *expression.pointer])

    def _base(self, expression: Runtime, path: FieldPath) -> tuple[str, list[Part]]:
        match expression.root:
            case "statusCode":
                return f"{self.observation}.status", []
            case "response":
                return self._answer(expression)
            case "message":
                return self._message(expression)
            case "request":
                return self._request(expression)
            case "inputs":
                return self._input(expression.rest, path)
            case "outputs":
                return self._own_output(expression.rest, path)
            case "steps":
                return self._step_output(expression)
            case "workflows":
                return self._workflow(expression, path)
            case "sourceDescriptions":
                return self._source(expression)
            case "method" if self.method:
                return literal(self.method.upper()), []
            case "self" if isinstance(self.document.raw.get("$self"), str):
                return literal(self.document.raw["$self"]), []
        raise Unsaid(f"`{expression.text[:120]}` has no counterpart.")

    def _answer(self, expression: Runtime) -> tuple[str, list[Part]]:
        kind, _, rest = expression.rest.partition(".")
        if kind in ("header", "headers") and rest:
            return path_text(f"{self.observation}.headers", [rest.lower()]), []
        if kind in ("statusCode", "status", "status_code") and not rest:
            return f"{self.observation}.status", []
        if kind == "body" or kind.startswith("body["):
            return f"{self.observation}.body", list(dotted_parts(expression.rest.removeprefix("body")))
        if kind == "payload":
            return f"{self.observation}.body", list(dotted_parts(rest))
        raise Unsaid(f"`{expression.text[:120]}` is no part of an answer.", code="UNKNOWN_EXPRESSION")

    def _message(self, expression: Runtime) -> tuple[str, list[Part]]:
        kind, _, rest = expression.rest.partition(".")
        if kind in ("header", "headers") and rest:
            return path_text(f"{self.observation}.headers", [rest]), []
        if kind in ("payload", "body"):
            return f"{self.observation}.body", list(dotted_parts(rest))
        raise Unsaid(f"`{expression.text[:120]}` is no part of a message.", code="UNKNOWN_EXPRESSION")

    def _request(self, expression: Runtime) -> tuple[str, list[Part]]:
        """Return what the own request holds there: it is known before it is sent."""
        kind, _, rest = expression.rest.partition(".")
        if kind == "body":
            parts = [*dotted_parts(expression.rest.removeprefix("body")), *expression.pointer]
            if "body" not in self.request:
                raise Unsaid(f"`{expression.text[:120]}`: the request has no body.")
            return _static(self.request["body"], parts, expression), []
        group = self.request.get(_IN_REQUEST.get(kind, kind))
        values = group if isinstance(group, Mapping) else {}
        found = [name for name in values if name == rest or (kind == "header" and name.lower() == rest.lower())]
        if not found:
            hint = nearest_hint(rest, values)
            raise Unsaid(f"`{expression.text[:120]}`: the request has no such {kind}.{' ' + hint if hint else ''}")
        return _template_cel(values[found[0]]), []

    def _input(self, rest: str, path: FieldPath) -> tuple[str, list[Part]]:
        name = _longest(rest, self.inputs)
        if name is not None:
            return self.inputs[name], list(dotted_parts(rest[len(name) :]))
        if not rest and self.open_inputs:
            return "data", []
        first, *more = rest.split(".")
        hint = nearest_hint(first, self.inputs)
        message = f"the input '{first[:80]}' is not declared.{' ' + hint if hint else ''}"
        if not self.open_inputs:
            raise Unsaid(message, code="UNKNOWN_INPUT")
        self.note("UNKNOWN_INPUT", path, message)
        return path_text("data", [first]), list(dotted_parts(".".join(more)))

    def _own_output(self, rest: str, path: FieldPath) -> tuple[str, list[Part]]:
        name = _longest(rest, self.outputs)
        if name is None or self._depth > 5:
            hint = nearest_hint(rest, self.outputs)
            raise Unsaid(f"there is no output '{rest[:80]}'.{' ' + hint if hint else ''}", code="UNKNOWN_OUTPUT")
        self._depth += 1
        try:
            return self.value_cel(self.outputs[name], path), list(dotted_parts(rest[len(name) :]))
        finally:
            self._depth -= 1

    def _step_output(self, expression: Runtime) -> tuple[str, list[Part]]:
        rest = expression.rest
        step_id = _longest(rest, self.steps)
        if step_id is None:
            named = rest.split(".outputs", 1)[0] if ".outputs" in rest else rest.split(".", 1)[0]
            if named in self.later:
                raise Unsaid(f"the step '{named[:80]}' comes later.", code="FORWARD_REFERENCE")
            hint = nearest_hint(named, {*self.steps, *self.later})
            raise Unsaid(f"there is no step '{named[:80]}'.{' ' + hint if hint else ''}", code="UNKNOWN_STEP")
        view, tail = self.steps[step_id], rest[len(step_id) :].removeprefix(".")
        if tail.startswith("response."):  # as some write it, past the outputs
            answer = Runtime(text=expression.text, root="response", rest=tail[9:], pointer=expression.pointer)
            return self._elsewhere(f"steps.{view.alias}.response")._answer(answer)
        kind, _, wanted = tail.partition(".")
        if kind != "outputs" or not wanted:
            raise Unsaid(f"`{expression.text[:120]}` names no output.", code="UNKNOWN_OUTPUT")
        name = _longest(wanted, view.outputs)
        if name is None:
            hint = nearest_hint(wanted, view.outputs)
            message = f"the step '{step_id[:80]}' has no output '{wanted[:80]}'.{' ' + hint if hint else ''}"
            raise Unsaid(message, code="UNKNOWN_OUTPUT")
        found = view.outputs[name]
        if isinstance(found, Unsaid):
            raise Unsaid(f"the output '{name}' of step '{step_id}': {found.message}", code=found.code)
        return found, list(dotted_parts(wanted[len(name) :]))

    def _elsewhere(self, observation: str) -> Scope:
        return Scope(
            document=self.document,
            workflow_id=self.workflow_id,
            inputs=self.inputs,
            note=self.note,
            observation=observation,
        )

    def _workflow(self, expression: Runtime, path: FieldPath) -> tuple[str, list[Part]]:
        known = [item.workflow_id for item in self.document.workflows]
        workflow_id = _longest(expression.rest, known)
        if workflow_id is None:
            named = re.split(r"\.(?:inputs|outputs|steps)\b", expression.rest)[0]
            hint = nearest_hint(named, known)
            raise Unsaid(f"there is no workflow '{named[:80]}'.{' ' + hint if hint else ''}", code="UNKNOWN_WORKFLOW")
        kind, _, wanted = expression.rest[len(workflow_id) :].removeprefix(".").partition(".")
        if workflow_id == self.workflow_id and kind == "inputs":
            return self._input(wanted, path)
        if workflow_id == self.workflow_id and kind == "outputs":
            return self._own_output(wanted, path)
        names = {name: text for (owner, name), text in self.exports.items() if owner == workflow_id}
        name = _longest(wanted, names)
        if kind != "outputs" or name is None:
            what = "its inputs are its own" if kind == "inputs" else f"it has no output '{wanted[:80]}'"
            raise Unsaid(f"`{expression.text[:120]}`: {what}.", code="UNKNOWN_OUTPUT")
        return path_text("suite", [names[name]]), list(dotted_parts(wanted[len(name) :]))

    def _source(self, expression: Runtime) -> tuple[str, list[Part]]:
        name, _, wanted = expression.rest.partition(".")
        source = self.document.source_named(name)
        if source is None:
            hint = nearest_hint(name, [item.name for item in self.document.sources])
            message = f"there is no source description '{name[:80]}'.{' ' + hint if hint else ''}"
            raise Unsaid(message, code="UNKNOWN_SOURCE")
        known = {"url": source.url, "type": source.kind, "name": source.name}
        if wanted not in known:
            raise Unsaid(f"`{expression.text[:120]}` is no value.")
        return literal(known[wanted]), []

    def value_cel(self, value: Any, path: FieldPath) -> str:
        """Return a value of the document (constant, expression, text with expressions, selector) as CEL."""
        if is_selector(value):
            return self._select(value, path)
        slip = self.slipped_expression(value, path)
        if slip is not None:
            value = slip
        if not isinstance(value, str):
            return literal(value)
        whole = self._whole(value)
        if whole is not None:
            return self.cel(whole, path)
        parts = list(split_embedded(value))
        if not any(isinstance(part, Runtime) for part in parts):
            return literal(value)
        texts = [literal(part) if isinstance(part, str) else f"string({self.cel(part, path)})" for part in parts]
        return " + ".join(texts)

    def slipped_expression(self, value: Any, path: FieldPath) -> str | None:
        """Return the expression somebody wrote in braces without quotes, which makes a mapping of it in YAML."""
        if not isinstance(value, Mapping) or len(value) != 1:
            return None
        [(name, item)] = value.items()
        if item is not None or parse_runtime(name) is None:
            return None
        message = f"'{{{name}}}' without quotes is a mapping in YAML; it is read as the expression."
        self.note("YAML_BRACES", path, message)
        return str(name)

    def template(self, value: str, path: FieldPath) -> str:
        """Return a text of the document as a template; raise Unsaid."""
        whole = self._whole(value)
        if whole is not None:
            return "{{ " + self.cel(whole, path) + " }}"
        foreign = foreign_root(value) if "$" in value else None
        if foreign is not None:
            message = f"'${foreign}' begins no expression of Arazzo; it is read as text."
            self.note("UNKNOWN_EXPRESSION", path, message)
        return join_template(
            [(False, part) if isinstance(part, str) else (True, self.cel(part, path)) for part in split_embedded(value)]
        )

    def _whole(self, value: str) -> Runtime | None:
        """Return the expression a whole text is. One that names nothing we know and has blanks in it is a text."""
        found = parse_runtime(value.strip())
        if found is None or (re.search(r"[\s/]", found.rest) and not self._known(found)):
            return None
        return found

    def _known(self, expression: Runtime) -> bool:
        known: Mapping[str, Iterable[str]] = {"inputs": self.inputs, "steps": {*self.steps, *self.later}}
        return _longest(expression.rest, known.get(expression.root, ())) is not None

    def _select(self, value: Mapping[str, Any], path: FieldPath) -> str:
        """Return what a Selector Object selects."""
        kind = value["type"]
        kind = kind.get("type") if isinstance(kind, Mapping) else kind
        context = parse_runtime(str(value["context"]).strip())
        if context is None:
            raise Unsaid(f"the context `{str(value['context'])[:80]}` is no expression.", code="UNKNOWN_EXPRESSION")
        base, selector = self.cel(context, path), str(value["selector"])
        if kind == "jsonpointer":
            return _selected(base, list(parse_pointer(selector)))
        if kind == "jsonpath":
            return jsonpath_value(selector, base)
        raise Unsaid(f"the {str(kind)[:20]} selector `{selector[:120]}` has no counterpart.", code="SELECTOR")


def is_selector(value: Any) -> bool:
    """Return whether a value is a Selector Object (Arazzo 1.1)."""
    if not isinstance(value, Mapping) or not {"context", "selector", "type"} <= set(value):
        return False
    extra = [name for name in value if name not in ("context", "selector", "type") and not name.startswith("x-")]
    return not extra and isinstance(value["context"], str) and value["context"].strip().startswith("$")


def _selected(base: str, parts: list[Part]) -> str:
    if not parts:
        return base
    return path_text(base if _CHAIN.match(base) else f"({base})", parts)


def _longest(text: str, names: Iterable[str]) -> str | None:
    """Return the longest of the names a dotted text begins with."""
    fitting = [name for name in names if name and text.startswith(name) and text[len(name) :][:1] in ("", ".", "[")]
    return max(fitting, key=len, default=None)


def _static(value: Any, parts: list[Part], expression: Runtime) -> str:
    """Return what lies at a place of a template that is known as data."""
    for number, part in enumerate(parts):
        if isinstance(value, Mapping) and str(part) in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif isinstance(value, str) and not parse_template(value).is_plain:
            return _selected(_template_cel(value), parts[number:])
        else:
            raise Unsaid(f"`{expression.text[:120]}`: the request has nothing there.")
    return _template_cel(value)


def _template_cel(value: Any) -> str:
    """Return an input template as one CEL expression."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(str(key))}: {_template_cel(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_template_cel, value)) + "]"
    if not isinstance(value, str):
        return literal(value)
    parts = parse_template(value).parts
    if len(parts) == 1 and isinstance(parts[0], Hole):
        return parts[0].expression.text
    texts = [literal(part) if isinstance(part, str) else f"string({part.expression.text})" for part in parts]
    return " + ".join(texts) if texts else '""'
