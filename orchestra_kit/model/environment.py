"""Test environments and how to reach the systems in them. Secrets are references (`secret:<name>`), never values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from orchestra_kit.model.base import Value
from orchestra_kit.model.ids import EnvironmentId, ProfileId, TenantId

SecretRef = Annotated[str, StringConstraints(pattern=r"^secret:[A-Za-z0-9][A-Za-z0-9._\-/]*$")]


class AuthRef(Value):
    """How calls to a service log in. Secrets are bound when a call is sent and never stored."""

    type: Literal["bearer", "basic", "apiKey"]
    secret: SecretRef
    username_ref: SecretRef | None = None
    name: str | None = None
    location: Literal["header", "query", "cookie"] = "header"
    scheme: str | None = None
    """The word before a bearer secret, `Bearer` unless told otherwise (JupyterHub: `token`)."""


class TlsSettings(Value):
    """Trust for one service."""

    verify: bool = True
    ca_file: str | None = None


class HttpService(Value):
    """Where an HTTP service of this environment is."""

    base_url: str
    auth_ref: AuthRef | None = None
    tls: TlsSettings = TlsSettings()
    headers: dict[str, str] = {}
    timeout_ms: int = Field(default=30_000, ge=1)


class GrpcService(Value):
    """Where a gRPC service of this environment is."""

    target: str
    auth_ref: AuthRef | None = None
    tls: TlsSettings | None = None


class Egress(Value):
    """Where steps may connect. Public addresses follow `allowPublic`; others (loopback, private, link-local, metadata)
    are refused unless a `host`, `host:port` or CIDR entry of `allow` names them."""

    allow: tuple[str, ...] = ()
    allow_public: bool = True


class Environment(Value):
    """A test environment; profile maps go from an alias used in steps to a profile id."""

    id: EnvironmentId
    tenant_id: TenantId
    name: str
    db_profiles: dict[str, ProfileId] = {}
    kafka_profiles: dict[str, ProfileId] = {}
    queue_profiles: dict[str, ProfileId] = {}
    http_services: dict[str, HttpService] = {}
    grpc_services: dict[str, GrpcService] = {}
    variables: dict[str, Any] = {}
    egress: Egress = Egress()


class DbConnectionProfile(Value):
    """How to read a database under test. `jdbcUrl` is jdbc:postgresql://..., jdbc:sqlite:... or the same without `jdbc:`."""

    id: ProfileId
    tenant_id: TenantId
    alias: str
    jdbc_url: str
    username_ref: SecretRef | None = None
    password_ref: SecretRef | None = None
    default_schema: str | None = None


class KafkaClusterProfile(Value):
    """How to reach a Kafka cluster."""

    id: ProfileId
    tenant_id: TenantId
    alias: str
    bootstrap_servers: str
    security_profile_ref: SecretRef | None = None


class QueueBrokerProfile(Value):
    """How to reach a queue broker."""

    id: ProfileId
    tenant_id: TenantId
    alias: str
    kind: str
    endpoint: str
    credentials_ref: SecretRef | None = None
