"""What a step costs: commits counted, plans read, nothing rewritten whole."""

from __future__ import annotations

import json
import re

import psycopg
import pytest
from store_samples import a_commit, a_scenario, a_submission, a_suite, an_environment, an_intent, caller_of

from orchestra_kit.model import RunStatus, TenantSettings
from orchestra_kit.spi.runs import RunFilter
from orchestra_kit.spi.work import FinishRun
from orchestra_kit.store.postgres import gathered_statements, run_statements, statements
from orchestra_kit.store.postgres.rows import commit_json, intent_values, result_values
from orchestra_kit.store.postgres.store import PostgresStore
from orchestra_kit.store.postgres.work import PostgresWork

STEPS = 10


@pytest.fixture(scope="module")
def made(urls):
    """A tenant with 400 runs, 200 of them queued, on a database nobody has analysed."""
    store, work = PostgresStore(urls.app), PostgresWork(urls.worker)
    caller = caller_of("t")
    store.ensure_tenant("t", name="T", actor="x")
    store.set_settings(caller, TenantSettings(max_parallel_runs=200))
    suite = store.put_suite(caller, a_suite("t"))
    scenario = store.create_scenario(caller, a_scenario("t", suite.id, steps=STEPS))
    environment = store.put_environment(caller, an_environment("t"))
    store.submit(caller, tuple(a_submission(scenario, environment) for _ in range(400)))
    refs = work.promote_due(limit=1000)
    assert len(refs) == 200
    yield store, work, list(refs), scenario
    store.close()
    work.close()


@pytest.fixture
def counted(urls):
    """Writes down the transaction of every change, by a trigger, so that commits are counted exactly."""
    tables = ("test_run", "test_step_result", "audit_log", "suite_run")
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("CREATE SCHEMA counting")
        admin.execute("CREATE TABLE counting.seen (xid xid8, changed text)")
        admin.execute(
            "CREATE FUNCTION counting.see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
            " INSERT INTO counting.seen VALUES (pg_current_xact_id(), TG_TABLE_NAME || ' ' || TG_OP); RETURN NULL; END $$"
        )
        for table in tables:
            admin.execute(
                f"CREATE TRIGGER see AFTER INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION counting.see()"
            )
        yield admin
        for table in tables:
            admin.execute(f"DROP TRIGGER see ON {table}")
        admin.execute("DROP SCHEMA counting CASCADE")


def test_a_run_of_n_steps_commits_n_plus_2_times(made, counted) -> None:
    _, work, refs, _ = made
    claimed = work.claim_run(refs.pop(), worker_id="w", lease_seconds=30)
    for number in range(STEPS):
        following = an_intent(number + 1) if number + 1 < STEPS else None
        work.commit_step(a_commit(claimed, an_intent(number), following))
    work.finish_run(FinishRun(lease=claimed.lease, status=RunStatus.PASSED))
    (commits,) = counted.execute("SELECT count(DISTINCT xid) FROM counting.seen").fetchone()
    assert commits == STEPS + 2
    rows = counted.execute("SELECT changed, count(*) FROM counting.seen GROUP BY 1 ORDER BY 1").fetchall()
    assert dict(rows) == {
        "audit_log INSERT": 2,  # claim and finish
        "test_run UPDATE": STEPS + 2,
        "test_step_result INSERT": STEPS,
        "test_step_result UPDATE": STEPS,
    }


def test_a_step_writes_no_more_late_in_a_run_than_early(made, urls) -> None:
    """Deltas only: rewriting the context would grow with every step."""
    _, work, refs, _ = made
    claimed, body = work.claim_run(refs.pop(), worker_id="w", lease_seconds=30), {"text": "x" * 2000}
    with psycopg.connect(urls.admin, autocommit=True) as admin:

        def written(number: int) -> int:
            (before,) = admin.execute(
                "SELECT pg_column_size(r.*) FROM test_run r WHERE id = %s", (claimed.run.id,)
            ).fetchone()
            work.commit_step(a_commit(claimed, an_intent(number), an_intent(number + 1), response_body=body))
            (after,) = admin.execute(
                "SELECT pg_column_size(r.*) FROM test_run r WHERE id = %s", (claimed.run.id,)
            ).fetchone()
            return after - before

        assert [written(number) for number in range(30)] == [0] * 30


def test_a_commit_touches_no_index_of_the_run(made, urls) -> None:
    """The lease is in no index, so its update is HOT. One of 30 may find its page full."""
    _, work, refs, _ = made
    claimed = work.claim_run(refs.pop(), worker_id="w", lease_seconds=30)
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        work.close()  # a backend reports its counts when it ends
        query = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'test_run'"
        own = PostgresWork(urls.worker)
        admin.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.2)")
        before = admin.execute(query).fetchone()
        for number in range(30):
            own.commit_step(a_commit(claimed, an_intent(number), an_intent(number + 1)))
        own.close()
        for _ in range(100):
            admin.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.05)")
            after = admin.execute(query).fetchone()
            if after[0] - before[0] >= 30:
                break
    assert after[0] - before[0] >= 30
    assert (after[1] - before[1]) / (after[0] - before[0]) > 0.8


def explain(connection, statement: str, values: dict) -> str:
    with connection.transaction(force_rollback=True):
        connection.execute("SELECT set_config('orchestra.tenant_id', 't', true)")
        return "\n".join(row[0] for row in connection.execute("EXPLAIN (COSTS OFF) " + statement, values))


@pytest.mark.parametrize("analysed", [False, True])
def test_hot_statements_look_runs_up_by_their_whole_key(made, urls, analysed) -> None:
    _, work, refs, _ = made
    claimed = work.claim_run(refs.pop(), worker_id="w", lease_seconds=30)
    lease = {"tenant": "t", "run": claimed.run.id, "worker": "w", "epoch": 1, "lease_seconds": 30.0}
    commit = a_commit(claimed, an_intent(0), an_intent(1))
    of_run = {"unknown": None, "status": "PASSED", "reason": None, "exports": "{}", "abort": False}
    cases = {
        statements.CLAIM: {**lease, "token": "x"},
        statements.COMMIT_STEP: {
            **result_values(commit.result),
            **lease,
            **intent_values(claimed.run.id, commit.next_intent),
        },
        statements.FINISH: {**lease, **of_run},
        statements.FINISH_ALONE: {**lease, **of_run},
        statements.EXTEND: {**lease, "runs": [claimed.run.id], "epochs": [1]},
        statements.LOCK_EXPIRED: lease,
    }
    together = {"tenant": "t", "lease_seconds": 30.0, "runs": [claimed.run.id]}
    commit_text = commit_json({**result_values(commit.result), **intent_values(claimed.run.id, commit.next_intent)})
    lease_text = json.dumps({"number": 0, "run": claimed.run.id, "worker": "w", "epoch": 1})
    cases |= {
        gathered_statements.CLAIM_RUNS: {**together, "requests": f"[{lease_text}]"},
        gathered_statements.COMMIT_STEPS: {**together, "requests": f"[{lease_text[:-1]},{commit_text[1:]}]"},
        gathered_statements.FINISH_RUNS: {**together, "requests": f"[{lease_text}]"},
    }
    if analysed:
        with psycopg.connect(urls.admin, autocommit=True) as admin:
            admin.execute("ANALYZE")
    with psycopg.connect(urls.worker, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")  # 400 analysed rows are few enough to be read whole
        for statement, values in cases.items():
            plan = explain(connection, statement, values)
            scans = re.findall(r"Scan(?: Backward)? using (\w+) on test_run|Seq Scan on (test_run\b)", plan)
            assert scans and {name for name, _ in scans} <= {"test_run_pkey", "test_run_active"}, plan
            for condition in re.findall(r"on test_run.*\n\s+Index Cond: (.*)", plan):
                assert "tenant_id" in condition and re.search(r"\bid\b", condition), plan
            assert "Seq Scan on test_step_result" not in plan, plan


def test_lists_and_sweeps_use_indexes(made, urls) -> None:
    _, _, _, scenario = made
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("ANALYZE")
    with psycopg.connect(urls.app, autocommit=True) as app:
        values = {"tenant": "t", "limit": 20, "before": "0", "scenario": scenario.id}
        plan = explain(app, run_statements.list_runs(RunFilter(before="x")), values)
        assert "Index Scan Backward using test_run_pkey" in plan, plan
    with psycopg.connect(urls.worker, autocommit=True) as worker:
        worker.execute("SET enable_seqscan = off")
        plan = explain(worker, statements.PROMOTE, {"tenant": "t", "limit": 5})
        assert "test_run_due" in plan and "Seq Scan on test_run" not in plan, plan
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("SET enable_seqscan = off")
        for source in admin.execute("SELECT prosrc FROM pg_proc WHERE proname LIKE 'orchestra\\_%'").fetchall():
            text = source[0].replace("most", "9").replace("=> seconds", "=> 1.0")
            plan = "\n".join(row[0] for row in admin.execute("EXPLAIN (COSTS OFF) " + text))
            assert "Seq Scan" not in plan, plan
