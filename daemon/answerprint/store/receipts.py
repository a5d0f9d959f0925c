"""Finished chunks on disk: a closed segment, the state that the next chunk needs, and a receipt that names both.

    SCRATCH/<job id>/chunk-000012.mkv     the pictures, lossless
                     chunk-000012.carry   what the next chunk of the clip needs
                     chunk-000012.json    the receipt, written last: where it stands, both files are whole

A receipt without its journal row is adopted at the next start; files without a receipt are litter.
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
_NAME = re.compile(r"chunk-\d{6,}\.(mkv|carry)")


class DamagedChunkError(AnswerprintError):
    """A finished chunk is not on disk as its receipt says."""

    code = "damaged_chunk"


@dataclass(frozen=True, slots=True)
class ChunkFile:
    """A file of a chunk: its name within the job's folder, size and SHA-256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ChunkReceipt:
    """One finished chunk. first, stop: source frames from 0, stop exclusive.

    recipe: how it was computed; its `opens_shot` says that nothing was carried into the chunk.
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
        """Return the fields by name; `from_json` gives the same receipt again."""
        return {**asdict(self), "recipe": dict(self.recipe)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ChunkReceipt:
        """Read `to_json`'s form. Raises DamagedChunkError for any other: names and hashes are checked."""
        try:
            carry = data["carry"]
            receipt = cls(
                str(data["job"]), int(data["chunk"]), int(data["first"]), int(data["stop"]),
                ChunkFile(**data["segment"]), None if carry is None else ChunkFile(**carry),
                str(data["fingerprint"]), dict(data["recipe"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedChunkError("The receipt of a chunk is not readable.") from error
        for record in (receipt.segment, receipt.carry):
            # A name becomes a path, and a hash a promise: neither is taken as it comes.
            if record is not None and not (
                isinstance(record.bytes, int) and _NAME.fullmatch(str(record.name)) and _SHA256.fullmatch(record.sha256)
            ):
                raise DamagedChunkError(f"The receipt of chunk {receipt.chunk} names no proper file.")
        if not 0 <= receipt.first < receipt.stop or receipt.chunk < 0:
            raise DamagedChunkError(f"The receipt of chunk {receipt.chunk} names no frames.")
        return receipt


def segment_path(folder: Path, chunk: int) -> Path:
    """Where the pictures of a chunk lie."""
    return folder / f"chunk-{chunk:06d}.mkv"


def carry_path(folder: Path, chunk: int) -> Path:
    """Where the state lies that the next chunk needs."""
    return folder / f"chunk-{chunk:06d}.carry"


def receipt_path(folder: Path, chunk: int) -> Path:
    """Where the receipt of a chunk lies."""
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
    """Publish a receipt durably, after its files. Raises OSError."""
    data = json.dumps(receipt.to_json(), indent=1).encode()
    atomic.write_bytes(receipt_path(folder, receipt.chunk), data, overwrite=True, mode=0o600)


def read_receipt(path: Path) -> ChunkReceipt:
    """Read a receipt. Raises DamagedChunkError when it is none, OSError when it cannot be read."""
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DamagedChunkError(f"{path} is not readable.") from error
    if not isinstance(data, dict):
        raise DamagedChunkError(f"{path} is not readable.")
    return ChunkReceipt.from_json(data)


def find_damage(folder: Path, receipt: ChunkReceipt, *, carry: bool = True, full: bool = True) -> str:
    """What is wrong with the files of a chunk, in a sentence; empty for nothing.

    full: compare the hashes too, not only the sizes. Raises OSError for a file that is there and cannot be read: that
    may pass, and says nothing of the file.
    """
    damage = find_file_damage(folder, receipt.segment, full=full)
    if not damage and carry and receipt.carry is not None:
        damage = find_file_damage(folder, receipt.carry, full=full)
    return damage


def find_file_damage(folder: Path, record: ChunkFile, *, full: bool = True) -> str:
    """What is wrong with one file; as `find_damage`."""
    path = folder / record.name
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return f"{path} is no file."
        if found.st_size != record.bytes:
            return f"{path} has {found.st_size} bytes instead of {record.bytes}."
        if full and hash_file(path).sha256 != record.sha256:
            return f"{path} does not have the hash of its receipt."
    except FileNotFoundError:
        return f"{path} is missing."
    return ""
