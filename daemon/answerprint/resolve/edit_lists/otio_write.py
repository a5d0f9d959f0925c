"""An OTIO file with other media in it: the coordinate in which its clips count stays, so nothing else changes."""

from __future__ import annotations

from fractions import Fraction

from answerprint.api.types import MediaInfo
from answerprint.resolve.edit_lists.model import Chosen, EditList, RestoredMedia
from answerprint.resolve.edit_lists.otio import Foreign, Used, begin_of, frame_rate, library, load, placed
from answerprint.resolve.edit_lists.otio_conform import texts_of, used_of

__all__ = ["otio_with"]


def otio_with(edit: EditList, chosen: Chosen) -> bytes:
    """The list with references to restored files. What it named before stays in the metadata of the reference."""
    otio = library()
    timeline = load(edit.path, edit.content)
    by_index = {each.line: each for each in edit.entries}
    for place in placed(timeline):
        restored = chosen.get((place.index, ""))
        source = by_index[place.index].media
        if restored is None or source is None:
            continue
        used = used_of(place)
        if place.item.source_range is None:
            place.item.source_range = place.item.trimmed_range()  # until now it was all of the media
        was = texts_of(place.item)
        place.item.media_reference = _reference(otio, used, source, restored, was[0] if was else "")
    text: str = otio.core.serialize_json_to_string(timeline, indent=4)
    return text.encode()


def _reference(otio: Foreign, used: Used, source: MediaInfo, restored: RestoredMedia, was: str) -> Foreign:
    """The restored file, which begins in the source's coordinate where its first frame lay."""
    rate = used.available_start.rate if used.available_start is not None else used.start.rate
    frames = frame_rate(used, source)
    start = used.start.seconds + (restored.first - begin_of(used, source)) / frames
    length = restored.media.frames / frames
    return otio.schema.ExternalReference(
        target_url=restored.path.absolute().as_uri()
        if "%" not in restored.path.name
        else str(restored.path.absolute()),
        available_range=otio.opentime.TimeRange(_time(otio, start, rate), _time(otio, length, rate)),
        metadata={"answerprint": {"source": was}},
    )


def _time(otio: Foreign, seconds: Fraction, rate: Fraction) -> Foreign:
    return otio.opentime.RationalTime(float(seconds * rate), float(rate))
