"""The scan of an assertion's SQL."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_kit.errors import DefinitionError
from orchestra_kit.protocols.db.query import read_query


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT update_time, created, deleted FROM t",
        "select count(*) from t where action = 'DELETE; DROP TABLE x'",
        'SELECT t.into_stock, "into" FROM t',
        "SELECT 1;",
        "SELECT 1 -- ; DROP TABLE x",
        "SELECT $$ ; DELETE FROM x $$",
        "(SELECT 1) UNION (SELECT 2)",
        "VALUES (1), (2)",
        "SELECT replace(name, 'a', 'b') FROM t",
        "SELECT a[1:2], b::text, c >= 1, d <> 2, e->>'x', f || g FROM t",
        "SELECT t.update FROM t",
        "SELECT * FROM t WHERE name LIKE '%\\_%'",
    ],
)
def test_reads_are_left_alone(sql):
    query = read_query(sql)
    assert query.for_sqlite() == sql.rstrip(";") or "--" in sql


def test_parameters_are_found_outside_texts_casts_and_comments():
    query = read_query("SELECT :a, ':b', b::int, \":c\" /* :d */ FROM t WHERE x = :a AND y = :e -- :f")
    assert query.parameters == ("a", "e")
    assert query.for_psycopg().count("%(a)s") == 2


def test_per_cent_signs_are_doubled_for_psycopg_only():
    query = read_query("SELECT '100%' LIKE :x")
    assert query.for_psycopg() == "SELECT '100%%' LIKE %(x)s"
    assert query.for_sqlite() == "SELECT '100%' LIKE :x"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("", "empty"),
        (" -- nothing", "empty"),
        ("SELECT 'open", "not closed"),
        ("SELECT /* open", "not closed"),
        ("SELECT $x$ open", "not closed"),
        ("SELECT (1", "parentheses"),
        ("SELECT 1) x", "parentheses"),
        ("SELECT 1\0", "NUL"),
        ("SELECT \\copy", "backslash"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("TABLE orders", "begins with 'TABLE'"),
    ],
)
def test_a_refusal_says_why(sql, said):
    with pytest.raises(DefinitionError, match=said):
        read_query(sql)


@given(st.text(alphabet="SELECT 1;'\"-/*:()$ab\\[]%\n", max_size=60))
def test_any_text_is_a_query_or_a_definition_error_and_never_two_statements(tail):
    """A08: what passes the scan is one complete statement for SQLite's own tokenizer too."""
    try:
        query = read_query("SELECT 1 " + tail)
    except DefinitionError:
        return
    text = query.for_sqlite()
    assert not sqlite3.complete_statement(text) or not text.strip().endswith(";")
    # Whatever is accepted, a semicolon appended is the first one: nothing was hidden in front of it.
    assert sqlite3.complete_statement(text + "\n;") or "$" in text or "[" in text or "E'" in text or "\\" in text
