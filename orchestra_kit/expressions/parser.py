"""A recursive-descent parser for CEL (the grammar of the CEL language definition, cel-spec, "Syntax")."""

from __future__ import annotations

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions.ast import (
    Binary,
    Call,
    Conditional,
    Index,
    ListOf,
    Literal,
    MapOf,
    Name,
    Node,
    Select,
    Span,
    Unary,
)
from orchestra_kit.expressions.lexer import Token, syntax_error, tokens_of

MAX_LENGTH = 10_000
MAX_DEPTH = 60
MAX_NODES = 2_000

_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("<", "<=", ">=", ">", "==", "!=", "in"),
    ("+", "-"),
    ("*", "/", "%"),
)
_RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop"}
    | {"package", "namespace", "return", "var", "void", "while"}
)


def parse(text: str, place: Place | None = None) -> Node:
    """Return the syntax tree of a CEL expression; raise ExpressionError with the column of what is wrong."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression has {len(text)} characters; at most {MAX_LENGTH} are read.", place=place)
    if not text.strip():
        raise ExpressionError("the expression is empty.", place=place)
    return _Parser(text, place).whole()


class _Parser:
    """Reads tokens from left to right."""

    def __init__(self, text: str, place: Place | None) -> None:
        self._text, self._place = text, place
        self._tokens = tokens_of(text, place)
        self._at = 0
        self._depth = 0
        self._nodes = 0

    def whole(self) -> Node:
        node = self._expression()
        if self._now.kind != "end":
            raise self._unexpected("an operator or the end")
        return node

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _accept(self, *signs: str) -> Token | None:
        token = self._now
        if token.text in signs and token.kind in ("sign", "name"):
            return self._take()
        return None

    def _expect(self, sign: str) -> Token:
        token = self._accept(sign)
        if token is None:
            raise self._unexpected(f"'{sign}'")
        return token

    def _unexpected(self, wanted: str) -> ExpressionError:
        found = f"'{self._now.text}'" if self._now.kind != "end" else "the end"
        return syntax_error(self._text, self._now.span.start, f"expected {wanted}, found {found}", self._place)

    def _count(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise syntax_error(
                self._text, node.span.start, f"the expression has more than {MAX_NODES} parts", self._place
            )
        return node

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise syntax_error(self._text, self._now.span.start, "the expression is nested too deeply", self._place)
        condition = self._binary(0)
        if self._accept("?"):
            then = self._binary(0)
            self._expect(":")
            otherwise = self._expression()
            span = Span(start=condition.span.start, end=otherwise.span.end)
            condition = self._count(Conditional(condition=condition, then=then, otherwise=otherwise, span=span))
        self._depth -= 1
        return condition

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while (token := self._accept(*_LEVELS[level])) is not None:
            right = self._binary(level + 1)
            span = Span(start=left.span.start, end=right.span.end)
            left = self._count(Binary(operator=token.text, left=left, right=right, span=span))
        return left

    def _unary(self) -> Node:
        signs: list[Token] = []
        while self._now.text in ("!", "-") and self._now.kind == "sign":
            if signs and self._now.text != signs[-1].text:
                raise self._unexpected("a value")
            signs.append(self._take())
            if len(signs) > MAX_DEPTH:
                raise syntax_error(self._text, self._now.span.start, "the expression is nested too deeply", self._place)
        node = self._member()
        for token in reversed(signs):
            node = self._count(self._negated(token, node))
        return node

    def _negated(self, token: Token, node: Node) -> Node:
        span = Span(start=token.span.start, end=node.span.end)
        if token.text == "-" and isinstance(node, Literal) and type(node.value) in (int, float) and not node.unsigned:
            return Literal(value=-node.value, span=span)  # type: ignore[operator]
        return Unary(operator=token.text, operand=node, span=span)

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._accept("."):
                node = self._count(self._selected(node))
            elif self._accept("["):
                index = self._expression()
                end = self._expect("]").span.end
                node = self._count(Index(operand=node, index=index, span=Span(start=node.span.start, end=end)))
            else:
                return node

    def _selected(self, operand: Node) -> Node:
        token = self._now
        if token.kind != "name":
            raise self._unexpected("the name of a field")
        self._take()
        if self._accept("("):
            arguments, end = self._arguments(")")
            span = Span(start=operand.span.start, end=end)
            return Call(function=token.text, target=operand, arguments=arguments, span=span)
        span = Span(start=operand.span.start, end=token.span.end)
        return Select(operand=operand, field=token.text, field_span=token.span, span=span)

    def _primary(self) -> Node:
        token = self._now
        if token.kind in ("int", "float", "text"):
            self._take()
            return self._count(Literal(value=token.value, span=token.span, unsigned=token.unsigned))
        if token.kind == "name":
            return self._count(self._named())
        if self._accept("("):
            node = self._expression()
            self._expect(")")
            return node
        if self._accept("["):
            items, end = self._arguments("]")
            return self._count(ListOf(items=items, span=Span(start=token.span.start, end=end)))
        if self._accept("{"):
            return self._count(self._map(token))
        raise self._unexpected("a value")

    def _named(self) -> Node:
        token = self._take()
        if token.text in ("true", "false", "null"):
            return Literal(value={"true": True, "false": False, "null": None}[token.text], span=token.span)
        if token.text in _RESERVED or token.text == "in":
            raise syntax_error(self._text, token.span.start, f"'{token.text}' is a reserved word", self._place)
        if self._accept("("):
            arguments, end = self._arguments(")")
            return Call(
                function=token.text, target=None, arguments=arguments, span=Span(start=token.span.start, end=end)
            )
        return Name(name=token.text, span=token.span)

    def _arguments(self, closing: str) -> tuple[tuple[Node, ...], int]:
        items: list[Node] = []
        while True:
            token = self._accept(closing)
            if token is not None:
                return tuple(items), token.span.end
            items.append(self._expression())
            if self._accept(",") is None and self._now.text != closing:
                raise self._unexpected(f"',' or '{closing}'")

    def _map(self, opening: Token) -> Node:
        entries: list[tuple[Node, Node]] = []
        while True:
            token = self._accept("}")
            if token is not None:
                return MapOf(entries=tuple(entries), span=Span(start=opening.span.start, end=token.span.end))
            key = self._expression()
            self._expect(":")
            entries.append((key, self._expression()))
            if self._accept(",") is None and self._now.text != "}":
                raise self._unexpected("',' or '}'")
