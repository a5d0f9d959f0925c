"""Every call to the daemon passes `Gate`, including health checks and unknown methods.

It checks, in order: no `origin` header (set by browsers), the token, whether the daemon serves, a free slot, and a
valid request. Then the handler runs, and its errors become a gRPC status.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from enum import Enum
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from google.protobuf.message import Message

from answerprint.errors import AnswerprintError, InputError
from answerprint.rpc.errors import (
    AccessDeniedError,
    EndingError,
    InternalError,
    StartingError,
    TooSlowError,
    status_of,
    trailer_of,
)
from answerprint.rpc.limits import ServerLimits, Slots
from answerprint.server.validate import parse

__all__ = ["HEALTH", "Gate", "Phase"]

if TYPE_CHECKING:  # gRPC's own classes take no parameters when the program runs
    CallContext = grpc.aio.ServicerContext[Any, Any]
    Handler = grpc.RpcMethodHandler[Any, Any]
    Continue = Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]

HEALTH = "/grpc.health.v1.Health/"

_PACKAGE = "/answerprint.rpc.v1"
_SLOW = frozenset({f"{_PACKAGE}.Frames/GetFrame", f"{_PACKAGE}.Frames/DescribeMedia", f"{_PACKAGE}.Models/LoadModel"})

_log = logging.getLogger(__name__)


class Phase(Enum):
    """The phases of the daemon that callers see."""

    STARTING = "starting"
    SERVING = "serving"
    ENDING = "ending"


class Gate(grpc.aio.ServerInterceptor):
    """Checks every call before its handler runs."""

    def __init__(self, token: str, requests: dict[str, type[Message]], limits: ServerLimits) -> None:
        """requests: the request type of each method, by its full name."""
        self.phase = Phase.STARTING
        self._expected = f"Bearer {token}".encode()
        self._requests = requests
        self._seconds = limits.call_seconds
        self._running: set[asyncio.Task[Any]] = set()
        retry = "Try again in a moment."
        self.calls = Slots(limits.max_calls, "calls", retry)
        self.slow = Slots(limits.max_slow_calls, "slow calls", retry)
        self.watchers = Slots(limits.max_watchers, "watchers", "Close one of them, or try again later.")

    async def intercept_service(self, continuation: Continue, details: grpc.HandlerCallDetails) -> Handler:
        """Return the handler of a call, wrapped in the checks; gRPC runs it."""
        try:
            self._admit(details)
        except AnswerprintError as error:
            return _refusal(error)
        handler = await continuation(details)
        if handler is None:
            return _unimplemented()
        return self._guarded(str(details.method), handler)

    async def finish(self, seconds: float) -> None:
        """Wait up to `seconds` for calls whose callers have gone; cancel the rest."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _admit(self, details: grpc.HandlerCallDetails) -> None:
        tokens = []
        for key, value in details.invocation_metadata or ():
            if key.lower() == "origin":
                raise AccessDeniedError("Web pages may not call the daemon.", "Use the Answerprint client.")
            if key.lower() == "authorization":
                tokens.append(value.encode() if isinstance(value, str) else value)
        if len(tokens) != 1 or not hmac.compare_digest(tokens[0], self._expected):
            raise AccessDeniedError(
                "The token is not that of the running daemon.", "Connect again: the token changes at each start."
            )
        if self.phase is Phase.SERVING or str(details.method).startswith(HEALTH):
            return
        if self.phase is Phase.STARTING:
            raise StartingError("The daemon is still starting.", "Try again in a moment.")
        raise EndingError("The daemon is stopping.", "Start it again: answerprint daemon start")

    def _guarded(self, method: str, handler: Handler) -> Handler:
        """The handler with a slot, validation and error translation.

        It parses the request itself: gRPC would answer INTERNAL to one that cannot be parsed.
        """
        streams = bool(handler.response_streaming)
        slots = self.slow if method in _SLOW else self.watchers if streams else self.calls
        kind = self._requests[method]
        behaviour: Any = handler.unary_stream if streams else handler.unary_unary

        async def respond(requests: AsyncIterator[bytes], context: CallContext) -> AsyncIterator[bytes]:
            try:
                with slots.one():
                    request = await self._read(kind, requests)
                    if streams:
                        async with aclosing(behaviour(request, context)) as messages:
                            async for message in messages:
                                yield message.SerializeToString()
                    else:
                        seconds = None if slots is self.slow else self._seconds
                        answer = await self._whole(behaviour(request, context), seconds)
                        yield answer.SerializeToString()
            except AnswerprintError as error:
                await _abort(context, error)
            except (asyncio.CancelledError, GeneratorExit, grpc.aio.AbortError):
                raise
            except Exception:  # noqa: BLE001 - a defect; its details must not reach the caller
                _log.exception("call failed method=%s", method)
                await _abort(context, InternalError("The daemon hit an internal error.", "See: answerprint doctor"))

        return grpc.stream_stream_rpc_method_handler(respond)

    async def _read(self, kind: type[Message], requests: AsyncIterator[bytes]) -> Message:
        """The request of a call. Raises InputError if there is none, more than one, or it is invalid."""
        data: list[bytes] = []
        try:
            async with asyncio.timeout(self._seconds):
                async for each in requests:
                    data.append(each)
                    if len(data) > 1:
                        break
        except TimeoutError as error:
            raise TooSlowError("Timed out waiting for the request.", "Use the Answerprint client.") from error
        if len(data) != 1:
            raise InputError(f"The call has {'more than one' if data else 'no'} request.", "Send one.")
        return parse(kind, data[0])

    async def _whole(self, work: Coroutine[Any, Any, Any], seconds: float | None) -> Any:  # noqa: ANN401
        """Await work that runs to its end even if the caller goes away or the time limit passes."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._settle)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(task)
        except TimeoutError as error:
            if task.done():
                raise
            raise TooSlowError("The daemon did not answer in time.", "Try again in a moment.") from error

    def _settle(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # mark it as retrieved; the caller has it


async def _abort(context: CallContext, error: AnswerprintError) -> NoReturn:
    details, metadata = trailer_of(error)
    await context.abort(status_of(error), details, metadata)


def _refusal(error: AnswerprintError) -> Handler:
    """A handler that refuses the call without reading it."""

    async def refuse(requests: AsyncIterator[bytes], context: CallContext) -> None:
        await _abort(context, error)

    return grpc.stream_stream_rpc_method_handler(refuse)


def _unimplemented() -> Handler:
    async def refuse(requests: AsyncIterator[bytes], context: CallContext) -> None:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "There is no such method.")

    return grpc.stream_stream_rpc_method_handler(refuse)
