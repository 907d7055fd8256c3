"""Random conditions that can be written in FEEL, EL and CEL, with what they are worth in plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

NUMBERS = ("a", "b")
TEXTS = ("s", "t")
FLAGS = ("f", "g")
WORDS = ("", "x", "yes", "no", "xy")


@dataclass(frozen=True)
class Written:
    """One condition in three languages; `python` is an expression over a dict `v`, evaluated by the tests alone."""

    feel: str
    juel: str
    cel: str
    python: str


def _number(value: int) -> Written:
    text = str(value) if value >= 0 else f"({value})"
    return Written(text, text, text, text)


def _name(name: str) -> Written:
    return Written(name, name, name, f"v[{name!r}]")


def _word(word: str) -> Written:
    return Written(f'"{word}"', f"'{word}'", f'"{word}"', repr(word))


def _joined(left: Written, signs: tuple[str, str, str, str], right: Written) -> Written:
    feel, juel, cel, python = signs
    return Written(
        f"({left.feel} {feel} {right.feel})",
        f"({left.juel} {juel} {right.juel})",
        f"({left.cel} {cel} {right.cel})",
        f"({left.python} {python} {right.python})",
    )


_ARITHMETIC = {sign: (sign, sign, sign, sign) for sign in "+-*"}
_COMPARISONS = {
    "<": ("<", "lt", "<", "<"),
    "<=": ("<=", "<=", "<=", "<="),
    ">": (">", "gt", ">", ">"),
    ">=": (">=", "ge", ">=", ">="),
    "==": ("=", "==", "==", "=="),
    "!=": ("!=", "ne", "!=", "!="),
}
_LOGIC = {"and": ("and", "&&", "&&", "and"), "or": ("or", "or", "||", "or")}

numbers: st.SearchStrategy[Written] = st.recursive(
    st.sampled_from(NUMBERS).map(_name) | st.integers(-3, 12).map(_number),
    lambda inner: st.builds(
        lambda left, sign, right: _joined(left, _ARITHMETIC[sign], right), inner, st.sampled_from("+-*"), inner
    ),
    max_leaves=4,
)
texts: st.SearchStrategy[Written] = st.sampled_from(TEXTS).map(_name) | st.sampled_from(WORDS).map(_word)


def _member(value: Written, words: list[str]) -> Written:
    listed = ", ".join(f'"{word}"' for word in words)
    either = " || ".join(f"{value.juel} == '{word}'" for word in words)
    return Written(
        f"({value.feel} in ({listed}))", f"({either})", f"({value.cel} in [{listed}])", f"({value.python} in {words!r})"
    )


def _between(value: Written, low: int, high: int) -> Written:
    both = f"({value.cel} >= {low} && {value.cel} <= {high})"
    return Written(f"({value.feel} between {low} and {high})", both, both, f"({low} <= {value.python} <= {high})")


def _not(inner: Written) -> Written:
    return Written(f"not({inner.feel})", f"(not {inner.juel})", f"(!{inner.cel})", f"(not {inner.python})")


def _if(condition: Written, then: Written, other: Written) -> Written:
    return Written(
        f"(if {condition.feel} then {then.feel} else {other.feel})",
        f"({condition.juel} ? {then.juel} : {other.juel})",
        f"({condition.cel} ? {then.cel} : {other.cel})",
        f"({then.python} if {condition.python} else {other.python})",
    )


def _starts(value: Written, word: str) -> Written:
    return Written(
        f'starts with({value.feel}, "{word}")', f"{value.juel}.startsWith('{word}')", f'{value.cel}.startsWith("{word}")',
        f"{value.python}.startswith({word!r})",
    )  # fmt: skip


comparison: st.SearchStrategy[Written] = st.one_of(
    st.builds(
        lambda left, sign, right: _joined(left, _COMPARISONS[sign], right),
        numbers,
        st.sampled_from(sorted(_COMPARISONS)),
        numbers,
    ),
    st.builds(
        lambda left, sign, right: _joined(left, _COMPARISONS[sign], right), texts, st.sampled_from(["==", "!="]), texts
    ),
    st.builds(_member, st.sampled_from(TEXTS).map(_name), st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)),
    st.builds(_between, st.sampled_from(NUMBERS).map(_name), st.integers(0, 5), st.integers(3, 9)),
    st.builds(_starts, st.sampled_from(TEXTS).map(_name), st.sampled_from(["x", "y"])),
    st.sampled_from(FLAGS).map(_name),
)
conditions: st.SearchStrategy[Written] = st.recursive(
    comparison,
    lambda inner: st.one_of(
        st.builds(
            lambda left, sign, right: _joined(left, _LOGIC[sign], right), inner, st.sampled_from(["and", "or"]), inner
        ),
        inner.map(_not),
        st.builds(_if, inner, inner, inner),
    ),
    max_leaves=6,
)
scopes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {name: st.integers(-3, 12) for name in NUMBERS}
    | {name: st.sampled_from(WORDS) for name in TEXTS}
    | {name: st.booleans() for name in FLAGS}
)
