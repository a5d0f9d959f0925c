"""What INPUT is: a video file or an image sequence, and everything that must survive its restoration."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame

from answerprint.errors import InputError, MediaError
from answerprint.frames.clip import ClipInfo, FieldOrder
from answerprint.frames.sequence import find_sequence, names_a_sequence
from answerprint.frames.timecode import Timecode
from answerprint.media.boundary import best_video, check_size, check_source, open_container, reading
from answerprint.media.pixels import bit_depth, has_alpha
from answerprint.media.stills import read_still
from answerprint.media.tags import read_tags
from answerprint.media.timeline import OnRead, read_timeline, unheard

__all__ = ["DEFAULT_SEQUENCE_RATE", "probe"]

DEFAULT_SEQUENCE_RATE = Fraction(24)


def probe(path: Path | str, sequence_rate: Fraction = DEFAULT_SEQUENCE_RATE, on_read: OnRead = unheard) -> ClipInfo:
    """Return what INPUT is.

    path: a video file, a pattern `plate.%04d.png`, a range `plate.[0001-0100].png`, a folder of pictures, a picture.
    sequence_rate: pictures have no rate of their own; theirs is this one.
    on_read: told how many frames were found while a file is read that has no index to count them by; may raise.
    The count of frames is of what is in the file, or what its header promises where the file ends before it.
    Raises MediaError when it cannot be read as asked: missing, damaged, a playlist or a URL, without video, absurdly
    large, with gaps in its numbering, or with a variable frame rate.
    """
    place = Path(path)
    if "\0" not in str(path) and names_a_sequence(place):
        return _probe_sequence(place, sequence_rate)
    return _probe_file(check_source(path), on_read)


def _probe_file(path: Path, on_read: OnRead) -> ClipInfo:
    timeline = read_timeline(path, on_read)
    with open_container(path) as container:
        stream = best_video(container, path)
        with reading(path):
            frame = next(iter(container.decode(stream)), None)
            if frame is None:
                raise MediaError(f"{path} holds no frame.", "The file is damaged or was never finished.")
            check_size(path, frame.width, frame.height)
            return ClipInfo(
                path=path,
                kind="file",
                width=frame.width,
                height=frame.height,
                rate=timeline.rate,
                frames=timeline.frames,
                sample_aspect=stream.sample_aspect_ratio or Fraction(1),
                colour=read_tags(frame),
                bit_depth=bit_depth(frame.format),
                pixel_format=frame.format.name,
                codec=stream.codec_context.name,
                start_timecode=_timecode(container, timeline.rate),
                has_audio=bool(container.streams.audio),
                has_alpha=has_alpha(frame.format),
                field_order=FieldOrder.PER_FRAME if frame.interlaced_frame else FieldOrder.PROGRESSIVE,
                first_pts=timeline.first_pts,
                time_base=stream.time_base or Fraction(1),
            )


def _timecode(container: InputContainer, rate: Fraction) -> str | None:
    """Return the label of frame 0: a tmcd track, the video stream's, or the container's."""
    tables: list[Mapping[str, str]] = [stream.metadata for stream in container.streams.data]
    tables += [stream.metadata for stream in container.streams.video]
    tables.append(container.metadata)
    for table in tables:
        for key, value in table.items():
            if key.lower() == "timecode":
                return _normal(value, rate)
    return None


def _normal(text: str | None, rate: Fraction) -> str | None:
    """Return a label that can be counted with, None for one that makes no sense at this rate."""
    if not text:
        return None
    try:
        return str(Timecode.parse(text, rate))
    except InputError:
        return None


def _probe_sequence(path: Path, rate: Fraction) -> ClipInfo:
    with reading(path):
        found = find_sequence(path)
    first = read_still(found.files[0])
    frame: VideoFrame = first.frame
    return ClipInfo(
        path=found.folder.absolute(),
        kind="sequence",
        width=frame.width,
        height=frame.height,
        rate=rate,
        frames=len(found.files),
        sample_aspect=first.sample_aspect,
        colour=read_tags(frame),
        bit_depth=bit_depth(frame.format),
        pixel_format=frame.format.name,
        codec=first.codec,
        start_timecode=_normal(first.timecode, rate),
        has_alpha=has_alpha(frame.format),
        start_number=found.first,
        files=tuple(file.absolute() for file in found.files),
        rate_is_assumed=True,
    )
