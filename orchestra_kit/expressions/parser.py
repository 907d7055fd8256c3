"""A Pratt parser for CEL (grammar of the CEL language definition, cel-spec, section "Syntax")."""

from __future__ import annotations

from dataclasses import replace

from orchestra_kit.expressions.ast import (
    LOOPS,
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
from orchestra_kit.expressions.functions import check_call
from orchestra_kit.expressions.lexer import Token, syntax_error, tokens_of
from orchestra_kit.expressions.token_reader import PrattReader, read_text

MAX_LOOPS = 4

PRECEDENCE = {
    "||": 1, "&&": 2,
    "<": 3, "<=": 3, ">=": 3, ">": 3, "==": 3, "!=": 3, "in": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}  # fmt: skip
_KEYWORDS = frozenset({"true", "false", "null", "in"})
_RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop"}
    | {"package", "namespace", "return", "var", "void", "while"}
)
_CONSTANTS = {"true": True, "false": False, "null": None}
_PYTHON_WORDS = {"and": "&&", "or": "||", "not": "!", "is": "==", "True": "true", "False": "false", "None": "null"}


def parse(text: str) -> Node:
    """Return the syntax tree of a CEL expression; raise ExpressionError with the column of what is wrong."""
    return read_text(text, lambda: _Parser(text))


class _Parser(PrattReader):
    _operator_kinds = ("sign", "name")
    _precedence = PRECEDENCE

    def __init__(self, text: str) -> None:
        super().__init__(text, tokens_of(text))
        self._loops = 0

    def _hint(self) -> str | None:
        nearest = _PYTHON_WORDS.get(self.now.text)
        return f"Did you mean '{nearest}'?" if nearest else None

    def _whole(self) -> Node:
        node = self._operators(1)
        if self._accept("?"):
            then = self._operators(1)
            self._expect(":")
            otherwise = self.expression()
            span = Span(start=node.span.start, end=otherwise.span.end)
            node = self._counted(Conditional(condition=node, then=then, otherwise=otherwise, span=span))
        return node

    def _unary(self) -> Node:
        signs: list[Token] = []
        while self._sees("!") or self._sees("-"):
            if signs and self.now.text != signs[-1].text:
                raise self.unexpected("a value")
            signs.append(self._take())
            self._check_depth(len(signs))
        node = self._member(negative=signs.pop() if self._negates_number(signs) else None)
        for token in reversed(signs):
            span = Span(start=token.span.start, end=node.span.end)
            node = self._counted(Unary(operator=token.text, operand=node, span=span))
        return node

    def _negates_number(self, signs: list[Token]) -> bool:
        return bool(signs) and signs[-1].text == "-" and self.now.kind in ("int", "float") and not self.now.unsigned

    def _member(self, negative: Token | None) -> Node:
        node = self._number(negative) if negative is not None else self._primary()
        while True:
            if self._accept("."):
                node = self._counted(self._selected(node))
            elif self._accept("["):
                index = self.expression()
                end = self._expect("]").span.end
                node = self._counted(Index(operand=node, index=index, span=Span(start=node.span.start, end=end)))
            else:
                return node

    def _number(self, negative: Token | None) -> Node:
        token = self._take()
        value = token.value
        assert isinstance(value, (int, float))
        if negative is not None:
            value = -value
        elif token.kind == "int" and not token.unsigned and value == 2**63:
            raise syntax_error(self._text, token.span.start, "the number is too large")
        start = negative.span.start if negative is not None else token.span.start
        span = Span(start=start, end=token.span.end)
        return self._counted(Literal(value=value, unsigned=token.unsigned, span=span))

    def _selected(self, operand: Node) -> Node:
        token = self.now
        if token.kind != "name" or token.text in _KEYWORDS:
            raise self.unexpected("the name of a field")
        self._take()
        if self._sees("("):
            return self._call(token, operand)
        span = Span(start=operand.span.start, end=token.span.end)
        return Select(operand=operand, field=token.text, field_span=token.span, span=span)

    def _primary(self) -> Node:
        token = self.now
        if token.kind in ("int", "float"):
            return self._number(None)
        if token.kind == "text":
            self._take()
            return self._counted(Literal(value=token.value, span=token.span))
        if token.kind == "name":
            return self._counted(self._named())
        if self._accept("("):
            node = self.expression()
            span = Span(start=token.span.start, end=self._expect(")").span.end)
            return replace(node, span=span)  # so that the text of a part stands for itself
        if self._accept("["):
            items, end = self._items("]", trailing_comma=True)
            return self._counted(ListOf(items=items, span=Span(start=token.span.start, end=end)))
        if self._accept("{"):
            return self._counted(self._map(token))
        raise self.unexpected("a value")

    def _named(self) -> Node:
        token = self.now
        if token.text in _RESERVED or token.text == "in":
            raise syntax_error(self._text, token.span.start, f"'{token.text}' is a reserved word")
        if token.text in _PYTHON_WORDS and token.text != "is":
            raise self.unexpected("a value")
        self._take()
        if token.text in _CONSTANTS:
            return Literal(value=_CONSTANTS[token.text], span=token.span)
        return self._call(token, None) if self._sees("(") else Name(name=token.text, span=token.span)

    def _call(self, name: Token, target: Node | None) -> Call:
        self._expect("(")
        is_loop = target is not None and name.text in LOOPS
        self._loops += is_loop
        if self._loops > MAX_LOOPS:
            raise syntax_error(self._text, name.span.start, f"more than {MAX_LOOPS} loops stand in each other")
        arguments, end = self._items(")", trailing_comma=False)
        self._loops -= is_loop
        start = target.span.start if target is not None else name.span.start
        call = Call(
            function=name.text,
            function_span=name.span,
            target=target,
            arguments=arguments,
            span=Span(start=start, end=end),
        )
        check_call(self._text, call)
        return call

    def _items(self, closing: str, *, trailing_comma: bool) -> tuple[tuple[Node, ...], int]:
        items: list[Node] = []
        while True:
            if (not items or trailing_comma) and self._sees(closing):
                return tuple(items), self._expect(closing).span.end
            items.append(self.expression())
            if self._sees(closing):
                return tuple(items), self._expect(closing).span.end
            if not self._accept(","):
                raise self.unexpected(f"',' or '{closing}'")

    def _map(self, opening: Token) -> Node:
        entries: list[tuple[Node, Node]] = []
        while not self._sees("}"):
            key = self.expression()
            self._expect(":")
            entries.append((key, self.expression()))
            if not self._accept(",") and not self._sees("}"):
                raise self.unexpected("',' or '}'")
        end = self._expect("}").span.end
        return MapOf(entries=tuple(entries), span=Span(start=opening.span.start, end=end))
