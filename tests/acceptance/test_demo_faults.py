"""Every named fault of the demo shop is found where and as it says, and a shop without a fault passes every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestra_kit.demo import faulty
from orchestra_kit.demo.faults import FAULTS, check_fault
from orchestra_kit.demo.launcher import start_shop
from orchestra_kit.demo.services.database import create_database
from orchestra_kit.errors import UnknownNameError
from orchestra_kit.model import RunStatus, StepStatus

ROUNDS = 20
SHOPS_AT_ONCE = 3
REQUIRED = {
    "wrong-status", "wrong-total", "missing-row", "late-row", "duplicate-row", "schema-breach", "lost-update",
    "wrong-branch", "error-once", "slow", "stale-read", "swallowed-error",
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, start, finish):
    """What comes of the scenario of each fault, several at a time: most of them are waited for in vain."""
    folder = tmp_path_factory.mktemp("shops")

    def run(fault):
        with start_shop(folder / fault.name, fault=fault.name) as shop:
            return finish(start(shop, fault.name, scenario=fault.scenario))

    with ThreadPoolExecutor(SHOPS_AT_ONCE) as pool:
        yield {name: pool.submit(run, fault) for name, fault in FAULTS.items()}
        pool.shutdown(cancel_futures=True)


def in_order(run):
    return sorted(run.results, key=lambda result: (result.order_index, result.attempt))


def first_violation(run):
    """The first step with a violation, and that violation."""
    return next((result, result.violations[0]) for result in in_order(run) if result.violations)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_at_its_step(name, outcomes):
    fault = FAULTS[name]
    [run] = outcomes[name].result().runs
    result, violation = first_violation(run)
    assert (result.step_alias, violation.type, violation.code) == (fault.step, fault.violation, fault.code)
    attempts = [item for item in in_order(run) if item.step_alias == fault.step]
    assert attempts[-1].status is fault.status


@pytest.mark.timeout(300)
def test_only_a_declared_retry_saves_a_run(outcomes):
    verdicts = {name: outcome.result().exit_code for name, outcome in outcomes.items()}
    assert verdicts == {name: 0 if fault.status is StepStatus.FLAKY else 1 for name, fault in FAULTS.items()}
    [flaky] = outcomes["error-once"].result().runs
    assert [item.step_alias for item in flaky.results if item.status is StepStatus.FLAKY] == ["quote"]


@pytest.mark.timeout(400)
def test_shop_without_a_fault_passes_every_time(tmp_path, start, finish):
    with start_shop(tmp_path) as shop:
        for number in range(0, ROUNDS, 4):
            together = [item for _ in range(4) for item in start(shop, "sound")]
            outcome = finish(together)
            assert outcome.exit_code == 0, (number, outcome.sentence())
            assert len(outcome.runs) == 4 * 6
            assert {run.run.status for run in outcome.runs} == {RunStatus.PASSED}
            assert {result.status for run in outcome.runs for result in run.results} == {StepStatus.PASSED}


def demo(folder, home, *options):
    return subprocess.run(
        [sys.executable, "-m", "orchestra_kit.cli", "demo", *options],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"ORCHESTRA_HOME": str(home)},
        timeout=240,
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["wrong-total", "unbalanced-ledger", "error-once"])
def test_command_runs_the_whole_suite_against_a_faulty_shop(name, tmp_path, home, workspace):
    fault = FAULTS[name]
    done = demo(tmp_path, home, "--fault", name, "--executor", "inline", "--processes", "1", "--out", "out", "--json")
    assert done.returncode == (0 if fault.status is StepStatus.FLAKY else 1), done.stderr
    answer = json.loads(done.stdout)
    assert answer["exitCode"] == done.returncode
    assert len(answer["runs"]) == 6
    [run] = [item for item in answer["runs"] if item["scenarioKey"] == fault.scenario]
    step = next(item for item in run["steps"] if item["violations"])
    assert (step["alias"], step["violations"][0]["type"]) == (fault.step, fault.violation.value)
    assert run["status"] == ("PASSED" if fault.status is StepStatus.FLAKY else "FAILED")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.html", "junit.xml", "report.json"}
    assert fault.step in (tmp_path / "out" / "report.html").read_text()


def test_command_lists_the_faults(tmp_path, home):
    done = demo(tmp_path, home, "--fault", "list", "--json")
    assert done.returncode == 0, done.stderr
    listed = {item["name"]: item for item in json.loads(done.stdout)}
    assert set(listed) >= REQUIRED
    assert listed["slow"]["step"] == "pay" and listed["slow"]["violation"] == "TIMEOUT"
    assert listed["error-once"]["status"] == "FLAKY"


def test_command_names_the_nearest_fault(tmp_path, home):
    done = demo(tmp_path, home, "--fault", "lost-updat")
    assert done.returncode == 2
    assert "lost-update" in done.stderr and "Traceback" not in done.stderr


def test_every_fault_has_what_breaks_the_shop():
    assert set(faulty.BREAK) == set(FAULTS)
    assert len({fault.description for fault in FAULTS.values()}) == len(FAULTS) >= 14


def test_unknown_fault_starts_no_shop(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown fault 'wrong-totl'"):
        start_shop(tmp_path / "shop", fault="wrong-totl")
    assert not (tmp_path / "shop").exists()
    with pytest.raises(UnknownNameError):
        check_fault("")


def test_faulty_process_refuses_what_it_does_not_know(tmp_path):
    create_database(tmp_path / "shop.db")
    options = ["--database", str(tmp_path / "shop.db"), "--ready-file", str(tmp_path / "ready")]
    for words, said in (
        (["inventory", "--fault", "nonsense"], "unknown fault"),
        (["billing", "--fault", "slow"], "usage"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "orchestra_kit.demo.faulty", *words, *options], capture_output=True, text=True
        )
        assert done.returncode == 1
        assert said in done.stderr and "Traceback" not in done.stderr


def test_fault_needs_what_it_replaces():
    with pytest.raises(AttributeError, match="no total_prize to replace"):
        faulty.substitute(faulty.inventory, "total_prize", None)
    with pytest.raises(AttributeError, match="no operation GET /nothing to replace"):
        faulty.substitute_answer(faulty.inventory, "GET", "/nothing", lambda _, answer: answer)
