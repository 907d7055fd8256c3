"""A23: a secret through a whole run is in no row, no event and no log; what a later step needs of it is sealed."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestra_kit.engine.redaction import REDACTED, Redactor, Replaced, find_places, read_pattern, replace_places
from orchestra_kit.model import (
    InterfaceSummary,
    OperationSummary,
    ProtocolSpec,
    RunMode,
    RunStatus,
    Violation,
    ViolationType,
)
from orchestra_kit.spi.plan import SpecRef
from orchestra_kit.spi.protocol import Observation

SECRET = "p4ss/wörd+x"
TOKEN = "eyJhbGciOi.tok-en_1234"


def everything(world: Any, run_id: str) -> str:
    """Return all that is recorded or told of a run, as text."""
    rows = [item.model_dump_json(by_alias=True, exclude={"sealed"}) for item in world.results(run_id)]
    return "\n".join([*rows, world.run(run_id).model_dump_json(), *map(repr, world.events)])


def spellings(secret: str) -> list[str]:
    raw = secret.encode()
    return [
        secret,
        quote(secret, safe=""),
        base64.b64encode(raw).decode(),
        base64.b64encode(b"user:" + raw).decode(),
        json.dumps(secret)[1:-1],
    ]


def test_a_resolved_secret_is_found_in_every_spelling_and_place(world: Any) -> None:
    world.secrets = {"pw": SECRET}

    def leak(command: Any) -> Any:
        value = command.surroundings.secrets.resolve("secret:pw")
        told = spellings(value)
        return Observation(
            view={"status": 500, "headers": {"X-Echo": value}, "body": {"echo": told, value: 1}},
            status_code=500,
            request={"headers": {"Authorization": f"Bearer {value}"}, "url": f"/x?pw={quote(value, safe='')}"},
        )

    world.system.script("login", leak)
    world.system.check_response = lambda command, observation, expectations: [
        Violation(
            type=ViolationType.CONTRACT_VIOLATION, code="X", message=f"got {SECRET}", details={"got": [f"a{SECRET}b"]}
        )
    ]
    expect = {"businessRules": ["response.headers['X-Echo'] == 'no'"]}
    run_id = world.execute([world.action("login", expect=expect)])
    text = everything(world, run_id)
    for spelling in spellings(SECRET):
        assert spelling not in text
    assert world.codes(run_id, "login") == ["X", "RULE_FALSE"]
    assert world.result(run_id, "login").request["headers"]["Authorization"] == REDACTED


@pytest.mark.parametrize("name", ["Authorization", "cookie", "Set-Cookie", "X-API-Key", "proxy-authorization"])
def test_headers_that_log_in_are_never_shown_but_reach_later_steps(world: Any, name: str) -> None:
    world.system.script("login", world.http(200, {}, {name: "abc=1"}))
    template = {"headers": {"X": "{{ steps.login.response.headers['NAME'] }}".replace("NAME", name)}}
    run_id = world.execute([world.action("login"), world.action("use", template)])
    assert world.result(run_id, "login").response_headers == {name: REDACTED}
    assert world.system.inputs("use") == [{"headers": {"X": "abc=1"}}]


def spec_with_token(world: Any) -> dict[str, SpecRef]:
    operation = OperationSummary(
        endpoint_name="login", method="POST", path="/login", sensitive_response_pointers=("/token", "/keys/*/k")
    )
    world.specs[("local", "p1", 1)] = ProtocolSpec(
        protocol_id="p1", tenant_id="local", service_name="shop", version=1, raw_spec_uri="x",
        parsed_summary=InterfaceSummary(operations=(operation,)), created_at=world.clock.now(), created_by="t",
    )  # fmt: skip
    return {"login": SpecRef(protocol_id="p1", version=1)}


def logging_in(world: Any) -> list[dict[str, Any]]:
    return [
        world.action("login"),
        world.action("use", {"headers": {"X-Token": "{{ steps.login.response.body.token }}"}}),
        world.action("tell", {"all": "{{ steps.login.response.body }}"}),
    ]


def test_sensitive_parts_of_an_answer_are_sealed_and_usable(world: Any) -> None:
    body = {"token": TOKEN, "keys": [{"k": "key-0001", "n": 1}, {"k": "key-0002", "n": 2}], "user": "ann"}
    world.system.script("login", world.http(200, body))
    world.system.script("use", world.http(200, {"echo": f"Bearer {TOKEN}"}))
    run_id = world.execute(logging_in(world), specs=spec_with_token(world))
    shown = world.result(run_id, "login").response_body
    assert shown == {"token": REDACTED, "keys": [{"k": REDACTED, "n": 1}, {"k": REDACTED, "n": 2}], "user": "ann"}
    assert world.system.inputs("use") == [{"headers": {"X-Token": TOKEN}}]
    assert world.system.inputs("tell") == [{"all": body}]
    assert world.result(run_id, "use").response_body == {"echo": f"Bearer {REDACTED}"}
    assert TOKEN not in everything(world, run_id)
    assert "key-0002" not in everything(world, run_id)


def test_a_resume_uses_the_sealed_value_and_sees_no_divergence(world: Any) -> None:
    world.system.script("login", world.http(200, {"token": TOKEN, "keys": []}))
    run_id = world.submit(logging_in(world), specs=spec_with_token(world))
    claimed = world.store.claim_run(world.ref(run_id), worker_id="w1", lease_seconds=30)
    from orchestra_kit.engine.session import StepSession

    session = StepSession(claimed, world.equipment())
    session.run_step("login")
    session.run_step("use")
    world.clock.pass_time(31)
    world.store.reap_expired(max_recoveries=5)
    assert world.executor("w2").execute(world.ref(run_id)) is RunStatus.PASSED
    assert world.system.inputs("tell") == [{"all": {"token": TOKEN, "keys": []}}]
    assert len(world.system.keys["use"]) == 1
    assert TOKEN not in everything(world, run_id)


def test_a_digest_does_not_depend_on_what_is_sensitive(world: Any) -> None:
    digests = []
    for token in ("token-one", "token-two"):
        world.system.script("login", world.http(200, {"token": token, "keys": []}))
        run_id = world.execute(logging_in(world), specs=spec_with_token(world), key="k")
        digests.append(world.result(run_id, "use").definition_digest)
    assert digests[0] == digests[1]


def test_own_markings_cover_request_answer_and_rows(world: Any) -> None:
    def answer(command: Any) -> Any:
        return world.http(
            200, {"pin": "1234-9", "deep": {"pin": "5678-9"}}, request={"body": dict(command.input["body"])}
        )

    world.system.script("card", answer)
    world.system.script("row", world.rows({"pin": "9999-1", "id": 1}))
    steps = [
        world.action("card", {"body": {"pin": "4321-0", "x": 1}}, sensitive=["pin"]),
        world.assertion("row", sensitive=["/rows/*/pin"], timeoutMs=100),
    ]
    run_id = world.execute(steps)
    card = world.result(run_id, "card")
    assert card.response_body == {"pin": REDACTED, "deep": {"pin": REDACTED}}
    assert card.request == {"body": {"pin": REDACTED, "x": 1}}
    assert world.result(run_id, "row").db_result == {"rows": [{"pin": REDACTED, "id": 1}], "count": 1}


def test_overrides_of_user_code_do_not_see_what_is_sealed(world: Any) -> None:
    class Curious:
        def drive(self, session: Any) -> None:
            session.run_step("login")
            stolen = {
                "x": "{{ steps.login.response.body.token.substring(0, 5) }}",
                "y": "{{ steps.login.response.body.token }}",
            }
            session.run_step("use", overrides=stolen)
            own = {"headers": {"X-Token": "{{ steps.login.response.body.token }}"}, "more": 1}
            session.run_step("tell", overrides={"all": "{{ steps.login.response.body }}", **own})

    world.system.script("login", world.http(200, {"token": TOKEN, "keys": []}))
    run_id = world.submit(logging_in(world), specs=spec_with_token(world), mode=RunMode.RUN_ALL_STEPS)
    world.executor(driver=Curious()).execute(world.ref(run_id))
    assert TOKEN[:5] not in json.dumps(world.system.inputs("use"))
    # A text the step itself holds is still resolved with the true value; one that another step holds is not.
    (sent,) = world.system.inputs("tell")
    assert sent["all"]["token"] == TOKEN
    assert sent["headers"]["X-Token"] == REDACTED


def test_exports_that_hold_something_sensitive_are_sealed(world: Any) -> None:
    finished: list[Any] = []

    class Watching:
        def __getattr__(self, name: str) -> Any:
            if name == "finish_run":
                return lambda finish: (finished.append(finish), world.store.finish_run(finish))[1]
            return getattr(world.store, name)

    world.work = Watching()
    world.system.script("login", world.http(200, {"token": TOKEN, "keys": [], "user": "ann"}))
    steps = [world.action("login", exportAs={"tok": "response.body.token", "user": "response.body.user"})]
    world.execute(steps, specs=spec_with_token(world))
    exports = finished[0].exports
    assert exports["user"] == "ann"
    assert set(exports["tok"]) == {"$sealed"}
    assert TOKEN not in json.dumps(exports)


def test_a_crash_of_a_driver_is_logged_without_secrets(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    world.secrets = {"pw": SECRET}

    def use(command: Any) -> Any:
        command.surroundings.secrets.resolve("secret:pw")
        return world.http()

    class Crashing:
        def drive(self, session: Any) -> None:
            session.run_step("login")
            raise RuntimeError(f"connection to x:{SECRET} failed")

    world.system.script("login", use)
    run_id = world.submit([world.action("login")])
    world.executor(driver=Crashing()).execute(world.ref(run_id))
    assert SECRET not in "".join(repr(record.__dict__) for record in caplog.records)
    assert caplog.records
    assert SECRET not in repr(world.events)


class TestSize:
    def test_large_bodies_are_cut_with_a_note(self, world: Any) -> None:
        world.system.script("get", world.http(200, {"items": ["x" * 100] * 5_000, "id": 3}))
        run_id = world.execute([world.action("get"), world.action("use", {"i": "{{ steps.get.response.body.id }}"})])
        body = world.result(run_id, "get").response_body
        assert set(body) == {"truncated", "start"}
        assert "characters" in body["truncated"]
        assert len(json.dumps(body)) < 40_000
        assert world.system.inputs("use") == [{"i": 3}], "this worker still knows the whole"

    def test_a_cut_body_still_hides_its_secrets(self, world: Any) -> None:
        body = {"token": TOKEN, "keys": [], "pad": "x" * 400_000}
        world.system.script("login", world.http(200, body))
        run_id = world.execute([world.action("login")], specs=spec_with_token(world))
        assert TOKEN not in everything(world, run_id)

    def test_values_of_databases_become_json(self, world: Any) -> None:
        from datetime import UTC, date, datetime
        from decimal import Decimal
        from uuid import UUID

        row = {"d": Decimal("12.50"), "n": Decimal(3), "t": datetime(2026, 1, 1, tzinfo=UTC), "u": UUID(int=1),
               "b": b"ab", "day": date(2026, 1, 2), "s": {"x"}}  # fmt: skip
        world.system.script("row", world.rows(row))
        run_id = world.execute([world.assertion("row", timeoutMs=100)])
        assert world.result(run_id, "row").db_result["rows"] == [
            {"d": 12.5, "n": 3, "t": "2026-01-01T00:00:00+00:00", "u": "00000000-0000-0000-0000-000000000001",
             "b": "YWI=", "day": "2026-01-02", "s": ["x"]}
        ]  # fmt: skip


class TestRedactor:
    def test_short_values_are_replaced_only_where_they_are_the_whole_text(self) -> None:
        redactor = Redactor()
        redactor.remember("ab")
        assert redactor.value({"x": "ab", "y": "cab", "ab": 1}) == {"x": REDACTED, "y": "cab", REDACTED: 1}

    def test_numbers_count_too(self) -> None:
        redactor = Redactor()
        redactor.remember(123456)
        assert redactor.value([123456, 12, "id 123456", True, None]) == [REDACTED, 12, f"id {REDACTED}", True, None]

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
            max_leaves=12,
        ),
        st.text(alphabet='abcXYZ/+é"\\ ', min_size=4, max_size=10),
    )
    def test_what_was_replaced_can_be_put_back(self, value: Any, secret: str) -> None:
        assume(secret not in json.dumps(value, ensure_ascii=False))  # a hidden name cannot be told from another one
        redactor = Redactor()
        redactor.remember(secret)
        given_value = {"plain": value, "hidden": ["before", secret, f"<{secret}>", {"deep": secret}]}
        replaced = Replaced()
        shown = redactor.value(given_value, replaced=replaced)
        assert secret not in json.dumps(shown["hidden"], ensure_ascii=False)
        assert replace_places(shown, replaced.places) == json.loads(json.dumps(given_value))

    @given(st.binary(max_size=5), st.text(min_size=8, max_size=20, alphabet=st.characters(codec="ascii")))
    def test_base64_is_found_at_any_offset(self, lead: bytes, secret: str) -> None:
        redactor = Redactor()
        redactor.remember(secret)
        text = base64.b64encode(lead + secret.encode() + b"!").decode()
        assert redactor.text(text) != text

    def test_patterns(self) -> None:
        value = {"a": {"b": [{"t": 1}, {"t": 2}]}, "t": 3, "m": {"x": {"t": 4}}, "we/ird": 5}
        found = lambda *pointers: [v for _, v in find_places(value, [read_pattern(p) for p in pointers])]  # noqa: E731
        assert found("/a/b/*/t") == [1, 2]
        assert found("/a/b/1/t") == [2]
        assert found("t") == [1, 2, 3, 4]
        assert found("/we~1ird") == [5]
        assert found("/nothing/here") == []
        assert found("/") == []
        assert found("") == [value]
