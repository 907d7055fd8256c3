"""Finds the operation a task label stands for by its words alone: deterministic, and honest about not knowing.

Three things count. The share of the label's weight (rare words weigh more, as in BM25) that an operation's name, path and
summary explain, tempered by what the operation says beyond the label, and by whether its method fits the label's verb; how
much the label speaks of the same as all the operation's text; and, where the task is described, how much its description
does. The sum is put on one scale, so that KNOWN_SCORE and KNOWN_MARGIN mean the same with and without a description.
"""

from __future__ import annotations

import math
import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestra_kit.model import InterfaceSummary, OperationSummary
from orchestra_kit.protocols.http.word_vectors import WordVectors
from orchestra_kit.protocols.http.wording import (
    FAINT_WEIGHT,
    FAINT_WORDS,
    METHOD_FIT,
    VERB_GROUPS,
    WORD,
    stem,
    words_of,
)
from orchestra_kit.spi.protocol import EndpointMatch

KNOWN_SCORE = 0.46
"""Below this score nobody should be told that an operation was found."""
KNOWN_MARGIN = 0.07
"""A best candidate that leads the next one by less is not known either."""

_LIKENESS, _DESCRIBED = 0.7, 1.4
"""What the likeness of the label, and of the description, count beside the label's own score."""
_MOST_DESCRIPTION = 300
_ENOUGH_UNDESCRIBED, _SLOPE_UNDESCRIBED = 0.76, 0.78
"""Where and how steeply the score of a label without description lies against KNOWN_SCORE."""

_PURPOSE = re.compile(r"\b(?:for|to|before|after|so|if|when)\b", re.IGNORECASE)
_ASIDE = 0.4
_PARAMETER = re.compile(r"\{[^{}]*\}")
_KEPT_INDEXES = 32

# How much a word counts by where it stands.
_NAME, _PATH, _SUMMARY, _TAG, _PARAM = 1.0, 0.9, 0.75, 0.5, 0.3
_KINDRED = 0.75


@dataclass(frozen=True, slots=True)
class _Indexed:
    """One operation as the matcher sees it: its words with the weight of the place they stand in."""

    operation: OperationSummary
    words: Mapping[str, float]
    name: tuple[str, ...]
    verbs: frozenset[str]
    ends_in_parameter: bool
    depth: int


@dataclass(frozen=True, slots=True)
class _Index:
    operations: tuple[_Indexed, ...]
    texts: WordVectors
    rarity: Mapping[str, float]
    unseen: float

    def weight(self, word: str) -> float:
        """Return how much a word tells; one that no operation has tells most."""
        return self.rarity.get(word, self.unseen) * (FAINT_WEIGHT if word in FAINT_WORDS else 1.0)


@dataclass(frozen=True, slots=True)
class _Query:
    """A label: its words, its verb, the other words, and whether it asks for many things."""

    words: tuple[str, ...]
    verb: str | None
    nouns: tuple[str, ...]
    plural: bool
    aside: frozenset[str] = frozenset()
    """Words that say what it is done for: after `for`, `to` and the like."""


class NameMatcher:
    """Matches labels to operations. Indexes of the last few interfaces are kept."""

    def __init__(self) -> None:
        self._indexes: OrderedDict[int, tuple[InterfaceSummary, _Index]] = OrderedDict()

    def match(
        self, label: str, interfaces: Mapping[str, InterfaceSummary], *, most: int = 3, about: str = ""
    ) -> list[EndpointMatch]:
        """Return the best candidates over all services, best first; ties go by service and document order.

        `about` is what the model says of the task beyond its label.
        """
        query = _read_label(label)
        if not query.words:
            return []
        found: list[tuple[float, str, int, EndpointMatch]] = []
        for service_name in sorted(interfaces):
            index = self._index(interfaces[service_name])
            said, described = index.texts.query(label), index.texts.query(about[:_MOST_DESCRIPTION])
            for position, entry in enumerate(index.operations):
                own, reasons = _score(query, entry, index)
                likeness = index.texts.likeness(said, position)
                likeness_described = index.texts.likeness(described, position) if described else None
                score = _evidence(own, likeness, likeness_described)
                if entry.name == query.words:
                    score = max(score, own)  # the label is the operation's very name
                if score > 0:
                    match = EndpointMatch(
                        operation=entry.operation, service_name=service_name, score=round(score, 4), reasons=reasons
                    )
                    found.append((-score, service_name, position, match))
        found.sort(key=lambda item: item[:3])
        return [match for *_, match in found[:most]]

    def _index(self, interface: InterfaceSummary) -> _Index:
        key = id(interface)
        kept = self._indexes.get(key)
        if kept is not None and kept[0] is interface:
            self._indexes.move_to_end(key)
            return kept[1]
        index = _build_index(interface.operations)
        self._indexes[key] = (interface, index)
        while len(self._indexes) > _KEPT_INDEXES:
            self._indexes.popitem(last=False)
        return index


def is_known(matches: list[EndpointMatch]) -> bool:
    """True when the best of `matches` is good enough, and far enough ahead, to be taken without asking."""
    if not matches or matches[0].score < KNOWN_SCORE:
        return False
    return len(matches) == 1 or matches[0].score - matches[1].score >= KNOWN_MARGIN


def _evidence(own: float, likeness: float, described: float | None) -> float:
    """Return all that speaks for an operation as one score in [0, 1]."""
    if described is not None:
        return (own + _LIKENESS * likeness + _DESCRIBED * described) / (1 + _LIKENESS + _DESCRIBED)
    # Without a description the parts lie higher and wider: brought to where the same score is as sure.
    undescribed = (own + _LIKENESS * likeness) / (1 + _LIKENESS)
    if undescribed < _ENOUGH_UNDESCRIBED:
        return KNOWN_SCORE * undescribed / _ENOUGH_UNDESCRIBED
    return KNOWN_SCORE + (undescribed - _ENOUGH_UNDESCRIBED) * _SLOPE_UNDESCRIBED


def _score(query: _Query, entry: _Indexed, index: _Index) -> tuple[float, tuple[str, ...]]:
    weights = {word: index.weight(word) * (_ASIDE if word in query.aside else 1.0) for word in query.nouns}
    total = sum(weights.values())
    explained = _explain(query.nouns, entry)
    covered = sum(weights[word] * explained[word] for word in query.nouns) / total if total else 0.0
    fit, literal = _verb_fit(query, entry)
    if query.nouns and not covered:
        score = 0.15 * fit * literal
    elif query.nouns:
        score = (0.78 * covered + 0.22 * _precision(query, entry, index)) * (0.72 + 0.28 * fit)
    else:
        score = 0.7 * fit * literal
    score += 0.04 * (_number_fit(query, entry) - 0.5) - 0.004 * min(entry.depth, 8)
    if entry.name == query.words:
        score = max(score, 0.97 + 0.03 * _number_fit(query, entry))
    return max(0.0, min(1.0, score)), _reasons(query, explained, fit, entry)


def _explain(nouns: tuple[str, ...], entry: _Indexed) -> dict[str, float]:
    """Return for each word how well the operation has it: whole, as a kindred form, or run together with its neighbour."""
    explained = {word: entry.words.get(word, 0.0) for word in nouns}
    for position, word in enumerate(nouns):
        if explained[word]:
            continue
        kin = [weight for other, weight in entry.words.items() if _kindred(word, other)]
        if kin:
            explained[word] = _KINDRED * max(kin)
        if position + 1 < len(nouns):
            joined = entry.words.get(word + nouns[position + 1], 0.0)
            if joined:
                explained[word] = explained[nouns[position + 1]] = joined
    return explained


def _kindred(one: str, other: str) -> bool:
    """True for forms of one stem, such as `follow` and `following` or `payment` and `pay...ments`."""
    shared = min(len(one), len(other))
    if shared < 4:
        return False
    if one.startswith(other) or other.startswith(one):
        return True
    if abs(len(one) - len(other)) > 5:
        return False
    need = max(4, shared - 1)
    return one[:need] == other[:need]


def _precision(query: _Query, entry: _Indexed, index: _Index) -> float:
    """Return which share of the operation's own name the label speaks of."""
    own = [word for word in entry.name if word not in VERB_GROUPS]
    within = beyond = 0.0
    for word in own:
        if word in query.nouns or any(_kindred(word, noun) for noun in query.nouns):
            within += index.weight(word)
        else:
            beyond += index.weight(word)
    return within / (within + beyond) if own and within + beyond else 0.5


def _reasons(query: _Query, explained: Mapping[str, float], fit: float, entry: _Indexed) -> tuple[str, ...]:
    met = [word for word in query.nouns if explained[word]]
    missed = [word for word in query.nouns if not explained[word]]
    reasons = []
    if met:
        reasons.append(f"words found: {', '.join(met)}")
    if missed:
        reasons.append(f"words not found: {', '.join(missed)}")
    if query.verb is not None:
        reasons.append(f"'{query.verb}' {'fits' if fit >= 0.7 else 'does not fit'} {entry.operation.method}")
    return tuple(reasons)


def _read_label(label: str) -> _Query:
    """Return the parts of a label; one without a known verb at its beginning has words only."""
    words = words_of(label)
    verb = next((word for word in words[:2] if word in VERB_GROUPS), None)
    rest = list(words)
    if verb is not None:
        rest.remove(verb)
    telling = [word for word in WORD.findall(label) if stem(word.lower()) not in FAINT_WORDS]
    plural = bool(telling) and stem(telling[-1].lower()) != telling[-1].lower()
    return _Query(words, verb, tuple(dict.fromkeys(rest)), plural, _aside(label, verb))


def _aside(label: str, verb: str | None) -> frozenset[str]:
    """Return the words of a label that stand after a word of purpose, unless they stand before it too."""
    parts = _PURPOSE.split(" ".join(WORD.findall(label)), maxsplit=1)
    if len(parts) < 2 or not any(word != verb for word in words_of(parts[0])):
        return frozenset()
    return frozenset(words_of(parts[1])) - frozenset(words_of(parts[0]))


def _verb_fit(query: _Query, entry: _Indexed) -> tuple[float, float]:
    """Return how well the method and the operation's own verbs fit the label's verb, in [0, 1]."""
    verb = query.verb
    if verb is None:
        return 0.6, 1.0
    groups = VERB_GROUPS[verb]
    by_method = max(METHOD_FIT[group].get(entry.operation.method, 0.0) for group in groups)
    if verb in entry.name:
        return 0.85 + 0.15 * by_method, 1.0
    shared = groups & frozenset().union(*(VERB_GROUPS[word] for word in entry.verbs))
    if shared:
        return 0.45 + 0.5 * by_method, 0.8
    if verb in entry.words:
        return 0.3 + 0.6 * by_method, 0.9
    return 0.75 * by_method, 0.3


def _number_fit(query: _Query, entry: _Indexed) -> float:
    """Return 1 where one thing is asked of a path to one thing, or many of a collection."""
    groups = VERB_GROUPS.get(query.verb or "", frozenset())
    if "create" in groups or "list" in groups:
        one = False
    elif {"update", "delete"} & groups:
        one = True
    elif "get" in groups:
        one = not query.plural
    else:
        return 0.5
    return 1.0 if entry.ends_in_parameter == one else 0.0


def _build_index(operations: Iterable[OperationSummary]) -> _Index:
    entries = tuple(_indexed(operation) for operation in operations)
    seen = Counter(word for entry in entries for word in entry.words)
    count = len(entries)
    rarity = {word: math.log(1 + (count - n + 0.5) / (n + 0.5)) + 0.1 for word, n in seen.items()}
    return _Index(
        entries, WordVectors.of(entry.operation for entry in entries), rarity, math.log(1 + (count + 0.5) / 0.5) + 0.1
    )


def _indexed(operation: OperationSummary) -> _Indexed:
    words: dict[str, float] = {}

    def add(text: str, weight: float) -> tuple[str, ...]:
        found = words_of(text)
        for word in found:
            words[word] = max(words.get(word, 0.0), weight)
        return found

    is_plain = operation.endpoint_name.startswith(f"{operation.method} ")
    name = () if is_plain else add(operation.endpoint_name, _NAME)
    bare_path = _PARAMETER.sub(" ", operation.path)
    path = add(bare_path, _PATH)
    summary = add(operation.summary, _SUMMARY)
    for tag in operation.tags:
        add(tag, _TAG)
    for parameter in _PARAMETER.findall(operation.path):
        add(parameter, _PARAM)
    own_verbs = frozenset(word for word in (*name, *summary[:3], *path[-2:]) if word in VERB_GROUPS)
    return _Indexed(
        operation=operation,
        words=words,
        name=name or path,
        verbs=own_verbs,
        ends_in_parameter=operation.path.rstrip("/").endswith("}"),
        depth=operation.path.strip("/").count("/"),
    )
