"""A daemon of jobs that nobody does: the seam behind the server, in memory, with the same promises.

As a program it serves one in the place of answerprintd: `python daemon.py [SCENE]`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from answerprint.api.job import ENDED, JobEvent, JobRecord, JobState
from answerprint.api.types import (
    BusyError,
    DaemonInfo,
    EncodedPicture,
    MediaInfo,
    NewJob,
    NotFoundError,
    NotYetError,
    Page,
    PictureFormat,
    PictureSide,
    PullStep,
    QueuePlace,
    StateError,
    WarmModel,
)
from answerprint.errors import InputError, MediaError, ModelError
from answerprint.home import run_folder
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.rpc.session_file import lock_path, prepare_run_folder
from answerprint.scheduler.submit_order import SubmitOrder
from answerprint.server.server import serve
from answerprint.store.lock import HeldError, InstanceLock

__all__ = ["FakeDaemon"]

MOST_BEHIND = 1000

PICTURE = bytes(range(256)) * 3000
"""What every frame looks like: longer than one part of a stream."""

PICTURE_BYTES = len(PICTURE)


class News:
    """Wakes everyone who waits."""

    def __init__(self) -> None:
        self._next: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def set(self) -> None:
        self._next.set_result(None)
        self._next = asyncio.get_running_loop().create_future()

    async def wait(self) -> None:
        await asyncio.shield(self._next)


_DETAILS: Mapping[str, Any] = {
    "facts": {"codec": "prores, HQ", "sound 1": "pcm_s24le, 48000 Hz, stereo"},
    "warnings": ("The colour matrix is not tagged: bt709 is assumed, " + "by the height of the picture. " * 4,),
    "plan": events.started(
        {"path": "/a", "width": 640, "height": 272, "rate": "24000/1001", "frames": 250, "range": (0, 250)},
        {"path": "/b", "width": 2560, "height": 1088, "codec": "prores4444"},
        model="swift-x4", device="", estimate={"scratch_bytes": 3 << 30, "output_bytes": 1 << 30, "seconds": 75.0},
    ),
}  # fmt: skip


class FakeDaemon:
    """Jobs change only when they are told to; every call is noted in `calls`."""

    def __init__(self, folder: Path, jobs: dict[str, JobRecord] | None = None) -> None:
        """folder: for pictures. jobs: those of a daemon before this one."""
        self.calls: list[str] = []
        self.jobs: dict[str, JobRecord] = {} if jobs is None else jobs
        self.kept: dict[str, list[JobEvent]] = {}
        self.live: dict[str, Message] = {}
        self.watchers = 0
        self.news = News()
        self.folder = folder
        self.warm: dict[str, WarmModel] = {}
        self.reason: str | None = None
        self.ended = asyncio.Event()
        self.order = SubmitOrder()
        self.hold: asyncio.Event | None = None
        """Where it is set, submissions wait for it."""

    # What tests do with it.

    def tell(self, job: str, event: Message) -> None:
        """Let something happen to a job."""
        if event["event"] == "progress":
            self.live[job] = event
        else:
            happenings = self.kept.setdefault(job, [])
            happenings.append(JobEvent(len(happenings) + 1, time.time(), event))
            self.jobs[job] = replace(self.jobs[job], last_sequence=len(happenings))
        self.news.set()

    def change(self, job: str, state: JobState, **more: Any) -> JobRecord:  # noqa: ANN401 - fields of a record
        """Bring a job into a state."""
        self.jobs[job] = replace(self.jobs[job], state=state, **more)
        self.tell(job, {"event": "state", "state": state.value, "problem": self.jobs[job].problem})
        return self.jobs[job]

    # The protocol.

    async def submit(self, new: NewJob) -> tuple[JobRecord, bool]:
        self.calls.append("submit")
        if self.hold is not None:
            await self.hold.wait()
        if new.after:
            await self.order.follow(new.after)
        try:
            return self._add(new)
        finally:
            self.order.settle(new.id)

    def _add(self, new: NewJob) -> tuple[JobRecord, bool]:
        if new.id in self.jobs:
            return self.jobs[new.id], False
        if "unlucky" in new.label:
            raise RuntimeError(f"secret place: {self.folder}")
        self.jobs[new.id] = JobRecord(
            id=new.id,
            number=len(self.jobs) + 1,
            kind=new.kind,
            label=new.label or "clip",
            state=JobState.QUEUED,
            request=new.request,
            clip=new.clip,
            priority=new.priority,
            not_before=new.not_before,
            created=1_700_000_000.25,
        )
        self.change(new.id, JobState.QUEUED)
        return self.jobs[new.id], True

    async def get(self, reference: str) -> JobRecord:
        self.calls.append("get")
        return self._find(reference)

    async def list(self, states: Sequence[JobState], limit: int, token: str) -> Page:
        self.calls.append("list")
        if token and not token.isdigit():
            raise InputError("The page token is none of this daemon.", "List from the start.")
        found = [job for job in self.jobs.values() if not states or job.state in states]
        begin = int(token or 0)
        more = str(begin + limit) if begin + limit < len(found) else ""
        return Page(found[begin : begin + limit], more, len(found))

    async def watch(self, reference: str, after: int, *, progress: bool = True) -> AsyncIterator[JobEvent]:
        self.calls.append("watch")
        job = self._find(reference).id
        told: Message | None = None
        first = True
        self.watchers += 1
        try:
            while self.jobs[job].state not in ENDED or after < self.jobs[job].last_sequence:
                kept = self.kept.get(job, [])
                if not first and len(kept) - after > MOST_BEHIND:
                    raise BusyError("The watcher is too far behind.", "Watch again from the last number.")
                if after < len(kept):
                    yield kept[after]
                    after += 1
                elif progress and self.live.get(job) is not told:
                    told = self.live[job]
                    yield JobEvent(after, time.time(), told)
                else:
                    first = False
                    await self.news.wait()
        finally:
            self.watchers -= 1

    def progress(self, job: str) -> Message | None:
        return self.live.get(job)

    async def pause(self, reference: str) -> JobRecord:
        return await self._steer("pause", reference, JobState.PAUSED)

    async def resume(self, reference: str) -> JobRecord:
        return await self._steer("resume", reference, JobState.QUEUED)

    async def cancel(self, reference: str) -> JobRecord:
        return await self._steer("cancel", reference, JobState.CANCELLED)

    async def retry(self, reference: str) -> JobRecord:
        self.calls.append("retry")
        return self.change(self._find(reference).id, JobState.QUEUED)

    async def delete(self, reference: str) -> int:
        self.calls.append("delete")
        job = self._find(reference)
        if job.state not in ENDED:
            raise StateError(f"Job {job.number} is {job.state.value}.", "Cancel it first.")
        del self.jobs[job.id]
        return 4096

    async def move(
        self,
        reference: str,
        *,
        priority: int | None = None,
        place: QueuePlace | None = None,
        not_before: float | None = None,
    ) -> JobRecord:
        self.calls.append(f"move {place}")
        job = self._find(reference)
        moved = replace(
            job,
            priority=job.priority if priority is None else priority,
            not_before=job.not_before if not_before is None else not_before,
        )
        self.jobs[job.id] = moved
        return moved

    async def frame(
        self, reference: str, frame: int, side: PictureSide, form: PictureFormat, max_size: tuple[int, int]
    ) -> EncodedPicture:
        self.calls.append(f"frame {frame} {side} {form} {max_size}")
        job = self._find(reference)
        if frame >= max(1, job.frames_done):
            raise NotYetError(f"Frame {frame} is not finished.", "Ask again later.")
        path = self.folder / f"picture-{len(self.calls)}"
        path.write_bytes(PICTURE)
        return EncodedPicture(path, f"image/{form}", 640, 480, PICTURE_BYTES)

    def forget(self, picture: EncodedPicture) -> None:
        picture.path.unlink()

    async def load_model(self, model: str, device: str, keep_alive_seconds: float | None) -> WarmModel:
        self.calls.append(f"load {model} {device} {keep_alive_seconds}")
        warm = WarmModel(model, "cpu", 1 << 20, 0.5, 300.0 if keep_alive_seconds is None else keep_alive_seconds, False)
        self.warm[model] = warm
        return warm

    async def unload_models(self, model: str) -> int:
        self.calls.append(f"unload {model}")
        gone = [name for name in self.warm if not model or name == model]
        for name in gone:
            del self.warm[name]
        return len(gone)

    async def pull_model(
        self, model: str, *, accept_licence: bool, trust_first: bool
    ) -> AsyncGenerator[PullStep, None]:
        self.calls.append(f"pull {model} {accept_licence} {trust_first}")
        if not accept_licence:
            raise ModelError(f"The licence of {model!r} is not accepted.", "Accept it.")
        try:
            yield PullStep("fetch", "unet/config.json", 10, 100, 5.0, 18.0)
            yield PullStep("convert", "", 100, 100, 0.0, None)
            if self.hold is not None:
                await self.hold.wait()
            yield PullStep("done", "", 100, 100, 0.0, 0.0)
        finally:
            self.calls.append(f"pull of {model} ended")

    async def suspend(self, reason: str, *, unload: bool) -> None:
        self.calls.append(f"suspend {unload}")
        self.reason = reason

    async def resume_work(self) -> None:
        self.calls.append("resume_work")
        self.reason = None

    async def info(self) -> DaemonInfo:
        self.calls.append("info")
        return DaemonInfo(
            version="1.2.3",
            pid=os.getpid(),
            start_id="start",
            uptime_seconds=1.5,
            libraries={"torch": "2"},
            devices=[{"name": "cpu", "about": "2 cores", "bytes": 1 << 30, "free_bytes": 1 << 29}],
            warm_models=list(self.warm.values()),
            memory_cap_bytes=0,
            keep_alive_seconds=300.0,
            disks=[],
            jobs={"queued": len(self.jobs)},
            suspended=self.reason is not None,
            suspend_reason=self.reason or "",
            resident_bytes=1 << 26,
            problems=[],
        )

    async def describe(self, media: str, *, details: bool = False) -> MediaInfo:
        self.calls.append("describe")
        if "absent" in media:
            raise MediaError(f"{media} does not exist.", "Check the path.")
        return MediaInfo(
            path=media, sequence=False, width=640, height=272, rate=Fraction(24000, 1001), rate_is_assumed=False,
            frames=250, pixel_aspect=Fraction(16, 15), start_timecode="01:00:00:00", start_number=0, interlaced=True,
            audio=True, alpha=False, codec="prores", bit_depth=10, **(_DETAILS if details else {}),
        )  # fmt: skip

    def shut_down(self) -> None:
        self.calls.append("shut_down")
        self.ended.set()

    def chunk(self, job: str, number: int, total: int = 100) -> None:
        """Let a chunk of one frame be done."""
        segment = {"name": f"chunk-{number:06d}.nut", "bytes": 10, "sha256": "0" * 64}
        receipt = {"chunk": number, "first": number, "stop": number + 1, "segment": segment}
        done = number + 1
        event = events.chunk(receipt, 0.5, flow_cache={"hits": 1, "misses": 2}, frames_done=done, frames_total=total)
        self.jobs[job] = replace(self.jobs[job], frames_done=done, frames_total=total)
        self.tell(job, event)

    async def _steer(self, name: str, reference: str, state: JobState) -> JobRecord:
        self.calls.append(name)
        job = self._find(reference)
        if job.state is state:
            return job
        if job.state in ENDED:
            raise StateError(f"Job {job.number} is {job.state.value}.", "Retry it.")
        return self.change(job.id, state)

    def _find(self, reference: str) -> JobRecord:
        found = [
            job
            for job in self.jobs.values()
            if job.id == reference
            or (len(reference) >= 4 and job.id.startswith(reference))
            or str(job.number) == reference
        ]
        if len(found) != 1:
            raise NotFoundError(f"There is no job {reference}.", "See: answerprint jobs list")
        return found[0]


async def _serve() -> None:
    with tempfile.TemporaryDirectory() as folder:
        daemon = FakeDaemon(Path(folder))
        server = await serve(daemon, run_folder(), start_id=str(os.getpid()))
        await server.open()
        await daemon.ended.wait()
        await server.stop()


def main() -> int:
    """Serve until it is told to end; 6 where another one serves."""
    scene = sys.argv[1] if len(sys.argv) > 1 else ""
    if scene == "broken":
        sys.stderr.write("the disk is on fire\n")
        return 4
    if scene == "mute":
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.read()
            asyncio.run(asyncio.sleep(10))
        return 0
    prepare_run_folder(run_folder())
    try:
        with InstanceLock(lock_path(run_folder())):
            if scene == "report":
                Path(os.environ["ANSWERPRINT_HOME"], "environment").write_text("\n".join(sorted(os.environ)))
                Path(os.environ["ANSWERPRINT_HOME"], "session").write_text(f"{os.getsid(0)} {os.getpid()} {Path.cwd()}")
            asyncio.run(_serve())
    except HeldError as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
