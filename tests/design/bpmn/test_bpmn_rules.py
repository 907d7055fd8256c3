"""The rules of the specification that BPMNspector numbers: each broken once and named, each kept once without alarm.

The processes stand in `tests/data/bpmn-rules/cases.xml`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestra_kit.design.bpmn import read_bpmn

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
CASES = (Path(__file__).parents[2] / "data" / "bpmn-rules" / "cases.xml").read_text()
CASE = re.compile(
    r'<case (breaks|keeps)="([^"]+)">\s*(?:<outside>(.*?)</outside>\s*)?<process>(.*?)</process>\s*</case>', re.DOTALL
)
FOUND = {(kind, name): (content, outside) for kind, name, outside, content in CASE.findall(CASES)}
SOUND = (
    '<startEvent id="s"/>{}<endEvent id="e"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/>'
    '<sequenceFlow id="g" sourceRef="t" targetRef="e"/>'
)


def messages(content: str, outside: str = "") -> list[str]:
    text = (
        f'<definitions xmlns="{MODEL}">{outside}<process id="p" isExecutable="true">{content}</process></definitions>'
    )
    return [item.message for item in read_bpmn(text.encode(), source="x").diagnostics]


def names(kind: str) -> list[str]:
    return [name for found, name in FOUND if found == kind]


@pytest.mark.parametrize("rule", names("breaks"))
def test_each_broken_rule_is_named(rule: str) -> None:
    found = messages(*FOUND["breaks", rule])
    assert any(rule in item for item in found), found


@pytest.mark.parametrize("name", names("keeps"))
def test_what_keeps_the_rules_raises_no_alarm(name: str) -> None:
    assert messages(*FOUND["keeps", name]) == []


def test_the_cases_were_found() -> None:
    assert len(names("breaks")) >= 45
    assert len(names("keeps")) >= 7


def test_references_to_the_wrong_kind_and_to_nothing() -> None:
    content = SOUND.format('<receiveTask id="t" messageRef="x"/>') + '<sendTask id="u" messageRef="gone"/>'
    found = messages(content, '<signal id="x"/>')
    assert any("messageRef 'x' of the receiveTask 't' is a signal" in item for item in found)
    assert any("messageRef 'gone' of the sendTask 'u' is nowhere" in item for item in found)


def test_references_into_imported_files_are_not_called_missing() -> None:
    content = SOUND.format('<receiveTask id="t" messageRef="o:x"/>')
    assert messages(content, '<import location="o" namespace="urn:o" importType="b"/>') == []


def test_an_attribute_of_nobody_is_named() -> None:
    found = messages(SOUND.format('<task id="t" nmae="x"/>'))
    assert any("no attribute 'nmae' of the task 't'" in item for item in found)
