"""Control-flow graphs to the smallest suites that cover them, with the proof that they are the smallest."""

from orchestra_kit.design.coverage.composition import ComposedScenario, ComposedSuite, compose
from orchestra_kit.design.coverage.criteria import Criterion
from orchestra_kit.design.coverage.fragments import Barrier
from orchestra_kit.design.coverage.planning import (
    Addition,
    ContainerPlan,
    PlannedScenario,
    SuitePlan,
    plan_suite,
)

__all__ = [
    "Addition",
    "Barrier",
    "ComposedScenario",
    "ComposedSuite",
    "ContainerPlan",
    "Criterion",
    "PlannedScenario",
    "SuitePlan",
    "compose",
    "plan_suite",
]
