"""A repeated command changes nothing: the first answer is stored under its Idempotency-Key and given again."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass

from orchestra_kit.demo.services.clock import timestamp_now
from orchestra_kit.demo.services.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """What the client was told the first time, whether a success or a refusal."""

    status: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandIdentity:
    """A key as one service knows it, and the digest of the command it was first used for."""

    service: str
    key: str
    fingerprint: str


def fingerprint(method: str, path: str, body: bytes) -> str:
    """A digest of one command, in which the spacing and key order of the JSON body do not count."""
    canonical = json.dumps(json.loads(body or b"{}"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{method} {path}\n{canonical}".encode()).hexdigest()


def find_stored_answer(database: sqlite3.Connection, identity: CommandIdentity) -> StoredAnswer | None:
    """The answer given before under this key; a key used for another command is refused."""
    row = database.execute(
        "SELECT fingerprint, status_code, body FROM idempotency_keys WHERE service = ? AND key = ?",
        (identity.service, identity.key),
    ).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != identity.fingerprint:
        raise Problem(422, "IDEMPOTENCY_KEY_REUSED", "The Idempotency-Key was used before for another request.")
    return StoredAnswer(status=row["status_code"], body=row["body"])


def store_answer(database: sqlite3.Connection, identity: CommandIdentity, answer: StoredAnswer) -> None:
    """Keep an answer in the same transaction as the command's effects."""
    database.execute(
        "INSERT INTO idempotency_keys (service, key, fingerprint, status_code, body, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (identity.service, identity.key, identity.fingerprint, answer.status, answer.body, timestamp_now()),
    )
