"""Simple conditions (Arazzo 1.1, section "Criterion Object") as CEL, and the set of statuses one stands for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestra_kit.design.arazzo.cel import Unsaid, absence, literal, path_text
from orchestra_kit.design.arazzo.runtime import Runtime, parse_runtime

MAX_LENGTH = 4_000
MAX_DEPTH = 30
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<runtime>\{?\s*\$[A-Za-z]+(?:\.[A-Za-z0-9_.\-@:]*(?:\[\d+\][A-Za-z0-9_.\-]*)*|\[\d+\][A-Za-z0-9_.\-]*)?
          (?:\#[^\s()=!<>&|,{}'"]*)?\s*\}?)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<text>'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")
    | (?P<name>[A-Za-z_]\w*)
    | (?P<sign>===|!==|==|!=|<>|<=|>=|&&|\|\||[()<>!,\[\]])
    )""",
    re.VERBOSE,
)
_COMPARISONS = {
    "==": "==",
    "===": "==",
    "!=": "!=",
    "!==": "!=",
    "<>": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}
_WORDS = {"and": "&&", "or": "||", "not": "!"}
_LETTER = re.compile(r"[A-Za-z]")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}

Resolve = Callable[[Runtime], str]
Odd = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """One side of a comparison: a literal, or what an expression means."""

    cel: str
    value: Any = None
    is_literal: bool = False
    runtime: Runtime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`left operator right`; without operator it is a value that has to be true."""

    left: Operand
    operator: str | None = None
    right: Operand | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic:
    """`&&`, `||` or `!` of conditions."""

    operator: str
    parts: tuple[Condition, ...]


Condition = Comparison | Logic


def parse_condition(text: str, resolve: Resolve, odd: Odd) -> Condition:
    """Return a condition as a tree; `odd` is told of spellings the specification does not have. Raise Unsaid."""
    if len(text) > MAX_LENGTH:
        raise Unsaid(f"the condition has {len(text)} characters; at most {MAX_LENGTH} are read.", code="CONDITION")
    parser = _Parser(text, resolve, odd)
    condition = parser.either(0)
    parser.end()
    return condition


class _Parser:
    def __init__(self, text: str, resolve: Resolve, odd: Odd) -> None:
        self._text, self._resolve, self._odd, self._position = text, resolve, odd, 0
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise self._unsaid()
            kind, token = match.lastgroup, match[match.lastgroup]
            if kind == "name" and token.lower() in _WORDS:
                odd(f"'{token}' in `{text[:120]}` is read as '{_WORDS[token.lower()]}'.")
                kind, token = "sign", _WORDS[token.lower()]
            self._tokens.append((kind, token))
            position = match.end()

    def _unsaid(self) -> Unsaid:
        return Unsaid(f"the condition `{self._text[:200]}` cannot be read.", code="CONDITION")

    @property
    def _now(self) -> tuple[str, str]:
        return self._tokens[self._position] if self._position < len(self._tokens) else ("end", "")

    def _accept(self, *signs: str) -> str | None:
        kind, text = self._now
        if kind != "sign" or text not in signs:
            return None
        self._position += 1
        return text

    def end(self) -> None:
        if self._now[0] != "end":
            raise self._unsaid()

    def either(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise self._unsaid()
        parts = [self._both(depth)]
        while self._accept("||"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Logic(operator="||", parts=tuple(parts))

    def _both(self, depth: int) -> Condition:
        parts = [self._one(depth)]
        while self._accept("&&"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else Logic(operator="&&", parts=tuple(parts))

    def _one(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise self._unsaid()
        if self._accept("!"):
            return Logic(operator="!", parts=(self._one(depth + 1),))
        if self._accept("("):
            inner = self.either(depth + 1)
            if self._accept(")") is None:
                raise self._unsaid()
            return inner
        left = self._operand()
        operator = self._accept(*_COMPARISONS)
        if operator is not None:
            plain = _COMPARISONS[operator]
            if plain != operator:
                self._odd(f"'{operator}' in `{self._text[:120]}` is read as '{plain}'.")
            return Comparison(left=left, operator=plain, right=self._operand())
        kind, word = self._now
        if kind == "name" and word.lower() in ("in", "contains"):
            self._position += 1
            self._odd(f"'{word}' in `{self._text[:120]}` is no operator of Arazzo; it is read as what it says.")
            return Comparison(left=left, operator=word.lower(), right=self._operand())
        return Comparison(left=left)

    def _operand(self) -> Operand:
        kind, text = self._now
        self._position += 1
        match kind:
            case "runtime":
                return self._runtime(text)
            case "number":
                number = float(text) if any(sign in text for sign in ".eE") else int(text)
                return Operand(cel=literal(number), value=number, is_literal=True)
            case "text":
                if text[0] == '"':
                    self._odd(f"texts stand in single quotes: `{self._text[:120]}`.")
                    value = re.sub(r"\\(.)", r"\1", text[1:-1])
                else:
                    value = text[1:-1].replace("''", "'")
                return Operand(cel=literal(value), value=value, is_literal=True)
            case "name" if text.lower() in ("true", "false", "null", "undefined"):
                constant = {"true": True, "false": False}.get(text.lower())
                return Operand(cel=literal(constant), value=constant, is_literal=True)
            case "sign" if text == "[":
                return self._list()
        raise self._unsaid()

    def _list(self) -> Operand:
        items: list[Operand] = []
        while self._accept("]") is None:
            items.append(self._operand())
            self._accept(",")
        if not all(item.is_literal for item in items):
            raise self._unsaid()
        values = [item.value for item in items]
        return Operand(cel=literal(values), value=values, is_literal=True)

    def _runtime(self, text: str) -> Operand:
        bare = text.strip()
        if bare.startswith("{") != bare.endswith("}"):
            raise self._unsaid()
        bare = bare.strip("{} ")
        length = re.search(r"\.(?:length|size)\Z", bare)
        found = parse_runtime(bare[: length.start()] if length else bare)
        if found is None:
            raise Unsaid(f"`{bare[:120]}` is no runtime expression.", code="UNKNOWN_EXPRESSION")
        cel = self._resolve(found)
        if length:
            self._odd(f"'{length.group()}' in `{self._text[:120]}` is read as the size of the value before it.")
            return Operand(cel=f"size({cel})")
        return Operand(cel=cel, runtime=found)


def condition_cel(condition: Condition) -> str:
    """Return a condition as CEL. Texts are compared without regard to case, as Arazzo asks; what is not there is null."""
    if isinstance(condition, Logic):
        if condition.operator == "!":
            return f"!({condition_cel(condition.parts[0])})"
        texts = [condition_cel(part) for part in condition.parts]
        inner = {"&&": "||", "||": "\0"}[condition.operator]
        return f" {condition.operator} ".join(f"({item})" if inner in item else item for item in texts)
    left, operator, right = condition.left, condition.operator, condition.right
    if operator is None or right is None:
        if left.is_literal:
            return "true" if left.value else "false"
        return left.cel if left.cel.startswith("size(") else f"{left.cel} != null && {left.cel} != false"
    if left.is_literal and not right.is_literal and operator not in ("in", "contains"):
        left, right, operator = right, left, _MIRRORED.get(operator, operator)
    return _compared(left, operator, right)


def _compared(left: Operand, operator: str, right: Operand) -> str:
    if operator == "contains":
        return f"{left.cel}.contains({right.cel})"
    if operator == "==" and right.is_literal and right.value is None:
        return _is_absent(left)
    if right.is_literal and isinstance(right.value, str):
        number = _number_in(right.value)
        if operator in _MIRRORED and number is not None:
            return f"{left.cel} {operator} {literal(number)}"
        if operator in ("==", "!=") and _LETTER.search(right.value) and not left.is_literal:
            lowered = "".join(char.lower() if char.isascii() else char for char in right.value)
            return f"{left.cel}.lowerAscii() {operator} {literal(lowered)}"
    return f"{left.cel} {operator} {right.cel}"


def _is_absent(operand: Operand) -> str:
    found = operand.runtime
    marker = operand.cel.find(".body")
    if found is None or marker < 0 or not re.fullmatch(r"(?:response|steps\.\w+\.response)", operand.cel[:marker]):
        return f"{operand.cel} == null"
    root = operand.cel[: marker + 5]
    parts = _parts_of(operand.cel[marker + 5 :])
    if parts is None or path_text(root, parts) != operand.cel:
        return f"{operand.cel} == null"
    return absence(root, parts)


_STEP = re.compile(r'\.(?P<name>[A-Za-z_]\w*)|\[(?P<number>\d+)\]|\["(?P<text>[^"\\]*)"\]')


def _parts_of(text: str) -> list[str | int] | None:
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            return None
        parts.append(int(match["number"]) if match["number"] else match["name"] or match["text"] or "")
        position = match.end()
    return parts


def _number_in(text: str) -> float | int | None:
    try:
        return int(text)
    except ValueError:
        pass
    return float(text) if re.fullmatch(r"-?\d+\.\d+", text) else None


def statuses_of(condition: Condition) -> frozenset[int] | None:
    """Return the statuses (100 to 599) a condition about nothing else holds for, None when it is about more."""
    if isinstance(condition, Logic):
        parts = [statuses_of(part) for part in condition.parts]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        if condition.operator == "!":
            return _STATUSES - known[0]
        return frozenset.intersection(*known) if condition.operator == "&&" else frozenset.union(*known)
    left, operator, right = condition.left, condition.operator, condition.right
    if operator is None or right is None:
        return None
    if left.is_literal and operator in (*_MIRRORED, "==", "!="):
        left, right, operator = right, left, _MIRRORED.get(operator, operator)
    if left.runtime is None or left.runtime.root != "statusCode" or not right.is_literal:
        return None
    return _compared_to(operator, right.value)


_STATUSES = frozenset(range(100, 600))


def _compared_to(operator: str, value: Any) -> frozenset[int] | None:
    """Return the statuses a comparison with a constant holds for."""
    if operator == "in" and isinstance(value, list):
        return frozenset(number for item in value if _is_number(number := _as_number(item)) and number in _STATUSES)
    number = _as_number(value)
    if operator in ("==", "!="):
        same = frozenset({number}) & _STATUSES if _is_number(number) else frozenset[int]()
        return same if operator == "==" else _STATUSES - same
    if operator not in _MIRRORED or not _is_number(number):
        return None
    order: dict[str, Callable[[int], bool]] = {
        "<": lambda code: code < number,
        "<=": lambda code: code <= number,
        ">": lambda code: code > number,
        ">=": lambda code: code >= number,
    }
    return frozenset(filter(order[operator], _STATUSES))


def _as_number(value: Any) -> Any:
    found = _number_in(value) if isinstance(value, str) else None
    return value if found is None else found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
