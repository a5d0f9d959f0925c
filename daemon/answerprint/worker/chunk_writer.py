"""A job's folder of finished chunks: adding a chunk, and resuming the clip after one."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from answerprint.errors import DiskFullError, JobFailedError
from answerprint.flow.cuts import CutDetector
from answerprint.flow.prepare import prepare
from answerprint.frames import ClipInfo, FrameRange
from answerprint.media import open_reader
from answerprint.media.segment import encode_segment
from answerprint.pipeline.clip_state import ClipState, pack_state, read_state
from answerprint.pipeline.restore_clip import RestoredChunk
from answerprint.pipeline.working_space import DISPLAY, WorkingSpace, displayed
from answerprint.store import atomic
from answerprint.store.failpoints import FailPoint, reach
from answerprint.store.lock import HeldError, InstanceLock
from answerprint.store.quota import is_disk_full, room, size_text, storage_error
from answerprint.store.receipts import (
    ChunkFile,
    ChunkReceipt,
    DamagedChunkError,
    carry_path,
    hash_file,
    receipt_path,
    segment_path,
    write_receipt,
)
from answerprint.worker.damage import DAMAGED_KEY
from answerprint.worker.lost_chunks import LostChunkError, shot_start
from answerprint.worker.memory_fallbacks import ChunkSettings

__all__ = ["ChunkWriter"]

_LOCK_NAME = "lock"
_LOCK_SECONDS = 30.0
_POLL_SECONDS = 0.05
_SPARE_BYTES = 1 << 20


@dataclass(slots=True)
class ChunkWriter:
    """Adds chunks to a job's folder; each is complete or absent. rate: frames per second, for players of a segment."""

    folder: Path
    job: str
    fingerprint: str
    rate: Fraction
    expected_bytes: int
    """Size of the next chunk: an estimate at first, then measured."""
    floats: bool = False
    """Whether segments hold float32 values, because the source holds more than 16-bit codes of the headroom can."""
    sleep: Callable[[float], None] = field(default=time.sleep)

    @contextmanager
    def locked(self, seconds: float = _LOCK_SECONDS) -> Iterator[None]:
        """Lock the folder for writing; wait up to `seconds` for another process to release it.

        Raises JobFailedError if the lock stays held, StorageError if the folder cannot be used.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                lock = InstanceLock(self.folder / _LOCK_NAME)
                break
            except HeldError as error:
                if time.monotonic() >= deadline:
                    who = f"Process {error.pid}" if error.pid else "Another process"
                    raise JobFailedError(
                        f"{who} is still working on this job.", "Stop it, then retry the job."
                    ) from error
            self.sleep(_POLL_SECONDS)
        with lock:
            yield

    def check_room(self) -> None:
        """Raise DiskFullError if the next chunk would not fit."""
        try:
            free = room(self.folder)
        except OSError as error:
            raise storage_error(error, self.folder) from error
        needed = self._needed_bytes()
        if free < needed:
            raise DiskFullError(
                f"The disk is nearly full: the next chunk needs {size_text(needed)} in {self.folder}, "
                f"but only {size_text(free)} is free.",
                "Free up space there; the job then continues.",
                needed_bytes=needed,
                folder=str(self.folder),
            )

    def commit(
        self, chunk: RestoredChunk, recipe: ChunkSettings, damaged: Sequence[int] = (), *, last: bool
    ) -> ChunkReceipt:
        """Write a chunk: its segment, the state after it (not for the clip's last chunk), then the receipt.

        damaged: those of its frames that are damaged in the source.
        Raises DiskFullError if there is no room, and StorageError if writing failed twice.
        """
        segment = encode_segment(chunk, self.rate, floats=self.floats)
        written = self._write(
            segment_path(self.folder, chunk.number), segment, "segment_before_fsync", "segment_after_rename"
        )
        carry = None
        if not last:
            data = pack_state(chunk.state)
            carry = self._write(carry_path(self.folder, chunk.number), data, None, "carry_after_rename")
        receipt = ChunkReceipt(
            self.job,
            chunk.number,
            chunk.range.start,
            chunk.range.stop,
            written,
            carry,
            self.fingerprint,
            recipe.to_json(chunk.opens_shot) | ({DAMAGED_KEY: list(damaged)} if damaged else {}),
        )
        self._twice(receipt_path(self.folder, chunk.number), lambda: self._sign(receipt))
        self.expected_bytes = written.bytes + (carry.bytes if carry else 0)
        return receipt

    def _write(self, path: Path, data: bytes, before: FailPoint | None, after: FailPoint) -> ChunkFile:
        """Publish data. The hash is of the data in memory, so that corruption on disk is detected."""

        def write() -> None:
            temporary = atomic.temporary_beside(path, mode=0o600)
            try:
                temporary.write_bytes(data)
                if before is not None:
                    reach(before)
                atomic.publish(temporary, path, overwrite=True)
                reach(after)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)

        self._twice(path, write)
        return ChunkFile(path.name, len(data), hashlib.sha256(data).hexdigest())

    def _sign(self, receipt: ChunkReceipt) -> None:
        reach("before_receipt")
        write_receipt(self.folder, receipt)
        reach("after_receipt")

    def _twice(self, path: Path, write: Callable[[], None]) -> None:
        """Retry a failed write once, with a new file: after a failed fsync, a second one may succeed without the data.

        The data is still in memory, so nothing is computed again.
        """
        for last_try in (False, True):
            try:
                write()
                return
            except OSError as error:
                if is_disk_full(error) or last_try:
                    raise storage_error(error, path, self._needed_bytes()) from error

    def _needed_bytes(self) -> int:
        return self.expected_bytes + self.expected_bytes // 4 + _SPARE_BYTES

    def resume(
        self, receipt: ChunkReceipt, info: ClipInfo, frames: FrameRange, space: WorkingSpace = DISPLAY
    ) -> ClipState:
        """Return the state after a finished chunk. space: in which the clip is restored.

        If its file is missing or damaged, the clip can still continue if the next frame opens a shot: no state
        crosses a cut. Otherwise raises LostChunkError with the chunk that opened the shot.
        """
        path = carry_path(self.folder, receipt.chunk)
        try:
            if receipt.carry is None:
                raise DamagedChunkError(f"{path} is missing.")
            if hash_file(path) != receipt.carry:
                raise DamagedChunkError(f"{path} does not have the hash of its receipt.")
            state = read_state(path)
            if (state.chunk, state.frame) != (receipt.chunk + 1, receipt.stop):
                raise DamagedChunkError(f"{path} belongs to another chunk.")
        except (DamagedChunkError, FileNotFoundError) as error:
            after_cut = _state_at_cut(receipt, info, frames, space)
            if after_cut is not None:
                return after_cut
            what = f"The state after chunk {receipt.chunk} is missing or damaged."
            raise LostChunkError(what, shot_start(self.folder, receipt.chunk)) from error
        except OSError as error:
            raise storage_error(error, path) from error
        return state


def _state_at_cut(receipt: ChunkReceipt, info: ClipInfo, frames: FrameRange, space: WorkingSpace) -> ClipState | None:
    """The state after a chunk that ends a shot; None if the shot continues."""
    border = FrameRange(receipt.stop - 1, min(receipt.stop + 1, frames.stop))
    with open_reader(info, border) as reader:
        pictures = [prepare(frame.picture) for frame in displayed(reader, space)]
    if len(pictures) == 2 and not CutDetector().is_cut(*pictures):
        return None
    return ClipState(receipt.chunk + 1, receipt.stop, pictures[0])
