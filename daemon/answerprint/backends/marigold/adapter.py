"""Marigold's backend: the depth latent is concatenated with the frame's latent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor

from answerprint.backends.attention import coarsest_scale
from answerprint.backends.base import own_condition
from answerprint.backends.depth import DepthLook
from answerprint.backends.info import BackendInfo
from answerprint.backends.kl import decode, encode
from answerprint.backends.latent import HookedNetworks, LatentCondition
from answerprint.backends.low_resolution import pad_pictures
from answerprint.backends.marigold.info import INFO, LARGEST_SIDE, RESOLUTION
from answerprint.backends.marigold.lcm import LcmSchedule
from answerprint.backends.precision import Running
from answerprint.backends.schedules import DiffusersSchedule, parse_eta
from answerprint.backends.text import Text, load_text
from answerprint.backends.weights import load_network, read_index
from answerprint.errors import ModelError
from answerprint.temporal.protocols import Condition, Schedule
from answerprint.weights.verify import VerifiedModel

__all__ = ["EncodedCondition", "MarigoldBackend", "load", "resized"]


@dataclass(frozen=True, slots=True)
class EncodedCondition(LatentCondition):
    """Encoded frames at the network's processing resolution."""

    source: tuple[int, int]
    """Height and width, px, of the source."""


def resized(low: Tensor, longest: int) -> Tensor:
    """`low` [F, 3, h, w], its longer side resized to `longest` px as in MarigoldDepthPipeline; 0 keeps the size.

    NaN becomes black before it can spread to its neighbours.
    """
    if longest == 0:
        return low
    height, width = low.shape[2:]
    most = max(height, width)
    size = max(1, height * longest // most), max(1, width * longest // most)
    finite = low.nan_to_num(nan=0.0, posinf=1.0, neginf=0.0).clamp(0, 1)
    return F.interpolate(finite, size, mode="bilinear", antialias=True)


PIPELINE = "MarigoldDepthPipeline"

_EMPTY_PROMPT_TOKENS = 2
"""Begin and end token. The pipeline does not pad its empty prompt; the encoder's attention is causal, so later tokens
do not change these two."""


class MarigoldBackend(HookedNetworks):
    """The network, its codec, the encoded empty prompt and its schedule."""

    def __init__(
        self,
        network: UNet2DConditionModel,
        codec: AutoencoderKL,
        text: Text,
        scheduler: dict[str, Any],
        device: torch.device,
        *,
        resolution: int = 768,
        steps: int = INFO.default_steps,
    ) -> None:
        """`resolution` and `steps` are the model's defaults. Raises ModelError if the parts do not match."""
        channels = int(codec.config.latent_channels)
        if (network.config.in_channels, network.config.out_channels) != (2 * channels, channels):
            raise ModelError(
                f"The network has {network.config.in_channels} input and {network.config.out_channels} output "
                f"channels, the codec {channels}: they do not form a Marigold model.",
                "Download the model again from its source.",
            )
        if network.config.cross_attention_dim != text.width:
            message = "The network and the text encoder do not match."
            raise ModelError(message, "Download the model again from its source.")
        super().__init__(network, others=[codec], device=device)
        own = replace(RESOLUTION, default=resolution)
        self.info: BackendInfo = replace(
            INFO,
            latent_channels=channels,
            latent_factor=2 ** (len(codec.config.block_out_channels) - 1),
            multiple_of=coarsest_scale(network),
            default_steps=steps,
            options=tuple(own if option.name == own.name else option for option in INFO.options),
        )
        self._network, self._codec = network, codec
        self._prompt = text.encode([""], device)[:, :_EMPTY_PROMPT_TOKENS]
        self._scheduler = scheduler
        self.configure(steps=steps, sampler=INFO.samplers[0], options={})

    @property
    def look(self) -> DepthLook:
        """How to show its depth."""
        return self._look

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Set sampler, resolution and look. Raises InputError for invalid values and keeps the old settings."""
        filled = self.info.fill_options(options)
        eta = parse_eta(filled["eta"])
        self._make_schedule(steps, sampler, eta)
        self._steps, self._sampler, self._eta = steps, sampler, eta
        self._resolution = int(filled[RESOLUTION.name])
        self._look = DepthLook.of(filled)
        self.set_running(Running.read(filled))

    def schedule(self) -> Schedule:
        """A fresh sampler."""
        return self._make_schedule(self._steps, self._sampler, self._eta)

    def _make_schedule(self, steps: int, sampler: str, eta: float) -> Schedule:
        if sampler == "own":
            sampler = "lcm" if self._scheduler.get("_class_name") == "LCMScheduler" else "ddim"
        if sampler == "lcm":
            return LcmSchedule(self._scheduler, steps)
        return DiffusersSchedule(self._scheduler, sampler, steps, eta)

    @torch.no_grad()
    def condition(self, low: Tensor) -> EncodedCondition:
        """Encode [F, 3, h, w] in [0, 1], at the configured resolution, padded to whole latent cells."""
        small = resized(low.to(self.device, torch.float32), self._resolution)
        padded = pad_pictures(
            small,
            self.device,
            latent_channels=self.info.latent_channels,
            pixels_per_cell=self.info.latent_factor,
            multiple_of=1,
        )
        latent = encode(self._codec, padded.low) * self._codec.config.scaling_factor
        picture = padded.low[:, :, : padded.height, : padded.width] / 2 + 0.5
        height, width = low.shape[2:]
        return EncodedCondition(latent, picture, self.info.latent_factor, (height, width))

    @torch.no_grad()
    def predict(self, x: Tensor, timestep: int, condition: Condition) -> Tensor:
        """The network's output (velocity or noise, by its scheduler's configuration) for x [F, C, h, w]."""

        def run(both: Tensor, prompt: Tensor) -> Tensor:
            out: Tensor = self._network(both, timestep, prompt, return_dict=False)[0]
            return out

        shown = torch.cat([own_condition(condition, EncodedCondition).latent, x], 1)
        return self.denoise(run, shown, self._prompt.expand(len(x), -1, -1))

    @torch.no_grad()
    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        """Depth in [0, 1], near to far, as pictures [F, 3, H, W] of three equal channels, at the source's size."""
        shown = own_condition(condition, EncodedCondition)
        worked = shown.picture.shape[2:]
        depth = decode(self._codec, x0 / self._codec.config.scaling_factor).mean(1, keepdim=True)
        depth = depth[:, :, : worked[0], : worked[1]].clamp(-1, 1) / 2 + 0.5
        if worked != shown.source:
            depth = F.interpolate(depth, shown.source, mode="bilinear", align_corners=False)
        return depth.expand(-1, 3, -1, -1)


def load(model: VerifiedModel, device: torch.device) -> MarigoldBackend:
    """Load a folder saved by diffusers' pipeline. Raises ModelError if it contains something else."""
    index = read_index(model, PIPELINE)
    return MarigoldBackend(
        load_network(UNet2DConditionModel, model, "unet"),
        load_network(AutoencoderKL, model, "vae"),
        load_text(model),
        model.read_json("scheduler/scheduler_config.json"),
        device,
        resolution=_index_number(index, "default_processing_resolution", range(LARGEST_SIDE + 1), 768),
        steps=_index_number(index, "default_denoising_steps", range(1, 1001), INFO.default_steps),
    )


def _index_number(index: dict[str, Any], name: str, allowed: range, otherwise: int) -> int:
    """An integer of the index, else `otherwise`; the models of 2023 lack it."""
    value = index.get(name)
    return value if isinstance(value, int) and value in allowed else otherwise
