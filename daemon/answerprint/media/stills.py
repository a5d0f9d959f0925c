"""Decodes picture files without a demuxer: FFmpeg gets bytes, never a path."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from answerprint.errors import MediaError
from answerprint.media.boundary import MAX_PIXELS, check_size, check_source, reading
from answerprint.media.headers import header_timecode

__all__ = ["Still", "read_still"]

# The first bytes decide, not the name: a JPEG named .png is a JPEG.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "mjpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"SDPX", "dpx"),
    (b"XPDS", "dpx"),
    (b"v/1\x01", "exr"),
)
_MAX_BYTES = 2**31 - 2**12  # a packet's size is a C int
_PNG_SIZE = slice(16, 24)


@dataclass(frozen=True, slots=True)
class Still:
    """A decoded picture file. codec: FFmpeg's name. timecode: the label in a DPX or EXR header."""

    frame: VideoFrame
    codec: str
    sample_aspect: Fraction
    timecode: str | None


def read_still(path: Path) -> Still:
    """Decode a picture file. Raises MediaError if it is missing, damaged, not a picture or absurdly large."""
    path = check_source(path)
    with reading(path):
        if path.stat().st_size > _MAX_BYTES:
            raise MediaError(f"{path} is too large for a picture.", "The limit is 2 GiB.")
        data = path.read_bytes()
        codec = next((name for signature, name in _SIGNATURES if data.startswith(signature)), None)
        if codec is None:
            raise MediaError(f"{path} is not a picture.", "Sequences of png, tif, dpx, exr and jpg can be read.")
        if codec == "png" and len(data) >= _PNG_SIZE.stop:
            # The decoder would refuse it too, but without a reason.
            header = data[_PNG_SIZE]
            check_size(path, int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big"))
        context = av.CodecContext.create(codec, "r")
        if not isinstance(context, VideoCodecContext):
            raise MediaError(f"{path} is not a picture.", "Sequences of png, tif, dpx, exr and jpg can be read.")
        context.options = {"max_pixels": str(MAX_PIXELS)}
        context.thread_type = "SLICE"
        frames = context.decode(av.Packet(data)) or context.decode(None)
        if not frames:
            raise MediaError(f"{path} has no picture.", "The file is damaged.")
        check_size(path, frames[0].width, frames[0].height)
        return Still(frames[0], codec, context.sample_aspect_ratio or Fraction(1), header_timecode(data, codec))
