"""One-step generators as the method drives them: the clean latent is the picture, and the network draws it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from answerprint.backends.generator.foreign import ForeignNetwork
from answerprint.backends.generator.info import INFO
from answerprint.backends.generator.network import GeneratorNetwork
from answerprint.backends.info import BackendInfo
from answerprint.backends.latent import HookedNetworks
from answerprint.backends.low_resolution import PictureCondition, of_pictures, pad_pictures
from answerprint.backends.precision import Running
from answerprint.backends.schedules import OneStep
from answerprint.backends.weights import load_network, parsing
from answerprint.errors import InputError, ModelError
from answerprint.temporal.protocols import Condition
from answerprint.weights.verify import VerifiedModel

__all__ = ["CONFIG", "FOREIGN", "WEIGHTS", "GeneratorBackend", "check_numbers", "load"]

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
"""The two files of a model."""
FOREIGN = "spandrel"
"""The kind of network, in a configuration, that spandrel builds of its tensors."""


class GeneratorBackend(HookedNetworks):
    """The network. A latent cell is a pixel of the source, and holds the scale x scale pixels that are made of it."""

    def __init__(self, network: GeneratorNetwork, device: torch.device) -> None:
        equal = INFO.half_is_equal and bool(network.exact_parts)
        super().__init__(network, device=device, half_is_equal=equal)
        scale = network.scale
        self.info: BackendInfo = replace(INFO.of_scale(scale), multiple_of=network.multiple_of, half_is_equal=equal)
        self._network, self._scale = network, scale
        self.configure(steps=1, sampler=INFO.samplers[0], options={})

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Set the precision; raises InputError for more than the one step, and for what does not exist."""
        filled = self.info.fill_options(options)
        if (steps, sampler) != (1, INFO.samplers[0]):
            raise InputError("This model restores in one step.", "Give no --steps and no sampler.")
        running = Running.read(filled)
        if self._network.single and running.precision not in ("auto", "fp32"):
            raise InputError("This network computes in 32 bits only.", "Leave --option precision out.")
        self.set_running(replace(running, precision="fp32") if self._network.single else running)

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
        low = of_pictures(condition).low
        drawn = low.new_empty(len(low), *condition.latent_shape)
        # Frame by frame: the features of one take more memory than its latent.
        for frame, place in zip(low, drawn, strict=True):
            place[:] = F.pixel_unshuffle(self._draw(frame[None] / 2 + 0.5), self._scale)[0]
        return drawn.mul_(2).sub_(1)

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
    network: GeneratorNetwork
    if model.read_json(CONFIG).get("kind") == FOREIGN:
        with parsing(model.folder):
            # The numbers themselves too: some architectures can be told by nothing less.
            network = ForeignNetwork(load_file(model.path(WEIGHTS)))
    else:
        network = load_network(GeneratorNetwork, model)
    check_numbers(network.state_dict(), f"The model in {model.folder}")
    return GeneratorBackend(network, device)


def check_numbers(weights: Mapping[str, Tensor], what: str) -> None:
    """Raise ModelError where weights are infinite or no numbers: every picture would be black, or none."""
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not tensor.is_meta and not bool(tensor.isfinite().all()):
            raise ModelError(f"{what} holds values that are no numbers, in {name}.", "Get the weights anew.")
