"""What the readers of CEL, FEEL and EL do alike: go over tokens from left to right, within limits, into the one tree."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.ast import Binary, Node, Span, height
from orchestra_kit.expressions.lexer import Token, syntax_error

MAX_LENGTH = 10_000
MAX_NESTING = 40
MAX_HEIGHT = 150
MAX_NODES = 2_000


class TokenReader:
    """A place in the tokens of one text; `now` is the token looked at, the last one is of kind `end`."""

    _seen_kinds: ClassVar[tuple[str, ...]] = ("sign",)
    """The kinds of tokens that are told by their text alone."""

    def __init__(self, text: str, tokens: Iterable[Token]) -> None:
        self._text = text
        self._rest = iter(tokens)
        self._ahead: deque[Token] = deque()
        self.now = next(self._rest)
        self._nesting = self._nodes = 0

    def expression(self) -> Node:
        """Read one expression, as deep as may be."""
        self._nesting += 1
        self._check_depth(self._nesting)
        node = self._whole()
        self._nesting -= 1
        return node

    def _whole(self) -> Node:
        raise NotImplementedError

    def unexpected(self, wanted: str) -> ExpressionError:
        """Return the error for the token at hand."""
        return syntax_error(
            self._text, self.now.span.start, f"expected {wanted}, found {self.now.shown}", hint=self._hint()
        )

    def _hint(self) -> str | None:
        """Return what the token at hand was perhaps meant to be."""
        return None

    def _take(self) -> Token:
        token = self.now
        if token.kind != "end":
            self.now = self._ahead.popleft() if self._ahead else next(self._rest)
        return token

    def _after(self, count: int = 1) -> Token:
        """Return a token further on, the end where there are not so many."""
        last = self._ahead[-1] if self._ahead else self.now
        while len(self._ahead) < count and last.kind != "end":
            last = next(self._rest)
            self._ahead.append(last)
        return self._ahead[count - 1] if len(self._ahead) >= count else last

    def _sees(self, *texts: str) -> bool:
        return self.now.kind in self._seen_kinds and self.now.text in texts

    def _accept(self, *texts: str) -> Token | None:
        return self._take() if self._sees(*texts) else None

    def _expect(self, text: str) -> Token:
        if not self._sees(text):
            raise self.unexpected(f"'{text}'")
        return self._take()

    def _check_depth(self, depth: int) -> None:
        if depth > MAX_NESTING:
            raise syntax_error(self._text, self.now.span.start, "the expression is nested too deeply")

    def _counted(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise syntax_error(self._text, node.span.start, f"the expression has more than {MAX_NODES} parts")
        return node


class PrattReader(TokenReader):
    """A reader whose operators have a precedence each (V. Pratt, Top down operator precedence, 1973)."""

    _operator_kinds: ClassVar[tuple[str, ...]] = ("sign",)
    _precedence: ClassVar[Mapping[str, int]]
    """How strongly each operator binds; languages differ (EL compares for order before it compares for equality)."""

    def _operators(self, weakest: int) -> Node:
        left = self._unary()
        while True:
            token = self.now
            strength = self._precedence.get(token.text, 0) if token.kind in self._operator_kinds else 0
            if strength < weakest or strength == 0:
                return left
            self._take()
            right = self._operators(strength + 1)
            span = Span(start=left.span.start, end=right.span.end)
            left = self._counted(Binary(operator=token.text, left=left, right=right, span=span))

    def _unary(self) -> Node:
        raise NotImplementedError


def read_text(text: str, make: Callable[[], TokenReader], *, start: int = 0, stop: int | None = None) -> Node:
    """Return the tree of what stands between two offsets of a text; raise ExpressionError for what is wrong or too much."""
    end = len(text) if stop is None else stop
    if end - start > MAX_LENGTH:
        raise ExpressionError(f"the expression has {end - start} characters; at most {MAX_LENGTH} are read.")
    if not text[start:end].strip():
        raise ExpressionError("the expression is empty.")
    reader = make()
    tree = reader.expression()
    if reader.now.kind != "end":
        raise reader.unexpected("an operator or the end")
    if height(tree) > MAX_HEIGHT:
        raise syntax_error(text, tree.span.start, f"the expression has more than {MAX_HEIGHT} levels")
    return tree
