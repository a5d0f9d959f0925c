"""Which frames of a file a clip of the media pool is, and how they are labelled."""

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
    """A clip's frames, `first` to `stop` - 1 of its file counted from 0, of which there are `of_file`.

    number: in the file name of frame 0 of a sequence, otherwise 0. rate: at which the clip is played, exact; it is the
    clip's, which may differ from the file's. label: timecode of `first`, None where there is none.
    """

    first: int
    stop: int
    of_file: int
    rate: Fraction
    number: int = 0
    label: Timecode | None = None


def extent_of(clip: ClipFacts, media: MediaInfo) -> Extent | Refusal:
    """Bring Resolve's account of a clip and the daemon's of its file together, or refuse where they do not fit."""
    said = clip.properties
    try:
        speed = clip_rate(said.get("FPS", ""), media.rate)
    except InputError as error:
        return Refusal("attribute", f"{clip.name}: {error.message}", "Set the frame rate in the clip's attributes.")
    start, end, frames = (whole(said.get(name, "")) for name in ("Start", "End", "Frames"))
    if media.frames == 1 and frames in (None, 0, 1):
        return Extent(0, 1, 1, speed, media.start_number, start_label(clip, media, speed, 0))
    number = media.start_number if media.sequence else 0
    if frames is None and start is not None and end is not None:
        frames = end - start + 1
    # What is not said at all is the file's: the readers of an item show whether the clip is only a part of it.
    start = number if start is None else start
    frames = media.frames - (start - number) if frames is None else frames
    first = start - number
    if end is not None and end - start + 1 != frames:
        return _differ(clip, f"Resolve counts {frames} frames from {start} to {end}")
    if first < 0 or frames < 1 or first + frames > media.frames:
        return _differ(clip, f"Resolve counts {frames} frames from {start}, its file has {media.frames} from {number}")
    if first == 0 and frames != media.frames:
        # It may be the head of the file as a clip of its own; or Resolve and the decoder see different frames in it.
        return _differ(clip, f"Resolve counts {frames} frames, its file has {media.frames}")
    return Extent(first, first + frames, media.frames, speed, number, start_label(clip, media, speed, first))


def start_label(clip: ClipFacts, media: MediaInfo, rate: Fraction, first: int) -> Timecode | None:
    """Timecode of a clip's first frame: that of its attributes where there is one, otherwise the file's.

    first: that frame in the file. Start TC is of the clip's own first frame, unless it is just the file's.
    """
    text = said = clip.properties.get("Start TC", "").strip()
    if said and clip.properties.get("Drop frame", "").strip() == "1" and ";" not in said:
        head, _, tail = said.rpartition(":")
        text = f"{head};{tail}"
    own, files = _label(text, rate) or _label(said, rate), _label(media.start_timecode, rate)
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
        "Its rate may vary, it may be cut short, or it was changed after its import: convert it to ProRes first.",
        renderable=True,
    )
