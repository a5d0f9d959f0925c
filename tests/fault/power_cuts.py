"""Power cuts: a file system on a copied disk, without what was never flushed: `python -m fault.power_cuts CUTS [SEED]`.

Home, sources and outputs lie on an ext4 file system in a file. At a random moment every process of the daemon is
stopped and that file is copied: it holds what has reached the disk, and nothing that waits in the page cache. The
daemon then starts on the copy, as after a power cut.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from fault.daemon import DaemonProcess, await_value
from fault.killer import undisturbed
from fault.material import Decoded, decode, five_requests, litter, new_job
from fault.promise import Broken, Watch, broken_promises
from fault.small_disk import NoDiskError

__all__ = ["Cuts", "cut_at_random"]

_SIZE_BYTES = 96 << 20
# Nothing is written early: the journal of the file system only on request, a renamed file without its content.
_OPTIONS = "loop,noatime,commit=600,noauto_da_alloc"
_NEWS: Sequence[tuple[str, ...]] = ((), ("chunk",), ("muxing",), ("done",))
_LONGEST_SECONDS = 0.6


@dataclass(slots=True)
class Cuts:
    """What came of it; all lists have to be empty."""

    cuts: int = 0
    jobs: int = 0
    chunks: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    """What the job at work had reported last."""
    broken: Broken = field(default_factory=Broken)
    undone: list[str] = field(default_factory=list)
    """Jobs that were reported done and whose output was not whole after the cut."""
    differ: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether the promise was kept."""
        return not (self.broken.lost or self.broken.wrong or self.undone or self.differ or self.findings or self.left)


def cut_at_random(cuts: int, seed: int, folder: Path, env: Mapping[str, str] | None = None) -> Cuts:
    """Run rounds of jobs, cut the power until it was cut so often, and let the jobs end. Raises NoDiskError.

    env: for the daemon, over this process's own.
    """
    began = time.monotonic()
    result, source = Cuts(), random.Random(seed)  # noqa: S311 - the same moments each time
    expected = undisturbed(folder)
    with _Disk(folder) as disk:
        number = 0
        while result.cuts < cuts:
            _round(disk, disk.place / f"out-{number}", expected, cuts, source, result, env or {})
            number += 1
        result.left += [str(path) for path in litter(disk.place)]
    result.seconds = time.monotonic() - began
    return result


def _round(
    disk: _Disk,
    outputs: Path,
    expected: Sequence[Decoded],
    cuts: int,
    source: random.Random,
    result: Cuts,
    env: Mapping[str, str],
) -> None:
    requests = five_requests(disk.place / "clips", outputs)
    os.sync()  # the sources and the folders are the user's, and long there
    truth = dict(zip((request.output for request in requests), expected, strict=True))
    with DaemonProcess(disk.place / "h", env=env).start() as daemon:
        with daemon.client() as client:
            watches = [Watch(daemon, client.submit(new_job(request))[0].id) for request in requests]
        outcome = {watch.job: request.output for watch, request in zip(watches, requests, strict=True)}
        while result.cuts < cuts and not all(watch.of("done") for watch in watches):
            _await_news(watches, source)
            with _stopped(daemon):
                result.moments.update([_last(watches)])
                copy = disk.copied()
            daemon.kill()
            done = [outcome[watch.job] for watch in watches if watch.of("done")]
            disk.change(copy)
            result.undone += [output for output in done if _found(output) != truth[output]]
            daemon.start()
            result.cuts += 1
            result.broken += broken_promises(daemon, watches)
            result.findings += [str(finding) for finding in daemon.verify().errors]
        for watch in watches:
            watch.join()
        result.jobs += len(watches)
        result.chunks += sum(len(watch.chunks()) for watch in watches)
        result.broken += broken_promises(daemon, watches)
        result.findings += [str(finding) for finding in daemon.verify().errors]
    result.differ += [output for output, wanted in truth.items() if _found(output) != wanted]


def _await_news(watches: Sequence[Watch], source: random.Random) -> None:
    """Wait until anything, a chunk or an output is reported, or all is done, then for a moment more."""
    kinds = source.choice(_NEWS)
    before = [_count(watch, kinds) for watch in watches]

    def news() -> bool:
        return [_count(watch, kinds) for watch in watches] != before or all(watch.of("done") for watch in watches)

    await_value(news)
    threading.Event().wait(source.uniform(0, _LONGEST_SECONDS))


def _count(watch: Watch, kinds: Sequence[str]) -> int:
    return sum(kind in kinds or not kinds for kind in watch.kinds())


def _last(watches: Sequence[Watch]) -> str:
    """What the job that was at work had reported last."""
    kinds = [kind for kind in (watch.kinds()[-1:] for watch in watches) if kind not in ([], ["queued"], ["done"])]
    return kinds[-1][0] if kinds else "queued"


@contextmanager
def _stopped(daemon: DaemonProcess) -> Iterator[None]:
    """While the block lasts no process of the daemon moves; then all are killed."""
    pids = [daemon.pid, *_descendants(daemon.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in [*pids, *_descendants(daemon.pid)]:
            os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return children + [each for child in children for each in _descendants(child)]


def _found(output: str) -> Decoded | None:
    """What is in a deliverable; None if there is none that can be read."""
    try:
        return decode(output)
    except (AssertionError, OSError, ValueError):
        return None


class _Disk:
    """An ext4 file system in a file; `place` is where it is mounted."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "d"
        self._folder = folder
        self._number = 0
        self._image = folder / "disk-0"

    def __enter__(self) -> Self:
        self.place.mkdir()
        with self._image.open("wb") as file:
            file.truncate(_SIZE_BYTES)
        _system("mkfs.ext4", "-q", "-F", str(self._image))
        self._mount()
        return self

    def __exit__(self, *ignored: object) -> None:
        self._unmount()
        self._image.unlink()

    def copied(self) -> Path:
        """Copy what the disk holds now, without what waits in memory."""
        self._number += 1
        return Path(shutil.copyfile(self._image, self._folder / f"disk-{self._number}"))

    def change(self, image: Path) -> None:
        """Take the disk out, and put another one in its place."""
        self._unmount()
        self._image.unlink()
        self._image = image
        self._mount()

    def _mount(self) -> None:
        _system("mount", "-o", _OPTIONS, str(self._image), str(self.place))

    def _unmount(self) -> None:
        # A killed process may still hold it for a moment.
        await_value(lambda: subprocess.run(["umount", self.place], capture_output=True, check=False).returncode == 0)


def _system(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoDiskError(f"{command[0]} does not work here; it needs the rights of root.") from error


if __name__ == "__main__":
    count, start = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory(prefix="p") as place:
        outcome = cut_at_random(count, start, Path(place))
    sys.stdout.write(f"{outcome}\n")
    sys.exit(not outcome.clean)
