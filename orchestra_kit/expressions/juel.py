"""A reader of the EL that guards flows in Camunda 7, Flowable and Activiti (JUEL; JSR 245), into the one syntax tree.

Its meaning (coercions, null as 0 in arithmetic) stays EL's: see juel_values.py.
"""

from __future__ import annotations

import re
from dataclasses import replace

from orchestra_kit.expressions.ast import (
    Binary,
    Call,
    Conditional,
    Index,
    Literal,
    Name,
    Node,
    Select,
    Span,
    Unary,
)
from orchestra_kit.expressions.feel_lexer import number_token
from orchestra_kit.expressions.lexer import Token, syntax_error
from orchestra_kit.expressions.token_reader import PrattReader, read_text

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<name>[^\W\d][\w$]*|\$[\w$]*)
    | (?P<sign>===|!==|==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_HINTS = {"=": "Did you mean '=='?", "&": "Did you mean '&&'?", "|": "Did you mean '||'?"}
_WORDS = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "gt": ">",
    "le": "<=",
    "ge": ">=",
    "and": "&&",
    "or": "||",
    "div": "/",
    "mod": "%",
}
_RESERVED = frozenset({*_WORDS, "not", "empty", "instanceof"})
_CONSTANTS = {"true": True, "false": False, "null": None}
_SCRIPT_SIGNS = {"===": "==", "!==": "!="}
PRECEDENCE = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6,
}  # fmt: skip
_METHODS = {
    "equals": ("equals", 1),
    "contains": ("contains", 1),
    "startsWith": ("startsWith", 1),
    "endsWith": ("endsWith", 1),
    "isEmpty": ("isEmpty", 0),
    "length": ("size", 0),
    "size": ("count", 0),
    "toUpperCase": ("upperAscii", 0),
    "toLowerCase": ("lowerAscii", 0),
    "trim": ("trim", 0),
}
_SCOPES = frozenset({"execution", "variables", "task", "vars", "var", "delegateExecution"})
_GETTERS = frozenset({"getVariable", "getVariableLocal", "get"})
_TESTS = {"hasVariable": "isDefined", "hasVariableLocal": "isDefined", "exists": "isDefined"}
_FLOWABLE = {
    "equals": "==", "eq": "==", "notEquals": "!=", "ne": "!=", "lowerThan": "<", "lessThan": "<", "lt": "<",
    "lowerThanOrEquals": "<=", "lessThanOrEquals": "<=", "lte": "<=", "greaterThan": ">", "gt": ">",
    "greaterThanOrEquals": ">=", "gte": ">=",
}  # fmt: skip


def parse_juel(text: str, *, start: int = 0, end: int | None = None, script: bool = False) -> Node:
    """Return the tree of the EL between two offsets (what stands inside `${...}`); raise ExpressionError.

    With `script` the signs `===` and `!==` and bare `getVariable('x')` are taken too, as in JavaScript and Groovy.
    """
    stop = len(text) if end is None else end
    return read_text(text, lambda: _Parser(text, _tokens(text, start, stop, script)), start=start, stop=stop)


def _tokens(text: str, position: int, stop: int, script: bool) -> list[Token]:
    tokens: list[Token] = []
    while position < stop:
        match = _TOKEN.match(text, position, stop)
        if match is None:
            sign = text[position]
            if sign in "\"'":
                raise syntax_error(text, position, "the text that begins here has no end", hint=f"Expected {sign}.")
            shown = sign if sign.isprintable() else f"\\u{ord(sign):04x}"
            raise syntax_error(text, position, f"'{shown}' cannot stand in an EL expression", hint=_HINTS.get(sign))
        position = match.end()
        if match.lastgroup != "space":
            tokens.append(_token(text, match, script))
    tokens.append(Token(kind="end", text="", span=Span(start=stop, end=stop)))
    return tokens


def _token(text: str, match: re.Match[str], script: bool) -> Token:
    word, span = match.group(), Span(start=match.start(), end=match.end())
    kind = match.lastgroup or ""
    if kind == "number":
        return number_token(text, word, span)
    if kind == "text":
        return Token(kind="text", text=word, span=span, value=re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL))
    if kind == "name" and word in _WORDS and not script:
        return Token(kind="sign", text=_WORDS[word], span=span)
    if kind == "name" and word == "not" and not script:
        return Token(kind="sign", text="!", span=span)
    if word in _SCRIPT_SIGNS:
        if not script:
            raise syntax_error(
                text, span.start, f"'{word}' cannot stand in an EL expression", hint="Did you mean '=='?"
            )
        return Token(kind="sign", text=_SCRIPT_SIGNS[word], span=span)
    return Token(kind=kind, text=word, span=span)


class _Parser(PrattReader):
    _precedence = PRECEDENCE

    def _whole(self) -> Node:
        node = self._operators(1)
        if self._accept("?"):
            then = self.expression()
            self._expect(":")
            otherwise = self.expression()
            span = Span(start=node.span.start, end=otherwise.span.end)
            node = self._counted(Conditional(condition=node, then=then, otherwise=otherwise, span=span))
        return node

    def _unary(self) -> Node:
        signs: list[Token] = []
        while self._sees("!") or self._sees("-") or (self.now.kind == "name" and self.now.text == "empty"):
            signs.append(self._take())
            self._check_depth(len(signs))
        node = self._member()
        for sign in reversed(signs):
            span = Span(start=sign.span.start, end=node.span.end)
            if sign.text == "empty":
                call = Call(function="empty", function_span=sign.span, target=node, arguments=(), span=span)
                node = self._counted(call)
            elif sign.text == "-" and isinstance(node, Literal) and type(node.value) in (int, float):
                node = Literal(value=-node.value, span=span)  # type: ignore[operator]
            else:
                node = self._counted(Unary(operator=sign.text, operand=node, span=span))
        return node

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._accept("."):
                if self.now.kind != "name":
                    raise self.unexpected("the name of a property")
                token = self._take()
                if self._sees("("):
                    node = self._counted(self._method(node, token))
                else:
                    span = Span(start=node.span.start, end=token.span.end)
                    node = self._counted(Select(operand=node, field=token.text, field_span=token.span, span=span))
            elif self._accept("["):
                index = self.expression()
                span = Span(start=node.span.start, end=self._expect("]").span.end)
                if not isinstance(index, Literal):
                    raise syntax_error(self._text, index.span.start, "an index that is computed is not read")
                node = self._counted(Index(operand=node, index=index, span=span))
            else:
                return node

    def _arguments(self) -> tuple[tuple[Node, ...], int]:
        self._expect("(")
        found: list[Node] = []
        if end := self._accept(")"):
            return (), end.span.end
        while True:
            found.append(self.expression())
            if end := self._accept(")"):
                return tuple(found), end.span.end
            self._expect(",")

    def _method(self, target: Node, name: Token) -> Node:
        """Return what a method call means: variables of the execution, pure functions of texts; else it is not read."""
        arguments, end = self._arguments()
        span = Span(start=target.span.start, end=end)
        if isinstance(target, Name) and target.name in _SCOPES and len(arguments) == 1:
            variable = arguments[0]
            if isinstance(variable, Literal) and isinstance(variable.value, str) and variable.value:
                if name.text in _GETTERS:
                    return Name(name=variable.value, span=span)
                if name.text in _TESTS:
                    named = Name(name=variable.value, span=variable.span)
                    return Call(
                        function=_TESTS[name.text], function_span=name.span, target=None, arguments=(named,), span=span
                    )
        known = _METHODS.get(name.text)
        if known is None or len(arguments) != known[1]:
            shown = f"{name.text}({'...' if arguments else ''})"
            raise syntax_error(
                self._text, name.span.start, f"the method call '{shown}' is code of the process's own; it is not read"
            )
        return Call(function=known[0], function_span=name.span, target=target, arguments=arguments, span=span)

    def _primary(self) -> Node:
        token = self.now
        if token.kind in ("int", "float", "text"):
            self._take()
            return self._counted(Literal(value=token.value, span=token.span))
        if token.kind == "name" and token.text not in _RESERVED:
            self._take()
            if token.text in _CONSTANTS:
                return self._counted(Literal(value=_CONSTANTS[token.text], span=token.span))
            if self._sees("("):
                return self._counted(self._function(token))
            if self._sees(":") and token.text in ("variables", "vars", "var") and self._function_follows():
                return self._counted(self._flowable(token))
            return self._counted(Name(name=token.text, span=token.span))
        if self._accept("("):
            node = self.expression()
            span = Span(start=token.span.start, end=self._expect(")").span.end)
            return replace(node, span=span)
        if token.text in ("[", "{"):
            raise syntax_error(self._text, token.span.start, "list and map literals are not read")
        raise self.unexpected("a value")

    def _function_follows(self) -> bool:
        return self._after().kind == "name" and self._after(2).text == "("

    def _function(self, name: Token) -> Node:
        arguments, end = self._arguments()
        variable = arguments[0] if len(arguments) == 1 else None
        if name.text in _GETTERS and isinstance(variable, Literal) and isinstance(variable.value, str):
            return Name(name=variable.value, span=Span(start=name.span.start, end=end))
        raise syntax_error(self._text, name.span.start, f"the function '{name.text}' is not read")

    def _flowable(self, scope: Token) -> Node:
        """Return Flowable's `variables:lt(name, 5)` and its like as comparisons."""
        self._take()
        name = self._take()
        arguments, end = self._arguments()
        span = Span(start=scope.span.start, end=end)
        variable = arguments[0] if arguments else None
        if isinstance(variable, Literal) and isinstance(variable.value, str):
            variable = Name(name=variable.value, span=variable.span)
        if isinstance(variable, Name) and len(arguments) == 2 and name.text in _FLOWABLE:
            return Binary(operator=_FLOWABLE[name.text], left=variable, right=arguments[1], span=span)
        if isinstance(variable, Name) and len(arguments) == 1 and name.text in _GETTERS:
            return replace(variable, span=span)
        if isinstance(variable, Name) and len(arguments) == 1 and name.text in _TESTS:
            return Call(function="isDefined", function_span=name.span, target=None, arguments=(variable,), span=span)
        raise syntax_error(self._text, name.span.start, f"the function '{scope.text}:{name.text}' is not read")
