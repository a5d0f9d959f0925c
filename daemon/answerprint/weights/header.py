"""The header of a .safetensors file, held against the file's length before anything is made of it.

A header that promises tensors beyond the end of the file has led other readers to hand out foreign memory
(CVE-2026-7482); a pickle that was renamed has no header at all.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import BinaryIO

__all__ = ["check_safetensors", "tensor_shapes"]

_MAX_HEADER_BYTES = 16 * 1024 * 1024
"""Far above what the largest models need (a few hundred kilobytes)."""

_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64,
}  # fmt: skip


def check_safetensors(path: Path) -> None:
    """Raises ValueError, in words, unless header and length of the file agree; OSError when it cannot be read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header, start = _read_header(file, size)
    end = 0
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        end = max(end, _check_tensor(name, entry, size - start))
    if end != size - start:
        raise ValueError(f"its header describes {end} bytes of tensors and the file holds {size - start}")


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor by its name; no data is read. Raises ValueError and OSError as `check_safetensors` does."""
    check_safetensors(path)
    with path.open("rb") as file:
        header, _ = _read_header(file, path.stat().st_size)
    entries = {name: entry for name, entry in header.items() if name != "__metadata__" and isinstance(entry, dict)}
    return {name: tuple(entry["shape"]) for name, entry in entries.items()}


def _read_header(file: BinaryIO, size: int) -> tuple[dict[str, object], int]:
    """The decoded header and the offset at which tensors begin."""
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8 or length > _MAX_HEADER_BYTES:
        raise ValueError("it is not a safetensors file, or it was cut off")
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError) as error:
        raise ValueError("its safetensors header cannot be read") from error
    if not isinstance(header, dict):
        raise ValueError("its safetensors header is not an object")
    return header, 8 + length


def _check_tensor(name: str, entry: object, available: int) -> int:
    """End of the tensor's bytes."""
    match entry:
        case {"dtype": str(kind), "shape": [*shape], "data_offsets": [int(begin), int(end)]} if kind in _BITS:
            sides = [side for side in shape if isinstance(side, int) and side >= 0]
            if len(sides) != len(shape) or prod(sides) * _BITS[kind] != 8 * (end - begin):
                raise ValueError(f"the size of its tensor {name!r} contradicts its shape")
            if not 0 <= begin <= end <= available:
                raise ValueError(f"its tensor {name!r} lies outside the file")
            return end
    raise ValueError(f"its tensor {name!r} is not described in a known form")
