"""One-step generators as the method drives them: the clean latent is the picture, and the network draws it at once."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.backends.info import BackendInfo
from answerprint.backends.latent import HookedNetworks
from answerprint.backends.pictures import PictureCondition, of_pictures, pad_pictures
from answerprint.backends.precision import Running
from answerprint.backends.schedules import OneStep
from answerprint.backends.weights import load_network
from answerprint.errors import InputError
from answerprint.models.verify import VerifiedModel
from answerprint.temporal.protocols import Condition

from .info import INFO
from .network import GeneratorNetwork

__all__ = ["GeneratorBackend", "load"]


class GeneratorBackend(HookedNetworks):
    """The network. A latent cell is a pixel of the source, and holds the scale x scale pixels that are made of it."""

    def __init__(self, network: GeneratorNetwork, device: torch.device) -> None:
        equal = INFO.half_is_equal and bool(network.exact_parts)
        super().__init__(network, device=device, half_is_equal=equal)
        scale = network.scale
        self.info: BackendInfo = replace(
            INFO,
            scale=scale,
            latent_channels=3 * scale**2,
            latent_factor=scale,
            multiple_of=network.multiple_of,
            half_is_equal=equal,
        )
        self._network, self._scale = network, scale
        self.configure(steps=1, sampler=INFO.samplers[0], options={})

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Set the precision; raises InputError for more than the one step, and for what does not exist."""
        filled = self.info.fill_options(options)
        if (steps, sampler) != (1, INFO.samplers[0]):
            raise InputError("This model restores in one step.", "Give no --steps and no sampler.")
        self.set_running(Running.read(filled))

    def schedule(self) -> OneStep:
        """From the source to the picture."""
        return OneStep(0)

    def condition(self, low: Tensor) -> PictureCondition:
        """The frames themselves."""
        return pad_pictures(
            low,
            self.device,
            latent_channels=self.info.latent_channels,
            pixels_per_cell=1,
            multiple_of=self.info.multiple_of,
        )

    @torch.inference_mode()
    def predict(self, x: Tensor, timestep: int, condition: Condition) -> Tensor:
        """The pictures as latents [F, 3 scale^2, h, w], on the [-1, 1] scale; x is not used."""
        low = of_pictures(condition).low / 2 + 0.5

        # Frame by frame: at the size of the result a frame's features are the most that is held.
        return torch.cat([F.pixel_unshuffle(self._draw(frame[None]), self._scale) for frame in low]) * 2 - 1

    def _draw(self, picture: Tensor) -> Tensor:
        """[1, 3, scale h, scale w] of `picture` [1, 3, h, w], which is rounded only where the network wants it so."""
        if self._network.exact_parts:
            return self.denoise(lambda: self._network(picture))
        return self.denoise(self._network, picture)

    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        """Pictures [F, 3, scale h, scale w]."""
        told = of_pictures(condition)
        picture = self.spread(x0)
        return picture[:, :, : told.height * self._scale, : told.width * self._scale] / 2 + 0.5

    def spread(self, latent: Tensor, condition: Condition | None = None) -> Tensor:
        """[F, 3, scale h, scale w]: the picture."""
        return F.pixel_shuffle(latent, self._scale)

    def gather(self, spread: Tensor, condition: Condition | None = None) -> Tensor:
        """Inverse of `spread`."""
        return F.pixel_unshuffle(spread, self._scale)


def load(model: VerifiedModel, device: torch.device) -> GeneratorBackend:
    """The model of a verified folder; raises ModelError when its files do not make one."""
    return GeneratorBackend(load_network(GeneratorNetwork, model), device)
