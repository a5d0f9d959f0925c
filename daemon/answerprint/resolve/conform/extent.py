"""Which frames of its file a clip of the media pool covers, and their timecode."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from answerprint.api.types import MediaInfo
from answerprint.errors import InputError
from answerprint.frames.timecode import Timecode
from answerprint.resolve.conform.facts import ClipFacts, Refusal
from answerprint.resolve.conform.rates import clip_rate, whole

__all__ = ["Extent", "extent_of", "start_label"]


@dataclass(frozen=True, slots=True)
class Extent:
    """A clip's frames: `first` to `stop` - 1 of its file, counted from 0; the file has `of_file`.

    number: in the file name of a sequence's frame 0, else 0. rate: the clip's own, exact, which may differ from the
    file's. label: timecode of `first`, None if there is none.
    """

    first: int
    stop: int
    of_file: int
    rate: Fraction
    number: int = 0
    label: Timecode | None = None


def extent_of(clip: ClipFacts, media: MediaInfo) -> Extent | Refusal:
    """Compare the clip's attributes with its probed file; a refusal if they contradict each other."""
    attributes = clip.properties
    try:
        rate = clip_rate(attributes.get("FPS", ""), media.rate)
    except InputError as error:
        return Refusal("attribute", f"{clip.name}: {error.message}", "Set the frame rate in the clip's attributes.")
    start, end, frames = (whole(attributes.get(name, "")) for name in ("Start", "End", "Frames"))
    if media.frames == 1 and frames in (None, 0, 1):
        return Extent(0, 1, 1, rate, media.start_number, start_label(clip, media, rate, 0))
    number = media.start_number if media.sequence else 0
    if frames is None and start is not None and end is not None:
        frames = end - start + 1
    # What the attributes lack is taken from the file: the readers of an item tell if the clip is only a part of it.
    start = number if start is None else start
    frames = media.frames - (start - number) if frames is None else frames
    first = start - number
    if end is not None and end - start + 1 != frames:
        return _differ(clip, f"Resolve counts {frames} frames, but from {start} to {end}")
    if first < 0 or frames < 1 or first + frames > media.frames:
        return _differ(clip, f"Resolve counts {frames} frames from {start}, the file has {media.frames} from {number}")
    if first == 0 and frames != media.frames:
        # Either a subclip from the head of the file, or Resolve and the decoder find different frames in it.
        return _differ(clip, f"Resolve counts {frames} frames, the file has {media.frames}")
    return Extent(first, first + frames, media.frames, rate, number, start_label(clip, media, rate, first))


def start_label(clip: ClipFacts, media: MediaInfo, rate: Fraction, first: int) -> Timecode | None:
    """Timecode of a clip's first frame: from its attributes, else from the file; None if neither has one.

    first: that frame, counted in the file. Start TC belongs to the clip's first frame, unless it equals the file's.
    """
    text = start_tc = clip.properties.get("Start TC", "").strip()
    if start_tc and clip.properties.get("Drop frame", "").strip() == "1" and ";" not in start_tc:
        head, _, tail = start_tc.rpartition(":")
        text = f"{head};{tail}"
    own, files = _label(text, rate) or _label(start_tc, rate), _label(media.start_timecode, rate)
    if own is None:
        return None if files is None else files.shifted(first)
    return own.shifted(first) if own == files else own


def _label(text: str, rate: Fraction) -> Timecode | None:
    try:
        return Timecode.parse(text, rate)
    except InputError:
        return None


def _differ(clip: ClipFacts, what: str) -> Refusal:
    return Refusal(
        "frames",
        f"{clip.name}: {what}.",
        "The file may have a variable frame rate, be truncated, or have changed since its import."
        " Convert it to ProRes first.",
        renderable=True,
    )
