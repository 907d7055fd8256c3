"""Tenants, users, roles and the audit log on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from orchestra_kit.errors import ConflictError
from orchestra_kit.model import AuditEntry, Role, Tenant, TenantId, TenantSettings, User, UserTenantRole
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.store.postgres import tables
from orchestra_kit.store.postgres.audit import note, note_for
from orchestra_kit.store.postgres.database import Database
from orchestra_kit.store.postgres.rows import json_text
from orchestra_kit.store.postgres.session import add, columns_of, model_of, one_of, put, rows_of
from orchestra_kit.store.postgres.trips import Connection
from orchestra_kit.store.transitions import absent


class PostgresTenants:
    """TenantStore on PostgreSQL."""

    _database: Database

    def ensure_tenant(self, tenant_id: str, *, name: str, actor: str) -> Tenant:
        """Return the tenant, made with default settings when it is not there."""

        def ensure(database: Connection) -> Tenant:
            made = Tenant(id=TenantId(tenant_id), tenant_id=TenantId(tenant_id), name=name)
            statement = insert(tables.tenant).values(columns_of(tables.tenant, made)).on_conflict_do_nothing()
            if one_of(database, statement.returning(tables.tenant.c.id)) is not None:
                note(database, tenant_id, actor, "create", "Tenant", tenant_id, {})
            return tenant_row(database, tenant_id)

        return self._database.in_tenant(tenant_id, ensure, repeatable=True)

    def get_tenant(self, tenant_id: str) -> Tenant:
        """Return the tenant; raise NotFoundError."""
        return self._database.in_tenant(tenant_id, lambda db: tenant_row(db, tenant_id), repeatable=True)

    def set_settings(self, caller: Caller, settings: TenantSettings) -> Tenant:
        """Replace the tenant's settings."""

        def change(database: Connection) -> Tenant:
            plain = settings.to_json()
            where = tables.tenant.c.tenant_id == caller.tenant_id
            rows_of(database, update(tables.tenant).where(where).values(settings=json_text(plain)))
            tenant = tenant_row(database, caller.tenant_id)
            note_for(database, caller, "update", "Tenant", tenant.id, settings=plain)
            return tenant

        return self._database.in_tenant(caller.tenant_id, change, repeatable=True)

    def put_user(self, caller: Caller, user: User, roles: Sequence[Role]) -> User:
        """Create or replace a user and the roles it has in the caller's tenant."""
        if user.tenant_id != caller.tenant_id:
            raise absent("tenant", user.tenant_id)
        held = sorted(set(roles))

        def store(database: Connection) -> User:
            tenant_row(database, caller.tenant_id)
            try:
                made = put(database, tables.user, columns_of(tables.user, user))
            except psycopg.errors.UniqueViolation as error:
                raise ConflictError(f"another user has the external id '{user.external_id}'.") from error
            role = tables.user_tenant_role
            mine = (role.c.tenant_id == caller.tenant_id, role.c.user_id == user.id)
            rows_of(database, delete(role).where(*mine))
            for item in held:
                add(database, role, {"tenant_id": user.tenant_id, "user_id": user.id, "role": item.value})
            names = [item.value for item in held]
            note_for(database, caller, "create" if made else "update", "User", user.id, roles=names)
            return user

        return self._database.in_tenant(caller.tenant_id, store, repeatable=True)

    def list_roles(self, caller: Caller, user_id: str) -> tuple[UserTenantRole, ...]:
        """Return the roles of a user."""
        role = tables.user_tenant_role
        statement = (
            select(role).where(role.c.tenant_id == caller.tenant_id, role.c.user_id == user_id).order_by(role.c.role)
        )
        rows = self._database.in_tenant(caller.tenant_id, lambda db: rows_of(db, statement), repeatable=True)
        return tuple(model_of(UserTenantRole, row) for row in rows)

    def list_audit(
        self, caller: Caller, *, entity_type: str | None = None, entity_id: str | None = None, limit: int = 100
    ) -> tuple[AuditEntry, ...]:
        """Return audit entries, newest first."""
        log = tables.audit_log
        statement = select(log).where(log.c.tenant_id == caller.tenant_id)
        if entity_type is not None:
            statement = statement.where(log.c.entity_type == entity_type)
        if entity_id is not None:
            statement = statement.where(log.c.entity_id == entity_id)
        statement = statement.order_by(log.c.position.desc()).limit(limit)
        rows = self._database.in_tenant(caller.tenant_id, lambda db: rows_of(db, statement), repeatable=True)
        return tuple(model_of(AuditEntry, row) for row in rows)


def tenant_row(database: Connection, tenant_id: str, *, lock: bool = False) -> Tenant:
    """Return the tenant; raise NotFoundError. With `lock` nobody else changes what its limits count meanwhile."""
    statement = select(tables.tenant).where(tables.tenant.c.tenant_id == tenant_id)
    row = one_of(database, statement.with_for_update(key_share=True) if lock else statement)
    if row is None:
        raise absent("tenant", tenant_id)
    return model_of(Tenant, row)
