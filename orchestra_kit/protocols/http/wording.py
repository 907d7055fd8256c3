"""The words of task labels and operation names: their forms, their verbs, and how verbs and HTTP methods go together."""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")

_GROUPS = """
get: get fetch retrieve read load show view lookup look obtain receive check verify describe inspect see query
list: list browse enumerate search find discover
create: create add post insert register new make place submit open book issue generate start initiate
update: update put patch edit modify change set replace adjust rename revise
delete: delete remove destroy drop cancel revoke clear unregister close
send: send notify dispatch deliver publish emit transmit
run: run execute trigger launch start invoke process perform
"""
_NOISE = "a an the of for to in on at by with from and or via into is be this that api v1 v2 v3 rest using as its it id"
_FAINT = "all detail status info information data result list new current existing content record item task step"

METHOD_FIT: dict[str, dict[str, float]] = {
    "get": {"GET": 1.0, "HEAD": 0.6, "POST": 0.35},
    "list": {"GET": 1.0, "POST": 0.45},
    "create": {"POST": 1.0, "PUT": 0.8},
    "update": {"PUT": 1.0, "PATCH": 1.0, "POST": 0.7},
    "delete": {"DELETE": 1.0, "POST": 0.5, "PUT": 0.3},
    "send": {"POST": 1.0, "PUT": 0.7},
    "run": {"POST": 1.0, "PUT": 0.7},
}
"""How well a method does what a group of verbs asks for."""

FAINT_WORDS = frozenset(_FAINT.split())
"""Words that say little: they break ties and no more."""
FAINT_WEIGHT = 0.25
_NOISE_WORDS = frozenset(_NOISE.split())


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a label, name or path, in lower case and without endings."""
    found = [word.lower() for word in WORD.findall(unicodedata.normalize("NFKC", text))]
    kept = [stem(word) for word in found if word not in _NOISE_WORDS]
    return tuple(kept or [stem(word) for word in found])


def stem(word: str) -> str:
    """Return the word without a plural ending, alike in labels and names."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _groups_by_verb() -> dict[str, frozenset[str]]:
    groups: dict[str, frozenset[str]] = {}
    for line in _GROUPS.strip().splitlines():
        group, _, verbs = line.partition(":")
        for verb in verbs.split():
            groups[stem(verb)] = groups.get(stem(verb), frozenset()) | {group}
    return groups


VERB_GROUPS = _groups_by_verb()
"""For each verb the groups of METHOD_FIT it belongs to."""
