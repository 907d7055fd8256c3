"""Reading OpenAPI documents."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_kit.errors import DefinitionError, LimitError, OrchestraError
from orchestra_kit.protocols.http.inspect import inspect_spec
from orchestra_kit.protocols.http.spec_parser import OpenApiParser

SHOP = """
openapi: 3.0.3
info: {title: Shop, version: 2024-01-01}
servers: [{url: "https://{host}/v1", variables: {host: {default: shop.example}}}]
paths:
  /orders/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
      - {name: verbose, in: query, schema: {type: boolean}}
    get:
      operationId: getOrder
      summary: Get one order
      parameters:
        - {name: verbose, in: query, required: true, schema: {type: string}}
        - {$ref: '#/components/parameters/Trace'}
      responses:
        200:
          description: ok
          headers: {ETag: {required: true, schema: {type: string}}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}
        4XX: {$ref: '#/components/responses/Problem'}
        default: {description: none}
    delete:
      responses: {'204': {description: gone}}
components:
  parameters:
    Trace: {name: X-Trace, in: header, schema: {type: string}}
  responses:
    Problem: {description: bad, content: {application/problem+json: {schema: {type: object}}}}
  schemas:
    Order:
      type: object
      required: [id]
      properties:
        id: {type: integer, format: int32}
        note: {type: string, nullable: true}
        price: {type: number, minimum: 0, exclusiveMinimum: true}
        parent: {$ref: '#/components/schemas/Order'}
        secret: {type: string, format: password}
        buyers: {type: array, items: {type: object, properties: {pin: {type: string, writeOnly: true}}}}
"""


def parse(text, **settings):
    return OpenApiParser().parse(text if isinstance(text, str) else json.dumps(text), source="shop.yaml", **settings)


def minimal(paths, **rest):
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths, **rest}


def answer(schema):
    return {"responses": {"200": {"description": "d", "content": {"application/json": {"schema": schema}}}}}


def codes(summary):
    return {warning.code for warning in summary.warnings}


def test_operations_carry_parameters_bodies_and_answers():
    summary = parse(SHOP)
    assert summary.title == "Shop" and summary.api_version == "2024-01-01"
    assert summary.servers == ("https://shop.example/v1",)
    get, delete = summary.operations
    assert (get.endpoint_name, get.method, get.path, get.summary) == (
        "getOrder", "GET", "/orders/{id}", "Get one order",
    )  # fmt: skip
    assert {(one.location, one.name): one.required for one in get.parameters} == {
        ("path", "id"): True,
        ("query", "verbose"): True,
        ("header", "X-Trace"): False,
    }
    assert next(one for one in get.parameters if one.name == "verbose").json_schema == {"type": "string"}
    assert get.responses["200"] == {"application/json": {"$ref": "#/components/schemas/Order"}}
    assert get.responses["4XX"] == {"application/problem+json": {"type": "object"}} and get.responses["default"] == {}
    assert get.response_headers["200"]["ETag"] == {"required": True, "schema": {"type": "string"}}
    assert delete.endpoint_name == "DELETE /orders/{id}" and delete.responses == {"204": {}}
    assert summary.warnings == ()


def test_3_0_schemas_become_json_schema():
    order = parse(SHOP).components["schemas"]["Order"]["properties"]
    assert order["note"]["type"] == ["string", "null"]
    assert order["price"] == {"type": "number", "exclusiveMinimum": 0}
    assert order["parent"] == {"$ref": "#/components/schemas/Order"}


def test_sensitive_places_of_an_answer_are_known():
    get, delete = parse(SHOP).operations
    assert {"/secret", "/buyers/*/pin"} <= set(get.sensitive_response_pointers)
    assert delete.sensitive_response_pointers == ()


def test_the_tokens_of_a_token_endpoint_are_sensitive():
    flows = {"password": {"tokenUrl": "https://x.example/auth/token", "scopes": {}}}
    document = minimal(
        {"/auth/token": {"post": {"operationId": "login", **answer({"type": "object"})}}},
        components={"securitySchemes": {"o": {"type": "oauth2", "flows": flows}}},
    )
    assert "/access_token" in parse(document).operations[0].sensitive_response_pointers


def test_json_and_yaml_give_the_same():
    import yaml

    as_json = json.dumps(yaml.safe_load(SHOP.replace("2024-01-01", "'2024-01-01'").replace("200:", "'200':")))
    assert parse(as_json) == parse(SHOP)


def test_operation_ids_that_stand_twice_are_told_apart():
    one = {"operationId": "do", "responses": {"200": {"description": "d"}}}
    summary = parse(minimal({"/a": {"get": one}, "/b": {"get": one}, "/c": {"get": one}}))
    names = [operation.endpoint_name for operation in summary.operations]
    assert names == ["do", "GET /b", "GET /c"] and "OPERATION_ID_DOUBLED" in codes(summary)


def test_path_parameters_are_made_to_fit_the_path():
    parameter = {"name": "other", "in": "path", "required": True, "schema": {}}
    summary = parse(minimal({"/a/{id}": {"get": {"parameters": [parameter], "responses": {}}}}))
    assert [one.name for one in summary.operations[0].parameters] == ["id"]
    assert {"PATH_PARAMETER_UNDECLARED", "PATH_PARAMETER_UNUSED"} <= codes(summary)


# -- references --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference",
    [
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "https://evil.example/x.json#/a",
        "HTTP://x/y",
        "//evil.example/x",
        "../outside.yaml",
        "a/../../outside.yaml",
        "/etc/passwd",
        "%2e%2e/outside.yaml",
        "..%2foutside.yaml",
        "\\\\server\\share",
        "..\\outside.yaml",
        "c:\\windows\\win.ini",
        "data:application/json,{}",
    ],
)
def test_a19_a_reference_out_of_the_bundle_is_never_followed(reference):
    """A19: neither file: nor http:, nor any way out of the document's own folder."""
    read: list[str] = []

    def files(path):
        read.append(path)
        raise FileNotFoundError(path)

    summary = parse(minimal({"/a": {"get": answer({"$ref": reference})}}), files=files)
    assert read == []
    warning = next(one for one in summary.warnings if one.code == "REF_FORBIDDEN")
    assert reference in warning.message and warning.where.startswith("/paths/~1a/get")
    assert summary.operations[0].responses["200"]["application/json"] == {}


def test_a19_a_path_item_out_of_the_bundle_is_not_followed_either():
    """A19."""
    summary = parse(minimal({"/a": {"$ref": "http://evil.example/paths.json"}}))
    assert not summary.operations and "REF_FORBIDDEN" in codes(summary)


def test_files_of_the_bundle_are_read_once_and_joined():
    bundle = {
        "paths/orders.yaml": "get:\n  operationId: list\n  responses:\n    '200':\n      description: d\n      content:\n"
        "        application/json:\n          schema: {$ref: '../schemas/all.json#/Order'}\n",
        "schemas/all.json": json.dumps(
            {"Order": {"type": "object", "properties": {"next": {"$ref": "#/Order"}, "by": {"$ref": "user.json"}}}}
        ),
        "schemas/user.json": json.dumps({"type": "string"}),
    }
    read: list[str] = []

    def files(path):
        read.append(path)
        return bundle[path]

    summary = parse(minimal({"/orders": {"$ref": "paths/orders.yaml"}}), files=files)
    assert summary.operations[0].responses["200"]["application/json"] == {"$ref": "#/components/schemas/Order"}
    order = summary.components["schemas"]["Order"]["properties"]
    assert order["next"] == {"$ref": "#/components/schemas/Order"}
    assert summary.components["schemas"]["user.json" if "user.json" in summary.components["schemas"] else "user"] == {
        "type": "string"
    }
    assert sorted(read) == sorted(bundle) and summary.warnings == ()


def test_a_missing_file_of_the_bundle_is_named():
    summary = parse(minimal({"/a": {"$ref": "paths/a.yaml"}}), files=lambda path: {}[path])
    warning = next(one for one in summary.warnings if one.code == "REF_FILE_MISSING")
    assert "paths/a.yaml" in warning.message and warning.where == "/paths/~1a/$ref"


def test_a_schema_of_a_path_may_be_referred_to_by_pointer():
    document = minimal(
        {
            "/a": {"get": answer({"type": "object", "properties": {"x": {"type": "string"}}})},
            "/b": {"get": answer({"$ref": "#/paths/~1a/get/responses/200/content/application~1json/schema"})},
        }
    )
    summary = parse(document)
    reference = summary.operations[1].responses["200"]["application/json"]["$ref"]
    assert summary.components["schemas"][reference.rsplit("/", 1)[1]]["properties"] == {"x": {"type": "string"}}


@pytest.mark.parametrize(
    "schemas",
    [
        {"A": {"$ref": "#/components/schemas/A"}},
        {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}},
        {"A": {"allOf": [{"$ref": "#/components/schemas/A"}]}},
        {"A": {"properties": {"x": {"$ref": "#/components/schemas/A"}}}},
        {"A": {"$ref": "#/components/schemas/Gone"}},
        {"A": {"$ref": "#anchor"}},
        {"A": {"$ref": 5}},
    ],
)
def test_references_in_circles_or_to_nowhere_are_read(schemas):
    summary = parse(
        minimal({"/a": {"get": answer({"$ref": "#/components/schemas/A"})}}, components={"schemas": schemas})
    )
    assert len(summary.operations) == 1
    json.dumps(summary.to_json())


def test_discriminator_mappings_are_led_into_the_components():
    document = minimal(
        {"/a": {"get": answer({"oneOf": [{"$ref": "#/components/schemas/Cat"}],
                               "discriminator": {"propertyName": "kind", "mapping": {"c": "Cat", "x": "Gone"}}})}},
        components={"schemas": {"Cat": {"type": "object"}}},
    )  # fmt: skip
    summary = parse(document)
    schema = summary.operations[0].responses["200"]["application/json"]
    assert schema["discriminator"] == {"propertyName": "kind", "mapping": {"c": "#/components/schemas/Cat"}}
    assert "REF_UNRESOLVED" in codes(summary)


# -- what is not as it should be ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("swagger: '2.0'\npaths: {}", "Swagger 2.0"),
        ("asyncapi: 3.0.0", "asyncapi"),
        ("openapi: 4.0.0", "not supported"),
        ("a: 1", "no 'openapi'"),
        ("[]", "not an object"),
        ("", "not an object"),
        ("{", "not valid"),
        ("a: [", "not valid YAML"),
        ("a: 1\n b: 2\n  c", "not valid YAML"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("--- 1\n--- 2", "not valid YAML"),
    ],
)
def test_what_is_no_openapi_document_is_refused_with_its_place(text, said):
    with pytest.raises(DefinitionError, match=said) as caught:
        parse(text)
    assert "shop.yaml" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "a: " * 1000, "{'a': " * 500, '{"a":' * 5000, "- " * 5000, "a: &a [*a]"],
    ids=["flow", "block", "flow-map", "json", "list", "itself"],
)
def test_a_document_without_end_is_refused(text):
    with pytest.raises((DefinitionError, LimitError)):
        parse(text)


def test_a18_aliases_that_unfold_without_end_are_refused():
    """A18: the billion laughs."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    with pytest.raises(LimitError, match="unfolds"):
        parse("\n".join(lines))


def test_a18_yaml_tags_make_no_objects():
    """A18."""
    with pytest.raises(DefinitionError):
        parse("openapi: !!python/name:os.system x")


def test_dates_and_switch_words_in_yaml_stay_text():
    schema = "{type: string, enum: [on, no, 2024-01-01, 1:30, 010], default: no}"
    text = (
        "openapi: 3.1.0\ninfo: {title: t, version: 1.0}\npaths:\n  /a:\n    get:\n      responses:\n        200:\n"
        f"          description: d\n          content: {{application/json: {{schema: {schema}}}}}\n"
    )
    found = parse(text).operations[0].responses["200"]["application/json"]
    assert found["enum"] == ["on", "no", "2024-01-01", "1:30", 10] and found["default"] == "no"


def test_a_malformed_schema_keyword_is_left_out_by_name():
    schema = {
        "type": "int", "minLength": "3", "required": True, "pattern": "(", "enum": "x", "properties": [],
        "items": 5, "allOf": {}, "minimum": True, "multipleOf": 0, "uniqueItems": "yes",
    }  # fmt: skip
    summary = parse(minimal({"/a": {"get": answer(schema)}}))
    found = summary.operations[0].responses["200"]["application/json"]
    assert found == {"type": "integer", "items": {}}
    places = {warning.where.rsplit("/", 1)[1] for warning in summary.warnings if warning.code.startswith("SCHEMA")}
    assert places == set(schema)


def test_numbers_beyond_all_size_do_not_reach_the_store():
    text = json.dumps(minimal({"/a": {"get": answer({"maximum": 1})}})).replace('"maximum": 1', '"maximum": 1e999')
    json.dumps(parse(text).to_json(), allow_nan=False)


def test_a_name_that_stands_twice_is_warned_of():
    text = '{"openapi": "3.1.0", "info": {"title": "a", "title": "b", "version": "1"}, "paths": {}}'
    summary = parse(text)
    assert summary.title == "b" and "NAME_DOUBLED" in codes(summary)


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "#/paths", "200", "get", "/a/{b}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["get", "post", "parameters", "responses", "200", "default", "content", "application/json", "schema",
                 "$ref", "requestBody", "headers", "name", "in", "required", "properties", "items", "type", "allOf",
                 "operationId", "schemas", "discriminator", "mapping", "tags"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["/a", "/a/{b}", "x-y", "b"]), junk, max_size=3) | junk, junk, junk)
def test_any_rubbish_gives_operations_or_warnings_and_never_a_traceback(paths, components, servers):
    document = {"openapi": "3.0.0", "info": {}, "paths": paths, "components": components, "servers": servers}
    summary = parse(document)
    assert summary.operations or summary.warnings
    json.dumps(summary.to_json())


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_read_or_refused(text):
    for prefix in ("", "openapi: 3.0.0\n", "{"):
        try:
            parse(prefix + text)
        except OrchestraError:
            continue


# -- orchestra spec inspect --------------------------------------------------------------------------------------------


def test_inspect_gives_the_published_shape(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    shown = inspect_spec(file)
    assert list(shown) == ["file", "ok", "protocol", "operations", "warnings"]
    assert shown["ok"] and shown["protocol"] == "HTTP_REST" and shown["file"] == str(file)
    assert shown["operations"][0] == {
        "endpointName": "getOrder", "method": "GET", "path": "/orders/{id}", "summary": "Get one order",
    }  # fmt: skip


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"swagger: '2.0'", b"[", b"\x00", b"a: b: c"])
def test_inspect_never_raises_on_content(tmp_path, content):
    file = tmp_path / "x.yaml"
    file.write_bytes(content)
    shown = inspect_spec(file)
    assert not shown["ok"] and shown["warnings"] and not shown["operations"]
    assert set(shown["warnings"][0]) == {"code", "where", "message"}


def test_a19_inspect_does_not_follow_a_link_out_of_the_folder(tmp_path):
    """A19."""
    (tmp_path / "outside.yaml").write_text("type: string")
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    file = folder / "api.json"
    file.write_text(json.dumps(minimal({"/a": {"get": answer({"$ref": "link.yaml"})}})))
    [warning] = inspect_spec(file)["warnings"]
    assert warning["code"] == "REF_FILE_MISSING" and "outside the document's own folder" in warning["message"]


# -- the corpus --------------------------------------------------------------------------------------------------------


def _corpus_files(corpus):
    files = [*corpus.glob("openapi/*.json"), *corpus.glob("openapi/*.y*ml"), *corpus.glob("mapping/openapi/*.json"),
             *corpus.glob("sut/*.yml")]  # fmt: skip
    return sorted(files)


def test_every_document_of_the_corpus_gives_all_its_operations_or_a_named_warning(corpus):
    """The number of operations is counted independently, from the raw document."""
    import yaml

    methods = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
    files = _corpus_files(corpus)
    assert len(files) > 200
    for file in files:
        shown = inspect_spec(file)
        raw = file.read_text(encoding="utf-8")
        document = json.loads(raw) if raw.lstrip().startswith("{") else yaml.load(raw, Loader=yaml.CSafeLoader)
        items = (document.get("paths") or {}).values()
        counted = sum(1 for item in items if isinstance(item, dict) for name in item if name in methods)
        assert len(shown["operations"]) == counted, file.name
        assert shown["operations"] or shown["warnings"], file.name
        names = [one["endpointName"] for one in shown["operations"]]
        assert len(set(names)) == len(names), file.name
        json.dumps(shown)


def test_every_schema_of_the_corpus_compiles(corpus):
    """What was imported can be judged by: no answer will meet a schema that cannot be used."""
    from orchestra_kit.protocols.http.contract_schemas import compile_schema

    compiled = 0
    for file in sorted(corpus.glob("openapi/*")):
        if file.suffix not in (".json", ".yml", ".yaml"):
            continue
        summary = OpenApiParser().parse(file.read_text(encoding="utf-8"), source=file.name)
        named = summary.components["schemas"]
        for operation in summary.operations[:40]:
            for media_types in (*operation.responses.values(), operation.request_body):
                for schema in media_types.values():
                    direction = "request" if media_types is operation.request_body else "response"
                    compile_schema(schema, named, direction=direction, dialect=summary.dialect)
                    compiled += 1
    assert compiled > 1000
