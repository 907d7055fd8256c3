"""Row security on the migrated database: the checklist, and attempts to see and write what is another tenant's."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import psycopg
import pytest
from store_samples import a_scenario, a_submission, a_suite, an_environment, caller_of

from orchestra_kit.errors import DefinitionError, StoreUnavailableError
from orchestra_kit.spi.work import RunRef
from orchestra_kit.store.postgres.database import Database
from orchestra_kit.store.postgres.store import PostgresStore
from orchestra_kit.store.postgres.trips import Connection
from orchestra_kit.store.postgres.work import PostgresWork

_spec = importlib.util.spec_from_file_location("rls_checklist", Path(__file__).with_name("rls_checklist.py"))
assert _spec is not None and _spec.loader is not None
checklist = importlib.util.module_from_spec(_spec)
import sys  # noqa: E402

sys.modules["rls_checklist"] = checklist
_spec.loader.exec_module(checklist)

ROLES = ["orchestra_app", "orchestra_worker"]
SECRET = "a-secret-of-beta"


@pytest.fixture(scope="module")
def filled(urls):
    """Two tenants, each with a run; beta's rows hold a secret word."""
    store, work = PostgresStore(urls.app), PostgresWork(urls.worker)
    for tenant in ("alpha", "beta"):
        store.ensure_tenant(tenant, name=SECRET if tenant == "beta" else tenant, actor="x")
        suite = store.put_suite(caller_of(tenant), a_suite(tenant))
        scenario = store.create_scenario(caller_of(tenant), a_scenario(tenant, suite.id))
        environment = store.put_environment(caller_of(tenant), an_environment(tenant))
        store.submit(caller_of(tenant), (a_submission(scenario, environment, correlation_id=SECRET),))
    for ref in work.promote_due():
        work.claim_run(ref, worker_id="w", lease_seconds=30)
    store.close()
    work.close()
    return urls


@pytest.fixture
def app(filled):
    with psycopg.connect(filled.app, autocommit=True) as connection:
        yield connection


@pytest.fixture
def admin(filled):
    with psycopg.connect(filled.admin, autocommit=True) as connection:
        yield connection


def tables(connection) -> list[str]:
    rows = connection.execute(
        "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    return [name for (name,) in rows]


def errors(connection) -> list[str]:
    return [f"{item.check} {item.obj}" for item in checklist.run(connection, ROLES) if item.severity == "error"]


def as_alpha(connection, statement: str, *values: str) -> None:
    with connection.transaction():
        connection.execute("SELECT set_config('orchestra.tenant_id', 'alpha', true)")
        connection.execute(statement, values)


def test_the_checklist_finds_nothing(admin) -> None:
    assert checklist.run(admin, ROLES) == []
    assert len(tables(admin)) == 19


@pytest.mark.parametrize(
    "mistake, found",
    [
        ("CREATE TABLE forgotten (tenant_id text NOT NULL PRIMARY KEY)", "C01 public.forgotten"),
        ("ALTER TABLE test_run DISABLE ROW LEVEL SECURITY", "C01 public.test_run"),
        ("ALTER TABLE test_run NO FORCE ROW LEVEL SECURITY", "C02 public.test_run"),
        ("DROP POLICY test_run_of_tenant ON test_run", "C03 public.test_run"),
        ("CREATE POLICY p ON test_run FOR INSERT WITH CHECK (true)", "C05 public.test_run/p"),
        ("GRANT SELECT ON test_run TO PUBLIC", "C10 public.test_run"),
        ("GRANT EXECUTE ON FUNCTION orchestra_due_runs TO PUBLIC", "C11 orchestra_due_runs(integer)"),
        ("CREATE VIEW v AS SELECT * FROM test_run; GRANT SELECT ON v TO orchestra_app", "C12 public.v"),
        ("ALTER ROLE orchestra_app BYPASSRLS", "C08 orchestra_app"),
    ],
)
def test_the_checklist_finds_what_a_change_forgot(filled, mistake, found) -> None:
    """A01, A06."""
    with psycopg.connect(filled.admin) as connection:
        connection.execute(mistake)
        assert found in errors(connection)
        connection.rollback()


@pytest.mark.parametrize("role", ROLES)
def test_a_forgotten_filter_shows_no_foreign_row(filled, role) -> None:
    """A02: every table read whole, by each role, within alpha's transaction."""
    url = filled.app if role == "orchestra_app" else filled.worker
    seen = 0
    with psycopg.connect(url, autocommit=True) as connection:
        for table in tables(connection):
            with connection.transaction():
                connection.execute("SELECT set_config('orchestra.tenant_id', 'alpha', true)")
                if not connection.execute("SELECT has_table_privilege(%s, 'SELECT')", (table,)).fetchone()[0]:
                    continue
                rows = connection.execute(f"SELECT tenant_id FROM {table}").fetchall()
            assert {tenant for (tenant,) in rows} <= {"alpha"}, table
            seen += len(rows)
    assert seen >= (4 if role == "orchestra_app" else 3)


@pytest.mark.parametrize("setting", [None, "", "nobody", "alpha'--", "%"])
def test_an_unset_empty_or_unknown_tenant_sees_nothing(app, setting) -> None:
    """A27."""
    for table in tables(app):
        with app.transaction():
            if setting is not None:
                app.execute("SELECT set_config('orchestra.tenant_id', %s, true)", (setting,))
            assert app.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_work_without_a_tenant_is_an_error(filled) -> None:
    """A27."""
    work = PostgresWork(filled.worker)
    with pytest.raises(DefinitionError, match="no tenant"):
        work.claim_run(RunRef(tenant_id="", run_id="x"), worker_id="w", lease_seconds=1)
    work.close()


def test_rows_of_another_tenant_are_neither_written_nor_changed(app) -> None:
    for statement in (
        "INSERT INTO environment SELECT 'beta', 'x', 'x', '{}', '{}', '{}', '{}', '{}', '{}', '{}'",
        "UPDATE environment SET tenant_id = 'beta'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            as_alpha(app, statement)
    with app.transaction():
        app.execute("SELECT set_config('orchestra.tenant_id', 'alpha', true)")
        assert app.execute("UPDATE tenant SET name = 'x' WHERE tenant_id = 'beta'").rowcount == 0


def test_a_foreign_key_does_not_tell_that_a_foreign_row_exists(app, admin) -> None:
    """A05: the same error for a foreign and an absent suite."""
    (foreign,) = admin.execute("SELECT id FROM scenario_suite WHERE tenant_id = 'beta'").fetchone()
    said = []
    for suite in (foreign, "absent"):
        statement = (
            "INSERT INTO suite_run (tenant_id, id, suite_id, status, context, created_at, created_by)"
            " VALUES ('alpha', 'x', %s, 'PENDING', '{}', now(), 'x')"
        )
        with pytest.raises(psycopg.errors.ForeignKeyViolation) as error:
            as_alpha(app, statement, suite)
        said.append(str(error.value).replace(suite, "ID"))
    assert said[0] == said[1]


@pytest.mark.parametrize("harm", ["error", "plain set", "plain set_config"])
def test_a_pooled_connection_forgets_the_tenant_it_had(filled, harm) -> None:
    """A04."""
    database = Database(filled.app, most=1)

    def spoil(connection) -> None:
        if harm == "error":
            connection.execute("SELECT 1 / 0")
        elif harm == "plain set":
            connection.execute("SET orchestra.tenant_id = 'beta'")
        else:
            connection.execute("SELECT set_config('orchestra.tenant_id', 'beta', false)")

    if harm == "error":
        with pytest.raises(StoreUnavailableError, match="division by zero"):
            database.in_tenant("beta", spoil)
    else:
        database.in_tenant("beta", spoil)
    assert database.across_tenants("SELECT count(*) AS n FROM test_run", {}) == [{"n": 0}]
    rows = database.in_one_trip("alpha", "SELECT DISTINCT tenant_id FROM test_run", {})
    assert rows == [{"tenant_id": "alpha"}]
    database.close()


def test_one_trip_leaves_no_tenant_behind(filled) -> None:
    database = Database(filled.app, most=1)
    database.in_one_trip("beta", "SELECT 1", {})

    def look(connection: Connection) -> None:
        row = connection.execute("SELECT coalesce(current_setting('orchestra.tenant_id', true), '') AS t").fetchone()
        assert row == {"t": ""}
        assert connection.execute("SELECT count(*) AS n FROM test_run").fetchone() == {"n": 0}

    database._on_a_connection(look)
    database.close()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
def test_audit_rows_are_never_changed(filled, role, statement) -> None:
    """A26."""
    url = filled.app if role == "orchestra_app" else filled.worker
    with psycopg.connect(url, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_a_change_whose_audit_row_fails_is_not_made(filled) -> None:
    """A26: both are one transaction."""
    store = PostgresStore(filled.app)
    with psycopg.connect(filled.admin, autocommit=True) as admin:
        admin.execute("ALTER TABLE audit_log ADD CONSTRAINT broken CHECK (actor <> 'eve') NOT VALID")
        try:
            with pytest.raises((StoreUnavailableError, psycopg.IntegrityError)):
                store.put_environment(caller_of("alpha", "eve"), an_environment("alpha", "never"))
        finally:
            admin.execute("ALTER TABLE audit_log DROP CONSTRAINT broken")
    assert "never" not in [item.name for item in store.list_environments(caller_of("alpha"))]
    store.close()


def test_only_workers_find_work_across_tenants_and_see_ids_alone(filled, app) -> None:
    """A06."""
    calls = ("due_runs(9)", "waiting_runs(0, 9)", "expired_leases(9)", "open_suites(9)")
    for call in calls:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(f"SELECT * FROM orchestra_{call}")
    with psycopg.connect(filled.worker, autocommit=True) as worker:
        for call in calls:
            cursor = worker.execute(f"SELECT * FROM orchestra_{call}")
            assert [column.name for column in cursor.description] == ["tenant_id", "run_id", "due_at"]
        for statement in ("SELECT * FROM environment", "SELECT * FROM audit_log", "SET ROLE orchestra_dispatch"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(statement)


def test_a_table_in_the_way_does_not_fool_the_functions(filled) -> None:
    """A06: a temporary test_run comes last in the search path."""
    with psycopg.connect(filled.admin, autocommit=True) as admin:
        admin.execute("GRANT TEMPORARY ON DATABASE " + admin.info.dbname + " TO orchestra_worker")
    with psycopg.connect(filled.worker, autocommit=True) as worker:
        worker.execute("CREATE TEMPORARY TABLE test_run (tenant_id text, id text, status text, queued_at timestamptz)")
        worker.execute("INSERT INTO pg_temp.test_run VALUES ('forged', 'forged', 'QUEUED', '2000-01-01')")
        rows = worker.execute("SELECT tenant_id FROM orchestra_waiting_runs(0, 9)").fetchall()
    assert ("forged",) not in rows


def test_the_owner_itself_sees_no_row(filled) -> None:
    with psycopg.connect(filled.owner, autocommit=True) as owner:
        owner.execute("SELECT set_config('orchestra.tenant_id', 'beta', false)")
        assert owner.execute("SELECT count(*) FROM test_run").fetchone() == (0,)


@pytest.mark.parametrize("role", ROLES)
def test_roles_have_their_time_limits(filled, role) -> None:
    url = filled.app if role == "orchestra_app" else filled.worker
    with psycopg.connect(url, autocommit=True) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout", "TimeZone")
        }
    assert shown == {
        "statement_timeout": "30s",
        "idle_in_transaction_session_timeout": "5s",
        "lock_timeout": "10s",
        "TimeZone": "UTC",
    }
