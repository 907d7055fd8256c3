"""`%orchestra`: every command in a notebook, in a process of its own."""

from __future__ import annotations

import atexit
import subprocess
from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell
from order_shop import PROJECT
from traitlets.config import Config

from orchestra_kit.magics import command


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "orchestra_kit")
    yield shell
    atexit.unregister(shell.atexit_operations)
    InteractiveShell.clear_instance()


def test_a_command_shows_what_it_prints(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("orchestra", f"suite plan '{PROJECT.parent / 'orders.bpmn'}'")
    assert "suite: 2 scenarios" in capsys.readouterr().out


def test_wrong_use_is_a_message_no_traceback(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    for line in ("suite pln x", "suite plan 'unclosed", "nope"):
        result = shell.run_cell(f"%orchestra {line}")
        assert result.success
        said = capsys.readouterr().out
        assert said.startswith("orchestra: ")
        assert "Traceback" not in said


def test_no_shell_reads_the_line(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("orchestra", "suite plan x; echo pwned")
    assert "pwned\n" not in capsys.readouterr().out.replace("'pwned'", "")


def test_an_interrupt_ends_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    started: list[subprocess.Popen[str]] = []

    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    original = subprocess.Popen

    def start(*arguments: object, **options: object) -> subprocess.Popen[str]:
        process = original(*arguments, **options)  # type: ignore[call-overload]
        started.append(process)
        return process

    monkeypatch.setattr(command.subprocess, "Popen", start)
    monkeypatch.setattr("builtins.print", lambda *words, **more: interrupted() if words[0] != "interrupted" else None)
    command.orchestra("--help")
    assert started[0].returncode is not None


def test_a_plan_is_shown_with_its_pictures(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda item: shown.append(item.data))
    shell.run_line_magic("orchestra", f"plan '{PROJECT.parent / 'orders.bpmn'}' --criterion flow")
    (html,) = shown
    assert "no single run can take two of them" in html
    assert "<script" not in html
    assert 'class="way"' in html


def test_a_plan_that_cannot_be_made_says_why(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("orchestra", "plan nowhere.bpmn")
    said = capsys.readouterr().out
    assert "nowhere.bpmn" in said
    assert "Traceback" not in said
