"""Validate the header of a .safetensors file against the file's length.

Other readers have leaked memory because of headers with tensors past the end of the file (CVE-2026-7482). A renamed
pickle has no valid header.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import BinaryIO

__all__ = ["check_safetensors", "tensor_shapes"]

_MAX_HEADER_BYTES = 16 * 1024 * 1024
"""Far above the headers of the largest models (a few hundred kilobytes)."""

_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64,
}  # fmt: skip


def check_safetensors(path: Path) -> None:
    """Raise ValueError with a description unless the header matches the file's length; OSError if unreadable."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header, start = _read_header(file, size)
    end = 0
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        end = max(end, _check_tensor(name, entry, size - start))
    if end != size - start:
        raise ValueError(f"its header describes {end} bytes of tensors, but the file has {size - start}")


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors by name, from the header only. Raises as `check_safetensors`."""
    check_safetensors(path)
    with path.open("rb") as file:
        header, _ = _read_header(file, path.stat().st_size)
    entries = {name: entry for name, entry in header.items() if name != "__metadata__" and isinstance(entry, dict)}
    return {name: tuple(entry["shape"]) for name, entry in entries.items()}


def _read_header(file: BinaryIO, size: int) -> tuple[dict[str, object], int]:
    """The decoded header and the offset of the tensor data."""
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8 or length > _MAX_HEADER_BYTES:
        raise ValueError("it is not a safetensors file, or it is truncated")
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError) as error:
        raise ValueError("its safetensors header is invalid") from error
    if not isinstance(header, dict):
        raise ValueError("its safetensors header is not an object")
    return header, 8 + length


def _check_tensor(name: str, entry: object, available: int) -> int:
    """Check one tensor's entry; returns the end offset of its data."""
    match entry:
        case {"dtype": str(kind), "shape": [*shape], "data_offsets": [int(begin), int(end)]} if kind in _BITS:
            sides = [side for side in shape if isinstance(side, int) and side >= 0]
            if len(sides) != len(shape) or prod(sides) * _BITS[kind] != 8 * (end - begin):
                raise ValueError(f"the size of its tensor {name!r} contradicts its shape")
            if not 0 <= begin <= end <= available:
                raise ValueError(f"its tensor {name!r} is outside the file")
            return end
    raise ValueError(f"its tensor {name!r} has an invalid description")
