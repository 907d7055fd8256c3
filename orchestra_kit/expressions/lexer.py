"""CEL tokens with their offsets (lexis of the CEL language definition, cel-spec, section "Syntax")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions.ast import Span

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n\f]+|//[^\n]*)
    | (?P<float>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    | (?P<int>0x[0-9a-fA-F]+[uU]?|[0-9]+[uU]?)
    | (?P<text>(?:[bB]?[rR]?)(?:\"\"\"|'''|"|'))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r"\\(?:(?P<plain>[abfnrtv\\?\"'`])|[xX](?P<byte>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))"
)
_PLAIN_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NEAREST_SIGNS = {"=": "'=='", "&": "'&&'", "|": "'||'", "‘": "a straight quote", "’": "a straight quote"}
_NEAREST_SIGNS |= {"“": "a straight quote", "”": "a straight quote", ";": "nothing: an expression has one part"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token: kind is float, int, text, name, sign or end; `value` is set for literals."""

    kind: str
    text: str
    span: Span
    value: int | float | str | bytes | None = None
    unsigned: bool = False

    @property
    def shown(self) -> str:
        """The token as an error message names it."""
        return "the end" if self.kind == "end" else f"'{self.text if len(self.text) <= 40 else self.text[:37] + '...'}'"


def syntax_error(
    text: str, offset: int, message: str, *, place: Place | None = None, hint: str | None = None
) -> ExpressionError:
    """Return an error that quotes the expression and the 1-based column in it."""
    start = max(0, offset - 60) if len(text) > 120 else 0
    shown = " ".join(text[start : start + 120].split())
    return ExpressionError(f"{message} at column {offset + 1} of `{shown}`.", place=place, hint=hint)


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the tokens of a text, ended by one of kind `end`; raise ExpressionError."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unknown_sign(text, position)
        kind = match.lastgroup or ""
        if kind == "text":
            token = _text_token(text, match)
            position = token.span.end
            yield token
            continue
        position = match.end()
        if kind != "space":
            yield _plain_token(text, kind, match)
    yield Token(kind="end", text="", span=Span(start=len(text), end=len(text)))


def _unknown_sign(text: str, position: int) -> ExpressionError:
    sign = text[position]
    nearest = _NEAREST_SIGNS.get(sign)
    hint = f"Did you mean {nearest}?" if nearest else None
    shown = sign if sign.isprintable() else f"\\u{ord(sign):04x}"
    return syntax_error(text, position, f"'{shown}' cannot stand in an expression", hint=hint)


def _plain_token(text: str, kind: str, match: re.Match[str]) -> Token:
    word, span = match.group(), Span(start=match.start(), end=match.end())
    if kind == "float":
        number = float(word)
        if number == float("inf"):
            raise syntax_error(text, span.start, "the number is too large")
        return Token(kind=kind, text=word, span=span, value=number)
    if kind == "int":
        unsigned = word[-1] in "uU"
        digits = word[:-1] if unsigned else word
        whole = int(digits, 16) if digits.startswith("0x") else int(digits) if len(digits) < 40 else 2**64
        # 2**63 itself is allowed here, because the sign before it is a token of its own.
        if whole > (2**64 - 1 if unsigned else 2**63):
            raise syntax_error(text, span.start, "the number is too large")
        return Token(kind=kind, text=word, span=span, value=whole, unsigned=unsigned)
    return Token(kind=kind, text=word, span=span)


def _text_token(text: str, match: re.Match[str]) -> Token:
    opening = match.group()
    quote = opening.lstrip("bBrR")
    prefix = opening[: len(opening) - len(quote)].lower()
    raw, is_bytes = "r" in prefix, "b" in prefix
    parts: list[str] = []
    position = match.end()
    while not text.startswith(quote, position):
        if position >= len(text) or (len(quote) == 1 and text[position] in "\r\n"):
            raise syntax_error(text, match.start(), "the text that begins here has no end", hint=f"Expected {quote}.")
        if text[position] == "\\" and not raw:
            part, position = _escaped(text, position, is_bytes)
            parts.append(part)
        elif "\ud800" <= text[position] <= "\udfff":
            raise syntax_error(text, position, "half a surrogate pair cannot stand in a text")
        else:
            # Bytes are gathered as Latin-1 characters, so that \xff and the UTF-8 form of "é" can stand side by side.
            parts.append(text[position].encode().decode("latin-1") if is_bytes else text[position])
            position += 1
    end = position + len(quote)
    value = "".join(parts)
    span = Span(start=match.start(), end=end)
    return Token(
        kind="text", text=text[span.start : end], span=span, value=value.encode("latin-1") if is_bytes else value
    )


def _escaped(text: str, position: int, is_bytes: bool) -> tuple[str, int]:
    match = _ESCAPE.match(text, position)
    if match is None or (is_bytes and match.lastgroup in ("short", "long")):
        raise syntax_error(
            text,
            position,
            f"'{text[position : position + 2]}' is no escape",
            hint=r"Write \\ for a backslash, or r'...'.",
        )
    if match.lastgroup == "plain":
        letter = match.group("plain")
        return _PLAIN_ESCAPES.get(letter, letter), match.end()
    digits = match.group(match.lastgroup or 0)
    code = int(digits, 8 if match.lastgroup == "octal" else 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise syntax_error(text, position, f"'{match.group()}' is no character")
    return chr(code), match.end()
