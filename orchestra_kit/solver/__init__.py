"""Values for path conditions, found by z3 (extra `solver`); nothing here is imported before it is needed."""

from __future__ import annotations

from orchestra_kit.errors import CannotJudgeError
from orchestra_kit.spi.solver import Solver


def open_solver() -> Solver:
    """Return the solver; raise CannotJudgeError that says what to install when z3 is not there."""
    try:
        from orchestra_kit.solver.z3_solver import Z3Solver
    except ImportError as error:
        raise CannotJudgeError(
            "no solver is installed, so no values can be found for the conditions of a path.",
            hint="Install it with: pip install 'orchestra_kit[solver]'",
        ) from error
    return Z3Solver()
