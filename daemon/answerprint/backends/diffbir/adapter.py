"""DiffBIR's backend: a first restoration, then Stable Diffusion with a ControlNet conditioned on its latent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.backends.attention import HookedProcessor, HookSlot, coarsest_scale, self_attention_layers
from answerprint.backends.base import own_condition
from answerprint.backends.colour import fix_colour
from answerprint.backends.diffbir import load_components
from answerprint.backends.diffbir.components import Components
from answerprint.backends.diffbir.fidelity import blend_fidelity, smoothness
from answerprint.backends.diffbir.info import INFO, SPACED
from answerprint.backends.diffbir.spaced import SCHEDULERS, SpacedSchedule, alphas_cumprod
from answerprint.backends.diffbir.stage1 import Enlarger, FirstStage, enlarged, load_first_stage
from answerprint.backends.guidance import Guidance
from answerprint.backends.info import BackendInfo
from answerprint.backends.kl import cell_size, decode, encode
from answerprint.backends.latent import HookedNetworks, LatentCondition
from answerprint.backends.precision import Running
from answerprint.backends.schedules import DiffusersSchedule, parse_eta
from answerprint.backends.text import Text, load_tokenizer
from answerprint.backends.weights import read_index, read_weights
from answerprint.errors import InputError, ModelError
from answerprint.temporal.parametrisation import PARAMETRISATIONS
from answerprint.temporal.protocols import Condition, Schedule, TokenLayer, Window
from answerprint.weights.verify import VerifiedModel

__all__ = ["DiffbirBackend", "DiffbirSettings", "RestoredCondition", "load"]


@dataclass(frozen=True, slots=True)
class RestoredCondition(LatentCondition):
    """First restorations, as latents and as pictures."""

    smooth: Tensor
    """[F, 1, h, w] in [0, 1]: smoothness of the picture in each cell."""
    size: tuple[int, int]
    """Height and width, px, of the result; a crop keeps those of the whole."""

    def select(self, frames: Sequence[int]) -> Self:
        """Some of the frames, by position."""
        return replace(LatentCondition.select(self, frames), smooth=self.smooth[list(frames)])

    def crop(self, window: Window) -> Self:
        """A rectangle of the latent grid."""
        rows = slice(window.top, window.top + window.height)
        columns = slice(window.left, window.left + window.width)
        return replace(LatentCondition.crop(self, window), smooth=self.smooth[:, :, rows, columns])


_SR_SCALE = 4
"""Scale of the first restoration for the task sr."""


@dataclass(frozen=True, slots=True)
class DiffbirSettings:
    """Settings of the model, parsed from options."""

    steps: int
    sampler: str
    eta: float
    task: str
    scale: int
    """Output pixels per input pixel, along each axis."""
    first_stage: bool
    """Whether the task's network restores first; otherwise the picture is only enlarged."""
    fidelity: float
    """Share s of restoration guidance, 0..1; 0 is off."""
    guidance: Guidance
    running: Running

    @classmethod
    def read(cls, steps: int, sampler: str, options: Mapping[str, str]) -> Self:
        """Parse `options` over the defaults. Raises InputError for an invalid value or an unknown name."""
        text = INFO.fill_options(options)
        if sampler not in INFO.samplers:
            raise InputError(f"Unknown sampler {sampler!r}.", f"Samplers: {', '.join(INFO.samplers)}.")
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


SHORT_SIDE = 512
"""Minimum short side, px, of the diffusion model's input: Stable Diffusion 2.1 was trained at this size."""


class DiffbirBackend(HookedNetworks):
    """The networks of both stages, the text encoder and the schedules."""

    def __init__(
        self,
        components: Components,
        text: Text,
        first_stage: Callable[[str], FirstStage],
        device: torch.device,
        *,
        version: str = "v2",
        short_side: int = SHORT_SIDE,
    ) -> None:
        """`first_stage` loads the first stage of a task. Raises ModelError if the parts do not match."""
        _check(components, text, version)
        cell, coarsest = cell_size(components.vae), coarsest_scale(components.unet)
        self._family = replace(INFO, latent_factor=cell, multiple_of=coarsest)
        self._unet, self._controlnet, self._vae = components.unet, components.controlnet, components.vae
        super().__init__(self._controlnet, self._unet, others=[self._vae], device=device)
        self._layers = [*_install_control(self._controlnet, self._slot), *self._layers]
        self._text = text
        self._first_stage = cache(first_stage)
        self._config = SCHEDULERS[version]
        self._abar = alphas_cumprod(self._config).tolist()
        self._short_side = short_side
        self._set(DiffbirSettings.read(INFO.default_steps, INFO.samplers[0], {}))

    @property
    def info(self) -> BackendInfo:
        """Its description, with the scale of the configured task."""
        return replace(self._family, scale=self._settings.scale)

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Set task, sampler, prompts and guidance. Raises InputError for invalid values and keeps the old settings.

        Raises ModelError if the task's first stage is needed and cannot be loaded.
        """
        settings = DiffbirSettings.read(steps, sampler, options)
        if settings.first_stage:
            self._first_stage(settings.task)
        self._set(settings)

    def _set(self, settings: DiffbirSettings) -> None:
        guidance = settings.guidance
        self._last_guided = guidance.last(self._make_schedule(settings).timesteps)
        # Row 0 is the negative prompt, row 1 the prompt.
        self._prompts = self._text.encode([guidance.negative_prompt, guidance.prompt], self.device)
        self._settings = settings
        self.set_running(settings.running)

    def schedule(self) -> Schedule:
        """A fresh sampler."""
        return self._make_schedule(self._settings)

    def _make_schedule(self, settings: DiffbirSettings) -> Schedule:
        if settings.sampler == SPACED:
            return SpacedSchedule(self._config, settings.steps)
        return DiffusersSchedule(self._config, settings.sampler, settings.steps, settings.eta)

    @torch.no_grad()
    def condition(self, low: Tensor) -> RestoredCondition:
        """Run the first restoration on [F, 3, h, w] in [0, 1], and encode the result.

        Values outside are clamped, and NaN becomes black. Padding at the bottom and right is black too, as in the
        published code.
        """
        scale = self._settings.scale
        height, width = low.shape[2:]
        finite = low.to(self.device, torch.float32).nan_to_num(nan=0.0, posinf=1.0, neginf=0.0).clamp(0, 1)
        restore = self._first_stage(self._settings.task) if self._settings.first_stage else Enlarger()
        # One frame at a time: the first network needs as much memory as the others.
        restored = torch.cat([self._at_least_short_side(restore(frame, scale)) for frame in torch.split(finite, 1)])
        cell = self._family.latent_factor
        unit = cell * self._family.multiple_of
        padded = F.pad(restored, (0, -restored.shape[3] % unit, 0, -restored.shape[2] % unit))
        size = (scale * height, scale * width)
        latent = encode(self._vae, padded * 2 - 1) * self._vae.config.scaling_factor
        return RestoredCondition(latent, restored, cell, smoothness(padded, cell), size)

    def _at_least_short_side(self, picture: Tensor) -> Tensor:
        """`picture`, enlarged if its short side is below the networks' training size."""
        height, width = picture.shape[2:]
        short = min(height, width)
        if short >= self._short_side:
            return picture
        larger = tuple(round(side * self._short_side / short) for side in (height, width))
        return enlarged(picture, (larger[0], larger[1]))

    @torch.no_grad()
    def predict(self, x: Tensor, timestep: int, condition: Condition) -> Tensor:
        """The UNet's output (predicted noise, in v2) for x [F, 4, h, w], guided by prompts and first restoration."""
        cond = own_condition(condition, RestoredCondition)
        if self._last_guided is None or timestep < self._last_guided:
            output = self._run(x, timestep, cond.latent, self._prompts[1:])
        else:
            # Both in one batch, so that the token hook merges both in the same way.
            both = self._run(torch.cat([x, x]), timestep, torch.cat([cond.latent] * 2), self._prompts)
            u, c = both.chunk(2)
            output = u + self._settings.guidance.scale * (c - u)
        if self._settings.fidelity == 0:
            return output
        abar, prediction = self._abar[timestep], self._config["prediction_type"]
        x0 = PARAMETRISATIONS[prediction](output, x, abar)
        return blend_fidelity(output, x0, cond.latent, self._settings.fidelity * cond.smooth, abar, prediction)

    def _run(self, x: Tensor, timestep: int, latent: Tensor, prompts: Tensor) -> Tensor:
        """The UNet's output for x [G F, 4, h, w]; each group uses one of `prompts` [G, 77, C]."""

        def run(x: Tensor, latent: Tensor, text: Tensor) -> Tensor:
            down, middle = self._controlnet(x, timestep, text, latent, return_dict=False)
            out: Tensor = self._unet(
                x, timestep, text, down_block_additional_residuals=down, mid_block_additional_residual=middle,
                return_dict=False,
            )[0]  # fmt: skip
            return out

        return self.denoise(run, x, latent, prompts.repeat_interleave(len(x) // len(prompts), 0))

    @torch.no_grad()
    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        """Pictures [F, 3, scale h, scale w], in the colours of the first restoration."""
        cond = own_condition(condition, RestoredCondition)
        height, width = cond.picture.shape[2:]

        def finish(latent: Tensor, restored: Tensor) -> Tensor:
            drawn = decode(self._vae, latent / self._vae.config.scaling_factor)[:, :, :height, :width] / 2 + 0.5
            drawn = fix_colour(drawn, restored)
            if cond.size == (height, width):
                return drawn
            return F.interpolate(drawn, cond.size, mode="bicubic", antialias=True, align_corners=False)

        # One frame at a time: the decoder needs several times the memory of the networks.
        return torch.cat(
            [finish(*frame) for frame in zip(torch.split(x0, 1), torch.split(cond.picture, 1), strict=True)]
        )


def load(model: VerifiedModel, device: torch.device) -> DiffbirBackend:
    """Load a folder with the original files as safetensors. Raises ModelError if it contains something else.

    A task's file in stage1/ is read when the task is first used.
    """
    index = read_index(model, "DiffBIR")
    components = load_components(
        read_weights(model.path("base.safetensors")),
        read_weights(model.path("control.safetensors")),
        head_dim=_head_dim(index.get("head_dim", 64)),
    )

    def first_stage(task: str) -> FirstStage:
        return load_first_stage(read_weights(model.path(f"stage1/{task}.safetensors")), device)

    text = Text(load_tokenizer(model), components.text_encoder)
    return DiffbirBackend(components, text, first_stage, device, version=str(index.get("version")))


def _head_dim(value: object) -> int:
    if not isinstance(value, int) or value < 1:
        raise ModelError(f"model_index.json has an invalid head_dim: {value!r}.", "Download the model again.")
    return value


def _check(components: Components, text: Text, version: str) -> None:
    """Raises ModelError naming the mismatch."""
    latent = components.vae.config.latent_channels
    unet, controlnet = components.unet.config, components.controlnet.config
    if version not in SCHEDULERS:
        fault = f"Unknown DiffBIR version {version}; known: {', '.join(SCHEDULERS)}."
    elif not latent == unet.in_channels == unet.out_channels == controlnet.in_channels:
        fault = "The networks have different latent channels."
    elif unet.block_out_channels != controlnet.block_out_channels:
        fault = "The UNet and the ControlNet have different widths."
    elif {unet.cross_attention_dim, controlnet.cross_attention_dim} != {text.width}:
        fault = "The text encoder's width does not match the networks."
    else:
        return
    raise ModelError(fault, "Download the model again from its source.")


def _install_control(controlnet: torch.nn.Module, slot: HookSlot) -> list[TokenLayer]:
    """Install a hooked processor on each self-attention layer of the ControlNet.

    Its layers count as up blocks, whose tokens are matched by similarity, as in the paper.
    """
    layers = []
    for own, module in self_attention_layers(controlnet):
        layer = replace(own, name=f"controlnet.{own.name}", block="mid" if own.block == "mid" else "up")
        module.set_processor(HookedProcessor(layer, module.processor, slot))
        layers.append(layer)
    slot.layers.extend(layers)
    return layers
