"""Paths and the conditions on them: which can be taken, with which data, and why the others cannot."""

from orchestra_kit.design.conditions.budget import TimeBudget
from orchestra_kit.design.conditions.data import data_tables
from orchestra_kit.design.conditions.guards import GuardTable, UnreadGuard, read_guards
from orchestra_kit.design.conditions.hints import ConditionHints
from orchestra_kit.design.conditions.judging import judge_paths
from orchestra_kit.design.conditions.outcome import FeasibleSuite, JudgedScenario, PathCondition, PathStatus
from orchestra_kit.design.conditions.variables import VariableClass, VariableReport

__all__ = [
    "ConditionHints",
    "FeasibleSuite",
    "GuardTable",
    "JudgedScenario",
    "PathCondition",
    "PathStatus",
    "TimeBudget",
    "UnreadGuard",
    "VariableClass",
    "VariableReport",
    "data_tables",
    "judge_paths",
    "read_guards",
]
