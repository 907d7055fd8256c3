"""A store seen through JSON: every request, answer and error is text in between, as a remote store would have it."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Iterable
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from orchestra_kit import errors


class JsonProxy:
    """Offers the methods of `protocols`, done by `target` on the other side of a JSON text."""

    def __init__(self, target: Any, protocols: Iterable[type]) -> None:
        for protocol in protocols:
            for name, method in inspect.getmembers(protocol, inspect.isfunction):
                if not name.startswith("_"):
                    setattr(self, name, functools.partial(_call, getattr(target, name), method))


def _call(done: Any, method: Any, *given: Any, **named: Any) -> Any:
    hints = get_type_hints(method)
    arguments = inspect.signature(method).bind(None, *given, **named).arguments
    request = {name: _through(hints[name], value) for name, value in list(arguments.items())[1:]}
    try:
        answer = done(*(), **request)
    except errors.OrchestraError as error:
        raise _error_through(error) from None
    return _through(hints["return"], answer)


def _through(kind: Any, value: Any) -> Any:
    adapter = _adapter(kind)
    return adapter.validate_json(adapter.dump_json(value, by_alias=True))


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _error_through(error: errors.OrchestraError) -> errors.OrchestraError:
    text = json.dumps({"type": type(error).__name__, "message": error.message, "hint": error.hint})
    said = json.loads(text)
    return getattr(errors, said["type"])(said["message"], hint=said["hint"])
