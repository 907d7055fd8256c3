"""Aliases that can stand in expressions, the same for an element on every path."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.design.naming import alias_of, default_aliases, numbered
from orchestra_kit.model.scenario import ALIAS_PATTERN


@pytest.mark.parametrize(
    ("label", "alias"),
    [("Check stock", "check_stock"), ("checkStock", "check_stock"), ("Prüfe Lager", "prufe_lager"),
     ("2nd try!", "step_2nd_try"), ("", "step"), ("支払い", "step")],
)  # fmt: skip
def test_alias_of_a_label(label: str, alias: str) -> None:
    assert alias_of(label) == alias


def test_a_label_of_other_letters_falls_back_to_the_id() -> None:
    assert alias_of("支払い", fallback="Task_Pay") == "task_pay"


@settings(deadline=None)
@given(st.text(max_size=300), st.text(max_size=30))
def test_every_alias_can_stand_in_an_expression(label: str, fallback: str) -> None:
    alias = alias_of(label, fallback=fallback)
    assert ALIAS_PATTERN.match(alias)
    assert len(numbered(alias, 99)) <= 128


def test_elements_of_one_label_get_their_ids_added() -> None:
    labels = {"T1": "Send mail", "T2": "send-mail", "T3": "Pay", "T4": "Ship"}
    assert default_aliases(labels, {"ship"}) == {
        "T1": "send_mail_t1", "T2": "send_mail_t2", "T3": "pay", "T4": "ship_t4"
    }  # fmt: skip
