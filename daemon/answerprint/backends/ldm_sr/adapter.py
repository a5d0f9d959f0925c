"""LDM-SR's backend: the latent is concatenated with the low-resolution frame, one cell per pixel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from diffusers import UNet2DModel, VQModel
from torch import Tensor

from answerprint.backends.attention import coarsest_scale
from answerprint.backends.info import BackendInfo
from answerprint.backends.latent import HookedNetworks
from answerprint.backends.ldm_sr.codec import decode
from answerprint.backends.ldm_sr.info import INFO
from answerprint.backends.low_resolution import PictureCondition, of_pictures, pad_pictures
from answerprint.backends.precision import Running
from answerprint.backends.schedules import DiffusersSchedule, parse_eta
from answerprint.backends.weights import load_network, read_index
from answerprint.errors import ModelError
from answerprint.temporal.protocols import Condition
from answerprint.weights.verify import VerifiedModel

__all__ = ["LdmSrBackend", "load"]

PIPELINE = "LDMSuperResolutionPipeline"


class LdmSrBackend(HookedNetworks):
    """The network, its VQ codec and its schedule."""

    def __init__(self, network: UNet2DModel, codec: VQModel, scheduler: dict[str, Any], device: torch.device) -> None:
        """Raises ModelError if network and codec do not match."""
        channels = int(network.config.out_channels)
        if network.config.in_channels != channels + 3 or codec.config.latent_channels != channels:
            raise ModelError(
                f"The network has {network.config.in_channels} input and {channels} output channels, the codec "
                f"{codec.config.latent_channels}: they do not form an LDM-SR model.",
                "Download the model again from its source.",
            )
        super().__init__(network, others=[codec], device=device)
        factor = 2 ** (len(codec.config.up_block_types) - 1)
        self.info: BackendInfo = replace(
            INFO,
            scale=factor,
            latent_channels=channels,
            latent_factor=factor,
            multiple_of=coarsest_scale(network),
        )
        self._network, self._codec, self._scheduler = network, codec, scheduler
        self._steps, self._sampler, self._eta = INFO.default_steps, INFO.samplers[0], 0.0
        self.schedule()

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Set the sampler and options. Raises InputError for invalid values and keeps the old settings."""
        filled = self.info.fill_options(options)
        eta = parse_eta(filled["eta"])
        DiffusersSchedule(self._scheduler, sampler, steps, eta)
        self._steps, self._sampler, self._eta = steps, sampler, eta
        self.set_running(Running.read(filled))

    def schedule(self) -> DiffusersSchedule:
        """A fresh sampler."""
        return DiffusersSchedule(self._scheduler, self._sampler, self._steps, self._eta)

    def condition(self, low: Tensor) -> PictureCondition:
        """Pad [F, 3, h, w] in [0, 1] to whole coarsest tokens; one latent cell is one pixel."""
        return pad_pictures(
            low,
            self.device,
            latent_channels=self.info.latent_channels,
            pixels_per_cell=1,
            multiple_of=self.info.multiple_of,
        )

    @torch.no_grad()
    def predict(self, x: Tensor, timestep: int, condition: Condition) -> Tensor:
        """The network's output (predicted noise, in the published model) for x [F, 3, h, w]."""

        def run(shown: Tensor) -> Tensor:
            out: Tensor = self._network(shown, timestep, return_dict=False)[0]
            return out

        return self.denoise(run, torch.cat([x, of_pictures(condition).low], 1))

    @torch.no_grad()
    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        """Pictures [F, 3, scale h, scale w]; the latent is quantised as in the pipeline."""
        # One frame at a time: the decoder needs several times the memory of the network.
        picture = torch.cat([decode(self._codec, latent) for latent in torch.split(x0, 1)])
        shown, scale = of_pictures(condition), self.info.scale
        return picture[:, :, : shown.height * scale, : shown.width * scale] / 2 + 0.5


def load(model: VerifiedModel, device: torch.device) -> LdmSrBackend:
    """Load a folder saved by diffusers' pipeline. Raises ModelError if it contains something else."""
    read_index(model, PIPELINE)
    network = load_network(UNet2DModel, model, "unet")
    codec = load_network(VQModel, model, "vqvae")
    return LdmSrBackend(network, codec, model.read_json("scheduler/scheduler_config.json"), device)
