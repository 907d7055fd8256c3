"""Runs of a process, complete and under way: the path so far, the tokens, and where branches meet."""

from __future__ import annotations

from dataclasses import dataclass, replace

from orchestra_kit.design.coverage import ComposedScenario
from orchestra_kit.design.coverage.fragments import Barrier


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One complete run."""

    path: tuple[str, ...]
    visits: tuple[str, ...]
    provokes: tuple[str, ...]
    barriers: tuple[Barrier, ...] = ()

    @classmethod
    def of(cls, scenario: ComposedScenario) -> Run:
        """Return the run a scenario plans."""
        return cls(path=scenario.path, visits=scenario.visits, provokes=scenario.provokes, barriers=scenario.barriers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search found; `exhausted` when every run within the model was looked at, so that None is a proof."""

    run: Run | None
    exhausted: bool


@dataclass(frozen=True, slots=True)
class Token:
    """A token on a flow (`flow`), before a node that starts or fires by itself (`enter`, `fire`), or a sub-process under
    way (`leave`)."""

    kind: str
    of: str


@dataclass(frozen=True, slots=True)
class State:
    """A run under way; the last of `stack` moves next."""

    stack: tuple[Token, ...]
    waiting: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    visits: tuple[str, ...] = ()
    provokes: tuple[str, ...] = ()
    splits: tuple[tuple[int, int], ...] = ()
    """Where branches that are still under way began, and how many there are beside the first."""
    barriers: tuple[Barrier, ...] = ()

    @property
    def run(self) -> Run:
        left = [since for since, _ in self.splits]
        apart = (Barrier(join="", at=len(self.visits), since=min(left)),) if left else ()
        return Run(path=self.path, visits=self.visits, provokes=self.provokes, barriers=(*self.barriers, *apart))

    def joined(self, join: str, tokens: int) -> State:
        """Return the run after so many branches have met before a gateway."""
        splits, missing, since = list(self.splits), tokens - 1, None
        while missing > 0 and splits:
            since, beside = splits.pop()
            if beside > missing:
                splits.append((since, beside - missing))
            missing -= beside
        barriers = self.barriers
        if since is not None:
            barriers = (*barriers, Barrier(join=join, at=len(self.visits), since=since))
        return replace(self, splits=tuple(splits), barriers=barriers)
