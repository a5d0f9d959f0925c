"""The one place that opens files with PyAV and translates its exceptions into errors of Answerprint."""

from __future__ import annotations

import errno
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from answerprint.errors import MediaError, OutputError
from answerprint.media.sound_frames import take_plain_layout
from answerprint.store.atomic import shown
from answerprint.store.quota import storage_error

__all__ = [
    "MAX_PIXELS",
    "MAX_SIDE",
    "WITHOUT_SOUND",
    "animation",
    "best_video",
    "check_size",
    "check_source",
    "demuxed",
    "open_container",
    "reading",
    "writing",
]

# Pictures read to tell films from single pictures, where a file holds several streams.
_MANY_PICTURES = 50
_MOST_TRACKS = 8192  # numbers of a transport stream
_COUNTED_PICTURES = 2000

MAX_SIDE = 16384  # px
MAX_PIXELS = 2**28

# Demuxers that read only the one file: no playlists, concatenation, devices or network formats.
_FORMATS = "mov,matroska,mxf,avi,mpegts,mpeg,mpegvideo,h264,hevc,m4v,nut,ivf,yuv4mpegpipe,gif,ogg,flv,asf,dv"
_OPTIONS = {
    "format_whitelist": _FORMATS,
    "protocol_whitelist": "file",
    "enable_drefs": "0",  # a mov can point at media in other files
    "max_pixels": str(MAX_PIXELS),  # checked before the decoder that guesses missing parameters allocates memory
}
WITHOUT_SOUND = "Restore without sound (--no-audio), or convert the sound to PCM first."
_HOW_TO_NUMBER = "Write the frame number as in plate.%04d.png or plate.[0001-0100].png."
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")

# First bytes of pictures, which some programs name like videos.
_PICTURES = (
    (b"\x89PNG", "PNG", ".png"),
    (b"\xff\xd8\xff", "JPEG", ".jpg"),
    (b"II*\0", "TIFF", ".tif"),
    (b"MM\0*", "TIFF", ".tif"),
    (b"SDPX", "DPX", ".dpx"),
    (b"XPDS", "DPX", ".dpx"),
    (b"\x76\x2f\x31\x01", "OpenEXR", ".exr"),
)

# Fuzzing with 6,847 mutated files raised these besides FFmpegError.
_FOREIGN = (av.FFmpegError, IndexError, UnicodeDecodeError, MemoryError, EOFError, OSError, ValueError, OverflowError)


def _ignore() -> None:
    """Do nothing."""


@contextmanager
def reading(path: Path, sound: str = "") -> Iterator[None]:
    """Translate whatever a damaged or hostile file raises inside the block into MediaError.

    sound: the track that is read, in words; then pictures are not to blame.
    """
    try:
        yield
    except _FOREIGN as error:
        raise MediaError(*_why_unreadable(shown(path), error, sound)) from error


def _why_unreadable(path: str, error: BaseException, sound: str = "") -> tuple[str, str]:
    if isinstance(error, MemoryError):
        return f"There is not enough memory to read {path}.", "The file is damaged, or its pictures are too large."
    # A decoder that fails without a reason gives EPERM.
    if isinstance(error, PermissionError) and not (isinstance(error, av.FFmpegError) and error.errno == errno.EPERM):
        return f"{path} cannot be read: permission denied.", "Check the permissions of the file."
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist.", "Check the path."
    if isinstance(error, UnicodeDecodeError):
        return f"{path} has damaged metadata.", "Copy its streams into a new file."
    if isinstance(error, OSError) and error.errno == errno.EIO:
        return f"{path} cannot be read on: it is cut short, or its disk fails.", "Copy it again, and check the disk."
    reason = (getattr(error, "strerror", "") or "no reason given").rstrip(".")
    if sound:
        return f"{sound} of {path} cannot be read ({reason}).", WITHOUT_SOUND
    if isinstance(error, av.FFmpegError):
        return (
            f"{path} cannot be read as video ({reason}).",
            "The file is damaged, not a video, or in a format that is not supported, such as a playlist.",
        )
    return f"{path} is damaged or not a video.", "Open it in a player; if it plays, convert it to ProRes first."


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translate whatever the encoder, the muxer or the disk raises inside the block: StorageError or OutputError."""
    try:
        yield
    except FileExistsError as error:
        raise OutputError(f"{shown(path)} already exists.", "Choose another name or give --overwrite.") from error
    except PermissionError as error:
        raise OutputError(f"{path.parent} cannot be written to.", "Choose another folder.") from error
    except _FOREIGN as error:
        if isinstance(error, OSError):
            raise storage_error(error, path) from error
        raise OutputError(
            f"{shown(path)} could not be encoded ({error}).", "Choose another --codec or size."
        ) from error


def check_source(path: Path | str) -> Path:
    """Return the absolute path of a regular file on this machine, without opening it. Raises MediaError."""
    text = str(path)
    if "\0" in text:
        raise MediaError("The path contains a NUL character.", "Check the path.")
    path = Path(path)
    with reading(path):
        if not path.exists():
            # Only if it does not exist, because a file can be named `take:2.mov`.
            if _SCHEME.match(text) and not path.drive:
                raise MediaError(f"{text} is not a path: only files on this machine are read.", "Copy the media first.")
            numbered = any(sign in path.name for sign in "#*?")
            raise MediaError(f"{path} does not exist.", _HOW_TO_NUMBER if numbered else "Check the path.")
        if not stat.S_ISREG(path.stat().st_mode):
            raise MediaError(f"{path} is not a regular file.", "Name a video file or an image sequence.")
        if path.stat().st_size == 0:
            raise MediaError(f"{path} is empty: it has 0 bytes.", "Copy or render it again.")
    return path.absolute()


def open_container(path: Path) -> InputContainer:
    """Open a checked path, with whitelisted demuxers and no access to other files. Raises MediaError."""
    with reading(path):
        try:
            # Without an explicit protocol, FFmpeg would take names such as `concat:a|b` or `subfile,,x` for one.
            container = av.open(f"file:{path}", "r", options=_OPTIONS)
        except av.FFmpegError:
            _refuse_by_content(path)
            raise
        for stream in container.streams.audio:
            take_plain_layout(stream)
        return container


def _refuse_by_content(path: Path) -> None:
    """Raise MediaError if the first bytes, or what is missing after them, say why it is no video."""
    with path.open("rb") as file:
        head = file.read(16)
        for start, kind, suffix in _PICTURES:
            if head.startswith(start):
                raise MediaError(f"{path} is a {kind} picture, not a video.", f"Give its name the extension {suffix}.")
        if head[4:8] != b"ftyp":
            return
        at, size = 0, path.stat().st_size
        while at + 8 <= size:  # the boxes of a QuickTime or MP4 file
            file.seek(at)
            length, name = int.from_bytes(file.read(4), "big"), file.read(4)
            length = int.from_bytes(file.read(8), "big") if length == 1 else length or size - at
            at += max(length, 8)
            if name in (b"moov", b"moof") and at <= size:
                return
    raise MediaError(
        f"{path} has no index: it was never finished, or its end is missing.",
        "Copy it again; recordings can be repaired with the maker's tool.",
    )


def best_video(container: InputContainer, path: Path) -> VideoStream:
    """Return the film among the video streams. Raises MediaError if there is none or its size is absurd.

    Pictures that are attached, such as covers, are never the film; nor is a track of one picture beside a longer one.
    """
    with reading(path):
        kinds = av.stream.Disposition
        stills = kinds.attached_pic | kinds.timed_thumbnails | kinds.still_image
        streams = [s for s in container.streams.video if not s.disposition & stills]
        if not streams:
            raise MediaError(f"{path} has no video.", "Name a video file or an image sequence.")
        stream = streams[0] if len(streams) == 1 else _longest(streams, path)
        if stream.codec_context is None:
            raise MediaError(f"The codec of {path} is not supported.", "Render it to ProRes in Resolve.")
        check_size(path, stream.codec_context.width, stream.codec_context.height)
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        stream.thread_type = "AUTO"
    return stream


def demuxed(
    container: InputContainer, *streams: Stream, on_later: Callable[[], object] = _ignore
) -> Iterator[Packet[Any]]:
    """Yield the packets of streams.

    on_later: called for tracks that begin only now, which the container does not list: broadcasts change what they
    consist of. PyAV 18 fails there.
    """
    for _ in range(_MOST_TRACKS):
        try:
            yield from container.demux(*streams)
        except IndexError:
            on_later()  # the packet was of the new track; from here on, its number is known
        else:
            return
    raise ValueError("the file has too many tracks")


def _longest(streams: list[VideoStream], path: Path) -> VideoStream:
    """The stream of many pictures: the default one, else the largest, else the first."""
    counts = {s.index: s.frames for s in streams}
    if not all(counts.values()):  # Matroska and transport streams do not say
        counts = dict.fromkeys(counts, 0)
        with open_container(path) as counted:
            for packet in demuxed(counted, *(counted.streams[index] for index in counts)):
                counts[packet.stream_index] += packet.size > 0
                if min(counts.values()) >= _MANY_PICTURES or sum(counts.values()) >= _COUNTED_PICTURES:
                    break
    most = max(counts.values())

    def worth(stream: VideoStream) -> tuple[bool, bool, bool, int, int]:
        context = stream.codec_context
        return (
            context is not None,
            2 * counts[stream.index] >= min(most, _MANY_PICTURES),
            bool(stream.disposition & av.stream.Disposition.default),
            0 if context is None else context.width * context.height,
            -stream.index,
        )

    return max(streams, key=worth)


def animation(path: Path) -> MediaError:
    """The error for a file of several pictures that is named as one."""
    return MediaError(
        f"{shown(path)} is an animation, not a picture.", "Convert it to a movie or to a sequence of PNG pictures."
    )


def check_size(path: Path, width: int, height: int) -> None:
    """Raise MediaError for a size that no camera has: the picture would fill the memory."""
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise MediaError(
            f"{path} has pictures of {width}x{height}, which is too large.",
            f"The limit is {MAX_SIDE} pixels per side and {MAX_PIXELS} in all.",
        )
    if width < 1 or height < 1:
        raise MediaError(f"{path} has pictures without a size.", "The file is damaged.")
