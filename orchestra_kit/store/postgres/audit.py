"""Audit rows, written in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_kit.model import new_id
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.store.postgres.rows import json_text
from orchestra_kit.store.postgres.trips import Connection

_NOTE = """INSERT INTO audit_log (tenant_id, id, actor, action, entity_type, entity_id, details, created_at)
VALUES (%(tenant)s, %(id)s, %(actor)s, %(action)s, %(what)s, %(entity)s, %(details)s, clock_timestamp())"""


def note(
    database: Connection, tenant_id: str, actor: str, action: str, what: str, entity_id: str, details: Mapping[str, Any]
) -> None:
    """Write an audit row."""
    values = {"tenant": tenant_id, "id": new_id(), "actor": actor, "action": action, "what": what, "entity": entity_id}
    database.execute(_NOTE, {**values, "details": json_text(dict(details))})


def note_for(database: Connection, caller: Caller, action: str, what: str, entity_id: str, **details: Any) -> None:
    """Write an audit row for a caller."""
    note(database, caller.tenant_id, caller.actor, action, what, entity_id, details)
