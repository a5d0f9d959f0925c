"""Optical flow between two pictures, in both directions, and its file format."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FORMAT_VERSION",
    "GRID_STEP",
    "LIMIT_CELLS",
    "QUANTUM_CELLS",
    "Flow",
    "FlowDataError",
    "FlowPair",
    "grid_size",
]

Flow = NDArray[np.float32]
"""[h, w, 2]: x then y displacement, in cells of the grid it is stored on."""

GRID_STEP = 4
"""Flow is stored at 1/4 of the linear size of the pictures it was estimated on."""
QUANTUM_CELLS = 1.0 / 64.0
"""Stored values are multiples of 1/64 cell, which is 1/16 pixel of the estimator's input."""
LIMIT_CELLS = 32767 * QUANTUM_CELLS
"""Components saturate here, at 512 cells; an estimator's input is at most 1280 pixels, 320 cells, long."""
FORMAT_VERSION = 1

_MAGIC = b"APFL"
_HEADER = struct.Struct("<4sHHII")  # magic, version, reserved, height, width
_DIGEST_BYTES = hashlib.sha256().digest_size
_MAX_SIDE_CELLS = 1 << 14


class FlowDataError(ValueError):
    """The bytes are not an intact flow pair of this format version."""


def grid_size(width: int, height: int) -> tuple[int, int]:
    """Width and height, in cells, of the flow grid of a `width` x `height` estimator input."""
    return -(-width // GRID_STEP), -(-height // GRID_STEP)


def _quantise(flow: Flow) -> NDArray[np.int16]:
    finite = np.nan_to_num(flow, nan=0.0, posinf=LIMIT_CELLS, neginf=-LIMIT_CELLS)
    return np.asarray(np.rint(np.clip(finite, -LIMIT_CELLS, LIMIT_CELLS) / QUANTUM_CELLS), np.int16)


def _dequantise(steps: NDArray[np.int16]) -> Flow:
    # Integers have one zero: -0.0 would make a cache hit differ from a miss by its sign bit.
    flow = np.ascontiguousarray(steps, np.float32) * np.float32(QUANTUM_CELLS)
    flow.flags.writeable = False
    return flow


@dataclass(frozen=True, slots=True, eq=False)
class FlowPair:
    """Flow from picture a to b and back, [h, w, 2] float32 each, in cells of this grid; the grid spans the picture.

    Quantised at construction, so a pair has the same bits whether or not it went through the cache. NaN becomes 0,
    infinity the limit. The arrays are read-only.
    """

    forward: Flow
    """On a's grid, pointing into b."""
    backward: Flow
    """On b's grid, pointing into a."""

    def __post_init__(self) -> None:
        shape = self.forward.shape
        if len(shape) != 3 or shape[2] != 2 or self.backward.shape != shape or 0 in shape:
            raise ValueError(f"a flow pair is two arrays [h, w, 2] of one size, not {shape} and {self.backward.shape}")
        if max(shape) > _MAX_SIDE_CELLS:
            raise ValueError(f"a flow grid has at most {_MAX_SIDE_CELLS} cells a side, not {shape}")
        object.__setattr__(self, "forward", _dequantise(_quantise(self.forward)))
        object.__setattr__(self, "backward", _dequantise(_quantise(self.backward)))

    @property
    def swapped(self) -> FlowPair:
        """The pair from b to a."""
        return FlowPair(self.backward, self.forward)

    def to_bytes(self) -> bytes:
        """Header, SHA-256 of header and values, compressed values; equal pairs give equal bytes."""
        # [direction, x or y, h, w], all high bytes before all low ones: the high ones are nearly equal, so level 1
        # compresses as well as level 9 does on plain values, in a sixth of the time.
        steps = np.stack([_quantise(self.forward), _quantise(self.backward)]).transpose(0, 3, 1, 2)
        planes = np.frombuffer(steps.astype(">i2").tobytes(), np.uint8).reshape(-1, 2).T
        body = zlib.compress(planes.tobytes(), level=1)
        height, width = self.forward.shape[:2]
        header = _HEADER.pack(_MAGIC, FORMAT_VERSION, 0, height, width)
        return header + hashlib.sha256(header + body).digest() + body

    @classmethod
    def from_bytes(cls, data: bytes) -> FlowPair:
        """The pair whose `to_bytes` gave `data`, bit for bit.

        Raises:
            FlowDataError: `data` has another format version, the wrong length or is damaged.
        """
        start = _HEADER.size + _DIGEST_BYTES
        if len(data) < start:
            raise FlowDataError(f"{len(data)} bytes are too few for a flow pair")
        header, digest, body = data[: _HEADER.size], data[_HEADER.size : start], data[start:]
        magic, version, _, height, width = _HEADER.unpack(header)
        if magic != _MAGIC or version != FORMAT_VERSION:
            raise FlowDataError(f"not a flow pair of format {FORMAT_VERSION}")
        if hashlib.sha256(header + body).digest() != digest:
            raise FlowDataError("the flow pair is damaged: its hash differs")
        if not (0 < height <= _MAX_SIDE_CELLS and 0 < width <= _MAX_SIDE_CELLS):
            raise FlowDataError(f"a flow grid of {width} x {height} cells")
        size = 2 * height * width * 2 * 2
        try:
            raw = zlib.decompressobj().decompress(body, size + 1)  # never unpack more than the header announces
        except zlib.error as e:
            raise FlowDataError("the flow pair cannot be unpacked") from e
        if len(raw) != size:
            raise FlowDataError("the flow pair has the wrong length")
        values = np.frombuffer(np.frombuffer(raw, np.uint8).reshape(2, -1).T.tobytes(), ">i2")
        steps = values.astype(np.int16).reshape(2, 2, height, width).transpose(0, 2, 3, 1)
        return cls(_dequantise(steps[0]), _dequantise(steps[1]))
