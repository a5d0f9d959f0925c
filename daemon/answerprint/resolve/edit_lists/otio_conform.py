"""Conform an OTIO timeline, or one that an adapter reads from another format, to frames of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from answerprint.errors import InputError
from answerprint.resolve.edit_lists.media_search import MediaSearch, within
from answerprint.resolve.edit_lists.model import EditList, ListEntry
from answerprint.resolve.edit_lists.otio import (
    Foreign,
    Placed,
    Time,
    Used,
    library,
    load_timeline,
    otio_source,
    placed,
    time_of,
)

__all__ = ["read_otio", "steady_speeds", "texts_of", "used_of"]

_LARGEST_DENOMINATOR = 10_000  # speeds are floats: 1.1 is 11/10
_IN_RESOLVE = "Restore the clip in Resolve."


def read_otio(path: Path, content: bytes, search: MediaSearch) -> EditList:
    """Read a timeline. Raises InputError if it is not valid."""
    timeline = load_timeline(path, content)
    found = list(placed(timeline))
    rate, first = _clock(timeline, found)
    entries = tuple(_entry(each, rate, first, search) for each in found)
    return EditList(path, "otio", timeline.name or path.stem, rate, False, entries, content, _without_picture(timeline))


def _clock(timeline: Foreign, found: list[Placed]) -> tuple[Fraction, Fraction]:
    """The rate of the timeline, and its first record frame. Raises InputError if it is empty."""
    if timeline.global_start_time is not None:
        start = time_of(timeline.global_start_time)
        return start.rate, start.value
    if not found:
        raise InputError("The timeline has no video clip.", "Export the timeline that holds the clips.")
    return time_of(found[0].item.trimmed_range().duration).rate, Fraction(0)


def steady_speeds(path: Path, content: bytes) -> dict[tuple[int, int], bool]:
    """Whether each item's speed is constant by the list; keys are track and first record frame.

    OTIO has no schema for a changing speed; editors keep its keyframes in the effect's metadata. Raises InputError.
    """
    timeline = load_timeline(path, content)
    found = list(placed(timeline))
    rate, first = _clock(timeline, found)
    return {
        (clip.track, round(first + (clip.start - clip.head) * rate)): not any(
            _has_keyframes(effect.metadata) for effect in clip.item.effects if _is_retime(effect)
        )
        for clip in found
    }


def _is_retime(effect: Foreign) -> bool:
    named = f"{effect.schema_name()} {effect.name} {effect.effect_name}".casefold()
    return any(word in named for word in ("time", "speed", "freeze"))


def _has_keyframes(metadata: Foreign) -> bool:
    """Whether metadata hold keyframes, at any depth, in any spelling."""
    if isinstance(metadata, Mapping):
        return any(
            ("".join(filter(str.isalpha, str(name))).casefold() == "keyframes" and bool(value)) or _has_keyframes(value)
            for name, value in metadata.items()
        )
    if isinstance(metadata, Sequence) and not isinstance(metadata, str):
        return any(_has_keyframes(each) for each in metadata)
    return False


def _entry(clip: Placed, rate: Fraction, first: Fraction, search: MediaSearch) -> ListEntry:
    begin = round(first + (clip.start - clip.head) * rate)
    end = round(first + (clip.start + clip.duration + clip.tail) * rate)
    entry = ListEntry(
        str(clip.position), clip.item.name, clip.track, record=begin, duration=end - begin, line=clip.index
    )
    try:
        used, texts = used_of(clip), texts_of(clip.item)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy)
    try:
        path, media = search.find(texts, used.start.rate)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy, missing=True)
    try:
        source = within(otio_source(used, media), media, path)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy)
    return replace(entry, path=path, media=media, source=source)


def used_of(clip: Placed) -> Used:
    """The part of its media that a clip uses. Raises InputError for a nested or disabled clip, or an effect."""
    otio, item = library(), clip.item
    if not isinstance(item, otio.schema.Clip):
        raise InputError("It is a compound or nested clip.", "Decompose it, or restore it in Resolve.")
    if not item.enabled or not clip.track_enabled:
        raise InputError("It is disabled.", "Enable it in the editor and export the list again.")
    available = _available(item)
    shown = item.source_range
    start = time_of(shown.start_time) if shown is not None else available[0]
    if start is None:
        raise InputError("The list does not give its range in the media.", "Export the list again.")
    picture = None
    if isinstance(item.media_reference, otio.schema.ImageSequenceReference):
        if item.media_reference.frame_step != 1:
            raise InputError("It skips frames of its sequence.", _IN_RESOLVE)
        picture = int(item.media_reference.start_frame)
    return Used(start, clip.duration, clip.head, clip.tail, _speed(otio, item), *available, picture)


def texts_of(item: Foreign) -> tuple[str, ...]:
    """The texts that may name the file of a clip. Raises InputError for a generator or title."""
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
        raise InputError("It is a generator or title.", "Nothing to restore here.")
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
                speed *= Fraction(effect.time_scalar).limit_denominator(_LARGEST_DENOMINATOR)
            except (ValueError, OverflowError):
                raise InputError("Its speed is not a number.", _IN_RESOLVE) from None
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
