"""How much two texts speak of the same: operations as bags of weighted words, compared by the cosine of TF-IDF.

The words of an operation count by where they stand: name and path most, then summary, description, then the names of
parameters and of what its body holds.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestra_kit.model import OperationSummary
from orchestra_kit.protocols.http.wording import words_of

_PARAMETER = re.compile(r"\{[^{}]*\}")
_MOST_DESCRIPTION, _MOST_FIELDS, _MOST_TIMES = 400, 40, 2
_MAIN, _SUMMARY, _DESCRIPTION, _DATA = 2.0, 1.5, 0.7, 0.4


@dataclass(frozen=True, slots=True)
class WordVectors:
    """The operations of one interface as vectors over its words."""

    vectors: tuple[Mapping[str, float], ...]
    rarity: Mapping[str, float]
    unseen: float

    @classmethod
    def of(cls, operations: Iterable[OperationSummary]) -> WordVectors:
        """Return the vectors of operations, each of length 1."""
        bags = [_bag(operation) for operation in operations]
        seen = Counter(word for bag in bags for word in bag)
        rarity = {word: _rarity(times, len(bags)) for word, times in seen.items()}
        vectors = tuple(_unit({word: weight * rarity[word] for word, weight in bag.items()}) for bag in bags)
        return cls(vectors, rarity, _rarity(0, len(bags)))

    def query(self, text: str) -> Mapping[str, float]:
        """Return a text as a vector of length 1; words no operation has count, too."""
        times = Counter(words_of(text)) if text.strip() else Counter()
        return _unit({word: min(n, _MOST_TIMES) * self.rarity.get(word, self.unseen) for word, n in times.items()})

    def likeness(self, query: Mapping[str, float], position: int) -> float:
        """Return how much a query and the operation at a position speak of the same, in [0, 1]."""
        vector = self.vectors[position]
        return sum(weight * vector[word] for word, weight in query.items() if word in vector)


def _rarity(times: int, count: int) -> float:
    return math.log(1 + (count - times + 0.5) / (times + 0.5)) + 0.05


def _unit(vector: Mapping[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(weight * weight for weight in vector.values()))
    return {word: weight / length for word, weight in vector.items()} if length else {}


def _bag(operation: OperationSummary) -> dict[str, float]:
    is_plain = operation.endpoint_name.startswith(f"{operation.method} ")
    main = [*words_of("" if is_plain else operation.endpoint_name), *words_of(_PARAMETER.sub(" ", operation.path))]
    parts: tuple[tuple[Sequence[str], float], ...] = (
        (main, _MAIN),
        (words_of(operation.summary), _SUMMARY),
        (words_of(operation.description[:_MOST_DESCRIPTION]), _DESCRIPTION),
        ([word for item in operation.parameters for word in words_of(item.name)], _DATA),
        (list(_body_words(operation.request_body)), _DATA),
    )
    bag: dict[str, float] = {}
    for words, weight in parts:
        for word, times in Counter(words).items():
            bag[word] = bag.get(word, 0.0) + weight * min(times, _MOST_TIMES)
    return bag


def _body_words(body: Mapping[str, Any]) -> Iterable[str]:
    """Return the words of the first body's schema name and of its fields."""
    schema = next(iter(body.values()), None)
    if not isinstance(schema, Mapping):
        return
    reference = schema.get("$ref")
    if isinstance(reference, str):
        yield from words_of(reference.rsplit("/", 1)[-1])
    fields = schema.get("properties")
    if isinstance(fields, Mapping):
        for name in list(fields)[:_MOST_FIELDS]:
            yield from words_of(str(name))
