"""One file from several sources: resumed where it broke off, tried again, and held against what it should be."""

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
    """The model could not be fetched now."""

    code = "pull_failed"


class _WrongBytesError(Exception):
    """What came is not the file. keep: what is left of it on disk is right."""

    def __init__(self, reason: str, *, keep: bool = False) -> None:
        super().__init__(reason)
        self.keep = keep


def _silent(received: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Download:
    """How a file is fetched."""

    route: Route = field(default_factory=Route)
    rounds: int = 5
    """So often in a row every source may fail without a byte of progress."""
    backoff_seconds: float = 1.0
    """Before the second round; twice as long before each one after it."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    on_bytes: Callable[[int], None] = _silent
    """Told how many bytes of the file are here, also when it begins anew."""

    def fetch(self, file: KnownFile, expected: Pin | None, sources: Sequence[str], part: Path) -> Pin:
        """Bring a file to `part`, which may hold its beginning; returns what it was found to be.

        expected: what it must be, where that is known. Raises PullError when no source has it now, ModelError when
        what they have is something else, CancelledError, and StorageError; `part` stays for the next time unless it
        is wrong.
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
                    _forget(part)
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
                        _forget(part)
                except ModelError as error:  # an address that may not be fetched
                    reasons[source] = error.message
                    left.remove(source)
            waits = 0 if _size(part) > before else waits + 1
            if left and waits < self.rounds and self.cancelled.wait(self.backoff_seconds * 2 ** max(0, waits - 1)):
                raise CancelledError("The pull was ended.", "What has come is kept: pull again to go on.")
        told = "; ".join(f"{source}: {reason.rstrip('.')}" for source, reason in reasons.items())
        if wrong and not left:
            raise ModelError(
                f"{file.name} is not the file that it should be. {told}.",
                "Do not use it. Try again with another source: --mirror URL, or --from-folder DIR.",
            )
        raise PullError(
            f"{file.name} could not be fetched. {told}.",
            "What has come is kept: pull again to go on. A proxy is named with ANSWERPRINT_PROXY, another source with "
            "--mirror URL or --from-folder DIR.",
        )

    def _receive(self, source: str, file: KnownFile, expected: Pin | None, part: Path) -> None:
        validator = _validator(part, source, known=expected is not None)
        start = _good_bytes(part, file) if validator is not None else 0
        size = expected.size if expected is not None and expected.size else file.size
        if size is not None and start == size:
            return
        with open_answer(source, start, validator or "", self.route) as answer:
            limit = _limit(file, size, answer)
            _note(part, source, answer.validator)
            try:
                self._write(answer, file, part, limit)
            except OSError as error:
                raise storage_error(error, part, max(0, (size or 0) - _size(part))) from error
        if size is not None and _size(part) < size:
            raise TransferError("it broke off in the middle")

    def _write(self, answer: HttpResponse, file: KnownFile, part: Path, limit: int) -> None:
        chunks = _Chunks(file, part, answer.start)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(part, flags, 0o666), "r+b") as out:
            out.truncate(answer.start)
            out.seek(answer.start)
            self.on_bytes(answer.start)
            for block in answer.blocks:
                if out.tell() + len(block) > limit:
                    raise _WrongBytesError(f"it sends more than the {limit} bytes that it should")
                out.write(block)
                if not chunks.take(block):
                    out.truncate(chunks.good)
                    reason = f"what it sends after byte {chunks.good} is not what was published"
                    raise _WrongBytesError(reason, keep=True)
                self.on_bytes(out.tell())
                if self.cancelled.is_set():
                    raise CancelledError("The pull was ended.", "What has come is kept: pull again to go on.")

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
            raise _WrongBytesError(f"its sha256 is {found.sha256} and should be {expected.sha256}")
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
                raise CancelledError("The pull was ended.", "What has come is kept: pull again to go on.")
    return Pin(size, hashed.hexdigest())


class _Chunks:
    """Holds what comes against the hashes of its parts. good: bytes up to the end of the last part that was right."""

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
        """Add what came; False at the end of a part that is wrong."""
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
    """How much of what is here can be kept: of a file with hashes of its parts, only parts that are right."""
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


def _limit(file: KnownFile, size: int | None, answer: HttpResponse) -> int:
    """Most bytes that the file may have. Raises GoneError where the server says that it has another number."""
    if size is not None and answer.total is not None and answer.total != size:
        raise GoneError(f"its file has {answer.total} bytes and should have {size}")
    most = _MOST_BYTES if file.convert or file.name.endswith(".safetensors") else MAX_TEXT_BYTES
    if answer.total is not None and answer.total > most:
        raise GoneError(f"its file has {answer.total} bytes, more than such a file may have")
    return size or answer.total or most


def _validator(part: Path, source: str, *, known: bool) -> str | None:
    """What makes sure that the rest is of the same file; None where the file must begin anew.

    A file whose hash is known may go on from any source: the hash at its end decides.
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


def _forget(part: Path) -> None:
    for path in (part, _note_path(part)):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0
