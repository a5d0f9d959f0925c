"""What a user can set, read from text once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from answerprint.backends.guidance import Guidance
from answerprint.backends.precision import Running
from answerprint.backends.schedules import parse_eta
from answerprint.errors import InputError

from .info import INFO

__all__ = ["Settings"]

_SR_SCALE = 4
"""How many times the first restoration of the task sr enlarges."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One configuration of the model."""

    steps: int
    sampler: str
    eta: float
    task: str
    scale: int
    """Output pixels per input pixel, along each axis."""
    first_stage: bool
    """Whether the task's own network restores first, or the picture is only enlarged."""
    fidelity: float
    """Share s of restoration guidance, 0..1; 0 is off."""
    guidance: Guidance
    running: Running

    @classmethod
    def read(cls, steps: int, sampler: str, options: Mapping[str, str]) -> Self:
        """Defaults, and `options` over them; raises InputError for a wrong value or an unknown name."""
        text = INFO.fill_options(options)
        if sampler not in INFO.samplers:
            raise InputError(f"There is no sampler {sampler!r}.", f"Samplers: {', '.join(INFO.samplers)}.")
        task = text["task"]
        return cls(
            steps,
            sampler,
            eta=parse_eta(text["eta"]),
            task=task,
            scale=int(text["enlarge"]) or (_SR_SCALE if task == "sr" else 1),
            first_stage=text["stage1"] == "model",
            fidelity=float(text["fidelity"]),
            guidance=Guidance.read(text),
            running=Running.read(text),
        )
