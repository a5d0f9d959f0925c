"""What a delivery codec does to a clip: H.264 in memory, as the video compression stage of a degradation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import av
import cv2
import numpy as np
from av.codec.codec import UnknownCodecError
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from answerprint.errors import InputError
from answerprint.frames.frame import Picture

__all__ = ["decode_h264", "encode_h264", "video_compression"]


_RATE = Fraction(24)


def video_compression(clip: Sequence[Picture] | NDArray[np.float32], crf: int) -> list[Picture]:
    """Clip [H, W, 3] float32 RGB in [0, 1] coded and decoded as H.264, 8-bit 4:2:0, of quality `crf` 0 (best) to 51."""
    height, width = clip[0].shape[:2]
    return decode_h264(encode_h264(clip, crf), width, height)


def encode_h264(clip: Sequence[Picture] | NDArray[np.float32], crf: int) -> list[bytes]:
    """Packets of `clip` in Annex B form, in decoding order; odd sizes are padded by a repeated row or column.

    The same clip gives the same bytes: one thread, and no macroblock tree. With that, x264 reads memory that it never
    wrote, and up to one encoding in three differs. Raises InputError where PyAV's FFmpeg has no libx264.
    """
    height, width = clip[0].shape[:2]
    try:
        encoder = av.CodecContext.create("libx264", "w")
    except UnknownCodecError as e:
        raise InputError("This FFmpeg cannot code H.264 (no libx264).", "Leave `video=` out of the degradation.") from e
    encoder.width, encoder.height = width + width % 2, height + height % 2
    encoder.pix_fmt = "yuv420p"
    encoder.framerate, encoder.time_base = _RATE, 1 / _RATE
    encoder.thread_count = 1
    encoder.options = {"crf": str(crf), "preset": "medium", "threads": "1", "x264-params": "mbtree=0"}
    packets: list[bytes] = []
    for index, picture in enumerate(clip):
        if picture.shape[:2] != (height, width):
            raise ValueError(f"frame {index} is {picture.shape[1]}x{picture.shape[0]}, the first is {width}x{height}")
        frame = _to_yuv(picture)
        frame.pts, frame.time_base = index, 1 / _RATE
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    packets += [bytes(packet) for packet in encoder.encode(None)]
    return packets


def decode_h264(packets: Iterable[bytes], width: int, height: int) -> list[Picture]:
    """Frames [height, width, 3] float32 RGB in [0, 1], in the order they are shown; the padding is taken off."""
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    frames: list[Picture] = []
    for data in [*packets, None]:
        for frame in decoder.decode(None if data is None else av.Packet(data)):
            frames.append(_to_rgb(frame)[:height, :width])
    return [np.ascontiguousarray(frame) for frame in frames]


def _to_yuv(picture: Picture) -> av.VideoFrame:
    coded = np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
    h, w = coded.shape[:2]
    even = cv2.copyMakeBorder(coded, 0, h % 2, 0, w % 2, cv2.BORDER_REPLICATE)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
    # Both ways named: left to its default, FFmpeg takes BT.601 for untagged frames.
    return frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)


def _to_rgb(frame: av.VideoFrame) -> Picture:
    rgb = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU709)
    return np.asarray(rgb.to_ndarray(), np.float32) / np.float32(255.0)
