"""Which language a guard is written in, and the guards of the corpus."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions.conditions import Dialect, read_guard
from orchestra_kit.expressions.deciding import holds

CORPUS = Path(os.environ.get("ORCHESTRA_CORPUS", Path(__file__).parents[2] / "../shared/data")) / "bpmn"
XPATH = "http://www.w3.org/1999/XPath"


@pytest.mark.parametrize(
    "text, language, dialect",
    [
        ("${a}", None, Dialect.JUEL),
        ("#{a}", XPATH, Dialect.JUEL),
        ("${a}", "text/javascript", Dialect.JUEL),
        ("= a", None, Dialect.FEEL),
        ("=a", XPATH, Dialect.FEEL),
        ('a = "x"', "https://www.omg.org/spec/DMN/20191111/FEEL/", Dialect.FEEL),
        ("a == 1", "cel", Dialect.CEL),
        ("a == 1", "https://github.com/google/cel-spec", Dialect.CEL),
        ("a gt 1", "juel", Dialect.JUEL),
        ("bpmn:getDataObject('a') = 'yes'", XPATH, Dialect.XPATH),
        ("getDataObject('a')", None, Dialect.XPATH),
        ("a > 1 and b < 2", None, Dialect.FEEL),
        ("a > 1 && b < 2", None, Dialect.CEL),
        ("Service Level == 'Premium'", XPATH, Dialect.PLAIN),
        ("a === 'x' && b !== 2", "JavaScript", Dialect.SCRIPT),
        ("getVariable('a') > 1", "groovy", Dialect.SCRIPT),
    ],
)
def test_the_language_is_told_by_the_text_before_the_attribute(
    text: str, language: str | None, dialect: Dialect
) -> None:
    assert read_guard(text, language).dialect is dialect


@pytest.mark.parametrize(
    "text", ["there is a way out", "all is well", "_undefined", "next(null, true);", "", "Übergabe an Versand erfolgt"]
)
def test_words_are_no_conditions(text: str) -> None:
    place = Place(file="a.bpmn", line=7)
    with pytest.raises(ExpressionError) as caught:
        read_guard(text, place=place)
    assert caught.value.place == place


def test_what_is_absent_is_false_in_xpath_and_null_in_feel() -> None:
    assert holds(read_guard("not(getDataObject('a'))", XPATH), {}) is True
    assert holds(read_guard("= not(a)"), {}) is False


def test_a_guard_that_gives_no_boolean_stops_the_engine() -> None:
    with pytest.raises(ExpressionError):
        holds(read_guard("${a}"), {"a": "text"})
    assert holds(read_guard("= a"), {"a": "text"} | {"a": None}) is False


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of process files is not here (ORCHESTRA_CORPUS)")
def test_every_condition_of_the_corpus_is_read_or_named() -> None:
    from orchestra_kit.design.bpmn import read_bpmn

    counts: Counter[str] = Counter()
    for path in sorted(CORPUS.rglob("*")):
        if path.suffix not in (".bpmn", ".xml", ".bpmn2", ".bpmn20"):
            continue
        for flow in read_bpmn(path.read_bytes(), source=path.name).graph.flows:
            if flow.condition is not None:
                try:
                    counts[read_guard(flow.condition.text, flow.condition.language).dialect.value] += 1
                except ExpressionError as error:
                    counts["named"] += 1
                    assert error.message
    assert sum(counts.values()) >= 98
    assert counts["named"] <= 10, counts
