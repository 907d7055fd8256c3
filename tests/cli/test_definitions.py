"""Storing, versioning and comparing definitions through the command."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import CommandLine, Write
from order_shop import PROJECT, OrderShop, environment_of

FOLDER = PROJECT.parent


def keys(orchestra: CommandLine) -> list[str]:
    return sorted(item["key"] for item in orchestra.json("scenario", "list", "orders"))


def test_a_process_gets_a_new_version_only_when_it_changed(orchestra: CommandLine, write: Write) -> None:
    text = (FOLDER / "orders.bpmn").read_text(encoding="utf-8")
    first = orchestra.json("process", "import", FOLDER / "orders.bpmn")
    assert (first["version"], first["sourceType"]) == (1, "BPMN")
    assert orchestra.json("process", "import", FOLDER / "orders.bpmn")["version"] == 1
    changed = write("changed.bpmn", text.replace("Place order", "Put order"))
    assert orchestra.json("process", "import", changed)["version"] == 2
    assert orchestra.json("process", "import", changed, "--key", "other")["version"] == 1
    assert [item["key"] for item in orchestra.json("process", "list")] == ["Process_Orders", "other"]


def test_a_description_is_stored_by_service(orchestra: CommandLine) -> None:
    stored = orchestra.json("spec", "import", FOLDER / "openapi.yaml", "--service", "shop")
    assert (stored["serviceName"], stored["version"]) == ("shop", 1)
    assert [item["endpointName"] for item in stored["parsedSummary"]["operations"]] == [
        "placeOrder", "getOrder", "approveOrder"
    ]  # fmt: skip
    assert orchestra.json("spec", "import", FOLDER / "openapi.yaml", "--service", "shop")["version"] == 1
    assert [item["serviceName"] for item in orchestra.json("spec", "list")] == ["shop"]


def test_a_suite_is_generated_with_its_numbers_and_notes(orchestra: CommandLine) -> None:
    made = orchestra.json("suite", "generate", PROJECT)
    assert (made["size"], made["lowerBound"], made["gap"], made["additions"]) == (2, 2, 0, {})
    assert {item["status"] for item in made["scenarios"]} == {"DRAFT"}
    assert {note["elementId"]: (note["how"], note["operation"]) for note in made["notes"]} == {
        "Task_Place": ("written", "shop.placeOrder"), "Task_Approve": ("written", "shop.approveOrder")
    }  # fmt: skip
    assert [item["key"] for item in orchestra.json("suite", "list")] == ["orders"]
    text = orchestra.done("suite", "generate", PROJECT).out
    assert "2 scenarios of process version 1" in text
    assert "shop.placeOrder" in text


def test_generating_again_changes_only_what_changed(orchestra: CommandLine, write: Write) -> None:
    orchestra.json("suite", "generate", PROJECT, "--publish")
    assert {item["version"] for item in orchestra.json("suite", "generate", PROJECT)["scenarios"]} == {1}
    for name in ("orders.bpmn", "openapi.yaml"):
        write(name, (FOLDER / name).read_text(encoding="utf-8"))
    text = PROJECT.read_text(encoding="utf-8")
    changed = write("orchestra.yaml", text.replace("quantity: 50", "quantity: 60"))
    made = {
        item["key"]: (item["version"], item["status"])
        for item in orchestra.json("suite", "generate", changed)["scenarios"]
    }
    assert sorted(made.values()) == [(1, "PUBLISHED"), (2, "DRAFT")]
    fewer = (
        (FOLDER / "orders.bpmn")
        .read_text(encoding="utf-8")
        .replace('sourceRef="Gate_Large" targetRef="End_Done"', 'sourceRef="Gate_Large" targetRef="Task_Approve"')
    )
    write("orders.bpmn", fewer)
    orchestra.json("suite", "generate", changed)
    listed = orchestra.json("scenario", "list", "orders")
    assert sorted(item["processVersion"] for item in listed if item["active"]) == [2] * len(
        [i for i in listed if i["active"]]
    )


def test_gaps_keep_a_draft_until_they_are_filled_by_hand(orchestra: CommandLine, write: Write) -> None:
    for name in ("orders.bpmn", "openapi.yaml"):
        write(name, (FOLDER / name).read_text(encoding="utf-8"))
    text = PROJECT.read_text(encoding="utf-8").replace('  item: "apple {{ run.token }}"\n', "")
    made = orchestra.json("suite", "generate", write("orchestra.yaml", text), "--publish")
    assert {item["status"] for item in made["scenarios"]} == {"DRAFT"}
    assert {gap["field"] for item in made["scenarios"] for gap in item["gaps"]} == {"body.item"}
    assert (
        "gap: shop.placeOrder requires body.item"
        in orchestra.done("suite", "generate", write("orchestra.yaml", text)).out
    )
    key = keys(orchestra)[0]
    orchestra.done("scenario", "publish", f"orders/{key}", code=2)
    content = orchestra.json("scenario", "export", f"orders/{key}")
    same = orchestra.json("scenario", "import", write("same.json", content), "--suite", "orders")
    assert (same["version"], len(same["gaps"])) == (1, 1)
    unlisted = orchestra.json("scenario", "import", write("u.json", {**content, "gaps": []}), "--suite", "orders")
    assert [gap["field"] for gap in unlisted["gaps"]] == ["body.item"]
    content["steps"][0]["action"]["inputTemplate"]["body"]["item"] = "pear"
    filled = orchestra.json("scenario", "import", write("filled.json", content), "--suite", "orders")
    assert (filled["version"], filled["gaps"]) == (2, [])
    assert orchestra.json("scenario", "publish", f"orders/{key}")[0]["status"] == "PUBLISHED"


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_exported_is_imported_as_the_same_scenario(
    ready: CommandLine, write: Write, tmp_path: Path, as_json: bool
) -> None:
    for key in keys(ready):
        before = next(item for item in ready.json("scenario", "list", "orders") if item["key"] == key)
        flags = ["--json"] if as_json else []
        text = ready.done("scenario", "export", f"orders/{key}", *flags).out
        path = tmp_path / f"{key}.{'json' if as_json else 'yaml'}"
        answer = ready.done("scenario", "export", f"orders/{key}", "--out", path, *flags)
        assert path.read_text(encoding="utf-8") == text
        assert str(path) in answer.out
        again = ready.json("scenario", "import", path, "--suite", "orders")
        assert again == before
        other = ready.json("scenario", "import", write("o.yaml", text.replace(key, f"{key}-copy")), "--suite", "orders")
        assert (other["version"], other["status"], len(other["steps"])) == (1, "DRAFT", len(before["steps"]))


def test_versions_history_and_difference(ready: CommandLine, write: Write) -> None:
    key = keys(ready)[0]
    content = ready.json("scenario", "export", f"orders/{key}")
    content["steps"][0]["name"] = "Renamed"
    content["data"]["quantity"] = 99
    del content["data"]["item"]
    ready.done("scenario", "import", write("s.json", content), "--suite", "orders", "--expect-version", 1)
    stale = ready.done(
        "scenario",
        "import",
        write("s.json", {**content, "name": "x"}),
        "--suite",
        "orders",
        "--expect-version",
        1,
        code=2,
    )
    assert "version 2" in stale.err
    assert "tester" in stale.err
    history = ready.json("scenario", "history", f"orders/{key}")
    assert [(item["version"], item["status"]) for item in history] == [(1, "PUBLISHED"), (2, "DRAFT")]
    changes = {item["where"]: item["kind"] for item in ready.json("scenario", "diff", f"orders/{key}", 1, 2)}
    assert changes == {"steps.place.name": "changed", "data.quantity": "changed", "data.item": "removed"}
    assert ready.json("scenario", "diff", f"orders/{key}", 1, 1) == []
    assert "Versions: 1, 2" in ready.done("scenario", "diff", f"orders/{key}", 1, 3, code=2).err
    assert "data.item" in ready.done("scenario", "diff", f"orders/{key}", 1, 2).out
    assert "tester" in ready.done("scenario", "history", f"orders/{key}").out


def test_switching_a_scenario_off_is_a_change(ready: CommandLine, write: Write) -> None:
    key = keys(ready)[0]
    content = {**ready.json("scenario", "export", f"orders/{key}"), "active": False}
    assert ready.json("scenario", "import", write("s.json", content), "--suite", "orders")["active"] is False
    said = ready.json("suite", "run", "orders", "--env", "test", "--no-wait")
    assert key not in {run["scenarioKey"] for run in said["suiteRuns"][0]["runs"]}


def test_publish_and_deprecate(ready: CommandLine) -> None:
    first, second = keys(ready)
    assert [item["status"] for item in ready.json("scenario", "deprecate", f"orders/{first}")] == ["DEPRECATED"]
    assert ready.done("scenario", "publish", "orders", code=2).err.startswith("orchestra: ")
    assert [item["key"] for item in ready.json("scenario", "deprecate", "orders")] == [second]
    assert "no published scenario" in ready.done("suite", "run", "orders", "--env", "test", code=2).err
    assert [item["status"] for item in ready.json("scenario", "publish", f"orders/{first}")] == ["PUBLISHED"]


def test_environments_are_replaced_by_name(orchestra: CommandLine, shop: OrderShop, write: Write) -> None:
    first = orchestra.json("env", "import", write("e.json", environment_of(shop)))
    second = orchestra.json("env", "import", write("e.json", environment_of(shop, variables={"a": 1})))
    assert (first["id"], second["variables"]) == (second["id"], {"a": 1})
    assert [item["name"] for item in orchestra.json("env", "list")] == ["test"]
    assert "shop" in orchestra.done("env", "list").out


def test_data_sets_have_their_scope(ready: CommandLine, write: Write) -> None:
    key = keys(ready)[0]
    texts = {
        "GLOBAL": "name: g",
        "SUITE": "name: s\nsuite: orders",
        "SCENARIO": f"name: k\nsuite: orders\nscenario: {key}",
    }
    for scope, text in texts.items():
        stored = ready.json("data", "import", write("d.yaml", f"{text}\ntags: [t]\nrows: [{{key: a, n: 1}}]"))
        assert (stored["scope"], stored["data"]["rows"]) == (scope, [{"key": "a", "values": {"n": 1}}])
    assert [item["name"] for item in ready.json("data", "list")] == ["g", "k", "s"]
    assert "names its suite" in ready.done("data", "import", write("d.yaml", f"name: x\nscenario: {key}"), code=2).err
    assert "'orders'" in ready.done("data", "import", write("d.yaml", "name: x\nsuite: order"), code=2).err


def test_limits_of_a_tenant_are_shown_set_and_kept(orchestra: CommandLine) -> None:
    assert orchestra.json("tenant", "show")["settings"]["maxParallelRuns"] == 16
    changed = orchestra.json("tenant", "set", "--max-scenarios", 1)
    assert changed["settings"] == {
        "defaultRunRetentionDays": 90, "maxParallelRuns": 16, "maxScenariosPerTenant": 1
    }  # fmt: skip
    err = orchestra.done("suite", "generate", PROJECT, code=2).err
    assert "maxScenariosPerTenant" in err
    for listed in ("suite", "process", "spec", "scenario"):
        assert orchestra.json(listed, "list") == [], "nothing is half-written"


def test_tenants_see_nothing_of_each_other(ready: CommandLine, orchestra: CommandLine, home: Path) -> None:
    other = CommandLine(home=home, tenant=f"{ready.tenant}-other")
    for what in ("suite", "process", "spec", "scenario", "env", "data", "run"):
        assert other.json(what, "list") == []
    key = keys(ready)[0]
    assert other.done("scenario", "history", f"orders/{key}", code=2).err.count("\n") == 1


def test_schemas_are_listed_printed_and_written(orchestra: CommandLine, tmp_path: Path) -> None:
    names = orchestra.json("schema")
    assert {"orchestra.yaml", "scenario-file", "data-file", "environment-file"} <= set(names)
    assert orchestra.json("schema", "orchestra.yaml")["title"] == "ProjectBinding"
    assert (
        len(orchestra.json("schema", "--out", tmp_path / "deep"))
        == len(names)
        == len(list((tmp_path / "deep").iterdir()))
    )
    assert "'data-file'" in orchestra.done("schema", "date-file", code=2).err
