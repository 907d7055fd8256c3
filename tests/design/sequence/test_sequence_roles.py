"""Who plays whom, what becomes of each message, and scenarios out of a diagram and an interface."""

from __future__ import annotations

import itertools
import textwrap
from datetime import UTC, datetime
from typing import Any

import pytest
from small_projects import CERTAINTY, binding_of, fields, interface, operation

from orchestra_kit.design.coverage import compose
from orchestra_kit.design.generation import Author, Generated, SuiteGenerator
from orchestra_kit.design.operations import OperationCatalog
from orchestra_kit.design.roles import RoleTable
from orchestra_kit.design.sequence import MESSAGE, read_sequence
from orchestra_kit.errors import DefinitionError, UnknownNameError
from orchestra_kit.model import ControlFlowGraph, InterfaceSummary, ScenarioStep, StepKind
from orchestra_kit.protocols.http.endpoint_matcher import NameMatcher

ORDER = """
    actor C as Customer
    participant O as Orders
    participant P as Payments
    C->>O: POST /orders
    O->>O: check stock
    alt in stock
        O->>+P: POST /payments
        P-->>-O: 201 Created
        O-->>C: 201 Created
        opt customer looks
            C->>O: GET /orders/{id}
            O-->>C: 200 OK
        end
    else
        O-->>C: 409 Conflict
    end
    O-)C: order shipped
"""


def graph_of(body: str, source: str = "P.mmd") -> ControlFlowGraph:
    document = read_sequence(("sequenceDiagram\n" + textwrap.dedent(body)).encode(), source=source)
    assert document.ok, document.diagnostics
    return document.graph


def roles(body: str, text: str = "") -> dict[str, str | None]:
    graph = graph_of(body)
    binding, document = binding_of(text)
    table = RoleTable(graph, binding, document)
    found = {node.id: table.role_of(node) for node in graph.nodes if MESSAGE in node.extensions}
    return {identifier: role.value if role else None for identifier, role in found.items()}


def test_an_actor_is_played_and_everybody_else_observed() -> None:
    assert roles(ORDER) == {
        "m1": "driven",  # customer to orders: sent
        "m2": "observed",  # within the system
        "m3": "observed",  # between two services: never sent
        "m4": None,  # its answer: belongs to it
        "m5": None,  # the answer we wait for
        "m6": "driven",
        "m7": None,
        "m8": None,
        "m9": "observed",  # the system speaks to us
    }


def test_who_begins_is_played_where_there_is_no_actor() -> None:
    assert roles("B->>B: think\nA->>B: 1\nB->>C: 2\nC-->>B: 3\nB-->>A: 4") == {
        "m1": "observed", "m2": "driven", "m3": "observed", "m4": None, "m5": None,
    }  # fmt: skip


def test_an_actor_that_only_listens_leaves_the_lead_to_who_begins() -> None:
    assert roles("actor U\nA->>B: 1\nB->>U: 2") == {"m1": "driven", "m2": "observed"}


def test_roles_of_the_project_go_first_by_id_or_name() -> None:
    assert roles(ORDER, "roles: {C: driven, Orders: driven}") == {
        "m1": None,  # both are played: nothing has to happen
        "m2": None,
        "m3": "driven",
        "m4": None,
        "m5": None,
        "m6": None,
        "m7": None,
        "m8": None,
        "m9": None,
    }
    assert roles("A->>B: 1\nB->>A: 2", "roles: {A: observed, B: driven}") == {"m1": "observed", "m2": "driven"}


def test_a_role_for_nobody_is_named() -> None:
    with pytest.raises(UnknownNameError, match="Custumer"):
        roles(ORDER, "roles: {Custumer: driven}")


def test_an_answer_we_would_have_to_give_is_observed_and_stated_unobservable() -> None:
    made = generated("actor U\nU->>B: POST /orders\nB->>U: ask\nU-->>B: tell\nB-->>U: 200 OK")
    assert dict(made.unobservable)["m3"].startswith("U is called here and would have to answer")


def test_messages_from_beyond_the_border_are_sent() -> None:
    document = read_sequence(b"@startuml\n[-> B : in\nB ->] : out\n@enduml", source="P.puml")
    binding, project = binding_of("")
    table = RoleTable(document.graph, binding, project)
    assert [table.role_of(node) for node in document.graph.nodes if MESSAGE in node.extensions] == [
        "driven",
        "observed",
    ]


@pytest.mark.parametrize("element", ["m3: {role: driven, operation: Orders.placeOrder}", "m3: {operation: Orders.placeOrder}",
                                     "m5: {operation: Orders.placeOrder}", "m5: {role: driven}"])  # fmt: skip
def test_a_message_of_the_system_is_never_made_an_action(element: str) -> None:
    with pytest.raises(DefinitionError, match="Orchestra plays"):
        generated(ORDER, f"elements: {{{element}}}")


# --- scenarios --------------------------------------------------------------------------------------------------------


def shop() -> InterfaceSummary:
    return interface(
        operation("placeOrder", "/orders", body=fields(sku="string"), answer=fields(id="string")),
        operation(
            "showOrder", "/orders/{id}", "get",
            parameters=[{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
        ),
    )  # fmt: skip


def generated(body: str, text: str = "", **services: InterfaceSummary) -> Generated:
    graph = graph_of(body)
    binding, document = binding_of(text)
    numbers = itertools.count(1)
    generator = SuiteGenerator(
        graph,
        binding,
        document,
        OperationCatalog(services or {"Orders": shop()}),
        NameMatcher(),
        certainty=CERTAINTY,
        make_id=lambda: f"id-{next(numbers)}",
    )
    suite = compose(graph, "P", criterion=binding.criterion, max_loop=binding.max_loop)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return generator.generate(suite.scenarios, Author(tenant_id="t", suite_id="s", actor="a", now=now))


def steps(made: Generated) -> dict[str, list[tuple[str, str, Any]]]:
    return {item.key: [_shown(step) for step in item.steps] for item in made.scenarios}


def _shown(step: ScenarioStep) -> tuple[str, str, Any]:
    endpoint = step.endpoint_ref.endpoint_name if step.endpoint_ref else ""
    return step.kind.value, endpoint, step.expectations.expected_status_code


BOUND = """
    data: {sku: A1}
    elements:
      m3: {unobservable: the payment service is out of reach}
      m9: {unobservable: nobody listens for mails}
    flows:
      alt1-m3: {data: {sku: A1}}
      alt1-m8: {data: {sku: sold-out}}
"""


def test_the_answers_on_a_path_are_expected_of_the_calls_they_answer() -> None:
    made = generated(ORDER, BOUND)
    assert steps(made) == {
        "in-stock--customer-looks": [("ACTION", "placeOrder", 201), ("ACTION", "showOrder", 200)],
        "in-stock--not-customer-looks": [("ACTION", "placeOrder", 201)],
        "else": [("ACTION", "placeOrder", 409)],
    }
    assert not [gap for item in made.scenarios for gap in item.gaps]
    assert dict(made.unobservable) == {
        "m2": "Orders does this within itself",
        "m3": "the payment service is out of reach",
        "m9": "nobody listens for mails",
    }


def test_a_message_between_services_is_asserted_where_the_project_says_how() -> None:
    text = BOUND.replace(
        "m3: {unobservable: the payment service is out of reach}",
        "m3: {assert: [{alias: paid, operation: Orders.showOrder, input: {path: {id: '1'}}, expect: {status: 200}}]}",
    )
    for scenario in generated(ORDER, text).scenarios:
        kinds = {(step.kind, step.element_id) for step in scenario.steps if step.element_id == "m3"}
        assert kinds == ({(StepKind.ASSERTION, "m3")} if "in-stock" in scenario.key else set())


def test_a_message_between_services_that_nobody_speaks_of_is_a_gap() -> None:
    gaps = {(gap.code, gap.element_id) for item in generated(ORDER).scenarios for gap in item.gaps}
    assert ("NOT_OBSERVED", "m3") in gaps and ("NOT_OBSERVED", "m9") in gaps
    assert not {identifier for code, identifier in gaps if code == "NOT_OBSERVED"} & {"m2", "m4", "m5"}


def test_what_a_participant_does_may_be_unobservable_as_a_whole() -> None:
    made = generated(ORDER, "data: {sku: A1}\nunobservable: {Payments: not ours, O: no window into it}")
    assert dict(made.unobservable) == {"m2": "no window into it", "m3": "no window into it", "m9": "no window into it"}
    assert not [gap for item in made.scenarios for gap in item.gaps]
    with pytest.raises(UnknownNameError, match="Paymentz"):
        generated(ORDER, "unobservable: {Paymentz: not ours}")


def test_what_the_project_expects_goes_before_the_words_of_the_diagram() -> None:
    made = generated(ORDER, BOUND.replace("elements:", "elements:\n      m1: {expect: {status: [201, 202]}}"))
    assert steps(made)["else"] == [("ACTION", "placeOrder", (201, 202))]
    made = generated(ORDER, BOUND.replace("elements:", "elements:\n      m8: {expect: {status: 410}}"))
    assert steps(made)["else"] == [("ACTION", "placeOrder", 410)]


def test_a_rule_at_an_answer_is_judged_on_its_call() -> None:
    text = BOUND.replace("elements:", "elements:\n      m8: {expect: {rules: [{expr: response.body.reason != ''}]}}")
    scenario = next(item for item in generated(ORDER, text).scenarios if item.key == "else")
    assert [rule.expr for rule in scenario.steps[0].expectations.business_rules] == ["response.body.reason != ''"]
    assert scenario.steps[0].expectations.expected_status_code == 409


def test_only_the_first_answer_on_a_path_counts() -> None:
    body = "actor C\nC->>O: POST /orders\nopt bad\nO-->>C: 400 Bad Request\nend\nO-->>C: 201 Created"
    found = steps(generated(body, "data: {sku: x}"))
    assert found == {"bad": [("ACTION", "placeOrder", 400)], "not-bad": [("ACTION", "placeOrder", 201)]}


def test_a_status_behind_the_path_is_expected() -> None:
    made = generated("actor C\nC->>O: GET /orders/{id} 404", "data: {id: x}")
    assert [step for item in steps(made).values() for step in item] == [("ACTION", "showOrder", 404)]


@pytest.mark.parametrize(
    "text, operation_name",
    [
        ("POST /orders", "placeOrder"),
        ("POST /shop/api/orders", "placeOrder"),  # behind a gateway
        ("GET /orders/42", "showOrder"),
        ("GET /orders/:id", "showOrder"),
        ("GET /orders/<ID>", "showOrder"),
        ("GET /orders/latest", "latest"),
        ("orders.showOrder(id)", "showOrder"),
        ("place_order()", "placeOrder"),
    ],
)
def test_a_written_request_is_bound_without_doubt(text: str, operation_name: str) -> None:
    service = interface(
        operation("placeOrder", "/orders"),
        operation("latest", "/orders/latest", "get"),
        operation("showOrder", "/orders/{id}", "get"),
        operation("placeParcel", "/parcels"),
    )
    (note,) = generated(f"actor C\nC->>O: {text}", "", Orders=service).notes
    assert (note.how, note.operation) == ("model", f"Orders.{operation_name}")


def test_a_request_two_services_offer_goes_to_the_one_that_is_called_or_to_none() -> None:
    services = {"Orders": interface(operation("a", "/x")), "Parcels": interface(operation("b", "/x"))}
    (note,) = generated("actor C\nparticipant P as Parcels API\nC->>P: POST /x", "", **services).notes
    assert note.operation == "Parcels.b"
    (note,) = generated("actor C\nC->>Z: POST /x", "", **services).notes
    assert note.how != "model"


# --- hints ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body, expected",
    [
        ("A->>B: POST /orders", {"verb": "POST", "path": "/orders", "service": "B"}),
        ("A->>B: GET /orders/{id} 200", {"verb": "GET", "path": "/orders/{id}", "status": 200, "service": "B"}),
        ("A->>B: PUT - /settlement/{id}", {"verb": "PUT", "path": "/settlement/{id}", "service": "B"}),
        ('A->>B: ""PATCH /consents/1""<br/>""x: y""', {"verb": "PATCH", "path": "/consents/1", "service": "B"}),
        ("A->>B: DELETE https://x.example/a/b?c=1", {"verb": "DELETE", "path": "/a/b", "service": "B"}),
        ("A->>B: PUT /fx/<ID>/error", {"verb": "PUT", "path": "/fx/{ID}/error", "service": "B"}),
        ("A->>B: DELETE FROM customers", {"service": "B"}),
        ("A->>B: @Valid(x) save (all)", {"service": "B"}),
        (
            "participant K as Kafka Broker\nA->>K: Send to payment-orders topic (x)",
            {"topic": "payment-orders", "service": "Kafka Broker"},
        ),
        ("participant K as Kafka Listener\nK->>A: reserve()", {"name": "reserve", "service": "A"}),
        ("A->>B: orderService.create(order)", {"name": "orderService.create", "service": "B"}),
        ("A->>B: publish OrderCreated", {"topic": "OrderCreated", "service": "B"}),
        ("A->>B: Publish event order.created to bus", {"topic": "order.created", "service": "B"}),
        ("participant K as orders topic\nA->>K: send it", {"topic": "orders topic", "service": "orders topic"}),
        ("participant K as Kafka Broker\nK-)A: consume", {"topic": "Kafka Broker", "service": "A"}),
        ("A->>B: please get 200 apples", {"service": "B"}),
        ("A->>B: Get the order", {"service": "B"}),
    ],
)
def test_hints_of_a_call(body: str, expected: dict[str, object]) -> None:
    node = next(node for node in graph_of(body).nodes if MESSAGE in node.extensions)
    assert node.extensions["hints"] == expected


@pytest.mark.parametrize(
    "text, status",
    [
        ("200 OK", 200), ("201", 201), ("HTTP 404", 404), ("Respond HTTP - 400 (Bad Request)", 400), ("status code: 503", 503),
        ("404 Not Found", 404), ("Error (409 Conflict)", 409), ("ProductNotFoundException (404)", 404), ("returns 204", 204),
        ("HTTP/1.1 202 Accepted", 202), ("Response 200", 200), ("Mono<Product> (200 OK)", 200),
        ("error code 2003", None), ("costs 200.50", None), ("4xx", None), ("page 404 of the book", None), ("600", None), ("ok", None),
    ],
)  # fmt: skip
def test_the_status_an_answer_names(text: str, status: int | None) -> None:
    graph = graph_of(f"A->>B: ask\nB-->>A: {text}")
    hints = next(node for node in graph.nodes if node.id == "m2").extensions.get("hints", {})
    assert hints.get("status") == status
