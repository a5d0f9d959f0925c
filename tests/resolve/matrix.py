"""Situations on a timeline, each restored and put back for real: `python -m resolve.matrix`, or `make report-resolve`.

Every source frame has its number burned in. A clip goes the whole way: Resolve (the fake, with all that was measured of
the real one's misbehaviour) -> gRPC -> daemon -> embedded model -> ProRes -> import -> track. Then the numbers in the
restored file are read at every record frame: they are those that the source showed there, or the clip was refused, or
it came back into the media pool only, with the reason.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from answerprint.api.job import ENDED, JobState
from answerprint.client.client import Client
from answerprint.media import open_reader, probe
from answerprint.resolve.api import Resolve
from answerprint.resolve.conform.selection import SelectionRule
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.restore.finish import put_finished
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.resolve.restore.submit import Queued, queue_selection
from fakes.resolve import FakeResolve
from fakes.resolve.timeline import Timeline
from fault.daemon import DaemonProcess, await_value
from media.makers import make_movie, make_png, number_in, numbered_frame
from resolve.conform.situations import SITUATIONS, Situation

__all__ = ["Row", "main", "run_matrix"]

_LONGEST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a situation. wrong: record frames that show another number than before; None: not put there."""

    name: str
    where: str
    frames: int
    wrong: int | None
    note: str = ""
    ok: bool = True

    def __str__(self) -> str:
        verdict = "yes" if self.ok else "NO"
        compared = "" if self.wrong is None else f"{self.frames - self.wrong} of {self.frames} frames"
        return f"| {self.name} | {self.where} | {compared} | {self.note} | {verdict} |"


@dataclass(slots=True)
class _Case:
    """A situation with its Resolve."""

    situation: Situation
    fake: FakeResolve
    timeline: Timeline
    record: range
    before: list[int]
    queued: Queued | None = None
    notes: list[str] = field(default_factory=list)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; returns 0 when no frame is wrong."""
    parser = argparse.ArgumentParser(prog="matrix", description=__doc__)
    parser.add_argument("--only", default="", help="situations with this word in their names")
    parser.add_argument("--put", default="track", choices=["pool", "track", "take"])
    parser.add_argument("--version", default="21.1", help="of the Resolve that is met: 18.6, 20.3, 21.0.4, 21.1")
    args = parser.parse_args(argv)
    version = tuple(map(int, args.version.split(".")))
    chosen = [each for each in SITUATIONS if args.only in each.name]
    if not chosen:
        parser.error(f"no situation has {args.only!r} in its name")
    sys.stdout.write("| situation | put back | numbers read back | note | right |\n|---|---|---|---|---|\n")
    rows = []
    with (
        tempfile.TemporaryDirectory(prefix="x") as folder,
        DaemonProcess(Path(folder) / "h") as daemon,
        daemon.start().client() as client,
    ):
        for row in run_matrix(chosen, Path(folder), client, args.put, version):
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()
            rows.append(row)
    placed = sum(row.wrong == 0 for row in rows)
    wrong = sum(not row.ok for row in rows)
    sys.stdout.write(f"\n{len(rows)} situations: {placed} exact in place, {len(rows) - placed - wrong} otherwise")
    sys.stdout.write(f" and said so, {wrong} wrong\n")
    return 1 if wrong else 0


def run_matrix(
    situations: Iterable[Situation],
    folder: Path,
    client: Client,
    put: str = "track",
    version: tuple[int, ...] = (21, 1),
) -> Iterator[Row]:
    """Queue all, wait for all, put back and compare each."""
    with ExitStack() as stack:
        cases = []
        for number, situation in enumerate(situations):
            case = _build(situation, folder / f"s{number}", stack, version)
            wishes = RestoreSettings(put=put, handles=situation.handles, settings={"steps": 1})
            case.queued = queue_selection(_attach(case), client, SelectionRule("timeline"), wishes)
            cases.append(case)
        ledger = Ledger(folder / "ledger")
        for case in cases:
            yield _finish(case, client, ledger)


def _attach(case: _Case) -> Resolve:
    return Resolve(case.fake.bridge().root)


def _build(situation: Situation, folder: Path, stack: ExitStack, version: tuple[int, ...]) -> _Case:
    folder.mkdir()
    fake = stack.enter_context(FakeResolve("studio", version))
    rate = f"{float(situation.timeline_rate):.3f}".rstrip("0").rstrip(".")
    timeline = fake.add_timeline("Reel 1", f"{rate} DF" if situation.drop else rate, situation.start, (256, 144))
    attributes: dict[str, Any] = {
        name: value
        for name, value in (
            ("PAR", situation.pixel_aspect),
            ("Field_Dominance", situation.fields),
            ("Data_Level", situation.levels),
        )
        if value
    }
    clip = fake.add_clip(
        _media(situation, folder),
        fps=situation.rate,
        subclip=situation.part,
        start_tc=situation.clip_timecode or ("" if situation.number is None else situation.timecode),
        **attributes,
    )
    first, stop = situation.part or (0, situation.frames)
    source = (first, situation.entry + 1) if situation.speed < 0 else (situation.entry, stop)
    speed = situation.pieces or situation.speed
    item = timeline.place(clip, record=timeline.start + 10, source=source, speed=speed, duration=situation.record)
    record = range(item.start, item.stop)
    before = []
    for frame in record:
        shown = fake.shown(timeline, frame)
        assert shown is not None
        before.append(shown.frame)
    assert before == situation.shown, f"{situation.name}: the case is not what it should be"
    return _Case(situation, fake, timeline, record, before)


def _media(situation: Situation, folder: Path) -> Path:
    """A film whose frames carry their numbers."""
    width, height = situation.size
    frames = [numbered_frame(index, width, height) for index in range(situation.frames)]
    if situation.number is None:
        rate = situation.file_rate or situation.rate
        return make_movie(
            folder / "film.mov", frames, options={"g": "1", "preset": "ultrafast"}, rate=rate,
            timecode=situation.timecode,
        )  # fmt: skip
    for index, frame in enumerate(frames):
        make_png(
            folder / f"plate.{situation.number + index:06}.png", frame.to_ndarray(format="rgb48le").astype(np.uint16)
        )
    last = situation.number + situation.frames - 1
    return folder / f"plate.[{situation.number:06}-{last:06}].png"


def _finish(case: _Case, client: Client, ledger: Ledger) -> Row:
    situation, queued = case.situation, case.queued
    assert queued is not None
    if queued.refused:
        reasons = "; ".join(str(each.refusal) for each in queued.refused)
        return Row(situation.name, "refused", len(case.before), None, reasons)
    ((planned, job),) = queued.jobs
    await_value(lambda: client.get(job.id).state in ENDED, _LONGEST_SECONDS)
    if (done := client.get(job.id)).state is not JobState.DONE:
        return Row(situation.name, "failed", len(case.before), None, str(done.problem), ok=False)
    (outcome,) = put_finished(_attach(case), client, ledger).outcomes
    note = "; ".join((*planned.notes, *outcome.warnings))
    violations = case.fake.violations
    numbers = _numbers(outcome.path)
    held = list(range(planned.place.restored_first, planned.place.restored_stop))
    # Whatever way it was put back: the file holds the frames it is said to hold, and all that were seen.
    right = numbers == held and set(case.before) <= set(held) and not violations
    if outcome.did == "pool":
        return Row(situation.name, "pool", len(case.before), None, note, ok=right)
    wrong = 0
    for frame, number in zip(case.record, case.before, strict=True):
        shown = case.fake.shown(case.timeline, frame)
        wrong += shown is None or shown.path != outcome.path or _numbers(shown.path)[shown.frame] != number
    where = f"{outcome.did}, {planned.handles[0]}+{planned.handles[1]} handles"
    return Row(situation.name, where, len(case.before), wrong, note, ok=right and not wrong)


@cache
def _numbers(path: str) -> list[int]:
    """The numbers that are burned into a file's frames, by our own reader."""
    with open_reader(probe(path)) as reader:
        return [number_in(frame.picture) for frame in reader]


if __name__ == "__main__":
    sys.exit(main())
