"""What vendors' words in a model say of the endpoint behind an element, and what is bound by it."""

from __future__ import annotations

import pytest
from small_projects import flows, generated, graph_of, interface, operation

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.generation import Generated
from orchestra_kit.design.hints import ModelHints, hints_of_node, path_of

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SPACES = (
    f'xmlns="{MODEL}" xmlns:c="http://camunda.org/schema/1.0/bpmn" xmlns:z="http://camunda.org/schema/zeebe/1.0" '
    'xmlns:f="http://flowable.org/bpmn"'
)


def hints(body: str, outside: str = "") -> ModelHints:
    text = f'<definitions {SPACES}>{outside}<process id="p">{body}</process></definitions>'
    return hints_of_node(read_bpmn(text.encode(), source="x").graph.nodes[0])


CAMUNDA = (
    '<serviceTask id="t"><extensionElements><c:connector><c:inputOutput><c:inputParameter name="url">'
    'http://stock:8080/items/${sku}?x=1</c:inputParameter><c:inputParameter name="method">put</c:inputParameter>'
    "</c:inputOutput><c:connectorId>http-connector</c:connectorId></c:connector></extensionElements></serviceTask>"
)
ZEEBE = (
    '<serviceTask id="t"><extensionElements><z:taskDefinition type="io.camunda:http-json:1"/><z:ioMapping>'
    '<z:input source="=&quot;https://stock/items/&quot; + sku" target="url"/><z:input source="PUT" target="method"/>'
    "</z:ioMapping></extensionElements></serviceTask>"
)
FLOWABLE = (
    '<serviceTask id="t" f:type="http"><extensionElements><f:field name="requestMethod"><f:string>PUT</f:string></f:field>'
    '<f:field name="requestUrl"><f:expression>http://stock/items/${sku}</f:expression></f:field></extensionElements>'
    "</serviceTask>"
)
JBPM = (
    '<task id="t"><ioSpecification><dataInput id="u" name="Url"/><dataInput id="m" name="Method"/></ioSpecification>'
    "<dataInputAssociation><targetRef>u</targetRef><assignment><from>http://stock/items/#{sku}</from><to>u</to>"
    "</assignment></dataInputAssociation><dataInputAssociation><targetRef>m</targetRef><assignment><from>PUT</from>"
    "<to>m</to></assignment></dataInputAssociation></task>"
)
PLAIN = '<serviceTask id="t" operationRef="o"/>'
INTERFACE = '<interface id="i"><operation id="o" name="setStock" implementationRef="PUT /items/{sku}"/></interface>'


@pytest.mark.parametrize(
    ("body", "outside"), [(CAMUNDA, ""), (ZEEBE, ""), (FLOWABLE, ""), (JBPM, ""), (PLAIN, INTERFACE)]
)
def test_requests_of_every_vendor(body: str, outside: str) -> None:
    found = hints(body, outside).request
    assert found["verb"] == "PUT"
    assert found["path"].startswith("/items/{")
    assert found.get("service", "stock") == "stock"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://a.b/c/d?e=f#g", "/c/d"),
        ("${base}/orders/${id}", "/orders/{x}"),
        ('="http://a/orders/" + id + "/pay"', "/orders/{x}/pay"),
        ("=baseUrl + \"/orders\"", "/orders"),
        ("/plain", "/plain"),
        ("http://only.host", ""),
        ("not a url", ""),
    ],
)  # fmt: skip
def test_the_path_of_a_url_with_expressions(url: str, path: str) -> None:
    assert path_of(url) == path


@pytest.mark.parametrize(
    ("body", "outside", "name"),
    [
        ('<serviceTask id="t" c:type="external" c:topic="chargeCard"/>', "", "chargeCard"),
        ('<serviceTask id="t" c:delegateExpression="${chargeCardDelegate}"/>', "", "chargeCard"),
        ('<serviceTask id="t" c:class="com.shop.pay.ChargeCardDelegate"/>', "", "ChargeCard"),
        ('<serviceTask id="t" c:expression="${pay.chargeCard(order)}"/>', "", "pay chargeCard"),
        ('<userTask id="t" c:formKey="embedded:app:forms/charge-card.html"/>', "", "forms charge card"),
        ('<businessRuleTask id="t" c:decisionRef="chargeCard"/>', "", "chargeCard"),
        ('<sendTask id="t" messageRef="m"/>', '<message id="m" name="chargeCard"/>', "chargeCard"),
        ('<endEvent id="t"><messageEventDefinition messageRef="m"/></endEvent>', '<message id="m" name="chargeCard"/>', "chargeCard"),
        (PLAIN, INTERFACE, "setStock"),
    ],
)  # fmt: skip
def test_names_that_may_be_those_of_operations(body: str, outside: str, name: str) -> None:
    assert name in hints(body, outside).names


def test_channels_are_kept_by_kind_for_other_protocols() -> None:
    assert hints('<serviceTask id="t" c:topic="pay"/>').channels == {"topic": "pay"}
    zeebe = '<serviceTask id="t"><extensionElements><z:taskDefinition type="pay"/></extensionElements></serviceTask>'
    assert hints(zeebe).channels == {"jobType": "pay"}
    assert hints('<receiveTask id="t" messageRef="m"/>', '<message id="m" name="Paid"/>').channels == {
        "message": "Paid"
    }


SHOP = interface(
    operation("chargeCard", "/payments", summary="Charge the customer's card"),
    operation("setStock", "/items/{sku}", "put", parameters=[
        {"name": "sku", "in": "path", "required": True, "schema": {"type": "string"}}]),
    operation("listOrders", "/orders", "get"),
)  # fmt: skip


def made(body: str) -> Generated:
    return generated(
        graph_of(f'<startEvent id="S"/>{body}<endEvent id="E"/>' + flows("f1 S t", "f2 t E")), "", shop=SHOP
    )


def test_a_topic_that_is_an_operations_name_binds_whatever_the_label() -> None:
    (note,) = made('<serviceTask id="t" name="Geld einziehen" camunda:topic="charge-card"/>').notes
    assert (note.how, note.operation) == ("model", "shop.chargeCard")
    assert note.channels == {"topic": "charge-card"}


def test_a_name_the_model_gives_helps_where_the_label_does_not() -> None:
    (note,) = made('<serviceTask id="t" name="Schritt 3" camunda:topic="charge-customer-card"/>').notes
    assert note.candidates[0].operation == "shop.chargeCard"


def test_a_description_counts_beside_the_label() -> None:
    plain = made('<serviceTask id="t" name="Payment"/>').notes[0]
    told = made(
        '<serviceTask id="t" name="Payment"><documentation>Charge the card of the customer.</documentation></serviceTask>'
    )
    assert plain.candidates[0].operation == told.notes[0].candidates[0].operation == "shop.chargeCard"
    assert (told.notes[0].how, told.notes[0].operation) == ("matched", "shop.chargeCard")


def test_an_observed_element_shows_the_nearest_operations_and_binds_none() -> None:
    (note,) = made('<receiveTask id="t" name="Wait for orders"/>').notes
    assert (note.role, note.how, note.operation) == ("observed", "unknown", None)
    assert note.candidates[0].operation == "shop.listOrders"
    assert len(note.candidates) <= 3
