-- Every table begins with tenant_id: it leads every key, foreign key and policy. Identifiers are text.

CREATE TABLE tenant (
  tenant_id text NOT NULL CHECK (tenant_id <> ''),
  id text NOT NULL CHECK (id = tenant_id),
  name text NOT NULL,
  settings jsonb NOT NULL,
  PRIMARY KEY (tenant_id)
);

CREATE TABLE "user" (
  tenant_id text NOT NULL REFERENCES tenant,
  id text NOT NULL,
  external_id text NOT NULL,
  email text,
  display_name text,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT user_external_id UNIQUE (tenant_id, external_id)
);

CREATE TABLE user_tenant_role (
  tenant_id text NOT NULL,
  user_id text NOT NULL,
  role text NOT NULL,
  PRIMARY KEY (tenant_id, user_id, role),
  FOREIGN KEY (tenant_id, user_id) REFERENCES "user"
);

CREATE TABLE process (
  tenant_id text NOT NULL REFERENCES tenant,
  id text NOT NULL,
  key text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT process_key UNIQUE (tenant_id, key)
);

CREATE TABLE process_version (
  tenant_id text NOT NULL,
  process_id text NOT NULL,
  version integer NOT NULL,
  source_type text NOT NULL,
  source_uri text NOT NULL,
  source_text text,
  control_flow_graph jsonb NOT NULL,
  is_published boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  PRIMARY KEY (tenant_id, process_id, version),
  FOREIGN KEY (tenant_id, process_id) REFERENCES process
);

CREATE TABLE protocol_spec (
  tenant_id text NOT NULL REFERENCES tenant,
  protocol_id text NOT NULL,
  version integer NOT NULL,
  channel_type text NOT NULL,
  service_name text NOT NULL,
  raw_spec_uri text NOT NULL,
  raw_text text NOT NULL,
  parsed_summary jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  PRIMARY KEY (tenant_id, protocol_id, version),
  CONSTRAINT protocol_spec_service UNIQUE (tenant_id, service_name, version)
);

CREATE TABLE scenario_suite (
  tenant_id text NOT NULL REFERENCES tenant,
  id text NOT NULL,
  key text NOT NULL,
  process_id text,
  process_version integer,
  name text NOT NULL,
  tags jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT scenario_suite_key UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, process_id) REFERENCES process,
  FOREIGN KEY (tenant_id, process_id, process_version) REFERENCES process_version
);

CREATE TABLE test_scenario (
  tenant_id text NOT NULL,
  id text NOT NULL,
  version integer NOT NULL,
  suite_id text NOT NULL,
  key text NOT NULL,
  name text NOT NULL,
  status text NOT NULL,
  tags jsonb NOT NULL,
  active boolean NOT NULL,
  depends_on jsonb NOT NULL,
  recommended_data_sets jsonb NOT NULL,
  process_version integer,
  path jsonb NOT NULL,
  end_flow_ids jsonb NOT NULL,
  gaps jsonb NOT NULL,
  data jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL,
  PRIMARY KEY (tenant_id, id, version),
  CONSTRAINT test_scenario_key UNIQUE (tenant_id, suite_id, key, version),
  FOREIGN KEY (tenant_id, suite_id) REFERENCES scenario_suite
);

CREATE TABLE scenario_step (
  tenant_id text NOT NULL,
  scenario_id text NOT NULL,
  scenario_version integer NOT NULL,
  order_index integer NOT NULL,
  id text NOT NULL,
  alias text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  channel_type text,
  endpoint_ref jsonb,
  action jsonb NOT NULL,
  expectations jsonb NOT NULL,
  element_id text,
  flow_ids jsonb NOT NULL,
  PRIMARY KEY (tenant_id, scenario_id, scenario_version, order_index),
  CONSTRAINT scenario_step_alias UNIQUE (tenant_id, scenario_id, scenario_version, alias),
  FOREIGN KEY (tenant_id, scenario_id, scenario_version) REFERENCES test_scenario
);

CREATE TABLE test_data_set (
  tenant_id text NOT NULL REFERENCES tenant,
  id text NOT NULL,
  scope text NOT NULL,
  suite_id text,
  scenario_id text,
  name text NOT NULL,
  tags jsonb NOT NULL,
  origin text NOT NULL,
  data jsonb NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, suite_id) REFERENCES scenario_suite
);
CREATE UNIQUE INDEX test_data_set_name ON test_data_set
  (tenant_id, scope, coalesce(suite_id, ''), coalesce(scenario_id, ''), name);

CREATE TABLE environment (
  tenant_id text NOT NULL REFERENCES tenant,
  id text NOT NULL,
  name text NOT NULL,
  db_profiles jsonb NOT NULL,
  kafka_profiles jsonb NOT NULL,
  queue_profiles jsonb NOT NULL,
  http_services jsonb NOT NULL,
  grpc_services jsonb NOT NULL,
  variables jsonb NOT NULL,
  egress jsonb NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT environment_name UNIQUE (tenant_id, name)
);

CREATE TABLE db_connection_profile (
  tenant_id text NOT NULL REFERENCES tenant,
  id text NOT NULL,
  alias text NOT NULL,
  jdbc_url text NOT NULL,
  username_ref text,
  password_ref text,
  default_schema text,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE kafka_cluster_profile (
  tenant_id text NOT NULL REFERENCES tenant,
  id text NOT NULL,
  alias text NOT NULL,
  bootstrap_servers text NOT NULL,
  security_profile_ref text,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE queue_broker_profile (
  tenant_id text NOT NULL REFERENCES tenant,
  id text NOT NULL,
  alias text NOT NULL,
  kind text NOT NULL,
  endpoint text NOT NULL,
  credentials_ref text,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE suite_run (
  tenant_id text NOT NULL,
  id text NOT NULL,
  suite_id text NOT NULL,
  status text NOT NULL,
  context jsonb NOT NULL,
  cancel_requested boolean NOT NULL DEFAULT false,
  revision integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  started_at timestamptz,
  finished_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, suite_id) REFERENCES scenario_suite
);
CREATE INDEX suite_run_open ON suite_run (created_at, tenant_id, id) WHERE status IN ('PENDING', 'IN_PROGRESS');

-- A step commit updates lock_until and heartbeat_at only. No index holds them, so the update stays within its page
-- (HOT); the low fill factor leaves room for it, and the plan moves out of line so that it is not written again.
CREATE TABLE test_run (
  tenant_id text NOT NULL,
  id text NOT NULL,
  scenario_id text NOT NULL,
  scenario_key text NOT NULL,
  scenario_version integer NOT NULL,
  suite_run_id text,
  data_set_id text,
  data_row_key text,
  environment_id text,
  mode text NOT NULL,
  start_step_index integer,
  status text NOT NULL,
  status_reason text,
  priority integer NOT NULL,
  source_run_id text,
  executor text NOT NULL,
  created_at timestamptz NOT NULL,
  queued_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  correlation_id text NOT NULL,
  locked_by text,
  lock_until timestamptz,
  heartbeat_at timestamptz,
  claim_token text,
  lease_epoch integer NOT NULL DEFAULT 0,
  recoveries integer NOT NULL DEFAULT 0,
  cancel_requested boolean NOT NULL DEFAULT false,
  blocked boolean NOT NULL DEFAULT false,
  depends_on jsonb NOT NULL,
  needs_position boolean NOT NULL DEFAULT false,
  first_intent jsonb,
  position jsonb,
  plan jsonb NOT NULL,
  created_by text NOT NULL,
  triggered_by text NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, scenario_id, scenario_version) REFERENCES test_scenario,
  FOREIGN KEY (tenant_id, suite_run_id) REFERENCES suite_run,
  FOREIGN KEY (tenant_id, data_set_id) REFERENCES test_data_set,
  FOREIGN KEY (tenant_id, environment_id) REFERENCES environment,
  FOREIGN KEY (tenant_id, source_run_id) REFERENCES test_run
) WITH (fillfactor = 60, toast_tuple_target = 256, autovacuum_analyze_threshold = 20);
ALTER TABLE test_run ALTER COLUMN plan SET STORAGE EXTERNAL;
-- Newest first is the primary key backwards: ids sort by time. Every other index is partial, on a condition that look-ups
-- by key do not have: before the first ANALYZE of a new database the planner would take any index that begins with
-- tenant_id for such a look-up, also for foreign key checks, and read all runs of the tenant (measured).
CREATE INDEX test_run_scenario ON test_run (tenant_id, scenario_id, started_at) WHERE scenario_id IS NOT NULL;
CREATE INDEX test_run_suite ON test_run (tenant_id, suite_run_id) WHERE suite_run_id IS NOT NULL;
CREATE INDEX test_run_due ON test_run (tenant_id, priority DESC, created_at, id)
  WHERE status = 'PENDING' AND NOT blocked;
CREATE INDEX test_run_queued ON test_run (queued_at) INCLUDE (tenant_id, id) WHERE status = 'QUEUED';
CREATE INDEX test_run_active ON test_run (tenant_id, id) WHERE status IN ('QUEUED', 'IN_PROGRESS');

CREATE TABLE test_step_result (
  tenant_id text NOT NULL,
  run_id text NOT NULL,
  step_alias text NOT NULL,
  iteration integer NOT NULL,
  attempt integer NOT NULL,
  order_index integer NOT NULL,
  origin_run_id text NOT NULL,
  step_id text NOT NULL,
  idempotency_key text NOT NULL,
  status text NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz,
  duration_ms integer NOT NULL DEFAULT 0,
  actual_status_code integer,
  payload jsonb,
  violations jsonb,
  sealed text,
  PRIMARY KEY (tenant_id, run_id, step_alias, iteration, attempt),
  FOREIGN KEY (tenant_id, run_id) REFERENCES test_run
) WITH (fillfactor = 90);
CREATE INDEX test_step_result_payload ON test_step_result USING gin (payload jsonb_path_ops);

CREATE TABLE test_run_report (
  tenant_id text NOT NULL,
  id text NOT NULL,
  run_id text,
  suite_run_id text,
  format text NOT NULL,
  content jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, run_id) REFERENCES test_run,
  FOREIGN KEY (tenant_id, suite_run_id) REFERENCES suite_run
);
CREATE INDEX test_run_report_run ON test_run_report (tenant_id, run_id, format);
CREATE INDEX test_run_report_suite_run ON test_run_report (tenant_id, suite_run_id, format);

CREATE TABLE audit_log (
  tenant_id text NOT NULL REFERENCES tenant,
  id text NOT NULL,
  position bigint GENERATED ALWAYS AS IDENTITY,
  actor text NOT NULL,
  action text NOT NULL,
  entity_type text NOT NULL,
  entity_id text NOT NULL,
  details jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_log_newest ON audit_log (tenant_id, position);
CREATE INDEX audit_log_entity ON audit_log (tenant_id, entity_type, entity_id);

-- Row security: enabled, forced, for every command, the same sentence for every table.
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY %I ON %I FOR ALL TO orchestra_app, orchestra_worker '
      'USING (tenant_id = (SELECT current_setting(''orchestra.tenant_id'', true))) '
      'WITH CHECK (tenant_id = (SELECT current_setting(''orchestra.tenant_id'', true)))',
      name || '_of_tenant', name);
  END LOOP;
END $$;

-- What surfaces may do. Nobody deletes; audit rows are only added; a run's lease is the workers' business.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO orchestra_app, orchestra_worker;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO orchestra_app;
GRANT INSERT ON ALL TABLES IN SCHEMA public TO orchestra_app;
GRANT UPDATE ON tenant, "user", process, scenario_suite, test_data_set, environment, db_connection_profile,
  kafka_cluster_profile, queue_broker_profile TO orchestra_app;
GRANT DELETE ON user_tenant_role TO orchestra_app;
GRANT UPDATE (status, updated_at, updated_by) ON test_scenario TO orchestra_app;
GRANT UPDATE (status, status_reason, finished_at, recoveries, cancel_requested, blocked, locked_by, lock_until)
  ON test_run TO orchestra_app;
GRANT UPDATE (status, revision, cancel_requested, finished_at) ON suite_run TO orchestra_app;
GRANT UPDATE (status, finished_at, violations) ON test_step_result TO orchestra_app;

-- What workers may do.
GRANT SELECT ON tenant, protocol_spec, test_run, suite_run, test_step_result TO orchestra_worker;
GRANT UPDATE (status, status_reason, queued_at, started_at, finished_at, locked_by, lock_until, heartbeat_at,
  claim_token, lease_epoch, recoveries, cancel_requested, blocked, first_intent, position) ON test_run TO orchestra_worker;
GRANT UPDATE (status, context, cancel_requested, revision, started_at, finished_at) ON suite_run TO orchestra_worker;
GRANT INSERT ON test_step_result, audit_log TO orchestra_worker;
GRANT UPDATE (status, started_at, finished_at, duration_ms, actual_status_code, payload, violations, sealed)
  ON test_step_result TO orchestra_worker;

-- Everybody may ask which schema this is.
GRANT USAGE ON SCHEMA orchestra_meta TO orchestra_app, orchestra_worker;
GRANT SELECT ON orchestra_meta.alembic_version TO orchestra_app, orchestra_worker;

-- Work across tenants. The functions below belong to orchestra_dispatch, a role nobody logs in as. It sees, of runs and
-- suite runs that have not ended, only the columns granted here, and returns ids and one time.
CREATE POLICY test_run_dispatch ON test_run FOR SELECT TO orchestra_dispatch
  USING (tenant_id <> '' AND status IN ('PENDING', 'QUEUED', 'IN_PROGRESS'));
CREATE POLICY suite_run_dispatch ON suite_run FOR SELECT TO orchestra_dispatch
  USING (tenant_id <> '' AND status IN ('PENDING', 'IN_PROGRESS'));
GRANT USAGE ON SCHEMA public TO orchestra_dispatch;
GRANT SELECT (tenant_id, id, status, blocked, priority, created_at, queued_at, lock_until) ON test_run TO orchestra_dispatch;
GRANT SELECT (tenant_id, id, status, created_at) ON suite_run TO orchestra_dispatch;

-- One due run of each tenant that has any: skips from tenant to tenant instead of reading all their runs.
CREATE FUNCTION orchestra_due_runs(most integer)
RETURNS TABLE (tenant_id text, run_id text, due_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH RECURSIVE due AS (
    (SELECT r.tenant_id, r.id, r.created_at FROM test_run r WHERE r.status = 'PENDING' AND NOT r.blocked
     ORDER BY r.tenant_id, r.priority DESC, r.created_at, r.id LIMIT 1)
    UNION ALL
    SELECT later.tenant_id, later.id, later.created_at FROM due, LATERAL (
      SELECT r.tenant_id, r.id, r.created_at FROM test_run r
      WHERE r.status = 'PENDING' AND NOT r.blocked AND r.tenant_id > due.tenant_id
      ORDER BY r.tenant_id, r.priority DESC, r.created_at, r.id LIMIT 1) later
  )
  SELECT d.tenant_id, d.id, d.created_at FROM due d LIMIT most
$$;

-- Runs that have been QUEUED for so long without a claim: their wake-up was lost.
CREATE FUNCTION orchestra_waiting_runs(seconds double precision, most integer)
RETURNS TABLE (tenant_id text, run_id text, due_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT r.tenant_id, r.id, r.queued_at FROM test_run r
  WHERE r.status = 'QUEUED' AND r.queued_at <= clock_timestamp() - make_interval(secs => seconds)
  ORDER BY r.queued_at LIMIT most
$$;

-- Runs whose lease has run out.
CREATE FUNCTION orchestra_expired_leases(most integer)
RETURNS TABLE (tenant_id text, run_id text, due_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT r.tenant_id, r.id, r.lock_until FROM test_run r
  WHERE r.status = 'IN_PROGRESS' AND r.lock_until < clock_timestamp()
  ORDER BY r.lock_until LIMIT most
$$;

-- Suite runs that have not ended.
CREATE FUNCTION orchestra_open_suites(most integer)
RETURNS TABLE (tenant_id text, run_id text, due_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT s.tenant_id, s.id, s.created_at FROM suite_run s
  WHERE s.status IN ('PENDING', 'IN_PROGRESS') ORDER BY s.created_at, s.tenant_id, s.id LIMIT most
$$;

DO $$
DECLARE signature regprocedure;
BEGIN
  GRANT CREATE ON SCHEMA public TO orchestra_dispatch; -- needed to receive the functions, taken back below
  FOR signature IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO orchestra_worker', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO orchestra_dispatch', signature);
  END LOOP;
  REVOKE CREATE ON SCHEMA public FROM orchestra_dispatch;
END $$;

-- Wake-ups. Tables as huey's PostgresStorage names them; only workers reach them.
CREATE SCHEMA orchestra_queue;
CREATE TABLE orchestra_queue.huey_task (
  id bigserial PRIMARY KEY, queue text NOT NULL, data bytea NOT NULL, priority double precision NOT NULL DEFAULT 0.0);
CREATE INDEX huey_task_queue_priority_id ON orchestra_queue.huey_task (queue, priority DESC, id);
CREATE TABLE orchestra_queue.huey_schedule (
  id bigserial PRIMARY KEY, queue text NOT NULL, data bytea NOT NULL, timestamp double precision NOT NULL);
CREATE INDEX huey_schedule_queue_timestamp ON orchestra_queue.huey_schedule (queue, timestamp);
CREATE TABLE orchestra_queue.huey_kv (
  queue text NOT NULL, key text NOT NULL, value bytea NOT NULL, PRIMARY KEY (queue, key));
CREATE TABLE orchestra_queue.huey_counter (
  queue text NOT NULL, key text NOT NULL, value bigint NOT NULL DEFAULT 0, PRIMARY KEY (queue, key));
GRANT USAGE ON SCHEMA orchestra_queue TO orchestra_worker;
-- UPDATE is what FOR UPDATE SKIP LOCKED asks for when a message is taken.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA orchestra_queue TO orchestra_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA orchestra_queue TO orchestra_worker;
