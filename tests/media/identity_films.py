"""Awkward films whose pictures carry the number of the frame that they must be read as."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media.makers import fill, make_movie, numbered, numbered_frame

__all__ = ["FILMS", "Film"]

_GOP = {"g": "6", "bf": "2", "x264-params": "scenecut=0"}
_OPEN = {"g": "6", "bf": "2", "x264-params": "open-gop=1:keyint=6:min-keyint=6:scenecut=0"}


@dataclass(frozen=True, slots=True)
class Film:
    """make: writes it. numbers: in the picture of each of its frames. rate: frames per second. held: that repeat."""

    name: str
    suffix: str
    make: Callable[[Path], object]
    numbers: Sequence[int]
    rate: Fraction = Fraction(25)
    held: Sequence[int] = ()


def _movie(name: str, suffix: str, frames: int = 20, **options: Any) -> Film:  # noqa: ANN401 - of make_movie
    return Film(name, suffix, lambda path: make_movie(path, frames, **options), range(frames), options.get("rate", 25))


def _timed(name: str, suffix: str, times: Sequence[int], numbers: Sequence[int], **more: Any) -> Film:  # noqa: ANN401
    """Pictures 0, 1, ... at these times, in frames; numbers: what each frame then shows."""
    held = [n for n in range(1, len(numbers)) if numbers[n] == numbers[n - 1]]
    options = {"options": _GOP, **more}
    return Film(
        name,
        suffix,
        lambda path: make_movie(path, len(times), times=lambda n: times[n], **options),
        numbers,
        options.get("rate", Fraction(25)),
        held,
    )


def _rewritten(
    path: Path,
    change: Callable[[Packet[VideoStream]], Packet[VideoStream] | None],
    frames: int,
    **options: Any,  # noqa: ANN401
) -> None:
    """Copy a film packet by packet; change returns the packet to write, None for none."""
    plain = make_movie(path.with_stem("plain"), frames, **{"options": _GOP, **options})
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size and (changed := change(packet)) is not None:
                changed.stream = copy
                target.mux(changed)


def _late(path: Path) -> None:
    """The picture begins half a second after the sound."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=8000)
        video = container.add_stream("libx264", rate=25, options=_GOP)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        piece = av.AudioFrame(format="s16", layout="mono", samples=8000)
        piece.sample_rate = 8000
        for plane in piece.planes:
            plane.update(bytes(plane.buffer_size))
        for n in range(20):
            frame = numbered_frame(n)
            frame.pts, frame.time_base = n + 12, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        container.mux(sound.encode(piece))
        container.mux(sound.encode(None))


def _with_cover(path: Path, *, first: bool, frames: int = 20) -> None:
    """A track of one picture, as posters and covers are stored, beside the film."""
    with av.open(str(path), "w") as container:
        tracks: dict[str, VideoStream] = {}
        for name in ("cover", "film") if first else ("film", "cover"):
            tracks[name] = container.add_stream("mjpeg" if name == "cover" else "libx264", rate=25)
            tracks[name].width, tracks[name].height = (96, 96) if name == "cover" else (64, 48)
            tracks[name].pix_fmt = "yuvj420p" if name == "cover" else "yuv420p"
        cover = numbered_frame(255, 96, 96).reformat(format="yuvj420p")
        cover.pts, cover.time_base = 0, Fraction(1, 25)
        container.mux(tracks["cover"].encode(cover))
        container.mux(tracks["cover"].encode(None))
        for n in range(frames):
            frame = numbered_frame(n)
            frame.pts, frame.time_base = n, Fraction(1, 25)
            container.mux(tracks["film"].encode(frame))
        container.mux(tracks["film"].encode(None))


def _turned(path: Path) -> None:
    """Stored lying, shown upright: the stripes of the number lie across and run down once it is turned."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=_GOP)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.set_display_rotation(90)
        for n in range(20):
            frame = VideoFrame(64, 64, "yuv420p")
            # A quarter turn counter-clockwise brings the top to the left: store the number turned clockwise.
            fill(frame, 0, numbered(n, 64, 64).T[:, ::-1].copy())
            for plane in (1, 2):
                fill(frame, plane, numbered(0, 32, 32) * 0 + 128)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _last_frame_stays(path: Path) -> None:
    """The last picture has a duration of a second."""

    dts: list[int] = []

    def longer(packet: Packet[VideoStream]) -> Packet[VideoStream]:
        dts.append(packet.dts or 0)
        if len(dts) == 12:
            packet.duration = 25 * 512
        return packet

    _rewritten(path, longer, 12, options={"g": "6", "bf": "0"})


def _trimmed(path: Path) -> None:
    """Trimmed without encoding, so that pictures before the last ones are missing."""
    _rewritten(path, lambda packet: packet if packet.dts is not None and packet.dts < 9 * 512 else None, 24)


def _wrapping(path: Path) -> None:
    """A transport stream whose clock of 33 bits begins anew in the middle."""
    start = 2**33 - 10 * 3600

    def later(packet: Packet[VideoStream]) -> Packet[VideoStream]:
        packet.pts, packet.dts = (packet.pts or 0) + start, (packet.dts or 0) + start
        return packet

    _rewritten(path, later, 20)


def _shifted(path: Path, ticks: Callable[[int], int], frames: int, options: dict[str, str]) -> None:
    """A film whose pictures have these times, in 600ths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 600)
        for n in range(frames):
            frame = numbered_frame(n)
            frame.pts, frame.time_base = ticks(n), Fraction(1, 600)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _one_late(path: Path) -> None:
    """One picture comes half a frame late: nearer to the next one's place, which is taken."""
    _shifted(path, lambda n: 24 * n + (13 if n == 11 else 0), 20, {"g": "6", "bf": "0"})


def _cadence(path: Path) -> None:
    """Film at 24 frames a second in a grid of 30: every fifth place is empty."""
    _shifted(path, lambda n: 20 * (n + n // 4), 40, {"g": "12", "bf": "0"})


_MPEG2 = {"g": "6", "bf": "2", "qscale": "2"}
_HEVC = {"x265-params": "log-level=none:keyint=6:open-gop=1:bframes=3:scenecut=0"}
_HIDDEN = {"g": "8", "auto-alt-ref": "1", "lag-in-frames": "8", "cpu-used": "8", "crf": "4", "b": "2M"}
_EVERY = range(20)


def _ten_bits(path: Path, codec: str) -> None:
    make_movie(path, [numbered_frame(n).reformat(format="yuv422p10le") for n in _EVERY], codec=codec)


FILMS = (
    _movie("b_frames", ".mp4", options=_GOP),
    _movie("open_gop", ".mov", options=_OPEN),
    _movie("open_gop", ".mkv", options=_OPEN),
    _movie("open_gop", ".ts", options=_OPEN),
    _movie("open_gop_of_hevc", ".mp4", codec="libx265", options=_HEVC),
    Film("edit_list", ".mp4", lambda path: make_movie(path, 25, options=_GOP, times=lambda n: n - 5), range(5, 25)),
    _movie("times_in_ms", ".mkv", rate=Fraction(30000, 1001), options=_GOP),
    _movie("times_in_ms", ".flv", codec="flv", rate=Fraction(24000, 1001), options={"qscale": "2"}),
    Film("clock_begins_anew", ".ts", _wrapping, _EVERY),
    _movie("packed_b_frames", ".avi", codec="mpeg4", options=_MPEG2),
    _movie("b_frames", ".avi", options=_GOP),
    Film("begins_late", ".mkv", _late, _EVERY),
    Film("begins_late", ".mov", _late, _EVERY),
    _timed("hole", ".mkv", [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11], [0, 1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10]),
    _timed("hole", ".mp4", [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11], [0, 1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10]),
    _timed("hole", ".avi", [0, 1, 2, 5, 6, 7], [0, 1, 2, 2, 2, 3, 4, 5], codec="mpeg4", options={"g": "1"}),
    Film("late_frame", ".mp4", _one_late, _EVERY),
    Film("late_frame", ".mkv", _one_late, _EVERY),
    _timed("rate_changes", ".mp4", [*range(0, 20, 2), *range(20, 30)], [*(n // 2 for n in range(20)), *range(10, 20)]),
    Film("cadence", ".mp4", _cadence, range(40), Fraction(24)),
    Film("last_frame_stays", ".mp4", _last_frame_stays, [*range(12), *[11] * 24], held=range(12, 36)),
    Film("trimmed_by_copy", ".mp4", _trimmed, [*range(10), 9, 11], held=[10]),
    Film("turned", ".mp4", _turned, _EVERY),
    _movie("fragmented", ".mp4", options=_GOP, container_options={"movflags": "frag_keyframe+empty_moov"}),
    _movie("long_gop", ".mxf", codec="mpeg2video", options=_MPEG2),
    _movie("long_gop", ".mpg", codec="mpeg2video", options=_MPEG2),
    Film("prores", ".mov", lambda path: _ten_bits(path, "prores_ks"), _EVERY),
    Film("ffv1", ".mkv", lambda path: _ten_bits(path, "ffv1"), _EVERY),
    _movie("one_frame", ".mov", 1),
    _movie("raw", ".h264", options=_GOP),
    _movie("hidden_pictures", ".webm", codec="libvpx-vp9", options=_HIDDEN),
    _movie("hidden_pictures", ".mkv", codec="libvpx", options=_HIDDEN),
    Film("cover_first", ".mp4", lambda path: _with_cover(path, first=True), _EVERY),
    Film("cover_first", ".mkv", lambda path: _with_cover(path, first=True), _EVERY),
    Film("cover_last", ".mov", lambda path: _with_cover(path, first=False), _EVERY),
)
