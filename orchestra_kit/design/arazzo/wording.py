"""Our templates and rules in the words of Arazzo: inputs, outputs of steps, conditions.

What Arazzo has no expression for (`run.token`, arithmetic) becomes an input of the workflow that says under
`x-orchestra-expression` what it stands for with us; whoever else runs the document passes a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.design.arazzo.cel import Unsaid, absence, literal, path_text
from orchestra_kit.design.arazzo.runtime import Part, Runtime, parse_runtime, split_embedded, write_pointer
from orchestra_kit.design.naming import alias_of
from orchestra_kit.expressions import parse_expression, parse_template
from orchestra_kit.expressions.ast import Binary, Call, ListOf, Literal, Name, Node, Unary, walk
from orchestra_kit.expressions.references import chain_of

EXPRESSION_FIELD = "x-orchestra-expression"
"""On an input: the CEL expression of ours it stands for."""
DATA_FIELD = "x-orchestra-data"
"""On an input: our test data value, which may hold templates."""

_INPUT_NAME = re.compile(r"[A-Za-z0-9_\-.]*[A-Za-z0-9_\-]\Z")
_TOKEN = re.compile(r"[A-Za-z0-9_\-]+\Z")
_DIGITS = re.compile(r"(?:0|[1-9][0-9]{0,8})\Z")
_IN_CONDITION = re.compile(r"\$[A-Za-z]+(?:\.[A-Za-z0-9_.\-]+)?(?:#[^\s()=!<>&|,{}'\"]*)?\Z")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


@dataclass(slots=True, kw_only=True)
class Words:
    """The inputs and step outputs of one workflow, growing while its steps are written.

    `said` maps the alias of a step the document has to its stepId; only those have outputs.
    """

    data: Mapping[str, Any]
    said: Mapping[str, str]
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    expressions: dict[str, str] = field(default_factory=dict)
    extra: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)

    def value(self, value: Any) -> Any:
        """Return an input template as a value of Arazzo."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name.replace("\\{{", "{{"): self.value(item) for name, item in value.items()}
        return [self.value(item) for item in value] if isinstance(value, (list, tuple)) else value

    def text(self, text: str) -> str:
        """Return a template as a text of Arazzo."""
        parts = parse_template(text).parts
        if len(parts) == 1 and not isinstance(parts[0], str):
            return self.runtime(parts[0].expression.tree, parts[0].expression.text)
        written = ""
        for part in parts:
            if isinstance(part, str):
                written += part
            else:
                written += "{" + self.runtime(part.expression.tree, part.expression.text) + "}"
        expected = sum(not isinstance(part, str) for part in parts)
        found = sum(isinstance(part, Runtime) for part in split_embedded(written))
        if parse_runtime(written.strip()) is not None or found != expected:
            return self._input_for(f"{text[:30]}", _constant(text, parts))
        return written

    def runtime(self, tree: Node, text: str) -> str:
        """Return the runtime expression of a CEL expression about data and earlier steps."""
        chain = chain_of(tree)
        if chain is not None:
            root, parts = chain
            found = self.reference(root, parts)
            if found is not None:
                return found
        return self._input_for(text, text)

    def reference(self, root: str, parts: tuple[Part, ...]) -> str | None:
        """Return the runtime expression of a reference, None where there is none."""
        if root == "data" and parts and isinstance(parts[0], str):
            name, tail = parts[0], parts[1:]
            if not _INPUT_NAME.match(name) or not _can_point(tail) or name in self.expressions:
                return None
            if name not in self.data:
                self.extra.add(name)
            return f"$inputs.{name}" + (f"#{write_pointer(tail)}" if tail else "")
        if root in ("steps", "step") and len(parts) > 2 and parts[1] == "response":
            alias = str(parts[0])
            if alias not in self.said:
                return None
            own = own_runtime(parts[2:])
            if own is None:
                return None
            return f"$steps.{self.said[alias]}.outputs.{self._output(alias, own, parts)}"
        return None

    def _output(self, alias: str, own: str, parts: tuple[Part, ...]) -> str:
        """Return the name of the output of a step that is what `own` says, new where there is none."""
        outputs = self.outputs.setdefault(alias, {})
        for name, written in outputs.items():
            if written == own:
                return name
        words = [str(part) for part in parts[2:] if isinstance(part, str) and _TOKEN.match(part)]
        name = words[-1] if words else "value"
        number, plain = 2, name
        while name in outputs:
            name, number = f"{plain}_{number}", number + 1
        outputs[name] = own
        return name

    def _input_for(self, text: str, expression: str) -> str:
        """Return the input that stands for an expression Arazzo has no words for."""
        for name, known in self.expressions.items():
            if known == expression:
                return f"$inputs.{name}"
        simple = len(text) <= 40 and not re.search(r"[\"'()\[\]?+*/%-]", text)
        plain = name = alias_of(text) if simple else "expression"
        number = 2
        while name in self.data or name in self.expressions or name in self.extra or name in self.taken:
            name, number = f"{plain}_{number}", number + 1
        self.expressions[name] = expression
        return f"$inputs.{name}"

    def schema(self) -> dict[str, Any] | None:
        """Return the inputs of the workflow as a JSON Schema."""
        properties: dict[str, Any] = {}
        for name, value in self.data.items():
            properties[name] = {DATA_FIELD: value} if _has_template(value) else _described(value)
        for name in sorted(self.extra):
            properties[name] = {}
        for name, expression in self.expressions.items():
            properties[name] = {EXPRESSION_FIELD: expression}
        return {"type": "object", "properties": properties} if properties else None

    def condition(self, text: str) -> dict[str, Any]:
        """Return a rule as a criterion; raise Unsaid for what no criterion says."""
        tree = parse_expression(text).tree
        if isinstance(tree, Call) and tree.function == "matches":
            subject, pattern = (tree.target or tree.arguments[0]), tree.arguments[-1]
            while isinstance(subject, Call) and subject.function == "string" and subject.target is None:
                subject = subject.arguments[0]
            if isinstance(pattern, Literal) and isinstance(pattern.value, str) and "{$" not in pattern.value:
                return {"context": self._operand(subject, text), "condition": pattern.value, "type": "regex"}
        return {"condition": self._condition(tree, text, 0)}

    def _condition(self, node: Node, text: str, level: int) -> str:
        absent = self._absent(node, text)
        if absent is not None:
            return absent
        match node:
            case Binary(operator="||" | "&&" as operator, left=left, right=right):
                strength = 1 if operator == "||" else 2
                written = (
                    f"{self._condition(left, text, strength)} {operator} {self._condition(right, text, strength + 1)}"
                )
                return f"({written})" if strength < level else written
            case Binary(operator="in", left=left, right=ListOf(items=items)) if items:
                subject = self._operand(left, text)
                return "(" + " || ".join(f"{subject} == {self._operand(item, text)}" for item in items) + ")"
            case Binary(
                operator="==" | "!=" as operator,
                left=Call(function="lowerAscii", target=subject),
                right=Literal(value=str()) as right,
            ) if subject is not None:
                return f"{self._operand(subject, text)} {operator} {self._operand(right, text)}"
            case Binary(operator=operator, left=left, right=right) if operator in _COMPARISONS:
                return f"{self._operand(left, text)} {operator} {self._operand(right, text)}"
            case Unary(operator="!", operand=Call(function="has", target=None, arguments=arguments)):
                return f"{self._operand(arguments[0], text)} == null"
            case Call(function="has", target=None, arguments=arguments):
                return f"{self._operand(arguments[0], text)} != null"
            case Unary(operator="!", operand=operand):
                return f"!({self._condition(operand, text, 0)})"
        raise Unsaid(f"the rule `{text[:120]}` is no condition of Arazzo.")

    def _absent(self, node: Node, text: str) -> str | None:
        """Return `x == null` for the condition that nothing is at a place of an answer, as an import writes it."""
        if not isinstance(node, Binary) or node.operator != "||" or not isinstance(node.right, Binary):
            return None
        chain = chain_of(node.right.left)
        if node.right.operator != "==" or chain is None or "body" not in chain[1]:
            return None
        cut = chain[1].index("body") + 1
        whole = text[node.span.start : node.span.end]
        bare = whole[1:-1] if whole.startswith("(") and whole.endswith(")") else whole
        if bare != absence(path_text(chain[0], chain[1][:cut]), chain[1][cut:]):
            return None
        return f"{self._operand(node.right.left, text)} == null"

    def _operand(self, node: Node, text: str) -> str:
        if isinstance(node, Literal) and not node.unsigned and not isinstance(node.value, bytes):
            return _literal(node.value)
        chain = chain_of(node)
        if chain is not None and chain[0] == "response":
            own = own_runtime(chain[1])
            if own is not None and _IN_CONDITION.match(own):
                return own
        about_answer = any(isinstance(part, Name) and part.name == "response" for part in walk(node))
        if about_answer or isinstance(node, (Literal, ListOf)):
            raise Unsaid(f"the rule `{text[:120]}` is no condition of Arazzo.")
        found = self.runtime(node, text[node.span.start : node.span.end])
        if not _IN_CONDITION.match(found):
            raise Unsaid(f"the rule `{text[:120]}` is no condition of Arazzo.")
        return found


def own_runtime(parts: tuple[Part, ...]) -> str | None:
    """Return the runtime expression for a part of the own answer, None where there is none."""
    if parts == ("status",):
        return "$statusCode"
    if parts[:1] == ("body",) and _can_point(parts[1:]):
        return "$response.body" + (f"#{write_pointer(parts[1:])}" if parts[1:] else "")
    if parts[:1] == ("headers",) and len(parts) == 2 and isinstance(parts[1], str):
        name = parts[1]
        return f"$response.header.{name}" if name == name.lower() and _TOKEN.match(name) else None
    return None


def _can_point(parts: tuple[Part, ...]) -> bool:
    """Return whether a JSON pointer reads back as these parts: digits are positions there, braces end an expression."""
    return all(
        isinstance(part, int) or (part != "" and not _DIGITS.match(part) and not re.search(r"[{}#]", part))
        for part in parts
    )


def _literal(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


def _constant(text: str, parts: tuple[Any, ...]) -> str:
    """Return a template as one CEL expression."""
    texts = [literal(part) if isinstance(part, str) else f"string({part.expression.text})" for part in parts]
    return " + ".join(texts) or literal(text)


def _has_template(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, Mapping):
        return any(_has_template(name) or _has_template(item) for name, item in value.items())
    return isinstance(value, (list, tuple)) and any(map(_has_template, value))


def _described(value: Any) -> dict[str, Any]:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}
    kind = kinds.get(type(value))
    return {"type": kind, "default": value} if kind else {"default": value}
