"""Every error Orchestra raises on purpose.

OrchestraError
├── DefinitionError            a document, template or argument is wrong: the user can mend it (exit code 2)
│   ├── ExpressionError        a CEL, FEEL or JUEL text does not parse or refers to nothing
│   ├── UnknownNameError       a name that is not there, with the nearest one that is
│   └── ForbiddenReferenceError  a $ref, entity or file outside the document's own bundle
├── NotFoundError              no such entity for this tenant (the same answer for a foreign and an absent one)
├── ConflictError              somebody else changed it first, or its state does not allow this
├── LimitError                 a quota or a size limit is reached
├── CannotJudgeError           we could not find out: a missing secret, an unreachable system (exit code 3)
│   ├── SecretError            a secret reference that resolves to nothing
│   ├── EgressError            the environment's allow list does not let us call there
│   ├── StoreUnavailableError  the database does not answer
│   └── KernelDiedError        the process a notebook ran in ended before its run did
└── LeaseLostError             another worker owns this run now: stop at once, write nothing
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EXIT_PASSED = 0
EXIT_VIOLATIONS = 1
EXIT_WRONG_USE = 2
EXIT_CANNOT_JUDGE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a document something stands: file, 1-based line and column, and a field path such as `tasks.pay.body`."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        spot = self.file or ""
        if self.line is not None:
            spot += f":{self.line}" if spot else f"line {self.line}"
            if self.column is not None:
                spot += f":{self.column}"
        if self.field:
            spot += f" ({self.field})" if spot else self.field
        return spot


class OrchestraError(Exception):
    """Something went wrong that Orchestra can name."""

    exit_code = EXIT_CANNOT_JUDGE

    def __init__(self, message: str, *, place: Place | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if self.place and str(self.place) else self.message
        return f"{text} {self.hint}" if self.hint else text


class DefinitionError(OrchestraError):
    """A document, template or argument is wrong."""

    exit_code = EXIT_WRONG_USE


class ExpressionError(DefinitionError):
    """An expression does not parse, or refers to something that cannot be there."""


class UnknownNameError(DefinitionError):
    """A name that is not there; the hint tells the nearest one that is."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, place: Place | None = None) -> None:
        names = sorted({str(item) for item in known})
        super().__init__(f"unknown {what} '{name}'.", place=place, hint=nearest_hint(name, names))
        self.what, self.name, self.known = what, name, tuple(names)


class ForbiddenReferenceError(DefinitionError):
    """A reference that leaves the document's own bundle."""


class NotFoundError(OrchestraError):
    """No such entity for this tenant."""

    exit_code = EXIT_WRONG_USE


class ConflictError(OrchestraError):
    """Somebody else changed it first, or its state does not allow this."""

    exit_code = EXIT_WRONG_USE


class LimitError(OrchestraError):
    """A quota or a size limit is reached."""

    exit_code = EXIT_WRONG_USE


class CannotJudgeError(OrchestraError):
    """We could not find out whether the system under test is right."""


class SecretError(CannotJudgeError):
    """A secret reference resolves to nothing."""


class EgressError(CannotJudgeError):
    """The environment's allow list does not let us call there."""


class StoreUnavailableError(CannotJudgeError):
    """The database does not answer."""


class KernelDiedError(CannotJudgeError):
    """The process a notebook ran in ended before its run did: the run can be taken up again from what is recorded."""


class LeaseLostError(OrchestraError):
    """Another worker owns this run now."""


def nearest_hint(name: str, known: Iterable[str], *, most: int = 3) -> str | None:
    """Return "Did you mean 'x'?" for the names nearest to `name`, else the list of what is known when it is short."""
    from difflib import get_close_matches

    names = sorted(set(known))
    close = get_close_matches(name, names, n=most, cutoff=0.6)
    if not close:
        lowered = {item.lower(): item for item in reversed(names)}
        close = [lowered[hit] for hit in get_close_matches(name.lower(), list(lowered), n=most, cutoff=0.6)]
    if close:
        return "Did you mean " + " or ".join(f"'{item}'" for item in close) + "?"
    if names and len(names) <= 12:
        return "Known: " + ", ".join(names) + "."
    return None
