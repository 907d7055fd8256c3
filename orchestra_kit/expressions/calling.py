"""One call of the CEL library: what it gets, what it may call back, and what its errors mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.arithmetic import OPERATIONS
from orchestra_kit.expressions.host_functions import HOSTED
from orchestra_kit.expressions.lowering import CelPart, Part, Reach
from orchestra_kit.expressions.references import render_reference
from orchestra_kit.expressions.resolving import is_there, resolve
from orchestra_kit.expressions.values import BeyondLimit, Size, kind_of, value_for_cel

MAX_WORK = 20_000_000
"""Parts of values x parts of the expression in one call; measured at about 20 ns each at worst."""
MAX_GROWTH = 1_000_000
"""Beyond it, texts and lists are joined by functions that look at their size, not by the library."""

FAILED = object()
"""What a function of ours returns when it failed: nothing the library can convert, so that it is an error there."""
_QUOTED = re.compile(r"'([^']*)'")

Bound = Mapping[str, Any]
Failures = dict[str, ExpressionError]


class Around(Protocol):
    """The evaluation a call belongs to."""

    scope: Mapping[str, Any]
    text: str
    stopped: BaseException | None

    def value(self, part: Part, bound: Bound) -> Any:
        """Return the value of a part."""

    def hosted(self, name: str, work: Callable[..., Any], failures: Failures) -> Callable[..., Any]:
        """Return a function that never raises."""


@lru_cache(maxsize=1)
def load_library() -> None:
    """Import the evaluator, once and late: it is heavy, and most templates do without it."""
    import cel  # noqa: F401


@lru_cache(maxsize=8_192)
def _program(text: str) -> Any:
    import cel

    return cel.compile(text)


class CelCall:
    """A CEL text within one evaluation. In a loop, what stays the same is handed over once."""

    def __init__(self, around: Around, part: CelPart) -> None:
        self._around, self._part = around, part
        self._bound: Bound = {}
        self._failures: Failures = {}
        self._fixed_missing: Failures = {}
        self._fixed_size = Size()
        self._fixed = self._gather(False, around.scope, self._fixed_size, self._fixed_missing)
        self._context: Any = None

    def run(self, bound: Bound) -> Any:
        """Return the value of the text; raise ExpressionError."""
        self._bound = bound
        self._failures.clear()
        missing, size = dict(self._fixed_missing), Size()
        changing = self._gather(True, bound, size, missing) if bound else {}
        parts = size.parts + self._fixed_size.parts
        characters = size.characters + self._fixed_size.characters
        if (parts + characters // 64) * self._part.nodes > MAX_WORK:
            raise BeyondLimit(f"`{self._around.text}` works on too many values.")
        text, careful = self._part.text, self._part.careful
        if careful is not None and self._part.additions and (parts + characters) * self._part.additions > MAX_GROWTH:
            text, careful = careful, None
        try:
            return self._execute(text, changing, bool(missing))
        except TypeError as error:
            if careful is None:
                raise self._explained(error, missing) from None
        except ExpressionError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the library raises is a finding about the expression
            raise self._explained(error, missing) from None
        try:
            return self._execute(careful, changing, bool(missing))
        except ExpressionError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            raise self._explained(error, missing) from None

    def _gather(self, bound: bool, scope: Mapping[str, Any], size: Size, missing: Failures) -> dict[str, Any]:
        """Return the variables of one kind; keep what cannot be had in `missing`, for when it is really asked for."""
        found: dict[str, Any] = {}
        text = self._around.text
        for name, reach in self._part.inputs:
            if reach.bound is bound:
                try:
                    found[name] = value_for_cel(resolve(scope, reach.root, reach.path, text), size)
                except BeyondLimit:
                    raise
                except ExpressionError as error:
                    missing[name] = error
        for name, reach in self._part.has:
            if reach.bound is bound:
                try:
                    found[name] = is_there(scope, reach.root, reach.path, text)
                except ExpressionError as error:
                    missing[name] = error
        return found

    def _execute(self, text: str, changing: Mapping[str, Any], some_missing: bool) -> Any:
        program = _program(text)
        hosts, loops = self._part.hosts, self._part.loops
        careful = text is self._part.careful
        if not (hosts or loops or careful or self._bound):
            value = self._guarded(program, self._fixed)
        elif some_missing or careful or self._context is None:
            context = self._new_context({**self._fixed, **changing}, careful)
            # A context cannot forget a variable, so one that lacks some, or is not the usual one, is used once.
            self._context = None if some_missing or careful else context
            value = self._guarded(program, context)
        else:
            for name, item in changing.items():
                self._context.add_variable(name, item)
            value = self._guarded(program, self._context)
        if self._around.stopped is not None:
            raise self._around.stopped
        return value

    def _guarded(self, program: Any, context: Any) -> Any:
        try:
            return program.execute(context)
        except Exception:
            if self._around.stopped is not None:
                raise self._around.stopped from None
            raise
        except BaseException as error:
            if type(error).__name__ == "PanicException":  # pyo3's, which derives from BaseException
                raise ExpressionError(f"`{self._around.text}` cannot be evaluated.") from None
            raise

    def _new_context(self, variables: dict[str, Any], careful: bool) -> Any:
        import cel

        functions = {f"{name}__": HOSTED[name] for name in self._part.hosts}
        if careful:
            functions |= OPERATIONS
        work = {name: self._around.hosted(name, function, self._failures) for name, function in functions.items()}
        for name, part in self._part.loops:
            work[name] = self._around.hosted(name, self._ours(part), self._failures)
        return cel.Context(variables=variables, functions=work)

    def _ours(self, part: Part) -> Callable[[], Any]:
        return lambda: value_for_cel(self._around.value(part, self._bound), Size())

    def _explained(self, error: Exception, missing: Failures) -> ExpressionError:
        message = str(error)
        quoted = _QUOTED.search(message)
        name = quoted.group(1) if quoted else ""
        if name in missing:
            return missing[name]
        if name in self._failures:
            return self._failures[name]
        reason = self._reason(error, name, message)
        return ExpressionError(f"`{self._around.text}` cannot be evaluated: {reason}.")

    def _reason(self, error: Exception, name: str, message: str) -> str:
        if isinstance(error, KeyError):
            return f"there is no field {message}"
        if isinstance(error, IndexError):
            return message
        if isinstance(error, ZeroDivisionError):
            return "division by zero"
        if isinstance(error, OverflowError):
            return "a number or time is out of range"
        if isinstance(error, TypeError):
            return f"the types do not fit{self._kinds()}"
        if message.startswith("Undefined"):
            return f"'{name}' cannot take these values{self._kinds()}" if name else "it refers to nothing"
        if message.startswith("Function"):
            return f"'{name}' refuses its argument{self._kinds()}"
        return "the evaluator refuses it"

    def _kinds(self) -> str:
        """Say what the values are that the expression refers to (never the values, which may be secret)."""
        known: list[str] = []
        for _, reach in self._part.inputs:
            try:
                value = resolve(self._bound if reach.bound else self._around.scope, reach.root, reach.path)
            except ExpressionError:
                continue
            known.append(f"{_written(reach)} is {kind_of(value)}")
        return f" ({', '.join(known[:6])})" if known else ""


def _written(reach: Reach) -> str:
    return render_reference(reach.root, reach.path)
