"""FEEL tokens with their offsets (DMN 1.5, section 10.3.1, and what Zeebe adds: names in backticks)."""

from __future__ import annotations

import re
from decimal import Decimal

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.ast import Span
from orchestra_kit.expressions.lexer import Token, syntax_error

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n]*|/\*.*?\*/)
    | (?P<number>[0-9]+(?:\.(?!\.)[0-9]+)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<quoted>`[^`\n]+`)
    | (?P<name>[^\W\d]\w*|\?)
    | (?P<sign>\*\*|\.\.|<=|>=|!=|->|[-+*/<>=()\[\]{},.:;@])
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN_EXTRA = re.compile(
    r"""(?P<text>'(?:[^'\\]|\\.)*')|(?P<name>[A-Za-z_]\w*:[A-Za-z_]\w*)|(?P<sign>===|!==|==|&&|\|\||!(?!=)|%|\$)""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{6}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_HINTS = {
    "'": 'Texts stand in "double quotes".',
    "&": "Write 'and'.",
    "|": "Write 'or'.",
    "!": "Write not(...).",
    "“": "Use straight quotes.",
    "”": "Use straight quotes.",
}
MAX_DIGITS = 40


def feel_tokens(text: str, *, plain: bool = False) -> list[Token]:
    """Return the tokens of a text, ended by one of kind `end`; `plain` also takes the quotes and signs of other languages."""
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        # `!=` and `=` are FEEL's own; `==` and `!==` must be tried first, or they fall apart.
        extra = _PLAIN_EXTRA.match(text, position) if plain else None
        if extra is not None and (match is None or extra.end() > match.end()):
            match = extra
        if match is None:
            sign = text[position]
            shown = sign if sign.isprintable() else f"\\u{ord(sign):04x}"
            if sign == '"':
                raise syntax_error(text, position, "the text that begins here has no end", hint='Expected ".')
            raise syntax_error(text, position, f"'{shown}' cannot stand in FEEL", hint=_HINTS.get(sign))
        position = match.end()
        if match.lastgroup != "space":
            tokens.append(_token(text, match))
    tokens.append(Token(kind="end", text="", span=Span(start=len(text), end=len(text))))
    return tokens


def _token(text: str, match: re.Match[str]) -> Token:
    word, span = match.group(), Span(start=match.start(), end=match.end())
    kind = match.lastgroup or ""
    if kind == "number":
        return number_token(text, word, span)
    if kind == "text":
        return Token(kind="text", text=word, span=span, value=_ESCAPE.sub(_escaped, word[1:-1]))
    if kind == "quoted":
        return Token(kind="quoted", text=word[1:-1], span=span)
    return Token(kind=kind, text=word, span=span)


def number_token(text: str, word: str, span: Span) -> Token:
    """Return a number: an int when it is written whole, else a float that writes itself the same; raise ExpressionError."""
    if len(word) > MAX_DIGITS:
        raise too_large(text, span)
    if word.isdecimal():
        whole = int(word)
        if whole >= 2**63:
            raise too_large(text, span)
        return Token(kind="int", text=word, span=span, value=whole)
    number = float(word)
    # The tree holds floats; a decimal they cannot tell apart from its neighbour would be judged wrongly.
    if number in (float("inf"), float("-inf")) or Decimal(repr(number)) != Decimal(word):
        raise too_large(text, span)
    return Token(kind="float", text=word, span=span, value=number)


def too_large(text: str, span: Span) -> ExpressionError:
    """Return the error for a number that cannot be kept exactly."""
    return syntax_error(text, span.start, "the number is too large or has too many digits")


def _escaped(match: re.Match[str]) -> str:
    code = match.group(1)
    if code[0] in "uU" and len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else "\ufffd"
    return _ESCAPES.get(code, code)
