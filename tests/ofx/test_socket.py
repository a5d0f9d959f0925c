"""The way in of the node: other users, ports, quiet connections, and folders that cannot be used."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from answerprint.errors import NoDaemonError
from answerprint.ofx.protocol import AskFlag, AskKind, HostQuestion, Rendezvous
from answerprint.rpc.limits import ServerLimits
from answerprint.server.node_socket import NodeSocket, rendezvous_path

QUICK = ServerLimits(greeting_seconds=0.2, idle_seconds=0.4)


@asynccontextmanager
async def listening(run: Path, *, tcp: bool = False) -> AsyncIterator[tuple[NodeSocket, list[HostQuestion]]]:
    asked: list[HostQuestion] = []
    socket = NodeSocket(run, run.parent / "frames", asked.append, limits=QUICK, tcp=tcp)
    await socket.listen()
    try:
        yield socket, asked
    finally:
        await socket.close()


def question(run: Path) -> bytes:
    token = Rendezvous.parse(rendezvous_path(run).read_bytes()).token
    return HostQuestion(bytes.fromhex(token), AskKind.FRAME, AskFlag(0), 1, 0, 8, 8, b"/a.mov").to_bytes()


@asynccontextmanager
async def connected(run: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    endpoint = Rendezvous.parse(rendezvous_path(run).read_bytes()).endpoint
    if endpoint.startswith("unix:"):
        reader, writer = await asyncio.open_unix_connection(endpoint.removeprefix("unix:"))
    else:
        host, port = endpoint.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Whether the daemon closes the connection, without a word."""
    try:
        return await reader.read(1) == b""
    except ConnectionResetError:
        return True


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.001)


def run_test(work: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await work()

    asyncio.run(whole())


@pytest.mark.parametrize("tcp", [False, True])
def test_questions_arrive_in_order(tmp_path: Path, tcp: bool) -> None:
    async def work() -> None:
        run = tmp_path / "run"
        async with listening(run, tcp=tcp) as (socket, asked):
            assert socket.reachable()
            data = question(run) * 3
            async with connected(run) as (_, writer):
                for part in (data[:5], data[5:150], data[150:]):  # as a network may cut them
                    writer.write(part)
                    await writer.drain()
                await until(lambda: len(asked) == 3)
        assert not rendezvous_path(run).exists() and not socket.reachable()

    run_test(work)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel as Linux answers")
def test_another_user_is_not_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        run = tmp_path / "run"
        async with listening(run) as (_, asked):
            data, uid = question(run), os.getuid()
            monkeypatch.setattr("answerprint.server.node_socket.os.getuid", lambda: uid + 1)
            async with connected(run) as (reader, writer):
                writer.write(data)
                assert await is_closed(reader) and not asked
            monkeypatch.undo()

    run_test(work)


@pytest.mark.parametrize("said", [b"", b"\x64", b"whole"])
def test_a_quiet_connection_is_closed(tmp_path: Path, said: bytes) -> None:
    async def work() -> None:
        run = tmp_path / "run"
        async with listening(run) as (_, asked):
            async with connected(run) as (reader, writer), asyncio.timeout(20):
                writer.write(question(run) if said == b"whole" else said)
                assert await is_closed(reader)
            assert len(asked) == (said == b"whole")

    run_test(work)


def test_a_defect_behind_it_closes_one_connection_only(tmp_path: Path) -> None:
    async def work() -> None:
        run, asked = tmp_path / "run", []

        def ask(each: HostQuestion) -> None:
            asked.append(each)
            if len(asked) == 1:
                raise RuntimeError("a defect")

        socket = NodeSocket(run, tmp_path / "frames", ask, limits=QUICK)
        await socket.listen()
        try:
            async with connected(run) as (reader, writer):
                writer.write(question(run))
                assert await is_closed(reader)
            async with connected(run) as (_, writer):
                writer.write(question(run))
                await until(lambda: len(asked) == 2)
        finally:
            await socket.close()

    run_test(work)


def test_a_rendezvous_of_another_daemon_stays(tmp_path: Path) -> None:
    async def work() -> None:
        run = tmp_path / "run"
        async with listening(run) as (socket, _):
            other = Rendezvous("unix:/elsewhere", "ab" * 32, 1, tmp_path)
            rendezvous_path(run).write_bytes(other.to_bytes())
            assert not socket.reachable()
        assert rendezvous_path(run).read_bytes() == other.to_bytes()

    run_test(work)


def test_a_stale_socket_is_replaced_and_a_strange_file_is_not(tmp_path: Path) -> None:
    async def work() -> None:
        run = tmp_path / "run"
        run.mkdir(mode=0o700)
        server = await asyncio.start_unix_server(lambda *ignored: None, run / "ofx.sock")
        server.close()  # its file stays, as of a daemon that was killed
        async with listening(run):
            pass
        (run / "ofx.sock").write_text("mine")
        with pytest.raises(NoDaemonError):
            async with listening(run):
                pass
        assert (run / "ofx.sock").read_text() == "mine"

    run_test(work)


def test_an_open_run_folder_is_refused(tmp_path: Path) -> None:
    async def work() -> None:
        run = tmp_path / "run"
        run.mkdir()
        run.chmod(0o755)
        with pytest.raises(NoDaemonError, match="open to other users"):
            async with listening(run):
                pass

    run_test(work)
