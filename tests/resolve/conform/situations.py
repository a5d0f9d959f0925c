"""Situations that clips are met in, as data: each tells what is true, and nothing of what Resolve says of it.

for situation in SITUATIONS: ...      by name, each once
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

__all__ = ["ALL", "SITUATIONS", "Situation"]

F23, F24, F25, F30 = Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30)
F29, F50, F59, F60, F119 = (
    Fraction(30000, 1001),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
    Fraction(120000, 1001),
)


@dataclass(frozen=True, slots=True)
class Situation:
    """An item on a timeline, and the clip and file behind it.

    rate, timeline_rate: frames per second. frames: of the file. entry: frame of the file, counted from 0, that the
    first record frame shows; exact. record: duration in record frames. speed: 1 is normal. pieces: record frames and
    their speed, for one that changes. part: the clip's frames, first and stop, where it is a subclip. number: in the
    file name of frame 0; None for a movie. file_rate: where the clip's attribute differs from the file. clip_timecode:
    likewise. drop: of the timeline. start: its first timecode. pixel_aspect, fields, levels: attributes of the clip in
    Resolve's words, "" for unset.
    """

    name: str
    rate: Fraction = F25
    timeline_rate: Fraction = F25
    frames: int = 100
    entry: Fraction = Fraction(20)
    record: int = 40
    speed: Fraction = Fraction(1)
    pieces: tuple[tuple[int, Fraction], ...] = ()
    part: tuple[int, int] | None = None
    number: int | None = None
    file_rate: Fraction | None = None
    timecode: str = "00:00:00:00"
    clip_timecode: str = ""
    drop: bool = False
    start: str = "01:00:00:00"
    size: tuple[int, int] = (64, 36)
    pixel_aspect: str = ""
    fields: str = ""
    levels: str = ""
    handles: int = 24

    @property
    def ratio(self) -> Fraction:
        """Source frames in one of the timeline, at normal speed."""
        return self.rate / self.timeline_rate

    def position(self, k: int) -> Fraction:
        """Where in the file record frame k of the item lies, exact."""
        at, left = self.entry, k
        pieces = self.pieces or ((k, self.speed),)
        for number, (length, speed) in enumerate(pieces, 1):
            here = left if number == len(pieces) else min(left, length)
            at += here * speed * self.ratio
            left -= here
        return at

    @property
    def shown(self) -> list[int]:
        """Frame of the file for each record frame."""
        return [self.position(k).__floor__() for k in range(self.record)]


def _rates() -> list[Situation]:
    named = {
        "23.976": F23, "24": F24, "25": F25, "29.97": F29, "30": F30, "50": F50, "59.94": F59, "60": F60,
        "119.88": F119,
    }  # fmt: skip
    return [Situation(f"{name} in {name}", rate, rate) for name, rate in named.items()]


def _drop() -> list[Situation]:
    base = Situation("29.97 DF in 29.97 DF", F29, F29, timecode="00:59:58;10", drop=True, start="01:00:00;00")
    return [
        base,
        replace(base, name="59.94 DF in 59.94 DF", rate=F59, timeline_rate=F59, timecode="00:00:59;50"),
        replace(base, name="29.97 NDF in 29.97 DF", timecode="10:00:00:00"),
        replace(base, name="29.97 DF in 29.97 NDF", drop=False, start="01:00:00:00"),
    ]


def _trims() -> list[Situation]:
    base = Situation("whole clip", entry=Fraction(0), record=100)
    return [
        base,
        replace(base, name="head", record=30),
        replace(base, name="tail", entry=Fraction(70), record=30),
        replace(base, name="one frame", entry=Fraction(50), record=1),
        replace(base, name="first frame alone", record=1),
        replace(base, name="last frame alone", entry=Fraction(99), record=1),
        replace(base, name="no room for handles", entry=Fraction(3), record=94),
        replace(base, name="no handles asked", entry=Fraction(40), record=20, handles=0),
    ]


def _timecodes() -> list[Situation]:
    return [
        Situation("timecode from ten", timecode="10:00:00:00"),
        Situation("timecode over midnight", timecode="23:59:59:10"),
        Situation("timecode of the clip's attributes", timecode="10:00:00:00", clip_timecode="02:00:00:00"),
        Situation("23.976 with timecode", F23, F23, timecode="04:18:37:13"),
        Situation("timeline from zero", start="00:00:00:00"),
    ]


def _subclips() -> list[Situation]:
    base = Situation("subclip", part=(30, 90), entry=Fraction(30), record=60)
    return [
        base,
        replace(base, name="subclip trimmed", entry=Fraction(41), record=20, timecode="10:00:00:00"),
        replace(base, name="subclip at another rate", rate=F24, entry=Fraction(30) + 10 * F24 / F25, record=30),
        replace(base, name="subclip at 200 per cent", speed=Fraction(2), entry=Fraction(40), record=20),
        replace(base, name="subclip of a sequence", number=1001, entry=Fraction(45), record=30),
    ]


def _sequences() -> list[Situation]:
    base = Situation("sequence from 1001", F24, F24, number=1001)
    return [
        base,
        replace(base, name="sequence from 0", number=0),
        replace(base, name="sequence from 1", number=1),
        replace(base, name="sequence from 86400", number=86400, timecode="01:00:00:00"),
        replace(base, name="sequence at another rate", timeline_rate=F25, entry=20 * F24 / F25),
        replace(base, name="sequence played at 25", rate=F25, timeline_rate=F25, file_rate=F24),
        replace(base, name="sequence reversed", speed=Fraction(-1), entry=Fraction(70)),
        replace(base, name="sequence from 8 frozen", number=8, speed=Fraction(0)),
        replace(base, name="sequence from 8, ramp", number=8, pieces=((10, Fraction(2)), (30, Fraction(3, 2)))),
    ]


def _mixed() -> list[Situation]:
    found = []
    for name, rate, timeline_rate, frames in (
        ("50 in 25", F50, F25, 200),
        ("25 in 50", F25, F50, 100),
        ("24 in 25", F24, F25, 100),
        ("25 in 24", F25, F24, 100),
        ("23.976 in 24", F23, F24, 100),
        ("24 in 23.976", F24, F23, 100),
        ("25 in 29.97", F25, F29, 100),
        ("59.94 in 23.976", F59, F23, 200),
        ("29.97 in 25", F29, F25, 100),
        ("60 in 59.94", F60, F59, 100),
    ):
        base = Situation(name, rate, timeline_rate, frames, timecode="10:00:00:00")
        found.append(replace(base, entry=17 * base.ratio))
        found.append(
            replace(base, name=f"{name}, untrimmed", entry=Fraction(0), record=int(90 / max(Fraction(1), base.ratio)))
        )
    odd = Situation("50 in 25, from an odd frame", F50, F25, 200, Fraction(35))
    return [*found, odd, Situation("clip of 24 played at 25", F25, F25, file_rate=F24)]


def _speeds() -> list[Situation]:
    base = Situation("200 per cent", speed=Fraction(2), entry=Fraction(10))
    return [
        base,
        replace(base, name="50 per cent", speed=Fraction(1, 2)),
        replace(base, name="87.5 per cent", speed=Fraction(7, 8)),
        replace(base, name="reversed", speed=Fraction(-1), entry=Fraction(80)),
        replace(base, name="reversed from the end", speed=Fraction(-1), entry=Fraction(99), record=100),
        replace(base, name="reversed at 200 per cent", speed=Fraction(-2), entry=Fraction(95)),
        replace(base, name="reversed at 50 per cent", speed=Fraction(-1, 2), entry=Fraction(80)),
        replace(base, name="freeze", speed=Fraction(0), entry=Fraction(33)),
        replace(base, name="freeze of the last frame", speed=Fraction(0), entry=Fraction(99)),
        replace(base, name="50 in 25 at 50 per cent", rate=F50, speed=Fraction(1, 2)),
        replace(base, name="24 in 25 at 200 per cent", rate=F24, speed=Fraction(2), entry=10 * F24 / F25),
        replace(
            base, name="25 in 24 at 200 per cent", timeline_rate=F24, speed=Fraction(2), entry=17 * F25 / F24, record=30
        ),
        replace(base, name="23.976 in 25 reversed", rate=F23, speed=Fraction(-1), entry=Fraction(80)),
        replace(base, name="24 in 25 frozen", rate=F24, speed=Fraction(0), entry=Fraction(48)),
        replace(base, name="ramp", speed=Fraction(1), pieces=((10, Fraction(1)), (10, Fraction(3)), (20, Fraction(2)))),
        replace(base, name="ramp to a stop", speed=Fraction(1), pieces=((20, Fraction(2)), (20, Fraction(1, 4)))),
    ]


def _pictures() -> list[Situation]:
    return [
        Situation("PAL 4:3", size=(72, 58), pixel_aspect="1.0667", fields="Upper Field"),
        Situation("PAL 16:9", size=(72, 58), pixel_aspect="1.4222", fields="Lower Field"),
        Situation("NTSC 4:3", F29, F29, size=(72, 48), pixel_aspect="0.9091", fields="Lower Field"),
        Situation("cinemascope", F24, F24, pixel_aspect="Cinemascope"),
        Situation("square by attribute", pixel_aspect="Square"),
        Situation("progressive by attribute", fields="Progressive"),
        Situation("full levels", levels="Full"),
        Situation("video levels", levels="Video"),
    ]


SITUATIONS: tuple[Situation, ...] = (
    *_rates(), *_drop(), *_trims(), *_timecodes(), *_subclips(), *_sequences(), *_mixed(), *_speeds(), *_pictures(),
)  # fmt: skip
ALL: dict[str, Situation] = {each.name: each for each in SITUATIONS}
