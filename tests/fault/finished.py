"""What was reported done stays: against a wrong clock, a source that is rendered anew, and another user.

Each figure counts what was lost, mixed or touched.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from answerprint.api.job import ENDED
from answerprint.client.client import Client
from fault.daemon import DaemonProcess, await_value
from fault.material import Decoded, decode, make_clip, new_job, small
from fault.measure_jobs import Figure
from fault.promise import Watch
from fault.races import KINDS, race

__all__ = ["FINISHED", "measure_changes", "measure_clock", "measure_races"]

TRIES = 50
CHANGES = 12
_MOMENTS = (("running", 1), ("chunk", 1), ("chunk", 2), ("chunk", 3), ("muxing", 1))
_PRUNED_SECONDS = 65.0
"""After so long a daemon has looked once for what is old."""
_YEAR = 365 * 86400
_SHIFTED = [sys.executable, "-P", str(Path(__file__).with_name("shifted_daemon.py"))]


def measure_races(folder: Path, tries: int = TRIES) -> list[Figure]:
    """Sources that were touched, and files left behind, when another user swaps the output's folder for theirs."""
    figures = []
    for kind in KINDS:
        raced = race(kind, tries)
        name = f"output folder swapped by another user: {raced.tries} tries of a {kind}, {raced.swaps} swaps"
        figures.append(Figure(name, len(raced.touched) + len(raced.left) + (not raced.swaps), "", 1))
    return figures


def measure_clock(folder: Path, wait_seconds: float = _PRUNED_SECONDS) -> list[Figure]:
    """Jobs and chunks that are gone when the clock was in 2000 while they ended, is right, and then 90 days ahead."""
    clock = folder / "clock"
    daemon = DaemonProcess(folder / "h", env={"SHIFT_FILE": str(clock)}, program=_SHIFTED)
    clip = make_clip(folder / "clip.mkv", 6)
    away = folder / "away"
    away.mkdir()
    clock.write_text(str(-26 * _YEAR))
    with daemon.start(), daemon.client() as client:
        Watch(daemon, client.submit(new_job(small(clip, folder / "done.mkv", codec="ffv1")))[0].id).until("done")
        job = client.submit(new_job(small(clip, away / "failed.mkv", codec="ffv1")))[0].id
        Watch(daemon, job).until("chunk")
        away.rename(folder / "unplugged")
        await_value(lambda: client.get(job).state in ENDED)
    kept = sorted((daemon.scratch / job).glob("chunk-*"))
    lost = 0
    for shift in (0, 90 * 86400, -26 * _YEAR):
        clock.write_text(str(shift))
        with daemon.start(), daemon.client() as client:
            time.sleep(wait_seconds)
            lost += 2 - client.list([], limit=10).total
        lost += len(kept) - sum(path.exists() for path in kept)
    return [Figure(f"clock in 2000, right, 90 days ahead: 2 jobs and {len(kept)} files of chunks", lost, "", 1)]


def measure_changes(folder: Path, tries: int = CHANGES) -> list[Figure]:
    """Results with frames or sound of two sources, when a source is rendered anew after one chunk or another."""
    old, new = folder / "old.mkv", folder / "new.mkv"
    make_clip(new, 6, sound=True)
    make_clip(folder / "longer.mkv", 9, sound=True)
    with DaemonProcess(folder / "h").start() as daemon, daemon.client() as client:
        request = small(folder / "longer.mkv", old, range="3:9", codec="ffv1", model="tiny-x4", size=(40, 32))
        Watch(daemon, client.submit(new_job(request))[0].id).until("done")
        whole = [_undisturbed(daemon, client, each, folder) for each in (old, new)]
        mixed, renewed, source = 0, 0, folder / "source.mkv"
        for number in range(tries):
            shutil.copy2(old, source)
            output = folder / f"out-{number}.mkv"
            watch = Watch(daemon, client.submit(new_job(small(source, output, codec="ffv1")))[0].id)
            watch.until(*_MOMENTS[number % len(_MOMENTS)])
            if number % 2:
                shutil.copy(new, folder / "next")
                (folder / "next").replace(source)
            else:
                source.write_bytes(new.read_bytes())
            watch.until("done")
            found = decode(str(output))
            mixed += found not in whole
            renewed += found == whole[1]
    name = f"source rendered anew while it is restored or written: {tries} tries, {renewed} restored again"
    return [Figure(name, mixed + (not renewed), "", 1)]


def _undisturbed(daemon: DaemonProcess, client: Client, clip: Path, folder: Path) -> Decoded:
    request = small(clip, folder / f"whole-{clip.stem}.mkv", codec="ffv1")
    Watch(daemon, client.submit(new_job(request))[0].id).until("done")
    return decode(request.output)


FINISHED: Mapping[str, Callable[[Path], list[Figure]]] = MappingProxyType(
    {"races": measure_races, "clock": measure_clock, "anew": measure_changes}
)
