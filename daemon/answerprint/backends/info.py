"""Description and capabilities of a model family, as data. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from answerprint.errors import InputError
from answerprint.option import Option
from answerprint.temporal.options import describe
from answerprint.temporal.presets import PRESET

__all__ = ["ETA", "QUALITIES", "QUALITY", "BackendInfo", "Task"]

QUALITY = "quality"
QUALITIES = ("draft", "standard", "best")

Task = Literal["sr", "denoise", "face", "depth"]


ETA = Option(
    name="eta",
    kind="float",
    default=0.0,
    help="Noise added at each step of the sampler ddim: 0 none, 1 as much as ddpm.",
    minimum=0,
    maximum=1,
)


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """A model family; callers depend on these fields, never on its name."""

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
    """Steps of the quality "standard"."""
    tile_cells: int
    """Larger latents are split into tiles of this many cells per side; 0 disables tiling."""
    bytes_per_cell: int
    """Measured working memory per latent cell and frame, float32: the basis of the memory estimate."""
    held_per_cell: tuple[int, int] = (0, 0)
    """Measured additional bytes per cell of the whole latent, regardless of tiling: for each frame of a chunk, and for
    the one frame being processed."""
    options: tuple[Option, ...] = ()
    method: tuple[tuple[str, str], ...] = ()
    """This family's own defaults of the method's options: names and values, as texts."""
    largest_scale: int = 0
    """Largest supported output scale; 0 is `scale`."""
    draft_steps: int = 0
    """Steps of the quality "draft"; 0 is half of the default."""
    best_steps: int = 0
    """Steps of the quality "best", beyond which results do not improve; 0 is the default."""
    task_scales: tuple[tuple[Task, int], ...] = ()
    """Tasks whose default scale differs from `scale`."""
    scale_option: str = ""
    """Option that sets the scale, up to `scale`; a value of 0 chooses it by the output size."""
    most_steps: int = 0
    """Largest number of steps; 0 is the number of training timesteps."""
    gives: Literal["picture", "depth"] = "picture"
    """Its output: restored pictures, or depth, for which strength and super-whites do not apply."""
    sees: Literal["pixels", "latent"] = "pixels"
    """Conditioning of the network: pixels, each in its place, or a latent, in which the encoder mixes information of
    the whole picture."""
    partial_tokens: bool = False
    """Latents are not padded: the network accepts any size, and the last tokens may be partial."""
    half_is_equal: bool = False
    """bfloat16 gives the picture of float32, to 50 dB or more; CPUs with native bfloat16 then use it by default."""
    scales: tuple[int, ...] = ()
    """Scales of its models, if they differ: a latent cell is then a source pixel, and holds the scale x scale output
    pixels of it."""
    side_option: str = ""
    """Option that sets the longer side, px, of the network's input; empty, or a value of 0, is the source's."""
    hidden: bool = False
    """Left out of lists, forms and help; its models can still be named."""

    def of_scale(self, scale: int) -> BackendInfo:
        """The family's description for a model of that scale."""
        if scale not in self.scales or scale == self.scale:
            return self
        of_chunk, of_frame = (each * scale**2 // self.scale**2 for each in self.held_per_cell)
        return replace(
            self,
            scale=scale,
            latent_factor=scale,
            latent_channels=3 * scale**2,
            bytes_per_cell=self.bytes_per_cell * scale**2 // self.scale**2,
            held_per_cell=(of_chunk, of_frame),
        )

    def held_bytes(self, cells: int, chunk: int) -> int:
        """Bytes that a chunk takes besides the network's working memory, for latents of `cells` cells."""
        of_chunk, of_frame = self.held_per_cell
        return cells * (chunk * of_chunk + of_frame)

    def check_scale(self, scale: Fraction) -> bool:
        """Whether an output of `scale` times the input is supported; smaller ones are scaled down from the model's."""
        return 0 < scale <= (self.largest_scale or self.scale)

    def passes(self, source: tuple[int, int], wanted: tuple[int, int]) -> int:
        """Passes of the model from `source` to `wanted` (width, height); each pass runs on the result of the last."""
        count = 1
        if self.largest_scale > self.scale > 1:  # a model that does not enlarge gains nothing from another pass
            while any(w > s * self.scale**count for s, w in zip(source, wanted, strict=True)):
                count += 1
        return count

    def scale_for(self, task: str, options: Mapping[str, str]) -> int:
        """Default output scale."""
        of_tasks = {str(name): scale for name, scale in self.task_scales}
        return int(options.get(self.scale_option, "0")) or of_tasks.get(task, self.scale)

    def at(self, options: Mapping[str, str]) -> BackendInfo:
        """The family's description with the scale that `options` set."""
        scale = int(options.get(self.scale_option, "0"))
        return replace(self, scale=scale) if scale else self

    def working_size(self, width: int, height: int, options: Mapping[str, str]) -> tuple[int, int]:
        """Width and height, px, of the network's input for a source of that size, without padding."""
        texts = {option.name: option.default_text for option in self.options} | dict(options)
        longest = int(texts.get(self.side_option, "0"))
        if longest == 0:
            return width, height
        most = max(width, height)
        return max(1, width * longest // most), max(1, height * longest // most)

    def steps_at(self, quality: str) -> int:
        """Steps of one of `QUALITIES`."""
        return {
            "draft": self.draft_steps or max(1, self.default_steps // 2),
            "standard": self.default_steps,
            "best": self.best_steps or self.default_steps,
        }[quality]

    @property
    def own_options(self) -> tuple[Option, ...]:
        """The options of this family's models; the first sampler is the default."""
        steps = ", ".join(f"{each} {self.steps_at(each)}" for each in QUALITIES)
        quality = Option(
            name=QUALITY,
            kind="choice",
            choices=QUALITIES,
            default="standard",
            help=f"Time spent on each frame, as a number of steps: {steps}. An explicit number of steps overrides it.",
            group="basic",
        )
        sampler = Option(
            name="sampler",
            kind="choice",
            choices=self.samplers,
            default=self.samplers[0],
            help="Sampling algorithm of the diffusion process.",
        )
        chosen = (quality, sampler) if self.most_steps != 1 else ()
        return (*chosen, PRESET, *self.options, *self._method_options)

    @property
    def _method_options(self) -> tuple[Option, ...]:
        """The method's options with this family's own defaults."""
        others = dict(self.method)
        return tuple(
            replace(option, default=option.parse(others[option.name])) for option in describe() if option.name in others
        )

    @property
    def all_options(self) -> tuple[Option, ...]:
        """The model's own options, then those of the method: all named options of a job with this model."""
        own = self.own_options
        names = {option.name for option in own}
        return (*own, *(option for option in describe() if option.name not in names))

    def fill_options(self, given: Mapping[str, str]) -> dict[str, str]:
        """`given`, completed with defaults. Raises InputError for an invalid value or an unknown name."""
        known = {option.name: option for option in self.options}
        for name, text in given.items():
            if name not in known:
                remedy = f"Its options: {', '.join(known)}." if known else "It has no options."
                raise InputError(f"Models of the family {self.family!r} have no option {name!r}.", remedy)
            known[name].parse(text)
        return {name: option.default_text for name, option in known.items()} | dict(given)
