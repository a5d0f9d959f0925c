"""The socket of the OpenFX plugin, beside gRPC's: questions come in, and nothing goes out. Answers are files.

A connection is closed at the first thing that is wrong with it, and costs the daemon nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from answerprint.descriptors import most_open
from answerprint.errors import NoDaemonError
from answerprint.ofx.protocol import MAX_MESSAGE_BYTES, MESSAGE_BYTES, HostQuestion, MalformedError, Rendezvous
from answerprint.rpc.limits import ServerLimits
from answerprint.rpc.session_file import (
    TCP,
    choose_socket,
    new_token,
    prepare_run_folder,
    private_umask,
    remove_stale_socket,
)
from answerprint.store import atomic

__all__ = ["NodeSocket", "rendezvous_path"]

_log = logging.getLogger(__name__)

_SOCKET = "ofx.sock"
_PEER = struct.Struct("iII")  # pid, uid and gid of Linux
_MAC_PEER = struct.Struct("IIh")  # version, uid, number of groups
_MAC_LOCAL, _MAC_PEERCRED = 0, 1
_SHARE = 4
"""Of all connections that the daemon takes, the plugin's get this part."""


def rendezvous_path(run: Path) -> Path:
    """The file that tells the plugin where the daemon is."""
    return run / "ofx"


class NodeSocket:
    """Listens from `listen` to `close`."""

    def __init__(
        self,
        run: Path,
        cache: Path,
        ask: Callable[[HostQuestion], None],
        *,
        limits: ServerLimits | None = None,
        tcp: bool = TCP,
    ) -> None:
        """ask: called with each question; returns at once. cache: the folder with the answers."""
        self._run, self._cache, self._ask, self._tcp = run, cache, ask, tcp
        self._limits = limits or ServerLimits()
        self._most = max(8, self._limits.connections_within(most_open()) // _SHARE)
        self._token = new_token()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._endpoint = ""
        self._identity: tuple[int, int] | None = None

    async def listen(self) -> None:
        """Listen, and write the rendezvous. Raises NoDaemonError."""
        prepare_run_folder(self._run)
        await self._stop()
        try:
            if self._tcp:
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
                self._endpoint = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
            else:
                path = choose_socket(self._run, _SOCKET)
                remove_stale_socket(path)
                with private_umask():
                    self._server = await asyncio.start_unix_server(self._serve, path)
                self._endpoint, self._identity = f"unix:{path}", _identity(path)
            rendezvous = Rendezvous(self._endpoint, self._token, os.getpid(), self._cache)
            atomic.write_bytes(rendezvous_path(self._run), rendezvous.to_bytes(), overwrite=True, mode=0o600)
        except (OSError, MalformedError) as error:
            await self._stop()
            raise NoDaemonError(
                f"The OpenFX node cannot be served ({error}).", "Check the folder and its disk."
            ) from error

    def reachable(self) -> bool:
        """Whether the plugin can find it: rendezvous and socket are in place."""
        if self._server is None:
            return False
        socket_there = self._tcp or _identity(Path(self._endpoint.removeprefix("unix:"))) == self._identity
        return socket_there and self._written() == Rendezvous(self._endpoint, self._token, os.getpid(), self._cache)

    async def close(self) -> None:
        """End all connections, and remove socket and rendezvous."""
        written = self._written()
        if written is not None and written.token == self._token:
            with contextlib.suppress(OSError):
                rendezvous_path(self._run).unlink()
        path = Path(self._endpoint.removeprefix("unix:")) if self._endpoint.startswith("unix:") else None
        if path is not None and _identity(path) == self._identity:
            with contextlib.suppress(OSError):
                path.unlink()
        await self._stop()

    def _written(self) -> Rendezvous | None:
        try:
            with rendezvous_path(self._run).open("rb") as file:
                return Rendezvous.parse(file.read(1 << 16))
        except (OSError, MalformedError):
            return None

    async def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for writer in list(self._connections):
                writer.transport.abort()
            with contextlib.suppress(OSError):
                await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the questions of one connection until something is wrong."""
        self._connections.add(writer)
        try:
            if len(self._connections) > self._most or not _is_ours(writer):
                return
            seconds = self._limits.greeting_seconds
            while await self._take_one(reader, seconds):
                seconds = self._limits.idle_seconds
        except (MalformedError, OSError, asyncio.IncompleteReadError, TimeoutError):
            pass
        except Exception:  # noqa: BLE001 - a defect; the daemon goes on without this connection
            _log.exception("question of the OpenFX node failed")
        finally:
            self._connections.discard(writer)
            writer.transport.abort()

    async def _take_one(self, reader: asyncio.StreamReader, seconds: float) -> bool:
        """Pass one question on; False at the end. Raises MalformedError and what reading raises."""
        async with asyncio.timeout(seconds):
            head = await reader.read(4)
        if not head:
            return False
        async with asyncio.timeout(self._limits.greeting_seconds):
            head += await reader.readexactly(4 - len(head))
            length = int.from_bytes(head, "little")
            if not MESSAGE_BYTES - 4 <= length <= MAX_MESSAGE_BYTES:
                raise MalformedError(f"{length} bytes")
            data = await reader.readexactly(length)
        if not hmac.compare_digest(data[4:36], bytes.fromhex(self._token)):
            raise MalformedError("another token")
        self._ask(HostQuestion.parse(data))
        return True


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    """Whether the other end is a process of this user; only the token tells for a port."""
    peer = writer.get_extra_info("socket")
    if peer is None or peer.family != getattr(socket, "AF_UNIX", None):
        return True
    try:
        if sys.platform == "darwin":
            found = peer.getsockopt(_MAC_LOCAL, _MAC_PEERCRED, 76)
            return bool(_MAC_PEER.unpack_from(found)[1] == os.getuid())
        if sys.platform == "linux":
            found = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
            return bool(_PEER.unpack(found)[1] == os.getuid())
    except (OSError, struct.error):
        return False
    return True  # the folder of the socket is closed to others


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
