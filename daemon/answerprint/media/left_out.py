"""What a file holds beside its film and its sound, which no result keeps, in words."""

from __future__ import annotations

from collections.abc import Iterator

from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from answerprint.media.headers import profile_notices
from answerprint.media.side_data import Type, side_data
from answerprint.text import counted

__all__ = ["left_out_words"]

_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
_IN_FRAMES = {
    Type.A53_CC: "closed captions",
    Type.DYNAMIC_HDR_PLUS: "HDR10+ metadata",
    Type.DOVI_RPU_BUFFER: "Dolby Vision metadata",
    Type.DOVI_METADATA: "Dolby Vision metadata",
    Type.STEREO3D: "the mark that its pictures are for two eyes",
    Type.SPHERICAL: "the mark that its pictures are spherical",
}


def left_out_words(container: InputContainer, film: VideoStream, frame: VideoFrame) -> tuple[str, ...]:
    """Return a sentence for all of it, and one for a colour profile. frame: a decoded one of the film."""
    found = [*_streams(container, film), *_in_frames(frame)]
    words = (f"Of the source, these are left out: {', '.join(found)}.",) if found else ()
    return (*words, *profile_notices(side_data(frame, Type.ICC_PROFILE)))


def _streams(container: InputContainer, film: VideoStream) -> Iterator[str]:
    others = [each for each in container.streams.video if each.index != film.index]
    pictures = [each for each in others if each.disposition & _PICTURES]
    if pictures:
        yield counted(len(pictures), "attached picture")
    if len(others) > len(pictures):
        yield counted(len(others) - len(pictures), "other video track")
    if subtitles := list(container.streams.subtitles):
        languages = {each.metadata.get("language", "und") for each in subtitles} - {"und"}
        yield counted(len(subtitles), "subtitle track") + (f" ({', '.join(sorted(languages))})" if languages else "")
    data = [each for each in container.streams.data if not _is_kept(each)]
    chapters = "mov" in container.format.name and bool(container.chapters())  # a track of text, which is kept
    if len(data) > chapters:
        yield counted(len(data) - chapters, "data track")
    if attachments := len(container.streams.attachments):
        yield counted(attachments, "attached file")


def _is_kept(stream: Stream) -> bool:
    """Whether a track is one of timecode."""
    return any(key.lower() == "timecode" for key in stream.metadata)


def _in_frames(frame: VideoFrame) -> Iterator[str]:
    yield from dict.fromkeys(text for kind, text in _IN_FRAMES.items() if side_data(frame, kind))
