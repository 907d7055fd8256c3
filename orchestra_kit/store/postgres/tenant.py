"""The only place where a transaction is given its tenant.

The setting is local to the transaction and is always set, to the empty text where no tenant's rows are wanted: whatever a
pooled connection went through before, row security then matches nothing it should not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg.rows import DictRow

from orchestra_kit.store.postgres.trips import Connection
from orchestra_kit.store.transitions import check_tenant

_SET_TENANT = "SELECT set_config('orchestra.tenant_id', %(tenant)s, true)"


@contextmanager
def tenant_transaction(connection: Connection, tenant_id: str) -> Iterator[None]:
    """One transaction that sees and writes one tenant's rows."""
    check_tenant(tenant_id)
    with connection.transaction():
        connection.execute(_SET_TENANT, {"tenant": tenant_id})
        yield


@contextmanager
def transaction_without_tenant(connection: Connection) -> Iterator[None]:
    """One transaction that sees no tenant's rows, for the functions that find work across tenants."""
    with connection.transaction():
        connection.execute(_SET_TENANT, {"tenant": ""})
        yield


def in_one_trip(connection: Connection, tenant_id: str, statement: str, values: Mapping[str, Any]) -> list[DictRow]:
    """Run one statement for one tenant, as a transaction of its own and in one round trip.

    Measured against BEGIN, two statements and COMMIT: 1.7 times the commits on one connection, 1.3 times on 32.
    """
    check_tenant(tenant_id)
    return connection.travel([(_SET_TENANT, {"tenant": tenant_id}), (statement, values)])
