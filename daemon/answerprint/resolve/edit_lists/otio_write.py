"""Write an OTIO file with restored files. The clips keep their media coordinates, so nothing else changes."""

from __future__ import annotations

from fractions import Fraction

from answerprint.api.types import MediaInfo
from answerprint.resolve.edit_lists.model import ChosenMedia, EditList, RestoredMedia
from answerprint.resolve.edit_lists.otio import Foreign, Used, begin_of, frame_rate, library, load_timeline, placed
from answerprint.resolve.edit_lists.otio_conform import texts_of, used_of

__all__ = ["otio_with"]


def otio_with(edit: EditList, chosen: ChosenMedia) -> bytes:
    """The list with references to restored files. The metadata of each reference keep the former name."""
    otio = library()
    timeline = load_timeline(edit.path, edit.content)
    by_index = {each.line: each for each in edit.entries}
    for clip in placed(timeline):
        restored = chosen.get((clip.index, ""))
        source = by_index[clip.index].media
        if restored is None or source is None:
            continue
        used = used_of(clip)
        if clip.item.source_range is None:
            clip.item.source_range = clip.item.trimmed_range()  # until now it was all of the media
        former = texts_of(clip.item)
        clip.item.media_reference = _reference(otio, used, source, restored, former[0] if former else "")
    text: str = otio.core.serialize_json_to_string(timeline, indent=4)
    return text.encode()


def _reference(otio: Foreign, used: Used, source: MediaInfo, restored: RestoredMedia, former: str) -> Foreign:
    """A reference to the restored file, which starts where its first frame is in the source's coordinates."""
    rate = used.available_start.rate if used.available_start is not None else used.start.rate
    frames = frame_rate(used, source)
    start = used.start.seconds + (restored.first - begin_of(used, source)) / frames
    length = restored.media.frames / frames
    return otio.schema.ExternalReference(
        target_url=restored.path.absolute().as_uri()
        if "%" not in restored.path.name
        else str(restored.path.absolute()),
        available_range=otio.opentime.TimeRange(_time(otio, start, rate), _time(otio, length, rate)),
        metadata={"answerprint": {"source": former}},
    )


def _time(otio: Foreign, seconds: Fraction, rate: Fraction) -> Foreign:
    return otio.opentime.RationalTime(float(seconds * rate), float(rate))
