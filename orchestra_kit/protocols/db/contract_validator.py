"""Judges the rows of an assertion by what the step expects of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orchestra_kit.errors import OrchestraError
from orchestra_kit.model import Expectations, RowExpectation, ValueMatcherMode, Violation, ViolationType
from orchestra_kit.protocols.db.rows import ColumnDifference, Row, compare_rows
from orchestra_kit.protocols.db.source import profile_of, read_source
from orchestra_kit.protocols.db.step_executor import parameters_of, query_of
from orchestra_kit.spi.protocol import Command, Observation

MAX_VIOLATIONS = 20
_MAX_SHOWN_ROWS = 10
_MAX_TEXT = 200


class DbContractValidator:
    """Rows against `expectations.rows`; there is no interface description to judge by."""

    def check_request(self, command: Command) -> list[Violation]:
        """Return what is wrong with the data source, the SQL or its parameters."""
        try:
            read_source(profile_of(command))
            parameters_of(command, query_of(command))
        except OrchestraError as exc:
            return [Violation(type=ViolationType.VALIDATION_ERROR, code="REQUEST_INVALID", message=str(exc))]
        match = command.step.expectations.rows.match if command.step.expectations.rows else ValueMatcherMode.SUBSET
        if match not in (ValueMatcherMode.EXACT, ValueMatcherMode.SUBSET):
            message = f"rows are matched EXACT or SUBSET, not {match}; use a business rule for anything else"
            return [Violation(type=ViolationType.VALIDATION_ERROR, code="MATCH_UNSUPPORTED", message=message)]
        return []

    def check_response(self, command: Command, observation: Observation, expectations: Expectations) -> list[Violation]:
        """Return what is missing, surplus or different; nothing when there was no answer (`error` says why)."""
        wanted = expectations.rows
        if observation.error is not None or wanted is None:
            return []
        found = list(observation.rows or ())
        if observation.truncated and (
            wanted.rows is not None or wanted.max_count is not None or wanted.count is not None
        ):
            message = f"the query gives more than {len(found)} rows; only these were read. Narrow it with WHERE"
            return [Violation(type=ViolationType.EXECUTION_ERROR, code="ROWS_TRUNCATED", message=message)]
        violations = _count_violations(wanted, found)
        if wanted.rows is not None:
            violations += _row_violations(wanted, wanted.rows, found)
        return violations[:MAX_VIOLATIONS]


def _count_violations(wanted: RowExpectation, found: Sequence[Row]) -> list[Violation]:
    """Judge the number of rows. A count that came out of a template may still be text; text that is no number is named."""
    got = len(found)
    rules: tuple[tuple[str, int | str | None, str, Callable[[int], bool]], ...] = (
        ("count", wanted.count, "expected", lambda number: got == number),
        ("minCount", wanted.min_count, "expected at least", lambda number: got >= number),
        ("maxCount", wanted.max_count, "expected at most", lambda number: got <= number),
    )
    for name, value, text, holds in rules:
        if value is None:
            continue
        try:
            number = int(value)
        except ValueError:
            message = f"expectations.rows.{name} is {value!r}, which is not a number"
            return [Violation(type=ViolationType.VALIDATION_ERROR, code="COUNT_INVALID", message=message)]
        if not holds(number):
            details = {"expected": {name: number}, "got": {"count": got, "rows": list(found[:_MAX_SHOWN_ROWS])}}
            return [_failed("COUNT_DIFFERS", f"{text} {_rows(number)}, got {got}", details)]
    return []


def _row_violations(wanted: RowExpectation, rows: Sequence[Row], found: Sequence[Row]) -> list[Violation]:
    exact = wanted.match is ValueMatcherMode.EXACT
    comparison = compare_rows(rows, found, exact=exact)
    violations: list[Violation] = []
    for index in comparison.missing:
        seen = f"none of the {_rows(len(found))} found is like it" if found else "no row was found"
        message = f"row {index + 1} is missing: {_text(rows[index])}; {seen}"
        details = {"index": index, "expected": dict(rows[index]), "got": list(found[:_MAX_SHOWN_ROWS])}
        violations.append(_failed("ROW_MISSING", message, details))
    for one in comparison.different:
        details = {
            "index": one.expected_index,
            "expected": dict(rows[one.expected_index]),
            "got": dict(found[one.found_index]),
            "diff": [
                {"column": part.column, "expected": part.expected, "got": part.got, "absent": part.absent}
                for part in one.columns
            ],
        }
        said = "; ".join(_difference(part, rows[one.expected_index]) for part in one.columns)
        violations.append(_failed("ROW_DIFFERS", f"row {one.expected_index + 1} differs: {said}", details))
    # An explicit number of rows already says how many there may be.
    if wanted.count is None and wanted.max_count is None:
        violations += [_surplus(index, double, rows, found) for index, double in comparison.surplus]
    return violations


def _surplus(index: int, double: int | None, rows: Sequence[Row], found: Sequence[Row]) -> Violation:
    what = f"a duplicate of expected row {double + 1}" if double is not None else "not expected"
    details = {"foundIndex": index, "duplicateOf": double, "expected": [dict(row) for row in rows[:_MAX_SHOWN_ROWS]],
               "got": dict(found[index])}  # fmt: skip
    return _failed("ROW_UNEXPECTED", f"a row is surplus ({what}): {_text(found[index])}", details)


def _difference(part: ColumnDifference, wanted: Row) -> str:
    if part.absent:
        return f"there is no column '{part.column}'"
    if part.column not in wanted:
        return f"column '{part.column}' was not expected ({_text(part.got)})"
    hint = ""
    if isinstance(part.expected, bool) and part.got in (0, 1):
        hint = " (this database has no booleans; write 0 or 1)"
    elif type(part.expected) is not type(part.got) and str(part.expected) == str(part.got):
        hint = " (the same text, but another type)"
    return f"{part.column}: expected {_text(part.expected)}, got {_text(part.got)}{hint}"


def _text(value: Any) -> str:
    shown = dict(value) if isinstance(value, Mapping) else value
    text = json.dumps(shown, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _failed(code: str, message: str, details: dict[str, Any]) -> Violation:
    return Violation(type=ViolationType.DB_ASSERTION_FAILED, code=code, message=message, details=details)
