"""Definitions: copy on write, optimistic locks, transitions, limits, names, audit rows."""

from __future__ import annotations

import threading

import pytest
from store_samples import START, a_scenario, a_suite, an_environment, caller_of

from orchestra_kit.errors import ConflictError, DefinitionError, LimitError, NotFoundError
from orchestra_kit.model import (
    ControlFlowGraph,
    DataScope,
    DbConnectionProfile,
    Gap,
    HttpService,
    InterfaceSummary,
    KafkaClusterProfile,
    QueueBrokerProfile,
    Role,
    ScenarioStatus,
    SourceType,
    SpecWarning,
    TenantSettings,
    TestDataSet,
    User,
    new_id,
)


def test_a_tenant_is_made_once(world) -> None:
    again = world.store.ensure_tenant(world.tenant, name="Other", actor="x")
    assert again == world.store.get_tenant(world.tenant)
    assert again.name == world.tenant.title()
    settings = TenantSettings(max_parallel_runs=3)
    assert world.store.set_settings(world.caller, settings).settings == settings
    assert world.store.get_tenant(world.tenant).settings == settings


@pytest.mark.parametrize("tenant", ["", " "])
def test_work_without_a_tenant_is_refused(world, tenant) -> None:
    """A27."""
    with pytest.raises(DefinitionError, match="no tenant"):
        world.store.get_run(caller_of(tenant), "any")
    with pytest.raises(DefinitionError, match="no tenant"):
        world.store.ensure_tenant(tenant, name="x", actor="x")
    with pytest.raises(DefinitionError, match="no tenant"):
        world.store.list_suites(caller_of(tenant))


def test_a_user_and_its_roles_are_replaced(world) -> None:
    user = User(id="u1", tenant_id=world.tenant, external_id="ext", email="a@b.c")
    world.store.put_user(world.caller, user, [Role.VIEWER, Role.TEST_RUNNER, Role.VIEWER])
    assert [item.role for item in world.store.list_roles(world.caller, "u1")] == [Role.TEST_RUNNER, Role.VIEWER]
    world.store.put_user(world.caller, user.model_copy(update={"email": "new@b.c"}), [Role.ORG_ADMIN])
    assert [item.role for item in world.store.list_roles(world.caller, "u1")] == [Role.ORG_ADMIN]
    with pytest.raises(ConflictError, match="external id"):
        world.store.put_user(world.caller, user.model_copy(update={"id": "u2"}), [])


def test_process_versions_are_frozen_and_the_same_text_is_known(world) -> None:
    graph = ControlFlowGraph(source_type=SourceType.BPMN)

    def add(text: str | None):
        return world.store.add_process_version(
            world.caller, key="order", name="Order", graph=graph, source_uri="o.bpmn", source_text=text
        )

    first, second = add("<one/>"), add("<two/>")
    assert (first.version, second.version, add("<one/>")) == (1, 2, first)
    assert (add(None).version, add(None).version) == (3, 4)
    process = world.store.get_process(world.caller, "order")
    assert world.store.get_process_version(world.caller, process.id).version == 4
    assert world.store.get_process_version(world.caller, process.id, 1) == first
    assert world.store.list_processes(world.caller) == (process,)
    with pytest.raises(NotFoundError, match="order"):
        world.store.get_process(world.caller, "ordr")
    with pytest.raises(NotFoundError):
        world.store.get_process_version(world.caller, process.id, 9)


def test_interface_versions_are_frozen_and_the_same_text_is_known(world) -> None:
    summary = InterfaceSummary(title="Shop", warnings=(SpecWarning(code="c", where="#/x", message="m"),))

    def add(text: str, service: str = "shop"):
        return world.store.add_spec(
            world.caller, service_name=service, summary=summary, source_uri="s.yaml", raw_text=text
        )

    first, second, other = add("a"), add("b"), add("a", "bank")
    assert (second.version, second.protocol_id, add("a")) == (2, first.protocol_id, first)
    assert world.store.find_spec(world.caller, "shop") == second
    assert world.store.find_spec(world.caller, "shop", 1) == first
    assert world.store.get_spec(world.tenant, first.protocol_id, 1) == first
    assert world.store.list_specs(world.caller) == (other, second)
    with pytest.raises(NotFoundError, match="Did you mean 'shop'"):
        world.store.find_spec(world.caller, "shp")


def test_a_suite_is_replaced_by_its_key(world) -> None:
    again = world.store.put_suite(world.caller, a_suite(world.tenant, world.suite.key, tags=("a",)))
    assert (again.id, again.created_by, again.tags) == (world.suite.id, world.suite.created_by, ("a",))
    assert world.store.get_suite(world.caller, world.suite.key) == again
    assert world.store.get_suite(world.caller, again.id) == again
    with pytest.raises(NotFoundError, match="process version"):
        world.store.put_suite(world.caller, a_suite(world.tenant, "x", process_id="absent", process_version=1))
    taken = a_suite(world.tenant, "other").model_copy(update={"id": world.suite.id})
    with pytest.raises(ConflictError):
        world.store.put_suite(world.caller, taken)


def test_a_change_makes_a_new_version_and_leaves_the_old(world) -> None:
    first = world.scenario
    changed = first.model_copy(update={"name": "changed", "steps": first.steps[:1], "version": 99})
    second = world.store.update_scenario(caller_of(world.tenant, "bob"), changed, expected_version=1)
    assert (second.version, second.name, len(second.steps)) == (2, "changed", 1)
    assert (second.created_by, second.updated_by) == ("setup", "bob")
    assert world.store.scenario_history(world.caller, first.id) == (first, second)
    assert world.store.get_scenario(world.caller, first.id) == second
    assert world.store.get_scenario(world.caller, "happy", 1) == first
    assert world.store.get_scenario(world.caller, "orders/happy") == second


def test_an_old_version_cannot_be_changed_and_the_conflict_names_who_and_when(world) -> None:
    second = world.store.update_scenario(caller_of(world.tenant, "bob"), world.scenario, expected_version=1)
    with pytest.raises(ConflictError) as told:
        world.store.update_scenario(world.caller, world.scenario, expected_version=1)
    for part in ("happy", "version 2", "bob", second.updated_at.isoformat(timespec="seconds"), "version 1"):
        assert part in str(told.value)
    assert len(world.store.scenario_history(world.caller, world.scenario.id)) == 2


def test_of_many_writers_at_once_one_wins(world) -> None:
    ends: list[str] = []

    def write() -> None:
        try:
            world.store.update_scenario(world.caller, world.scenario, expected_version=1)
            ends.append("stored")
        except ConflictError:
            ends.append("conflict")

    threads = [threading.Thread(target=write) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["conflict"] * 4 + ["stored"]


def test_a_scenario_keeps_its_key_and_suite(world) -> None:
    moved = world.scenario.model_copy(update={"key": "other"})
    with pytest.raises(ConflictError, match="keeps its key"):
        world.store.update_scenario(world.caller, moved, expected_version=1)


def test_scenarios_are_published_and_deprecated(world) -> None:
    def move(status: ScenarioStatus):
        return world.store.set_scenario_status(world.caller, world.scenario.id, 1, status)

    with pytest.raises(ConflictError, match="DRAFT and cannot become DEPRECATED"):
        move(ScenarioStatus.DEPRECATED)
    assert move(ScenarioStatus.PUBLISHED).status is ScenarioStatus.PUBLISHED
    with pytest.raises(ConflictError):
        move(ScenarioStatus.PUBLISHED)
    with pytest.raises(ConflictError):
        move(ScenarioStatus.DRAFT)
    assert move(ScenarioStatus.DEPRECATED).status is ScenarioStatus.DEPRECATED
    assert move(ScenarioStatus.PUBLISHED) == world.store.get_scenario(world.caller, world.scenario.id)
    with pytest.raises(NotFoundError):
        world.store.set_scenario_status(world.caller, world.scenario.id, 9, ScenarioStatus.PUBLISHED)
    audit = world.store.list_audit(world.caller, entity_id=world.scenario.id)
    assert [item.action for item in audit] == ["publish", "deprecate", "publish", "create"]


def test_a_scenario_with_gaps_is_not_published(world) -> None:
    gaps = (Gap(code="NO_INPUT", message="pay lacks an amount"),)
    scenario = world.store.create_scenario(world.caller, a_scenario(world.tenant, world.suite.id, "gappy", gaps=gaps))
    with pytest.raises(ConflictError, match=r"gap.*pay lacks an amount"):
        world.store.set_scenario_status(world.caller, scenario.id, 1, ScenarioStatus.PUBLISHED)


def test_a_scenario_is_created_as_a_draft_under_a_free_key(world) -> None:
    given = a_scenario(world.tenant, world.suite.id, "new", status=ScenarioStatus.PUBLISHED)
    stored = world.store.create_scenario(world.caller, given)
    assert (stored.status, stored.version, stored.created_by) == (ScenarioStatus.DRAFT, 1, "ann")
    with pytest.raises(ConflictError, match="'new' is there already"):
        world.store.create_scenario(world.caller, a_scenario(world.tenant, world.suite.id, "new"))
    with pytest.raises(NotFoundError, match="no suite"):
        world.store.create_scenario(world.caller, a_scenario(world.tenant, "absent", "x"))


def test_a_tenant_has_no_more_scenarios_than_its_limit(world) -> None:
    world.store.set_settings(world.caller, TenantSettings(max_scenarios_per_tenant=2))
    world.store.create_scenario(world.caller, a_scenario(world.tenant, world.suite.id, "second"))
    with pytest.raises(LimitError, match="maxScenariosPerTenant"):
        world.store.create_scenario(world.caller, a_scenario(world.tenant, world.suite.id, "third"))
    world.store.update_scenario(world.caller, world.scenario, expected_version=1)


def test_scenarios_are_found_by_suite_tag_and_status(world) -> None:
    tagged = world.store.create_scenario(
        world.caller, a_scenario(world.tenant, world.suite.id, "tagged", tags=("smoke",))
    )
    world.store.set_scenario_status(world.caller, tagged.id, 1, ScenarioStatus.PUBLISHED)
    draft = world.store.update_scenario(world.caller, tagged, expected_version=1)
    listed = world.store.list_scenarios(world.caller)
    assert [(item.key, item.version) for item in listed] == [("happy", 1), ("tagged", 2)]
    assert listed[1] == draft
    assert [item.key for item in world.store.list_scenarios(world.caller, tag="smoke")] == ["tagged"]
    published = world.store.list_scenarios(world.caller, status=ScenarioStatus.PUBLISHED)
    assert [(item.key, item.version) for item in published] == [("tagged", 1)]
    assert world.store.list_scenarios(world.caller, suite_id="absent") == ()


def test_a_key_in_two_suites_must_be_said_with_its_suite(world) -> None:
    other = world.store.put_suite(world.caller, a_suite(world.tenant, "returns"))
    twin = world.store.create_scenario(world.caller, a_scenario(world.tenant, other.id, "happy"))
    with pytest.raises(DefinitionError, match="orders/happy, returns/happy"):
        world.store.get_scenario(world.caller, "happy")
    assert world.store.get_scenario(world.caller, "returns/happy") == twin
    with pytest.raises(NotFoundError, match="Did you mean"):
        world.store.get_scenario(world.caller, "orders/hapy")


def test_an_environment_is_replaced_by_name_and_keeps_its_id(world) -> None:
    given = an_environment(world.tenant, world.environment.name, variables={"a": [1, {"b": None}]})
    stored = world.store.put_environment(world.caller, given)
    assert stored == given.model_copy(update={"id": world.environment.id})
    assert world.store.get_environment(world.caller, stored.name) == stored
    assert world.store.get_environment(world.caller, stored.id) == stored
    assert world.store.list_environments(world.caller) == (stored,)
    with pytest.raises(NotFoundError, match="Did you mean 'test'"):
        world.store.get_environment(world.caller, "tset")


def test_profiles_are_given_by_alias(world) -> None:
    db = DbConnectionProfile(id="p1", tenant_id=world.tenant, alias="shop", jdbc_url="jdbc:sqlite:x")
    kafka = KafkaClusterProfile(id="p1", tenant_id=world.tenant, alias="bus", bootstrap_servers="h:1")
    broker = QueueBrokerProfile(id="p1", tenant_id=world.tenant, alias="mq", kind="rabbit", endpoint="h:2")
    world.store.put_db_profile(world.caller, db)
    db = world.store.put_db_profile(world.caller, db.model_copy(update={"default_schema": "s"}))
    world.store.put_kafka_profile(world.caller, kafka)
    world.store.put_queue_profile(world.caller, broker)
    environment = an_environment(
        world.tenant,
        "full",
        db_profiles={"main": "p1"},
        kafka_profiles={"bus": "p1"},
        queue_profiles={"mq": "p1"},
        http_services={"shop": HttpService(base_url="http://x")},
    )
    world.store.put_environment(world.caller, environment)
    assert world.store.get_environment(world.caller, "full") == environment
    assert world.store.get_profiles(world.caller, environment) == ({"main": db}, {"bus": kafka}, {"mq": broker})
    lost = environment.model_copy(update={"kafka_profiles": {"bus": "absent"}})
    with pytest.raises(NotFoundError, match="Kafka profile 'absent'"):
        world.store.get_profiles(world.caller, lost)


def test_data_sets_are_replaced_by_name_within_their_scope(world) -> None:
    def put(**more):
        given = TestDataSet(id=new_id(), tenant_id=world.tenant, name="customers", **more)
        return world.store.put_data_set(world.caller, given)

    first = put(tags=("a",))
    again = put(data={"common": {"x": 1}, "rows": [{"key": "r1", "values": {"y": "2"}}]})
    assert again.id == first.id
    assert world.store.get_data_set(world.caller, "customers") == again
    scoped = put(scope=DataScope.SUITE, suite_id=world.suite.id, tags=("a",))
    assert scoped.id != first.id
    with pytest.raises(DefinitionError, match="not unique"):
        world.store.get_data_set(world.caller, "customers")
    assert world.store.get_data_set(world.caller, scoped.id) == scoped
    assert world.store.list_data_sets(world.caller, tag="a") == (scoped,)
    for wrong in ({"suite_id": "absent"}, {"scenario_id": "absent"}):
        with pytest.raises(NotFoundError):
            put(scope=DataScope.SUITE, **wrong)


def test_every_change_leaves_its_audit_row(world) -> None:
    world.store.put_environment(world.caller, an_environment(world.tenant, "second"))
    entry = world.store.list_audit(world.caller, limit=1)[0]
    assert (entry.actor, entry.action, entry.entity_type) == ("ann", "create", "Environment")
    actions = [item.action for item in reversed(world.store.list_audit(world.caller))]
    assert actions == ["create"] * 5
    assert entry.created_at > START
