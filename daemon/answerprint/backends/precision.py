"""Options of all large families: number precision and compilation.

Imports no torch: the parent describes options and estimates memory with it.
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
        "Number precision of the network: 16 bits need half the memory and less time. auto is 16 bits on a GPU; on a "
        "CPU it is 32 bits, or 16 if the CPU supports them and the picture stays the same."
    ),
)
COMPILE = Option(
    name="compile",
    kind="bool",
    default=False,
    help="Compile the network: takes minutes at the start, then runs faster. Results repeat only up to rounding.",
)

_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}


@dataclass(frozen=True, slots=True)
class Running:
    """Precision and compilation of a network."""

    precision: str = PRECISION.default_text
    """One of the option's choices."""
    compiled: bool = False

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> Self:
        """From the texts of the two options, both present and valid."""
        return cls(texts[PRECISION.name], bool(COMPILE.parse(texts[COMPILE.name])))


def bytes_per_number(precision: str, device: str) -> int:
    """Bytes per number of weights and working memory on `device` (a name; "auto" or empty is any).

    For a CPU the upper limit of what `auto` may choose.
    """
    if precision != "auto":
        return _BYTES[precision]
    return 2 if device.partition(":")[0] in ("cuda", "mps") else 4


def working_bytes(info: BackendInfo, options: Mapping[str, str], device: str) -> int:
    """Working memory per latent cell and frame, for a job with the valid model options `options`."""
    defaults = {option.name: option.default_text for option in info.options}
    precision = options.get(PRECISION.name, defaults.get(PRECISION.name, "fp32"))
    return info.bytes_per_cell * bytes_per_number(precision, device) // _BYTES["fp32"]
