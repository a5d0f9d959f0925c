"""Child program: convert a PyTorch checkpoint to a safetensors file, in a sandbox.

    python -m answerprint.child convert CHECKPOINT RESULT

Only numbers are copied, unchanged. RESULT must not exist. The exit code is 2 if the checkpoint is refused.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib.stride_tricks import as_strided

from answerprint.errors import ModelError
from answerprint.text import spoken
from answerprint.weights.importing.checkpoint import Tensor, read_checkpoint
from answerprint.weights.importing.sandbox import enter

__all__ = ["convert", "main"]

_BLOCK_BYTES = 1 << 20
_SPARE_BYTES = 64 << 20


def main(argv: Sequence[str] | None = None) -> int:
    """Convert; returns the exit code."""
    parser = argparse.ArgumentParser(prog="answerprint --child convert", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("result", type=Path)
    arguments = parser.parse_args(argv)
    try:
        convert(arguments.checkpoint, arguments.result)
    except ModelError as error:
        sys.stderr.write(spoken(error))
        return error.exit_code
    return 0


def convert(source: Path, result: Path) -> None:
    """Write `result`; this process is sandboxed from then on. Raises ModelError if the checkpoint is refused."""
    size = source.stat().st_size
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    # The sandbox forbids opening and removing files: open both before, and let the parent remove the result of a
    # refused checkpoint.
    with source.open("rb") as file, os.fdopen(os.open(result, flags, 0o666), "w+b") as out:
        enter(2 * size + _SPARE_BYTES)
        try:
            _write(file, read_checkpoint(file, size), out, 2 * size + _SPARE_BYTES)
            out.flush()
            os.fsync(out.fileno())
        except (ValueError, PermissionError) as error:
            raise ModelError(
                f"Refused {source.name}: {error}.",
                "Do not use it; get the weights as safetensors from the model's authors.",
            ) from error


def _write(file: BinaryIO, tensors: dict[str, Tensor], out: BinaryIO, most: int) -> None:
    header: dict[str, object] = {}
    end = 0
    for name, tensor in sorted(tensors.items()):
        begin, end = end, end + tensor.bytes
        header[name] = {"dtype": tensor.storage.dtype, "shape": tensor.shape, "data_offsets": [begin, end]}
    if end > most:  # a tensor with strides of 0 can be larger than any disk
        raise ValueError("its tensors are larger than its file")
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    out.write(len(text).to_bytes(8, "little") + text)
    for _, tensor in sorted(tensors.items()):
        for block in _dense(file, tensor) if tensor.is_dense else [_gathered(file, tensor)]:
            out.write(block)


def _dense(file: BinaryIO, tensor: Tensor) -> Iterator[bytes]:
    file.seek(tensor.storage.offset + tensor.first * tensor.storage.item_bytes)
    left = tensor.bytes
    while left:
        block = file.read(min(left, _BLOCK_BYTES))
        if not block:
            raise ValueError("it is truncated")
        left -= len(block)
        yield block


def _gathered(file: BinaryIO, tensor: Tensor) -> bytes:
    """A strided (such as transposed) view, in the order of its axes."""
    width = tensor.storage.item_bytes
    last = sum((side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True))
    file.seek(tensor.storage.offset + tensor.first * width)
    numbers = np.frombuffer(file.read((last + 1) * width), np.dtype(f"u{width}"))
    strides = tuple(stride * width for stride in tensor.strides)
    return as_strided(numbers, tensor.shape, strides, writeable=False).tobytes()


if __name__ == "__main__":
    sys.exit(main())
