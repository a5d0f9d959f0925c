"""What a model family is and can do, as data; importing this costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from answerprint.errors import InputError
from answerprint.option import Option
from answerprint.temporal.options import describe

__all__ = ["ETA", "BackendInfo", "Task"]

Task = Literal["sr", "denoise", "face", "depth"]


ETA = Option(
    name="eta",
    kind="float",
    default=0.0,
    help="How much new grain each step adds with the sampler ddim; 0 adds none.",
    minimum=0,
    maximum=1,
)


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """A model family; callers decide by these fields, never by its name."""

    family: str
    summary: str
    tasks: tuple[Task, ...]
    scale: int
    """Output pixels per input pixel, along each axis."""
    latent_channels: int
    latent_factor: int
    """Output pixels per latent cell, along each axis."""
    multiple_of: int
    """Latents are padded to a multiple of this many cells."""
    samplers: tuple[str, ...]
    default_steps: int
    tile_cells: int
    """Larger latents are split into windows of this many cells a side."""
    bytes_per_cell: int
    """Measured working memory per latent cell and frame: the basis of the memory estimate."""
    options: tuple[Option, ...] = ()
    largest_scale: int = 0
    """Largest enlargement that can be asked for; 0 is `scale`."""

    def check_scale(self, scale: Fraction) -> bool:
        """True when an output of `scale` times the input can be made (smaller ones are shrunk from the model's)."""
        return 0 < scale <= (self.largest_scale or self.scale)

    @property
    def own_options(self) -> tuple[Option, ...]:
        """What can be told to models of this family; the first of the samplers is the default."""
        sampler = Option(
            name="sampler",
            kind="choice",
            choices=self.samplers,
            default=self.samplers[0],
            help="The recipe by which grain becomes a picture, step by step.",
        )
        return (sampler, *self.options)

    @property
    def all_options(self) -> tuple[Option, ...]:
        """The model's own options, then those of the method: all that a job with this model can be told by name."""
        return (*self.own_options, *describe())

    def fill_options(self, given: Mapping[str, str]) -> dict[str, str]:
        """`given` with the defaults of what it leaves out; raises InputError for a wrong value or an unknown name."""
        known = {option.name: option for option in self.options}
        for name, text in given.items():
            if name not in known:
                remedy = f"Its options: {', '.join(known)}." if known else "It has none."
                raise InputError(f"Models of the family {self.family!r} have no option {name!r}.", remedy)
            known[name].parse(text)
        return {name: option.default_text for name, option in known.items()} | dict(given)
