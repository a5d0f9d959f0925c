"""What the plugin adds around a restoration, in calls on Resolve and in seconds: `python -m resolve.cost`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from answerprint.client.client import Client
from answerprint.resolve.api import Resolve
from answerprint.resolve.conform.selection import SelectionRule
from answerprint.resolve.put_back import put_back_session
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.resolve.restore.submit import queue_selection
from fakes.resolve import FakeResolve
from fault.daemon import DaemonProcess
from media.makers import make_movie

__all__ = ["Cost", "main", "measure"]


@dataclass(frozen=True, slots=True)
class Cost:
    """Calls on Resolve, and seconds, for clips that are each of a file of their own."""

    clips: int
    put: str
    read_calls: int
    put_calls: int
    read_seconds: float
    put_seconds: float
    own_seconds: float
    """Of these, processor time of the stand-in: it opens the files that it imports, as Resolve does."""

    @property
    def added(self) -> float:
        """What the plugin adds, s."""
        return self.read_seconds + self.put_seconds - self.own_seconds

    def __str__(self) -> str:
        return (
            f"{self.clips} clips, put back: {self.put}:"
            f" {self.read_calls} calls to read and {self.put_calls} to put back,"
            f" {self.added:.2f} s ({self.read_seconds:.2f} to read, probe and queue, {self.put_seconds:.2f} to put"
            f" back, less {self.own_seconds:.2f} of the stand-in's own work)"
        )


def measure(clips: int, put: str, folder: Path, client: Client) -> Cost:
    """Read, probe and queue clips with a daemon that begins none of them; then put back files that are there."""
    folder.mkdir()
    with FakeResolve("studio", (21, 0, 4)) as fake:
        timeline = fake.add_timeline("Reel 1", rate=25)
        for index in range(clips):
            film = make_movie(folder / f"film{index}.mov", 60, codec="mpeg4", options={"g": "1"}, rate=Fraction(25))
            timeline.place(fake.add_clip(film), record=timeline.start + 100 * index, source=(10, 50))
        resolve = Resolve(fake.bridge().root)
        wishes = RestoreSettings(put=put, handles=5, folder=str(folder / "out"))
        own, before, began = fake.seconds, len(fake.calls), time.perf_counter()
        queued = queue_selection(resolve, client, SelectionRule("timeline"), wishes)
        read_seconds, read_calls = time.perf_counter() - began, len(fake.calls) - before
        own_seconds = fake.seconds - own
        assert len(queued.jobs) == clips, queued.refused
        for planned, job in queued.jobs:
            client.cancel(job.id)
            make_movie(Path(planned.output), 50, codec="mpeg4", options={"g": "1"}, rate=Fraction(25))
        ledger = Ledger(folder / "ledger")
        own, before, began = fake.seconds, len(fake.calls), time.perf_counter()
        with put_back_session(resolve, ledger) as session:
            outcomes = [session.put(each.place, job.id, each.output) for each, job in queued.jobs]
        assert all((each.state, each.did) == ("put", put) for each in outcomes), outcomes
        assert all(session.final(each).saved for each in outcomes)
        put_seconds, put_calls = time.perf_counter() - began, len(fake.calls) - before
        own_seconds += fake.seconds - own
        assert not fake.violations
        most = Counter(fake.calls).most_common(3)
        sys.stderr.write(f"most often: {most}\n")
    return Cost(clips, put, read_calls, put_calls, read_seconds, put_seconds, own_seconds)


def main(argv: Sequence[str] | None = None) -> int:
    """Print calls for one clip and seconds for 50; returns 0 when those take less than 2."""
    slow = False
    with (
        tempfile.TemporaryDirectory(prefix="c") as folder,
        DaemonProcess(Path(folder) / "h") as daemon,
        daemon.start().client() as client,
    ):
        client.suspend("measuring")
        client.describe(str(make_movie(Path(folder) / "first.mov", 5)))  # the media child starts once
        for put in ("pool", "track"):
            for clips in (1, 50):
                cost = measure(clips, put, Path(folder) / f"{put}{clips}", client)
                sys.stdout.write(f"{cost}\n")
                slow |= clips == 50 and cost.added >= 2
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
