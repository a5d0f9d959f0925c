"""Finds out what INPUT is: a video file or an image sequence, and all properties that a deliverable must keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer

from answerprint.errors import InputError, MediaError
from answerprint.frames.cadence import stored_range
from answerprint.frames.clip import ClipInfo, FieldOrder, PixelWindow
from answerprint.frames.clip_metadata import NO_METADATA
from answerprint.frames.colour import UNKNOWN, ColourTags
from answerprint.frames.frame import FrameRange
from answerprint.frames.sequence import find_sequence, names_a_sequence
from answerprint.frames.timecode import Timecode
from answerprint.media.boundary import best_video, check_size, check_source, open_container, reading
from answerprint.media.clip_metadata import hdr_metadata, read_metadata
from answerprint.media.decoding import decoded_pictures, is_alpha_lost
from answerprint.media.left_out import left_out_words
from answerprint.media.orientation import UPRIGHT, is_sideways, orientation_of, turning_words
from answerprint.media.pixels import bit_depth, has_alpha
from answerprint.media.stills import read_still, read_still_header
from answerprint.media.tags import read_tags
from answerprint.media.timecode_track import full_label, timecode_breaks
from answerprint.media.timeline import OnRead, no_progress, read_timeline
from answerprint.text import listed, plain

__all__ = ["DEFAULT_SEQUENCE_RATE", "probe", "sized_at"]

DEFAULT_SEQUENCE_RATE = Fraction(24)
_MOST_NAMES = 3


def probe(path: Path | str, sequence_rate: Fraction = DEFAULT_SEQUENCE_RATE, on_read: OnRead = no_progress) -> ClipInfo:
    """Return what INPUT is.

    path: a video file, a pattern `plate.%04d.png`, a range `plate.[0001-0100].png`, a folder of pictures, a picture.
    sequence_rate: frames per second of pictures whose headers name none.
    on_read: called with the number of frames found so far, while a file without a usable index is read; may raise.
    The number of frames is that of the file, or what the header promises if the file is cut short.
    Raises MediaError if it cannot be used: missing, damaged, a playlist or a URL, without video, absurdly large,
    or with gaps in its numbering.
    """
    place = Path(path)
    if "\0" not in str(path) and names_a_sequence(place):
        return _probe_sequence(place, sequence_rate, on_read)
    return _probe_file(check_source(path), on_read)


def _probe_file(path: Path, on_read: OnRead) -> ClipInfo:
    timeline = read_timeline(path, on_read)
    with open_container(path) as container:
        stream = best_video(container, path)
        tagged = read_tags(stream.codec_context)  # before decoding: some decoders then forget what the container says
        with reading(path):
            frame = next((frame for frame, _ in decoded_pictures(container, stream)), None)
            if frame is None:
                raise MediaError(f"{path} has no frames.", "The file is damaged or was never finished.")
            check_size(path, frame.width, frame.height)
            orientation, notices = _shown(orientation_of(frame))
            if "mov" in container.format.name and (breaks := timecode_breaks(path, timeline.rate)):
                notices += (
                    f"The timecode of the source breaks at frame {listed(breaks)}; it counts on in the result.",
                )
            if is_alpha_lost(stream):
                notices += ("The file has alpha that cannot be read here: the result is opaque.",)
            notices += left_out_words(container, stream, frame)
            if timeline.later_tracks:
                notices += ("Other tracks begin within the source; what they hold is left out.",)
            label = _timecode(container)
            if label and "mov" in container.format.name:
                label = full_label(path, label, timeline.rate)
            start = _normal(label, timeline.rate)
            if label and start is None:
                notices += (
                    f"The timecode {plain(label)} does not exist at {timeline.rate} frames per second: left out.",
                )
            sideways = is_sideways(orientation)
            aspect = stream.sample_aspect_ratio or Fraction(1)
            return ClipInfo(
                path=path,
                kind="file",
                width=frame.height if sideways else frame.width,
                height=frame.width if sideways else frame.height,
                rate=timeline.rate,
                frames=timeline.frames,
                sample_aspect=1 / aspect if sideways else aspect,
                colour=_first_known(read_tags(frame), tagged),
                bit_depth=bit_depth(frame.format),
                pixel_format=frame.format.name,
                codec=stream.codec_context.name,
                start_timecode=start,
                has_audio=bool(container.streams.audio),
                has_alpha=has_alpha(frame.format),
                field_order=FieldOrder.PER_FRAME if frame.interlaced_frame else FieldOrder.PROGRESSIVE,
                first_pts=timeline.first_pts,
                time_base=stream.time_base or Fraction(1),
                orientation=orientation,
                grid=timeline.grid if timeline.grid is not None and timeline.grid.oddities else None,
                notices=notices,
                metadata=read_metadata(container, stream, frame, timeline.first_pts),
                profile=stream.profile or "",
            )


def sized_at(info: ClipInfo, frame: int) -> ClipInfo:
    """Return the clip with the size of its picture at a frame: a broadcast changes its size on the way.

    Raises MediaError if nothing can be decoded there.
    """
    if info.files or frame == 0 or info.first_pts is None:
        return info
    with open_container(info.path) as container:
        stream = best_video(container, info.path)
        with reading(info.path):
            source = info.stored or info
            number = stored_range(info, FrameRange(frame, frame + 1)).start
            seconds = number / (source.file_rate or source.rate)
            container.seek(info.first_pts + int(seconds / info.time_base), stream=stream)
            picture = next((picture for picture, _ in decoded_pictures(container, stream)), None)
    if picture is None:
        return info
    check_size(info.path, picture.width, picture.height)
    width, height = picture.width, picture.height
    if is_sideways(info.orientation):
        width, height = height, width
    return replace(info, width=width, height=height)


def _shown(orientation: int | None) -> tuple[int, tuple[str, ...]]:
    """Return the orientation, and what is to be said about it. orientation: None for one that slants."""
    if orientation is None:
        return UPRIGHT, ("The file says that its picture is shown slanted; it is restored as it is stored.",)
    if orientation == UPRIGHT:
        return UPRIGHT, ()
    return orientation, (f"The picture is restored as it is shown: {turning_words(orientation)}.",)


def _first_known(tags: ColourTags, otherwise: ColourTags) -> ColourTags:
    """Return the tags of the first frame, and where it says nothing, those of the container."""
    own = asdict(tags)
    return ColourTags(**{name: getattr(otherwise, name) if text == UNKNOWN else text for name, text in own.items()})


def _timecode(container: InputContainer) -> str:
    """Return the label of frame 0 from a tmcd track, the video stream or the container, "" without one."""
    tables: list[Mapping[str, str]] = [stream.metadata for stream in container.streams.data]
    tables += [stream.metadata for stream in container.streams.video]
    tables.append(container.metadata)
    for table in tables:
        for key, value in table.items():
            if key.lower() == "timecode":
                return value.strip()
    return ""


def _normal(text: str | None, rate: Fraction) -> str | None:
    """Return the label in its normal form, None if it does not exist at this rate."""
    if not text:
        return None
    try:
        return str(Timecode.parse(text, rate))
    except InputError:
        return None


def _probe_sequence(path: Path, rate: Fraction, on_read: OnRead) -> ClipInfo:
    with reading(path):
        found = find_sequence(path)
    data, display = _windows(found.files, on_read)
    first = read_still(found.files[0], data)
    frame, header = first.frame, first.header
    drop = Fraction(30000, 1001) if ";" in header.timecode else None  # at no other rate are numbers dropped
    rate = header.rate or drop or rate
    orientation, turned = _shown(header.orientation)
    sideways = is_sideways(orientation)
    return ClipInfo(
        path=found.folder.absolute(),
        kind="sequence",
        width=frame.height if sideways else frame.width,
        height=frame.width if sideways else frame.height,
        rate=rate,
        frames=len(found.files),
        sample_aspect=1 / header.sample_aspect if sideways else header.sample_aspect,
        colour=header.colour,
        bit_depth=bit_depth(frame.format),
        pixel_format=frame.format.name.replace("f32", "f16") if header.half else frame.format.name,
        codec=header.codec,
        profile="half" if header.half else "",
        start_timecode=_normal(header.timecode, rate),
        header_timecode=header.timecode,
        has_alpha=has_alpha(frame.format),
        premultiplied=header.premultiplied,
        start_number=found.first,
        files=tuple(file.absolute() for file in found.files),
        rate_is_assumed=header.rate is None,
        data_window=data,
        display_window=display,
        orientation=orientation,
        metadata=replace(NO_METADATA, reel=header.reel, hdr=hdr_metadata(frame)),
        notices=(*turned, *header.notices, *_beside(found.beside)),
    )


def _beside(names: Sequence[str]) -> tuple[str, ...]:
    """What is said of pictures that are named like those of the sequence, but for their numbers."""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    shown = ", ".join(names[:_MOST_NAMES])
    return (f"Pictures that are named alike are no part of the sequence: {shown}{more}.",) if names else ()


def _windows(files: Sequence[Path], on_read: OnRead) -> tuple[PixelWindow | None, PixelWindow | None]:
    """Return the window that all pictures are read in, and the display window if overscan lies around it.

    Pictures whose windows differ from their size are usually stored without their empty border, each with its own
    window. So the windows of all are read then.
    """
    first = read_still_header(files[0])
    if first.data_window is None or first.display_window is None:
        return None, None
    together = first.display_window
    for number, file in enumerate(files):
        together = together.united(read_still_header(file).data_window or together)
        on_read(number + 1)
    check_size(files[0], together.width, together.height)
    return together, None if together == first.display_window else first.display_window
