"""Another user swaps the output's folder for the source's, at every moment that can be told from outside.

"The source file is never written to": with --overwrite and the source's name, whatever writes by a path alone replaces
it. Tried with a movie, a sequence of pictures and a preview.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import numpy as np

from answerprint.api.job import ENDED
from answerprint.api.request import PreviewRequest
from answerprint.api.types import NewJob
from answerprint.client.client import Client
from answerprint.errors import InputError
from fault.daemon import PATIENCE_SECONDS, DaemonProcess, await_value
from fault.material import Untouched, litter, make_clip, new_job, small
from media.makers import make_png

__all__ = ["KINDS", "Raced", "race"]

KINDS = ("movie", "sequence", "preview")
_NOBODY = 65534
_MOMENTS = 9
"""Changes in the output's folder that a job can be seen to make: trials, temporary files, results."""
_SWAPPER = Path(__file__).with_name("swapper.py")


@dataclass(slots=True)
class Raced:
    """What 50 tries, say, came to. ends: how jobs ended. touched: tries after which the source was another."""

    kind: str
    tries: int = 0
    swaps: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    touched: list[int] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether the source stayed as it was, although folders were swapped."""
        return self.swaps > 0 and not self.touched and not self.left


def race(kind: str, tries: int) -> Raced:
    """Have the folder swapped at one moment after the other, a job each."""
    raced = Raced(kind)
    # Where an unprivileged user can come: a test's own folder is closed.
    with tempfile.TemporaryDirectory(prefix="r") as name:
        place = Path(name)
        place.chmod(0o755)
        mine = place / "mine"
        mine.mkdir(mode=0o755)
        _make_source(kind, mine)
        with DaemonProcess(place / "h").start() as daemon, daemon.client() as client:
            for number in range(tries):
                before = Untouched(mine)
                with _share(place, mine, 1 + number % _MOMENTS, raced) as share:
                    raced.ends[_do(client, _job(kind, mine, share / "out"))] += 1
                    raced.left += litter(share)
                raced.tries += 1
                try:
                    before.check()
                except AssertionError:
                    raced.touched.append(number)
                    shutil.rmtree(mine)
                    mine.mkdir(mode=0o755)
                    _make_source(kind, mine)
    return raced


def _make_source(kind: str, mine: Path) -> None:
    if kind == "movie":
        make_clip(mine / "film.mkv", 2)
        return
    for index in range(3):
        make_png(mine / f"mine-{index:06d}.png", np.full((24, 32, 3), 9000 + index, np.uint16))


def _job(kind: str, mine: Path, out: Path) -> NewJob:
    if kind == "movie":
        return new_job(small(mine / "film.mkv", out / "film.mkv", codec="ffv1", overwrite=True))
    if kind == "sequence":
        return new_job(small(mine, out / "mine-%06d.png", overwrite=True))
    preview = PreviewRequest(small(mine, out, overwrite=True), frame=1, count=3)
    return NewJob(str(uuid4()), "preview", preview.to_json())


def _do(client: Client, new: NewJob) -> str:
    try:
        job = client.submit(new)[0].id
    except InputError:
        return "refused"
    return await_value(lambda: client.get(job) if client.get(job).state in ENDED else None).state.value


@contextmanager
def _share(place: Path, victim: Path, nth: int, raced: Raced) -> Iterator[Path]:
    """A folder in which everybody may rename, and one who does, at the nth change."""
    share = place / "share"
    (share / "real").mkdir(parents=True)
    (share / "out").symlink_to("real")
    for each in (share, share / "real"):
        each.chmod(0o777)
    process = _attacker(share, victim, nth)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", "the other user cannot watch the folder"
        yield share
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        raced.swaps += "swapped" in said
        shutil.rmtree(share)


def _attacker(share: Path, victim: Path, nth: int) -> subprocess.Popen[str]:
    """Another user where we may become one, else the same: the race is the same."""
    user = [str(_NOBODY)] if os.geteuid() == 0 else []
    command = [sys.executable, str(_SWAPPER), str(share), str(victim), str(nth), *user]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
