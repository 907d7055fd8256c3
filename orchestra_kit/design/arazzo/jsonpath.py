"""JSONPath (RFC 9535 and the older drafts) as CEL, where it is a path, a test for presence or a filter on lists."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from orchestra_kit.design.arazzo.cel import Unsaid, literal, path_text, presence
from orchestra_kit.design.arazzo.runtime import Part

MAX_LENGTH = 2_000
MAX_DEPTH = 20
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<name>[A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff-]*)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<sign>===|!==|==|!=|<=|>=|=~|&&|\|\||\.\.|[$@.\[\]()?*<>!:,])
    )""",
    re.VERBOSE,
)
_COMPARISONS = {"==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "===": "==", "!==": "!="}


@dataclass(slots=True, kw_only=True)
class _Path:
    """A path as segments: a name, a position, `*`, or a filter (its tokens parsed into a function of a variable)."""

    root: str
    segments: list[object] = field(default_factory=list)

    @property
    def plain(self) -> tuple[Part, ...] | None:
        parts = [item for item in self.segments if isinstance(item, (str, int)) and not isinstance(item, _Star)]
        return tuple(parts) if len(parts) == len(self.segments) else None


class _Star(str):
    """Every element."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filter:
    start: int
    end: int


def jsonpath_value(text: str, context: str) -> str:
    """Return the CEL of the one value a path selects; raise Unsaid for one that selects several."""
    parser = _Parser(text, context)
    path = parser.path()
    parser.end()
    if path.plain is None:
        raise Unsaid(f"the JSONPath `{text[:120]}` may select several values.", code="JSONPATH")
    return path_text(context, path.plain)


def jsonpath_condition(text: str, context: str) -> str:
    """Return the CEL that is true when a path selects something; raise Unsaid.

    A comparison behind the path, which RFC 9535 does not have but many write, is read as what it looks like.
    """
    parser = _Parser(text, context)
    condition = parser.logic(context, 0)
    parser.end()
    return condition


class _Parser:
    """Reads one JSONPath text; conditions are CEL texts over a variable (`@`) and the context (`$`)."""

    def __init__(self, text: str, context: str) -> None:
        if len(text) > MAX_LENGTH:
            raise Unsaid(f"the JSONPath has {len(text)} characters; at most {MAX_LENGTH} are read.", code="JSONPATH")
        self._text, self._context, self._position, self._variables = text, context, 0, 0
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._unsaid()
            self._tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
            position = match.end()

    def _unsaid(self) -> Unsaid:
        return Unsaid(f"the JSONPath `{self._text[:120]}` has no counterpart.", code="JSONPATH")

    def sees(self, *signs: str) -> bool:
        return self._now[0] == "sign" and self._now[1] in signs

    @property
    def _now(self) -> tuple[str, str]:
        return self._tokens[self._position] if self._position < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._now
        self._position += 1
        return token

    def _accept(self, *signs: str) -> str | None:
        return self._take()[1] if self.sees(*signs) else None

    def _expect(self, sign: str) -> None:
        if self._accept(sign) is None:
            raise self._unsaid()

    def end(self) -> None:
        """Raise Unsaid unless all is read."""
        if self._now[0] != "end":
            raise self._unsaid()

    def logic(self, variable: str, depth: int) -> str:
        """Return `a || b && !c` as CEL."""
        if depth > MAX_DEPTH:
            raise self._unsaid()
        either = [self._both(variable, depth)]
        while self._accept("||"):
            either.append(self._both(variable, depth))
        return either[0] if len(either) == 1 else " || ".join(f"({item})" for item in either)

    def _both(self, variable: str, depth: int) -> str:
        both = [self._one(variable, depth)]
        while self._accept("&&"):
            both.append(self._one(variable, depth))
        return both[0] if len(both) == 1 else " && ".join(f"({item})" if "||" in item else item for item in both)

    def _one(self, variable: str, depth: int) -> str:
        if self._accept("!"):
            return f"!({self._one(variable, depth + 1)})"
        if self._accept("("):
            inner = self.logic(variable, depth + 1)
            self._expect(")")
            return f"({inner})"
        guards, left, path = self._operand(variable, depth)
        operator = self._accept(*_COMPARISONS)
        if operator is None:
            if path is None:
                raise self._unsaid()
            return self._selects(path, variable, depth)
        more, right, _ = self._operand(variable, depth)
        compared = f"{left} {_COMPARISONS[operator]} {right}"
        if operator in ("!=", "!==") and guards and right == "null":
            return " && ".join([*guards, compared])
        return " && ".join([*guards, *more, compared])

    def _operand(self, variable: str, depth: int) -> tuple[list[str], str, _Path | None]:
        """Return the guards, the CEL and (where it is one) the path of what is compared or tested."""
        kind, text = self._now
        if kind == "number":
            self._take()
            return [], text, None
        if kind == "text":
            self._take()
            return [], literal(_unquoted(text)), None
        if kind == "name" and text in ("true", "false", "null"):
            self._take()
            return [], text, None
        if kind == "name" and text in ("length", "count", "value", "size"):
            return self._called(variable, depth)
        path = self.path(variable)
        return self._measured(path)

    def _measured(self, path: _Path) -> tuple[list[str], str, _Path | None]:
        """Return a path as an operand; `.length`, as many write it, is the size."""
        size = bool(path.segments) and path.segments[-1] in ("length", "length()", "size()")
        plain = path.plain
        if plain is None:
            return [], "", path
        if size and self.sees(*_COMPARISONS):
            return presence(path.root, plain[:-1]), f"size({path_text(path.root, plain[:-1])})", None
        return presence(path.root, plain), path_text(path.root, plain), path

    def _called(self, variable: str, depth: int) -> tuple[list[str], str, _Path | None]:
        function = self._take()[1]
        self._expect("(")
        path = self.path(variable)
        self._expect(")")
        plain = path.plain
        if plain is None:
            if (
                function in ("count", "length", "size")
                and path.segments[-1] == "*"
                and isinstance(path.segments[-1], _Star)
            ):
                inner = _Path(root=path.root, segments=path.segments[:-1]).plain
                if inner is not None:
                    return presence(path.root, inner), f"size({path_text(path.root, inner)})", None
            raise self._unsaid()
        guards = presence(path.root, plain)
        if function == "count":  # of one path: 1 where it leads somewhere
            return [], f"({' && '.join(guards) or 'true'} ? 1 : 0)", None
        value = path_text(path.root, plain)
        return guards, value if function == "value" else f"size({value})", None

    def path(self, variable: str | None = None) -> _Path:
        """Return the path that begins here."""
        root = self._accept("$", "@")
        if root is None:
            raise self._unsaid()
        path = _Path(root=self._context if root == "$" else variable or self._context)
        while True:
            if self._accept("."):
                path.segments.append(self._after_dot())
            elif self._accept("["):
                path.segments.append(self._in_brackets())
                self._expect("]")
            else:
                return path

    def _after_dot(self) -> object:
        if self._accept("*"):
            return _Star("*")
        kind, text = self._take()
        if kind != "name":
            raise self._unsaid()
        if self._accept("("):
            self._expect(")")
            if text not in ("length", "size"):
                raise self._unsaid()
            return "length()"
        return text

    def _in_brackets(self) -> object:
        if self._accept("*"):
            return _Star("*")
        if self._accept("?"):
            start = self._position
            self._skip()
            return _Filter(start=start, end=self._position)
        kind, text = self._take()
        if kind == "number" and text.isdigit() and len(text) < 10:
            return int(text)
        if kind == "text":
            return _unquoted(text)
        raise self._unsaid()

    def _skip(self) -> None:
        depth = 0
        while not (depth == 0 and self.sees("]")):
            if self._now[0] == "end":
                raise self._unsaid()
            depth += self.sees("[", "(") - self.sees("]", ")")
            self._position += 1

    def _selects(self, path: _Path, variable: str, depth: int) -> str:
        """Return the CEL that is true when a path selects something."""
        if depth > MAX_DEPTH or self._variables > 3:
            raise self._unsaid()
        plain: list[Part] = []
        for number, segment in enumerate(path.segments):
            if isinstance(segment, (_Star, _Filter)):
                return self._through(path, plain, number, depth)
            assert isinstance(segment, (str, int))
            plain.append(segment)
        return " && ".join(presence(path.root, plain)) or f"{path.root} != null"

    def _through(self, path: _Path, plain: list[Part], number: int, depth: int) -> str:
        """Return the condition of a path that goes through the elements of something."""
        guards, owner = presence(path.root, plain), path_text(path.root, plain)
        segment, rest = path.segments[number], path.segments[number + 1 :]
        if isinstance(segment, _Star) and not rest:
            return " && ".join([*guards, f"size({owner}) > 0"])
        self._variables += 1
        name = f"item{'' if self._variables == 1 else self._variables}"
        conditions: list[str] = []
        if isinstance(segment, _Filter):
            conditions.append(self._filtered(segment, name, depth))
        if rest:
            conditions.append(self._selects(_Path(root=name, segments=rest), name, depth + 1))
        joined = " && ".join(f"({item})" if "||" in item else item for item in conditions)
        return " && ".join([*guards, f"{owner}.exists({name}, {joined})"])

    def _filtered(self, segment: _Filter, name: str, depth: int) -> str:
        kept = self._position, self._tokens
        self._position, self._tokens = segment.start, kept[1][: segment.end]
        condition = self.logic(name, depth + 1)
        self.end()
        self._position, self._tokens = kept
        return condition


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
