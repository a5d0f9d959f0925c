"""A crash at each named place on the way of a chunk to the disk, the first time there, the second, and so on."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.errors import NoDaemonError
from answerprint.store.failpoints import ONCE_VARIABLE, VARIABLE, FailPoint
from fault.daemon import DaemonProcess, await_value
from fault.material import Decoded, decode, litter, make_clip, new_job, small
from fault.promise import Broken, Watch, broken_promises

__all__ = ["IN_CHILDREN", "IN_PARENT", "POINTS", "Crashed", "crash_at", "crash_everywhere", "few_frames", "finish"]

IN_CHILDREN: Sequence[FailPoint] = (
    "after_decode", "after_denoise", "segment_before_fsync", "segment_after_rename", "carry_after_rename",
    "before_receipt", "after_receipt", "load_model", "mux_before_publish", "mux_after_publish",
)  # fmt: skip
IN_PARENT: Sequence[FailPoint] = ("journal_before_commit", "journal_after_commit")
POINTS = (*IN_CHILDREN, *IN_PARENT)


@dataclass(slots=True)
class Crashed:
    """What came of it; all lists have to be empty."""

    crashes: int = 0
    broken: Broken = field(default_factory=Broken)
    differ: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def __add__(self, other: Crashed) -> Crashed:
        return Crashed(
            self.crashes + other.crashes,
            self.broken + other.broken,
            self.differ + other.differ,
            self.findings + other.findings,
            self.left + other.left,
        )

    @property
    def clean(self) -> bool:
        """Whether the promise was kept."""
        return not (self.broken.lost or self.broken.wrong or self.differ or self.findings or self.left)


def few_frames(folder: Path, output: Path) -> RestoreRequest:
    """A job of three chunks."""
    clip = folder / "few.mkv"
    if not clip.exists():
        make_clip(clip, 6)
    return small(clip, output, codec="ffv1")


def crash_everywhere(folder: Path, expected: Decoded) -> Crashed:
    """All places, each so often as it is reached."""
    total = Crashed()
    for point in POINTS:
        nth = 1
        while (crashed := crash_at(point, nth, folder / f"{point}-{nth}", expected)).crashes:
            total += crashed
            nth += 1
        total += crashed
    return total


def crash_at(point: FailPoint, nth: int, folder: Path, expected: Decoded) -> Crashed:
    """Run a job in which a process crashes there, once; no crash where the place is not reached so often."""
    folder.mkdir(parents=True)
    once = folder / "once"
    once.touch()
    request = few_frames(folder, folder / "out.mkv")
    result = Crashed()
    with DaemonProcess(folder / "h", env={VARIABLE: f"{point}:kill:{nth}", ONCE_VARIABLE: str(once)}) as daemon:
        watch = finish(daemon, new_job(request))
        result.crashes = int(not once.exists())
        result.broken = broken_promises(daemon, [watch])
        result.findings = [str(finding) for finding in daemon.verify().errors]
        result.findings += [] if watch.of("done") else [f"{point} {nth}: {watch.events[-1]}"]
        once.touch(exist_ok=True)
        once.unlink()  # the end must not be disturbed too
        if daemon.kill(signal.SIGTERM) != 0:
            result.left.append(f"{point} {nth}: the daemon did not end cleanly")
    if decode(request.output) != expected:
        result.differ.append(f"{point} {nth}")
    result.left += [str(path) for path in litter(folder)]
    result.left += [str(path) for path in (folder / "h" / "scratch").iterdir()]
    return result


def finish(daemon: DaemonProcess, job: NewJob) -> Watch:
    """Submit a job and see it end, starting the daemon whenever it is gone."""

    def submitted() -> bool:
        _revive(daemon)
        try:
            with daemon.client() as client:
                client.submit(job)
        except NoDaemonError:
            return False
        return True

    await_value(submitted)
    watch = Watch(daemon, job.id)

    def ended() -> bool:
        _revive(daemon)
        return not watch.running

    await_value(ended)
    watch.join()
    return watch


def _revive(daemon: DaemonProcess) -> None:
    """Start the daemon where it is gone; it may crash again while it starts."""
    while daemon.process is None or daemon.process.poll() is not None:
        daemon.kill()
        daemon.spawn()
        await_value(lambda: daemon.serves() or (daemon.process is not None and daemon.process.poll() is not None))
