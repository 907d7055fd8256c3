"""From an HTTP request to a handler and back: validation, correlation, idempotency and refusals, alike in all services."""

from __future__ import annotations

import re
import sqlite3
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestra_kit.demo.services.database import open_database, write_transaction
from orchestra_kit.demo.services.idempotency import (
    CommandIdentity,
    StoredAnswer,
    find_stored_answer,
    fingerprint,
    store_answer,
)
from orchestra_kit.demo.services.messages import IDENTIFIER_PATTERN, Message
from orchestra_kit.demo.services.problems import PROBLEM_MEDIA_TYPE, FieldError, Problem, invalid_body, invalid_request

CORRELATION_HEADER = "X-Correlation-Id"
IDEMPOTENCY_HEADER = "Idempotency-Key"
_HEADER_PATTERN = r"[\x21-\x7e]{1,128}"

Body = TypeVar("Body", bound=Message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a handler works with: an open transaction, the path and query of the request, and its correlation id."""

    database: sqlite3.Connection
    path: Mapping[str, str]
    query: Mapping[str, str]
    correlation_id: str

    def query_identifier(self, name: str) -> str:
        """A required id from the query string."""
        return _identifier(name, self.query.get(name, ""))


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: its status and body."""

    status: int
    body: Message


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a service; `bind` reads the request body and gives the handler that will act on it."""

    method: str
    path: str
    bind: Callable[[bytes], Handler]


def query(path: str, handler: Handler) -> Operation:
    """An operation that reads."""
    return Operation("GET", path, lambda _: handler)


def command(method: str, path: str, model: type[Body], handler: Callable[[Call, Body], Answer]) -> Operation:
    """An operation that changes something; its handler refuses before its first write."""

    def bind(raw: bytes) -> Handler:
        try:
            body = model.model_validate_json(raw or b"{}")
        except ValidationError as error:
            raise invalid_body(error) from error
        return lambda call: handler(call, body)

    return Operation(method, path, bind)


def build_application(service: str, database: Path, operations: Sequence[Operation]) -> Starlette:
    """The service as an ASGI application; every answer, refusals too, repeats the correlation id."""
    return Starlette(
        routes=[_route(service, database, operation) for operation in operations],
        exception_handlers={HTTPException: _answer_http_error},
    )


def _route(service: str, database: Path, operation: Operation) -> Route:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        return await run_in_threadpool(_respond, service, database, operation, request, raw)

    return Route(operation.path, endpoint, methods=[operation.method])


def _respond(service: str, path: Path, operation: Operation, request: Request, raw: bytes) -> Response:
    correlation_id = str(uuid4())
    try:
        correlation_id = _header(request, CORRELATION_HEADER) or correlation_id
        answer = _run(service, path, operation, request, raw, correlation_id)
    except Problem as problem:
        answer = _refusal(problem)
    except Exception as error:  # noqa: BLE001 - answered here, a defect costs one call; the server would cut the connection
        traceback.print_exc()
        answer = _refusal(Problem(500, "INTERNAL_ERROR", f"The service failed: {type(error).__name__}."))
    return _response(answer, correlation_id)


def _run(
    service: str, path: Path, operation: Operation, request: Request, raw: bytes, correlation_id: str
) -> StoredAnswer:
    parameters = {name: _identifier(name, value) for name, value in request.path_params.items()}
    key = _header(request, IDEMPOTENCY_HEADER)
    handler = operation.bind(raw)
    with closing(open_database(path)) as database:
        call = Call(database=database, path=parameters, query=request.query_params, correlation_id=correlation_id)
        if operation.method == "GET":
            return _ask(handler, call)
        with write_transaction(database):
            if key is None:
                return _ask(handler, call)
            digest = fingerprint(operation.method, request.url.path, raw)
            return _ask_once(handler, call, CommandIdentity(service=service, key=key, fingerprint=digest))


def _ask(handler: Handler, call: Call) -> StoredAnswer:
    try:
        answer = handler(call)
    except Problem as problem:
        return _refusal(problem)
    return StoredAnswer(status=answer.status, body=answer.body.to_json())


def _ask_once(handler: Handler, call: Call, identity: CommandIdentity) -> StoredAnswer:
    stored = find_stored_answer(call.database, identity)
    if stored is not None:
        return stored
    answer = _ask(handler, call)
    store_answer(call.database, identity, answer)
    return answer


def _refusal(problem: Problem) -> StoredAnswer:
    return StoredAnswer(status=problem.details.status, body=problem.details.to_json())


def _response(answer: StoredAnswer, correlation_id: str) -> Response:
    media_type = "application/json" if answer.status < 400 else PROBLEM_MEDIA_TYPE
    return Response(answer.body, answer.status, {CORRELATION_HEADER: correlation_id}, media_type)


def _identifier(name: str, value: str) -> str:
    if re.fullmatch(IDENTIFIER_PATTERN, value) is None:
        raise invalid_request(FieldError(field=name, message=f"must match {IDENTIFIER_PATTERN}"))
    return value


def _header(request: Request, name: str) -> str | None:
    value = request.headers.get(name)
    if value is not None and re.fullmatch(_HEADER_PATTERN, value) is None:
        raise invalid_request(FieldError(field=name, message="must be 1 to 128 visible ASCII characters"))
    return value


async def _answer_http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = {404: "ROUTE_NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(error.status_code, "HTTP_ERROR")
    return _response(_refusal(Problem(error.status_code, code, error.detail)), str(uuid4()))
