"""Where a document departs from the published schema of its OpenAPI version."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from orchestra_kit.protocols.http.breaches import deepest_cause, describe_breach
from orchestra_kit.protocols.http.bundle import escape_pointer

MAX_BREACHES = 60


def find_breaches(document: Any, version: str, warn: Callable[[str, str, str], None]) -> None:
    """Warn NOT_AS_STANDARD for each departure from the OpenAPI schema, at most MAX_BREACHES of them."""
    validator = _standard(f"v{version[:3]}")
    if validator is None or validator.is_valid(document):
        return
    for count, error in enumerate(validator.iter_errors(document)):
        if count == MAX_BREACHES:
            warn("NOT_AS_STANDARD", "", "the document departs from its standard in more places")
            return
        cause = deepest_cause(error)
        where = "".join(f"/{escape_pointer(str(part))}" for part in cause.instance_path)
        warn("NOT_AS_STANDARD", where, describe_breach(cause))


@lru_cache(maxsize=4)
def _standard(version: str) -> Any:
    """Return the compiled schema that openapi-spec-validator carries, found without importing that package."""
    import jsonschema_rs

    package = find_spec("openapi_spec_validator")
    if package is None or not package.submodule_search_locations:
        return None
    file = Path(package.submodule_search_locations[0], "resources", "schemas", version, "schema.json")
    if not file.is_file():
        return None
    return jsonschema_rs.validator_for(json.loads(file.read_text(encoding="utf-8")))
