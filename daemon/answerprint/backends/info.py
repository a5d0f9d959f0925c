"""What a model family is and can do, as data; importing this costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from answerprint.errors import InputError

__all__ = ["ETA", "BackendInfo", "Option", "Task"]

Task = Literal["sr", "denoise", "face", "depth"]


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a model, described so that any front end can build its form."""

    name: str
    form: str
    """What it takes, in words."""
    default: str
    help: str


ETA = Option("eta", "a number from 0 to 1", "0", "share of fresh noise in each step of the ddim sampler")


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

    def fill_options(self, given: Mapping[str, str]) -> dict[str, str]:
        """`given` with the defaults of what it leaves out; raises InputError for names that are not options."""
        known = {option.name: option.default for option in self.options}
        for name in given:
            if name not in known:
                remedy = f"Its options: {', '.join(known)}." if known else "It has none."
                raise InputError(f"Models of the family {self.family!r} have no option {name!r}.", remedy)
        return known | dict(given)
