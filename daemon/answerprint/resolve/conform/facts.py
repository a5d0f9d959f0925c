"""Resolve's answers as data, read once, so that all reasoning about them is pure; and refusals, as data too.

A refusal is returned, not raised: a refused clip does not stop the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

__all__ = ["ClipFacts", "ItemFacts", "Refusal", "SourceRange", "TimelineFacts"]


@dataclass(frozen=True, slots=True)
class TimelineFacts:
    """A timeline. start: first record frame. size: px, 0 if unknown. rate: exact (29.97 is 30000/1001)."""

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
    """A clip of the media pool. properties: its clip attributes, by Resolve's names, all text.

    notes: our own third-party metadata, by the keys of `put_back.placement`; empty if the clip is not ours.
    """

    id: str
    name: str
    properties: Mapping[str, str]
    is_timeline: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """File Path, a sequence as `/dir/plate.[0001-1008].exr`; "" if there is none."""
        return self.properties.get("File Path", "")


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """A timeline item of a video track. Numbers are Resolve's own, None if Resolve returns none.

    start, end, duration: record frames. left_offset: with subframes. speed: per cent, None before 21.1. job: the job id
    in its marker, "" if the item is not ours.
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
    """The frames of the media that an item shows, counted from 0 of the file, without its retime; stop is exclusive.

    offset: source frames from `first` to what the first record frame shows, exact (below 1 unless the rates differ).
    speed: 1 is normal, 2 is double, 0 a freeze frame, below 0 reversed. how: which readers agreed, for the report.
    steady: False if the speed changes within the item; `speed` is then its mean. exact: False if the frames are known,
    but not which of them each record frame shows: such a range can be restored, but not placed by arithmetic alone.
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
    """Why an item or clip is not restored. code: for programs. reason, remedy: a line each, for people.

    renderable: whether it can be restored once Resolve has rendered it to a file.

    Codes: no_clip, transition, compound, offline, audio, unreadable (the medium); hollow, unknown, disagree, outside
    (the frames that the item shows); frames, attribute (Resolve and the file contradict each other); restored (the clip
    is a restoration of ours).
    """

    code: str
    reason: str
    remedy: str = ""
    renderable: bool = False

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}".strip()
