"""Running suites: submit, wait (working along when asked), cancel, resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from orchestra_kit.app.outcome import RunOutcome, SuiteOutcome
from orchestra_kit.app.selection import select_by_reference, select_by_tag
from orchestra_kit.app.stores import Stores
from orchestra_kit.app.submission import RunOptions, Submitted, Submitter
from orchestra_kit.errors import (
    DefinitionError,
    NotFoundError,
    StoreUnavailableError,
)
from orchestra_kit.model import (
    ChannelType,
    ControlFlowGraph,
    Executor,
    RunMode,
    ScenarioSuite,
    TestRun,
)
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.spi.protocol import ProtocolPlugin
from orchestra_kit.spi.runs import RunFilter

_MOST_RUNS = 100_000
_PATIENCE_SECONDS = 60.0

Tell = Callable[[str, str], None]


class Runner:
    """Runs scenarios for one caller. `start_worker` starts a worker in this process for as long as its context lasts."""

    def __init__(
        self,
        stores: Stores,
        caller: Caller,
        plugins: Mapping[ChannelType, ProtocolPlugin],
        start_worker: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._stores, self._caller, self._start_worker = stores, caller, start_worker
        self._submitter = Submitter(stores.processes, stores.environments, stores.runs, plugins)

    def submit(self, suite: str | None, tag: str | None, options: RunOptions) -> list[Submitted]:
        """Store the runs of a suite, a scenario, or everything with a tag."""
        if suite is not None:
            selections = [select_by_reference(self._stores.scenarios, self._caller, suite)]
        else:
            selections = select_by_tag(self._stores.scenarios, self._caller, tag or "")
        prepared = [self._submitter.prepare(self._caller, item, options) for item in selections]
        return [self._submitter.store(self._caller, item) for item in prepared]

    def wait(
        self,
        submitted: Sequence[Submitted],
        *,
        work_here: bool,
        tell: Tell | None = None,
        timeout_seconds: float | None = None,
    ) -> SuiteOutcome:
        """Wait until all suite runs have ended, working along when asked; `tell` hears of each run that ends."""
        ids = [item.suite_run.id for item in submitted]
        with self._start_worker() if work_here else nullcontext():
            finished = self._follow(ids, tell, timeout_seconds)
        return self._outcome(ids, unfinished=not finished)

    def outcome_of(self, run_or_suite_run_id: str) -> SuiteOutcome:
        """Return what came of a suite run, or of a single run; raise NotFoundError."""
        try:
            return self._outcome(
                [self._stores.runs.get_suite_run(self._caller, run_or_suite_run_id).id], unfinished=False
            )
        except NotFoundError:
            run = self._stores.runs.get_run(self._caller, run_or_suite_run_id)
            suite, graphs = self._origin(run)
            return SuiteOutcome(suites=suite, suite_runs=(), runs=(self._load(run),), graphs=graphs)

    def cancel(self, run_or_suite_run_id: str) -> str:
        """Cancel a run or a suite run; return its status now."""
        try:
            self._stores.runs.get_suite_run(self._caller, run_or_suite_run_id)
        except NotFoundError:
            return self._stores.runs.cancel_run(self._caller, run_or_suite_run_id).status.value
        return self._stores.runs.cancel_suite_run(self._caller, run_or_suite_run_id).status.value

    def resume(self, run_id: str, *, from_step: str | None, single_step: str | None, executor: Executor) -> TestRun:
        """Let a stuck run go on; or store a new run that begins at a step of an earlier one."""
        if from_step and single_step:
            raise DefinitionError("--from-step and --single-step exclude each other.")
        if from_step or single_step:
            mode = RunMode.SINGLE_STEP if single_step else RunMode.FROM_STEP
            options = RunOptions(environment="", mode=mode, executor=executor)
            return self._submitter.submit_from_step(self._caller, run_id, from_step or single_step or "", options)
        return self._stores.runs.resume_run(self._caller, run_id)

    def finish_one(self, run_id: str) -> tuple[TestRun, int]:
        """Work until one run has ended; return it with the exit code."""
        with self._start_worker():
            while not (run := self._stores.runs.get_run(self._caller, run_id)).status.terminal:
                time.sleep(0.05)
        return run, self._load(run).verdict.exit_code

    def _follow(self, suite_run_ids: Sequence[str], tell: Tell | None, timeout_seconds: float | None) -> bool:
        deadline = time.monotonic() + timeout_seconds if timeout_seconds else None
        silent_since: float | None = None
        told: set[str] = set()
        while True:
            try:
                done = self._look(suite_run_ids, told, tell)
                silent_since = None
            except StoreUnavailableError:
                silent_since = silent_since or time.monotonic()
                if time.monotonic() - silent_since > _PATIENCE_SECONDS:
                    raise
                done = False
            if done:
                return True
            if deadline is not None and time.monotonic() > deadline:
                return False
            time.sleep(0.05)

    def _look(self, suite_run_ids: Sequence[str], told: set[str], tell: Tell | None) -> bool:
        done = True
        for suite_run_id in suite_run_ids:
            for run in self._runs_of(suite_run_id):
                if run.status.terminal and run.id not in told:
                    told.add(run.id)
                    if tell is not None:
                        row = f" [{run.data_row_key}]" if run.data_row_key else ""
                        tell(f"{run.scenario_key}{row}", run.status.value)
            done = done and self._stores.runs.get_suite_run(self._caller, suite_run_id).status.terminal
        return done

    def _runs_of(self, suite_run_id: str) -> tuple[TestRun, ...]:
        return self._stores.runs.list_runs(self._caller, RunFilter(suite_run_id=suite_run_id, limit=_MOST_RUNS))

    def _load(self, run: TestRun) -> RunOutcome:
        return RunOutcome(
            run=run,
            plan=self._stores.runs.get_plan(self._caller, run.id),
            results=self._stores.runs.get_results(self._caller, run.id),
        )

    def _outcome(self, suite_run_ids: Sequence[str], *, unfinished: bool) -> SuiteOutcome:
        suite_runs = tuple(self._stores.runs.get_suite_run(self._caller, item) for item in suite_run_ids)
        runs = [run for item in suite_run_ids for run in reversed(self._runs_of(item))]
        known = {suite.id: suite for suite in self._stores.scenarios.list_suites(self._caller)}
        suites = tuple(known[item.suite_id] for item in suite_runs if item.suite_id in known)
        return SuiteOutcome(
            suites=suites,
            suite_runs=suite_runs,
            runs=tuple(self._load(run) for run in runs),
            graphs=self._graphs(suites),
            unfinished=unfinished,
        )

    def _origin(self, run: TestRun) -> tuple[tuple[ScenarioSuite, ...], dict[str, ControlFlowGraph]]:
        scenario = self._stores.scenarios.get_scenario(self._caller, run.scenario_id, run.scenario_version)
        suites = tuple(
            item for item in self._stores.scenarios.list_suites(self._caller) if item.id == scenario.suite_id
        )
        return suites, self._graphs(suites)

    def _graphs(self, suites: Sequence[ScenarioSuite]) -> dict[str, ControlFlowGraph]:
        graphs: dict[str, ControlFlowGraph] = {}
        for suite in suites:
            if suite.process_id is not None:
                version = self._stores.processes.get_process_version(
                    self._caller, suite.process_id, suite.process_version
                )
                graphs[suite.id] = version.control_flow_graph
        return graphs
