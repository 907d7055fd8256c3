"""Refusals in the shape of RFC 9457 (application/problem+json)."""

from __future__ import annotations

from pydantic import ValidationError

from orchestra_kit.demo.services.messages import Message

PROBLEM_MEDIA_TYPE = "application/problem+json"


class FieldError(Message):
    """One wrong field of a request, by its path in the body."""

    field: str
    message: str


class ProblemDetails(Message):
    """The body of every answer that is not a success."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: tuple[FieldError, ...] | None = None


class Problem(Exception):
    """A request was refused; nothing it asked for has happened."""

    def __init__(self, status: int, code: str, detail: str, errors: tuple[FieldError, ...] | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.details = ProblemDetails(
            type=f"urn:shop:problem:{code.lower().replace('_', '-')}",
            title=code.replace("_", " ").capitalize(),
            status=status,
            code=code,
            detail=detail,
            errors=errors,
        )


def not_found(noun: str, identifier: str) -> Problem:
    """The refusal for an id nobody has given out."""
    return Problem(404, f"{noun.upper()}_NOT_FOUND", f"There is no {noun} {identifier}.")


def invalid_request(*errors: FieldError) -> Problem:
    """The refusal for input that breaks the interface description."""
    names = ", ".join(error.field for error in errors)
    return Problem(400, "VALIDATION_FAILED", f"The request is not valid: {names}.", errors)


def invalid_body(error: ValidationError) -> Problem:
    """The refusal for a body the model does not accept; values are not repeated, as they may be secret."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return invalid_request(
        *(FieldError(field=".".join(map(str, item["loc"])) or "body", message=item["msg"]) for item in found)
    )
