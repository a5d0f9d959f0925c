"""In which numbers a network computes, and whether it is compiled first: options that all large families share.

It loads no torch: the parent describes options, and reckons memory, by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from answerprint.backends.info import BackendInfo
from answerprint.option import Option

__all__ = ["COMPILE", "PRECISION", "Running", "bytes_per_number", "working_bytes"]

PRECISION = Option(
    name="precision",
    kind="choice",
    choices=("auto", "fp32", "bf16", "fp16"),
    default="auto",
    help=(
        "Numbers the network computes in: 16 bits take half the memory and less time; auto is 32 bits on a processor, "
        "16 where it has them and the picture stays the same."
    ),
)
COMPILE = Option(
    name="compile",
    kind="bool",
    default=False,
    help="Compile the network first: minutes at the beginning, then faster; repeats to rounding, not to the bit.",
)

_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}


@dataclass(frozen=True, slots=True)
class Running:
    """How a network is to run."""

    precision: str = PRECISION.default_text
    """One of the option's choices."""
    compiled: bool = False

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> Self:
        """From the texts of the two options, both given and found valid."""
        return cls(texts[PRECISION.name], bool(COMPILE.parse(texts[COMPILE.name])))


def bytes_per_number(precision: str, device: str) -> int:
    """Of the network's weights and working memory. `device` is the name of one; auto, or none, is any.

    Of a processor it is the most that `auto` may mean there.
    """
    if precision != "auto":
        return _BYTES[precision]
    return 2 if device.partition(":")[0] in ("cuda", "mps") else 4


def working_bytes(info: BackendInfo, options: Mapping[str, str], device: str) -> int:
    """Of working memory per latent cell and frame, for a job with the model options `options`, checked before."""
    defaults = {option.name: option.default_text for option in info.options}
    precision = options.get(PRECISION.name, defaults.get(PRECISION.name, "fp32"))
    return info.bytes_per_cell * bytes_per_number(precision, device) // _BYTES["fp32"]
