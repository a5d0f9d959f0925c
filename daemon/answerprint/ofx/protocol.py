"""The contract between the daemon and its OpenFX plugin: the plugin sends messages, and reads answers from files.

The plugin has the same layouts in `ofx/protocol.h`. All numbers are little-endian. Standard library only: the parent
imports it. What comes from outside is checked before it is used; `MalformedError` says what is wrong with it.

    HOME/run/ofx                          rendezvous: where the daemon listens, its token, and the folder of the cache
    HOME/cache/frames/KEY/status          the state of a restoration
    HOME/cache/frames/KEY/FIT-FRAME       a restored frame in the colours and at the size of the host's picture
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from math import isfinite
from pathlib import Path

__all__ = [
    "FRAME_HEADER_BYTES",
    "MAX_FITS",
    "MAX_MESSAGE_BYTES",
    "MAX_PATCHES",
    "MAX_PATH_BYTES",
    "MAX_SAMPLES",
    "MAX_SIDE",
    "MAX_STATUS_BYTES",
    "MESSAGE_BYTES",
    "PATCH_BYTES",
    "PATCH_SIDE",
    "PIXEL_ALIGNMENT",
    "STATUS_HEADER_BYTES",
    "VERSION",
    "AskFlag",
    "AskKind",
    "FrameFileHeader",
    "HostQuestion",
    "MalformedError",
    "Patch",
    "Rendezvous",
    "ShownState",
    "StatusFile",
    "StatusFlag",
    "frame_key",
    "frame_name",
    "parse_frame_name",
]

VERSION = 1
MAX_MESSAGE_BYTES = 1 << 20
"""Of what follows the length of a message."""
MAX_STATUS_BYTES = 1 << 16
MAX_FITS = 8
MAX_PATH_BYTES = 1 << 14
MAX_PATCHES = 256
PATCH_SIDE = 8
MAX_SAMPLES = (128, 72)
"""Columns and rows."""
MAX_SIDE = 1 << 16
"""px; width and height of a picture are smaller."""
PIXEL_ALIGNMENT = 4096
FRAME_HEADER_BYTES = 128

_MESSAGE = struct.Struct("<II32sIIqqIIIIqqII")
_STATUS = struct.Struct("<8sIIIIqqIIqqIIfIII")
_FRAME = struct.Struct("<8sIIIIIIIIqIIIIfIqQ40x")
_PATCH = struct.Struct("<IIf")
_KEY = struct.Struct("<IqII")

MESSAGE_BYTES = _MESSAGE.size
"""Of a message without path and samples, its length included."""
STATUS_HEADER_BYTES = _STATUS.size
_HALF_RGB_BYTES = 6
_HALF_RGBA_BYTES = 8
_PATCH_PIXEL_BYTES = PATCH_SIDE * PATCH_SIDE * _HALF_RGB_BYTES
PATCH_BYTES = _PATCH.size + _PATCH_PIXEL_BYTES

_STATUS_MAGIC = b"APSTATUS"
_FRAME_MAGIC = b"APFRAME\0"
_RENDEZVOUS_TITLE = "answerprint-ofx"
_FNV_OFFSET, _FNV_PRIME, _FNV_MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1
_FRAME_NAME = re.compile(r"([0-7])-(-?(?:0|[1-9][0-9]{0,18}))")
_ENDPOINT = re.compile(r"unix:/.+|127\.0\.0\.1:[1-9][0-9]{0,4}")
_TOKEN = re.compile(r"[0-9a-f]{64}")


class MalformedError(ValueError):
    """Data of the plugin or of the cache that the contract does not allow. Users never see it."""


class ShownState(IntEnum):
    """What the plugin shows of a restoration."""

    NOTHING = 0
    """Nothing restores this file."""
    QUEUED = 1
    RUNNING = 2
    DONE = 3
    FAILED = 4
    PAUSED = 5
    REFUSED = 6


class StatusFlag(IntFlag):
    """Flags of a status file."""

    SAMPLES_WANTED = 1
    NO_FIT = 2
    """The host's picture could not be matched; the text says why."""


_NO_FLAGS = StatusFlag(0)


class AskKind(IntEnum):
    """What the plugin asks for."""

    FRAME = 1
    """A frame that is not in the cache."""
    RESTORE = 2
    """To restore the file, or a range of it."""
    HERE = 3
    """Nothing: the playhead is at this frame, which was in the cache."""


class AskFlag(IntFlag):
    """Flags of a question."""

    SAMPLES = 1
    FINAL = 2
    """Of a final render."""
    OFFSET = 4
    """The frame is an index into a file that the user named, not a source frame of the host."""


def frame_key(job: int, width: int, height: int, path: bytes) -> str:
    """The folder of a question's answers in the cache: FNV-1a, 64 bits, as 16 hexadecimal digits.

    job: number of the restoration, 0 for the newest. width, height: px of the host's picture.
    """
    key = _FNV_OFFSET
    for byte in _KEY.pack(VERSION, job, width, height) + path:
        key = (key ^ byte) * _FNV_PRIME & _FNV_MASK
    return f"{key:016x}"


def frame_name(fit: int, frame: int) -> str:
    """The name of a frame file. frame: as the host counts."""
    return f"{fit}-{frame}"


def parse_frame_name(name: str) -> tuple[int, int] | None:
    """Fit and frame of a frame file's name; None for any other name."""
    match = _FRAME_NAME.fullmatch(name)
    return None if match is None or match[2] == "-0" else (int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class Rendezvous:
    """How the plugin finds the daemon. endpoint: unix:/PATH or 127.0.0.1:PORT. token: 64 hexadecimal digits."""

    endpoint: str
    token: str
    pid: int
    cache: Path

    def to_bytes(self) -> bytes:
        """The rendezvous file. Raises MalformedError for a path that is not absolute or holds the end of a line."""
        lines = [f"{_RENDEZVOUS_TITLE} {VERSION}", self.endpoint, self.token, str(self.pid), str(self.cache)]
        if any("\n" in line or "\0" in line for line in lines):
            raise MalformedError("a path holds the end of a line")
        data = os.fsencode("".join(f"{line}\n" for line in lines))
        if Rendezvous.parse(data) != self:
            raise MalformedError("the rendezvous does not come back as it was")
        return data

    @classmethod
    def parse(cls, data: bytes) -> Rendezvous:
        """Read the rendezvous file. Raises MalformedError."""
        lines = os.fsdecode(data).split("\n")
        if len(lines) != 6 or lines[5] or lines[0] != f"{_RENDEZVOUS_TITLE} {VERSION}":
            raise MalformedError("not a rendezvous of this version")
        endpoint, token, pid, cache = lines[1:5]
        if not _ENDPOINT.fullmatch(endpoint) or not _TOKEN.fullmatch(token):
            raise MalformedError("endpoint or token")
        if not re.fullmatch(r"[1-9][0-9]{0,9}", pid) or not Path(cache).is_absolute():
            raise MalformedError("pid or folder")
        return cls(endpoint, token, int(pid), Path(cache))


@dataclass(frozen=True, slots=True)
class HostQuestion:
    """A message of the plugin.

    token: 32 bytes. frame, first, stop: as the host counts; 0, 0 is the whole file. job: 0 for the newest. width,
    height: px of the host's picture. path: of the media, as bytes. columns, rows: of the samples, which are columns x
    rows x RGB half, the bottom row first: pixels of the host's source picture at x = floor((i + .5) * width / columns),
    and y likewise.
    """

    token: bytes
    kind: AskKind
    flags: AskFlag
    frame: int
    job: int
    width: int
    height: int
    path: bytes
    first: int = 0
    stop: int = 0
    columns: int = 0
    rows: int = 0
    samples: bytes = b""

    @property
    def key(self) -> str:
        """The folder of the answers in the cache."""
        return frame_key(self.job, self.width, self.height, self.path)

    def to_bytes(self) -> bytes:
        """The message with its length. Raises MalformedError."""
        body = self.path + self.samples
        length = _MESSAGE.size - 4 + len(body)
        try:
            head = _MESSAGE.pack(
                length, VERSION, self.token, self.kind, self.flags, self.frame, self.job, self.width, self.height,
                self.columns, self.rows, self.first, self.stop, len(self.path), 0,
            )  # fmt: skip
        except struct.error as error:
            raise MalformedError(str(error)) from error
        if HostQuestion.parse((head + body)[4:]) != self:
            raise MalformedError("a token that is not 32 bytes, or samples without their flag")
        return head + body

    @classmethod
    def parse(cls, data: bytes) -> HostQuestion:
        """Read a message without its length. Raises MalformedError."""
        if not _MESSAGE.size - 4 <= len(data) <= MAX_MESSAGE_BYTES:
            raise MalformedError(f"a message of {len(data)} bytes")
        (_, version, token, kind, flags, frame, job, width, height, columns, rows, first, stop, path_bytes, zero) = (
            _MESSAGE.unpack(bytes(4) + data[: _MESSAGE.size - 4])
        )
        if version != VERSION or zero:
            raise MalformedError(f"version {version}")
        if not 1 <= kind <= 3 or flags & ~7 or job < 0 or stop < first:
            raise MalformedError(f"kind {kind}, flags {flags}, job {job}, range {first}:{stop}")
        _check_sides(width, height)
        has_samples = bool(flags & AskFlag.SAMPLES)
        if not _proper_samples(columns, rows, width, height) if has_samples else (columns or rows):
            raise MalformedError(f"samples {columns}x{rows}")
        path, samples = _split(data[_MESSAGE.size - 4 :], path_bytes, columns * rows * _HALF_RGB_BYTES)
        _check_path(path)
        return cls(
            token, AskKind(kind), AskFlag(flags), frame, job, width, height, path, first, stop, columns, rows, samples
        )


def _proper_samples(columns: int, rows: int, width: int, height: int) -> bool:
    return 0 < columns <= min(MAX_SAMPLES[0], width) and 0 < rows <= min(MAX_SAMPLES[1], height)


@dataclass(frozen=True, slots=True)
class StatusFile:
    """The state of a restoration, for one key.

    permyriad: progress, 0 to 10000. first, stop: the restored frames, as the host counts. fits: how many colour fits
    exist. asked: number of the job in the question, 0 for the newest; shown: of the job that answers, 0 for none.
    residual: of the newest fit, in units where 1 is white. text: one sentence for the user.
    """

    state: ShownState
    asked: int
    width: int
    height: int
    path: bytes
    text: str = ""
    shown: int = 0
    permyriad: int = 0
    first: int = 0
    stop: int = 0
    fits: int = 0
    flags: StatusFlag = _NO_FLAGS
    residual: float = 0.0

    def to_bytes(self) -> bytes:
        """The status file; a text that is too long is cut. Raises MalformedError."""
        room = MAX_STATUS_BYTES - _STATUS.size - len(self.path)
        text = self.text.encode("utf-8", "replace")[: max(room, 0)].decode("utf-8", "ignore").encode()
        try:
            head = _STATUS.pack(
                _STATUS_MAGIC, VERSION, _STATUS.size + len(text) + len(self.path), self.state, self.permyriad,
                self.first, self.stop, self.fits, self.flags, self.asked, self.shown, self.width, self.height,
                self.residual, 0, len(text), len(self.path),
            )  # fmt: skip
        except (struct.error, OverflowError) as error:
            raise MalformedError(str(error)) from error
        StatusFile.parse(head + text + self.path)
        return head + text + self.path

    @classmethod
    def parse(cls, data: bytes) -> StatusFile:
        """Read a status file. Raises MalformedError."""
        if not _STATUS.size <= len(data) <= MAX_STATUS_BYTES:
            raise MalformedError(f"a status of {len(data)} bytes")
        (
            magic, version, size, state, permyriad, first, stop, fits, flags, asked, shown, width, height, residual,
            zero, text_bytes, path_bytes,
        ) = _STATUS.unpack_from(data)  # fmt: skip
        if magic != _STATUS_MAGIC or version != VERSION or size != len(data) or zero:
            raise MalformedError("not a status of this version")
        if state > 6 or permyriad > 10000 or fits > MAX_FITS or flags & ~3 or stop < first:
            raise MalformedError(f"state {state}, progress {permyriad}, fits {fits}, flags {flags}, {first}:{stop}")
        if asked < 0 or shown < 0 or not isfinite(residual):
            raise MalformedError(f"job {asked}, shown {shown}, residual {residual}")
        _check_sides(width, height)
        text, path = _split(data[_STATUS.size :], text_bytes, path_bytes)
        _check_path(path)
        try:
            words = text.decode()
        except UnicodeDecodeError as error:
            raise MalformedError("the text is not UTF-8") from error
        return cls(
            ShownState(state), asked, width, height, path, words, shown, permyriad, first, stop, fits,
            StatusFlag(flags), residual,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Patch:
    """What the host's picture must show at x, y (lower left origin, px) for a fit to be right there.

    tolerance: largest mean absolute difference, in units where 1 is white. pixels: PATCH_SIDE x PATCH_SIDE x RGB half,
    the bottom row first.
    """

    x: int
    y: int
    tolerance: float
    pixels: bytes


@dataclass(frozen=True, slots=True)
class FrameFileHeader:
    """A frame file without its pixels, which are height x width x RGBA half, the bottom row first, alpha straight.

    x, y, width, height: the rectangle of the host's picture that the clip covers (lower left origin, px).
    picture_width, picture_height: of the host's picture. frame: as the host counts. fit: 0 to 7. job: its number.
    residual: of the fit, in units where 1 is white.
    """

    x: int
    y: int
    width: int
    height: int
    picture_width: int
    picture_height: int
    frame: int
    fit: int
    job: int
    residual: float
    has_alpha: bool
    patches: tuple[Patch, ...]

    @property
    def pixel_offset(self) -> int:
        """Where the pixels begin, in bytes."""
        return _pixel_offset(len(self.patches))

    @property
    def pixel_bytes(self) -> int:
        """Length of the pixels."""
        return self.width * self.height * _HALF_RGBA_BYTES

    def to_bytes(self) -> bytes:
        """The file up to its pixels: `pixel_offset` bytes. Raises MalformedError."""
        try:
            head = _FRAME.pack(
                _FRAME_MAGIC, VERSION, FRAME_HEADER_BYTES, self.x, self.y, self.width, self.height,
                self.picture_width, self.picture_height, self.frame, self.fit, self.has_alpha, len(self.patches),
                PATCH_SIDE, self.residual, 0, self.job, self.pixel_offset,
            )  # fmt: skip
            patches = [_PATCH.pack(each.x, each.y, each.tolerance) + each.pixels for each in self.patches]
        except (struct.error, OverflowError) as error:
            raise MalformedError(str(error)) from error
        data = (head + b"".join(patches)).ljust(self.pixel_offset, b"\0")
        FrameFileHeader.parse(data, self.pixel_offset + self.pixel_bytes)
        return data

    @classmethod
    def parse(cls, data: bytes, file_bytes: int) -> FrameFileHeader:
        """Read the beginning of a frame file, up to its pixels or longer. Raises MalformedError."""
        if len(data) < _FRAME.size:
            raise MalformedError(f"a frame of {len(data)} bytes")
        (
            magic, version, header, x, y, width, height, picture_width, picture_height, frame, fit, flags, count,
            side, residual, reserved, job, offset,
        ) = _FRAME.unpack_from(data)  # fmt: skip
        if magic != _FRAME_MAGIC or version != VERSION or header != FRAME_HEADER_BYTES or reserved:
            raise MalformedError("not a frame of this version")
        if fit >= MAX_FITS or flags & ~1 or count > MAX_PATCHES or side != PATCH_SIDE or job < 0:
            raise MalformedError(f"fit {fit}, flags {flags}, {count} patches, side {side}, job {job}")
        _check_sides(picture_width, picture_height)
        if not width or not height or x + width > picture_width or y + height > picture_height:
            raise MalformedError(f"rectangle {width}x{height} at {x},{y} of {picture_width}x{picture_height}")
        if offset != _pixel_offset(count) or file_bytes != offset + width * height * _HALF_RGBA_BYTES:
            raise MalformedError(f"pixels at {offset} of {file_bytes} bytes")
        if len(data) < FRAME_HEADER_BYTES + count * PATCH_BYTES or not isfinite(residual):
            raise MalformedError(f"{count} patches in {len(data)} bytes, residual {residual}")
        patches = _parse_patches(data, count, picture_width, picture_height)
        return cls(
            x, y, width, height, picture_width, picture_height, frame, fit, job, residual, bool(flags & 1), patches
        )


def _parse_patches(data: bytes, count: int, width: int, height: int) -> tuple[Patch, ...]:
    patches = []
    for start in range(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + count * PATCH_BYTES, PATCH_BYTES):
        x, y, tolerance = _PATCH.unpack_from(data, start)
        if x + PATCH_SIDE > width or y + PATCH_SIDE > height or not (isfinite(tolerance) and tolerance >= 0):
            raise MalformedError(f"a patch at {x},{y} of {width}x{height}, tolerance {tolerance}")
        patches.append(Patch(x, y, tolerance, data[start + _PATCH.size : start + PATCH_BYTES]))
    return tuple(patches)


def _pixel_offset(patches: int) -> int:
    end = FRAME_HEADER_BYTES + patches * PATCH_BYTES
    return -(-end // PIXEL_ALIGNMENT) * PIXEL_ALIGNMENT


def _check_path(path: bytes) -> None:
    if not 0 < len(path) <= MAX_PATH_BYTES or b"\0" in path:
        raise MalformedError(f"a path of {len(path)} bytes, or with a NUL")


def _check_sides(width: int, height: int) -> None:
    if not (0 < width < MAX_SIDE and 0 < height < MAX_SIDE):
        raise MalformedError(f"a picture of {width}x{height}")


def _split(data: bytes, first: int, second: int) -> tuple[bytes, bytes]:
    if first + second != len(data):
        raise MalformedError(f"parts of {first} and {second} bytes in {len(data)}")
    return data[:first], data[first:]
