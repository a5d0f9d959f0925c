"""What a user can set, read from text once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from answerprint.backends.guidance import Guidance
from answerprint.backends.info import ETA
from answerprint.backends.precision import Running

from .info import INFO, NOISE_LEVEL

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One configuration of the model."""

    steps: int
    sampler: str
    eta: float
    guidance: Guidance
    noise_level: int
    """Timestep whose share of noise the network sees in the source."""
    running: Running

    @classmethod
    def read(cls, steps: int, sampler: str, options: Mapping[str, str]) -> Self:
        """Defaults, and `options` over them; raises InputError for a wrong value or an unknown name."""
        texts = INFO.fill_options(options)
        return cls(
            steps,
            sampler,
            float(texts[ETA.name]),
            Guidance.read(texts),
            int(texts[NOISE_LEVEL.name]),
            Running.read(texts),
        )
