"""Guards of sequence flows as documents write them: which language it is, and its tree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions.ast import Binary, Name, Node, walk
from orchestra_kit.expressions.feel import parse_feel
from orchestra_kit.expressions.juel import parse_juel
from orchestra_kit.expressions.parser import parse

MAX_PROSE_WORDS = 3
_PLACEHOLDERS = frozenset({"_undefined", "undefined", "todo", "tbd"})
_SCRIPTS = ("javascript", "groovy", "ecmascript", "mvel", "jexl", "java")


class Dialect(StrEnum):
    """Whose meaning a tree has: what null, mixed types and arithmetic do.

    PLAIN is FEEL's meaning for a text that names no language; XPATH is FEEL's, but what is absent counts as false; SCRIPT
    is EL's for a condition written in a script language.
    """

    FEEL = "FEEL"
    JUEL = "JUEL"
    CEL = "CEL"
    XPATH = "XPATH"
    PLAIN = "PLAIN"
    SCRIPT = "SCRIPT"

    @property
    def is_feel(self) -> bool:
        """True where FEEL's rules hold."""
        return self in (Dialect.FEEL, Dialect.XPATH, Dialect.PLAIN)

    @property
    def is_juel(self) -> bool:
        """True where EL's rules hold."""
        return self in (Dialect.JUEL, Dialect.SCRIPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A condition that has been read; spans of the tree count in `text`."""

    text: str
    dialect: Dialect
    tree: Node
    place: Place | None = None


def read_guard(text: str, language: str | None = None, *, place: Place | None = None) -> Guard:
    """Return a condition as read in the language it shows or the document names; raise ExpressionError at its place."""
    try:
        dialect, tree = _read(text, language)
    except ExpressionError as error:
        raise ExpressionError(error.message, place=place, hint=error.hint) from None
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply.", place=place) from None
    return Guard(text=text, dialect=dialect, tree=tree, place=place)


@lru_cache(maxsize=4096)
def read_as(text: str, dialect: Dialect) -> Node:
    """Return the tree of a text that is known to be of a dialect; raise ExpressionError."""
    if dialect.is_juel:
        inside = _inside_braces(text)
        start, end = inside or (0, len(text))
        return parse_juel(text, start=start, end=end, script=dialect is Dialect.SCRIPT and inside is None)
    if dialect is Dialect.CEL:
        return parse(text)
    # The equals sign that marks an expression in Camunda 8 becomes a blank, so that spans still count in the text.
    bare = re.sub(r"^(\s*)=(?!=)", r"\1 ", text, count=1)
    tree = parse_feel(bare, plain=dialect is not Dialect.FEEL)
    if dialect is Dialect.PLAIN:
        _refuse_prose(text, tree)
    return tree


@lru_cache(maxsize=4096)
def _read(text: str, language: str | None) -> tuple[Dialect, Node]:
    stripped = text.strip()
    if stripped.lower() in _PLACEHOLDERS:
        raise ExpressionError(f"'{stripped}' stands where a condition was never written.")
    if stripped.startswith(("${", "#{")):
        return Dialect.JUEL, read_as(text, Dialect.JUEL)
    if stripped.startswith("=") and not stripped.startswith("=="):
        return Dialect.FEEL, read_as(text, Dialect.FEEL)
    named = (language or "").lower()
    if named == "prose":
        raise ExpressionError(f"`{stripped[:80]}` is said in words, not as a condition.")
    dialect = _dialect_named(named)
    return _tried(text) if dialect is None else _only(text, dialect)


def _dialect_named(named: str) -> Dialect | None:
    if "feel" in named or "/dmn" in named:
        return Dialect.FEEL
    if re.search(r"\bcel\b", named):
        return Dialect.CEL
    if "juel" in named or re.search(r"\bu?el\b", named):
        return Dialect.JUEL
    if "xpath" in named:
        return Dialect.XPATH
    if any(script in named for script in _SCRIPTS):
        return Dialect.SCRIPT
    return None


def _only(text: str, dialect: Dialect) -> tuple[Dialect, Node]:
    """Return the reading in the language the document names; XPath is BPMN's default, so it may mean nothing."""
    if dialect is not Dialect.XPATH:
        return dialect, read_as(text, dialect)
    if "getDataObject" in text or "getActivityProperty" in text:
        return Dialect.XPATH, read_as(text, Dialect.XPATH)
    return _tried(text)


def _tried(text: str) -> tuple[Dialect, Node]:
    """Return the first language that takes a text which names none; the error of the last tells what is wrong."""
    for dialect in (Dialect.FEEL, Dialect.CEL):
        try:
            tree = read_as(text, dialect)
        except ExpressionError:
            continue
        if dialect is Dialect.FEEL:
            _refuse_prose(text, tree)
        return dialect, tree
    dialect = Dialect.XPATH if "getDataObject" in text else Dialect.PLAIN
    return dialect, read_as(text, dialect)


def _refuse_prose(text: str, tree: Node) -> None:
    """Raise ExpressionError for a sentence: FEEL would take `there is a way` for the name of one variable."""
    for node in walk(tree):
        if isinstance(node, Name) and len(node.name.split()) > MAX_PROSE_WORDS:
            raise ExpressionError(f"`{' '.join(text.split())[:80]}` reads like a sentence, not like a condition.")
    if isinstance(tree, Name) and " " in tree.name:
        raise ExpressionError(
            f"`{tree.name}` reads like words, not like a condition.", hint="Compare it with something."
        )


def _inside_braces(text: str) -> tuple[int, int] | None:
    """Return the offsets between `${` and its `}`; raise ExpressionError when there is more than that."""
    start = len(text) - len(text.lstrip())
    if not text[start:].startswith(("${", "#{")):
        return None
    position, quote = start + 2, ""
    while position < len(text):
        sign = text[position]
        if quote:
            position += sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "}":
            break
        position += 1
    if position >= len(text):
        raise ExpressionError(f"`{text.strip()[:80]}` has no closing brace.")
    if text[position + 1 :].strip():
        raise ExpressionError(f"`{text.strip()[:80]}` joins text and expressions; one `${{...}}` is read.")
    return start + 2, position


def comparisons(tree: Node) -> list[Binary]:
    """Return the comparisons by size or equality in a tree, in the order they are written."""
    signs = ("<", "<=", ">", ">=", "==", "!=")
    return [node for node in walk(tree) if isinstance(node, Binary) and node.operator in signs]


def is_constant(tree: Node) -> bool:
    """Return True for a tree without variables, such as `true`."""
    return not any(isinstance(node, Name) for node in walk(tree))
