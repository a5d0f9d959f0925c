"""What Resolve says, as it says it: read once, so that all reasoning about it is a function of data.

Why something on a timeline is not restored, as data: one refusal does not end the others' work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

__all__ = ["ClipFacts", "ItemFacts", "Refusal", "SourceRange", "TimelineFacts"]


@dataclass(frozen=True, slots=True)
class TimelineFacts:
    """A timeline. start: first record frame. size: px, 0 for unknown. rate is exact (29.97 is 30000/1001)."""

    id: str
    name: str
    project: str
    """The project's unique id."""
    project_name: str
    rate: Fraction
    drop: bool
    start: int
    start_timecode: str
    size: tuple[int, int]
    pixel_aspect: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """A clip of the media pool. properties: as Resolve names them, all text.

    notes: what we keep with a clip of ours, by the keys of `putting.names`; none for any other.
    """

    id: str
    name: str
    properties: Mapping[str, str]
    is_timeline: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """File Path, a sequence as `/dir/plate.[0001-1008].exr`; "" where there is none."""
        return self.properties.get("File Path", "")


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """An item on a video track. Numbers are as Resolve says them, None where it says nothing.

    start, end, duration: record frames. left_offset: with subframe precision. speed: per cent, None before 21.1.
    job: what its marker says, where it is one of ours.
    """

    id: str
    name: str
    track: int
    start: float | None
    end: float | None
    duration: float | None
    left_offset: float | None
    source_start: float | None
    source_end: float | None
    source_start_seconds: float | None
    source_end_seconds: float | None
    speed: float | None = None
    type: str = ""
    enabled: bool = True
    fusion_comps: int = 0
    clip: ClipFacts | None = None
    job: str = ""


@dataclass(frozen=True, slots=True)
class SourceRange:
    """The frames of the media that an item shows, from 0 of the file, un-retimed; stop is exclusive.

    offset: source frames from `first` to what the item's first record frame shows (below 1 unless rates differ),
    exact. speed: source frames for one that would pass at normal speed: 1, 2, 1/2, 0 for a freeze, below 0 reversed.
    how: which readers agreed, for the report. steady: False where the speed changes within the item; `speed` is then
    its mean. exact: False where the frames are sure, but not which of them each record frame shows; such a range can be
    restored, and must not be put back by arithmetic alone.
    """

    first: int
    stop: int
    speed: Fraction
    offset: Fraction = Fraction(0)
    how: str = ""
    steady: bool = True
    exact: bool = True

    def __len__(self) -> int:
        return self.stop - self.first


@dataclass(frozen=True, slots=True)
class Refusal:
    """code: for programs. reason, remedy: a line each, for people.

    renderable: whether what is seen could be restored after all once Resolve has rendered it to a file.

    Codes: no_clip, transition, compound, offline, audio, unreadable (of the medium); hollow, unknown, disagree, outside
    (of where the item lies in it); frames, attribute (of what Resolve and the file say of one another); restored (it is
    our own work).
    """

    code: str
    reason: str
    remedy: str = ""
    renderable: bool = False

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}".strip()
