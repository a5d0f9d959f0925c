"""Decodes picture files. The first bytes decide which library reads one, not its name: a JPEG named .png is a JPEG.

FFmpeg gets bytes, never a path. It reads the formats in which it keeps more than OpenImageIO: Y'CbCr without rounding
to R'G'B' (JPEG, AVIF), and R'G'B' of DPX and PNG code by code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from answerprint.errors import MediaError
from answerprint.frames.clip import PixelWindow
from answerprint.frames.colour import UNTAGGED
from answerprint.frames.sequence import READABLE
from answerprint.media.boundary import (
    MAX_PIXELS,
    animation,
    best_video,
    check_size,
    check_source,
    open_container,
    reading,
)
from answerprint.media.headers import WITHOUT_HEADER, StillHeader, dpx_header, is_plain_dpx, profile_notices
from answerprint.media.openimageio import read_header, read_picture, stored_orientation
from answerprint.media.orientation import UPRIGHT, orientation_of
from answerprint.media.side_data import Type, side_data
from answerprint.media.tags import read_tags

__all__ = ["Still", "read_still", "read_still_header", "still_codec"]

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "mjpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),  # BigTIFF
    (b"MM\0+", "tiff"),
    (b"SDPX", "dpx"),
    (b"XPDS", "dpx"),
    (b"v/1\x01", "exr"),
    (b"\x80\x2a\x5f\xd7", "cineon"),
    (b"\xd7\x5f\x2a\x80", "cineon"),
    (b"BM", "bmp"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000"),
)
_BRANDS = {b"avif": "avif", b"avis": "avif", b"heic": "heic", b"heix": "heic", b"hevc": "heic", b"hevx": "heic"}
_BRANDS |= {b"heim": "heic", b"heis": "heic", b"mif1": "heic", b"msf1": "heic"}
_BY_FFMPEG = (*WITHOUT_HEADER, "dpx")
_HEAD_BYTES = 2048
_MAX_BYTES = 2**31 - 2**12  # a packet's size is a C int
_PNG_SIZE = slice(16, 24)
_PNG_ANIMATION = b"acTL"


@dataclass(frozen=True, slots=True)
class Still:
    """A decoded picture file, as it is stored."""

    frame: VideoFrame
    header: StillHeader


def still_codec(path: Path) -> str | None:
    """Return the codec of a picture file by its first bytes, None for any other file."""
    path = check_source(path)
    with reading(path), path.open("rb") as file:
        return _codec_of(file.read(_HEAD_BYTES), path.suffix.lower())


def read_still_header(path: Path) -> StillHeader:
    """Return what a picture's header says; of the formats that FFmpeg reads, without their colour tags.

    Raises MediaError if it is missing, damaged, or no picture that can be restored.
    """
    path = check_source(path)
    with reading(path):
        head, codec = _recognised(path)
        if codec == "dpx":
            return dpx_header(head)
        if codec in _BY_FFMPEG:
            return StillHeader(codec=codec)
        return read_header(path, codec)


def read_still(path: Path, window: PixelWindow | None = None, display: PixelWindow | None = None) -> Still:
    """Decode a picture file.

    window: which of the pixels of an EXR are wanted; if display is given, only of one with that display window, because
    another one is a picture of another size. Raises MediaError if the file is missing, damaged, not a picture
    or absurdly large.
    """
    path = check_source(path)
    with reading(path):
        _, codec = _recognised(path)
        if codec == "avif":
            return _read_avif(path)
        if codec in _BY_FFMPEG:
            return _read_with_ffmpeg(path, codec)
        return _still(path, *read_picture(path, codec, window, display))


def _recognised(path: Path) -> tuple[bytes, str]:
    """Return the first bytes, and the codec that they belong to. Raises MediaError if no reader knows them."""
    if path.stat().st_size > _MAX_BYTES:
        raise MediaError(f"{path} is too large for a picture.", "The limit is 2 GiB.")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    codec = _codec_of(head, path.suffix.lower())
    if codec == "heic":
        raise MediaError(
            f"{path} is a HEIC picture, which cannot be read: its compression needs a licence.",
            "Convert it to TIFF or PNG first, for instance in Preview, Photos or ImageMagick.",
        )
    if codec is None:
        raise MediaError(f"{path} is not a picture.", f"Pictures can be {READABLE}.")
    return head, codec


def _codec_of(head: bytes, suffix: str) -> str | None:
    found = next((name for signature, name in _SIGNATURES if head.startswith(signature)), None)
    if found is None and head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if found is None and head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    # TGA has no signature: a kind of colour map and a kind of picture, each of a few values.
    if found is None and suffix == ".tga" and head[1:2] in (b"\0", b"\1") and head[2:3] in b"\1\2\3\x09\x0a\x0b":
        return "targa"
    return found


def _read_with_ffmpeg(path: Path, codec: str) -> Still:
    data = path.read_bytes()
    header = dpx_header(data) if codec == "dpx" else StillHeader(codec=codec)
    if codec == "png":
        _check_png(path, data)
    context = av.CodecContext.create(codec, "r")
    if not isinstance(context, VideoCodecContext):
        raise ValueError(f"{codec} is no video decoder")
    context.options = {"max_pixels": str(MAX_PIXELS)}
    context.thread_type = "SLICE"
    try:
        frames = context.decode(av.Packet(data)) or context.decode(None)
    except av.FFmpegError:
        if codec != "dpx":
            raise
        return _still(path, _unusual_dpx(path, data), header)
    if not frames:
        raise MediaError(f"{path} has no picture.", "The file is damaged.")
    if codec != "dpx":
        aspect = context.sample_aspect_ratio or Fraction(1)
        header = replace(header, sample_aspect=aspect, orientation=stored_orientation(path))
    return _still(path, frames[0], header)


def _unusual_dpx(path: Path, data: bytes) -> VideoFrame:
    """A packing that FFmpeg does not know, such as 10 bits without padding."""
    try:
        return read_picture(path, "dpx")[0]
    except MediaError as error:
        if is_plain_dpx(data):
            raise
        raise MediaError(
            f"{path} is a DPX of a kind that is not supported: compressed, or Y'CbCr of more than 8 bits.",
            "Convert it to R'G'B' without compression first.",
        ) from error


def _check_png(path: Path, data: bytes) -> None:
    """Raise MediaError for an absurd size, which the decoder would refuse without a reason, and for an animation."""
    if len(data) >= _PNG_SIZE.stop:
        size = data[_PNG_SIZE]
        check_size(path, int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big"))
    control = data.find(_PNG_ANIMATION, 0, data.find(b"IDAT"))
    if control >= 0 and int.from_bytes(data[control + 4 : control + 8], "big") > 1:
        raise animation(path)


def _read_avif(path: Path) -> Still:
    """FFmpeg reads AVIF as a movie of one frame; alpha and tiles are streams of their own, which it does not join."""
    with open_container(path) as container:
        stream = best_video(container, path)
        if len(container.streams.video) > 1:
            raise MediaError(
                f"{path} is an AVIF picture with alpha or of several tiles, which cannot be read.",
                "Convert it to PNG or TIFF first.",
            )
        frames = [frame for frame, _ in zip(container.decode(stream), range(2), strict=False)]
        if len(frames) != 1:
            raise animation(path) if frames else MediaError(f"{path} has no picture.", "The file is damaged.")
        aspect = stream.sample_aspect_ratio or Fraction(1)
        return _still(
            path,
            frames[0],
            StillHeader(codec="avif", sample_aspect=aspect, orientation=orientation_of(frames[0]) or UPRIGHT),
        )


def _still(path: Path, frame: VideoFrame, header: StillHeader) -> Still:
    """The picture, with the colour tags of its frame where the header has none."""
    check_size(path, frame.width, frame.height)
    header = replace(header, notices=(*header.notices, *profile_notices(side_data(frame, Type.ICC_PROFILE))))
    return Still(frame, header if header.colour != UNTAGGED else replace(header, colour=read_tags(frame)))
