"""A real server over a real socket, before a daemon of the tests, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import uuid4

import grpc

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.client.client import Client
from answerprint.client.connection import open_connection
from answerprint.rpc.limits import ServerLimits
from answerprint.server.server import Server, request_types, serve
from fakes.daemon import FakeDaemon

__all__ = ["METHODS", "PATIENCE_SECONDS", "Running", "ask", "await_until", "new_job", "raw_channel", "streams"]

T = TypeVar("T")

PATIENCE_SECONDS = 20.0


class Running:
    """A server that runs until the block ends; `daemon` is touched only through `do` and `call`."""

    def __init__(
        self, run: Path, *, limits: ServerLimits | None = None, serving: bool = True, tcp: bool = False
    ) -> None:
        self.run, self._limits, self._serving, self._tcp = run, limits, serving, tcp
        self.daemon: FakeDaemon
        self.server: Server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server")

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *ignored: object) -> None:
        self.do(self.server.stop(0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the server runs."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    def call(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - of any function
        """Call a function where the server runs."""

        async def work() -> T:
            return function(*args)

        return self.do(work())

    def start(self, jobs: FakeDaemon | None = None) -> None:
        """Start a server; jobs: the daemon before it, whose jobs it has."""

        async def begin() -> None:
            self.daemon = FakeDaemon(self.run.parent)
            if jobs is not None:
                self.daemon.jobs, self.daemon.kept = jobs.jobs, jobs.kept
            self.server = await serve(self.daemon, self.run, start_id=uuid4().hex, limits=self._limits, tcp=self._tcp)
            if self._serving:
                await self.server.open()

        self.do(begin())

    def restart(self) -> None:
        """End the server, and start one that knows the same jobs."""
        before = self.daemon
        self.do(self.server.stop(0))
        self.start(before)

    def client(self) -> Client:
        """A client of it."""
        return Client.connect(self.run, timeout=PATIENCE_SECONDS)

    def hasty_client(self, crowded_seconds: float = 0.2) -> Client:
        """A client that gives up soon where too many ask at once."""
        return Client(open_connection(self.run, PATIENCE_SECONDS), self.run, crowded_seconds=crowded_seconds)

    @property
    def token(self) -> tuple[str, str]:
        """The metadata that opens it."""
        return ("authorization", f"Bearer {self.server.session.token}")


def new_job(folder: Path, **more: Any) -> NewJob:  # noqa: ANN401 - fields of a job
    """A job that could be meant."""
    request = RestoreRequest(clip=ClipRef(str(folder / "in.mov")), output=str(folder / "out.mov")).to_json()
    return NewJob(**{"id": str(uuid4()), "kind": "restore", "request": request, **more})


@contextmanager
def raw_channel(endpoint: str) -> Iterator[grpc.Channel]:
    """A channel that knows nothing of tokens."""
    kind = grpc.LocalConnectionType.UDS if endpoint.startswith("unix:") else grpc.LocalConnectionType.LOCAL_TCP
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
    with grpc.secure_channel(endpoint, grpc.local_channel_credentials(kind), options=options) as channel:
        yield channel


def streams(method: str) -> bool:
    """Whether a method answers with a stream."""
    return method.rsplit("/", 1)[1] in {"WatchJob", "GetFrame", "PullModel", "Watch"}


def ask(
    channel: grpc.Channel, method: str, data: bytes, metadata: tuple[tuple[str, str | bytes], ...], seconds: float = 5.0
) -> grpc.StatusCode:
    """Send bytes as a request; returns the status that the call ends with."""
    try:
        if streams(method):
            begin = channel.unary_stream(method, request_serializer=bytes, response_deserializer=bytes)
            call = begin(data, metadata=metadata, timeout=seconds)
            for _ in call:
                pass
        else:
            do = channel.unary_unary(method, request_serializer=bytes, response_deserializer=bytes)
            do(data, metadata=metadata, timeout=seconds)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


def await_until(true: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Return once something holds. Raises AssertionError when it does not come to hold."""
    waiting = threading.Event()
    for _ in range(round(seconds / 0.01)):
        if true():
            return
        waiting.wait(0.01)
    raise AssertionError("it did not come to hold")


METHODS = tuple(sorted(request_types()))
