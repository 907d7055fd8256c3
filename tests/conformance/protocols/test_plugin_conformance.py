"""What every protocol plugin must do, whatever it speaks."""

from __future__ import annotations

import dataclasses
import json
import threading

from orchestra_kit.model import ViolationType
from orchestra_kit.spi.protocol import ProtocolPlugin

KINDS = {"timeout", "refused", "connection", "egress", "secret", "definition", "other"}


def as_json(observation):
    """Return the whole observation as JSON text; only the raw body is bytes."""
    parts = {one.name: getattr(observation, one.name) for one in dataclasses.fields(observation)}
    parts.pop("raw_body")
    error = parts.pop("error")
    if error is not None:
        parts["error"] = dataclasses.asdict(error)
    return json.dumps(parts, allow_nan=False)


def test_the_plugin_is_a_whole_record(harness):
    plugin = harness.plugin
    assert isinstance(plugin, ProtocolPlugin) and plugin.contract_validator is not None
    assert (plugin.spec_parser is None) == (plugin.endpoint_matcher is None)
    json.dumps(dict(plugin.config_schema))


def test_it_acts_and_reports_facts(harness, executor):
    seen = executor.act(harness.works)
    assert seen.error is None and seen.view and seen.duration_ms > 0


def test_its_observations_are_json(harness, executor):
    for command in (harness.works, harness.nobody_there, harness.wrong_definition, *harness.nonsense):
        as_json(executor.act(command))


def test_a_timeout_is_a_fact_that_may_be_tried_again(harness, executor):
    seen = executor.act(harness.never_ends)
    assert seen.error.kind == "timeout" and seen.error.retryable and not seen.view


def test_nobody_there_is_a_fact_that_may_be_tried_again(harness, executor):
    seen = executor.act(harness.nobody_there)
    assert seen.error.kind in ("refused", "connection") and seen.error.retryable


def test_a_place_that_is_not_allowed_is_a_fact(harness, executor):
    seen = executor.act(harness.not_allowed)
    assert seen.error.kind == "egress" and not seen.error.retryable and "egress.allow" in seen.error.message


def test_a_wrong_definition_is_a_fact_and_is_found_before_sending(harness, executor):
    for command in (harness.wrong_definition, harness.unknown_place):
        seen = executor.act(command)
        assert seen.error.kind == "definition" and not seen.error.retryable
        found = harness.plugin.contract_validator.check_request(command)
        assert found and all(one.type is ViolationType.VALIDATION_ERROR for one in found)
    assert "Did you mean 'shop'?" in executor.act(harness.unknown_place).error.message


def test_an_absent_secret_is_a_fact(harness, executor):
    assert executor.act(harness.absent_secret).error.kind == "secret"


def test_nonsense_never_raises(harness, executor):
    validator = harness.plugin.contract_validator
    for command in harness.nonsense:
        seen = executor.act(command)
        assert seen.error is None or seen.error.kind in KINDS
        for expectations in (harness.met, harness.unmet):
            assert isinstance(validator.check_response(command, seen, expectations), list)


def test_a23_no_secret_is_in_any_observation(harness, executor):
    """A23: not even when the system under test says back what it was sent."""
    for command in (harness.works, harness.never_ends, harness.nobody_there, harness.not_allowed, *harness.nonsense):
        seen = executor.act(command)
        assert harness.secret not in as_json(seen) and harness.secret.encode() not in (seen.raw_body or b"")
        found = harness.plugin.contract_validator.check_response(command, seen, harness.unmet)
        assert harness.secret not in repr(found)


def test_a_watch_looks_as_often_as_it_is_asked(harness, executor):
    watch = executor.watch(harness.works)
    first, second = watch.poll(), watch.poll()
    assert first.error is None and second.error is None and first.view.keys() == second.view.keys()
    watch.close()
    watch.close()


def test_expectations_are_judged_by_the_validator_alone(harness, executor):
    validator = harness.plugin.contract_validator
    seen = executor.act(harness.works)
    assert validator.check_response(harness.works, seen, harness.met) == []
    found = validator.check_response(harness.works, seen, harness.unmet)
    assert found and all(one.code and one.message and one.details for one in found)
    for violation in found:
        json.dumps(violation.to_json(), allow_nan=False)


def test_an_answer_that_never_came_is_not_judged(harness, executor):
    seen = executor.act(harness.nobody_there)
    assert harness.plugin.contract_validator.check_response(harness.nobody_there, seen, harness.unmet) == []


def test_the_position_is_json(harness, executor):
    position = executor.prepare([harness.works.step], harness.works.surroundings)
    json.dumps(position)
    assert position is None or harness.plugin.needs_position


def test_one_executor_serves_many_threads(harness, executor):
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(executor.act(harness.works).error)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [None] * 12


def test_closing_twice_is_harmless(harness):
    executor = harness.plugin.make_executor()
    executor.act(harness.works)
    executor.close()
    executor.close()
