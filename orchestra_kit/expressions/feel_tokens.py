"""The tokens of a FEEL text while it is read: which one is at hand, what may not stand there, how many parts there are."""

from __future__ import annotations

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.ast import Binary, Node, Span
from orchestra_kit.expressions.feel_lexer import feel_tokens
from orchestra_kit.expressions.lexer import syntax_error
from orchestra_kit.expressions.token_reader import TokenReader

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


class FeelTokens(TokenReader):
    """A place in the tokens of one FEEL text."""

    _seen_kinds = ("sign", "name")

    def __init__(self, text: str, plain: bool) -> None:
        super().__init__(text, feel_tokens(text, plain=plain))
        self._plain = plain
        self._comparisons = _PLAIN_COMPARISONS if plain else _COMPARISONS

    def unexpected(self, wanted: str) -> ExpressionError:
        """Return the error for the token at hand; what FEEL has and we leave out is called by its name."""
        left_out = LEFT_OUT.get(self.now.text) if self.now.kind == "name" else None
        if left_out:
            return self.not_read(self.now.span, left_out)
        return super().unexpected(wanted)

    def not_read(self, span: Span, what: str) -> ExpressionError:
        """Return the error for something FEEL knows and this reader does not."""
        return syntax_error(self._text, span.start, what)

    def _binary(self, operator: str, left: Node, right: Node) -> Node:
        return self._counted(Binary(operator=operator, left=left, right=right, span=_around(left, right)))


def _around(left: Node, right: Node) -> Span:
    return Span(start=min(left.span.start, right.span.start), end=max(left.span.end, right.span.end))
