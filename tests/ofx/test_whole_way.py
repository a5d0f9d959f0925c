"""Clips that are really restored, and decoded and scaled by other code than the daemon's, as a host does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

import numpy as np
import pytest

from answerprint.api.job import ENDED, JobState
from answerprint.client.client import Client
from fault.daemon import DaemonProcess, await_value
from ofx.compiling import compiler
from ofx.host import Node, open_host
from ofx.way import SITUATIONS, Picture, Situation, as_seen, follow, make_film, opaque_resolve, prepare

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(compiler() is None, reason="needs a C compiler, or the package ziglang"),
]


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonProcess]:
    home = tmp_path / "h"
    monkeypatch.setenv("ANSWERPRINT_HOME", str(home))
    with DaemonProcess(home) as process:
        yield process.start()


@pytest.fixture
def client(daemon: DaemonProcess) -> Iterator[Client]:
    with daemon.client() as made:
        yield made


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_the_frame_is_right_in(situation: Situation, tmp_path: Path, plugin: Path, client: Client) -> None:
    (case,) = prepare([situation], tmp_path, client)
    shown = follow(case, plugin, client)
    assert shown.wrong == 0, f"{shown.wrong} of {shown.frames}, {shown.difference * 1023:.2f} codes"


def test_a_daemon_that_stops_dies_and_comes_back(
    tmp_path: Path, plugin: Path, daemon: DaemonProcess, client: Client
) -> None:
    (case,) = prepare([SITUATIONS[0]], tmp_path, client)
    await_value(lambda: client.get(case.job.id).state in ENDED)
    assert client.get(case.job.id).state is JobState.DONE
    sources = as_seen(case)
    height, width = sources[0].shape[:2]

    def restored(node: Node, index: int) -> bool:
        shown: Picture = node.render(index).picture
        return not np.array_equal(shown, sources[index])

    with (
        open_host(plugin, opaque_resolve()) as host,
        Node(host, (width, height), path=case.path, parameters={"badge": 0}) as node,
    ):
        for index, source in enumerate(sources):
            node.give(index, source)
        await_value(lambda: restored(node, 0))
        for number in (SIGSTOP, SIGKILL):
            daemon.signal(number)
            assert min(node.render(0).milliseconds for _ in range(20)) <= 20
            assert restored(node, 0)
            for _ in range(200):
                node.render(len(sources) - 1)
        daemon.signal(SIGCONT)
        daemon.kill()
        daemon.start()
        await_value(lambda: restored(node, len(sources) - 1))


def test_the_button_restores_the_clip(tmp_path: Path, plugin: Path, client: Client) -> None:
    situation = replace(SITUATIONS[0], frames=2, size=(64, 36))
    path, _ = make_film(situation, tmp_path)
    with (
        open_host(plugin, opaque_resolve()) as host,
        Node(host, situation.size, path=path, parameters={"badge": 0}) as node,
    ):
        node.edit("restore")
        jobs = await_value(lambda: client.list().jobs)
    assert [each.input for each in jobs] == [str(path)]
    await_value(lambda: client.get(jobs[0].id).state in ENDED)
