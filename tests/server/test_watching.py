"""Watchers see everything that is kept, once and in order; none of them is in anybody's way."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest

from answerprint.api.job import JobEvent, JobState
from answerprint.api.types import BusyError, NotFoundError
from answerprint.errors import NoDaemonError
from answerprint.ipc import events
from answerprint.rpc.limits import ServerLimits
from answerprint.rpc.v1 import restoration_pb2 as pb
from server.harness import PATIENCE_SECONDS, Running, await_until, new_job, raw_channel
from server.vanishing import vanish

WATCH = "/answerprint.rpc.v1.Restoration/WatchJob"


@pytest.fixture
def job(running: Running, tmp_path: Path) -> str:
    with running.client() as client:
        return client.submit(new_job(tmp_path))[0].id


class Watching:
    """A client that watches in a thread, to the end of the job."""

    def __init__(self, running: Running, job: str, *, progress: bool = True, patience_seconds: float = 20.0) -> None:
        self.seen: list[JobEvent] = []
        self.losses = 0
        self.error: BaseException | None = None
        self._running, self._job, self._progress, self._patience = running, job, progress, patience_seconds
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    @property
    def numbers(self) -> list[int]:
        return [each.sequence for each in self.seen if each.event["event"] != "progress"]

    def end(self) -> None:
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the watcher did not come to an end"

    def _watch(self) -> None:
        try:
            with self._running.client() as client:
                for happening in client.watch(
                    self._job, progress=self._progress, on_lost=self._lost, patience_seconds=self._patience
                ):
                    self.seen.append(happening)
        except BaseException as error:  # noqa: BLE001 - for the test to look at
            self.error = error

    def _lost(self) -> None:
        self.losses += 1


def test_a_watcher_sees_what_was_and_what_comes_until_the_job_has_ended(running: Running, job: str) -> None:
    running.call(running.daemon.chunk, job, 0)
    watching = Watching(running, job)
    await_until(lambda: len(watching.seen) == 2)
    running.call(running.daemon.tell, job, events.progress("denoise", 1, 4, eta_seconds=2.5, step=1, steps=4))
    await_until(lambda: len(watching.seen) == 3)
    running.call(running.daemon.change, job, JobState.DONE)
    watching.end()
    assert watching.error is None
    assert [each.event["event"] for each in watching.seen] == ["state", "chunk", "progress", "state"]
    assert watching.numbers == [1, 2, 3]
    assert watching.seen[2].event["eta_seconds"] == 2.5


def test_a_watcher_may_begin_after_a_number_and_leave_out_progress(running: Running, job: str) -> None:
    for chunk in range(5):
        running.call(running.daemon.chunk, job, chunk)
    running.call(running.daemon.change, job, JobState.DONE)
    with running.client() as client:
        assert [each.sequence for each in client.watch(job, after=4)] == [5, 6, 7]
        assert list(client.watch(job, after=7)) == []
        with pytest.raises(NotFoundError):
            list(client.watch("99"))


def test_a_watcher_that_falls_behind_comes_back_at_once_and_misses_nothing(running: Running, job: str) -> None:
    watching = Watching(running, job)
    await_until(lambda: len(watching.seen) == 1)

    def burst() -> None:  # in one step of the loop: nobody can read meanwhile
        for chunk in range(3000):
            running.daemon.chunk(job, chunk, 3000)
        running.daemon.change(job, JobState.DONE)

    running.call(burst)
    watching.end()
    assert watching.error is None
    assert watching.numbers == list(range(1, 3003))
    assert running.daemon.calls.count("watch") > 1, "it was never behind"
    assert watching.losses == 0


def test_a_watcher_follows_a_daemon_that_is_started_again(running: Running, job: str) -> None:
    watching = Watching(running, job)
    await_until(lambda: len(watching.seen) == 1)
    for round_ in range(2):
        running.call(running.daemon.chunk, job, round_)
        running.restart()
        await_until(lambda: running.daemon.calls.count("watch") == 1)
    running.call(running.daemon.change, job, JobState.DONE)
    watching.end()
    assert watching.error is None
    assert watching.numbers == [1, 2, 3, 4]
    assert watching.losses == 2


def test_a_watcher_gives_up_on_a_daemon_that_stays_away(tmp_path: Path) -> None:
    with Running(tmp_path / "run") as running:
        with running.client() as client:
            job = client.submit(new_job(tmp_path))[0].id
        watching = Watching(running, job, patience_seconds=0.2)
        await_until(lambda: len(watching.seen) == 1)
    watching.end()
    assert isinstance(watching.error, NoDaemonError)
    assert watching.error.exit_code == 3


def test_a_hundred_watchers_leave_every_other_call_its_place(running: Running, job: str) -> None:
    with ExitStack() as stack:
        calls = [_begin(stack.enter_context(raw_channel(running.server.session.endpoint)), running, job)
                 for _ in range(100)]  # fmt: skip
        for call in calls:
            assert next(call).sequence == 1
        assert running.call(lambda: running.daemon.watchers) == 100
        with running.client() as client:
            assert client.cancel(job).state is JobState.CANCELLED
        for call in calls:
            assert [event.sequence for event in call] == [2]


def test_one_watcher_too_many_is_told_so_and_comes_in_when_another_has_gone(tmp_path: Path) -> None:
    with Running(tmp_path / "run", limits=ServerLimits(max_watchers=3)) as running, ExitStack() as stack:
        client = stack.enter_context(running.hasty_client())
        job = client.submit(new_job(tmp_path))[0].id
        channel = stack.enter_context(raw_channel(running.server.session.endpoint))
        calls = [_begin(channel, running, job) for _ in range(3)]
        for call in calls:
            next(call)
        with pytest.raises(BusyError, match="3 watchers") as refusal:
            next(client.watch(job))
        assert "Close one of them" in refusal.value.remedy
        assert client.pause(job).state is JobState.PAUSED
        calls[0].cancel()
        await_until(lambda: running.call(lambda: running.daemon.watchers) == 2)
        assert next(client.watch(job)).sequence == 1
        patient = stack.enter_context(running.client())
        calls.append(_begin(channel, running, job))
        next(calls[-1])
        leaving = threading.Timer(0.3, calls[-1].cancel)
        leaving.start()
        assert next(patient.watch(job)).sequence == 1, "it waits for the place of one that goes"
        leaving.join()


def test_a_watcher_that_reads_nothing_slows_nobody_and_is_cut_off(running: Running, job: str) -> None:
    with raw_channel(running.server.session.endpoint) as channel:
        stalled = _begin(channel, running, job)
        next(stalled)
        watching = Watching(running, job)
        total = 5_000  # 20 MB: more than all buffers on the way
        for _ in range(0, total, 100):
            running.call(_warn, running, job, 100)
        running.call(running.daemon.change, job, JobState.DONE)
        watching.end()
        assert watching.error is None
        assert watching.numbers == list(range(1, total + 3))
        with pytest.raises(grpc.RpcError) as end:
            for _ in stalled:
                pass
        assert end.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def _warn(running: Running, job: str, count: int) -> None:
    for _ in range(count):
        running.daemon.tell(job, events.warning("x" * 4000))


def test_clients_that_are_killed_leave_nothing_behind(running: Running, job: str) -> None:
    assert vanish(running.run, job, 5) == 5  # whatever gRPC makes once is made now
    await_until(lambda: running.call(lambda: running.daemon.watchers) == 0)
    files, threads = _files(), threading.active_count()
    assert vanish(running.run, job, 20) == 20
    await_until(lambda: running.call(lambda: running.daemon.watchers) == 0)
    await_until(lambda: _files() <= files)
    assert threading.active_count() <= threads
    with running.client() as client:
        assert client.get(job).state is JobState.QUEUED


def _files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112, PTH208


def _begin(channel: grpc.Channel, running: Running, job: str) -> grpc._CallIterator[pb.JobEvent]:
    begin: grpc.UnaryStreamMultiCallable[pb.WatchJobRequest, pb.JobEvent] = channel.unary_stream(
        WATCH, request_serializer=pb.WatchJobRequest.SerializeToString, response_deserializer=pb.JobEvent.FromString
    )
    return begin(pb.WatchJobRequest(id=job), metadata=(running.token,))
