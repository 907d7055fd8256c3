"""The tokens of a FEEL text while it is read: which one is at hand, what may not stand there, how many parts there are."""

from __future__ import annotations

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.ast import Binary, Node, Span
from orchestra_kit.expressions.feel_lexer import feel_tokens
from orchestra_kit.expressions.lexer import Token, syntax_error
from orchestra_kit.expressions.parser import MAX_NODES

_COMPARISONS = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_PLAIN_COMPARISONS = _COMPARISONS | {"==": "==", "===": "==", "!==": "!="}
LEFT_OUT = {
    "some": "`some ... satisfies` goes over lists, which conditions of scenarios cannot choose yet",
    "every": "`every ... satisfies` goes over lists, which conditions of scenarios cannot choose yet",
    "for": "`for ... return` makes lists, which conditions of scenarios cannot choose yet",
    "function": "functions cannot be defined in a condition",
    "instance": "`instance of` is not read",
    "external": "external functions are never called",
}


class FeelTokens:
    """A place in the tokens of one text."""

    def __init__(self, text: str, plain: bool) -> None:
        self._text, self._plain = text, plain
        self._tokens = feel_tokens(text, plain=plain)
        self._position = 0
        self._nodes = 0
        self._comparisons = _PLAIN_COMPARISONS if plain else _COMPARISONS

    @property
    def now(self) -> Token:
        return self._tokens[self._position]

    def _after(self, count: int = 1) -> Token:
        return self._tokens[min(self._position + count, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self.now
        if token.kind != "end":
            self._position += 1
        return token

    def _sees(self, *texts: str) -> bool:
        return self.now.kind in ("sign", "name") and self.now.text in texts

    def _accept(self, *texts: str) -> Token | None:
        return self._take() if self._sees(*texts) else None

    def _expect(self, text: str) -> Token:
        if not self._sees(text):
            raise self.unexpected(f"'{text}'")
        return self._take()

    def unexpected(self, wanted: str) -> ExpressionError:
        """Return the error for the token at hand; what FEEL has and we leave out is called by its name."""
        left_out = LEFT_OUT.get(self.now.text) if self.now.kind == "name" else None
        if left_out:
            return self.not_read(self.now.span, left_out)
        return syntax_error(self._text, self.now.span.start, f"expected {wanted}, found {self.now.shown}")

    def not_read(self, span: Span, what: str) -> ExpressionError:
        """Return the error for something FEEL knows and this reader does not."""
        return syntax_error(self._text, span.start, what)

    def _counted(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise syntax_error(self._text, node.span.start, f"the expression has more than {MAX_NODES} parts")
        return node

    def _binary(self, operator: str, left: Node, right: Node) -> Node:
        return self._counted(Binary(operator=operator, left=left, right=right, span=_around(left, right)))


def _around(left: Node, right: Node) -> Span:
    return Span(start=min(left.span.start, right.span.start), end=max(left.span.end, right.span.end))
