"""Making a step ready to be attempted: resolved, bound to its endpoint, with everything around it."""

from __future__ import annotations

from typing import Any

from orchestra_kit.engine.attempts import Assignment
from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.events import StepStarted
from orchestra_kit.engine.ledger import Ledger
from orchestra_kit.engine.programs import ResolvedStep, StepProgram
from orchestra_kit.engine.redaction import Redactor, RememberingSecrets
from orchestra_kit.engine.resolving import Resolver
from orchestra_kit.model import ChannelType, ScenarioStep, StepKind
from orchestra_kit.spi.protocol import Command, Correlation, Surroundings
from orchestra_kit.spi.work import ClaimedRun, StepIntent


class Assigner:
    """Makes the commands of one run. `position` is where each plugin stood before the first step, by channel."""

    def __init__(self, claimed: ClaimedRun, equipment: Equipment, ledger: Ledger, redactor: Redactor) -> None:
        plan, self._run = claimed.plan, claimed.run
        self._plan, self._equipment, self._ledger = plan, equipment, ledger
        self.position: dict[str, Any] = claimed.position or {}
        self.resolver = Resolver(ledger, source=f"scenario {plan.scenario.key}")
        self.surroundings = Surroundings(
            environment=plan.environment,
            secrets=RememberingSecrets(equipment.secrets(claimed.run.tenant_id), redactor),
            db_profiles=plan.db_profiles,
            kafka_profiles=plan.kafka_profiles,
            queue_profiles=plan.queue_profiles,
        )

    def assign(self, program: StepProgram, intent: StepIntent, overrides: Any) -> tuple[Assignment, str]:
        """Return the step ready to be attempted and its digest; raise OrchestraError when it cannot be."""
        step = program.step
        self._equipment.plugin(step.channel_type)
        resolution = self.resolver.resolve(program, overrides)
        observed = step.action.meta.observes
        assignment = Assignment(
            program=program,
            resolved=resolution.resolved,
            command=self._command(step, intent, resolution.resolved),
            scope=resolution.scope,
            started_at=self._equipment.clock.now(),
            settled_since=self._end_of(observed) if observed is not None else None,
        )
        if not self._equipment.announce.silent:
            self._tell(intent)
        return assignment, f"{program.digest}-{resolution.digest}"

    def _command(self, step: ScenarioStep, intent: StepIntent, resolved: ResolvedStep) -> Command:
        endpoint = step.endpoint_ref.endpoint_name if step.endpoint_ref is not None else None
        spec, operation = self._equipment.interface(self._run.tenant_id, self._plan.specs.get(step.alias), endpoint)
        return Command(
            step=step,
            input=resolved.input,
            meta=resolved.meta,
            correlation=Correlation(
                run_id=self._run.id,
                correlation_id=self._run.correlation_id,
                idempotency_key=intent.idempotency_key(self._run.id),
                step_alias=step.alias,
                attempt=intent.attempt,
            ),
            surroundings=self.surroundings,
            timeout_seconds=self._limit_of(step),
            spec=spec,
            operation=operation,
            position=self.position.get(step.channel_type or ""),
        )

    def _limit_of(self, step: ScenarioStep) -> float:
        """Return the seconds a call, or the whole of an eventual assertion, may take."""
        own, settings = step.action.meta.timeout_ms, self._equipment.settings
        if own:
            return own / 1000
        if step.kind is StepKind.ASSERTION:
            return settings.assertion_seconds
        if step.channel_type is ChannelType.HTTP_REST and step.endpoint_ref is not None:
            service = self._plan.environment.http_services.get(step.endpoint_ref.service_name)
            if service is not None:
                return service.timeout_ms / 1000
        return settings.call_seconds

    def _end_of(self, alias: str) -> float | None:
        """Return the monotonic time at which a step ended, on this clock also when another worker did it."""
        if alias in self._ledger.ended:
            return self._ledger.ended[alias]
        result = self._ledger.recorded.get((alias, 0))
        if result is None or result.finished_at is None:
            return None
        ago = (self._equipment.clock.now() - result.finished_at).total_seconds()
        return self._equipment.clock.monotonic() - max(ago, 0.0)

    def _tell(self, intent: StepIntent) -> None:
        self._equipment.announce(
            StepStarted(
                tenant_id=self._run.tenant_id,
                run_id=self._run.id,
                alias=intent.step_alias,
                iteration=intent.iteration,
                attempt=intent.attempt,
            )
        )
