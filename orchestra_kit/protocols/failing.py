"""What a step executor reports when there was no answer to judge."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from orchestra_kit.protocols.secrets import SecretBinder
from orchestra_kit.spi.protocol import Observation, ObservationError


def elapsed_ms(started: float) -> float:
    """Return the milliseconds since a `time.perf_counter()` reading."""
    return (time.perf_counter() - started) * 1000


def failed(error: ObservationError, *, shown: dict[str, Any], started: float, secrets: SecretBinder) -> Observation:
    """Return the observation of a failure; secrets that found their way into its message are blotted out."""
    blotted = replace(error, message=secrets.blot(error.message))
    return Observation(request=shown, duration_ms=elapsed_ms(started), error=blotted)
