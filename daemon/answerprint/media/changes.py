"""What a picture of a source says otherwise than the one before it: a result has one timecode, one aspect, one alpha.

The probe reads the first picture only, because a sequence may have a hundred thousand files.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from av.video.frame import VideoFrame

from answerprint.errors import InputError
from answerprint.frames.clip import ClipInfo, PixelWindow
from answerprint.frames.colour import UNTAGGED
from answerprint.frames.frame import FrameRange
from answerprint.frames.timecode import Timecode
from answerprint.media.headers import WITHOUT_HEADER, StillHeader
from answerprint.media.pixels import bit_depth, has_alpha
from answerprint.media.tags import read_tags
from answerprint.text import listed

__all__ = ["SourceChanges", "film_facts", "first_facts", "still_facts"]

_TIMECODE = "timecode"
_NEARLY = "aspect of the pixels"  # a decoder says it a few frames before it gives them out
_Facts = Mapping[str, object]
"""By what they are, in words; None for what a picture does not say."""


class SourceChanges:
    """Counts the changes among pictures that are noted in order."""

    def __init__(self) -> None:
        self._known: dict[str, object] = {}
        self._found: dict[str, list[int]] = {}

    def note(self, index: int, facts: _Facts) -> None:
        """Compare a picture with those before it."""
        for name, fact in facts.items():
            if fact is not None and self._known.setdefault(name, fact) != fact:
                self._known[name] = fact
                self._found.setdefault(name, []).append(index)

    def forget(self) -> None:
        """Begin anew: the pictures noted were not wanted."""
        self._known.clear()
        self._found.clear()

    def take(self, frames: FrameRange) -> list[str]:
        """Return a sentence for each kind of change within a range that is not said yet."""
        sentences = []
        for name, indices in self._found.items():
            if within := [index for index in indices if index in frames]:
                where = f"at frame {listed(within)}" if len(within) == 1 else f"at frames {listed(within)}"
                if name == _TIMECODE:
                    sentences.append(f"The timecode of the source breaks {where}; it counts on in the result.")
                elif name == _NEARLY:
                    sentences.append(
                        f"The {name} of the source changes near frame {within[0]}; it stays in the result."
                    )
                else:
                    sentences.append(f"The {name} of the source changes {where}; the result is as the first picture.")
        self._found.clear()
        return sentences


def still_facts(
    header: StillHeader, frame: VideoFrame, index: int, rate: Fraction, window: PixelWindow | None
) -> _Facts:
    """Return what a picture file says. rate: that its timecode counts with; window: the pixels that are read of it."""
    data = header.data_window
    return {
        _TIMECODE: _origin(header.timecode, rate, index),
        "frame rate": header.rate,
        "pixel aspect": header.sample_aspect,
        "orientation": header.orientation,
        "colour space": header.colour,
        "depth": (bit_depth(frame.format), header.half),
        "alpha": has_alpha(frame.format),
        "overscan": data is not None and window is not None and window.united(data) != window,
    }


def first_facts(info: ClipInfo, header: StillHeader) -> _Facts:
    """Return what the first picture of a sequence says, which is not decoded again. header: as far as it is known."""
    known = header.codec not in WITHOUT_HEADER
    return {
        _TIMECODE: _origin(header.timecode, info.rate, 0),
        "frame rate": header.rate,
        "pixel aspect": header.sample_aspect if known else None,
        "orientation": header.orientation if known else None,
        "colour space": None if header.colour == UNTAGGED else header.colour,
        "depth": (info.bit_depth, info.profile == "half"),
        "alpha": info.has_alpha,
    }


def film_facts(frame: VideoFrame, aspect: Fraction | None) -> _Facts:
    """Return what a frame of a film says. aspect: of the pixels that are decoded, None or 0 if unknown."""
    tags = read_tags(frame)
    return {
        _NEARLY: aspect or None,
        "colour space": None if tags == UNTAGGED else tags,
        "depth": bit_depth(frame.format),
        "alpha": has_alpha(frame.format),
    }


def _origin(label: str, rate: Fraction, index: int) -> str | None:
    """The timecode of frame 0 by that of a frame; None without one."""
    if not label:
        return None
    try:
        return str(Timecode.parse(label, rate).shifted(-index))
    except InputError:
        return None
