"""The `orchestra` command inside the test's own process, over one embedded database for all tests."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from orchestra_kit.app.settings import VARIABLES, Settings
from orchestra_kit.app.workspace import Workspace
from orchestra_kit.cli import main

Write = Callable[[str, Any], Path]
"""Writes a file of a name: text as it is, anything else as JSON."""


@dataclass(frozen=True)
class Answer:
    """What a command printed and with which code it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


@dataclass
class CommandLine:
    """Runs commands as one tenant in one project folder."""

    home: Path
    tenant: str
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: object, **variables: str) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        with self.environment(**variables), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main([str(item) for item in arguments])
            except SystemExit as ending:
                code = ending.code
        assert isinstance(code, int)
        return Answer(code, out.getvalue(), err.getvalue())

    def json(self, *arguments: object, code: int = 0) -> Any:
        """Run a command with --json; return its one document."""
        answer = self(*arguments, "--json")
        assert answer.code == code, answer
        return answer.json

    def done(self, *arguments: object, code: int = 0) -> Answer:
        """Run a command that must end with `code`."""
        answer = self(*arguments)
        assert answer.code == code, answer
        return answer

    def environ(self, **variables: str) -> dict[str, str]:
        """The process variables of a command of this tenant."""
        kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        own = {"ORCHESTRA_HOME": str(self.home), "ORCHESTRA_TENANT": self.tenant, "ORCHESTRA_ACTOR": "tester"}
        return {**kept, **own, **self.variables, **variables}

    @contextlib.contextmanager
    def environment(self, **variables: str) -> Iterator[None]:
        """Have the variables of this tenant in this process."""
        with mock.patch.dict(os.environ, self.environ(**variables), clear=True):
            yield

    @contextlib.contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """The same tenant's workspace, to look into the store."""
        opened = Workspace(Settings(home=self.home, tenant_id=self.tenant, actor="tester"))
        try:
            yield opened
        finally:
            opened.close()


_numbers = itertools.count(1)


def new_tenant(home: Path) -> CommandLine:
    """Return the command line of a tenant that has nothing yet."""
    return CommandLine(home=home, tenant=f"tenant{os.getpid()}-{next(_numbers)}")
