"""The backend of one-step restoration (Wu et al. 2024, OSEDiff, Eq. 6): the encoded picture is x_T."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from torch import Tensor

from answerprint.backends.attention import coarsest_scale
from answerprint.backends.base import own_condition
from answerprint.backends.colour import fix_colour
from answerprint.backends.kl import cell_size, decode, encode
from answerprint.backends.latent import HookedNetworks, LatentCondition
from answerprint.backends.precision import Running
from answerprint.backends.schedules import OneStep
from answerprint.backends.sd_one_step.info import INFO
from answerprint.backends.text import Text, load_text
from answerprint.backends.weights import load_network, read_index
from answerprint.errors import InputError, ModelError
from answerprint.temporal.parametrisation import x0_from_epsilon
from answerprint.temporal.protocols import Condition
from answerprint.weights.verify import VerifiedModel

__all__ = ["SdOneStepBackend", "load"]


class SdOneStepBackend(HookedNetworks):
    """The network, its codec and its text encoder."""

    def __init__(
        self, unet: UNet2DConditionModel, vae: AutoencoderKL, text: Text, config: dict[str, Any], device: torch.device
    ) -> None:
        """Raises ModelError if the parts do not match."""
        if unet.config.cross_attention_dim != text.width or unet.config.in_channels != vae.config.latent_channels:
            message = "The networks of the model do not match."
            raise ModelError(message, "Download the model again from its source.")
        super().__init__(unet, others=[vae], device=device)
        self.info = replace(INFO, latent_factor=cell_size(vae), multiple_of=coarsest_scale(unet))
        self._network, self._vae, self._text = unet, vae, text
        self._abar = DDPMScheduler.from_config(config).alphas_cumprod.tolist()
        self.configure(steps=1, sampler=INFO.samplers[0], options={})

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Set the prompt. Raises InputError for other than one step, and for unknown or invalid options."""
        filled = self.info.fill_options(options)
        if (steps, sampler) != (1, INFO.samplers[0]):
            raise InputError("This model restores in one step.", "Leave out --steps and the sampler.")
        self._prompt = self._text.encode([filled["prompt"]], self.device)
        self.set_running(Running.read(filled))

    def schedule(self) -> OneStep:
        """The single step from the last timestep."""
        return OneStep(len(self._abar) - 1)

    @torch.no_grad()
    def condition(self, low: Tensor) -> LatentCondition:
        """Enlarge [F, 3, h, w] in [0, 1] and encode it; values outside are clamped, NaN becomes black."""
        finite = low.to(self.device, torch.float32).nan_to_num(nan=0.0, posinf=1.0, neginf=0.0).clamp(0, 1)
        picture = F.interpolate(finite, scale_factor=self.info.scale, mode="bicubic").clamp(0, 1)
        (height, width), unit = picture.shape[2:], self.info.latent_factor * self.info.multiple_of
        padded = F.pad(picture, (0, -width % unit, 0, -height % unit), mode="replicate")
        latent = encode(self._vae, padded * 2 - 1) * self._vae.config.scaling_factor
        return LatentCondition(latent, picture, self.info.latent_factor)

    @torch.no_grad()
    def predict(self, x: Tensor, timestep: int, condition: Condition) -> Tensor:
        """The clean latent [F, C, h, w]; x, which is 0 at the start, is added to the encoded picture."""
        seen, prompt = own_condition(condition, LatentCondition).latent + x, self._prompt.expand(len(x), -1, -1)
        eps = self.denoise(lambda z, text: self._network(z, timestep, text, return_dict=False)[0], seen, prompt)
        return x0_from_epsilon(eps, seen, self._abar[timestep])

    @torch.no_grad()
    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        """Pictures [F, 3, scale h, scale w], in the colours of the source."""
        cond = own_condition(condition, LatentCondition)
        drawn = decode(self._vae, x0 / self._vae.config.scaling_factor) / 2 + 0.5
        return fix_colour(drawn[..., : cond.picture.shape[2], : cond.picture.shape[3]], cond.picture)


def load(model: VerifiedModel, device: torch.device) -> SdOneStepBackend:
    """Load a folder in diffusers' layout, with the fine-tuning merged into its networks."""
    read_index(model, "StableDiffusionPipeline")
    scheduler = model.read_json("scheduler/scheduler_config.json")
    network, vae = (
        load_network(kind, model, part) for kind, part in ((UNet2DConditionModel, "unet"), (AutoencoderKL, "vae"))
    )
    return SdOneStepBackend(network, vae, load_text(model), scheduler, device)
