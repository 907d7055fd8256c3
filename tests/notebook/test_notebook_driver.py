from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest

from orchestra_kit.errors import CannotJudgeError, KernelDiedError, LeaseLostError, StoreUnavailableError
from orchestra_kit.model import RunMode
from orchestra_kit.notebook.driver import NotebookDriver, NotebookSettings, private_folder


def drive_inline(session):
    for alias in session.step_aliases:
        if not session.run_step(alias).go_on:
            return


def test_all_steps_are_done_in_order_and_shown(driver, session, read, text_of):
    driver.drive(session)
    assert session.asked == list(session.step_aliases)
    notebook = read(driver)
    assert "✔ PASSED pay" in text_of(notebook, "step-pay")
    assert "4 of 4 steps passed" in text_of(notebook, "summary")
    counts = [
        (cell.execution_count, cell.outputs[-1].get("execution_count"))
        for cell in notebook.cells
        if cell.get("outputs")
    ]
    assert counts == [(2, None), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7)]


def test_failing_step_stops_the_walk_and_stays_visible(driver, session, read, text_of):
    session.failing = {"reserve"}
    driver.drive(session)
    assert session.asked == ["check_stock", "reserve"]
    notebook = read(driver)
    assert "✘ FAILED reserve" in text_of(notebook, "step-reserve")
    assert "reserve answered 500, not 200" in text_of(notebook, "step-reserve")
    errors = [output for cell in notebook.cells for output in cell.get("outputs", ()) if output.output_type == "error"]
    assert [error.ename for error in errors] == ["StepFailed"]
    assert len(errors[0].traceback) == 1
    assert text_of(notebook, "step-pay") == ""


def test_failing_step_does_not_stop_a_run_of_all_steps(driver, session, plan_of, read, text_of):
    session.plan = plan_of("a", "b", "c", mode=RunMode.RUN_ALL_STEPS)
    session.failing = {"a", "c"}
    driver.drive(session)
    assert session.asked == ["a", "b", "c"]
    assert "1 of 3 steps passed, 3 run" in text_of(read(driver), "summary")


def test_sealed_values_never_reach_the_notebook(driver, session):
    driver.drive(session)
    assert "SEALED-VALUE" not in driver.notebook_path(session.run.id).read_text()


@pytest.mark.parametrize("failing", [set(), {"pay"}])
def test_both_drivers_record_the_same(driver, session, fresh_session, failing):
    other = fresh_session()
    session.failing = other.failing = failing
    driver.drive(session)
    drive_inline(other)
    assert session.recorded == other.recorded
    assert session.acts == other.acts


def test_lost_lease_is_raised_and_ends_the_notebook(driver, session, read, text_of):
    def lose(alias):
        if alias == "pay":
            raise LeaseLostError("another worker owns this run now.")

    session.before_act = lose
    with pytest.raises(LeaseLostError):
        driver.drive(session)
    assert session.asked == ["check_stock", "reserve", "pay"]
    assert "RunStopped" in json.dumps(read(driver))


def test_what_the_engine_raises_is_raised_again_and_hidden_from_the_kernel(driver, session):
    def break_down(alias):
        raise StoreUnavailableError("postgresql://app:hunter2@db does not answer.")

    session.before_act = break_down
    with pytest.raises(StoreUnavailableError, match="hunter2"):
        driver.drive(session)
    kept = driver.notebook_path(session.run.id).read_text()
    assert "hunter2" not in kept
    assert "the worker cannot go on" in kept


def test_an_unexpected_error_is_raised_again_and_hidden_from_the_kernel(driver, session):
    def break_down(alias):
        raise RuntimeError("password=hunter2")

    session.before_act = break_down
    with pytest.raises(RuntimeError, match="hunter2"):
        driver.drive(session)
    assert "hunter2" not in driver.notebook_path(session.run.id).read_text()


@pytest.mark.parametrize("moment", ["before_act", "after_record"])
@pytest.mark.parametrize("killed_in", ["check_stock", "reserve", "pay", "ship"])
def test_kernel_killed_in_any_cell_repeats_no_recorded_step(tmp_path, launcher, session, killed_in, moment):
    def kill(alias):
        if alias == killed_in:
            os.kill(launcher.kernels[0].process_id, signal.SIGKILL)

    setattr(session, moment, kill)
    first = NotebookDriver(NotebookSettings(folder=tmp_path, launcher=launcher))
    last = killed_in == session.step_aliases[-1]
    if last:
        first.drive(session)  # its last step was recorded: nothing of the run was lost
    else:
        with pytest.raises(KernelDiedError, match=f"step-{killed_in}"):
            first.drive(session)
    assert killed_in in session.recorded
    assert "KernelDied" in first.notebook_path(session.run.id).read_text()
    NotebookDriver(NotebookSettings(folder=tmp_path, launcher=launcher)).drive(session)
    assert session.acts == Counter(session.step_aliases)
    assert list(session.recorded) == list(session.step_aliases)


def test_kernel_that_dies_by_itself_between_steps_is_named(session, run_cells):
    notebook = run_cells(session, 'step("check_stock")', "import os; os.kill(os.getpid(), 9)", 'step("reserve")')
    assert isinstance(run_cells.problem, KernelDiedError)
    assert "'reserve'" in str(run_cells.problem)
    assert [output.ename for output in notebook.cells[-2].outputs if output.output_type == "error"] == ["KernelDied"]
    assert session.asked == ["check_stock"]


def test_cell_that_fails_by_itself_is_no_verdict(session, run_cells):
    run_cells(session, 'step("check_stock")', "1 / 0")
    assert isinstance(run_cells.problem, CannotJudgeError)
    assert not isinstance(run_cells.problem, KernelDiedError)
    assert "cell-2" in str(run_cells.problem)


def test_notebook_that_ends_early_is_no_verdict(session, run_cells):
    run_cells(session, 'step("check_stock")')
    assert "before step 'reserve'" in str(run_cells.problem)


def test_stop_request_ends_a_cell_that_asks_for_nothing(session, launcher, run_cells, text_of):
    def stop_soon(_):
        session.stop = True

    session.after_record = stop_soon
    notebook = run_cells(session, 'step("check_stock")\nwhile True: pass', "print('never')")
    assert run_cells.problem is None
    assert not launcher.kernels[0].alive()
    assert "cancelled" in text_of(notebook, "cell-1")
    assert text_of(notebook, "cell-2") == ""


def test_kernel_that_asks_for_no_step_is_ended(session, run_cells):
    run_cells(session, "while True: pass", idle_seconds=0.3)
    assert isinstance(run_cells.problem, CannotJudgeError)
    assert "asked for no step" in str(run_cells.problem)


def test_a_long_step_is_not_idle(session, tmp_path):
    waited = threading.Event()
    session.before_act = lambda alias: alias == "reserve" and waited.wait(2.5)
    driver = NotebookDriver(NotebookSettings(folder=tmp_path, idle_seconds=2))
    driver.drive(session)
    assert session.acts == Counter(session.step_aliases)


def test_runs_in_several_threads_do_not_meet(driver, fresh_session, plan_of):
    here = Path.cwd()
    sessions = [fresh_session(run_id=f"run-{number}", plan=plan_of("a", "b", f"own_{number}")) for number in range(4)]
    threads = [threading.Thread(target=driver.drive, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [session.asked[-1] for session in sessions] == [f"own_{number}" for number in range(4)]
    for session in sessions:
        assert session.acts == Counter(session.step_aliases)
        assert f"run {session.run.id}, 3 steps" in driver.notebook_path(session.run.id).read_text()
    assert Path.cwd() == here


def test_a_thread_with_a_running_loop_can_drive(driver, session):
    async def inside():
        driver.drive(session)

    asyncio.run(inside())
    assert session.asked == list(session.step_aliases)


def test_nothing_is_left_behind(tmp_path, short_folder, session, launcher):
    before = {thread.name for thread in threading.enumerate()}
    scratch = short_folder / "scratch"
    settings = NotebookSettings(folder=tmp_path / "kept", launcher=launcher, scratch=scratch)
    NotebookDriver(settings).drive(session)
    assert list(scratch.iterdir()) == []
    assert not launcher.kernels[0].alive()
    assert {thread.name for thread in threading.enumerate()} == before
    assert [path.name for path in settings.folder.iterdir()] == [f"{session.run.id}.ipynb"]


def test_scratch_too_long_for_sockets_gives_way_to_a_shorter_one(tmp_path):
    with private_folder(tmp_path / ("x" * 90)) as folder:
        assert len(str(folder / "steps")) < 100
        assert folder.stat().st_mode & 0o777 == 0o700


def test_folder_that_cannot_be_made_is_said_before_any_step(tmp_path, session):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(CannotJudgeError, match="no notebook can be kept"):
        NotebookDriver(NotebookSettings(folder=blocked)).drive(session)
    assert session.asked == []


def test_kernel_that_cannot_start_is_named(tmp_path, session, monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(KernelDiedError, match="did not start"):
        NotebookDriver(NotebookSettings(folder=tmp_path)).drive(session)
    assert session.asked == []


def test_overrides_reach_the_step(session, run_cells):
    run_cells(session, 'step("check_stock", overrides={"body": {"sku": "x"}})')
    assert session.overrides["check_stock"] == {"body": {"sku": "x"}}


def test_interrupt_in_the_main_thread_ends_kernel_and_drive(driver, session, launcher):
    session.after_record = lambda alias: alias == "reserve" and os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        driver.drive(session)
    assert not launcher.kernels[0].alive()
    assert session.acts["reserve"] == 1
    driver.drive(session)
    assert session.acts == Counter(session.step_aliases)


def test_folders_of_killed_workers_are_removed_and_others_kept(short_folder):
    with private_folder(short_folder) as held:
        abandoned = short_folder / "ok-dead"
        abandoned.mkdir()
        (abandoned / "lock").write_text("")
        for folder in (held, abandoned):
            os.utime(folder, (1, 1))
        with private_folder(short_folder):
            assert held.exists()
            assert not abandoned.exists()


def test_papermill_says_nothing(driver, session, caplog, capfd):
    caplog.set_level("DEBUG")
    driver.drive(session)
    assert [record for record in caplog.records if record.name.startswith(("papermill", "orchestra_kit"))] == []
    assert capfd.readouterr() == ("", "")


def test_a_run_that_stops_after_a_passed_step_is_walked_to_its_stop(driver, session, read, text_of):
    session.last_alias = "reserve"
    driver.drive(session)
    assert session.asked == ["check_stock", "reserve"]
    assert "RunStopped" in json.dumps(read(driver).cells)
    assert "✔ PASSED reserve" in text_of(read(driver), "step-reserve")


def test_the_last_step_may_end_the_run_without_an_error(driver, session, read):
    session.last_alias = "ship"
    driver.drive(session)
    outputs = [output.output_type for cell in read(driver).cells for output in cell.get("outputs", ())]
    assert "error" not in outputs


def test_a_finished_run_driven_again_is_replayed(driver, session, read, text_of):
    driver.drive(session)
    driver.drive(session)
    assert session.acts == Counter(session.step_aliases)
    assert text_of(read(driver), "summary").count("replayed, not done again") == 4


def test_a_cell_reads_what_a_step_gave(session, run_cells, text_of):
    source = """
view = step("check_stock")
print(view.status, view.passed, view.replayed, view.response["status"], view.response["body"]["order"], view.violations)
"""
    assert text_of(run_cells(session, source), "cell-1").strip() == "PASSED True False 200 check_stock []"


def test_a_cell_may_catch_a_failure_and_look_at_it(session, run_cells, text_of):
    session.failing = {"check_stock"}
    source = """
from orchestra_kit.notebook.kernel_client import StepFailed
try: step("check_stock")
except StepFailed as failure: print("caught", failure)
"""
    notebook = run_cells(session, source)
    assert "caught step 'check_stock' failed" in text_of(notebook, "cell-1")
    assert run_cells.problem is None


def test_a_database_step_shows_rows_and_settling_time(session, run_cells, text_of):
    session.changes = {
        "db_result": {"rows": [{"status": "SHIPPED"}], "count": 1},
        "settling_time_ms": 120,
        "request": None,
    }
    text = text_of(run_cells(session, 'print(step("check_stock").response["rows"])\nstep("check_stock")'), "cell-1")
    assert "[{'status': 'SHIPPED'}]" in text
    assert "settled after: 120 ms" in text
