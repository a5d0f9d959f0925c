"""Classifier-free guidance with two prompts: its options, shared by all families with prompts, and its schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from answerprint.option import Option

__all__ = ["GUIDANCE", "GUIDANCE_STOP", "NEGATIVE_PROMPT", "PROMPT", "Guidance"]

PROMPT = Option(
    name="prompt",
    kind="text",
    default="",
    help="Description of the picture, in English; may be empty.",
    group="basic",
)
NEGATIVE_PROMPT = Option(
    name="negative_prompt",
    kind="text",
    default="",
    help="What to avoid in the picture, in English, such as: blurry, noisy.",
    group="basic",
)
GUIDANCE = Option(
    name="guidance",
    kind="float",
    default=9.0,
    help="Strength of the prompts (classifier-free guidance); 1 turns it off. Equal prompts have no effect.",
    minimum=1,
    maximum=30,
)
GUIDANCE_STOP = Option(
    name="guidance_stop",
    kind="float",
    default=1.0,
    help="Share of the steps with guidance; the remaining steps take half the time. 1 guides all steps.",
    minimum=0,
    maximum=1,
)


@dataclass(frozen=True, slots=True)
class Guidance:
    """Guidance u + w (c - u), where u is the prediction for the negative prompt and c the one for the prompt.

    Ho and Salimans 2022, Eq. 6, with w as in diffusers: 1 is c alone.
    """

    prompt: str
    negative_prompt: str
    scale: float
    """w."""
    stop: float
    """Share of the steps that are guided, 0..1."""

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> Self:
        """From the texts of the four options, all present and valid."""
        return cls(
            texts[PROMPT.name],
            texts[NEGATIVE_PROMPT.name],
            float(texts[GUIDANCE.name]),
            float(texts[GUIDANCE_STOP.name]),
        )

    def last(self, timesteps: Sequence[int]) -> int | None:
        """The last guided timestep of descending `timesteps`; None if none is guided.

        A share above 0 guides at least one step. Equal prompts are not guided: the result would be the same, at twice
        the cost.
        """
        if self.scale == 1 or self.prompt == self.negative_prompt or self.stop == 0:
            return None
        return timesteps[math.ceil(self.stop * len(timesteps) - 1e-9) - 1]
