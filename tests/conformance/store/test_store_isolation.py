"""A05, A10: what belongs to another tenant is answered exactly as what is absent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store_samples import a_commit, a_scenario, a_submission, a_suite, a_suite_run, an_environment, an_intent

from orchestra_kit.errors import LeaseLostError, NotFoundError
from orchestra_kit.model import (
    ControlFlowGraph,
    InterfaceSummary,
    RunStatus,
    ScenarioStatus,
    SourceType,
    SuiteRunStatus,
    TestDataSet,
    TestRunReport,
    User,
    new_id,
)
from orchestra_kit.spi.runs import RunFilter
from orchestra_kit.spi.work import FinishRun, Lease, RunRef, SuiteAdvance


def told(act, known: str) -> str:
    with pytest.raises(NotFoundError) as error:
        act(known)
    return str(error.value).replace(known, "ID")


@pytest.fixture
def things(world, foreign) -> dict[str, str]:
    """Ids of the other tenant, by what they name."""
    suite_run = a_suite_run(foreign.suite)
    run = a_submission(foreign.scenario, foreign.environment, suite_run_id=suite_run.id)
    foreign.store.submit(foreign.caller, (run,), suite_run=suite_run)
    graph = ControlFlowGraph(source_type=SourceType.BPMN)
    process = foreign.store.add_process_version(
        foreign.caller, key="p", name="P", graph=graph, source_uri="u", source_text="t"
    )
    spec = foreign.store.add_spec(
        foreign.caller, service_name="s", summary=InterfaceSummary(), source_uri="u", raw_text="t"
    )
    data = foreign.store.put_data_set(foreign.caller, TestDataSet(id=new_id(), tenant_id=foreign.tenant, name="d"))
    return {
        "run": run.run.id,
        "suite_run": suite_run.id,
        "process": process.process_id,
        "spec": spec.protocol_id,
        "data_set": data.id,
        "suite": foreign.suite.id,
        "scenario": foreign.scenario.id,
        "environment": foreign.environment.id,
    }


def test_every_read_and_change_by_a_foreign_id_is_answered_as_for_an_absent_one(world, things) -> None:
    store, caller = world.store, world.caller

    def report(**more) -> TestRunReport:
        return TestRunReport(
            id=new_id(), tenant_id=world.tenant, format="json", content={}, created_at=world.suite.created_at, **more
        )

    def submit(**more) -> None:
        store.submit(caller, (a_submission(world.scenario, world.environment, **more),))

    acts = [
        ("run", lambda key: store.get_run(caller, key)),
        ("run", lambda key: store.get_plan(caller, key)),
        ("run", lambda key: store.get_results(caller, key)),
        ("run", lambda key: store.cancel_run(caller, key)),
        ("run", lambda key: store.resume_run(caller, key)),
        ("run", lambda key: store.list_runs(caller, RunFilter(before=key))),
        ("run", lambda key: store.get_report(caller, key, report_format="json")),
        ("run", lambda key: store.save_report(caller, report(run_id=key))),
        ("run", lambda key: submit(source_run_id=key)),
        ("run", lambda key: submit(reuse_from=key)),
        ("suite_run", lambda key: store.get_suite_run(caller, key)),
        ("suite_run", lambda key: store.cancel_suite_run(caller, key)),
        ("suite_run", lambda key: store.save_report(caller, report(suite_run_id=key))),
        ("suite_run", lambda key: submit(suite_run_id=key)),
        ("process", lambda key: store.get_process(caller, key)),
        ("process", lambda key: store.get_process_version(caller, key)),
        ("process", lambda key: store.put_suite(caller, a_suite(world.tenant, "n", process_id=key, process_version=1))),
        ("spec", lambda key: store.get_spec(world.tenant, key, 1)),
        ("data_set", lambda key: store.get_data_set(caller, key)),
        ("data_set", lambda key: submit(data_set_id=key)),
        ("suite", lambda key: store.get_suite(caller, key)),
        ("suite", lambda key: store.create_scenario(caller, a_scenario(world.tenant, key, "n"))),
        ("scenario", lambda key: store.get_scenario(caller, key)),
        ("scenario", lambda key: store.scenario_history(caller, key)),
        ("scenario", lambda key: store.set_scenario_status(caller, key, 1, ScenarioStatus.PUBLISHED)),
        ("scenario", lambda key: submit(scenario_id=key)),
        ("environment", lambda key: store.get_environment(caller, key)),
        ("environment", lambda key: submit(environment_id=key)),
    ]
    for number, (what, act) in enumerate(acts):
        assert told(act, things[what]) == told(act, new_id()), (number, what)


def test_lists_hold_nothing_foreign(world, things, foreign) -> None:
    store, caller = world.store, world.caller
    foreign.store.put_user(foreign.caller, User(id="u", tenant_id=foreign.tenant, external_id="e"), [])
    assert store.list_runs(caller, RunFilter()) == ()
    assert store.list_runs(caller, RunFilter(scenario_id=things["scenario"])) == ()
    assert store.list_suite_runs(caller) == ()
    assert store.list_processes(caller) == () == store.list_specs(caller)
    assert store.list_data_sets(caller) == () == store.list_roles(caller, "u")
    assert [item.id for item in store.list_suites(caller)] == [world.suite.id]
    assert [item.id for item in store.list_scenarios(caller)] == [world.scenario.id]
    assert [item.id for item in store.list_environments(caller)] == [world.environment.id]
    assert {item.tenant_id for item in store.list_audit(caller)} == {world.tenant}


def test_the_same_ids_and_keys_in_two_tenants_do_not_meet(world, foreign) -> None:
    """A05: no unique key tells that a foreign row exists."""
    scenario = foreign.scenario.model_copy(
        update={"tenant_id": world.tenant, "suite_id": world.suite.id, "key": "twin"}
    )
    assert world.store.create_scenario(world.caller, scenario).id == foreign.scenario.id
    environment = an_environment(world.tenant, "twin").model_copy(update={"id": foreign.environment.id})
    assert world.store.put_environment(world.caller, environment).id == foreign.environment.id
    run = foreign.submit()[0]
    mine = a_submission(world.scenario, world.environment, id=run.id)
    assert world.store.submit(world.caller, (mine,))[0].id == run.id
    world.store.cancel_run(world.caller, run.id)
    assert foreign.run(run.id).status == "PENDING"


def test_values_of_another_tenant_are_not_stored(world, foreign) -> None:
    given = a_submission(foreign.scenario, foreign.environment)
    acts = [
        lambda: world.store.submit(world.caller, (given,)),
        lambda: world.store.submit(world.caller, (), suite_run=a_suite_run(foreign.suite)),
        lambda: world.store.put_suite(world.caller, a_suite(foreign.tenant)),
        lambda: world.store.create_scenario(world.caller, a_scenario(foreign.tenant, foreign.suite.id, "n")),
        lambda: world.store.put_environment(world.caller, an_environment(foreign.tenant)),
        lambda: world.store.put_data_set(world.caller, TestDataSet(id="d", tenant_id=foreign.tenant, name="d")),
        lambda: world.store.put_user(world.caller, User(id="u", tenant_id=foreign.tenant, external_id="e"), []),
    ]
    for act in acts:
        with pytest.raises(NotFoundError):
            act()


def test_a_lease_reaches_its_own_tenant_only(world, foreign) -> None:
    claimed = foreign.started()
    ref = RunRef(tenant_id=world.tenant, run_id=claimed.run.id)
    assert world.work.claim_run(ref, worker_id="w1", lease_seconds=30) is None
    lease = Lease(tenant_id=world.tenant, run_id=claimed.run.id, worker_id="w1", epoch=claimed.lease.epoch)
    with pytest.raises(LeaseLostError):
        world.work.finish_run(FinishRun(lease=lease, status=RunStatus.PASSED))
    commit = replace(a_commit(claimed, an_intent(0), None), lease=lease)
    with pytest.raises(LeaseLostError):
        world.work.commit_step(commit)
    (row,) = foreign.store.get_results(foreign.caller, claimed.run.id)
    assert row.status == "RUNNING"


def test_suite_runs_of_another_tenant_are_neither_loaded_nor_moved(world, things, foreign) -> None:
    assert world.work.load_suite(world.tenant, things["suite_run"]) is None
    given = SuiteAdvance(
        tenant_id=world.tenant, suite_run_id=things["suite_run"], revision=0, status=SuiteRunStatus.FAILED
    )
    assert world.work.advance_suite(given) is False
    assert foreign.store.get_suite_run(foreign.caller, things["suite_run"]).status == "PENDING"
