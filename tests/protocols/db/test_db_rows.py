"""Judging rows: missing, surplus, different, and their number."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_kit.model import Expectations, RowExpectation, ViolationType
from orchestra_kit.protocols.db.contract_validator import DbContractValidator
from orchestra_kit.protocols.db.rows import compare_rows, value_matches
from orchestra_kit.spi.protocol import Observation, ObservationError


@pytest.fixture
def judge(db_command):
    command = db_command("jdbc:sqlite:/x", "SELECT 1")

    def check(found, **wanted):
        observation = Observation(rows=found, view={"rows": found, "count": len(found)})
        return DbContractValidator().check_response(command, observation, Expectations(rows=RowExpectation(**wanted)))

    return check


def codes(violations):
    assert all(one.type is ViolationType.DB_ASSERTION_FAILED for one in violations)
    return [one.code for one in violations]


def test_a_row_that_is_there_is_no_violation(judge):
    assert judge([{"id": 1, "status": "PAID"}], rows=[{"status": "PAID"}]) == []


def test_no_row_at_all_is_a_missing_row(judge):
    [violation] = judge([], rows=[{"status": "PAID"}])
    assert violation.code == "ROW_MISSING"
    assert "no row was found" in violation.message
    assert violation.details["expected"] == {"status": "PAID"} and violation.details["got"] == []


def test_another_value_in_a_column_is_a_differing_row(judge):
    [violation] = judge([{"id": 1, "total": 20.0}], rows=[{"id": 1, "total": 19.99}])
    assert violation.code == "ROW_DIFFERS"
    assert violation.message == "row 1 differs: total: expected 19.99, got 20.0"
    assert violation.details["diff"] == [{"column": "total", "expected": 19.99, "got": 20.0, "absent": False}]


def test_one_expected_and_one_found_are_compared_even_when_nothing_agrees(judge):
    [violation] = judge([{"status": "NEW"}], rows=[{"status": "PAID"}])
    assert violation.code == "ROW_DIFFERS"


def test_a_duplicate_of_an_expected_row_is_surplus_even_in_a_subset(judge):
    found = [{"id": 1, "status": "PAID"}, {"id": 2, "status": "PAID"}]
    [violation] = judge(found, rows=[{"status": "PAID"}])
    assert violation.code == "ROW_UNEXPECTED" and violation.details["duplicateOf"] == 0
    assert "duplicate of expected row 1" in violation.message


def test_an_unrelated_row_is_surplus_only_when_exact(judge):
    found = [{"id": 1}, {"id": 2}]
    assert judge(found, rows=[{"id": 1}]) == []
    assert codes(judge(found, rows=[{"id": 1}], match="EXACT")) == ["ROW_UNEXPECTED"]


def test_a_further_column_differs_only_when_exact(judge):
    assert judge([{"id": 1, "x": 2}], rows=[{"id": 1}]) == []
    [violation] = judge([{"id": 1, "x": 2}], rows=[{"id": 1}], match="EXACT")
    assert violation.code == "ROW_DIFFERS" and "'x' was not expected" in violation.message


def test_a_column_that_is_not_there_is_named(judge):
    [violation] = judge([{"id": 1}], rows=[{"id": 1, "state": "x"}])
    assert "there is no column 'state'" in violation.message


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"count": 1}, "expected 1 row, got 2"),
        ({"min_count": 3}, "expected at least 3 rows, got 2"),
        ({"max_count": 1}, "expected at most 1 row, got 2"),
    ],
)
def test_the_number_of_rows_is_judged(judge, wanted, said):
    [violation] = judge([{"id": 1}, {"id": 2}], **wanted)
    assert violation.code == "COUNT_DIFFERS" and violation.message == said
    assert violation.details["got"]["count"] == 2


def test_a_count_of_zero_means_none(judge):
    assert judge([], count=0) == []
    assert codes(judge([{"id": 1}], count=0)) == ["COUNT_DIFFERS"]


def test_a_stated_count_rules_over_duplicates(judge):
    found = [{"status": "PAID"}, {"status": "PAID"}]
    assert judge(found, rows=[{"status": "PAID"}], count=2) == []


def test_true_is_not_one_and_the_message_says_what_to_write(judge):
    [violation] = judge([{"paid": 1}], rows=[{"paid": True}])
    assert "write 0 or 1" in violation.message


def test_text_and_number_of_the_same_spelling_differ_and_it_is_said(judge):
    [violation] = judge([{"id": 1}], rows=[{"id": "1"}])
    assert "another type" in violation.message


def test_two_spellings_of_a_moment_are_equal():
    assert value_matches("2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", exact=True)
    assert not value_matches("2026-01-02T03:04:05Z", "2026-01-02T03:04:06+00:00", exact=True)
    assert not value_matches("2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00", exact=True)


def test_the_best_assignment_is_found_where_a_greedy_one_fails():
    expected = [{"a": 1}, {"a": 1, "b": 2}]
    found = [{"a": 1, "b": 2}, {"a": 1, "b": 3}]
    comparison = compare_rows(expected, found, exact=False)
    assert not comparison.missing and not comparison.different and not comparison.surplus


@pytest.mark.parametrize("match", ["EXACT", "SUBSET"])
def test_rows_cut_at_the_limit_cannot_be_judged(db_command, match):
    command = db_command("jdbc:sqlite:/x", "SELECT 1")
    seen = Observation(rows=[{"id": 1}], truncated=True)
    wanted = Expectations(rows=RowExpectation(rows=[{"id": 7}], match=match))
    [violation] = DbContractValidator().check_response(command, seen, wanted)
    assert violation.type is ViolationType.EXECUTION_ERROR and violation.code == "ROWS_TRUNCATED"


def test_no_answer_is_not_judged(db_command):
    command = db_command("jdbc:sqlite:/x", "SELECT 1")
    seen = Observation(error=ObservationError(kind="timeout", message="x"))
    wanted = Expectations(rows=RowExpectation(count=1))
    assert DbContractValidator().check_response(command, seen, wanted) == []


def test_a_wrong_request_is_named_before_it_is_sent(db_command):
    validator = DbContractValidator()
    [violation] = validator.check_request(db_command("jdbc:mysql://h/x", "SELECT 1"))
    assert violation.type is ViolationType.VALIDATION_ERROR and "mysql" in violation.message
    [violation] = validator.check_request(db_command("jdbc:sqlite:/x", "DELETE FROM x"))
    assert "DELETE" in violation.message
    [violation] = validator.check_request(db_command("jdbc:postgresql://u:pw@h/x", "SELECT 1"))
    assert "password" in violation.message and "pw@" not in violation.message
    command = db_command("jdbc:sqlite:/x", "SELECT 1")
    assert validator.check_request(command) == []
    cel = dataclasses.replace(
        command, step=command.step.model_copy(update={"expectations": Expectations(rows=RowExpectation(match="CEL"))})
    )
    assert [one.code for one in validator.check_request(cel)] == ["MATCH_UNSUPPORTED"]


values = st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.sampled_from(["a", "b"]))
rows = st.lists(st.fixed_dictionaries({"a": values, "b": values}), max_size=6)


@given(rows, st.randoms())
def test_rows_equal_themselves_in_any_order(found, random):
    shuffled = list(found)
    random.shuffle(shuffled)
    comparison = compare_rows(shuffled, found, exact=True)
    assert comparison.missing == () and comparison.surplus == () and comparison.different == ()


@given(rows, rows)
def test_exact_agrees_with_comparing_multisets(expected, found):
    def bag(items):
        return sorted(repr(sorted(item.items())) for item in items)

    comparison = compare_rows(expected, found, exact=True)
    same = not (comparison.missing or comparison.surplus or comparison.different)
    assert same == (bag(expected) == bag(found))
    # Every row is accounted for once.
    assert len(comparison.missing) + len(comparison.different) <= len(expected)
    assert len(comparison.surplus) + len(comparison.different) <= len(found)
