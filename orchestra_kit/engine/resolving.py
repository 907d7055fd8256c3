"""Resolving a step against what the run knows, with a digest that tells a replay whether it is still the same step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_kit.engine.ledger import Ledger
from orchestra_kit.engine.programs import ResolvedStep, StepProgram, digest_input
from orchestra_kit.engine.templates import ReadyTemplate, make_ready
from orchestra_kit.errors import DefinitionError, ExpressionError
from orchestra_kit.model import StepResult

_UNRESOLVED = "unresolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A step resolved, the digest of what it was resolved to, and the scope that was used."""

    resolved: ResolvedStep
    digest: str
    scope: Mapping[str, Any]


class Resolver:
    """Resolves the steps of one run."""

    def __init__(self, ledger: Ledger, *, source: str) -> None:
        self._ledger, self._source = ledger, source

    def resolve(self, program: StepProgram, overrides: Any = None) -> Resolution:
        """Return the step resolved; raise ExpressionError. `overrides` replaces its input."""
        scope = self._ledger.scope()
        shown = self._ledger.shown_scope()
        own_input = None
        if overrides is not None:
            own_input = self._overriding(program, overrides, scope, shown or scope)
        resolved = program.resolve(scope, own_input=own_input)
        digest = self._digest(program, resolved, own_input, shown)
        return Resolution(resolved=resolved, digest=digest, scope=scope)

    def difference(self, program: StepProgram, result: StepResult, overrides: Any) -> str | None:
        """Return what differs between a recorded step and what it would be now, None when nothing does."""
        recorded = (result.definition_digest or "").partition("-")
        if not recorded[0]:
            return None
        if recorded[0] != program.digest:
            return "its definition"
        if not recorded[2] or result.origin_run_id != result.run_id:
            return None  # a reused result was resolved in another run
        try:
            now = self.resolve(program, overrides).digest
        except (ExpressionError, DefinitionError):
            now = _UNRESOLVED
        if now == recorded[2]:
            return None
        return "its resolved input (overridden by the driver)" if overrides is not None else "its resolved input"

    def _digest(
        self,
        program: StepProgram,
        resolved: ResolvedStep,
        own_input: ReadyTemplate | None,
        shown: Mapping[str, Any] | None,
    ) -> str:
        # A digest is public: it is taken over what may be shown, or it would let people guess at secrets.
        if shown is not None:
            try:
                resolved = program.resolve(shown, own_input=own_input)
            except ExpressionError:
                return _UNRESOLVED
        return digest_input(resolved, program)

    def _overriding(
        self, program: StepProgram, overrides: Any, scope: Mapping[str, Any], shown: Mapping[str, Any]
    ) -> ReadyTemplate:
        """Return the driver's input. It comes from user code: only texts the scenario itself holds see what is sealed."""
        own = set(_texts(program.step.action.input_template))

        def fill(value: Any) -> Any:
            if isinstance(value, str):
                seen = scope if value in own else shown
                return make_ready(value, source=self._source, field=f"{program.step.alias}.overrides").render(seen)
            if isinstance(value, Mapping):
                return {str(name): fill(item) for name, item in value.items()}
            if isinstance(value, list | tuple):
                return [fill(item) for item in value]
            return value

        return ReadyTemplate(constant=fill(overrides), part=None)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return []
