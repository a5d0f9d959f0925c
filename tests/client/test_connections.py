"""Connections that ask for nothing: they take neither the daemon's last file nor the place of those that ask."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from answerprint.client.client import Client
from answerprint.rpc.limits import ServerLimits
from answerprint.server import server as server_module
from server.harness import Running, new_job

_LIMITS = ServerLimits(max_connections=24, greeting_seconds=0.5)


def open_ones(held: list[socket.socket]) -> int:
    """How many the other side has not closed."""
    alive = 0
    for each in held:
        each.setblocking(False)
        with suppress(ConnectionError):
            try:
                while data := each.recv(4096):
                    assert data
            except BlockingIOError:
                alive += 1
    return alive


@contextmanager
def silent(path: Path, number: int) -> Iterator[list[socket.socket]]:
    """Connections of somebody who says nothing."""
    with ExitStack() as stack:
        held: list[socket.socket] = []
        for _ in range(number):
            each = stack.enter_context(socket.socket(socket.AF_UNIX))
            each.settimeout(2.0)
            each.connect(str(path))
            held.append(each)
        yield held


def test_no_more_connections_are_taken_than_the_work_can_spare(tmp_path: Path) -> None:
    with Running(tmp_path / "run", limits=_LIMITS) as running:
        path = running.server.session.socket
        assert path is not None
        with silent(path, 150) as held:
            time.sleep(0.2)
            assert open_ones(held) <= _LIMITS.max_connections
            began = time.monotonic()
            with Client.connect(running.run) as client:
                assert client.submit(new_job(tmp_path))[1]
            assert time.monotonic() - began < 5
            time.sleep(_LIMITS.greeting_seconds)
            assert open_ones(held) == 0, "those that say nothing are closed"


def test_a_client_that_was_idle_for_long_is_served_as_before(tmp_path: Path) -> None:
    limits = ServerLimits(idle_seconds=0.5)
    with Running(tmp_path / "run", limits=limits) as running, Client.connect(running.run) as client:
        for _ in range(2):
            assert client.submit(new_job(tmp_path))[1]
            time.sleep(2 * limits.idle_seconds)
        assert client.list().total == 2


@pytest.mark.parametrize(("descriptors", "connections"), [(256, 64), (1024, 448), (4096, 512), (64, 16)])
def test_most_of_the_files_are_for_the_work(descriptors: int, connections: int) -> None:
    assert ServerLimits().connections_within(descriptors) == connections


def test_the_limit_is_that_of_the_process_that_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "most_open", lambda: 200)
    assert ("grpc.max_allowed_incoming_connections", 36) in server_module._options(ServerLimits())
