"""What daemon, segments and journal cost beside a plain restoration of a clip: `python -m fault.overhead [N]`."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from fault.daemon import DaemonProcess, await_value, processor_seconds
from fault.material import new_job
from fault.promise import Watch
from media.makers import make_movie, numbered_frame

__all__ = ["Cost", "Overhead", "measure_overhead"]

_PLAIN = Path(__file__).parents[1] / "fakes" / "plain_restoration.py"
_SIZE = (160, 68)  # px
_FRAMES = 10
_LONGEST_SECONDS = 600.0
_STEP = 2  # of 65,535
_ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # for both: the last bits of a sum depend on how many share it


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the clock, and of all processors together, from a warm model to the deliverable."""

    wall: float
    cpu: float


@dataclass(slots=True)
class Overhead:
    """Pairs of runs, the plain one's and the daemon's, one after the other.

    same: whether the pictures are, but for the step of the segments, which hold 0..1 in 32,768 values.
    """

    plain: list[Cost] = field(default_factory=list)
    daemon: list[Cost] = field(default_factory=list)
    same: bool = True

    @property
    def wall_ratio(self) -> float:
        """The daemon's time by the clock for one of the plain one's: the median of the pairs."""
        return statistics.median(ours.wall / plain.wall for plain, ours in zip(self.plain, self.daemon, strict=True))

    @property
    def cpu_ratio(self) -> float:
        """The same in time of processors."""
        return statistics.median(ours.cpu / plain.cpu for plain, ours in zip(self.plain, self.daemon, strict=True))


def measure_overhead(folder: Path, repeats: int = 3) -> Overhead:
    """Restore a clip with each in turn; the motion cache is empty each time."""
    clip = make_movie(folder / "clip.mov", [numbered_frame(index, *_SIZE) for index in range(_FRAMES)])
    result = Overhead()
    with DaemonProcess(folder / "h", env=_ONE_THREAD) as daemon:
        _job(daemon.start(), clip, folder / "warm.mkv")
        for number in range(repeats):
            outputs = [folder / f"{kind}-{number}.mkv" for kind in ("plain", "daemon")]
            result.plain.append(_plain(folder / "p", clip, outputs[0]))
            shutil.rmtree(daemon.home / "cache")
            before = _cpu_of_all(daemon)
            wall = _job(daemon, clip, outputs[1])
            await_value(lambda: len(daemon.children("media")) < 2)  # the other has written the file
            result.daemon.append(Cost(wall, _cpu_of_all(daemon) - before))
            one, other = (_codes(output) for output in outputs)
            result.same &= one.shape == other.shape and int(np.abs(one - other).max()) <= _STEP
    return result


def _codes(output: Path) -> NDArray[np.int64]:
    """The 16-bit codes of all frames of a deliverable, [F, H, W, 3]."""
    with av.open(str(output)) as container:
        return np.stack([frame.to_ndarray(format="rgb48le") for frame in container.decode(video=0)]).astype(np.int64)


def _job(daemon: DaemonProcess, clip: Path, output: Path) -> float:
    """Seconds of a job from its submission to its end."""
    with daemon.client() as client:
        began = time.monotonic()
        watch = Watch(daemon, client.submit(new_job(_request(clip, output)))[0].id)
        watch.until("done", seconds=_LONGEST_SECONDS)
        return time.monotonic() - began


def _plain(home: Path, clip: Path, output: Path) -> Cost:
    """The same in a process that does nothing else, counted from when its model is loaded."""
    shutil.rmtree(home, ignore_errors=True)
    environment = {**os.environ, "ANSWERPRINT_HOME": str(home), **_ONE_THREAD}
    program = [sys.executable, str(_PLAIN), json.dumps(_request(clip, output).to_json())]
    with subprocess.Popen(program, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"started\n"
        began, cpu = time.monotonic(), processor_seconds(child.pid)
        status, usage = os.wait4(child.pid, 0)[1:]
        ended = time.monotonic()
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return Cost(ended - began, usage.ru_utime + usage.ru_stime - cpu)


def _request(clip: Path, output: Path) -> RestoreRequest:
    return RestoreRequest(ClipRef(str(clip)), str(output), codec="ffv1", device="cpu")


def _cpu_of_all(daemon: DaemonProcess) -> float:
    """Time of the daemon, of the children that it has, and of those that it had."""
    children = [*daemon.children("device"), *daemon.children("media")]
    return processor_seconds(daemon.pid, ended_children=True) + sum(map(processor_seconds, children))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="o") as place:
        outcome = measure_overhead(Path(place), *map(int, sys.argv[1:]))
    sys.stdout.write(f"{outcome}\nwall {outcome.wall_ratio:.3f}, processors {outcome.cpu_ratio:.3f}\n")
