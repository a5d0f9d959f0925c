"""The folder of answers to the OpenFX plugin: status files, fits, and frame files, which are capped in size.

    FOLDER/KEY/status       for the plugin
    FOLDER/KEY/FIT-FRAME    for the plugin; the modification time is the last use
    FOLDER/KEY/fits         what the media child knows of the key, as JSON

Standard library only. Best effort: a disk failure never harms the daemon; frames are then not shown.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from answerprint.flow.entries import CacheEntry, children, list_entries, write_entry
from answerprint.ofx.protocol import MAX_STATUS_BYTES, MalformedError, StatusFile, frame_name, parse_frame_name

__all__ = ["FrameCache"]

_LOW_WATER = 0.9
_STATUS, _FITS = "status", "fits"
_MOST_FITS_BYTES = 4 << 20
_KEPT_KEYS = 512
"""Folders without frames beyond these are removed, the oldest first."""


class FrameCache:
    """Frames under `folder`, at most `capacity_bytes` of them; the least recently used go first.

    Any number of processes may write to the folder. No method raises OSError.
    """

    def __init__(self, folder: Path, capacity_bytes: int, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.folder = folder
        self._capacity_bytes = capacity_bytes
        self._clock = clock

    def open(self) -> None:
        """Create the folder for its user alone, and remove what a crash left and what is too much."""
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.name != "nt":
                self.folder.chmod(0o700)
        self.make_room(0)
        keys = sorted(children(self.folder), key=_age)
        for key in keys[:-_KEPT_KEYS]:
            if not any(parse_frame_name(each.name) for each in children(key)):
                self.forget(key.name)

    def path(self, key: str, fit: int, frame: int) -> Path:
        """The file of a frame."""
        return self.folder / key / frame_name(fit, frame)

    def has(self, key: str, fit: int, frame: int) -> bool:
        """Whether a frame is there."""
        return self.path(key, fit, frame).is_file()

    def write_frame(self, key: str, fit: int, frame: int, *data: bytes | memoryview) -> bool:
        """Write a frame file; False if it cannot be stored."""
        size = sum(len(part) for part in data)
        if not self.make_room(size):
            return False
        return self._write(self.path(key, fit, frame), *data)

    def write_status(self, key: str, status: StatusFile) -> bool:
        """Write the status; False if it cannot be written."""
        try:
            return self._write(self.folder / key / _STATUS, status.to_bytes())
        except MalformedError:
            return False

    def has_status(self, key: str) -> bool:
        """Whether there is a status."""
        return (self.folder / key / _STATUS).is_file()

    def status(self, key: str) -> StatusFile | None:
        """The status that was written last; None without one."""
        try:
            with (self.folder / key / _STATUS).open("rb") as file:
                return StatusFile.parse(file.read(MAX_STATUS_BYTES + 1))
        except (OSError, MalformedError):
            return None

    def write_fits(self, key: str, fits: Mapping[str, Any]) -> None:
        """Keep what is known of a key."""
        self._write(self.folder / key / _FITS, json.dumps(fits).encode())

    def fits(self, key: str) -> dict[str, Any]:
        """What was kept of a key; empty if nothing was, or if it is damaged."""
        try:
            with (self.folder / key / _FITS).open("rb") as file:
                found = json.loads(file.read(_MOST_FITS_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def touch(self, key: str, frame: int) -> None:
        """Note that a frame was used, whatever its fit."""
        now = self._clock()
        for path in children(self.folder / key):
            if (parse_frame_name(path.name) or (0, None))[1] == frame:
                with suppress(OSError):
                    os.utime(path, ns=(now, now))

    def drop_frames(self, key: str, fit: int | None = None) -> None:
        """Remove the frames of a key, or those of one fit."""
        for path in children(self.folder / key):
            found = parse_frame_name(path.name)
            if found is not None and fit in (None, found[0]):
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def forget(self, key: str) -> None:
        """Remove all of a key."""
        with suppress(OSError):
            for path in children(self.folder / key):
                path.unlink(missing_ok=True)
            (self.folder / key).rmdir()

    def make_room(self, needed_bytes: int) -> bool:
        """Whether so many bytes more may be stored, after removing other frames if needed."""
        if needed_bytes > self._capacity_bytes:
            return False
        entries, _ = list_entries(self.folder, self._clock(), lambda name: parse_frame_name(name) is not None)
        stored = sum(entry.bytes for entry in entries)
        if stored + needed_bytes <= self._capacity_bytes:
            return True
        for entry in sorted(entries, key=lambda each: (each.used_ns, each.path.name)):
            if stored + needed_bytes <= self._capacity_bytes * _LOW_WATER:
                break
            stored -= self._removed(entry)
        return stored + needed_bytes <= self._capacity_bytes

    def used_bytes(self) -> int:
        """Size of all frames."""
        entries, _ = list_entries(self.folder, self._clock(), lambda name: parse_frame_name(name) is not None)
        return sum(entry.bytes for entry in entries)

    def _removed(self, entry: CacheEntry) -> int:
        with suppress(OSError):
            entry.path.unlink(missing_ok=True)
            return entry.bytes
        return 0

    def _write(self, path: Path, *data: bytes | memoryview) -> bool:
        try:
            write_entry(path, *data, durable=False)
        except OSError:
            return False
        return True


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
