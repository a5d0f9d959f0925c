"""Assemble the gRPC server of a daemon: endpoint, gate and services."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc

from answerprint.api.types import Daemon
from answerprint.descriptors import most_open
from answerprint.errors import NoDaemonError
from answerprint.rpc.limits import ServerLimits
from answerprint.rpc.session_file import (
    TCP,
    Session,
    choose_socket,
    new_token,
    prepare_run_folder,
    private_umask,
    read_session,
    remove_session,
    remove_stale_socket,
    write_session,
)
from answerprint.rpc.v1 import frames_pb2, models_pb2, restoration_pb2, system_pb2
from answerprint.rpc.v1.frames_pb2_grpc import add_FramesServicer_to_server
from answerprint.rpc.v1.models_pb2_grpc import add_ModelsServicer_to_server
from answerprint.rpc.v1.restoration_pb2_grpc import add_RestorationServicer_to_server
from answerprint.rpc.v1.system_pb2_grpc import add_SystemServicer_to_server
from answerprint.server.gate import Gate, Phase
from answerprint.server.health import Health
from answerprint.server.services import FramesService, ModelsService, RestorationService, SystemService

__all__ = ["Server", "request_types", "serve"]

_FILES = (restoration_pb2, models_pb2, frames_pb2, system_pb2, health_pb2)


class Server:
    """A listening server: STARTING until `open`, ENDING after `drain`, closed after `stop`."""

    def __init__(self, endpoint: _Endpoint, server: grpc.aio.Server, session: Session) -> None:
        self._endpoint = endpoint
        self._servers = [server]
        self._socket = _identity(session)
        self.session = session

    async def open(self) -> None:
        """Start to serve, after recovery."""
        self._endpoint.gate.phase = Phase.SERVING
        await self._endpoint.health.set(True)

    def reachable(self) -> bool:
        """Whether clients can find it: its session file and its socket are in place."""
        try:
            found = read_session(self._endpoint.run)
        except NoDaemonError:
            return False
        return found == self.session and _identity(self.session) == self._socket

    async def listen_again(self) -> None:
        """Listen at a new socket and write the session file again; calls at the old one continue.

        gRPC cannot add a socket to a running server, so another server with the same services is started. Raises
        NoDaemonError.
        """
        if _identity(self.session) == self._socket:  # nobody can remove a port
            write_session(self._endpoint.run, self.session)
            return
        server, session = await self._endpoint.listen()
        self._servers.append(server)
        self.session, self._socket = session, _identity(session)

    async def drain(self) -> None:
        """Accept no more calls; open streams continue."""
        self._endpoint.gate.phase = Phase.ENDING
        await self._endpoint.health.set(False)

    async def stop(self, grace_seconds: float = 2.0) -> None:
        """End all calls, after a grace period, and remove socket and session file."""
        await self.drain()
        remove_session(self._endpoint.run, self.session)
        await asyncio.gather(*(server.stop(grace_seconds) for server in self._servers))
        await self._endpoint.gate.finish(grace_seconds)
        socket = self.session.socket
        if socket is not None and socket.parent != self._endpoint.run:
            with contextlib.suppress(OSError):
                socket.parent.rmdir()


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """What all servers of one daemon share."""

    daemon: Daemon
    run: Path
    start_id: str
    token: str
    gate: Gate
    health: Health
    limits: ServerLimits
    tcp: bool

    async def listen(self) -> tuple[grpc.aio.Server, Session]:
        """Start a server and write its session file. Raises NoDaemonError."""
        limits = self.limits
        server = grpc.aio.server(
            interceptors=[self.gate], options=_options(limits), maximum_concurrent_rpcs=limits.max_streams
        )
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)
        add_RestorationServicer_to_server(RestorationService(self.daemon), server)
        add_FramesServicer_to_server(FramesService(self.daemon), server)
        add_ModelsServicer_to_server(ModelsService(self.daemon), server)
        add_SystemServicer_to_server(SystemService(self.daemon, limits), server)
        session = Session(_bind(server, self.run, self.tcp), self.token, os.getpid(), self.start_id)
        await server.start()
        try:
            write_session(self.run, session)
        except NoDaemonError:
            await server.stop(0)
            raise
        return server, session


async def serve(
    daemon: Daemon, run: Path, *, start_id: str, limits: ServerLimits | None = None, tcp: bool = TCP
) -> Server:
    """Return a listening server, which answers only health checks until `open`.

    Call it only while holding the home lock: gRPC silently takes over the socket of a running server.
    Raises NoDaemonError if other users can reach the folder, or the address cannot be bound.
    """
    limits = limits or ServerLimits()
    prepare_run_folder(run)
    token = new_token()
    gate = Gate(token, request_types(), limits)
    health = Health(service.full_name for service in _services())
    endpoint = _Endpoint(daemon, run, start_id, token, gate, health, limits, tcp)
    return Server(endpoint, *await endpoint.listen())


def _identity(session: Session) -> tuple[int, int] | None:
    """Device and inode of the session's socket; None if it is missing, and for a port."""
    try:
        found = session.socket.lstat() if session.socket is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def request_types() -> dict[str, type[Message]]:
    """The request type of every method, by its gRPC path."""
    return {
        f"/{service.full_name}/{method.name}": GetMessageClass(method.input_type)
        for service in _services()
        for method in service.methods
    }


def _services() -> Iterator[ServiceDescriptor]:
    for file in _FILES:
        yield from file.DESCRIPTOR.services_by_name.values()


def _bind(server: grpc.aio.Server, run: Path, tcp: bool) -> str:
    """Bind, and return the address for clients."""
    if tcp:
        credentials = grpc.local_server_credentials(grpc.LocalConnectionType.LOCAL_TCP)
        with _bind_errors("a local port"):
            return f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', credentials)}"
    socket = choose_socket(run)
    remove_stale_socket(socket)
    credentials = grpc.local_server_credentials(grpc.LocalConnectionType.UDS)
    with _bind_errors(str(socket)), private_umask():
        server.add_secure_port(f"unix:{socket}", credentials)
    return f"unix:{socket}"


@contextlib.contextmanager
def _bind_errors(what: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # gRPC raises nothing else, and gives no useful reason
        raise NoDaemonError(f"The daemon cannot listen on {what}.", "Check the folder and its disk.") from error


def _options(limits: ServerLimits) -> list[tuple[str, Any]]:
    return [
        ("grpc.so_reuseport", 0),  # otherwise a second server could share the port unnoticed
        ("grpc.max_receive_message_length", limits.max_message_bytes),
        ("grpc.max_send_message_length", limits.max_message_bytes),
        ("grpc.max_metadata_size", limits.max_metadata_bytes),
        ("grpc.absolute_max_metadata_size", limits.max_metadata_bytes),
        ("grpc.max_concurrent_streams", limits.max_streams),
        ("grpc.compression_enabled_algorithms_bitset", 1),  # none, so that a small message cannot expand
        ("grpc.keepalive_time_ms", 20_000),  # drops the streams of a frozen client
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.max_allowed_incoming_connections", limits.connections_within(most_open())),
        ("grpc.server_handshake_timeout_ms", round(1000 * limits.greeting_seconds)),
        ("grpc.max_connection_idle_ms", round(1000 * limits.idle_seconds)),
    ]
