"""Suite runs: dependencies checked, decided, skipped through generations, advanced once, context passed on."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_kit.engine.suites import SuiteOrchestrator, check_dependencies, decide
from orchestra_kit.errors import DefinitionError
from orchestra_kit.model import RunStatus, ScenarioDependency, SuiteRun, SuiteRunStatus, TestScenario, new_id
from orchestra_kit.spi.work import SuiteAdvance, SuiteChild, SuiteState

S = RunStatus


def child(name: str, status: RunStatus = S.PENDING, *depends: Any, key: str | None = None) -> SuiteChild:
    pairs = tuple((item, S.PASSED) if isinstance(item, str) else item for item in depends)
    blocked = bool(pairs) and status is S.PENDING
    return SuiteChild(run_id=name, scenario_key=key or name, status=status, blocked=blocked, depends_on=pairs)


def state(
    *children: SuiteChild, status: SuiteRunStatus = SuiteRunStatus.IN_PROGRESS, cancel: bool = False
) -> SuiteState:
    return SuiteState(
        tenant_id="local", suite_run_id="sr", status=status, revision=3, children=children, cancel_requested=cancel
    )


def decided(*children: SuiteChild, **more: Any) -> SuiteAdvance:
    advance = decide(state(*children, **more))
    assert advance is not None
    return advance


class TestDecide:
    def test_nothing_to_do_is_nothing(self) -> None:
        assert decide(state(child("a", S.IN_PROGRESS), child("b", S.PENDING, "a"))) is None
        assert decide(state(child("a", S.PASSED), status=SuiteRunStatus.PASSED)) is None

    def test_a_passed_parent_lets_its_child_go_at_the_revision_seen(self) -> None:
        advance = decided(child("a", S.PASSED), child("b", S.PENDING, "a"))
        assert (advance.release, advance.skip, advance.status, advance.revision) == (("b",), (), None, 3)

    def test_all_rows_of_a_parent_must_pass(self) -> None:
        rows = [child("a1", S.PASSED, key="a"), child("a2", S.IN_PROGRESS, key="a")]
        assert decide(state(*rows, child("b", S.PENDING, "a"))) is None
        rows[1] = child("a2", S.FAILED, key="a")
        advance = decided(*rows, child("b", S.PENDING, "a"))
        assert advance.skip == (("b", "it depends on 'a' to be PASSED, which was FAILED."),)
        assert advance.status is SuiteRunStatus.FAILED

    def test_all_parents_must_end_as_required(self) -> None:
        children = [child("a", S.PASSED), child("b", S.IN_PROGRESS), child("c", S.PENDING, "a", "b")]
        assert decide(state(*children)) is None

    def test_a_failed_parent_skips_all_generations_with_the_reason(self) -> None:
        children = [
            child("a", S.FAILED),
            child("b", S.PENDING, "a"),
            child("c", S.PENDING, "b"),
            child("d", S.PENDING, "c"),
        ]
        advance = decided(*children)
        reasons = dict(advance.skip)
        assert set(reasons) == {"b", "c", "d"}
        assert reasons["c"] == "it depends on 'b' to be PASSED, which was SKIPPED."
        assert advance.status is SuiteRunStatus.FAILED

    def test_a_required_failure_lets_the_child_go(self) -> None:
        advance = decided(child("a", S.FAILED), child("undo", S.PENDING, ("a", S.FAILED)), child("go", S.PENDING, "a"))
        assert advance.release == ("undo",)
        assert [run_id for run_id, _ in advance.skip] == ["go"]
        assert advance.status is None

    def test_a_parent_that_is_not_there_skips(self) -> None:
        advance = decided(child("b", S.PENDING, "gone"), child("a", S.IN_PROGRESS))
        assert advance.skip == (("b", "it depends on 'gone', which is not part of this suite run."),)

    @pytest.mark.parametrize(
        ("ends", "expected"),
        [
            ((S.PASSED, S.PASSED), SuiteRunStatus.PASSED),
            ((S.PASSED, S.FAILED), SuiteRunStatus.FAILED),
            ((S.PASSED, S.FAILED_STUCK), SuiteRunStatus.FAILED),
            ((S.PASSED, S.CANCELLED), SuiteRunStatus.CANCELLED),
            ((S.FAILED, S.CANCELLED), SuiteRunStatus.FAILED),
            ((S.PASSED, S.SKIPPED), SuiteRunStatus.PASSED),
            ((S.SKIPPED, S.SKIPPED), SuiteRunStatus.FAILED),
            ((), SuiteRunStatus.FAILED),
        ],
    )
    def test_the_end_follows_from_the_ends(self, ends: tuple[RunStatus, ...], expected: SuiteRunStatus) -> None:
        assert decided(*(child(str(n), status) for n, status in enumerate(ends))).status is expected

    def test_a_suite_begins_with_its_first_run(self) -> None:
        advance = decided(child("a", S.QUEUED), status=SuiteRunStatus.PENDING)
        assert (advance.status, advance.release) == (SuiteRunStatus.IN_PROGRESS, ())
        assert decide(state(child("a", S.PENDING), status=SuiteRunStatus.PENDING)) is None

    def test_a_cancelled_suite_lets_nothing_go(self) -> None:
        assert decide(state(child("a", S.PASSED), child("b", S.PENDING, "a"), cancel=True)) is None

    def test_a_thousand_in_a_row_are_skipped_quickly(self) -> None:
        children = [child("s0", S.FAILED), *(child(f"s{n}", S.PENDING, f"s{n - 1}") for n in range(1, 1000))]
        begun = time.process_time()
        assert len(decided(*children).skip) == 999
        assert time.process_time() - begun < 2

    @given(st.data())
    def test_a_suite_always_comes_to_its_end_and_starts_each_run_once(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, 7))
        parents = [
            tuple(
                (f"k{p}", data.draw(st.sampled_from([S.PASSED, S.FAILED])))
                for p in data.draw(st.lists(st.integers(0, n - 1), unique=True, max_size=3))
            )
            if n
            else ()
            for n in range(count)
        ]
        children = {f"k{n}": child(f"k{n}", S.PENDING, *parents[n]) for n in range(count)}
        started = [name for name, item in children.items() if not item.blocked]
        for _ in range(count * 3 + 3):
            running = [n for n, c in children.items() if not c.blocked and c.status is S.PENDING]
            for name in running:
                end = data.draw(st.sampled_from([S.PASSED, S.FAILED, S.FAILED_STUCK]))
                children[name] = child(name, end, *parents[int(name[1:])])
            advance = decide(state(*children.values()))
            if advance is None:
                continue
            for run_id in advance.release:
                assert all(children[key].status is required for key, required in children[run_id].depends_on)
                started.append(run_id)
                old = children[run_id]
                children[run_id] = SuiteChild(
                    run_id=run_id, scenario_key=run_id, status=S.PENDING, blocked=False, depends_on=old.depends_on
                )
            for run_id, reason in advance.skip:
                assert run_id not in started
                assert reason
                children[run_id] = child(run_id, S.SKIPPED, *parents[int(run_id[1:])])
            if advance.status is not None and advance.status.terminal:
                break
        else:
            raise AssertionError("the suite never ended")
        assert len(started) == len(set(started))
        assert all(item.status.terminal for item in children.values())


def scenario(world: Any, key: str, *depends: Any) -> TestScenario:
    pairs = [item if isinstance(item, tuple) else (item, S.PASSED) for item in depends]
    now = world.clock.now()
    return TestScenario(
        id=f"id-{key}", tenant_id="local", suite_id="suite", key=key, created_at=now, created_by="t", updated_at=now,
        updated_by="t", depends_on=tuple(ScenarioDependency(scenario_key=k, required_status=s) for k, s in pairs),
    )  # fmt: skip


class TestCheckDependencies:
    """T18."""

    def test_a_good_graph_passes(self, world: Any) -> None:
        check_dependencies([scenario(world, "a"), scenario(world, "b", "a"), scenario(world, "c", "a", "b")])

    @pytest.mark.parametrize(
        ("graph", "message"),
        [
            ({"a": ["a"]}, "'a' depends on itself"),
            ({"a": ["b"], "b": ["a"]}, "in a circle: a -> b -> a"),
            ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, "in a circle: a -> b -> c -> a"),
            ({"pay": [], "ship": ["pey"]}, "'ship' depends on 'pey'.*Did you mean 'pay'"),
            ({"a": [], "b": [("a", S.QUEUED)]}, "to be QUEUED, which is no way to end"),
        ],
    )
    def test_a_bad_graph_is_refused_with_its_path(self, world: Any, graph: dict[str, Any], message: str) -> None:
        with pytest.raises(DefinitionError, match=message) as caught:
            check_dependencies([scenario(world, key, *parents) for key, parents in graph.items()])
        assert caught.value.place is not None
        assert (caught.value.place.field or "").endswith(".dependsOn")

    def test_a_thousand_nodes_are_quick_also_in_one_circle(self, world: Any) -> None:
        begun = time.process_time()
        line = [scenario(world, "s0"), *(scenario(world, f"s{n}", f"s{n - 1}", "s0") for n in range(1, 1000))]
        check_dependencies(line)
        line[0] = scenario(world, "s0", "s999")
        with pytest.raises(DefinitionError, match="s0 -> s999"):
            check_dependencies(line)
        assert time.process_time() - begun < 2


def suite_of(world: Any, graph: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Submit a suite run; return its id and the run of each key."""
    from orchestra_kit.model import TestRun
    from orchestra_kit.spi.runs import RunSubmission

    suite_run_id = new_id()
    world.store.submit(
        world.caller, (),
        suite_run=SuiteRun(id=suite_run_id, tenant_id="local", suite_id="suite", created_at=world.clock.now(), created_by="t"),
    )  # fmt: skip
    runs: dict[str, str] = {}
    for key, (steps, depends) in graph.items():
        source = world.submit(steps, key=key, promote=False)
        plan, first = (
            world.store.get_plan(world.caller, source),
            world.store._tables.runs[("local", source)].first_intent,
        )
        world.store.cancel_run(world.caller, source)
        run = TestRun(
            id=new_id(), tenant_id="local", scenario_id=f"id-{key}", scenario_key=key, scenario_version=1,
            suite_run_id=suite_run_id, created_at=world.clock.now(), correlation_id="c", created_by="t",
        )  # fmt: skip
        submission = RunSubmission(
            run=run, plan=plan, first_intent=first, depends_on=tuple((name, S.PASSED) for name in depends)
        )
        world.store.submit(world.caller, (submission,))
        runs[key] = run.id
    return suite_run_id, runs


def work_off(world: Any) -> None:
    orchestrator, executor = SuiteOrchestrator(world.equipment()), world.executor()
    for _ in range(20):
        orchestrator.tick()
        for ref in world.store.promote_due():
            executor.execute(ref)


def test_exports_of_a_parent_reach_its_dependents(world: Any) -> None:
    world.system.script("make", world.http(201, {"id": 41, "secret": "x"}))
    graph = {
        "parent": ([world.action("make", exportAs={"orderId": "response.body.id"})], ()),
        "child": ([world.action("use", {"id": "{{ suite.orderId + 1 }}"})], ("parent",)),
    }
    suite_run_id, runs = suite_of(world, graph)
    work_off(world)
    suite_run = world.store.get_suite_run(world.caller, suite_run_id)
    assert suite_run.status is SuiteRunStatus.PASSED
    assert suite_run.context == {"orderId": 41}
    assert world.system.inputs("use") == [{"id": 42}]
    assert world.run(runs["child"]).status is S.PASSED


def test_an_export_that_cannot_be_had_fails_its_step(world: Any) -> None:
    run_id = world.execute([world.action("make", exportAs={"orderId": "response.body.nothing"})])
    assert world.codes(run_id, "make") == ["EXPORT_FAILED"]
    assert world.run(run_id).status is S.FAILED


def test_exports_of_replayed_steps_are_not_lost(world: Any) -> None:
    from orchestra_kit.engine.session import StepSession

    world.system.script("make", world.http(201, {"id": 41}))
    steps = [world.action("make", exportAs={"orderId": "response.body.id"}), world.action("more")]
    suite_run_id, runs = suite_of(world, {"parent": (steps, ())})
    world.store.promote_due()
    claimed = world.store.claim_run(world.ref(runs["parent"]), worker_id="w1", lease_seconds=30)
    StepSession(claimed, world.equipment()).run_step("make")
    world.clock.pass_time(31)
    world.store.reap_expired(max_recoveries=5)
    assert world.executor("w2").execute(world.ref(runs["parent"])) is S.PASSED
    assert world.store.get_suite_run(world.caller, suite_run_id).context == {"orderId": 41}


def test_a_failed_parent_skips_its_dependents_and_fails_the_suite(world: Any) -> None:
    world.system.script("make", world.http(500))
    graph = {
        "parent": ([world.action("make", expect={"expectedStatusCode": 201})], ()),
        "child": ([world.action("use")], ("parent",)),
        "grandchild": ([world.action("use")], ("child",)),
        "other": ([world.action("alone")], ()),
    }
    suite_run_id, runs = suite_of(world, graph)
    work_off(world)
    assert {key: world.run(run_id).status for key, run_id in runs.items()} == {
        "parent": S.FAILED, "child": S.SKIPPED, "grandchild": S.SKIPPED, "other": S.PASSED,
    }  # fmt: skip
    assert "'child' to be PASSED" in world.run(runs["grandchild"]).status_reason
    assert world.store.get_suite_run(world.caller, suite_run_id).status is SuiteRunStatus.FAILED
    assert world.system.inputs("use") == []


def test_two_orchestrators_start_each_dependent_once(world: Any) -> None:
    """T17: a decision made at an old revision changes nothing."""
    graph = {"parent": ([world.action("make")], ()), "child": ([world.action("use")], ("parent",))}
    suite_run_id, _ = suite_of(world, graph)
    for ref in world.store.promote_due():
        world.executor().execute(ref)
    seen = world.store.load_suite("local", suite_run_id)
    first, second = decide(seen), decide(seen)
    assert first is not None
    assert second is not None
    assert first.release
    assert world.store.advance_suite(first)
    assert not world.store.advance_suite(second)
    assert decide(world.store.load_suite("local", suite_run_id)) is None
