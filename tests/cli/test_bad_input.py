"""Bad input of every kind: one clear message on standard error, exit code 2 or 3, nothing half-written, no traceback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Answer, CommandLine, Write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from order_shop import PROJECT, OrderShop, environment_of

from orchestra_kit.spi.runs import RunFilter


def contents(orchestra: CommandLine) -> list[Any]:
    """Everything a tenant has stored."""
    with orchestra.workspace() as workspace:
        stores, caller = workspace.stores, workspace.caller
        return [
            stores.processes.list_processes(caller),
            stores.processes.list_specs(caller),
            stores.scenarios.list_suites(caller),
            stores.scenarios.list_scenarios(caller),
            stores.environments.list_environments(caller),
            stores.environments.list_data_sets(caller),
            stores.runs.list_runs(caller, RunFilter()),
        ]


def check_refused(answer: Answer, *, code: int = 2) -> None:
    assert answer.code == code, answer
    assert "Traceback" not in answer.out + answer.err
    assert "defect of Orchestra" not in answer.err, answer
    last = answer.err.strip().splitlines()
    assert sum(line.startswith("orchestra: ") for line in last) == 1, answer
    assert last[-1].startswith("orchestra: ")


def refused(orchestra: CommandLine, *arguments: object, code: int = 2) -> str:
    """Run a command that must be refused, with and without --json; nothing may have changed."""
    before = contents(orchestra)
    plain = orchestra(*arguments)
    check_refused(plain, code=code)
    assert plain.out == ""
    answer = orchestra(*arguments, "--json")
    check_refused(answer, code=code)
    said = answer.json
    assert said["ok"] is False
    assert said["error"]["message"]
    assert contents(orchestra) == before
    return plain.err


BAD_FILES: dict[str, Any] = {
    "empty": "",
    "binary": "\x7fELF\x01\x02",
    "list": "- a\n- b\n",
    "broken.yaml": "a: [1\nb: 2\n",
    "tag.yaml": "name: !!python/object/apply:os.system [id]\n",
    "doubled.yaml": "name: a\nname: b\n",
    "deep.json": "[" * 5000,
    "text.txt": "just some words",
    "cut.xml": "<definitions",
    "entity.xml": '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><definitions>&x;</definitions>',
    "cut.json": '{"openapi": "3.0.0", ',
    "swagger.json": {"swagger": "2.0", "paths": {}},
}
IMPORTS = (
    ("process", "import", "{}"),
    ("spec", "import", "{}", "--service", "s"),
    ("env", "import", "{}"),
    ("data", "import", "{}"),
    ("suite", "generate", "{}"),
    ("scenario", "import", "{}", "--suite", "orders"),
)


@pytest.mark.parametrize("command", IMPORTS, ids=" ".join)
def test_files_of_every_wrong_kind_are_refused(
    ready: CommandLine, write: Write, tmp_path: Path, command: tuple[str, ...]
) -> None:
    paths = [write(f"bad/{name}", content) for name, content in BAD_FILES.items()]
    (tmp_path / "latin").write_bytes("name: größe".encode("latin-1"))
    paths += [tmp_path / "latin", tmp_path / "bad", tmp_path / "none.yaml", tmp_path / ("x" * 300), Path("/dev/null")]
    before = contents(ready)
    for path in paths:
        check_refused(ready(*(part.replace("{}", str(path)) for part in command)))
    assert contents(ready) == before


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("suite: orders", "suit: orders", "'suite'"),
        ("process: orders.bpmn", "process: order.bpmn", "'orders.bpmn'"),
        ("process: orders.bpmn", "process: .", "folder"),
        ("process: orders.bpmn", "process: openapi.yaml", "process cannot be used"),
        ("shop: openapi.yaml", "shop: openapi.yml", "'openapi.yaml'"),
        ("shop: openapi.yaml", "shop: orders.bpmn", "orders.bpmn"),
        ("shop: openapi.yaml", "shop: /dev/zero", "too large"),
        ("tags: [smoke]", "processId: Nope", "'Nope'"),
        ("Task_Place:", "Task_Plaice:", "'Task_Place'"),
        ("Flow_Large:", "Flow_Lage:", "'Flow_Large'"),
        ("shop.placeOrder", "shop.placeOrdre", "'shop.placeOrder'"),
        ("status: 201", "status: created", "status"),
        ("response.body.quantity == data.quantity", "response.body.quantity ==", "orchestra.yaml:20"),
    ],
)
def test_slips_in_a_project_are_told_with_the_right_name(
    orchestra: CommandLine, write: Write, old: str, new: str, part: str
) -> None:
    for name in ("orders.bpmn", "openapi.yaml"):
        write(name, (PROJECT.parent / name).read_text(encoding="utf-8"))
    text = PROJECT.read_text(encoding="utf-8")
    assert text.count(old) == 1
    assert part in refused(orchestra, "suite", "generate", write("orchestra.yaml", text.replace(old, new)))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"httpServices": {"shop": {"baseURL": "x"}}}, "httpServices.shop.baseURL"),
        ({"httpServices": {"shop": {"baseUrl": "x", "authRef": {"type": "bearer", "secret": "hunter2"}}}}, "secret"),
        ({"egress": {"alow": []}}, "'allow'"),
        ({"name": "a b"}, "name"),
        ({"dbProfiles": {"shop": {"jdbcurl": "x"}}}, "jdbcUrl"),
        ({"httpServices": []}, "httpServices"),
    ],
)  # fmt: skip
def test_slips_in_an_environment_are_told(
    orchestra: CommandLine, shop: OrderShop, write: Write, change: dict[str, Any], part: str
) -> None:
    assert part in refused(orchestra, "env", "import", write("e.json", {**environment_of(shop), **change}))


def test_names_that_are_not_there_are_told(ready: CommandLine, write: Write) -> None:
    scenario = write("s.json", ready.json("scenario", "export", "orders/" + ready.json("scenario", "list")[0]["key"]))
    for arguments in (
        ("scenario", "export", "orders"),
        ("scenario", "export", "orders/nope"),
        ("scenario", "publish", "order"),
        ("scenario", "history", "nope/nope"),
        ("scenario", "diff", "orders/nope", 1, 2),
        ("scenario", "import", scenario, "--suite", "order"),
        ("scenario", "list", "order"),
        ("run", "show", "nope"),
        ("run", "list", "--status", "NOPE"),
        ("report", "nope"),
        ("suite", "plan", "nope.bpmn"),
        ("schema", "nope"),
    ):
        refused(ready, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [("nope",), ("suite", "nope"), ("suite", "run", "--nope"), ("suite", "plan"), ("suite", "plan", "x", "--max-loop", "-1"),
     ("suite", "plan", "x", "--criterion", "all"), ("worker", "--processes", "0"), ("run", "list", "--limit", "0"),
     ("scenario", "diff", "a/b", "x", "1"), ("tenant", "set", "--max-parallel-runs", "0"), ("demo", "--executor", "x"),
     ("spec", "import", "x"), ("process", "inspect"), ("data", "import")],
)  # fmt: skip
def test_wrong_options_are_told(orchestra: CommandLine, arguments: tuple[str, ...]) -> None:
    for more in ((), ("--json",)):
        check_refused(orchestra(*arguments, *more))
    assert orchestra(*arguments, "--json").json["ok"] is False


def test_groups_without_a_command_show_their_help(orchestra: CommandLine) -> None:
    for arguments in ((), ("suite",)):
        answer = orchestra(*arguments)
        assert answer.code == 2
        assert "Usage: orchestra" in answer.err
        assert "Traceback" not in answer.err


def test_an_exported_file_is_not_written_where_it_cannot_be(ready: CommandLine, tmp_path: Path) -> None:
    key = ready.json("scenario", "list")[0]["key"]
    assert "folder" in refused(ready, "scenario", "export", f"orders/{key}", "--out", tmp_path)


def test_wrong_variables_are_told(orchestra: CommandLine) -> None:
    for name, value in (
        ("ORCHESTRA_TENANT", "../x"),
        ("ORCHESTRA_SECRET_ENV", "x"),
        ("ORCHESTRA_DATABASE_URL", "nope"),
    ):
        answer = orchestra("env", "list", **{name: value})
        check_refused(answer)
        assert name in answer.err
    answer = orchestra("env", "list", ORCHESTRA_HOME="/dev/null/x")
    check_refused(answer, code=3)
    assert "ORCHESTRA_HOME" in answer.err


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield listening.getsockname()[1]


def test_a_database_that_does_not_answer_is_3_and_quick(orchestra: CommandLine, silent_port: int) -> None:
    for port, limit in ((9, 5.0), (silent_port, 30.0)):
        began = time.monotonic()
        url = f"postgresql://me:hunter2@127.0.0.1:{port}/db"
        answer = orchestra("env", "list", "--json", ORCHESTRA_DATABASE_URL=url)
        check_refused(answer, code=3)
        assert time.monotonic() - began < limit
        assert answer.json["error"]["type"] == "StoreUnavailableError"
        assert "hunter2" not in answer.out + answer.err


def test_workers_tell_of_a_database_that_does_not_answer_and_end(orchestra: CommandLine) -> None:
    environ = orchestra.environ(ORCHESTRA_DATABASE_URL="postgresql://me@127.0.0.1:9/db")
    done = subprocess.run(
        [sys.executable, "-m", "orchestra_kit.cli", "worker", "--processes", "2"],
        env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    check_refused(Answer(done.returncode, done.stdout, done.stderr), code=3)


def test_the_doctor_names_what_is_broken(orchestra: CommandLine) -> None:
    said = orchestra.json("doctor")
    assert said["ok"] is True
    assert said["database"]["embedded"] is True
    assert said["database"]["url"].startswith("postgresql://orchestra_app@/")
    assert said["database"]["ownerUrl"].startswith("postgresql://orchestra_owner@/")
    answer = orchestra("doctor", "--json", ORCHESTRA_DATABASE_URL="postgresql://me:hunter2@127.0.0.1:9/db")
    assert answer.code == 3
    broken = [check for check in answer.json["checks"] if check["state"] == "broken"]
    assert [check["name"] for check in broken] == ["database"]
    assert "hunter2" not in answer.out


def test_inspection_has_one_line_a_file_whatever_the_file_is(
    orchestra: CommandLine, write: Write, tmp_path: Path
) -> None:
    bad = [str(write(f"bad/{name}", content)) for name, content in BAD_FILES.items()]
    folder = PROJECT.parent
    for group, good, listed in (("process", "orders.bpmn", "diagnostics"), ("spec", "openapi.yaml", "warnings")):
        files = [str(folder / good), *bad, str(tmp_path), str(tmp_path / "none"), os.fsdecode(b"/tmp/\xff\xfe")]
        answer = orchestra(group, "inspect", *files, "--json")
        assert answer.code == 2
        found = [json.loads(line) for line in answer.out.splitlines()]
        assert [item["file"] for item in found] == files
        assert [item["ok"] for item in found] == [True] + [False] * (len(files) - 1)
        assert all(item[listed] for item in found[1:])
        assert orchestra(group, "inspect", folder / good, "--json").code == 0
        text = orchestra(group, "inspect", *files[:-1])
        assert text.code == 2
        assert "✓" in text.out


def test_a_terminal_without_signs_still_gets_its_answer(orchestra: CommandLine) -> None:
    environ = orchestra.environ(PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    for arguments in (
        ("process", "inspect", str(PROJECT.parent / "orders.bpmn")),
        ("suite", "plan", "größe"),
        ("nöpe",),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "orchestra_kit.cli", *arguments], env=environ, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 2)
        assert "defect" not in done.stderr


WORDS = st.sampled_from(
    ["process", "spec", "suite", "scenario", "data", "env", "run", "report", "schema", "tenant", "inspect", "import", "plan",
     "generate", "list", "show", "cancel", "resume", "export", "publish", "deprecate", "history", "diff", "set", "--json",
     "--env", "--suite", "--tag", "--mode", "--help", "--limit", "--out", "--service", "--", "-", "@", "orders/x@1", "1",
     str(PROJECT), str(PROJECT.parent), "/dev/null", "", " ", "{{", "\udcff", "a\nb", "ü", "x" * 300]
)  # fmt: skip
ARGUMENTS = st.lists(WORDS | st.text(max_size=8), max_size=6).filter(
    lambda words: not {"demo", "worker", "doctor"} & set(words) and "--out" not in words
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ARGUMENTS)
def test_no_arguments_lead_to_a_traceback(orchestra: CommandLine, words: list[str]) -> None:
    answer = orchestra(*words)
    assert answer.code in (0, 1, 2, 3)
    assert "defect of Orchestra" not in answer.err, (words, answer)
    if (
        "--json" in words
        and answer.code
        and not {"--help", "-h", "--", "--version"} & set(words)
        and "inspect" not in words
    ):
        assert json.loads(answer.out)["ok"] is False
