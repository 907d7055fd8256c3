"""`orchestra suite run`: exit codes, reports, what is selected, data, limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from command_line import CommandLine, Write
from order_shop import OrderShop, environment_of

INLINE = ("--env", "test", "--executor", "inline")
SMALL, LARGE = "large-small", "large-large"


def run(orchestra: CommandLine, *arguments: object, code: int = 0) -> Any:
    return orchestra.json("suite", "run", *arguments, *INLINE, code=code)


def statuses(said: Any) -> dict[str, str]:
    return {item["scenarioKey"]: item["status"] for item in said["runs"]}


def test_passed_is_0_with_all_reports(ready: CommandLine, tmp_path: Path) -> None:
    html, junit, report = (tmp_path / "deep" / name for name in ("r.html", "r.xml", "r.json"))
    said = run(ready, "orders", "--html", html, "--junit", junit, "--report-json", report)
    assert (said["exitCode"], said["verdict"]) == (0, "PASSED")
    assert said["reports"] == [str(html), str(junit), str(report)]
    assert html.read_text(encoding="utf-8").lower().startswith("<!doctype html")
    suites = ElementTree.parse(junit).getroot()
    assert {case.get("name") for case in suites.iter("testcase")} == set(statuses(said))
    assert json.loads(report.read_text(encoding="utf-8"))["exitCode"] == 0


def test_violations_are_1_and_said_with_their_step(ready: CommandLine, write: Write, tmp_path: Path) -> None:
    ready.done("data", "import", write("broken.yaml", "name: broken\nrows: [{key: b, item: broken}]\n"))
    junit = tmp_path / "r.xml"
    answer = ready.done("suite", "run", "orders", *INLINE, "--data", "broken", "--junit", junit, code=1)
    assert "violations found" in answer.out
    assert "/ place: " in answer.out
    root = ElementTree.parse(junit).getroot()
    assert len(list(root.iter("failure"))) == len(list(root.iter("testcase")))


def test_an_unreachable_service_is_3(ready: CommandLine, shop: OrderShop, write: Write) -> None:
    away = environment_of(shop, httpServices={"shop": {"baseUrl": "http://127.0.0.1:9"}})
    ready.done("env", "import", write("environment.json", away))
    said = run(ready, "orders", code=3)
    assert said["verdict"] == "COULD_NOT_JUDGE"
    assert set(statuses(said).values()) == {"FAILED"}


def test_a_missing_secret_is_3_and_named(ready: CommandLine, shop: OrderShop, write: Write) -> None:
    service = {"baseUrl": shop.url, "authRef": {"type": "bearer", "secret": "secret:shop-token"}}
    ready.done("env", "import", write("environment.json", environment_of(shop, httpServices={"shop": service})))
    answer = ready.done("suite", "run", "orders", *INLINE, code=3)
    assert "shop-token" in answer.out
    assert answer.out.startswith("? could not judge")


def test_a_secret_of_a_declared_variable_is_bound(ready: CommandLine, shop: OrderShop, write: Write) -> None:
    service = {"baseUrl": shop.url, "authRef": {"type": "bearer", "secret": "secret:shop/token"}}
    ready.done("env", "import", write("environment.json", environment_of(shop, httpServices={"shop": service})))
    ready.done("data", "import", write("sealed.yaml", "name: sealed\nrows: [{key: s, item: sealed}]\n"))
    ready.variables.update(ORCHESTRA_SECRET_ENV="shop/token=SHOP_TOKEN", SHOP_TOKEN="open sesame")
    said = run(ready, "orders", "--data", "sealed")
    assert "sesame" not in json.dumps(said)
    for one in said["runs"]:
        assert "sesame" not in ready.done("run", "show", one["id"], "--json").out


def test_wrong_use_is_2(ready: CommandLine) -> None:
    for arguments in (
        ("suite", "run", *INLINE),
        ("suite", "run", "orders", "--tag", "smoke", *INLINE),
        ("suite", "run", "orders", "--env", "nowhere"),
        ("suite", "run", "orderz", *INLINE),
        ("suite", "run", "orders/nothing", *INLINE),
        ("suite", "run", "orders@7", *INLINE),
        ("suite", "run", "orders@x", *INLINE),
        ("suite", "run", "--tag", "smoked", *INLINE),
        ("suite", "run", "orders", "--data", "none", *INLINE),
        ("suite", "run", "orders", "--mode", "FROM_STEP", *INLINE),
        ("suite", "run", "orders", "--mode", "SINGLE_STEP", *INLINE),
        ("suite", "run", "orders", "--mode", "SOMEHOW", *INLINE),
        ("suite", "run", "orders", "--priority", "5000", *INLINE),
        ("suite", "run", "orders", "--executor", "magic", "--env", "test"),
    ):
        answer = ready.done(*arguments, code=2)
        assert answer.err.startswith("orchestra: "), arguments
        assert answer.out == ""
    assert ready.json("run", "list") == []


def test_nearest_names_are_told(ready: CommandLine) -> None:
    assert "'orders'" in ready("suite", "run", "orderz", *INLINE).err
    assert "'test'" in ready("suite", "run", "orders", "--env", "tset").err
    assert "smoke" in ready("suite", "run", "--tag", "smoked", *INLINE).err


def test_an_unwritable_report_is_told_before_anything_runs(ready: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target in (tmp_path, tmp_path / "file" / "r.html"):
        answer = ready.done("suite", "run", "orders", *INLINE, "--html", target, code=2)
        assert str(target) in answer.err
    assert ready.json("run", "list") == []


def test_by_tag_by_version_and_one_scenario(ready: CommandLine) -> None:
    keys = {item["key"] for item in ready.json("scenario", "list", "orders")}
    assert len(keys) == 2
    assert set(statuses(run(ready, "--tag", "smoke"))) == keys
    assert set(statuses(run(ready, "orders@1"))) == keys
    key = sorted(keys)[0]
    assert set(statuses(run(ready, f"orders/{key}"))) == {key}
    assert set(statuses(run(ready, f"orders/{key}@1"))) == {key}


def test_drafts_do_not_hide_what_is_published(ready: CommandLine, write: Write) -> None:
    key = sorted(item["key"] for item in ready.json("scenario", "list", "orders"))[0]
    content = ready.json("scenario", "export", f"orders/{key}")
    draft = ready.json("scenario", "import", write("s.json", {**content, "name": "edited"}), "--suite", "orders")
    assert (draft["version"], draft["status"]) == (2, "DRAFT")
    versions = {item["scenarioKey"]: item["scenarioVersion"] for item in run(ready, "orders")["runs"]}
    assert versions[key] == 1
    assert set(versions.values()) == {1}
    assert run(ready, f"orders/{key}")["runs"][0]["scenarioVersion"] == 1
    assert run(ready, f"orders/{key}@2")["runs"][0]["scenarioVersion"] == 2
    assert run(ready, "orders@1")["runs"][0]["scenarioVersion"] == 1


def test_one_run_a_row_named_in_every_report(ready: CommandLine, write: Write, tmp_path: Path) -> None:
    rows = "key,item,quantity\ngold,ring,1\nsilver,spoon,2\n"
    ready.done("data", "import", write("metals.csv", rows))
    junit = tmp_path / "r.xml"
    key = next(item["key"] for item in ready.json("scenario", "list", "orders") if "50" not in json.dumps(item["data"]))
    said = run(ready, f"orders/{key}", "--data", "metals", "--junit", junit)
    assert sorted(item["dataRowKey"] for item in said["runs"]) == ["gold", "silver"]
    names = [case.get("name") or "" for case in ElementTree.parse(junit).getroot().iter("testcase")]
    assert len(names) == 2
    assert all(any(row in name for name in names) for row in ("gold", "silver"))


def test_data_for_other_scenarios_is_refused(ready: CommandLine, write: Write) -> None:
    first, second = sorted(item["key"] for item in ready.json("scenario", "list", "orders"))
    ready.done("data", "import", write("d.yaml", f"name: d\nsuite: orders\nscenario: {first}\nrows: [{{item: x}}]\n"))
    assert "other scenarios" in ready.done("suite", "run", f"orders/{second}", *INLINE, "--data", "d", code=2).err
    rows = {item["scenarioKey"]: item["dataRowKey"] for item in run(ready, "orders", "--data", "d")["runs"]}
    assert rows == {first: "row-1", second: None}


def test_recommended_data_is_used_when_none_is_asked_for(ready: CommandLine, write: Write) -> None:
    key = sorted(item["key"] for item in ready.json("scenario", "list", "orders"))[0]
    ready.done("data", "import", write("d.yaml", "name: best\nrows: [{key: one}, {key: two}]\n"))
    content = {**ready.json("scenario", "export", f"orders/{key}"), "recommendedDataSets": ["best"]}
    ready.done("scenario", "import", write("s.json", content), "--suite", "orders")
    said = run(ready, f"orders/{key}@2")
    assert sorted(item["dataRowKey"] for item in said["runs"]) == ["one", "two"]


def test_mode_and_priority_reach_the_run(ready: CommandLine, write: Write) -> None:
    ready.done("data", "import", write("broken.yaml", "name: broken\nrows: [{key: b, item: broken}]\n"))
    said = run(ready, "orders", "--data", "broken", "--mode", "RUN_ALL_STEPS", "--priority", "7", code=1)
    shown = ready.json("run", "show", said["runs"][0]["id"])
    assert (shown["mode"], shown["priority"]) == ("RUN_ALL_STEPS", 7)


def test_single_step_of_one_scenario(ready: CommandLine) -> None:
    key = sorted(item["key"] for item in ready.json("scenario", "list", "orders"))[0]
    said = run(ready, f"orders/{key}", "--mode", "SINGLE_STEP", "--step", "place")
    assert [step["alias"] for step in said["runs"][0]["steps"]] == ["place"]
    answer = ready.done("suite", "run", f"orders/{key}", "--mode", "SINGLE_STEP", "--step", "plaice", *INLINE, code=2)
    assert "'place'" in answer.err


def test_a_wrong_reference_is_told_before_anything_is_stored(ready: CommandLine, write: Write) -> None:
    key = sorted(item["key"] for item in ready.json("scenario", "list", "orders"))[0]
    content = ready.json("scenario", "export", f"orders/{key}")
    content["steps"][1]["action"]["meta"]["parameters"]["id"] = "{{ steps.place.response.body.orderIdd }}"
    stored = ready.json("scenario", "import", write("s.json", content), "--suite", "orders")
    assert [gap["code"] for gap in stored["gaps"]] == ["WRONG_REFERENCE"]
    assert "'orderId'" in stored["gaps"][0]["message"]
    assert "gap" in ready.done("scenario", "publish", f"orders/{key}", code=2).err
    assert "orderIdd" in ready.done("suite", "run", f"orders/{key}@2", *INLINE, code=2).err
    assert ready.json("run", "list") == []


def test_a_value_of_the_wrong_type_is_told_before_anything_is_stored(ready: CommandLine, write: Write) -> None:
    key = sorted(item["key"] for item in ready.json("scenario", "list", "orders"))[0]
    content = ready.json("scenario", "export", f"orders/{key}")
    content["steps"][0]["expectations"]["businessRules"] = [{"expr": "response.body.quantity == 'two'"}]
    stored = ready.json("scenario", "import", write("s.json", content), "--suite", "orders")
    assert "number" in stored["gaps"][0]["message"]
    ready.done("suite", "run", f"orders/{key}@2", *INLINE, code=2)
    assert ready.json("run", "list") == []


def test_unknown_alias_of_a_database_is_told(ready: CommandLine, shop: OrderShop, write: Write) -> None:
    other = environment_of(shop, dbProfiles={"shopp": {"jdbcUrl": f"jdbc:sqlite:{shop.database}"}})
    ready.done("env", "import", write("e.json", other))
    err = ready.done("suite", "run", "orders", *INLINE, code=2).err
    assert "'shop'" in err
    assert "'shopp'" in err
    assert ready.json("run", "list") == []


def test_a_scenario_brings_those_it_depends_on(ready: CommandLine, write: Write) -> None:
    first, second = sorted(item["key"] for item in ready.json("scenario", "list", "orders"))
    content = {**ready.json("scenario", "export", f"orders/{second}"), "dependsOn": [{"scenarioKey": first}]}
    ready.done("scenario", "import", write("s.json", content), "--suite", "orders")
    ready.done("scenario", "publish", f"orders/{second}")
    assert set(statuses(run(ready, f"orders/{second}"))) == {first, second}
    broken = {**ready.json("scenario", "export", f"orders/{first}"), "data": {"item": "broken", "quantity": 1}}
    ready.done("scenario", "import", write("b.json", broken), "--suite", "orders")
    ready.done("scenario", "publish", f"orders/{first}")
    assert statuses(run(ready, "orders", code=1)) == {first: "FAILED", second: "SKIPPED"}


def test_parallel_runs_of_a_tenant_are_limited(ready: CommandLine, shop: OrderShop, write: Write) -> None:
    ready.done("tenant", "set", "--max-parallel-runs", 1)
    rows = [{"key": f"r{number}", "item": "slow", "quantity": 1} for number in range(4)]
    ready.done("data", "import", write("slow.json", {"name": "slow", "rows": rows}))
    key = next(item["key"] for item in ready.json("scenario", "list", "orders") if item["data"]["quantity"] == 2)
    shop.most_at_once, before = 0, shop.slowness
    try:
        shop.slowness = 0.1
        said = run(ready, f"orders/{key}", "--data", "slow")
    finally:
        shop.slowness = before
    assert len(said["runs"]) == 4
    assert shop.most_at_once == 1


def test_no_wait_only_submits(ready: CommandLine) -> None:
    said = run(ready, "orders", "--no-wait")
    runs = ready.json("run", "list")
    assert {item["id"] for item in runs} == {one["id"] for suite in said["suiteRuns"] for one in suite["runs"]}
    assert {item["status"] for item in runs} == {"PENDING"}
    assert ready.json("run", "cancel", said["suiteRuns"][0]["id"])["status"] == "CANCELLED"
    assert {item["status"] for item in ready.json("run", "list")} == {"CANCELLED"}


def test_giving_up_to_wait_is_3(ready: CommandLine) -> None:
    said = run(ready, "orders", "--no-worker", "--timeout", 1, code=3)
    assert set(statuses(said).values()) <= {"PENDING", "QUEUED"}


def test_a_notebook_run_says_the_same_and_keeps_its_notebook(ready: CommandLine) -> None:
    key = next(item["key"] for item in ready.json("scenario", "list", "orders") if len(item["steps"]) == 2)
    inline = run(ready, f"orders/{key}")["runs"][0]
    said = ready.json("suite", "run", f"orders/{key}", "--env", "test", "--executor", "notebook")
    (notebook,) = said["runs"]
    assert said["exitCode"] == 0
    assert [(step["alias"], step["status"]) for step in notebook["steps"]] == [
        (step["alias"], step["status"]) for step in inline["steps"]
    ]
    kept = [path for path in (ready.home / "notebooks").rglob("*.ipynb") if notebook["id"] in str(path)]
    assert len(kept) == 1
