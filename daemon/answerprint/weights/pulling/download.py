"""Download one file from several sources: resumed, retried and verified."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from answerprint.errors import CancelledError, JobFailedError, ModelError
from answerprint.store.quota import storage_error
from answerprint.weights.published_models import KnownFile
from answerprint.weights.pulling.memory import Pin
from answerprint.weights.pulling.transfer import GoneError, HttpResponse, Route, StaleError, TransferError, open_answer
from answerprint.weights.verify import MAX_TEXT_BYTES

__all__ = ["Download", "PullError", "pin_file"]

_MOST_BYTES = 32 * 2**30
_NOTE_BYTES = 8192


class PullError(JobFailedError):
    """The download failed for now."""

    code = "pull_failed"


class _WrongBytesError(Exception):
    """The received data is wrong. keep: the remaining part on disk is right."""

    def __init__(self, reason: str, *, keep: bool = False) -> None:
        super().__init__(reason)
        self.keep = keep


def _silent(received: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Download:
    """Downloads files."""

    route: Route = field(default_factory=Route)
    rounds: int = 5
    """Consecutive rounds in which every source may fail without progress."""
    backoff_seconds: float = 1.0
    """Delay before the second round; doubles for each following one."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    on_bytes: Callable[[int], None] = _silent
    """Called with the bytes present, also when the file starts over."""

    def fetch(self, file: KnownFile, expected: Pin | None, sources: Sequence[str], part: Path) -> Pin:
        """Download a file to `part`, which may hold its beginning; returns its size and hash.

        expected: the required size and hash, if known. Raises PullError if no source provides it now, ModelError if
        they provide something else, CancelledError, and StorageError; `part` is kept for the next try unless it is
        wrong.
        """
        left, reasons, wrong = list(sources), dict.fromkeys(sources, ""), False
        waits = 0
        while left and waits < self.rounds:
            before = _size(part)
            for source in list(left):
                try:
                    self._receive(source, file, expected, part)
                    return self._check(file, expected, part)
                except StaleError as error:
                    reasons[source] = str(error)
                    _discard(part)
                except TransferError as error:
                    reasons[source] = str(error)
                except GoneError as error:
                    reasons[source] = str(error)
                    left.remove(source)
                except _WrongBytesError as error:
                    wrong = True
                    reasons[source] = str(error)
                    left.remove(source)
                    if not error.keep:
                        _discard(part)
                except ModelError as error:  # an address that is not allowed
                    reasons[source] = error.message
                    left.remove(source)
            waits = 0 if _size(part) > before else waits + 1
            if left and waits < self.rounds and self.cancelled.wait(self.backoff_seconds * 2 ** max(0, waits - 1)):
                raise CancelledError("The pull was cancelled.", "Downloaded data is kept: pull again to resume.")
        details = "; ".join(f"{source}: {reason.rstrip('.')}" for source, reason in reasons.items())
        if wrong and not left:
            raise ModelError(
                f"{file.name} does not match its published hash or size. {details}.",
                "Do not use it. Try another source: --mirror URL, or --from-folder DIR.",
            )
        raise PullError(
            f"Could not download {file.name}. {details}.",
            "Downloaded data is kept: pull again to resume. Set a proxy with ANSWERPRINT_PROXY, or choose another "
            "source with --mirror URL or --from-folder DIR.",
        )

    def _receive(self, source: str, file: KnownFile, expected: Pin | None, part: Path) -> None:
        validator = _validator(part, source, known=expected is not None)
        start = _good_bytes(part, file) if validator is not None else 0
        size = expected.size if expected is not None and expected.size else file.size
        if size is not None and start == size:
            return
        with open_answer(source, start, validator or "", self.route) as response:
            limit = _limit(file, size, response)
            _note(part, source, response.validator)
            try:
                self._write(response, file, part, limit)
            except OSError as error:
                raise storage_error(error, part, max(0, (size or 0) - _size(part))) from error
        if size is not None and _size(part) < size:
            raise TransferError("the connection was interrupted")

    def _write(self, response: HttpResponse, file: KnownFile, part: Path, limit: int) -> None:
        chunks = _Chunks(file, part, response.start)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(part, flags, 0o666), "r+b") as out:
            out.truncate(response.start)
            out.seek(response.start)
            self.on_bytes(response.start)
            for block in response.blocks:
                if out.tell() + len(block) > limit:
                    raise _WrongBytesError(f"it sends more than the expected {limit} bytes")
                out.write(block)
                if not chunks.take(block):
                    out.truncate(chunks.good)
                    reason = f"its data after byte {chunks.good} does not match the published hash"
                    raise _WrongBytesError(reason, keep=True)
                self.on_bytes(out.tell())
                if self.cancelled.is_set():
                    raise CancelledError("The pull was cancelled.", "Downloaded data is kept: pull again to resume.")

    def _check(self, file: KnownFile, expected: Pin | None, part: Path) -> Pin:
        try:
            found = pin_file(part, self.cancelled)
            with part.open("rb") as kept:
                os.fsync(kept.fileno())
        except OSError as error:
            raise storage_error(error, part) from error
        if expected is not None and (
            found.sha256 != expected.sha256 or (expected.size and found.size != expected.size)
        ):
            raise _WrongBytesError(f"its sha256 is {found.sha256} instead of {expected.sha256}")
        if not found.size:
            raise _WrongBytesError("it is empty")
        with suppress(OSError):
            _note_path(part).unlink(missing_ok=True)
        return found


def pin_file(path: Path, cancelled: threading.Event | None = None) -> Pin:
    """Size and hash of a file. Raises OSError, and CancelledError."""
    hashed, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hashed.update(block)
            size += len(block)
            if cancelled is not None and cancelled.is_set():
                raise CancelledError("The pull was cancelled.", "Downloaded data is kept: pull again to resume.")
    return Pin(size, hashed.hexdigest())


class _Chunks:
    """Checks received data against the hashes of its parts. good: bytes up to the end of the last valid part."""

    def __init__(self, file: KnownFile, part: Path, start: int) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._at = start
        self.good = start - start % file.chunk_bytes if file.chunks else start
        if start > self.good:
            with part.open("rb") as kept:
                kept.seek(self.good)
                self._hash.update(kept.read(start - self.good))

    def take(self, block: bytes) -> bool:
        """Add received data; False at the end of an invalid part."""
        size = self._file.chunk_bytes
        rest = memoryview(block)
        while self._file.chunks and rest:
            end = min(self.good + size, self._file.size or 0)
            now, rest = rest[: end - self._at], rest[end - self._at :]
            self._hash.update(now)
            self._at += len(now)
            if self._at == end:
                if self._hash.hexdigest() != self._file.chunks[self.good // size]:
                    return False
                self.good, self._hash = end, hashlib.sha256()
        return True


def _good_bytes(part: Path, file: KnownFile) -> int:
    """Bytes on disk that can be kept: of a file with hashes of its parts, only valid parts."""
    size = _size(part)
    if not file.chunks:
        return size
    if size > (file.size or 0):
        return 0
    good = 0
    with part.open("rb") as kept:
        for expected in file.chunks:
            block = kept.read(file.chunk_bytes)
            if hashlib.sha256(block).hexdigest() != expected:
                break
            good += len(block)
    return good


def _limit(file: KnownFile, size: int | None, response: HttpResponse) -> int:
    """Maximum bytes of the file. Raises GoneError if the server announces a different size."""
    if size is not None and response.total is not None and response.total != size:
        raise GoneError(f"its file has {response.total} bytes instead of {size}")
    most = _MOST_BYTES if file.convert or file.name.endswith(".safetensors") else MAX_TEXT_BYTES
    if response.total is not None and response.total > most:
        raise GoneError(f"its file has {response.total} bytes, more than allowed")
    return size or response.total or most


def _validator(part: Path, source: str, *, known: bool) -> str | None:
    """Validator that ensures that the rest belongs to the same file; None if the download must start over.

    A file with a known hash may be resumed from any source: its hash is checked at the end.
    """
    if not _size(part):
        return None
    with suppress(OSError, ValueError, RecursionError):
        with _note_path(part).open("rb") as file:
            note = json.loads(file.read(_NOTE_BYTES))
        if isinstance(note, dict) and note.get("source") == source and note.get("validator"):
            return str(note["validator"])
    return "" if known else None


def _note(part: Path, source: str, validator: str) -> None:
    try:
        _note_path(part).write_text(json.dumps({"source": source, "validator": validator}))
    except OSError as error:
        raise storage_error(error, part) from error


def _note_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.note")


def _discard(part: Path) -> None:
    for path in (part, _note_path(part)):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0
