"""From paths and a binding to scenarios: steps, aliases, data, expectations, and every gap that keeps one a draft."""

from __future__ import annotations

from typing import Any

import pytest
from small_projects import fields, flows, generated, graph_of, interface, only, operation

from orchestra_kit.design.generation import Generated, align
from orchestra_kit.errors import DefinitionError, ExpressionError, OrchestraError, UnknownNameError
from orchestra_kit.model import StepKind, TestScenario

SHOP = interface(
    operation("start", "/start", answer=fields(id="string")),
    operation("pay", "/pay", body=fields(amount="integer"), answer=fields(payment="string", ok="boolean")),
    operation("ship", "/ship", answer=fields(parcel="string")),
    operation("read", "/orders", "get", answer=fields(state="string")),
)
LINE = '<startEvent id="S"/><task id="T" name="Start"/><task id="U" name="Ship"/><endEvent id="E"/>' + flows(
    "f1 S T", "f2 T U", "f3 U E"
)
LOOP = (
    '<startEvent id="S"/><task id="Pay" name="Pay"/><exclusiveGateway id="G"/><task id="Ship" name="Ship"/>'
    '<endEvent id="E"/>'
    + flows("f1 S Pay", "f2 Pay G", "again G Pay again", "done G Ship done", "f3 Ship E")
)  # fmt: skip
T_AND_U = "elements: {T: {alias: t, operation: shop.start}, U: {alias: u, operation: shop.ship}}"


def made(body: str, text: str) -> Generated:
    return generated(graph_of(body), text, shop=SHOP)


def line(text: str) -> TestScenario:
    return only(made(LINE, text))


def loop(text: str) -> dict[int, TestScenario]:
    """The scenarios of the loop by how often it is taken."""
    return {item.path.count("again"): item for item in made(LOOP, "maxLoop: 2\n" + text).scenarios}


def place_of(error: OrchestraError) -> tuple[int | None, str | None]:
    assert error.place is not None
    assert error.place.file == "folder/orchestra.yaml"
    return error.place.line, error.place.field


PAY = """
data: {amount: 5}
elements:
  Pay:
    alias: pay
    operation: shop.pay
    expect: { rules: ["response.body.payment != ''"] }
    then:
      - { alias: row, db: d, sql: select 1, parameters: { p: "{{ steps.pay.response.body.payment }}" }, rows: { count: 1 } }
  Ship: { alias: ship, operation: shop.ship, input: { body: { paid: "{{ steps.pay.response.body.payment }}" } } }
"""


def test_a_repeated_element_gets_numbered_aliases_and_speaks_of_the_latest() -> None:
    scenario = loop(PAY)[1]
    assert [step.alias for step in scenario.steps] == ["pay", "row", "pay_2", "row_2", "ship"]
    rows = [step.action.meta.parameters["p"] for step in scenario.steps if step.kind is StepKind.ASSERTION]
    assert rows == ["{{ steps.pay.response.body.payment }}", "{{ steps.pay_2.response.body.payment }}"]
    assert scenario.steps[-1].action.input_template["body"] == {"paid": "{{ steps.pay_2.response.body.payment }}"}
    assert [step.action.meta.observes for step in scenario.steps] == [None, "pay", None, "pay_2", None]
    assert scenario.gaps == ()
    assert sorted(loop(PAY)) == [0, 1, 2]


def test_an_element_speaks_of_its_own_last_time_before() -> None:
    text = PAY + '\nflows: {again: {expect: {rules: ["!steps.pay.response.body.ok"]}}}'
    scenario = loop(text)[2]
    rules = [[rule.expr for rule in step.expectations.business_rules[1:]] for step in scenario.steps]
    assert rules == [["!steps.pay.response.body.ok"], [], ["!steps.pay_2.response.body.ok"], [], [], [], []]


def test_numbered_aliases_leave_those_that_are_taken() -> None:
    text = PAY.replace("alias: ship", "alias: pay_2")
    assert [step.alias for step in loop(text)[2].steps] == ["pay", "row", "pay_2", "row_2", "pay_3", "row_3", "pay_2_2"]


def test_steps_carry_their_element_and_the_flows_fired_since_the_step_before() -> None:
    scenario = loop(PAY)[1]
    assert [(step.element_id, step.flow_ids) for step in scenario.steps] == [
        ("Pay", ("f1",)), ("Pay", ()), ("Pay", ("f2", "again")), ("Pay", ()), ("Ship", ("f2", "done"))
    ]  # fmt: skip
    assert scenario.end_flow_ids == ("f3",)
    fired = [flow for step in scenario.steps for flow in step.flow_ids] + list(scenario.end_flow_ids)
    assert tuple(fired) == scenario.path


def test_data_comes_from_defaults_then_flows_then_the_scenario() -> None:
    text = (
        PAY
        + """
flows:
  done: { data: { amount: 6, done: yes please } }
  again: { data: { amount: "{{ taken * 10 }}", done: "{{ flows['f2'] }}", card: "{{ run.token }}" } }
"""
    )
    found = {times: scenario.data for times, scenario in loop(text).items()}
    assert found[0] == {"amount": 6, "done": "yes please"}
    assert found[1] == {"amount": 6, "done": "yes please", "card": "{{ run.token }}"}
    only_again = PAY + '\nflows: {again: {data: {amount: "{{ taken * 10 }}", n: "{{ flows[\'f2\'] }}"}}}'
    assert {times: item.data for times, item in loop(only_again).items()} == {
        0: {"amount": 5}, 1: {"amount": 10, "n": 2}, 2: {"amount": 20, "n": 3}
    }  # fmt: skip
    key = loop(PAY)[1].key
    own = loop(PAY + f"\nscenarios: {{{key}: {{name: Mine, tags: [x], data: {{amount: 1}}}}}}")[1]
    assert (own.name, own.tags, own.data) == ("Mine", ("x",), {"amount": 1})


def test_a_value_of_path_and_run_together_is_refused() -> None:
    with pytest.raises(ExpressionError, match="use two values") as caught:
        loop(PAY + "\nflows: {again: {data: {amount: '{{ run.token }}-{{ taken }}'}}}")
    assert place_of(caught.value)[1] == "flows.again.data"


def test_expectations_of_a_flow_join_those_of_the_step_before_it() -> None:
    text = (
        T_AND_U
        + """
flows:
  f2:
    expect:
      - { status: 201, rules: ["response.body.id == 'x'"], maxDurationMs: 9, contract: false, schemaRefs: ["#/a"] }
  f3:
    expect: { of: t, rules: ["true"] }
"""
    )
    first, second = line(text).steps
    expected = first.expectations
    assert (expected.expected_status_code, expected.max_duration_ms, expected.check_contract) == (201, 9, False)
    assert [rule.expr for rule in expected.business_rules] == ["response.body.id == 'x'", "true"]
    assert expected.schema_refs == ("#/a",)
    assert second.expectations.business_rules == ()


@pytest.mark.parametrize(
    ("text", "part"),
    [("f1: {expect: {rules: ['true']}}", "no ACTION comes before this flow"),
     ("f2: {expect: {of: tt, rules: ['true']}}", "unknown step before this flow 'tt'. Did you mean 't'?")],
)  # fmt: skip
def test_expectations_of_a_flow_need_a_step_before_it(text: str, part: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        line(T_AND_U + "\nflows:\n  " + text)
    assert part in str(caught.value)
    assert place_of(caught.value)[0] == 5


def test_when_leaves_a_step_out_by_the_path() -> None:
    text = PAY.replace("- { alias: row,", "- { alias: row, when: \"'again' in flows\",").replace(
        "alias: ship,", "alias: ship, when: \"nodes['Pay'] > 1\","
    )
    assert [step.alias for step in loop(text)[0].steps] == ["pay"]
    assert [step.alias for step in loop(text)[1].steps] == ["pay", "row", "pay_2", "row_2", "ship"]


def test_when_must_be_true_or_false() -> None:
    with pytest.raises(DefinitionError, match="must be true or false, not 3") as caught:
        loop(PAY.replace("alias: ship,", 'alias: ship, when: "1 + 2",'))
    assert place_of(caught.value)[1] == "elements.Ship.when"


def test_setup_and_teardown_enclose_the_path() -> None:
    text = (
        T_AND_U
        + """
setup:
  - { operation: shop.read }
  - { alias: login, operation: shop.start, export: { token: response.body.id } }
teardown:
  - { alias: clean, operation: shop.read, when: "'f2' in flows" }
  - { alias: never, operation: shop.read, when: "'nope' in flows" }
"""
    )
    scenario = line(text)
    assert [step.alias for step in scenario.steps] == ["read", "login", "t", "u", "clean"]
    assert scenario.steps[1].action.meta.export_as == {"token": "response.body.id"}
    assert scenario.end_flow_ids == ("f3",)


def test_calls_after_an_element_are_not_what_later_checks_speak_of() -> None:
    text = """
elements:
  T:
    alias: t
    operation: shop.start
    after: [{ alias: again, operation: shop.start }]
    then: [{ alias: seen, operation: shop.read, expect: { rules: ["true"] } }]
  U: { alias: u, operation: shop.ship }
flows: { f2: { expect: { rules: ["response.body.id != ''"] } } }
"""
    scenario = line(text)
    assert [step.alias for step in scenario.steps] == ["t", "again", "seen", "u"]
    assert scenario.steps[2].action.meta.observes == "t"
    assert [len(step.expectations.business_rules) for step in scenario.steps] == [1, 0, 1, 0]


def test_an_observed_element_is_checked_never_called() -> None:
    text = """
elements:
  T: { alias: t, operation: shop.start }
  U: { role: observed, assert: [{ alias: sent, db: d, sql: select 1, rows: { count: 1 } }] }
"""
    scenario = line(text)
    assert [(step.alias, step.kind.value) for step in scenario.steps] == [("t", "ACTION"), ("sent", "ASSERTION")]
    assert scenario.gaps == ()


def test_an_observed_element_nobody_checks_is_a_gap_unless_said_unobservable() -> None:
    text = "elements: {T: {operation: shop.start}, U: {role: observed}}"
    scenario = line(text)
    assert [(gap.code, gap.element_id) for gap in scenario.gaps] == [("NOT_OBSERVED", "U")]
    said = made(LINE, text.replace("role: observed", "role: observed, unobservable: nothing is written down"))
    assert only(said).gaps == ()
    assert said.unobservable == (("U", "nothing is written down"),)
    assert {note.element_id: note.how for note in said.notes} == {"T": "written", "U": "unobservable"}


def test_an_operation_of_an_observed_element_is_a_contradiction() -> None:
    with pytest.raises(DefinitionError, match="is observed") as caught:
        line("elements: {T: {operation: shop.start}, U: {role: observed, operation: shop.ship}}")
    assert place_of(caught.value)[1] == "elements.U.operation"


def test_a_start_is_no_step_unless_it_is_bound() -> None:
    body = LINE.replace(
        '<startEvent id="S"/>', '<startEvent id="S"><messageEventDefinition id="m"/></startEvent>'
    )  # fmt: skip
    assert [step.alias for step in only(made(body, T_AND_U)).steps] == ["t", "u"]
    assert only(made(body, T_AND_U)).gaps == ()
    bound = T_AND_U[:-1] + ", S: {alias: begin, operation: shop.read}}"
    assert [step.alias for step in only(made(body, bound)).steps] == ["begin", "t", "u"]


def test_an_element_that_waits_is_fed_when_an_operation_is_bound() -> None:
    body = LINE.replace('<task id="U" name="Ship"/>', '<receiveTask id="U" name="Ship"/>')
    scenario = only(made(body, T_AND_U))
    assert [(step.alias, step.kind) for step in scenario.steps] == [("t", StepKind.ACTION), ("u", StepKind.ACTION)]


def test_elements_of_one_name_have_aliases_of_their_own() -> None:
    body = LINE.replace('name="Start"', 'name="Ship"')
    scenario = only(made(body, ""))
    assert [step.alias for step in scenario.steps] == ["ship_t", "ship_u"]


def test_two_steps_of_one_written_alias_are_refused() -> None:
    with pytest.raises(DefinitionError, match="'t' is used by two different steps") as caught:
        line("elements: {T: {alias: t, operation: shop.start}, U: {alias: t, operation: shop.ship}}")
    assert place_of(caught.value)[1] == "elements.U.alias"


@pytest.mark.parametrize(
    ("text", "part", "field"),
    [
        ("elements: {TT: {operation: shop.start}}", "unknown element 'TT'", "elements.TT"),
        ("flows: {f22: {data: {}}}", "unknown sequence flow 'f22'. Did you mean 'f2'", "flows.f22"),
        ("scenarios: {nope: {}}", "unknown scenario 'nope'", "scenarios.nope"),
        ("setup: [{alias: a}]", "an action needs an operation", "setup[0]"),
    ],
)
def test_unknown_names_are_told_with_their_place(text: str, part: str, field: str) -> None:
    with pytest.raises((UnknownNameError, DefinitionError)) as caught:
        line(text)
    assert part in str(caught.value)
    assert place_of(caught.value) == (3, field)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("elements:\n  T:\n    operation: shop.start\n    expect: {rules: ['a ==']}", "elements.T.expect.rules[0]"),
        ("elements:\n  T:\n    operation: shop.start\n    when: '1 +'", "elements.T.when"),
        ("elements:\n  T:\n    operation: shop.start\n    export: {x: 'a b'}", "elements.T.export.x"),
        (
            "elements:\n  T:\n    operation: shop.start\n    input: {body: {a: [1, '{{ x']}}",
            "elements.T.input.body.a[1]",
        ),
        (
            "elements:\n  T:\n    then:\n      - {alias: a, operation: shop.read, stopWhen: ')'}",
            "elements.T.then[0].stopWhen",
        ),
        ("data:\n  a:\n    b:\n      c: '{{ ( }}'", "data.a.b.c"),
        ("flows:\n  f1:\n    data:\n      c: '{{ ( }}'", "flows.f1.data.c"),
        ("flows:\n  f2:\n    expect:\n      - {rules: [')']}", "flows.f2.expect[0].rules[0]"),
    ],
)
def test_an_expression_that_does_not_parse_is_told_with_line_and_field(text: str, field: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        line(text)
    assert place_of(caught.value) == (6, field)


def test_wrong_references_are_gaps_with_line_field_and_nearest_name() -> None:
    text = """
elements:
  T:
    alias: t
    operation: shop.start
  U:
    alias: u
    operation: shop.ship
    input:
      body:
        a: "{{ steps.t.response.body.idd }}"
        b: "{{ steps.tt.response.body.id }}"
        c: "{{ data.nothing }}"
    expect:
      rules:
        - response.body.parcel == 5
"""
    gaps = {gap.field: gap for gap in line(text).gaps}
    assert {gap.code for gap in gaps.values()} == {"WRONG_REFERENCE"}
    assert sorted(str(field) for field in gaps) == [
        "businessRules[0]", "inputTemplate.body.a", "inputTemplate.body.b", "inputTemplate.body.c"
    ]  # fmt: skip
    wrong = gaps["inputTemplate.body.a"]
    assert wrong.message.startswith("orchestra.yaml:13 (elements.U.input.body.a): unknown field 'idd'")
    assert "'id'" in wrong.message
    assert "'t'" in gaps["inputTemplate.body.b"].message
    assert gaps["businessRules[0]"].message.startswith("orchestra.yaml:18 ")


def test_what_a_check_observes_must_be_on_the_path() -> None:
    text = PAY.replace("{ alias: row,", "{ alias: row, observes: sip,")
    (gap,) = loop(text)[0].gaps
    assert gap.code == "UNKNOWN_STEP"
    assert "'sip'" in gap.message


def test_a_boundary_event_nothing_provokes_is_a_gap() -> None:
    body = LINE + (
        '<boundaryEvent id="B" name="Too late" attachedToRef="T"><timerEventDefinition id="td"/></boundaryEvent>'
        '<endEvent id="E2"/>'
    ) + flows("late B E2")  # fmt: skip
    by_end = {item.path[-1]: item for item in made(body, T_AND_U).scenarios}
    assert by_end["f3"].gaps == ()
    (gap,) = by_end["late"].gaps
    assert (gap.code, gap.element_id) == ("NOT_PROVOKED", "B")
    assert "'Too late'" in gap.message
    told = made(body, T_AND_U + "\nflows: {late: {data: {wait: 9}}}")
    assert all(item.gaps == () for item in told.scenarios)


def test_missing_inputs_are_gaps_of_their_element() -> None:
    (gap,) = line("elements: {T: {alias: t, operation: shop.pay}, U: {operation: shop.ship}}").gaps
    assert (gap.code, gap.element_id, gap.step_alias, gap.field) == ("MISSING_INPUT", "T", "t", "body.amount")


def test_nothing_of_any_process_is_known_to_the_generator() -> None:
    """Names that mean something in the demo mean nothing here: other ids and labels give the same steps."""

    def shapes(body: str, text: str) -> list[Any]:
        return [
            [(step.kind, step.channel_type, len(step.flow_ids)) for step in item.steps]
            for item in made(body, text).scenarios
        ]

    other = LOOP.replace('"Pay"', '"Xx"').replace('"Ship"', '"Yy"').replace('"again"', '"zz"').replace('"done"', '"ww"')
    assert shapes(LOOP, PAY) == shapes(other, PAY.replace("Pay:", "Xx:").replace("Ship:", "Yy:"))


def test_sub_processes_are_walked_in_place() -> None:
    body = (
        '<startEvent id="S"/><subProcess id="Sub"><startEvent id="S2"/><task id="T" name="Start"/><endEvent id="E2"/>'
        + flows("g1 S2 T", "g2 T E2")
        + '</subProcess><task id="U" name="Ship"/><endEvent id="E"/>'
        + flows("f1 S Sub", "f2 Sub U", "f3 U E")
    )
    scenario = only(made(body, T_AND_U))
    assert [(step.alias, step.flow_ids) for step in scenario.steps] == [("t", ("f1", "g1")), ("u", ("g2", "f2"))]
    assert scenario.path == ("f1", "g1", "g2", "f2", "f3")


def test_every_flow_of_a_path_is_aligned_once() -> None:
    from orchestra_kit.design.coverage import compose

    graph = graph_of(LOOP)
    nodes, flow_of = {node.id: node for node in graph.nodes}, {flow.id: flow for flow in graph.flows}
    for composed in compose(graph, "P").scenarios:
        aligned = align(composed, nodes, flow_of)
        assert tuple(flow for entry in aligned for flow in entry.fired) == composed.path
        assert sorted(flow for entry in aligned for flow in entry.taken) == sorted(composed.path)
        assert [entry.node.id for entry in aligned if entry.node is not None] == list(composed.visits)


PARALLEL = (
    '<startEvent id="S"/><endEvent id="E"/><parallelGateway id="G"/><parallelGateway id="J" name="Both done"/>'
    '<sendTask id="T"/><sendTask id="U"/>'
    + flows("in S G", "t1 G T", "u1 G U", "t2 T J", "u2 U J", "out J E")
)  # fmt: skip


def test_parallel_branches_run_in_order_and_a_barrier_waits_for_their_actions() -> None:
    scenario = only(made(PARALLEL, T_AND_U))
    assert scenario.path == ("in", "t1", "u1", "t2", "u2", "out")
    assert [(step.kind, step.alias, step.flow_ids) for step in scenario.steps] == [
        (StepKind.ACTION, "t", ("in", "t1")),
        (StepKind.ACTION, "u", ("u1",)),
        (StepKind.BARRIER, "both_done_joined", ("t2", "u2")),
    ]
    assert scenario.steps[-1].action.meta.tracked_steps == ("t", "u")
    assert scenario.steps[-1].element_id == "J"
    assert scenario.end_flow_ids == ("out",)
    assert not [gap for gap in scenario.gaps if gap.step_alias == "both_done_joined"]


def test_expectations_of_a_parallel_flow_speak_of_the_action_before_the_split() -> None:
    before = PARALLEL.replace('<startEvent id="S"/>', '<startEvent id="S"/><sendTask id="A"/>')
    body = before.replace(flows("in S G"), flows("i S A", "in A G"))
    text = (
        "elements: {A: {alias: a, operation: shop.start}, T: {alias: t, operation: shop.start}, "
        "U: {alias: u, operation: shop.ship}}\nflows: {u1: {expect: {rules: ['true']}}}"
    )
    steps = {step.alias: step for step in only(made(body, text)).steps}
    assert [rule.expr for rule in steps["a"].expectations.business_rules] == ["true"]
    assert steps["t"].expectations.business_rules == ()


def test_branches_without_actions_need_no_barrier() -> None:
    silent = PARALLEL.replace("sendTask", "manualTask")
    assert [step.kind for step in only(made(silent, "elements: {}")).steps] == []
