# ruff: noqa
# fmt: off
# A copy of the shared row-security checklist (checks/rls_checklist.py), so that it always runs against our schema. Do not edit here.
"""Executable Row-Level-Security checklist for a multi-tenant PostgreSQL database.

    python checklist.py --dsn DSN --app-role orchestra_app [--tenant-role tenant_%]
                        [--schema public] [--tenant-column tenant_id]
                        [--global-table schema_migrations=reason] [--json out.json]

--app-role     a role the services log in as (repeatable)
--tenant-role  LIKE pattern of roles a tenant's own code may log in as (repeatable).
               Policies that read a session setting are errors for these roles:
               a hostile session may SET it to another tenant.
Reads the catalogues only. Exit status 1 when an error is found, 0 otherwise.
"""
from __future__ import annotations
import argparse, json, re, sys
from dataclasses import asdict, dataclass
import psycopg

POWER = {"pg_read_all_data", "pg_write_all_data", "pg_read_server_files", "pg_write_server_files",
         "pg_execute_server_program", "pg_signal_backend", "pg_monitor", "pg_read_all_stats",
         "pg_read_all_settings", "pg_stat_scan_tables", "pg_maintain", "pg_create_subscription", "pg_checkpoint"}
TITLES = {
 "C01": "row security enabled on every table and partition", "C02": "row security forced on every table",
 "C03": "a policy for each of SELECT/INSERT/UPDATE/DELETE the roles may do", "C04": "WITH CHECK written out on every policy that can write",
 "C05": "no policy that is constant true", "C06": "every policy names the tenant column",
 "C07": "no policy keyed on a session setting where tenants log in themselves", "C08": "roles have no power attribute or power membership",
 "C09": "roles own nothing", "C10": "nothing granted to PUBLIC", "C11": "SECURITY DEFINER functions: fixed search_path, no PUBLIC execute",
 "C12": "views are security_invoker", "C13": "no materialized view or foreign table readable by the roles",
 "C14": "foreign keys carry the tenant column", "C15": "primary/unique keys carry the tenant column (or are random uuids)",
 "C16": "tenant column NOT NULL", "C17": "an index with the tenant column first", "C18": "no TRUNCATE/REFERENCES/TRIGGER/MAINTAIN for the roles",
 "C19": "no CREATE on schemas for the roles", "C20": "no default privileges for PUBLIC", "C21": "no untrusted language or network extension reachable",
 "C22": "timeouts set on the roles", "C23": "no LEAKPROOF user function", "C24": "queue tables out of reach of tenant roles",
 "C25": "row_security not switched off for a role or database", "C26": "no plain-secret column names",
}

@dataclass(frozen=True)
class Finding:
    check: str; severity: str; obj: str; detail: str

def run(conn: psycopg.Connection, app_roles: list[str], tenant_like: list[str] = (), schemas: list[str] = ("public",),
        tenant_col: str = "tenant_id", global_tables: dict[str, str] | None = None, queue_like: str = "huey%") -> list[Finding]:
    out: list[Finding] = []
    glob = global_tables or {}
    q = lambda sql, *p: conn.execute(sql, p).fetchall()
    def err(c, o, d): out.append(Finding(c, "error", o, d))
    def warn(c, o, d): out.append(Finding(c, "warn", o, d))
    schemas = list(schemas)
    tenants = [r for (r,) in q("select rolname from pg_roles where rolcanlogin and rolname like any(%s)", list(tenant_like))]
    roles = sorted({*app_roles, *tenants})
    known = {r for (r,) in q("select rolname from pg_roles where rolname = any(%s)", roles)}
    for r in roles:
        if r not in known: err("C08", r, "role does not exist")
    roles = [r for r in roles if r in known]
    can = lambda r, oid, priv: q("select has_table_privilege(%s::name, %s::oid, %s)", r, oid, priv)[0][0]

    tables = q("""select c.oid, n.nspname||'.'||c.relname, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relkind
                  from pg_class c join pg_namespace n on n.oid=c.relnamespace
                  where n.nspname=any(%s) and c.relkind in ('r','p') and not exists(select 1 from pg_depend d where d.objid=c.oid and d.deptype='e') order by 2""", schemas)
    tenant_tables: dict[int, str] = {}
    for oid, name, rel, rls, force, kind in tables:
        cols = {c: nn for c, nn in q("select attname, attnotnull from pg_attribute where attrelid=%s and attnum>0 and not attisdropped", oid)}
        for c in cols:
            if re.search(r"(^|_)(password|passwd|secret|api_?key|private_key|access_token)$", c, re.I) and not c.lower().endswith("ref"):
                warn("C26", f"{name}.{c}", "looks like a secret kept by value; keep a reference")
        if re.fullmatch(queue_like.replace("%", ".*"), rel):
            for r in tenants:
                got = [p for p in ("SELECT", "INSERT", "UPDATE", "DELETE") if can(r, oid, p)]
                if got: err("C24", name, f"{r} may {', '.join(got)}: what it writes is unserialised by a worker")
            continue
        reach = {r: [p for p in ("SELECT", "INSERT", "UPDATE", "DELETE") if can(r, oid, p)] for r in roles}
        for r in roles:
            bad = [p for p in ("TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN") if _priv(conn, r, oid, p)]
            if bad: err("C18", name, f"{r} has {', '.join(bad)}")
        if name in glob or rel in glob:
            for r, ps in reach.items():
                if set(ps) - {"SELECT"}: err("C01", name, f"declared global, but {r} may {', '.join(ps)}")
            continue
        if not rls: err("C01", name, "row security is off")
        if not force: err("C02", name, "row security is not forced (owner bypasses it)")
        if tenant_col not in cols: err("C16", name, f"no column {tenant_col}")
        else:
            tenant_tables[oid] = name
            if not cols[tenant_col]: err("C16", name, f"{tenant_col} may be NULL")
            if not q("select 1 from pg_index i join pg_attribute a on a.attrelid=i.indrelid and a.attnum=i.indkey[0] where i.indrelid=%s and a.attname=%s and i.indisvalid and i.indpred is null", oid, tenant_col):
                err("C17", name, f"no index that begins with {tenant_col}")
        pols = q("""select polname, polcmd, polpermissive, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid),
                    array(select coalesce((select rolname from pg_roles where oid=x),'public')::text from unnest(polroles) x) from pg_policy where polrelid=%s""", oid)
        names = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}
        have = set()
        for pn, cmd, permissive, qual, check, prol in pols:
            cmd = cmd.decode() if isinstance(cmd, bytes) else cmd
            if permissive: have |= {"SELECT", "INSERT", "UPDATE", "DELETE"} if cmd == "*" else {names[cmd]}
            if cmd in "aw*" and check is None: err("C04", f"{name}/{pn}", f"{names[cmd]} policy without WITH CHECK")
            if cmd in "rwd*" and qual is None: err("C04", f"{name}/{pn}", f"{names[cmd]} policy without USING")
            for part, ex in (("USING", qual), ("WITH CHECK", check)):
                if ex is None: continue
                bare = re.sub(r"[\s()]", "", ex).lower()
                if permissive and (bare in ("true", "1=1") or re.search(r"\bor\s*true\b", ex, re.I)): err("C05", f"{name}/{pn}", f"{part} is constant true")
                elif permissive and not re.search(rf"\b{re.escape(tenant_col)}\b", ex): err("C06", f"{name}/{pn}", f"{part} does not name {tenant_col}: {ex}")
                if permissive and "current_setting" in ex:
                    hit = [t for t in tenants if "public" in prol or any(q("select pg_has_role(%s::name,%s::name,'MEMBER')", t, pr)[0][0] for pr in prol if pr != "public")]
                    if hit: err("C07", f"{name}/{pn}", f"{part} trusts current_setting, which {hit[0]} can SET")
                    elif "select" not in ex.lower(): warn("C07", f"{name}/{pn}", "wrap as (select current_setting(...)) so that it is evaluated once")
        need = {p for ps in reach.values() for p in ps} or {"SELECT", "INSERT", "UPDATE", "DELETE"}
        if need - have: err("C03", name, f"no permissive policy for {', '.join(sorted(need - have))}")
        for (con, typ, ccols, isuuid) in q("""select k.conname, k.contype, array(select attname::text from pg_attribute where attrelid=k.conrelid and attnum=any(k.conkey)),
                 (select bool_and(a.atttypid='uuid'::regtype) from pg_attribute a where a.attrelid=k.conrelid and a.attnum=any(k.conkey))
                 from pg_constraint k where k.conrelid=%s and k.contype in ('p','u')""", oid):
            if tenant_col not in ccols and not isuuid: err("C15", f"{name}/{con}", f"key {ccols} is unique across tenants: tells that a foreign row exists")
        for (idx, icols) in q("""select i.indexrelid::regclass::text, array(select a.attname::text from pg_attribute a where a.attrelid=i.indrelid and a.attnum=any(i.indkey::int2[]))
                 from pg_index i where i.indrelid=%s and i.indisunique and not exists(select 1 from pg_constraint k where k.conindid=i.indexrelid)""", oid):
            if tenant_col not in icols: err("C15", f"{name}/{idx}", f"unique index {icols} is unique across tenants")
    for con, src, dst, ccols in q("""select k.conname, k.conrelid, k.confrelid, array(select attname::text from pg_attribute where attrelid=k.conrelid and attnum=any(k.conkey)) from pg_constraint k where k.contype='f'"""):
        if src in tenant_tables and dst in tenant_tables and tenant_col not in ccols:
            err("C14", f"{tenant_tables[src]}/{con}", f"foreign key {ccols} to {tenant_tables[dst]} skips {tenant_col}: row security does not cover key checks")
    # roles
    for r in roles:
        su, byp, cr, cd, rep = q("select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication from pg_roles where rolname=%s", r)[0]
        for n, v in (("SUPERUSER", su), ("BYPASSRLS", byp), ("CREATEROLE", cr), ("CREATEDB", cd), ("REPLICATION", rep)):
            if v: err("C08", r, n)
        for (m, msu, mbyp) in q("select g.rolname, g.rolsuper, g.rolbypassrls from pg_roles g where g.rolname<>%s and pg_has_role(%s::name, g.oid, 'MEMBER')", r, r):
            if su: break
            owns = q("select count(*) from pg_class where relowner=(select oid from pg_roles where rolname=%s) and relnamespace=any(select oid from pg_namespace where nspname=any(%s))", m, schemas)[0][0]
            if msu or mbyp or m in POWER: err("C08", r, f"member of {m}")
            elif owns: err("C08", r, f"member of {m}, which owns {owns} objects")
            elif r in tenants and m in roles: err("C08", r, f"may become {m}")
        own = q("select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid=c.relnamespace where n.nspname=any(%s) and c.relowner=(select oid from pg_roles where rolname=%s) union all select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid=p.pronamespace where n.nspname=any(%s) and p.proowner=(select oid from pg_roles where rolname=%s)", schemas, r, schemas, r)
        for (o,) in own: err("C09", o, f"owned by {r}")
        for s in schemas:
            if q("select has_schema_privilege(%s::name, %s, 'CREATE')", r, s)[0][0] and not su: err("C19", s, f"{r} may CREATE in the schema")
        cfg = " ".join(x for (xs,) in q("select setconfig from pg_db_role_setting where setrole=(select oid from pg_roles where rolname=%s)", r) for x in xs)
        for want in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
            if want + "=" not in cfg: (err if r in tenants else warn)("C22", r, f"{want} not set on the role")
    for who, xs in q("select coalesce((select rolname from pg_roles where oid=setrole),'database'), setconfig from pg_db_role_setting"):
        if any(x.replace(" ", "").lower() in ("row_security=off", "row_security=false", "session_replication_role=replica") for x in xs): err("C25", who, str(xs))
    # grants to PUBLIC
    for name, priv in q("select n.nspname||'.'||c.relname, string_agg(a.privilege_type, ',') from pg_class c join pg_namespace n on n.oid=c.relnamespace, aclexplode(c.relacl) a where n.nspname=any(%s) and a.grantee=0 group by 1", schemas):
        err("C10", name, f"PUBLIC has {priv}")
    for name, col, priv in q("select n.nspname||'.'||c.relname, t.attname, a.privilege_type from pg_class c join pg_namespace n on n.oid=c.relnamespace join pg_attribute t on t.attrelid=c.oid, aclexplode(t.attacl) a where n.nspname=any(%s) and a.grantee=0", schemas):
        err("C10", f"{name}.{col}", f"PUBLIC has {priv}")
    for name, priv in q("select n.nspname, a.privilege_type from pg_namespace n, aclexplode(n.nspacl) a where n.nspname=any(%s) and a.grantee=0", schemas):
        (err if priv == "CREATE" else warn)("C10", name, f"PUBLIC has {priv} on the schema")
    for name, priv in q("select d.datname, a.privilege_type from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a where d.datname=current_database() and a.grantee=0"):
        warn("C10", name, f"PUBLIC has {priv} on the database")
    for who, typ in q("select coalesce(r.rolname,'-'), d.defaclobjtype::text from pg_default_acl d left join pg_roles r on r.oid=d.defaclrole, aclexplode(d.defaclacl) a where a.grantee=0 and d.defaclobjtype in ('r','S','n')"):
        err("C20", who, f"default privileges for PUBLIC on type {typ}")
    # functions
    for oid, name, cfg, pub, leak, secdef in q("""select p.oid, p.oid::regprocedure::text, p.proconfig, exists(select 1 from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee=0 and a.privilege_type='EXECUTE'), p.proleakproof, p.prosecdef
              from pg_proc p join pg_namespace n on n.oid=p.pronamespace where n.nspname=any(%s) and (p.prosecdef or p.proleakproof)""", schemas):
        if leak: err("C23", name, "LEAKPROOF user function may see rows before the policy")
        if not secdef: continue
        path = next((c.split("=", 1)[1] for c in (cfg or []) if c.startswith("search_path=")), None)
        if path is None: err("C11", name, "SECURITY DEFINER without a fixed search_path")
        else:
            parts = [x.strip().strip('"') for x in path.split(",") if x.strip().strip('"')]
            if "$user" in parts: err("C11", name, f"search_path holds $user: {path}")
            if parts and parts[-1] != "pg_temp": err("C11", name, f"pg_temp is not last in search_path: {path}")
            for s in parts:
                for r in roles:
                    if s not in ("pg_temp", "pg_catalog", "$user") and q("select exists(select 1 from pg_namespace where nspname=%s)", s)[0][0] and q("select has_schema_privilege(%s::name,%s,'CREATE')", r, s)[0][0]:
                        err("C11", name, f"search_path schema {s} is writable by {r}")
        if pub: err("C11", name, "SECURITY DEFINER function executable by PUBLIC")
    # views and others
    for oid, name, kind, opts in q("select c.oid, n.nspname||'.'||c.relname, c.relkind::text, c.reloptions from pg_class c join pg_namespace n on n.oid=c.relnamespace where n.nspname=any(%s) and c.relkind in ('v','m','f')", schemas):
        readers = [r for r in roles if can(r, oid, "SELECT")]
        if kind == "v":
            if not any(o in ("security_invoker=true", "security_invoker=on", "security_invoker=1") for o in (opts or [])):
                (err if readers else warn)("C12", name, f"not security_invoker (readers: {readers})")
        elif readers: err("C13", name, f"{'materialized view' if kind == 'm' else 'foreign table'} readable by {readers}")
    for (lang,) in q("select lanname from pg_language where not lanpltrusted and lanname not in ('internal','c')"): err("C21", lang, "untrusted language installed")
    for (ext,) in q("select extname from pg_extension where extname in ('dblink','postgres_fdw','file_fdw','adminpack','http','pg_net','plpython3u')"): err("C21", ext, "extension gives a way out of the database")
    return out

def _priv(conn, role, oid, priv):
    try:
        with conn.transaction(): return conn.execute("select has_table_privilege(%s::name,%s::oid,%s)", (role, oid, priv)).fetchone()[0]
    except psycopg.errors.InvalidParameterValue: return False      # MAINTAIN is new in 17

def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--dsn", required=True); ap.add_argument("--app-role", action="append", default=[]); ap.add_argument("--tenant-role", action="append", default=[])
    ap.add_argument("--schema", action="append", default=[]); ap.add_argument("--tenant-column", default="tenant_id")
    ap.add_argument("--global-table", action="append", default=[]); ap.add_argument("--queue-like", default="huey%"); ap.add_argument("--json")
    a = ap.parse_args()
    if not a.app_role and not a.tenant_role: ap.error("give --app-role and/or --tenant-role")
    with psycopg.connect(a.dsn, autocommit=True) as c:
        f = run(c, a.app_role, a.tenant_role, a.schema or ["public"], a.tenant_column, dict((g.split("=", 1) + [""])[:2] for g in a.global_table), a.queue_like)
    for x in sorted(f, key=lambda x: (x.severity, x.check, x.obj)): print(f"{x.severity.upper():5} {x.check} {x.obj}: {x.detail}")
    errs = [x for x in f if x.severity == "error"]
    for c, t in TITLES.items(): print(f"{'FAIL' if any(x.check == c for x in errs) else 'pass'} {c} {t}")
    print(f"{len(errs)} errors, {len(f) - len(errs)} warnings")
    if a.json: open(a.json, "w").write(json.dumps([asdict(x) for x in f], indent=1))
    return 1 if errs else 0

if __name__ == "__main__":
    sys.exit(main())
