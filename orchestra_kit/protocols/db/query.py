"""One reading SQL statement with named parameters, or a clear refusal.

The scan is the first of several walls: the database session is read-only as well, runs one statement at a time through
the extended protocol, and is cut off by time, rows and bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orchestra_kit.errors import DefinitionError

MAX_SQL_LENGTH = 100_000
_MAX_PARENTHESES = 200

_TOKEN = re.compile(
    r"""
      (?P<comment>--[^\n]*|/\*)
    | (?P<estring>[eE]'(?:[^'\\]|''|\\.)*')
    | (?P<unicode>[uU]&['"])
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*"|`[^`]*`|\[[A-Za-z_][\w\ ]*\])
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<cast>::)
    | (?P<parameter>:[A-Za-z_][A-Za-z0-9_]*)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<space>\s+)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BEGINNINGS = frozenset({"select", "with", "values"})
_FORBIDDEN_STATEMENTS = frozenset(
    {
        "insert", "update", "delete", "merge", "truncate", "create", "alter", "drop", "grant", "revoke", "copy",
        "attach", "detach", "pragma", "vacuum", "reindex", "replace", "call", "do", "set", "reset", "lock",
    }
)  # fmt: skip
# A statement begins at the beginning, inside a CTE's parenthesis, or after the CTEs.
_STATEMENT_STARTS = frozenset({"", "(", ")"})
_FORBIDDEN_FUNCTIONS = re.compile(
    r"""(?:
        pg_read_.* | pg_ls_.* | pg_stat_file | pg_file_.* | pg_logdir_ls | lo_.* | lowrite | loread
      | dblink.* | postgres_fdw_.* | set_config | setval | nextval
      | pg_terminate_backend | pg_cancel_backend | pg_reload_conf | pg_rotate_logfile.*
      | pg_(?:try_)?advisory_.* | pg_notify | pg_promote | pg_switch_wal | pg_create_.* | pg_drop_.*
      | pg_logical_.* | pg_replication_.* | pg_copy_.* | pg_import_system_collations | pg_export_snapshot
      | query_to_xml.* | cursor_to_xml.* | table_to_xml.* | schema_to_xml.* | database_to_xml.* | ts_stat
      | load_extension | readfile | writefile | edit | fts3_tokenizer | zipfile | fsdir
    )\Z""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadQuery:
    """A checked statement. `pieces` alternates text and parameter names, beginning with text."""

    pieces: tuple[str, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters in order of first use."""
        return tuple(dict.fromkeys(self.pieces[1::2]))

    def for_psycopg(self) -> str:
        """Return the text with `%(name)s` in place of parameters and per-cent signs doubled."""
        parts = [f"%({piece})s" if index % 2 else piece.replace("%", "%%") for index, piece in enumerate(self.pieces)]
        return "".join(parts)

    def for_sqlite(self) -> str:
        """Return the text with `:name` parameters."""
        return "".join(f":{piece}" if index % 2 else piece for index, piece in enumerate(self.pieces))


def read_query(sql: str) -> ReadQuery:
    """Return a checked statement; raise DefinitionError saying what must not stand in it."""
    if len(sql) > MAX_SQL_LENGTH:
        raise DefinitionError(f"the SQL text is longer than {MAX_SQL_LENGTH:,} characters.")
    everything = list(_tokens(sql))
    while everything and (everything[-1][0] in ("comment", "space") or everything[-1][1] == ";"):
        everything.pop()
    tokens = [token for token in everything if token[0] not in ("comment", "space")]
    if not tokens:
        raise DefinitionError("the SQL text is empty.")
    _check_shape(tokens)
    _check_words(tokens)
    return ReadQuery(pieces=_pieces(everything))


def _tokens(sql: str) -> Iterator[tuple[str, str]]:
    if "\0" in sql:
        raise DefinitionError("the SQL text holds a NUL character.")
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        assert match is not None  # `sign` takes any character
        kind, text, position = str(match.lastgroup), match[0], match.end()
        if text == "/*":
            position = _end_of_comment(sql, position)
        elif kind == "dollar":
            end = sql.find(text, position)
            if end < 0:
                raise DefinitionError("a dollar-quoted text in the SQL is not closed.")
            position = end + len(text)
            text = sql[match.start() : position]
        elif kind == "unicode":
            raise DefinitionError("U& texts and names are not allowed in an assertion's SQL.")
        elif kind == "sign" and text in "'\"`":
            raise DefinitionError(f"a quotation mark ({text}) in the SQL is not closed.")
        elif kind == "sign" and text == "\\":
            raise DefinitionError("a backslash outside a text is not SQL.")
        yield kind, " " if kind == "comment" else text


def _end_of_comment(sql: str, position: int) -> int:
    depth = 1
    while depth:
        opening, closing = sql.find("/*", position), sql.find("*/", position)
        if closing < 0:
            raise DefinitionError("a comment in the SQL is not closed.")
        if 0 <= opening < closing:
            depth, position = depth + 1, opening + 2
        else:
            depth, position = depth - 1, closing + 2
    return position


def _check_shape(tokens: list[tuple[str, str]]) -> None:
    first = next((text.lower() for kind, text in tokens if text != "("), "")
    if first not in _BEGINNINGS:
        raise DefinitionError(
            f"an assertion's SQL must be one SELECT, VALUES or WITH ... SELECT; it begins with '{first.upper()[:40]}'."
        )
    depth = 0
    for _, text in tokens:
        depth += (text == "(") - (text == ")")
        if depth < 0 or depth > _MAX_PARENTHESES:
            raise DefinitionError("the parentheses of the SQL do not match.")
        if text == ";":
            raise DefinitionError("an assertion's SQL must be one statement; there is more after ';'.")
    if depth:
        raise DefinitionError("the parentheses of the SQL do not match.")


def _check_words(tokens: list[tuple[str, str]]) -> None:
    for index, (kind, text) in enumerate(tokens):
        before = tokens[index - 1][1].lower() if index else ""
        after = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        name = text.strip('"`[]').lower() if kind in ("word", "quoted") else ""
        if not name:
            continue
        if after == "(" and _FORBIDDEN_FUNCTIONS.match(name):
            raise DefinitionError(f"function '{name}' is not allowed in an assertion's SQL.")
        if kind != "word" or before == ".":
            continue
        if name == "for" and after.lower() in ("update", "share", "no", "key"):
            raise DefinitionError(f"FOR {after.upper()} locks rows; an assertion only reads.")
        if name == "into":
            raise DefinitionError("SELECT INTO makes a table; an assertion only reads.")
        if name in _FORBIDDEN_STATEMENTS and before in _STATEMENT_STARTS and after != "(":
            raise DefinitionError(f"{name.upper()} is not allowed in an assertion's SQL, which only reads.")


def _pieces(tokens: list[tuple[str, str]]) -> tuple[str, ...]:
    pieces: list[str] = [""]
    for kind, text in tokens:
        if kind == "parameter":
            pieces += [text[1:], ""]
        else:
            pieces[-1] += text
    return tuple(pieces)
