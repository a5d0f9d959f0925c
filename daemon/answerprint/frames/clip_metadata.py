"""What a clip says about itself besides its pictures, so that a deliverable can say it too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

__all__ = ["NO_METADATA", "Chapter", "ClipMetadata", "HdrMetadata"]


@dataclass(frozen=True, slots=True)
class HdrMetadata:
    """The static metadata of HDR10: the mastering display (SMPTE ST 2086) and the content light level (CTA-861.3).

    chromaticities: x and y of red, green, blue and white; () if unknown. luminance: least and most, in cd/m²; None if
    unknown. light_level: the largest light level of a pixel and the largest average of a frame, in cd/m²; None if
    unknown.
    """

    chromaticities: tuple[tuple[Fraction, Fraction], ...] = ()
    luminance: tuple[Fraction, Fraction] | None = None
    light_level: tuple[int, int] | None = None

    @property
    def has_display(self) -> bool:
        """Whether anything of the mastering display is known."""
        return bool(self.chromaticities) or self.luminance is not None


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of a clip with a title. start, stop: seconds after the start of frame 0."""

    start: Fraction
    stop: Fraction
    title: str


@dataclass(frozen=True, slots=True)
class ClipMetadata:
    """Texts of a file and what its containers have places of their own for.

    texts: of the file, by lower-case key; `creation_time` is one of them. reel: name of the tape or of the camera's
    card. track_title, language: of the pictures; language is a code of ISO 639-2. chapters: in order. hdr: None if the
    file has none of it.
    """

    texts: tuple[tuple[str, str], ...] = ()
    reel: str = ""
    track_title: str = ""
    language: str = ""
    chapters: tuple[Chapter, ...] = ()
    hdr: HdrMetadata | None = None

    def within(self, start: Fraction, stop: Fraction, speed: Fraction = Fraction(1)) -> ClipMetadata:
        """Return what holds for a part of the clip, in seconds; chapters are cut and moved, and played at `speed`."""
        cut = (
            Chapter((max(each.start, start) - start) / speed, (min(each.stop, stop) - start) / speed, each.title)
            for each in self.chapters
            if each.start < stop and each.stop > start
        )
        return replace(self, chapters=tuple(cut))


NO_METADATA = ClipMetadata()
