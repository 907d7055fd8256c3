from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.notebook.wire import WireError, encode_message, receive_message, send_message

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(messages=st.lists(st.dictionaries(st.text(max_size=8), json_values, max_size=4), max_size=4))
def test_messages_arrive_whole_and_in_order(messages):
    near, far = socket.socketpair()
    with near, far:
        for message in messages:
            send_message(near, message)
        near.shutdown(socket.SHUT_WR)
        received = []
        while (message := receive_message(far, limit=100_000)) is not None:
            received.append(message)
    assert received == messages


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=64))
def test_any_bytes_give_a_message_an_end_or_a_named_error(data):
    near, far = socket.socketpair()
    with near, far:
        near.sendall(data)
        near.shutdown(socket.SHUT_WR)
        try:
            message = receive_message(far, limit=50)
        except WireError:
            return
    assert message is None or isinstance(message, dict)


def test_a_message_over_the_limit_is_refused_before_it_is_read():
    near, far = socket.socketpair()
    with near, far:
        near.sendall(struct.pack(">I", 2**32 - 1))
        with pytest.raises(WireError, match="over the limit"):
            receive_message(far, limit=1000)


def test_a_lone_surrogate_survives():
    near, far = socket.socketpair()
    with near, far:
        send_message(near, {"body": "\ud800"})
        assert receive_message(far, limit=100) == {"body": "\ud800"}
        assert b"body" in encode_message({"body": "x"})
