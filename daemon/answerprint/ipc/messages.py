"""Messages between the parent and a child: 4 bytes of length (big-endian), then one JSON object in UTF-8.

JSON is written in ASCII with escapes, so that file names that are not valid Unicode survive. Standard library only, so
that the parent starts fast.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import IO, Any

__all__ = [
    "MAX_MESSAGE_BYTES",
    "Message",
    "MessageError",
    "MessageReader",
    "MessageWriter",
    "encode_message",
    "write_whole",
]

Message = dict[str, Any]

MAX_MESSAGE_BYTES = 1 << 20
_LENGTH_BYTES = 4


class MessageError(ValueError):
    """Invalid data in a pipe. Users never see it: the receiving side translates it."""


def encode_message(message: Mapping[str, object]) -> bytes:
    """Return a message with its length. Raises MessageError if it is too long or not valid JSON."""
    try:
        body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError) as error:
        raise MessageError(f"not sendable: {error}") from error
    if len(body) > MAX_MESSAGE_BYTES:
        raise MessageError(f"a message of {len(body)} bytes is longer than {MAX_MESSAGE_BYTES}")
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def write_whole(stream: IO[bytes], data: bytes) -> None:
    """Write all data and flush; a raw stream may write only a part. Raises OSError if the pipe is closed."""
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) or 0 :]
    stream.flush()


class MessageWriter:
    """Sends messages; any thread may call `send`."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, message: Mapping[str, object]) -> None:
        """Send one message, whole.

        Raises:
            MessageError: it is too long or not valid JSON, for example NaN.
            OSError: the pipe is closed.
        """
        data = encode_message(message)
        with self._lock:
            write_whole(self._stream, data)


class MessageReader:
    """Receives messages; for one thread."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def receive(self) -> Message | None:
        """Return the next message, or None if the stream ends between two messages.

        Raises MessageError if it ends within a message, or if a message is too long or not a JSON object.
        """
        head = self._read(_LENGTH_BYTES)
        if not head:
            return None
        if len(head) < _LENGTH_BYTES:
            raise MessageError("the stream ended inside the length of a message")
        length = int.from_bytes(head, "big")
        if length > MAX_MESSAGE_BYTES:
            raise MessageError(f"a message announces {length} bytes, more than {MAX_MESSAGE_BYTES}")
        body = self._read(length)
        if len(body) < length:
            raise MessageError(f"the stream ended after {len(body)} of {length} bytes of a message")
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise MessageError("a message is not JSON") from error
        if not isinstance(message, dict):
            raise MessageError("a message is not a JSON object")
        return message

    def _read(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            part = self._stream.read(length - len(parts))
            if not part:
                break
            parts += part
        return bytes(parts)
