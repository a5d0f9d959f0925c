"""The backend of one-step generators: the clean latent is the picture itself, predicted in one step."""

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
"""Value of `kind` in a configuration for networks that spandrel builds from the tensors."""


class GeneratorBackend(HookedNetworks):
    """The network. A latent cell is a source pixel, and holds its scale x scale output pixels."""

    def __init__(self, network: GeneratorNetwork, device: torch.device) -> None:
        equal = INFO.half_is_equal and bool(network.exact_parts)
        super().__init__(network, device=device, half_is_equal=equal)
        scale = network.scale
        self.info: BackendInfo = replace(INFO.of_scale(scale), multiple_of=network.multiple_of, half_is_equal=equal)
        self._network, self._scale = network, scale
        self.configure(steps=1, sampler=INFO.samplers[0], options={})

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Set the precision. Raises InputError for other than one step, and for unknown or invalid options."""
        filled = self.info.fill_options(options)
        if (steps, sampler) != (1, INFO.samplers[0]):
            raise InputError("This model restores in one step.", "Leave out --steps and the sampler.")
        running = Running.read(filled)
        if self._network.single and running.precision not in ("auto", "fp32"):
            raise InputError("This network supports 32 bits only.", "Leave --option precision out.")
        self.set_running(replace(running, precision="fp32") if self._network.single else running)

    def schedule(self) -> OneStep:
        """The single step."""
        return OneStep(0)

    def condition(self, low: Tensor) -> PictureCondition:
        """The padded frames."""
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
        # Frame by frame: the features of one frame take more memory than its latent.
        for frame, place in zip(low, drawn, strict=True):
            place[:] = F.pixel_unshuffle(self._draw(frame[None] / 2 + 0.5), self._scale)[0]
        return drawn.mul_(2).sub_(1)

    def _draw(self, picture: Tensor) -> Tensor:
        """[1, 3, scale h, scale w] from `picture` [1, 3, h, w], kept in float32 if the first layer is."""
        if self._network.exact_parts:
            return self.denoise(lambda: self._network(picture))
        return self.denoise(self._network, picture)

    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        """Pictures [F, 3, scale h, scale w]."""
        cond = of_pictures(condition)
        picture = self.spread(x0)
        return picture[:, :, : cond.height * self._scale, : cond.width * self._scale] / 2 + 0.5

    def spread(self, latent: Tensor, condition: Condition | None = None) -> Tensor:
        """The picture [F, 3, scale h, scale w]."""
        return F.pixel_shuffle(latent, self._scale)

    def gather(self, spread: Tensor, condition: Condition | None = None) -> Tensor:
        """Inverse of `spread`."""
        return F.pixel_unshuffle(spread, self._scale)


def load(model: VerifiedModel, device: torch.device) -> GeneratorBackend:
    """Load a verified folder. Raises ModelError if its files do not form a model."""
    network: GeneratorNetwork
    if model.read_json(CONFIG).get("kind") == FOREIGN:
        with parsing(model.folder):
            # With the numbers: some architectures cannot be identified otherwise.
            network = ForeignNetwork(load_file(model.path(WEIGHTS)))
    else:
        network = load_network(GeneratorNetwork, model)
    check_numbers(network.state_dict(), f"The model in {model.folder}")
    return GeneratorBackend(network, device)


def check_numbers(weights: Mapping[str, Tensor], what: str) -> None:
    """Raise ModelError if weights contain NaN or infinity."""
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not tensor.is_meta and not bool(tensor.isfinite().all()):
            raise ModelError(f"{what} contains NaN or infinite values in {name}.", "Download the weights again.")
