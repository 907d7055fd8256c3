"""Tenants, users and their roles."""

from __future__ import annotations

from pydantic import Field

from orchestra_kit.model.base import Value
from orchestra_kit.model.enums import Role
from orchestra_kit.model.ids import TenantId, UserId


class TenantSettings(Value):
    """Limits of one tenant."""

    default_run_retention_days: int = Field(default=90, ge=1)
    max_parallel_runs: int = Field(default=16, ge=1)
    max_scenarios_per_tenant: int = Field(default=10_000, ge=1)


class Tenant(Value):
    """An organisation whose rows nobody else sees; its `tenantId` is its own id."""

    id: TenantId
    tenant_id: TenantId
    name: str
    settings: TenantSettings = TenantSettings()


class User(Value):
    """A person or service known to one tenant."""

    id: UserId
    tenant_id: TenantId
    external_id: str
    email: str | None = None
    display_name: str | None = None


class UserTenantRole(Value):
    """What a user may do in a tenant."""

    user_id: UserId
    tenant_id: TenantId
    role: Role
