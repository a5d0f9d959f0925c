"""Classifier-free guidance by two prompts: its options, which all families with prompts share, and when it applies."""

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
    help="What the picture shows, in English; empty leaves it to the picture.",
    group="basic",
)
NEGATIVE_PROMPT = Option(
    name="negative_prompt",
    kind="text",
    default="",
    help="What the picture must not look like, in English, such as: blurry, noisy.",
    group="basic",
)
GUIDANCE = Option(
    name="guidance",
    kind="float",
    default=9.0,
    help="How strongly the two prompts steer the picture; 1 is off, and so are two prompts that are alike.",
    minimum=1,
    maximum=30,
)
GUIDANCE_STOP = Option(
    name="guidance_stop",
    kind="float",
    default=1.0,
    help="Share of the steps after which prompts steer no more, which saves half the work of the rest; 1 is never.",
    minimum=0,
    maximum=1,
)


@dataclass(frozen=True, slots=True)
class Guidance:
    """u + w (c - u) of what the network predicts under the negative prompt, u, and under the prompt, c.

    Ho and Salimans 2022, Eq. 6, with w counted as in diffusers: 1 is c alone.
    """

    prompt: str
    negative_prompt: str
    scale: float
    """w."""
    stop: float
    """Share of the steps that are guided, 0..1."""

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> Self:
        """From the texts of the four options, all given and found valid."""
        return cls(
            texts[PROMPT.name],
            texts[NEGATIVE_PROMPT.name],
            float(texts[GUIDANCE.name]),
            float(texts[GUIDANCE_STOP.name]),
        )

    def last(self, timesteps: Sequence[int]) -> int | None:
        """The last of falling `timesteps` that is guided; None where none is.

        A share that is not 0 never rounds to no step. Prompts that are alike predict alike, at twice the work.
        """
        if self.scale == 1 or self.prompt == self.negative_prompt or self.stop == 0:
            return None
        return timesteps[math.ceil(self.stop * len(timesteps) - 1e-9) - 1]
