"""A gRPC channel to the daemon: found by its session file, and checked to belong to this user."""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
import time
from _thread import start_new_thread
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Any, TypeVar, cast

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from answerprint.api.types import BusyError
from answerprint.errors import AnswerprintError, NoDaemonError
from answerprint.rpc.errors import (
    AccessDeniedError,
    CrowdedError,
    InternalError,
    OtherVersionError,
    StartingError,
    TooSlowError,
    from_trailer,
)
from answerprint.rpc.limits import ServerLimits
from answerprint.rpc.session_file import PROTOCOL, Session, check_private, read_session

__all__ = ["Connection", "check_socket_owner", "open_connection", "translate_rpc_errors"]

T = TypeVar("T")

_POLL_SECONDS = 0.05
_WAKE_SECONDS = 0.1
_CHECK_SECONDS = 2.0
_CROWDED_SECONDS = 30.0
_CHECK = "/grpc.health.v1.Health/Check"
_START = "Start it again: answerprint daemon start"
_RESTART = "Restart it: answerprint daemon stop, then answerprint daemon start"


class Connection:
    """A channel that sends the token of its session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        kind = grpc.LocalConnectionType.LOCAL_TCP if session.socket is None else grpc.LocalConnectionType.UDS
        limits = ServerLimits()
        self._metadata = (("authorization", f"Bearer {session.token}"),)
        self._channel = _in_thread(
            grpc.secure_channel,
            session.endpoint,
            grpc.local_channel_credentials(kind),
            [
                ("grpc.max_receive_message_length", limits.max_message_bytes),
                ("grpc.max_send_message_length", limits.max_message_bytes),
                # Twice the server's limit, so that an error with a long message arrives complete.
                ("grpc.max_metadata_size", 2 * limits.max_metadata_bytes),
                ("grpc.absolute_max_metadata_size", 2 * limits.max_metadata_bytes),
                ("grpc.enable_retries", 0),  # the caller decides what may be repeated
                ("grpc.enable_http_proxy", 0),  # the daemon is on this machine
                ("grpc.use_local_subchannel_pool", 1),  # a new connection must not inherit the backoff of an old one
                ("grpc.keepalive_time_ms", 20_000),
                ("grpc.keepalive_timeout_ms", 10_000),
            ],
        )

    def call(self, method: str, request: Message, answer: type[Message], seconds: float | None) -> Any:  # noqa: ANN401
        """Return the answer of a unary call. Raises AnswerprintError.

        seconds: the time limit; None waits while the daemon is running.
        """
        with translate_rpc_errors(), _translate_closed():
            call = self._unary(method, request, answer)
            return _in_thread(lambda: call(request, timeout=seconds, metadata=self._metadata))

    def begin(self, method: str, request: Message, answer: type[Message], seconds: float | None) -> Callable[[], Any]:
        """Start a unary call and return a function that waits for its answer. Both raise AnswerprintError."""
        with translate_rpc_errors(), _translate_closed():
            call = self._unary(method, request, answer)
            started = _in_thread(lambda: call.future(request, timeout=seconds, metadata=self._metadata))

        def wait() -> Any:  # noqa: ANN401 - an `answer`
            try:
                with translate_rpc_errors():
                    return _in_thread(started.result)
            except grpc.FutureCancelledError as error:
                raise NoDaemonError("The connection to the daemon was closed.", "Connect again.") from error

        return wait

    def _unary(self, method: str, request: Message, answer: type[Message]) -> grpc.UnaryUnaryMultiCallable[Any, Any]:
        return self._channel.unary_unary(
            method, request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString
        )

    @contextmanager
    def stream(
        self, method: str, request: Message, answer: type[Message], seconds: float | None
    ) -> Iterator[Iterator[Any]]:
        """The answers of a streaming call; leaving the block ends it. Raises AnswerprintError."""
        begin = self._channel.unary_stream(
            method, request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString
        )
        with translate_rpc_errors():
            with _translate_closed():
                answers = _in_thread(lambda: begin(request, timeout=seconds, metadata=self._metadata))
            try:
                yield iter(lambda: _in_thread(next, answers, _END), _END)
            finally:
                _in_thread(answers.cancel)

    def check(self) -> bool:
        """Whether the daemon is serving. Raises AnswerprintError."""
        answer = self.call(_CHECK, health_pb2.HealthCheckRequest(), health_pb2.HealthCheckResponse, _CHECK_SECONDS)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def close(self) -> None:
        """Close the channel and end open calls."""
        _in_thread(self._channel.close)


def open_connection(run: Path, timeout: float) -> Connection:
    """Return a connection to the daemon of a run folder; waits up to `timeout` seconds for one that is starting.

    Raises NoDaemonError: at once if none is running or it belongs to another user, after the timeout if it does not
    serve. Raises CrowdedError, after a longer wait, if the daemon is too crowded to answer.
    """
    began = time.monotonic()
    deadline = began + timeout
    while True:
        session = read_session(run)
        _check_session(session)
        problem = _try(session, deadline)
        if isinstance(problem, Connection):
            return problem
        patience = max(timeout, _CROWDED_SECONDS) if isinstance(problem, CrowdedError) else timeout
        if time.monotonic() >= began + patience:
            raise problem
        time.sleep(_POLL_SECONDS)


def _try(session: Session, deadline: float) -> Connection | NoDaemonError | CrowdedError:
    """A connection to a serving daemon, or the error; the session may be outdated."""
    connection = Connection(session)
    try:
        while not connection.check():
            if time.monotonic() >= deadline:
                connection.close()
                return StartingError("The daemon is starting or stopping.", "Try again in a moment.")
            time.sleep(_POLL_SECONDS)
        return connection
    except (NoDaemonError, CrowdedError) as error:
        connection.close()
        return error
    except BaseException:
        connection.close()
        raise


def _check_session(session: Session) -> None:
    if session.socket is not None:
        check_private(session.socket.parent)
        check_socket_owner(session.socket)
    if session.protocol != PROTOCOL:
        raise OtherVersionError(
            f"The daemon speaks version {session.protocol} of the protocol, this program version {PROTOCOL}.",
            f"{_RESTART}. Finished chunks are kept.",
        )


def check_socket_owner(path: Path) -> None:
    """Raise NoDaemonError unless a process of this user listens at the socket; no other may see the token."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CHECK_SECONDS)
        try:
            probe.connect(str(path))
        except OSError as error:
            raise NoDaemonError("No daemon is running.", "Start one: answerprint daemon start") from error
        uid = _peer_uid(probe)
    if uid not in (None, os.getuid()):
        raise NoDaemonError(f"A process of another user (id {uid}) listens at {path}.", f"Remove {path.parent}.")


def _peer_uid(probe: socket.socket) -> int | None:
    """The user of the process at the other end; None if the system cannot tell."""
    if sys.platform == "linux":
        data = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", data)[1])
    if sys.platform == "darwin":
        # struct xucred of LOCAL_PEERCRED: version, uid, groups.
        return int(struct.unpack_from("2I", probe.getsockopt(0, 1, 76))[1])
    return None


_END = object()  # marks the end of a stream


def _in_thread(work: Callable[..., T], *arguments: Any) -> T:  # noqa: ANN401 - of any function
    """Run `work`, in another thread if called from the main thread; returns or raises the same.

    Signal handlers raise in the main thread. Inside gRPC, that would leave locks held: later calls would hang and the
    process would crash at exit. Here it only interrupts the wait.
    """
    if threading.current_thread() is not threading.main_thread():
        return work(*arguments)
    outcome: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put((work(*arguments), None))
        except BaseException as error:  # noqa: BLE001 - raised again in the waiting thread
            outcome.put((None, error))

    # Not `Thread.start`: it waits in Python code, which a signal handler could interrupt.
    start_new_thread(run, ())
    while True:
        # The system may deliver a signal to any thread, but its handler runs only when the main thread wakes up.
        with suppress(Empty):
            result, error = outcome.get(timeout=_WAKE_SECONDS)
            break
    if error is not None:
        raise error
    return cast(T, result)


@contextmanager
def translate_rpc_errors() -> Iterator[None]:
    """Translate gRPC errors in the block into AnswerprintErrors."""
    try:
        yield
    except grpc.RpcError as error:
        raise _translate(error) from error


@contextmanager
def _translate_closed() -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # raised by gRPC on a closed channel
        raise NoDaemonError("The connection to the daemon is closed.", "Connect again.") from error


def _translate(error: Any) -> AnswerprintError:  # noqa: ANN401 - gRPC's class promises none of its methods
    error_sent = from_trailer(error.trailing_metadata() or ())
    if error_sent is not None:
        return error_sent
    code = error.code()
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and _CROWDED in str(error.details()):
        return CrowdedError("Too many programs are calling the daemon.", "Try again in a moment.")
    meant = _ERRORS.get(code)
    if meant is None:
        return InternalError(f"The daemon failed unexpectedly ({code.name}).", "See: answerprint doctor")
    kind, message, remedy = meant
    return kind(message, remedy)


_CROWDED = "oncurrent RPC limit"  # in gRPC's message when it accepts no more calls
_ERRORS: Mapping[grpc.StatusCode, tuple[type[AnswerprintError], str, str]] = MappingProxyType(
    {
        grpc.StatusCode.UNAVAILABLE: (NoDaemonError, "The daemon has stopped.", _START),
        grpc.StatusCode.CANCELLED: (NoDaemonError, "The daemon cancelled the call.", _START),
        grpc.StatusCode.DEADLINE_EXCEEDED: (
            TooSlowError,
            "The daemon did not answer in time.",
            "Try again in a moment, or check it: answerprint daemon status",
        ),
        grpc.StatusCode.UNAUTHENTICATED: (AccessDeniedError, "The daemon refused this program.", "Connect again."),
        grpc.StatusCode.UNIMPLEMENTED: (OtherVersionError, "The daemon has another version.", _RESTART),
        grpc.StatusCode.RESOURCE_EXHAUSTED: (
            BusyError,
            "The request is too large for the daemon.",
            "Send smaller requests.",
        ),
    }
)
