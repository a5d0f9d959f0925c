"""Read ncnn weights (a .param text and a .bin) as arrays, without ncnn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NcnnError", "Tensors", "read_ncnn"]

Tensors = Mapping[str, NDArray[Any]]
"""Tensors of one layer by PyTorch's names: weight, and bias if there is one."""

_HALF = 0x01306B47
"""Flag before weights stored in 16 bits."""
_TYPES = {0: "<f4", _HALF: "<f2"}


class NcnnError(ValueError):
    """The two files do not match, or contain unsupported data."""


def read_ncnn(param: str, weights: bytes) -> Iterator[Tensors]:
    """The tensors of each convolution and PReLU layer, in file order.

    Numbers keep their 16 or 32 bits; a convolution's weight is [out, in, k, k]. Raises NcnnError if there are too few
    or too many bytes, or for unsupported weights.
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
            raise NcnnError(f"{' '.join(words[:2])} has an invalid description") from error
        yield tensors
    if bytes_.left:
        raise NcnnError(f"{bytes_.left} bytes are left over")


class _Bytes:
    """Sequential reader of the file."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int, number: str) -> NDArray[Any]:
        size = count * np.dtype(number).itemsize
        if size > self.left:
            raise NcnnError(f"the weights have {len(self._data)} bytes; {self._at + size} are needed")
        values: NDArray[Any] = np.frombuffer(self._data, number, count, self._at)
        self._at += size
        return values

    def align(self) -> None:
        self._at += -self._at % 4


def _convolution(file: _Bytes, facts: Mapping[str, str]) -> Tensors:
    """Parameters 0, 1, 5, 6: output channels, kernel size, whether there is a bias, number of weights."""
    channels, side = int(facts["0"]), int(facts["1"])
    flag = int(file.take(1, "<u4")[0])
    if flag not in _TYPES:
        raise NcnnError(f"weights of the unknown format {flag:#x}")
    weight = file.take(int(facts["6"]), _TYPES[flag]).reshape(channels, -1, side, side)
    file.align()
    return {"weight": weight, "bias": file.take(channels, "<f4")} if facts.get("5") == "1" else {"weight": weight}


def _prelu(file: _Bytes, facts: Mapping[str, str]) -> Tensors:
    """Parameter 0: channels, each with a slope."""
    return {"weight": file.take(int(facts["0"]), "<f4")}
