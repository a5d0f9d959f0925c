"""Decodes the pictures of a film past damage, and says which of them are damaged."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from answerprint.media.boundary import demuxed

__all__ = ["begins_clean", "decoded_pictures", "is_alpha_lost", "packets"]

_MOST_FAILURES = 64  # in a row; after that there is nothing more to read

# FFmpeg's own decoders of these codecs leave out the alpha that WebM and Matroska keep beside each picture.
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}

# The first parameter that is tried is that of nearly all files.
_FFV1_CRC_STARTS = (0, 0x7A8C4079)
_FFV1_FOOTER = 8  # bytes: length of the slice, a status, its CRC
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _ignore() -> None:
    """Take no notice of a packet that cannot be decoded."""


def packets(
    container: InputContainer, stream: VideoStream, on_later: Callable[[], object] = _ignore
) -> Iterator[Packet[VideoStream]]:
    """Yield the packets with data, and go on after those that cannot be read; ends where nothing can be read.

    on_later: called for tracks that begin within the file.
    """
    failures, count = 0, 0
    while True:
        try:
            for packet in demuxed(container, stream, on_later=on_later):
                failures = 0
                if packet.size:  # empty: a captured frame that repeats the one before, or the end
                    count += 1
                    yield packet
            return
        except av.InvalidDataError:
            failures += 1
            if failures > _MOST_FAILURES:
                if count == 0:
                    raise
                return


def decoded_pictures(
    container: InputContainer, stream: VideoStream, on_lost: Callable[[], object] = _ignore
) -> Generator[tuple[VideoFrame, bool], None, None]:
    """Yield each picture, and whether it is damaged; pictures that cannot be decoded are missing.

    on_lost: called for each packet that cannot be decoded. Raises the decoder's error if not one can be.
    """
    context = _decoder(stream)
    checksum = _SliceChecksum() if context.name == "ffv1" else None
    damaged: set[int | None] = set()
    failed: av.FFmpegError | None = None
    failures, count = 0, 0
    for packet in _with_end(container, stream):
        if packet.is_corrupt or (checksum is not None and packet.size and checksum.is_wrong(packet)):
            damaged.add(packet.pts)
        try:
            frames = context.decode(packet)
            failures = 0
        except av.FFmpegError as error:
            if error.errno in (errno.EIO, errno.ENOMEM):
                raise
            frames, failed, failures = [], failed or error, failures + 1
            on_lost()
            if count == 0 and failures > _MOST_FAILURES:
                raise
        for frame in frames:
            count += 1
            yield frame, frame.is_corrupt or (frame.pts is not None and frame.pts in damaged)
            damaged.discard(frame.pts)
    if count == 0 and failed is not None:
        raise failed


def is_alpha_lost(stream: VideoStream) -> bool:
    """Whether the stream has alpha that no decoder here can read."""
    return _has_side_alpha(stream) and _WITH_ALPHA[stream.codec_context.name] not in av.codecs_available


def begins_clean(picture: VideoFrame, stream_codec: str) -> bool:
    """Whether the first picture after a seek is a key frame, so that it and those after it are exact."""
    # libvpx does not say, but gives nothing out before a key frame.
    return picture.key_frame or (stream_codec in _WITH_ALPHA and "yuva" in picture.format.name)


def _has_side_alpha(stream: VideoStream) -> bool:
    mode = next((text for name, text in stream.metadata.items() if name.lower() == "alpha_mode"), "")
    return mode == "1" and stream.codec_context.name in _WITH_ALPHA


def _decoder(stream: VideoStream) -> VideoCodecContext:
    """The decoder that gives out all that the stream holds."""
    if not _has_side_alpha(stream) or is_alpha_lost(stream):
        return stream.codec_context
    context = VideoCodecContext.create(_WITH_ALPHA[stream.codec_context.name], "r")
    if not isinstance(context, VideoCodecContext):
        raise ValueError("a decoder of video decodes no video")
    context.options = dict(stream.codec_context.options)
    return context


def _with_end(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """The packets, then an empty one that makes the decoder give out what it holds."""
    yield from packets(container, stream)
    end: Packet[Any] = Packet()
    if stream.time_base:
        end.time_base = stream.time_base
    yield end


class _SliceChecksum:
    """The CRC of each slice of FFV1: FFmpeg checks it, but only writes a line to its log."""

    def __init__(self) -> None:
        self._start: int | None = None
        self._spoilt = False

    def is_wrong(self, packet: Packet[VideoStream]) -> bool:
        """Whether the packet, or one that its picture builds on, is damaged; False for streams without CRC."""
        if packet.is_keyframe:
            self._spoilt = False
        if not self._is_right(bytes(packet)) and self._start is not None:
            self._spoilt = True
        return self._spoilt

    def _is_right(self, data: bytes) -> bool:
        right, stop = True, len(data)
        while stop > 0:
            start = stop - _FFV1_FOOTER - int.from_bytes(data[max(0, stop - 8) : max(0, stop - 5)], "big")
            if start < 0 or stop < _FFV1_FOOTER:
                return False
            # The CRC runs from the most significant bit, zlib's from the least.
            slice_bits = data[start:stop].translate(_REVERSED)
            starts = _FFV1_CRC_STARTS if self._start is None else (self._start,)
            found = next((each for each in starts if _crc(slice_bits, each) == each), None)
            if found is not None:
                self._start = found
            right, stop = right and found is not None, start
        return right


def _crc(reversed_bits: bytes, start: int) -> int:
    mirrored = int(f"{start:032b}"[::-1], 2)
    value = zlib.crc32(reversed_bits, mirrored ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{value:032b}"[::-1], 2)
