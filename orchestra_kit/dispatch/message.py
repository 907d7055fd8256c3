"""What a wake-up message is: JSON `{"tenantId": ..., "runId": ...}` and not a byte more. Never pickle."""

from __future__ import annotations

import json

from orchestra_kit.errors import DefinitionError
from orchestra_kit.spi.work import RunRef

_LONGEST = 2048


def encode(ref: RunRef) -> bytes:
    """Return the message that wakes an executor for a run."""
    return json.dumps({"tenantId": ref.tenant_id, "runId": ref.run_id}).encode()


def decode(data: bytes) -> RunRef:
    """Return the run a message names; raise DefinitionError, which never quotes the message, for anything else."""
    if len(data) > _LONGEST:
        raise DefinitionError(f"a wake-up message of {len(data)} bytes was refused.")
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):  # a pickle, bytes that are no text, brackets without end
        raise DefinitionError("a wake-up message that is not JSON was refused.") from None
    if not isinstance(said, dict) or set(said) != {"tenantId", "runId"}:
        raise DefinitionError("a wake-up message with other fields than tenantId and runId was refused.")
    if not all(isinstance(value, str) and value for value in said.values()):
        raise DefinitionError("a wake-up message whose ids are not text was refused.")
    return RunRef(tenant_id=said["tenantId"], run_id=said["runId"])
