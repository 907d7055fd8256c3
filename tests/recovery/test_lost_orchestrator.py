"""The worker that orchestrates a suite dies between a scenario's end and the start of those that wait for it."""

from __future__ import annotations

import time

import psycopg
import pytest
from fault_watch import changes, rows
from store_samples import a_submission

from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.suites import SuiteOrchestrator
from orchestra_kit.model import RunStatus, SuiteRun, SuiteRunStatus, new_id
from orchestra_kit.spi.clock import SystemClock
from orchestra_kit.spi.plan import SpecReader

HALT = 4711
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"


@pytest.fixture
def halted(stage):
    """Halt every transaction that lets a dependent go or skips one, until the fixture's connection gives way."""
    with psycopg.connect(stage.urls.admin, autocommit=True) as admin:
        admin.execute(
            "CREATE FUNCTION watch.halt() RETURNS trigger LANGUAGE plpgsql AS"
            f" 'BEGIN PERFORM pg_advisory_xact_lock_shared({HALT}); RETURN NEW; END'"
        )
        admin.execute(
            "CREATE TRIGGER halted BEFORE UPDATE ON test_run FOR EACH ROW"
            " WHEN (OLD.blocked AND NOT NEW.blocked) EXECUTE FUNCTION watch.halt()"
        )
        admin.execute("SELECT pg_advisory_lock(%s)", (HALT,))
        yield lambda: admin.execute("SELECT pg_advisory_unlock_all()")


def test_dependents_start_once_after_the_orchestrator_died_before_its_commit(stage, halted):
    """T17: killed with its decision written and not committed; the next worker decides again."""
    wrong = stage.calls(1)
    wrong[0]["expectations"]["businessRules"] = ["response.body.token == 'never'"]
    scenarios = {name: stage.calls(1) for name in ("parent", "left", "right", "both", "orphan", "grandchild")}
    needs = {
        "left": ["parent"],
        "right": ["parent"],
        "both": ["left", "right"],
        "orphan": ["broken"],
        "grandchild": ["orphan"],
    }
    stage.define("suite", {**scenarios, "broken": wrong}, depends=needs)
    doomed = stage.fleet.start()[0]
    submitted = stage.submit()
    by_key = {run.scenario_key: run.id for run in submitted.runs}
    stage.until(lambda: rows(stage.urls, WAITING), "the orchestrator is about to let dependents go")
    stage.until(lambda: stage.run(by_key["parent"]).status == "PASSED", "the parent has ended")
    doomed.kill()
    halted()
    stage.fleet.start(2)
    stage.wait(submitted)
    statuses = {key: stage.run(run_id).status for key, run_id in by_key.items()}
    assert statuses == {
        "parent": "PASSED", "left": "PASSED", "right": "PASSED", "both": "PASSED",
        "broken": "FAILED", "orphan": "SKIPPED", "grandchild": "SKIPPED",
    }  # fmt: skip
    moved = [change.id for change in changes(stage.urls, "run") if change.move == ("PENDING", "QUEUED")]
    assert sorted(moved) == sorted(by_key[key] for key in ("parent", "left", "right", "both", "broken"))
    sent = {effect.run: effect.at for effect in stage.service.journal()}
    assert len(stage.service.journal()) == 5
    assert max(sent[by_key["left"]], sent[by_key["right"]]) < sent[by_key["both"]]
    assert "to be PASSED, which was FAILED" in stage.run(by_key["orphan"]).status_reason
    assert "to be PASSED, which was SKIPPED" in stage.run(by_key["grandchild"]).status_reason
    assert stage.workspace.stores.runs.get_suite_run(stage.caller, submitted.suite_run.id).status == "FAILED"
    stage.check()


def big_suite(stage, needs):
    """Store a suite run of 1 000 runs; `needs(number)` names what a run depends on."""
    stage.define("big", {"one": stage.calls(1)})
    suite = stage.workspace.stores.scenarios.get_suite(stage.caller, "big")
    scenario = stage.workspace.stores.scenarios.get_scenario(stage.caller, "big/one")
    environment = stage.workspace.stores.environments.get_environment(stage.caller, "test")
    suite_run = SuiteRun(
        id=new_id(), tenant_id="local", suite_id=suite.id, created_at=scenario.created_at, created_by="t"
    )
    made = tuple(
        a_submission(
            scenario, environment, scenario_key=f"n{number}", suite_run_id=suite_run.id, blocked=bool(needs(number)),
            depends_on=tuple((f"n{other}", RunStatus.PASSED) for other in needs(number)), first_intent=None,
        )
        for number in range(1000)
    )  # fmt: skip
    stage.workspace.stores.runs.submit(stage.caller, made, suite_run=suite_run)
    return suite_run, made


def orchestrator(stage):
    equipment = Equipment(
        store=stage.work(), plugins={}, sealer=None, clock=SystemClock(), secrets=lambda _: None,
        specs=SpecReader(lambda *_: None),
    )  # fmt: skip
    return SuiteOrchestrator(equipment)


def test_a_thousand_runs_are_let_go_at_once(stage, orphan_limit):
    """T18, through the store: all wait for one."""
    _, made = big_suite(stage, lambda number: [0] if number else [])
    orchestrator(stage).tick()
    stage.workspace.stores.runs.cancel_run(stage.caller, made[0].run.id)
    with psycopg.connect(stage.urls.admin) as admin:  # as if it had passed
        admin.execute("ALTER TABLE test_run DISABLE TRIGGER watched")
        admin.execute("UPDATE test_run SET status = 'PASSED' WHERE id = %s", (made[0].run.id,))
        admin.execute("ALTER TABLE test_run ENABLE TRIGGER watched")
    began = time.monotonic()
    orchestrator(stage).tick()
    took = time.monotonic() - began
    free = rows(stage.urls, "SELECT count(*) AS many FROM test_run WHERE status = 'PENDING' AND NOT blocked")
    assert free[0]["many"] == 999
    assert took < orphan_limit(-2.0), "2 s on a quiet machine"


def test_a_chain_of_a_thousand_is_skipped_in_one_decision(stage, orphan_limit):
    """T18, through the store: each waits for the one before, and the first is cancelled."""
    suite_run, made = big_suite(stage, lambda number: [number - 1] if number else [])
    stage.workspace.stores.runs.cancel_run(stage.caller, made[0].run.id)
    began = time.monotonic()
    orchestrator(stage).tick()
    took = time.monotonic() - began
    assert stage.statuses() == {"CANCELLED": 1, "SKIPPED": 999}
    print({"skipped 999 in s": round(took, 2)})
    orchestrator(stage).tick()
    ended = stage.workspace.stores.runs.get_suite_run(stage.caller, suite_run.id)
    assert ended.status is SuiteRunStatus.CANCELLED
    assert "depends on 'n998'" in stage.run(made[999].run.id).status_reason
    assert took < orphan_limit(-2.0), "2 s on a quiet machine"
    stage.check()
