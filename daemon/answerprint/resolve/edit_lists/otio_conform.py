"""An OTIO file, or what an adapter makes of another one, as entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from answerprint.errors import InputError
from answerprint.resolve.edit_lists.media_search import Looking, within
from answerprint.resolve.edit_lists.model import EditList, ListEntry
from answerprint.resolve.edit_lists.otio import Foreign, Placed, Time, Used, library, load, otio_source, placed, time_of

__all__ = ["read_otio", "steady_speeds", "texts_of", "used_of"]

_FINEST = 10_000  # speeds are written as floats: 1.1 is 11/10
_IN_RESOLVE = "Restore the clip in Resolve."


def read_otio(path: Path, content: bytes, looking: Looking) -> EditList:
    """Read a timeline. Raises InputError when it cannot be."""
    timeline = load(path, content)
    found = list(placed(timeline))
    rate, first = _clock(timeline, found)
    entries = tuple(_entry(each, rate, first, looking) for each in found)
    return EditList(path, "otio", timeline.name or path.stem, rate, False, entries, content, _without_picture(timeline))


def _clock(timeline: Foreign, found: list[Placed]) -> tuple[Fraction, Fraction]:
    """Rate of the timeline, and its first record frame. Raises InputError when there is nothing on it."""
    if timeline.global_start_time is not None:
        start = time_of(timeline.global_start_time)
        return start.rate, start.value
    if not found:
        raise InputError("The timeline has no picture on it.", "Export the timeline that holds the clips.")
    return time_of(found[0].item.trimmed_range().duration).rate, Fraction(0)


def steady_speeds(path: Path, content: bytes) -> dict[tuple[int, int], bool]:
    """By track and first record frame: whether an item's speed stays the same, as far as the list tells.

    OTIO has no schema for a speed that changes; editors keep its key frames with the effect. Raises InputError.
    """
    timeline = load(path, content)
    found = list(placed(timeline))
    rate, first = _clock(timeline, found)
    return {
        (place.track, round(first + (place.start - place.head) * rate)): not any(
            _has_key_frames(effect.metadata) for effect in place.item.effects if _is_retime(effect)
        )
        for place in found
    }


def _is_retime(effect: Foreign) -> bool:
    named = f"{effect.schema_name()} {effect.name} {effect.effect_name}".casefold()
    return any(word in named for word in ("time", "speed", "freeze"))


def _has_key_frames(metadata: Foreign) -> bool:
    """Whether it holds some, at any depth, in whatever spelling."""
    if isinstance(metadata, Mapping):
        return any(
            ("".join(filter(str.isalpha, str(name))).casefold() == "keyframes" and bool(value))
            or _has_key_frames(value)
            for name, value in metadata.items()
        )
    if isinstance(metadata, Sequence) and not isinstance(metadata, str):
        return any(_has_key_frames(each) for each in metadata)
    return False


def _entry(place: Placed, rate: Fraction, first: Fraction, looking: Looking) -> ListEntry:
    begin = round(first + (place.start - place.head) * rate)
    end = round(first + (place.start + place.duration + place.tail) * rate)
    entry = ListEntry(
        str(place.position), place.item.name, place.track, record=begin, duration=end - begin, line=place.index
    )
    try:
        used, texts = used_of(place), texts_of(place.item)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy)
    try:
        path, media = looking.find(texts, used.start.rate)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy, missing=True)
    try:
        source = within(otio_source(used, media), media, path)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy)
    return replace(entry, path=path, media=media, source=source)


def used_of(place: Placed) -> Used:
    """What a clip says of its source. Raises InputError for one that shows no media as they are."""
    otio, item = library(), place.item
    if not isinstance(item, otio.schema.Clip):
        raise InputError("It is a timeline of its own (compound or nested).", "Decompose it, or restore it in Resolve.")
    if not item.enabled or not place.track_enabled:
        raise InputError("It is disabled.", "Enable it in the editor and export the list again.")
    available = _available(item)
    shown = item.source_range
    start = time_of(shown.start_time) if shown is not None else available[0]
    if start is None:
        raise InputError("The list does not say which part of its media it shows.", "Export it again.")
    picture = None
    if isinstance(item.media_reference, otio.schema.ImageSequenceReference):
        if item.media_reference.frame_step != 1:
            raise InputError("It leaves out pictures of its sequence.", _IN_RESOLVE)
        picture = int(item.media_reference.start_frame)
    return Used(start, place.duration, place.head, place.tail, _speed(otio, item), *available, picture)


def texts_of(item: Foreign) -> tuple[str, ...]:
    """What names the file of a clip. Raises InputError for one without."""
    otio = library()
    reference = item.media_reference
    if isinstance(reference, otio.schema.ExternalReference):
        return (str(reference.target_url),)
    if isinstance(reference, otio.schema.ImageSequenceReference):
        base = str(reference.target_url_base)
        joint = "" if not base or base.endswith(("/", "\\")) else "/"
        digits = int(reference.frame_zero_padding)
        number = f"%0{digits}d" if digits > 1 else "%d"
        return (f"{base}{joint}{reference.name_prefix}{number}{reference.name_suffix}",)
    if isinstance(reference, otio.schema.GeneratorReference):
        raise InputError("It is made by the editor: a generator or title.", "Nothing has to be restored here.")
    return (str(item.name),) if item.name else ()


def _available(item: Foreign) -> tuple[Time | None, Time | None]:
    shown = getattr(item.media_reference, "available_range", None)
    return (None, None) if shown is None else (time_of(shown.start_time), time_of(shown.duration))


def _speed(otio: Foreign, item: Foreign) -> Fraction:
    speed = Fraction(1)
    for effect in item.effects:
        if not effect.enabled:
            continue
        if isinstance(effect, otio.schema.LinearTimeWarp):
            try:
                speed *= Fraction(effect.time_scalar).limit_denominator(_FINEST)
            except (ValueError, OverflowError):
                raise InputError("Its speed is no number.", _IN_RESOLVE) from None
        elif isinstance(effect, otio.schema.TimeEffect):
            raise InputError("Its speed changes within the clip.", _IN_RESOLVE)
    return speed


def _without_picture(timeline: Foreign) -> int:
    otio = library()
    return sum(
        len([each for each in track if isinstance(each, otio.schema.Clip)])
        for track in timeline.tracks
        if isinstance(track, otio.schema.Track) and track.kind != otio.schema.TrackKind.Video
    )
