"""Messages between a kernel and its worker: four bytes of length and JSON text. Standard library only: kernels load it."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

HELLO_LIMIT = 4 * 1024
"""Bytes a stranger may send before the token was seen."""
REQUEST_LIMIT = 1024 * 1024
REPLY_LIMIT = 16 * 1024 * 1024
GRANT_NAME = ".orchestra-run.json"
"""The file in a kernel's home folder that tells it where to ask for steps. Read once, then removed."""

_LENGTH = struct.Struct(">I")


class WireError(Exception):
    """The other side sent what is no message, or too much of it."""


def send_message(connection: socket.socket, message: Any) -> None:
    """Send one message whole."""
    data = encode_message(message)
    connection.sendall(_LENGTH.pack(len(data)) + data)


def encode_message(message: Any) -> bytes:
    """Return the bytes of a message without their length."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def receive_message(connection: socket.socket, *, limit: int) -> dict[str, Any] | None:
    """Return the next message, or None when the other side is gone; raise WireError before reading one over `limit`."""
    head = _receive_exactly(connection, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > limit:
        raise WireError(f"a message of {length} bytes is over the limit of {limit}")
    data = _receive_exactly(connection, length)
    if data is None:
        return None
    try:
        message = json.loads(data.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        raise WireError("a message that is not JSON") from None
    if not isinstance(message, dict):
        raise WireError("a message that is not a JSON object")
    return message


def _receive_exactly(connection: socket.socket, size: int) -> bytes | None:
    received = bytearray()
    while len(received) < size:
        try:
            chunk = connection.recv(min(size - len(received), 65536))
        except ConnectionError:
            return None
        if not chunk:
            return None
        received += chunk
    return bytes(received)
