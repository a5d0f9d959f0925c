"""Messages come through the pipe whole, or not at all."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerprint.ipc.messages import (
    MAX_MESSAGE_BYTES,
    Message,
    MessageError,
    MessageReader,
    MessageWriter,
    encode_message,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
MESSAGES = st.dictionaries(st.text(), JSON, max_size=5)


class Dribble(io.BytesIO):
    """Gives and takes one byte at a time, as a raw pipe may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1 if size else 0)

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        return super().write(bytes(data[:1]))


@given(st.lists(MESSAGES, max_size=4))
def test_what_is_sent_is_received(messages: list[Message]) -> None:
    pipe = Dribble()
    writer = MessageWriter(pipe)
    for message in messages:
        writer.send(message)
    pipe.seek(0)
    reader = MessageReader(pipe)
    assert [reader.receive() for _ in messages] == messages
    assert reader.receive() is None


@given(MESSAGES, st.data())
def test_a_message_cut_short_is_an_error_and_never_a_message(message: Message, data: st.DataObject) -> None:
    whole = encode_message(message)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(MessageError):
        MessageReader(io.BytesIO(whole[:cut])).receive()


@given(st.binary(min_size=1, max_size=64))
def test_garbage_is_a_message_error_and_nothing_else(garbage: bytes) -> None:
    reader = MessageReader(io.BytesIO(garbage))
    try:
        while reader.receive() is not None:
            pass
    except MessageError:
        pass


def test_file_names_that_are_not_valid_unicode_come_through() -> None:
    message: Message = {"input": b"\xff\xfe.mov".decode("utf-8", "surrogateescape")}
    assert MessageReader(io.BytesIO(encode_message(message))).receive() == message


@pytest.mark.parametrize("message", [{"x": "y" * MAX_MESSAGE_BYTES}, {"x": float("nan")}, {"x": object()}])
def test_what_cannot_be_a_message_is_not_sent_in_part(message: Message) -> None:
    pipe = io.BytesIO()
    with pytest.raises(MessageError):
        MessageWriter(pipe).send(message)
    assert pipe.getvalue() == b""


@pytest.mark.parametrize("body", [b"[]", b"1", b"nope", b"\xff", json.dumps("x").encode(), b"[" * 100_000])
def test_only_json_objects_are_messages(body: bytes) -> None:
    with pytest.raises(MessageError):
        MessageReader(io.BytesIO(len(body).to_bytes(4, "big") + body)).receive()
