"""Tenants, users, roles and the audit log in memory."""

from __future__ import annotations

from collections.abc import Sequence

from orchestra_kit.errors import ConflictError
from orchestra_kit.model import AuditEntry, Role, Tenant, TenantId, TenantSettings, User, UserTenantRole
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.store.memory.tables import Tables, of_tenant
from orchestra_kit.store.transitions import absent, check_tenant


class MemoryTenants:
    """TenantStore in memory."""

    _tables: Tables

    def ensure_tenant(self, tenant_id: str, *, name: str, actor: str) -> Tenant:
        """Return the tenant, made with default settings when it is not there."""
        check_tenant(tenant_id)
        with self._tables.lock:
            if tenant_id not in self._tables.tenants:
                made = TenantId(tenant_id)
                self._tables.tenants[tenant_id] = Tenant(id=made, tenant_id=made, name=name)
                self._tables.note(tenant_id, actor, "create", "Tenant", tenant_id)
            return self._tables.tenants[tenant_id]

    def get_tenant(self, tenant_id: str) -> Tenant:
        """Return the tenant; raise NotFoundError."""
        with self._tables.lock:
            return self._tables.tenant(tenant_id)

    def set_settings(self, caller: Caller, settings: TenantSettings) -> Tenant:
        """Replace the tenant's settings."""
        with self._tables.lock:
            tenant = self._tables.tenant(caller.tenant_id).model_copy(update={"settings": settings})
            self._tables.tenants[caller.tenant_id] = tenant
            self._tables.note_for(caller, "update", "Tenant", tenant.id, settings=settings.to_json())
            return tenant

    def put_user(self, caller: Caller, user: User, roles: Sequence[Role]) -> User:
        """Create or replace a user and the roles it has in the caller's tenant."""
        with self._tables.lock:
            tenant = self._tables.tenant(caller.tenant_id)
            if user.tenant_id != tenant.id:
                raise absent("tenant", user.tenant_id)
            others = of_tenant(self._tables.users, tenant.id)
            if any(other.external_id == user.external_id and other.id != user.id for other in others):
                raise ConflictError(f"another user has the external id '{user.external_id}'.")
            key = (caller.tenant_id, str(user.id))
            action = "update" if key in self._tables.users else "create"
            self._tables.users[key] = user
            held = sorted(set(roles))
            self._tables.roles[key] = tuple(
                UserTenantRole(user_id=user.id, tenant_id=tenant.id, role=role) for role in held
            )
            self._tables.note_for(caller, action, "User", user.id, roles=[role.value for role in held])
            return user

    def list_roles(self, caller: Caller, user_id: str) -> tuple[UserTenantRole, ...]:
        """Return the roles of a user."""
        check_tenant(caller.tenant_id)
        with self._tables.lock:
            return self._tables.roles.get((caller.tenant_id, user_id), ())

    def list_audit(
        self, caller: Caller, *, entity_type: str | None = None, entity_id: str | None = None, limit: int = 100
    ) -> tuple[AuditEntry, ...]:
        """Return audit entries, newest first."""
        check_tenant(caller.tenant_id)
        with self._tables.lock:
            found = [
                entry
                for entry in reversed(self._tables.audit)
                if entry.tenant_id == caller.tenant_id
                and entity_type in (None, entry.entity_type)
                and entity_id in (None, entry.entity_id)
            ]
            return tuple(found[:limit])
