"""One channel to one daemon: found by its session file, checked to be ours, closed in the end."""

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
    """A channel with the token of its session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        kind = grpc.LocalConnectionType.LOCAL_TCP if session.socket is None else grpc.LocalConnectionType.UDS
        limits = ServerLimits()
        self._metadata = (("authorization", f"Bearer {session.token}"),)
        self._channel = _apart(
            grpc.secure_channel,
            session.endpoint,
            grpc.local_channel_credentials(kind),
            [
                ("grpc.max_receive_message_length", limits.max_message_bytes),
                ("grpc.max_send_message_length", limits.max_message_bytes),
                # The server's is half of it: an error with a long message comes through whole.
                ("grpc.max_metadata_size", 2 * limits.max_metadata_bytes),
                ("grpc.absolute_max_metadata_size", 2 * limits.max_metadata_bytes),
                ("grpc.enable_retries", 0),  # what may be repeated is decided by the caller
                ("grpc.enable_http_proxy", 0),  # the daemon is on this machine
                ("grpc.use_local_subchannel_pool", 1),  # a new connection never inherits the backoff of an old one
                ("grpc.keepalive_time_ms", 20_000),
                ("grpc.keepalive_timeout_ms", 10_000),
            ],
        )

    def call(self, method: str, request: Message, answer: type[Message], seconds: float | None) -> Any:  # noqa: ANN401
        """Return the answer of a unary call. Raises AnswerprintError.

        seconds: None waits as long as the daemon is there.
        """
        with translate_rpc_errors(), _open():
            call = self._unary(method, request, answer)
            return _apart(lambda: call(request, timeout=seconds, metadata=self._metadata))

    def begin(self, method: str, request: Message, answer: type[Message], seconds: float | None) -> Callable[[], Any]:
        """Begin a unary call; what is returned waits for its answer. Both raise AnswerprintError."""
        with translate_rpc_errors(), _open():
            call = self._unary(method, request, answer)
            begun = _apart(lambda: call.future(request, timeout=seconds, metadata=self._metadata))

        def wait() -> Any:  # noqa: ANN401 - an `answer`
            try:
                with translate_rpc_errors():
                    return _apart(begun.result)
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
        """The answers of a streaming call, which ends with the block. Raises AnswerprintError."""
        begin = self._channel.unary_stream(
            method, request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString
        )
        with translate_rpc_errors():
            with _open():
                answers = _apart(lambda: begin(request, timeout=seconds, metadata=self._metadata))
            try:
                yield iter(lambda: _apart(next, answers, _END), _END)
            finally:
                _apart(answers.cancel)

    def check(self) -> bool:
        """Whether the daemon serves. Raises AnswerprintError."""
        answer = self.call(_CHECK, health_pb2.HealthCheckRequest(), health_pb2.HealthCheckResponse, _CHECK_SECONDS)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def close(self) -> None:
        """Close the channel; calls that are open end."""
        _apart(self._channel.close)


def open_connection(run: Path, timeout: float) -> Connection:
    """Return a connection to the daemon that serves there, waiting at most so long for one that still starts.

    Raises NoDaemonError: at once when none runs or it is not ours, later when it does not come to serve. One that has
    too many callers to say even that is waited for longer, then CrowdedError is raised.
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
    """A connection to a daemon that serves, or why there is none; the session may be an old one then."""
    connection = Connection(session)
    try:
        while not connection.check():
            if time.monotonic() >= deadline:
                connection.close()
                return StartingError("The daemon still starts, or is ending.", "Try again in a moment.")
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
            f"{_RESTART} (what is done is kept)",
        )


def check_socket_owner(path: Path) -> None:
    """Raise NoDaemonError unless a process of ours listens at the socket: it alone may see the token."""
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
    """Whose process has the other end; None where the system cannot say."""
    if sys.platform == "linux":
        data = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", data)[1])
    if sys.platform == "darwin":
        # struct xucred of LOCAL_PEERCRED: version, uid, groups.
        return int(struct.unpack_from("2I", probe.getsockopt(0, 1, 76))[1])
    return None


_END = object()  # comes after the last answer of a stream


def _apart(work: Callable[..., T], *arguments: Any) -> T:  # noqa: ANN401 - of any function
    """Return what the work returns, or raise what it raises; the main thread lets another one do it.

    A signal's handler raises in the main thread, wherever that is. Amid gRPC, whose locks and counts it leaves as they
    are, it makes later calls hang and the process crash at its end; here it only leaves the waiting.
    """
    if threading.current_thread() is not threading.main_thread():
        return work(*arguments)
    outcome: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put((work(*arguments), None))
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
            outcome.put((None, error))

    # `Thread.start` waits in Python code, which an exception from outside breaks as well; this is one step.
    start_new_thread(run, ())
    while True:
        # The system may hand a signal to any thread, and Python's handler runs only when the main one wakes up.
        with suppress(Empty):
            result, error = outcome.get(timeout=_WAKE_SECONDS)
            break
    if error is not None:
        raise error
    return cast(T, result)


@contextmanager
def translate_rpc_errors() -> Iterator[None]:
    """Raise what gRPC raises in the block as what it means."""
    try:
        yield
    except grpc.RpcError as error:
        raise _meaning(error) from error


@contextmanager
def _open() -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # what gRPC raises on a channel that is closed
        raise NoDaemonError("The connection to the daemon is closed.", "Connect again.") from error


def _meaning(error: Any) -> AnswerprintError:  # noqa: ANN401 - gRPC's class promises none of its methods
    told = from_trailer(error.trailing_metadata() or ())
    if told is not None:
        return told
    code = error.code()
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and _CROWDED in str(error.details()):
        return CrowdedError("More programs ask the daemon than it answers at a time.", "Try again in a moment.")
    meant = _MEANINGS.get(code)
    if meant is None:
        return InternalError(f"The daemon failed unexpectedly ({code.name}).", "See: answerprint doctor")
    kind, message, remedy = meant
    return kind(message, remedy)


_CROWDED = "oncurrent RPC limit"  # what gRPC says where it lets no more calls in at all
_MEANINGS: Mapping[grpc.StatusCode, tuple[type[AnswerprintError], str, str]] = MappingProxyType(
    {
        grpc.StatusCode.UNAVAILABLE: (NoDaemonError, "The daemon has gone.", _START),
        grpc.StatusCode.CANCELLED: (NoDaemonError, "The daemon has ended the call.", _START),
        grpc.StatusCode.DEADLINE_EXCEEDED: (
            TooSlowError,
            "The daemon did not answer in time.",
            "Look again in a moment: answerprint daemon status",
        ),
        grpc.StatusCode.UNAUTHENTICATED: (AccessDeniedError, "The daemon refuses this program.", "Connect again."),
        grpc.StatusCode.UNIMPLEMENTED: (OtherVersionError, "The daemon is of another version.", _RESTART),
        grpc.StatusCode.RESOURCE_EXHAUSTED: (
            BusyError,
            "That is more than the daemon takes.",
            "Ask for less at a time.",
        ),
    }
)
