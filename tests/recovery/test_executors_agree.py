"""Inline and as a notebook, undisturbed or with the worker killed in any step: the results are the same."""

from __future__ import annotations

import json

import pytest

from orchestra_kit.model import Executor, RunMode

ALIASES = ("plain", "flaky", "look", "wrong", "independent", "last")
"""The steps that act, in order; `blocked` stands after `wrong` and is skipped for it."""


def steps(stage):
    """Every way a step can end: passed, flaky, an assertion that holds, failed, skipped for a failed one, passed again."""
    retry = {"retryLimit": 2, "retryAfter": 0.01, "onStatus": [503]}
    look = stage.call("look", after="plain")
    look["kind"] = "ASSERTION"
    look["action"]["meta"] |= {"observes": "plain", "correlation": "HEADER"}
    wrong = stage.call("wrong", after="look")
    wrong["expectations"]["businessRules"] = ["response.body.token == 'something else'"]
    return [
        stage.call("plain"),
        stage.call("flaky", after="plain", meta={"retry": retry}),
        look,
        wrong,
        stage.call("blocked", after="wrong"),
        stage.call("independent", after="flaky"),
        stage.call("last", after="independent"),
    ]


def story(stage, run):
    """What is recorded of a run, without what names the run, its row or a time."""
    told = []
    for item in stage.results(run.id):
        said = item.to_json()
        for name in ("tenantId", "startedAt", "finishedAt", "durationMs", "settlingTimeMs", "polls"):
            said.pop(name, None)
        for name in ("request", "responseHeaders"):
            said[name] = drop_times(said.get(name))
        said["definitionDigest"] = (said["definitionDigest"] or "").split("-")[0]  # the rest tells the row apart
        text = json.dumps(said).replace(run.id, "RUN").replace(run.data_row_key, "ROW")
        told.append(json.loads(text))
    return [stage.run(run.id).status, told]


def drop_times(value):
    if isinstance(value, dict):
        kept = {name.lower(): drop_times(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if name not in ("date", "traceparent", "idempotency-key")}
    return value


def row_name(executor, number=""):
    return f"kill-{executor.value[0]}{number}"  # all rows have names of one length: requests tell theirs


def prepare(stage, executor):
    stage.define("suite", {"every": steps(stage)})
    stage.service.rule("flaky", status=503, times=1)
    for number, alias in enumerate(ALIASES):
        rule = {"status": 503, "times": 1} if alias == "flaky" else {}
        stage.service.rule(f"{alias}@{row_name(executor, number)}", hold=True, **rule)


def undisturbed(stage, executor):
    submitted = stage.submit(executor=executor, mode=RunMode.RUN_ALL_STEPS, prefix=f"calm-{executor.value[0]}")
    stage.wait(submitted)
    return story(stage, submitted.runs[0])


def killed_in_each_step(stage, executor):
    """Run six at six workers, hold each in another step, kill all workers, and let new ones go on."""
    victims = stage.fleet.start(len(ALIASES), threads=1)
    submitted = stage.submit(
        rows_of_data=len(ALIASES), executor=executor, mode=RunMode.RUN_ALL_STEPS, prefix=row_name(executor)
    )
    for number, alias in enumerate(ALIASES):
        held = row_name(executor, number)
        stage.until(lambda alias=alias, held=held: stage.service.arrivals(alias, held), f"{held} is in step {alias}")
    for victim in victims:
        victim.kill()
    stage.service.release()
    stage.fleet.start(2, threads=2)
    stage.wait(submitted)
    return submitted


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("executor", [Executor.INLINE, Executor.NOTEBOOK])
def test_a_kill_in_any_step_changes_no_result(make_stage, executor):
    stage = make_stage(lease=3.0)
    prepare(stage, executor)
    submitted = killed_in_each_step(stage, executor)
    inline, notebook = (undisturbed(stage, name) for name in (Executor.INLINE, Executor.NOTEBOOK))
    assert inline == notebook
    ends = [(item["stepAlias"], item["attempt"], item["status"]) for item in inline[1]]
    assert ends == [
        ("plain", 1, "PASSED"),
        ("flaky", 1, "FAILED"),
        ("flaky", 2, "FLAKY"),
        ("look", 1, "PASSED"),
        ("wrong", 1, "FAILED"),
        ("blocked", 1, "SKIPPED"),
        ("independent", 1, "PASSED"),
        ("last", 1, "PASSED"),
    ]
    sent = stage.service.by_key()
    for number, alias in enumerate(ALIASES):
        run = next(item for item in submitted.runs if item.data_row_key == row_name(executor, number))
        assert story(stage, run) == inline, f"killed in {alias}"
        assert stage.run(run.id).recoveries >= 1
        again = {key.split(".")[1] for key, effects in sent.items() if key.startswith(run.id) and len(effects) > 1}
        assert again == {alias}, "only the step in flight was asked for again"
    stage.check()
