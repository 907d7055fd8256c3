"""Reports of what came of suite runs, written to files and kept in the store."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestra_kit.app.outcome import SuiteOutcome
from orchestra_kit.app.stores import Stores
from orchestra_kit.errors import DefinitionError
from orchestra_kit.model import TestRunReport, new_id
from orchestra_kit.model.ids import TenantId
from orchestra_kit.reporting import RunFacts, SuiteReport, build_report, write_html, write_json, write_junit
from orchestra_kit.spi.definitions import Caller


def check_targets(*paths: Path | None, make_folders: bool = True) -> None:
    """Raise DefinitionError, before anything is run, when a report could not be written where it is wanted.

    Reports of runs make their folders: a run is dear, and its report is wanted somewhere. Others pass `make_folders` False.
    """
    for path in paths:
        reason = None if path is None else _obstacle(path, make_folders)
        if reason is not None:
            raise DefinitionError(f"cannot write '{path}': {reason}.", hint="Name a file in a folder you may write to.")


def _obstacle(path: Path, make_folders: bool) -> str | None:
    try:
        if path.is_dir():
            return "it is a folder"
        folder = path.absolute().parent
        if not make_folders and not folder.exists():
            return f"there is no folder '{folder}'"
        while not folder.exists():
            folder = folder.parent
        if not folder.is_dir():
            return f"'{folder}' is no folder"
        return None if os.access(folder, os.W_OK | os.X_OK) else f"you may not write to '{folder}'"
    except (OSError, ValueError) as error:
        return ((error.strerror if isinstance(error, OSError) else None) or str(error)).lower()


class Reports:
    """Writes reports for one caller."""

    def __init__(self, stores: Stores, caller: Caller) -> None:
        self._stores, self._caller = stores, caller

    def build(self, outcome: SuiteOutcome) -> SuiteReport:
        """Return the report of an outcome."""
        suite = outcome.suites[0] if outcome.suites else None
        facts = [RunFacts(run=item.run, plan=item.plan, results=item.results) for item in outcome.runs]
        return build_report(
            facts,
            graphs=outcome.graphs,
            title=suite.name if suite and len(outcome.suites) == 1 else "",
            suite_name=suite.key if suite else "",
            suite_run=outcome.suite_runs[0] if len(outcome.suite_runs) == 1 else None,
            generated_at=datetime.now(UTC),
        )

    def as_json(self, outcome: SuiteOutcome) -> dict[str, Any]:
        """Return the JSON report."""
        return self.build(outcome).to_json()

    def write(
        self,
        outcome: SuiteOutcome,
        *,
        junit: Path | None = None,
        html: Path | None = None,
        json_file: Path | None = None,
    ) -> tuple[Path, ...]:
        """Write the reports asked for, each whole or not at all, and keep the JSON form of a suite run's report."""
        if not outcome.runs:
            return ()
        report = self.build(outcome)
        written = [
            writer(report, path)
            for writer, path in ((write_html, html), (write_junit, junit), (write_json, json_file))
            if path is not None
        ]
        self._keep(outcome, report)
        return tuple(written)

    def _keep(self, outcome: SuiteOutcome, report: SuiteReport) -> None:
        suite_run = outcome.suite_runs[0] if len(outcome.suite_runs) == 1 else None
        kept = TestRunReport(
            id=new_id(),
            tenant_id=TenantId(self._caller.tenant_id),
            run_id=None if suite_run else outcome.runs[0].run.id,
            suite_run_id=suite_run.id if suite_run else None,
            format="json",
            content=report.model_dump(mode="json", by_alias=True, exclude={"graph"}),
            created_at=datetime.now(UTC),
        )
        self._stores.runs.save_report(self._caller, kept)
