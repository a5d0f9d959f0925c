"""An editor's timeline with one clip and its restored file, ready to be put back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from answerprint.resolve.api import Resolve
from answerprint.resolve.put_back import Outcome, put_back_session, undo
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.put_back.placement import Placement
from fakes.resolve import FakeResolve
from fakes.resolve.clip import Clip
from fakes.resolve.item import Item
from fakes.resolve.timeline import Timeline
from media.makers import make_movie, make_png, numbered_frame

__all__ = ["JOB", "PutBackCase", "make_case", "make_picture", "make_sequence", "put_back"]

JOB = "0123456789abcdef"
START = "01:00:00:00"


def put_back(
    resolve: Resolve,
    place: Placement,
    job: str,
    path: str,
    ledger: Ledger,
    *,
    save: bool = True,
    **options: Any,  # noqa: ANN401 - those of `PutBackSession.put`
) -> Outcome:
    """Put one clip back, in a session of its own."""
    with put_back_session(resolve, ledger, save=save) as one:
        outcome = one.put(place, job, path, **options)
    return one.final(outcome)


@dataclass(slots=True)
class PutBackCase:
    """fake: what the user sees. before: source frame at each record frame that the item has."""

    fake: FakeResolve
    timeline: Timeline
    clip: Clip
    item: Item
    place: Placement
    path: str
    ledger: Ledger
    before: tuple[int, ...]

    @property
    def resolve(self) -> Resolve:
        """A new attachment."""
        return Resolve(self.fake.bridge().root)

    def put(self, job: str = JOB, **options: Any) -> Outcome:  # noqa: ANN401 - those of `PutBackSession.put`
        """Put the clip back."""
        return put_back(self.resolve, self.place, job, self.path, self.ledger, **options)

    def undo(self, job: str = JOB) -> Outcome:
        """Take it out."""
        return undo(self.resolve, job, self.ledger)

    @property
    def records(self) -> range:
        """The item's record frames."""
        return range(self.item.start, self.item.stop)

    def sees_restored(self, records: range | None = None) -> list[int]:
        """The source frames whose restored ones are seen; fails where anything else is."""
        found = []
        for record in records or self.records:
            shown = self.fake.shown(self.timeline, record)
            assert shown is not None
            assert self.is_restored(shown.path), f"{shown.path} is seen at {record}"
            found.append(shown.frame + self.place.restored_first)
        return found

    def sees_source(self, records: range | None = None) -> list[int]:
        """The source frames that are seen; fails where anything else is."""
        found = []
        for record in records or self.records:
            shown = self.fake.shown(self.timeline, record)
            assert shown is not None
            assert not self.is_restored(shown.path), f"{shown.path} is seen at {record}"
            found.append(shown.frame)
        return found

    def is_restored(self, path: str) -> bool:
        """Whether a File Path is the restored file's."""
        return Path(path).parent == Path(self.path).parent

    def restored_clips(self) -> list[Clip]:
        """Clips of the restored file."""
        return [clip for clip in self.fake.clips() if self.is_restored(clip.path)]

    def restored_items(self) -> list[Item]:
        """Items that are made of them."""
        clips = self.restored_clips()
        return [
            item
            for timeline in self.fake.project.timelines
            for item in timeline.all_items()
            if any(item.original is clip for clip in clips)
        ]


def make_case(
    fake: FakeResolve,
    folder: Path,
    *,
    mode: str = "track",
    rate: Fraction | int = 25,
    timeline_rate: str | int = 25,
    frames: int = 60,
    source: tuple[int | Fraction, int | Fraction] = (20, 40),
    speed: Fraction | int = 1,
    duration: int | None = None,
    handles: int = 5,
    align: bool = True,
    subclip: tuple[int, int] | None = None,
    sequence: bool = False,
    restored_sequence: bool = False,
    whole: bool = False,
    track: int = 1,
    record: int | None = None,
    attributes: dict[str, str] | None = None,
    sound: str | None = None,
) -> PutBackCase:
    """whole: all of the source was restored. align: the restored file begins on a frame of the timeline."""
    rate = Fraction(rate)
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    if sequence:
        media: Path = make_sequence(folder / "in" / "plate.%04d.png", frames, 1001)
    else:
        media = make_movie(
            folder / "in" / "plate.mov", frames, rate=rate, timecode="10:00:00:00", sound=sound, options=_FAST
        )
    timeline = fake.add_timeline("Reel 1", rate=timeline_rate)
    clip = fake.add_clip(media, fps=rate, subclip=subclip, start_tc="10:00:00:00", Reel_Name="A001")
    item = timeline.place(clip, track=track, record=record, source=source, speed=speed, duration=duration)
    shown = [item.warp.shown(k) for k in range(item.duration)]
    first, stop = min(shown), max(shown) + 1
    restored_first, restored_stop = (0, frames) if whole else (max(0, first - handles), min(frames, stop + handles))
    if align:
        restored_first -= restored_first % (rate / timeline.rate).numerator
    name = "plate_restored"
    if restored_sequence:
        number = 1001 + restored_first
        path = make_sequence(folder / "out" / f"{name}.%04d.png", restored_stop - restored_first, number)
    else:
        path = make_movie(
            folder / "out" / f"{name}.mov",
            restored_stop - restored_first,
            rate=rate,
            timecode="10:00:00:00",
            options=_FAST,
        )
    place = Placement(
        mode=mode,
        project=fake.project.id,
        project_name=fake.project.name,
        timeline=timeline.id,
        timeline_name=timeline.name,
        item=item.id,
        clip=clip.id,
        name=clip.name,
        first=first,
        stop=stop,
        restored_first=restored_first,
        restored_stop=restored_stop,
        rate=rate,
        record=item.start,
        duration=item.duration,
        track=track,
        offset=item.warp.entry - first,
        speed=Fraction(speed),
        attributes=attributes or {},
        left=Fraction(item.GetLeftOffset(True) or 0).limit_denominator(1_000_000),
    )
    return PutBackCase(fake, timeline, clip, item, place, str(path), Ledger(folder / "ledger", 0.0), tuple(shown))


_FAST = {"preset": "ultrafast"}


def make_sequence(pattern: Path, frames: int, first: int) -> Path:
    """Pictures that carry their own number."""
    for index in range(frames):
        make_picture(Path(str(pattern) % (first + index)), index)
    return pattern


def make_picture(path: Path, index: int = 0) -> Path:
    """One picture."""
    return make_png(path, numbered_frame(index, 16, 8).to_ndarray(format="rgb48le").astype(np.uint16))
