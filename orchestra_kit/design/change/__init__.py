"""What changed between two versions of a process, and what it means for the scenarios that are there."""

from orchestra_kit.design.change.checking import SuiteCheck, check_scenarios
from orchestra_kit.design.change.difference import ChangeKind, ProcessChange, ProcessDiff, diff_graphs
from orchestra_kit.design.change.matching import Matching, match_graphs
from orchestra_kit.design.change.restoring import NewScenario, Restoration, restore_coverage
from orchestra_kit.design.change.verdicts import ScenarioVerdict, Trouble, Verdict

__all__ = [
    "ChangeKind",
    "Matching",
    "NewScenario",
    "ProcessChange",
    "ProcessDiff",
    "Restoration",
    "ScenarioVerdict",
    "SuiteCheck",
    "Trouble",
    "Verdict",
    "check_scenarios",
    "diff_graphs",
    "match_graphs",
    "restore_coverage",
]
