"""What a model family is and can do, as data; importing this costs nothing."""

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
    """Steps of the quality standard."""
    tile_cells: int
    """Larger latents are split into windows of this many cells a side."""
    bytes_per_cell: int
    """Measured working memory per latent cell and frame: the basis of the memory estimate."""
    held_per_cell: tuple[int, int] = (0, 0)
    """Measured memory, beside that, of each frame of a chunk and of the one frame at work, per cell of the whole latent
    however it is split."""
    options: tuple[Option, ...] = ()
    method: tuple[tuple[str, str], ...] = ()
    """Defaults of the method that are others for this family: names and texts, as a job would give them."""
    largest_scale: int = 0
    """Largest enlargement that can be asked for; 0 is `scale`."""
    draft_steps: int = 0
    """Steps that show what a clip will look like; 0 is half of the default."""
    best_steps: int = 0
    """Steps beyond which nothing gets better; 0 is the default."""
    task_scales: tuple[tuple[Task, int], ...] = ()
    """Tasks that enlarge by another number than `scale` where no size is asked for."""
    scale_option: str = ""
    """Option that sets how many times it enlarges, up to `scale`; 0 there is as many as the wanted size needs."""
    most_steps: int = 0
    """Steps that can be taken at most; 0 is as many as the model was trained with."""
    gives: Literal["picture", "depth"] = "picture"
    """What its pictures show: the source restored, or how far away it is; depth has no strength and no super-whites."""
    sees: Literal["pixels", "latent"] = "pixels"
    """How the network is shown the source: by its pixels, each in its place, or by a latent into which an encoder puts
    the whole picture, so that every part of it says something of all others."""
    partial_tokens: bool = False
    """Latents are not padded: the network takes any size, and its last tokens then hold less than the others."""
    half_is_equal: bool = False
    """In bfloat16 its picture is that of single precision: 50 dB or more between them. A processor that computes in
    bfloat16 then does so by itself."""
    scales: tuple[int, ...] = ()
    """Those that its models may have, where they differ: a latent cell is then a pixel of the source, and holds the
    pixels that are made of it."""
    side_option: str = ""
    """Option that sets the longer side, in px, at which the network works; empty, or 0 there, is the source's own."""

    def of_scale(self, scale: int) -> BackendInfo:
        """The family as a model of that scale is, where its models differ in it."""
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
        """Memory that a chunk of latents of so many cells takes beside the network's."""
        of_chunk, of_frame = self.held_per_cell
        return cells * (chunk * of_chunk + of_frame)

    def check_scale(self, scale: Fraction) -> bool:
        """True when an output of `scale` times the input can be made (smaller ones are shrunk from the model's)."""
        return 0 < scale <= (self.largest_scale or self.scale)

    def passes(self, source: tuple[int, int], wanted: tuple[int, int]) -> int:
        """How often the model runs to make `wanted` (width, height) of `source`: each time on its own last result."""
        count = 1
        if self.largest_scale > self.scale:
            while any(w > s * self.scale**count for s, w in zip(source, wanted, strict=True)):
                count += 1
        return count

    def scale_for(self, task: str, options: Mapping[str, str]) -> int:
        """Output pixels per input pixel where no size is asked for."""
        of_tasks = {str(name): scale for name, scale in self.task_scales}
        return int(options.get(self.scale_option, "0")) or of_tasks.get(task, self.scale)

    def at(self, options: Mapping[str, str]) -> BackendInfo:
        """The family as `options` set it: with the scale that they say."""
        scale = int(options.get(self.scale_option, "0"))
        return replace(self, scale=scale) if scale else self

    def working_size(self, width: int, height: int, options: Mapping[str, str]) -> tuple[int, int]:
        """Width and height, px, at which the network works on a source of that size, padding left out."""
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
        """What can be told to models of this family; the first of the samplers is the default."""
        steps = ", ".join(f"{each} {self.steps_at(each)}" for each in QUALITIES)
        quality = Option(
            name=QUALITY,
            kind="choice",
            choices=QUALITIES,
            default="standard",
            help=f"How much time each frame gets, in steps: {steps}; a number of steps that is given counts instead.",
            group="basic",
        )
        sampler = Option(
            name="sampler",
            kind="choice",
            choices=self.samplers,
            default=self.samplers[0],
            help="The recipe by which grain becomes a picture, step by step.",
        )
        chosen = (quality, sampler) if self.most_steps != 1 else ()
        return (*chosen, PRESET, *self.options, *self._method_options)

    @property
    def _method_options(self) -> tuple[Option, ...]:
        """Those of the method whose defaults are others here, with these defaults."""
        others = dict(self.method)
        return tuple(
            replace(option, default=option.parse(others[option.name])) for option in describe() if option.name in others
        )

    @property
    def all_options(self) -> tuple[Option, ...]:
        """The model's own options, then those of the method: all that a job with this model can be told by name."""
        own = self.own_options
        names = {option.name for option in own}
        return (*own, *(option for option in describe() if option.name not in names))

    def fill_options(self, given: Mapping[str, str]) -> dict[str, str]:
        """`given` with the defaults of what it leaves out; raises InputError for a wrong value or an unknown name."""
        known = {option.name: option for option in self.options}
        for name, text in given.items():
            if name not in known:
                remedy = f"Its options: {', '.join(known)}." if known else "It has none."
                raise InputError(f"Models of the family {self.family!r} have no option {name!r}.", remedy)
            known[name].parse(text)
        return {name: option.default_text for name, option in known.items()} | dict(given)
