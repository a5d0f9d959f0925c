"""Finished chunks on disk: a closed segment, the state for the next chunk, and a receipt that names both.

    SCRATCH/<job id>/chunk-000012.nut     the frames, lossless; .mkv if an earlier version wrote it
                     chunk-000012.carry   the state for the next chunk of the clip
                     chunk-000012.json    the receipt, written last: if it exists, both files are complete

A receipt without a journal row is adopted at the next start; files without a receipt are removed.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from answerprint.errors import AnswerprintError
from answerprint.ipc.messages import Message
from answerprint.store import atomic

__all__ = [
    "ChunkFile",
    "ChunkReceipt",
    "DamagedChunkError",
    "carry_path",
    "find_damage",
    "find_file_damage",
    "hash_file",
    "read_receipt",
    "receipt_path",
    "segment_path",
    "write_receipt",
]

_READ_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"chunk-\d{6,}\.(nut|mkv|carry)")


class DamagedChunkError(AnswerprintError):
    """The files of a finished chunk do not match its receipt."""

    code = "damaged_chunk"


@dataclass(frozen=True, slots=True)
class ChunkFile:
    """A file of a chunk: name in the job's folder, size and SHA-256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ChunkReceipt:
    """A finished chunk. first, stop: source frames, counted from 0, stop exclusive.

    recipe: how it was computed; `opens_shot` means that it did not use the state of the chunk before.
    """

    job: str
    chunk: int
    first: int
    stop: int
    segment: ChunkFile
    carry: ChunkFile | None
    fingerprint: str
    recipe: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> Message:
        """All fields by name; the inverse of `from_json`."""
        return {**asdict(self), "recipe": dict(self.recipe)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ChunkReceipt:
        """Read the form of `to_json`. Raises DamagedChunkError if it is invalid; checks names and hashes."""
        try:
            carry = data["carry"]
            receipt = cls(
                str(data["job"]), int(data["chunk"]), int(data["first"]), int(data["stop"]),
                ChunkFile(**data["segment"]), None if carry is None else ChunkFile(**carry),
                str(data["fingerprint"]), dict(data["recipe"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedChunkError("The receipt of a chunk cannot be read.") from error
        for record in (receipt.segment, receipt.carry):
            # Names become paths and hashes are trusted, so check both.
            if record is not None and not (
                isinstance(record.bytes, int) and _NAME.fullmatch(str(record.name)) and _SHA256.fullmatch(record.sha256)
            ):
                raise DamagedChunkError(f"The receipt of chunk {receipt.chunk} names an invalid file.")
        if not 0 <= receipt.first < receipt.stop or receipt.chunk < 0:
            raise DamagedChunkError(f"The receipt of chunk {receipt.chunk} names no frames.")
        return receipt


def segment_path(folder: Path, chunk: int) -> Path:
    """The segment with the frames of a chunk."""
    return folder / f"chunk-{chunk:06d}.nut"


def carry_path(folder: Path, chunk: int) -> Path:
    """The file with the state for the next chunk."""
    return folder / f"chunk-{chunk:06d}.carry"


def receipt_path(folder: Path, chunk: int) -> Path:
    """The receipt of a chunk."""
    return folder / f"chunk-{chunk:06d}.json"


def hash_file(path: Path) -> ChunkFile:
    """Name, size and SHA-256 of a file. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
            size += len(block)
    return ChunkFile(path.name, size, digest.hexdigest())


def write_receipt(folder: Path, receipt: ChunkReceipt) -> None:
    """Write a receipt durably, after its files. Raises OSError."""
    data = json.dumps(receipt.to_json(), indent=1).encode()
    atomic.write_bytes(receipt_path(folder, receipt.chunk), data, overwrite=True, mode=0o600)


def read_receipt(path: Path) -> ChunkReceipt:
    """Read a receipt. Raises DamagedChunkError if it is invalid, OSError if it cannot be read."""
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DamagedChunkError(f"{path} cannot be read.") from error
    if not isinstance(data, dict):
        raise DamagedChunkError(f"{path} cannot be read.")
    return ChunkReceipt.from_json(data)


def find_damage(folder: Path, receipt: ChunkReceipt, *, carry: bool = True, full: bool = True) -> str:
    """The damage of a chunk in a sentence; empty if there is none.

    full: check hashes as well as sizes. Raises OSError if an existing file cannot be read, which may be temporary.
    """
    damage = find_file_damage(folder, receipt.segment, full=full)
    if not damage and carry and receipt.carry is not None:
        damage = find_file_damage(folder, receipt.carry, full=full)
    return damage


def find_file_damage(folder: Path, record: ChunkFile, *, full: bool = True) -> str:
    """The damage of one file, like `find_damage`."""
    path = folder / record.name
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return f"{path} is not a file."
        if found.st_size != record.bytes:
            return f"{path} has {found.st_size} bytes instead of {record.bytes}."
        if full and hash_file(path).sha256 != record.sha256:
            return f"{path} does not match the hash in its receipt."
    except FileNotFoundError:
        return f"{path} is missing."
    return ""
