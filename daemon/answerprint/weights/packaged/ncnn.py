"""Weights in ncnn's form (a .param text and a .bin) read as arrays; nothing of ncnn is needed, and nothing is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NcnnError", "Tensors", "read_ncnn"]

Tensors = Mapping[str, NDArray[Any]]
"""Of one layer, by the names that PyTorch has for them: weight, and bias where there is one."""

_HALF = 0x01306B47
"""Flag before weights that are kept in 16 bits."""
_TYPES = {0: "<f4", _HALF: "<f2"}


class NcnnError(ValueError):
    """Raised by `read_ncnn`: the two files do not belong together, or hold what is not known."""


def read_ncnn(param: str, weights: bytes) -> Iterator[Tensors]:
    """The tensors of each layer that has some, in the file's order: convolutions and PReLU.

    Numbers are kept as they are, in 16 or 32 bits; a convolution's weight is [out, in, k, k]. Raises NcnnError where
    the bytes are too few or too many, or a layer has weights of a kind that is not known.
    """
    bytes_ = _Bytes(weights)
    for line in param.splitlines()[2:]:
        words = line.split()
        if not words or words[0] not in ("Convolution", "PReLU"):
            continue
        try:
            inputs, outputs = int(words[2]), int(words[3])
            facts = dict(each.split("=", 1) for each in words[4 + inputs + outputs :])
            tensors = (_convolution if words[0] == "Convolution" else _prelu)(bytes_, facts)
        except NcnnError:
            raise
        except (IndexError, KeyError, ValueError) as error:
            raise NcnnError(f"{' '.join(words[:2])} is not described in a known form") from error
        yield tensors
    if bytes_.left:
        raise NcnnError(f"{bytes_.left} bytes are left over")


class _Bytes:
    """The file, taken from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int, number: str) -> NDArray[Any]:
        size = count * np.dtype(number).itemsize
        if size > self.left:
            raise NcnnError(f"the weights end after {len(self._data)} bytes; {self._at + size} are wanted")
        values: NDArray[Any] = np.frombuffer(self._data, number, count, self._at)
        self._at += size
        return values

    def align(self) -> None:
        self._at += -self._at % 4


def _convolution(file: _Bytes, facts: Mapping[str, str]) -> Tensors:
    """Facts 0, 1, 5, 6: channels out, side of the kernel, whether there is a bias, number of weights."""
    channels, side = int(facts["0"]), int(facts["1"])
    flag = int(file.take(1, "<u4")[0])
    if flag not in _TYPES:
        raise NcnnError(f"weights of the form {flag:#x} are not known")
    weight = file.take(int(facts["6"]), _TYPES[flag]).reshape(channels, -1, side, side)
    file.align()
    return {"weight": weight, "bias": file.take(channels, "<f4")} if facts.get("5") == "1" else {"weight": weight}


def _prelu(file: _Bytes, facts: Mapping[str, str]) -> Tensors:
    """Fact 0: channels, each with a slope."""
    return {"weight": file.take(int(facts["0"]), "<f4")}
