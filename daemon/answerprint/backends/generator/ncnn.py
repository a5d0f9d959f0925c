"""Weights in ncnn's form (a .param text and a .bin) read as tensors; nothing of ncnn is needed, and nothing is run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["NcnnError", "read_ncnn"]

_HALF = 0x01306B47
"""Flag before weights that are kept in 16 bits."""


class NcnnError(ValueError):
    """Raised by `read_ncnn`: the bytes are not what the .param says."""


def read_ncnn(param: str, weights: bytes) -> Iterator[tuple[str, Tensor]]:
    """(kind, tensor) of each tensor in the file's order, float32: convolutions' weights and biases, slopes of PReLU.

    kind is weight, bias or slope; a convolution's weights are [out, in, k, k]. Raises NcnnError where the bytes are
    too few or too many, or a layer has weights of a kind that is not known.
    """
    position = 0

    def take(count: int, number: str) -> NDArray[np.float32]:
        nonlocal position
        size = count * np.dtype(number).itemsize
        if position + size > len(weights):
            raise NcnnError(f"the weights end after {len(weights)} bytes; {position + size} are wanted")
        values = np.frombuffer(weights, number, count, position).astype(np.float32)
        position += size
        return values

    for line in param.splitlines()[2:]:
        words = line.split()
        if not words or words[0] not in ("Convolution", "PReLU"):
            continue
        inputs, outputs = int(words[2]), int(words[3])
        facts = dict(word.split("=", 1) for word in words[4 + inputs + outputs :])
        channels = int(facts["0"])
        if words[0] == "PReLU":
            yield "slope", torch.from_numpy(take(channels, "<f4"))
            continue
        side, count = int(facts["1"]), int(facts["6"])
        if position + 4 > len(weights):
            raise NcnnError(f"the weights end after {len(weights)} bytes")
        flag = int.from_bytes(weights[position : position + 4], "little")
        position += 4
        if flag not in (0, _HALF):
            raise NcnnError(f"weights of the form {flag:#x} are not known")
        values = take(count, "<f2" if flag == _HALF else "<f4")
        position += -position % 4
        yield "weight", torch.from_numpy(values.reshape(channels, -1, side, side))
        if facts.get("5") == "1":
            yield "bias", torch.from_numpy(take(channels, "<f4"))
    if position != len(weights):
        raise NcnnError(f"{len(weights) - position} bytes are left over")
