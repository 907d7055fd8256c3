"""Who decides a variable, which version a condition sees, and what is assumed where the model does not say."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("z3", reason="the extra `solver` is not installed")

from small_projects import flows
from small_projects import graph_of as graph

from orchestra_kit.design.conditions import (
    ConditionHints,
    FeasibleSuite,
    PathStatus,
    data_tables,
    judge_paths,
    read_guards,
)
from orchestra_kit.design.conditions.writers import writes_of
from orchestra_kit.design.coverage import ComposedScenario, ComposedSuite, Criterion, compose
from orchestra_kit.design.reading import read_process
from orchestra_kit.solver import open_solver

_CAMUNDA = 'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'


def _judged(body: str, hints: ConditionHints | None = None) -> FeasibleSuite:
    found = graph(body)
    return judge_paths(found, compose(found, "P"), open_solver(), hints)


def _if(identifier: str, source: str, target: str, condition: str) -> str:
    return (
        f'<sequenceFlow id="{identifier}" sourceRef="{source}" targetRef="{target}">'
        f'<conditionExpression xsi:type="tFormalExpression">{condition}</conditionExpression></sequenceFlow>'
    )


def _task(identifier: str, tag: str = "serviceTask", extension: str = "", attributes: str = "") -> str:
    inside = f"<extensionElements>{extension}</extensionElements>" if extension else ""
    return f'<{tag} id="{identifier}" {_CAMUNDA} {attributes}>{inside}</{tag}>'


_TWO = '<startEvent id="s"/><exclusiveGateway id="x" default="no"/><exclusiveGateway id="y" default="rest"/><endEvent id="e"/><endEvent id="f"/>'


def _two_decisions(middle: str, condition: str = "= a &gt; 5") -> str:
    """Return a process that asks for `a` twice, with an element between."""
    return (
        _TWO + middle + flows("in s x", "no x m", "on m y", "rest y f")
        + _if("yes", "x", "m", condition) + _if("again", "y", "e", condition)
    )  # fmt: skip


def _classes(suite: FeasibleSuite) -> dict[str, str]:
    return {item.name: item.kind.value for item in suite.variables}


def _paths(suite: FeasibleSuite) -> set[tuple[str, ...]]:
    return {tuple(flow for flow in item.scenario.path if flow not in ("in", "on")) for item in suite.scenarios}


def test_a_service_task_without_outputs_writes_nothing() -> None:
    suite = _judged(_two_decisions(_task("m")))
    assert _paths(suite) == {("yes", "again"), ("no", "rest")}
    assert _classes(suite) == {"a": "unbound"}


def test_what_an_element_writes_is_another_version() -> None:
    mapping = '<zeebe:ioMapping><zeebe:output source="= answer" target="a"/></zeebe:ioMapping>'
    suite = _judged(_two_decisions(_task("m", extension=mapping)))
    assert suite.infeasible == ()
    assert _classes(suite) == {"a": "observed"}
    expected = [item for scenario in suite.scenarios for item in scenario.expected()]
    assert {item["at"] for item in expected} == {"m"} and all("stub" in item["provoke"] for item in expected)


def test_a_form_field_is_controlled_and_its_version_is_in_the_data() -> None:
    form = '<camunda:formData><camunda:formField id="a" type="long" defaultValue="7"/></camunda:formData>'
    suite = _judged(_two_decisions(_task("m", tag="userTask", extension=form)))
    tables = data_tables(suite)
    assert {name for table in tables.values() for name in table.rows[0].values} == {"a", "a_2"}
    assert any(table.rows[0].values["a_2"] == 7 for table in tables.values()), "the form's own value is tried first"


def test_a_mapping_over_process_variables_is_computed() -> None:
    mapping = '<zeebe:ioMapping><zeebe:output source="= a - 10" target="a"/></zeebe:ioMapping>'
    suite = _judged(_two_decisions(_task("m", extension=mapping)))
    taken = {flows_: item for item in suite.scenarios for flows_ in [item.scenario.path]}
    both = next(item for path, item in taken.items() if "yes" in path and "again" in path)
    assert both.values["a"] > 15 and both.settable() == {"a": both.values["a"]}
    rising = next(item for path, item in taken.items() if "no" in path)
    assert "again" not in rising.scenario.path


def test_a_human_task_may_write_what_other_elements_write() -> None:
    first = _task("w", extension='<zeebe:ioMapping><zeebe:output source="= r" target="a"/></zeebe:ioMapping>')
    body = (
        _TWO + first + _task("m", tag="userTask") + flows("in s w", "made w x", "no x m", "on m y", "rest y f")
        + _if("yes", "x", "m", "= a &gt; 5") + _if("again", "y", "e", "= a &lt; 3")
    )  # fmt: skip
    suite = _judged(body)
    path = next(item for item in suite.scenarios if {"yes", "again"} <= set(item.scenario.path))
    assert path.status is PathStatus.FEASIBLE
    assert any("'m' may write 'a'" in text for text in path.assumptions)


def test_an_impossible_path_says_which_undeclared_write_would_make_it_possible() -> None:
    body = (
        _TWO + _task("m") + flows("in s x", "no x m", "on m y", "rest y f")
        + _if("yes", "x", "m", "= a &gt; 5") + _if("again", "y", "e", "= a &lt; 3")
    )  # fmt: skip
    path = ComposedScenario(key="asked", path=("in", "yes", "on", "again"), visits=("s", "x", "m", "y", "e"))
    suite = ComposedSuite(process_id="P", criterion=Criterion.FLOW, scenarios=(path,), size=1, lower_bound=1)
    found = judge_paths(graph(body), suite, open_solver())
    (impossible,) = found.infeasible
    assert [item.flow_id for item in impossible.core] == ["yes", "again"]
    assert impossible.unless == ("'m' writes 'a'",)
    assert {flow for item in found.replacements for flow in item.scenario.path} >= {"yes", "again"}


def test_a_loop_without_a_writer_may_change_in_each_round_and_a_written_one_only_there() -> None:
    loop = (
        '<startEvent id="s"/><exclusiveGateway id="x" default="out"/><endEvent id="e"/>' + _task("m")
        + flows("in s m", "on m x", "out x e") + _if("back", "x", "m", "= again")
    )  # fmt: skip
    suite = _judged(loop)
    assert suite.infeasible == () and any("each round" in text for text in suite.assumptions)
    written = loop.replace(
        '<startEvent id="s"/>',
        f'<startEvent id="s" {_CAMUNDA}><extensionElements><camunda:formData><camunda:formField id="again" type="boolean"/></camunda:formData></extensionElements></startEvent>',
    )
    suite = _judged(written)
    assert {item.element_id for item in suite.lost} == {"back"}


@pytest.mark.parametrize(
    "hints, wanted",
    [
        (ConditionHints(data={"a": 7}), "controlled"),
        (ConditionHints(inputs={"a": "m"}), "controlled"),
        (ConditionHints(responses={"m": ("a",)}), "observed"),
        (ConditionHints(responses={"m": ("a",)}, data={"a": 1}), "controlled"),
        (ConditionHints(), "unbound"),
    ],
)
def test_a_project_tells_who_decides_a_variable(hints: ConditionHints, wanted: str) -> None:
    body = (
        '<startEvent id="s"/><exclusiveGateway id="x" default="no"/><endEvent id="e"/><endEvent id="f"/>' + _task("m")
        + flows("in s m", "on m x", "no x f") + _if("yes", "x", "e", "= a &gt; 5")
    )  # fmt: skip
    suite = _judged(body, hints)
    assert _classes(suite) == {"a": wanted}
    if hints.data.get("a") == 7:
        assert any(item.values == {"a": 7} for item in suite.scenarios)


def test_rows_never_change_what_the_system_answers() -> None:
    mapping = '<zeebe:ioMapping><zeebe:output source="= answer" target="b"/></zeebe:ioMapping>'
    body = (
        '<startEvent id="s"/><exclusiveGateway id="x" default="no"/><endEvent id="e"/><endEvent id="f"/>'
        + _task("m", extension=mapping) + flows("in s m", "on m x", "no x f")
        + _if("yes", "x", "e", "= a &gt; 5 and b &gt; 5")
    )  # fmt: skip
    suite = _judged(body, ConditionHints(data={"a": 6}))
    tables = data_tables(suite, only_controlled=True)
    assert tables
    for key, table in tables.items():
        judged = next(item for item in suite.scenarios if item.scenario.key == key)
        for row in table.rows:
            assert set(row.values) == {"a"}
            taken = "yes" in judged.scenario.path
            if "b" not in judged.free:
                assert (row.values["a"] > 5 and judged.values["b"] > 5) is taken


@pytest.mark.parametrize(
    "element, wanted",
    [
        (_task("m", attributes='camunda:resultVariable="r" camunda:expression="${bean.call()}"'), {"r": False}),
        (_task("m", attributes='camunda:resultVariable="r" camunda:expression="${a + 1}"'), {"r": True}),
        (_task("m", extension='<zeebe:script expression="= a + 1" resultVariable="r"/>', tag="scriptTask"), {"r": True}),
        (_task("m", extension='<zeebe:calledDecision decisionId="d" resultVariable="r"/>', tag="businessRuleTask"), {"r": False}),
        (
            _task("m", extension='<camunda:inputOutput><camunda:outputParameter name="r">${b}</camunda:outputParameter></camunda:inputOutput>'),
            {"r": True},
        ),
        (_task("m", extension='<camunda:out source="inner" target="r"/>', tag="callActivity"), {"r": False}),
        ('<scriptTask id="m" scriptFormat="groovy"><script>execution.setVariable("r", 5); execution.setVariable("q", f(1));</script></scriptTask>', {"r": True, "q": False}),
        (
            _task("m", tag="userTask", extension='<camunda:formData><camunda:formField id="r" type="enum"><camunda:value id="x"/><camunda:value id="y"/></camunda:formField></camunda:formData>'),
            {"r": False},
        ),
    ],
)  # fmt: skip
def test_every_way_of_writing_a_variable_is_known(element: str, wanted: dict[str, bool]) -> None:
    found: Any = writes_of(graph(element), {}).get("m", ())
    assert {item.variable: item.value is not None for item in found} == wanted


def test_a_word_over_a_fragment_of_a_sequence_diagram_is_no_variable() -> None:
    text = "sequenceDiagram\n  A->>B: ask\n  alt found\n    B-->>A: it\n  else amount > 5\n    B-->>A: more\n  end\n"
    table = read_guards(read_process(text.encode(), source="a.mmd").graph)
    assert {item.text for item in table.unread.values()} == {"found"}
    assert {item.text for item in table.guards.values()} == {"amount > 5"}
