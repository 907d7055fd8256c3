"""The contract of a solver: asked for values under which guards hold, it finds some, proves there are none, or gives up.

Everything that crosses is JSON. A guard is its text and dialect (both sides read it the same way); `bind` says which
symbol each of its variables is, because a variable may be written anew between two guards of one path. Values are given
for symbols; those of dates, times and durations are ISO 8601 texts, and `kinds` names them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol

from orchestra_kit.expressions.conditions import Dialect
from orchestra_kit.model.base import Value


class Verdict(StrEnum):
    """What became of a request."""

    SATISFIABLE = "SATISFIABLE"
    UNSATISFIABLE = "UNSATISFIABLE"
    UNKNOWN = "UNKNOWN"


class Requirement(Value):
    """A guard that must hold, or must not (false, or null where the language takes null for not taken)."""

    id: str
    text: str
    dialect: Dialect
    holds: bool = True
    bind: dict[str, str] = {}


class Definition(Value):
    """A symbol whose value the process computes: by a script or a mapping that has been read."""

    id: str
    symbol: str
    root: str
    text: str
    dialect: Dialect
    bind: dict[str, str] = {}


class Context(Value):
    """A guard elsewhere in the process, which only tells what kind of value its variables have."""

    text: str
    dialect: Dialect


class Symbol(Value):
    """What is known of a symbol beforehand: values to try first, and whether it may be null."""

    name: str
    candidates: tuple[Any, ...] = ()
    required: bool = False


class SolveRequest(Value):
    """One path: all that must hold on it. `time_limit` is in seconds, for all of it.

    Without `values` the verdict alone matters: any values will do, and nothing confirms them. `boundaries` asks for
    values around each comparison as well.
    """

    requirements: tuple[Requirement, ...]
    definitions: tuple[Definition, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    context: tuple[Context, ...] = ()
    values: bool = True
    boundaries: bool = True
    max_variants: int = 24
    time_limit: float = 5.0


class Variant(Value):
    """Further values for the same path: the two sides of a comparison differ by `offset` steps (left minus right)."""

    requirement: str
    comparison: str
    offset: int
    values: dict[str, Any]


class SolveOutcome(Value):
    """The answer. `core` are the ids of requirements (and definitions) that cannot all be met; none of them can be left out.

    `kinds` names, by symbol or path such as `order_2.due`, what is not plain JSON: date, dateTime, time, duration or months.
    `absent` names, by symbol or path, what must not be there at all, where null would not do.
    `free` are symbols no requirement looks at while the others have their `values`: all of them at once may have any value,
    of any kind, or none. What is not proven to be so is not among them.
    """

    verdict: Verdict
    values: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    absent: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    core: tuple[str, ...] = ()
    reason: str = ""


class Solver(Protocol):
    """Finds values for the conditions of a path."""

    def solve(self, request: SolveRequest) -> SolveOutcome:
        """Return values that satisfy every requirement, a proof that there are none, or UNKNOWN with the reason.

        The same request gets the same answer, as far as its time limit is not reached. Raises ExpressionError for a text
        that cannot be read, LimitError for a request beyond the solver's size.
        """
