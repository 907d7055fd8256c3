"""What code in a cell can do to its own run, to others and to the worker: nothing but ask for the steps in order."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections import Counter

import pytest

from orchestra_kit.errors import CannotJudgeError
from orchestra_kit.notebook.kernel_confine import landlock_version
from orchestra_kit.notebook.kernel_launcher import ColdLauncher
from orchestra_kit.notebook.step_server import StepServer
from orchestra_kit.notebook.wire import HELLO_LIMIT, REPLY_LIMIT, REQUEST_LIMIT, receive_message, send_message

RAW = """
import json, socket, struct, pathlib
path = pathlib.Path.home() / ".orchestra-run.json"
grant = json.loads(path.read_text())
from orchestra_kit.notebook.wire import *
def dial(**changes):
    link = socket.socket(socket.AF_UNIX); link.connect(grant["socket"])
    send_message(link, {key: grant[key] for key in ("token", "runId", "leaseEpoch")} | changes)
    return link, receive_message(link, limit=REPLY_LIMIT)
def ask(link, message):
    send_message(link, message)
    return receive_message(link, limit=REPLY_LIMIT)
"""


def test_unknown_alias_is_refused_with_the_nearest_name(session, run_cells, text_of):
    notebook = run_cells(session, 'step("reserv")')
    assert "Did you mean 'reserve'?" in text_of(notebook, "cell-1")
    assert session.asked == []


def test_a_step_ahead_of_its_turn_is_refused(session, run_cells, text_of):
    notebook = run_cells(session, 'step("ship")')
    assert "'check_stock' is next" in text_of(notebook, "cell-1")
    assert session.asked == []


def test_a_recorded_step_may_be_asked_again_and_acts_once(session, run_cells, text_of):
    notebook = run_cells(session, 'step("check_stock")\nstep("check_stock")\nstep("reserve")\nstep("check_stock")')
    assert session.acts == Counter(["check_stock", "reserve"])
    assert text_of(notebook, "cell-1").count("replayed, not done again") == 1


def test_no_step_is_done_after_the_stop(session, run_cells):
    session.failing = {"check_stock"}
    run_cells(session, 'try: step("check_stock")\nexcept Exception: pass\nstep("reserve")')
    assert session.asked == ["check_stock"]


@pytest.mark.parametrize(
    "changes",
    ["token='x'", "token=None", "token=['x']", "token='\\ud800'", "runId='other'", "leaseEpoch=2", "leaseEpoch=True"],
)
def test_another_token_run_or_epoch_is_refused(session, run_cells, text_of, changes):
    notebook = run_cells(session, f"{RAW}\nprint(dial({changes})[1])", connect=False)
    assert "may not ask" in text_of(notebook, "cell-0")


def test_messages_that_are_none_end_the_connection_and_no_more(session, run_cells, text_of):
    attacks = [
        f"struct.pack('>I', {REQUEST_LIMIT + 1})",
        "struct.pack('>I', 3) + b'{{{'",
        "struct.pack('>I', 200000) + b'[' * 200000",
        "struct.pack('>I', 2) + b'[]'",
    ]
    tries = "\n".join(
        f"link, _ = dial(); link.sendall({data}); print(receive_message(link, limit=9999))" for data in attacks
    )
    notebook = run_cells(
        session,
        f"{RAW}\n{tries}\nlink, _ = dial()\nprint(ask(link, {{'execute': 'check_stock'}})['goOn'])",
        connect=False,
    )
    text = text_of(notebook, "cell-0")
    assert text.count("'refused'") == len(attacks)
    assert text.rstrip().endswith("True")


@pytest.mark.parametrize(
    "request_text", ["{}", "{'execute': 7}", "{'execute': None}", "{'execute': ['pay']}", "{'execute': 'x' * 5000}"]
)
def test_requests_that_name_no_step_are_refused(session, run_cells, text_of, request_text):
    notebook = run_cells(
        session, f"{RAW}\nlink, _ = dial()\nprint(len(str(ask(link, {request_text}))) < 1000)", connect=False
    )
    assert "True" in text_of(notebook, "cell-0")
    assert session.asked == []


def test_a_hello_over_the_limit_is_not_read(session, run_cells, text_of):
    notebook = run_cells(session, f"{RAW}\nprint(dial(token='x' * {HELLO_LIMIT})[1])", connect=False)
    assert "None" in text_of(notebook, "cell-0")


def test_a_right_token_in_another_process_is_refused(session, tmp_path):
    # The socket's folder is closed to other users; a kernel of another run has the same user, and another session.
    server = StepServer(session, path=tmp_path / "s", token="token")
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    server.start(owner=lambda process_id: os.getsid(process_id) == other.pid)
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(tmp_path / "s"))
            send_message(link, {"token": "token", "runId": session.run.id, "leaseEpoch": session.run.lease_epoch})
            assert "may not ask" in receive_message(link, limit=REPLY_LIMIT)["error"]["message"]
    finally:
        server.close()
        other.communicate(b"\n")
    assert session.asked == []


def test_a_connection_that_says_nothing_does_not_hold_up_the_end(session, tmp_path):
    server = StepServer(session, path=tmp_path / "s", token="token")
    server.start(owner=lambda _: True)
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(tmp_path / "s"))
        server.close()
        assert link.recv(1) == b""


def test_a_socket_path_too_long_is_named(session, tmp_path):
    with pytest.raises(CannotJudgeError, match="too long for a socket"):
        StepServer(session, path=tmp_path / ("x" * 120), token="token")


def test_nothing_of_the_workers_environment_is_in_the_kernel(session, run_cells, text_of, monkeypatch):
    for name in (
        "ORCHESTRA_DATABASE_URL",
        "ORCHESTRA_WORKER_KEY",
        "PGPASSWORD",
        "PGHOST",
        "MY_SECRET",
        "AWS_TOKEN",
        "PYTHONSTARTUP",
    ):
        monkeypatch.setenv(name, "hunter2")
    notebook = run_cells(session, "import os, json; print(json.dumps(dict(os.environ)))", connect=False)
    environment = json.loads(text_of(notebook, "cell-0"))
    assert "hunter2" not in environment.values()
    allowed = {"PATH", "HOME", "LANG", "TZ", "PYTHONPATH", "TMPDIR", "JPY_PARENT_PID"}
    of_ipython = {
        "MPLBACKEND",
        "TERM",
        "CLICOLOR",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "PAGER",
        "GIT_PAGER",
        "JPY_INTERRUPT_EVENT",
        "LC_CTYPE",
    }
    assert set(environment) <= allowed | of_ipython | {name for name in environment if name.startswith("PYDEVD_")}


def test_each_run_has_its_own_working_folder(session, fresh_session, run_cells, text_of):
    source = "import os, pathlib; print(os.getcwd(), pathlib.Path.home(), oct(os.stat('..').st_mode & 0o777))"
    places = []
    for number in range(2):
        notebook = run_cells(fresh_session(run_id=f"run-{number}"), source, connect=False)
        here, home, mode = text_of(notebook, "cell-0").split()
        assert here == home
        assert mode == "0o700"
        places.append(here)
    assert places[0] != places[1]


def test_the_grant_is_gone_once_it_was_used(session, run_cells, text_of):
    notebook = run_cells(session, "import os; print(os.listdir(os.path.expanduser('~')))")
    assert ".orchestra-run.json" not in text_of(notebook, "cell-1")


def test_no_descriptor_of_the_worker_is_inherited(session, run_cells, text_of, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    with secret.open() as file:
        os.set_inheritable(file.fileno(), True)
        notebook = run_cells(
            session,
            "import os, glob\nprint([os.readlink(path) for path in glob.glob('/proc/self/fd/*') if os.path.lexists(path)])",
            connect=False,
        )
    assert "secret" not in text_of(notebook, "cell-0")


def test_markup_in_results_and_names_is_shown_as_text(driver, session, plan_of):
    session.plan = plan_of("pay", name="<script>alert(1)</script> [x](javascript:alert(2))")
    session.body = {"<script>alert(3)</script>": "<img src=x onerror=alert(4)>"}
    session.failing = {"pay"}
    driver.drive(session)
    notebook = json.loads(driver.notebook_path(session.run.id).read_text())
    shown = [
        "".join(cell["source"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "markdown" and "tags" in cell["metadata"]
    ]
    for cell in notebook["cells"]:
        shown += [
            "".join(output["data"]["text/html"])
            for output in cell.get("outputs", ())
            if "text/html" in output.get("data", {})
        ]
    assert any("alert(3)" in text or "alert\\(1\\)" in text for text in shown)
    for text in shown:
        assert "<script" not in text
        assert "<img" not in text
        assert "](javascript" not in text


def test_a_notebook_that_floods_its_worker_is_ended(session, run_cells, monkeypatch):
    import papermill  # noqa: F401 - it has to be loaded before our engine

    from orchestra_kit.notebook import papermill_engine

    monkeypatch.setattr(papermill_engine, "OUTPUT_LIMIT", 100_000)
    notebook = run_cells(session, "while True: print('x' * 10_000, flush=True)", connect=False)
    assert "wrote more than" in str(run_cells.problem)
    assert len(json.dumps(notebook)) < 300_000


def test_a_body_too_large_for_a_notebook_is_left_out(session, run_cells, text_of):
    session.body = "x" * (REPLY_LIMIT + 1)
    notebook = run_cells(session, 'print(len(step("check_stock").response["body"]) < 200)')
    assert "True" in text_of(notebook, "cell-1")


FORGED = """
kernel = get_ipython().kernel
def forge(kind, content, **changes):
    message = kernel.session.msg(kind, content, parent=kernel.get_parent())
    message.update(changes)
    kernel.session.send(kernel.iopub_socket, message)
"""


@pytest.mark.parametrize(
    "forgery",
    [
        "forge('display_data', {'data': ['x'], 'metadata': {}})",
        "forge('display_data', {'data': {'text/html': {'a': 1}}, 'metadata': {}})",
        "forge('display_data', {'data': {'text/html': 'x'}, 'metadata': 7})",
        "forge('execute_result', {'data': {}, 'metadata': {}, 'execution_count': 'x'})",
        "forge('error', {'ename': 'x', 'evalue': 'y', 'traceback': [1]})",
        "forge('stream', {'name': 'stdout', 'text': ['x']})",
        "forge('stream', {})",
        "forge('execute_input', {'execution_count': [1]})",
        "forge('no_such_message', {'data': 1})",
    ],
)
def test_a_forged_output_does_not_spoil_the_notebook(session, run_cells, text_of, forgery):
    notebook = run_cells(
        session, f"{FORGED}\n{forgery}\nprint('after')", *[f'step("{alias}")' for alias in session.step_aliases]
    )
    assert run_cells.problem is None
    assert "after" in text_of(notebook, "cell-1")
    assert session.acts == Counter(session.step_aliases)


@pytest.mark.parametrize(
    "forgery",
    [
        "forge('status', {})",
        "forge('comm_open', {'comm_id': 1})",
        "kernel.session.key = b'other'",
    ],
)
def test_a_message_that_cannot_be_read_is_no_verdict_and_no_crash(session, run_cells, forgery):
    run_cells(session, f"{FORGED}\n{forgery}", 'step("check_stock")', idle_seconds=2)
    assert type(run_cells.problem) is CannotJudgeError
    assert "sent what cannot be read" in str(run_cells.problem)


def test_cells_a_dead_kernel_never_saw_are_pending(session, run_cells):
    notebook = run_cells(session, "import os; os.kill(os.getpid(), 9)", "1")
    assert [cell.metadata.papermill.status for cell in notebook.cells if cell.cell_type == "code"][-1] == "pending"


needs_landlock = pytest.mark.skipif(not landlock_version(), reason="this system offers no Landlock")


@needs_landlock
def test_a_cell_reads_and_writes_nothing_outside_its_folder(session, run_cells, text_of, tmp_path):
    (tmp_path / "worker.key").write_text("hunter2")
    source = f"""
import os, pathlib
def attempt(what):
    try: return what()
    except OSError as problem: return type(problem).__name__
outside = pathlib.Path({str(tmp_path)!r})
print(attempt((outside / "worker.key").read_text))
print(attempt(lambda: os.listdir(outside)))
print(attempt(lambda: (outside / "new").write_text("x")))
print(attempt(lambda: pathlib.Path(f"/proc/{{os.getppid()}}/environ").read_bytes()))
print(attempt(lambda: os.listdir("/tmp")))
print(attempt(lambda: os.listdir("/")))
pathlib.Path("own").write_text("mine"); print(pathlib.Path("own").read_text())
import tempfile, subprocess, xml.dom.minidom, sqlite3
print(subprocess.run(["echo", "software works"], capture_output=True, text=True).stdout)
"""
    notebook = run_cells(session, source, connect=False)
    lines = text_of(notebook, "cell-0").split("\n")
    assert lines[:8] == ["PermissionError"] * 6 + ["mine", "software works"]


@needs_landlock
def test_a_thread_of_the_kernel_is_no_way_out(session, run_cells, text_of, tmp_path):
    (tmp_path / "worker.key").write_text("hunter2")
    source = f"""
import threading, concurrent.futures, pathlib
answer = concurrent.futures.Future()
def peek():
    try: answer.set_result(pathlib.Path({str(tmp_path / "worker.key")!r}).read_text())
    except OSError as problem: answer.set_result(type(problem).__name__)
get_ipython().kernel.control_thread.io_loop.add_callback(peek)
print(answer.result(5))
"""
    assert text_of(run_cells(session, source, connect=False), "cell-0").strip() == "PermissionError"


@pytest.mark.skipif(landlock_version() < 6, reason="signals are scoped since version 6 of Landlock")
def test_a_cell_cannot_signal_its_worker(session, run_cells, text_of):
    notebook = run_cells(
        session, "import os\ntry: os.kill(os.getppid(), 0)\nexcept OSError as problem: print(problem)", connect=False
    )
    assert "not permitted" in text_of(notebook, "cell-0")


@needs_landlock
def test_folders_can_be_opened_to_a_kernel(session, run_cells, text_of, tmp_path):
    (tmp_path / "rows.csv").write_text("sku,amount")
    source = f"print(open({str(tmp_path / 'rows.csv')!r}).read())"
    for launcher in (ColdLauncher(readable=(tmp_path,)), ColdLauncher(confined=False)):
        notebook = run_cells(session, source, connect=False, launcher=launcher)
        assert "sku,amount" in text_of(notebook, "cell-0")
