"""The SD x4 upscaler's backend: the latent is concatenated with the noised low-resolution frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from torch import Tensor

from answerprint.backends.attention import coarsest_scale
from answerprint.backends.base import own_condition
from answerprint.backends.guidance import Guidance
from answerprint.backends.info import ETA, BackendInfo
from answerprint.backends.kl import cell_size, decode
from answerprint.backends.latent import HookedNetworks
from answerprint.backends.low_resolution import pad_pictures
from answerprint.backends.precision import Running
from answerprint.backends.schedules import DiffusersSchedule
from answerprint.backends.sd_x4.condition import NoisedCondition, grain_for
from answerprint.backends.sd_x4.info import INFO, NOISE_LEVEL
from answerprint.backends.text import Text, load_text
from answerprint.backends.weights import load_network, read_index
from answerprint.errors import ModelError
from answerprint.temporal.protocols import Condition
from answerprint.weights.verify import VerifiedModel

__all__ = ["SdX4Backend", "SdX4Settings", "load"]


@dataclass(frozen=True, slots=True)
class SdX4Settings:
    """Settings of the model, parsed from options."""

    steps: int
    sampler: str
    eta: float
    guidance: Guidance
    noise_level: int
    """Timestep of the noise added to the source."""
    running: Running

    @classmethod
    def read(cls, steps: int, sampler: str, options: Mapping[str, str]) -> Self:
        """Parse `options` over the defaults. Raises InputError for an invalid value or an unknown name."""
        texts = INFO.fill_options(options)
        return cls(
            steps,
            sampler,
            float(texts[ETA.name]),
            Guidance.read(texts),
            int(texts[NOISE_LEVEL.name]),
            Running.read(texts),
        )


PIPELINE = "StableDiffusionUpscalePipeline"

_SCALING = 0.08333
"""Scaling factor of latents; fixed, as in the pipeline, because early published configurations lack it."""

_PIXELS = 3
"""Channels of the low-resolution frame."""


class SdX4Backend(HookedNetworks):
    """The network, its codec, its text encoder and its schedules."""

    def __init__(
        self,
        network: UNet2DConditionModel,
        codec: AutoencoderKL,
        text: Text,
        scheduler: dict[str, Any],
        low_res_scheduler: dict[str, Any],
        device: torch.device,
    ) -> None:
        """Raises ModelError if the parts do not match."""
        _check(network, codec, text)
        super().__init__(network, others=[codec], device=device)
        factor = cell_size(codec)
        self.info: BackendInfo = replace(
            INFO,
            scale=factor,
            latent_channels=int(codec.config.latent_channels),
            latent_factor=factor,
            multiple_of=coarsest_scale(network),
        )
        self._network, self._codec, self._text = network, codec, text
        self._scheduler = scheduler
        self._abar = _shares(low_res_scheduler)
        self._set(SdX4Settings.read(INFO.default_steps, INFO.samplers[0], {}))

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Set sampler, prompts, guidance and noise. Raises InputError for invalid values and keeps the old settings."""
        self._set(SdX4Settings.read(steps, sampler, options))

    def _set(self, settings: SdX4Settings) -> None:
        times = self._make_schedule(settings).timesteps
        guidance = settings.guidance
        # Row 0 is the negative prompt, row 1 the prompt.
        self._prompts = self._text.encode([guidance.negative_prompt, guidance.prompt], self.device)
        self._last_guided = guidance.last(times)
        self._settings = settings
        self.set_running(settings.running)

    def schedule(self) -> DiffusersSchedule:
        """A fresh sampler."""
        return self._make_schedule(self._settings)

    def _make_schedule(self, settings: SdX4Settings) -> DiffusersSchedule:
        return DiffusersSchedule(self._scheduler, settings.sampler, settings.steps, settings.eta)

    def condition(self, low: Tensor) -> NoisedCondition:
        """Pad [F, 3, h, w] in [0, 1] to whole coarsest tokens, and add its noise."""
        padded = pad_pictures(
            low,
            self.device,
            latent_channels=self.info.latent_channels,
            pixels_per_cell=1,
            multiple_of=self.info.multiple_of,
        )
        return NoisedCondition(
            padded.low,
            padded.height,
            padded.width,
            padded.latent_channels,
            padded.pixels_per_cell,
            grain_for(padded.low),
            self._abar[self._settings.noise_level],
        )

    @torch.no_grad()
    def predict(self, x: Tensor, timestep: int, condition: Condition) -> Tensor:
        """The network's output (velocity, in the published model) for x [F, 4, h, w], guided by the prompts."""
        shown = torch.cat([x, own_condition(condition, NoisedCondition).noised], 1)
        if self._last_guided is None or timestep < self._last_guided:
            return self._run(shown, timestep, self._prompts[1:])
        # Both in one batch, so that the token hook merges both in the same way.
        u, c = self._run(torch.cat([shown, shown]), timestep, self._prompts).chunk(2)
        return u + self._settings.guidance.scale * (c - u)

    def _run(self, shown: Tensor, timestep: int, prompts: Tensor) -> Tensor:
        """The network's output for `shown` [G F, 7, h, w]; each group uses one of `prompts` [G, 77, C]."""
        level = torch.full((len(shown),), self._settings.noise_level, device=shown.device)
        texts = prompts.repeat_interleave(len(shown) // len(prompts), 0)

        def run(shown: Tensor, texts: Tensor) -> Tensor:
            out: Tensor = self._network(shown, timestep, texts, level, return_dict=False)[0]
            return out

        return self.denoise(run, shown, texts)

    @torch.no_grad()
    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        """Pictures [F, 3, scale h, scale w]."""
        picture = decode(self._codec, x0 / _SCALING)
        shown, scale = own_condition(condition, NoisedCondition), self.info.scale
        return picture[:, :, : shown.height * scale, : shown.width * scale] / 2 + 0.5


def load(model: VerifiedModel, device: torch.device) -> SdX4Backend:
    """Load a folder saved by diffusers' pipeline. Raises ModelError if it contains something else."""
    read_index(model, PIPELINE)
    return SdX4Backend(
        load_network(UNet2DConditionModel, model, "unet"),
        load_network(AutoencoderKL, model, "vae"),
        load_text(model),
        model.read_json("scheduler/scheduler_config.json"),
        model.read_json("low_res_scheduler/scheduler_config.json"),
        device,
    )


def _check(network: UNet2DConditionModel, codec: AutoencoderKL, text: Text) -> None:
    """Raises ModelError naming the mismatch."""
    config, latent = network.config, int(codec.config.latent_channels)
    if (config.in_channels, config.out_channels) != (latent + _PIXELS, latent):
        fault = f"has {config.in_channels} input and {config.out_channels} output channels, the codec {latent}"
    elif config.cross_attention_dim != text.width:
        fault = f"needs texts of width {config.cross_attention_dim}, the text encoder produces {text.width}"
    elif (config.num_class_embeds or 0) <= (NOISE_LEVEL.maximum or 0):
        fault = f"has {config.num_class_embeds} noise levels and needs more than {NOISE_LEVEL.maximum:.0f}"
    else:
        return
    message = f"The network {fault}: the files do not form an upscaler."
    raise ModelError(message, "Download the model again from its source.")


def _shares(config: dict[str, Any]) -> list[float]:
    """abar of every noise level, from the configuration of the scheduler that adds noise to the source."""
    try:
        shares: list[float] = DDPMScheduler.from_config(config).alphas_cumprod.tolist()
    # Measured: NotImplementedError for an unknown beta_schedule, TypeError for numbers given as text.
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ModelError(
            f"Could not create the scheduler of the source's noise: {error}", "Download the model again."
        ) from error
    if len(shares) <= (NOISE_LEVEL.maximum or 0):
        message = f"The source's noise has only {len(shares)} levels."
        raise ModelError(message, "Download the model again from its source.")
    return shares
