"""Names for what is generated: aliases that can stand in expressions, and keys that can stand in commands."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping


def alias_of(text: str, *, fallback: str = "step") -> str:
    """Return a snake_case alias for a label in any language; letters outside ASCII are transliterated or left out."""
    flat = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    flat = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", flat)
    words = re.findall(r"[A-Za-z0-9]+", flat)
    alias = "_".join(word.lower() for word in words)[:60].strip("_")
    if not alias:
        return alias_of(fallback, fallback="step") if fallback != text else "step"
    return f"step_{alias}" if alias[0].isdigit() else alias


def default_aliases(labels: Mapping[str, str], taken: Iterable[str]) -> dict[str, str]:
    """Return an alias for each id by its label. Ids whose labels give the same alias, or one that is taken, get their own
    id added, so that an element has the same alias on every path."""
    plain = {identifier: alias_of(label, fallback=identifier) for identifier, label in labels.items()}
    times = Counter([*plain.values(), *set(taken)])
    return {
        identifier: alias if times[alias] == 1 else f"{alias}_{alias_of(identifier)}"[:120]
        for identifier, alias in plain.items()
    }


def numbered(alias: str, occurrence: int) -> str:
    """Return the alias of the n-th time a step is on a path: `pay`, `pay_2`, `pay_3`."""
    return alias if occurrence == 1 else f"{alias}_{occurrence}"
