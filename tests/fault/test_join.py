"""Parts of a clip become one file, once, whatever ends on the way."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from uuid import uuid4

import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobState
from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.errors import AnswerprintError
from answerprint.frames.frame import FrameRange
from answerprint.media import open_reader, open_writer
from answerprint.resolve.restore.join import Earlier, JoinPlan, join_whole
from answerprint.store.failpoints import ONCE_VARIABLE, VARIABLE
from answerprint.worker.resolved_job import resolve_job
from fault.daemon import DaemonProcess, await_value
from fault.material import decode, litter

HALVES = (FrameRange(0, 8), FrameRange(6, 14))


def written(source: Path, output: Path, frames: FrameRange) -> Path:
    """A file as a job leaves it, without the work of restoring."""
    order = resolve_job(RestoreRequest(ClipRef(str(source), str(frames)), str(output), scale="1", codec="prores4444"))
    with open_writer(output, order.spec()) as writer, open_reader(order.info, order.frames) as reader:
        for frame in reader:
            writer.write(frame.picture)
    return output


def plan(clips: Path, folder: Path) -> JoinPlan:
    """Two halves of `pan.mkv` that overlap; the second one is of no use but for the whole."""
    paths = (folder / "half.mov", folder / ".whole.part1.mov")
    parts = tuple(
        Earlier(str(written(clips / "pan.mkv", path, frames)), frames)
        for path, frames in zip(paths, HALVES, strict=True)
    )
    output = folder / "whole.mov"
    settings = {"scale": "1", "codec": "prores4444", "range": "0:14"}
    request = RestoreRequest.from_json({"input": str(clips / "pan.mkv"), "output": str(output), **settings})
    return JoinPlan(str(uuid4()), str(output), parts, request.to_json())


@pytest.mark.parametrize("point", ["mux_before_publish", "mux_after_publish"])
def test_a_join_goes_on_when_the_daemon_is_killed_in_it(
    point: str, daemon: DaemonProcess, clips: Path, tmp_path: Path
) -> None:
    whole = plan(clips, tmp_path)
    once = tmp_path / "once"
    once.touch()
    daemon.env |= {VARIABLE: f"{point}:hang", ONCE_VARIABLE: str(once)}
    failures: list[AnswerprintError] = []

    def join() -> None:
        try:
            with daemon.client() as client:
                join_whole(client, whole)
        except AnswerprintError as error:
            failures.append(error)

    daemon.start()
    helper = threading.Thread(target=join)
    helper.start()
    await_value(lambda: not once.exists())
    daemon.kill()
    daemon.start()
    helper.join(60)
    assert not helper.is_alive() and not failures
    with daemon.client() as client:
        job = client.get(whole.id)
        assert (job.state, job.frames_total) == (JobState.DONE, 14)
        assert [each.id for each in client.all_jobs()] == [whole.id]
        join_whole(client, whole)  # again is nothing new
        assert client.get(whole.id).last_sequence == job.last_sequence
    assert len(decode(whole.output).frames) == 14
    assert decode(whole.output) == decode(str(written(clips / "pan.mkv", tmp_path / "expected.mov", FrameRange(0, 14))))
    assert daemon.kill(signal.SIGTERM) == 0
    assert not litter(daemon.home, tmp_path)
    assert not list(daemon.scratch.iterdir())
    left = {path.name for path in tmp_path.iterdir() if path.suffix == ".mov"}
    assert left == {"half.mov", "whole.mov", "expected.mov"}


def test_helpers_that_join_at_once_make_one_job_and_one_file(
    daemon: DaemonProcess, clips: Path, tmp_path: Path
) -> None:
    whole = plan(clips, tmp_path)
    daemon.start()
    failures: list[Exception] = []

    def join() -> None:
        try:
            with daemon.client() as client:
                join_whole(client, whole)
        except AnswerprintError as error:
            failures.append(error)

    helpers = [threading.Thread(target=join) for _ in range(3)]
    for helper in helpers:
        helper.start()
    for helper in helpers:
        helper.join(60)
    assert failures == []
    with daemon.client() as client:
        assert [(each.id, each.state) for each in client.all_jobs()] == [(whole.id, JobState.DONE)]
        kinds = [each.event["event"] for each in client.watch(whole.id, progress=False)]
    assert kinds.count("done") == 1
    assert len(decode(whole.output).frames) == 14


def test_a_join_is_held_cancelled_and_retried_as_every_job(daemon: DaemonProcess, clips: Path, tmp_path: Path) -> None:
    whole = plan(clips, tmp_path)
    with daemon.start().client() as client:
        client.suspend("a test", unload=False)
        with pytest.raises(AnswerprintError, match="suspended"):
            join_whole(client, whole)
        job = client.get(whole.id)
        assert job.state is JobState.QUEUED
        assert job.request["parts"] == [[each.path, each.frames.start, each.frames.stop] for each in whole.parts]
        with pytest.raises(AnswerprintError, match="already writes"):
            client.submit(NewJob(str(uuid4()), "restore", job.request))
        assert client.cancel(job.id).state is JobState.CANCELLED
        client.resume_work()
        assert not Path(whole.output).exists()
        join_whole(client, whole)
        assert client.get(job.id).state is JobState.DONE
    assert len(decode(whole.output).frames) == 14


def test_a_part_that_is_gone_is_said_at_once(daemon: DaemonProcess, clips: Path, tmp_path: Path) -> None:
    whole = plan(clips, tmp_path)
    Path(whole.parts[0].path).unlink()
    with daemon.start().client() as client:
        with pytest.raises(AnswerprintError, match=r"half\.mov does not exist"):
            join_whole(client, whole)
        assert list(client.all_jobs()) == []
