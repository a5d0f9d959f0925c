"""tiny-x4's backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor

from answerprint.backends.attention import coarsest_scale
from answerprint.backends.info import BackendInfo
from answerprint.backends.latent import HookedNetworks
from answerprint.backends.low_resolution import PictureCondition, pad_pictures
from answerprint.backends.precision import Running
from answerprint.backends.schedules import DiffusersSchedule, parse_eta
from answerprint.backends.tiny import codec
from answerprint.backends.tiny.info import INFO
from answerprint.backends.tiny.network import CONTEXT_WIDTH
from answerprint.backends.tiny.restorer import ResidualRestorer
from answerprint.backends.weights import load_network
from answerprint.temporal.protocols import Condition, Window
from answerprint.weights.verify import VerifiedModel

__all__ = ["TinyBackend", "TinyCondition", "load"]

_LOW_PER_CELL = codec.PATCH // codec.SCALE


@dataclass(frozen=True, slots=True)
class TinyCondition(PictureCondition):
    """Low-resolution frames, and their restoration by the first stage."""

    base: Tensor
    """[F, 3, 4 h, 4 w] float32 in [-1, 1]."""

    def select(self, frames: Sequence[int]) -> TinyCondition:
        """Some of the frames, by position."""
        return replace(self, low=self.low[list(frames)], base=self.base[list(frames)])

    def crop(self, window: Window) -> TinyCondition:
        """A rectangle of the latent grid; `content` stays that of the whole."""
        parts = {}
        for name, cells in (("low", self.pixels_per_cell), ("base", codec.PATCH)):
            rows = slice(window.top * cells, (window.top + window.height) * cells)
            columns = slice(window.left * cells, (window.left + window.width) * cells)
            parts[name] = getattr(self, name)[:, :, rows, columns]
        return replace(self, **parts)


class TinyBackend(HookedNetworks):
    """The two networks, the codec and the schedule."""

    def __init__(
        self, network: UNet2DConditionModel, restorer: ResidualRestorer, scheduler: dict[str, Any], device: torch.device
    ) -> None:
        self.info: BackendInfo = replace(INFO, multiple_of=coarsest_scale(network))
        # Small, and trained for 32 bits: it always uses them.
        super().__init__(network, others=[restorer], device=device, running=Running("fp32"))
        self._network, self._restorer, self._scheduler = network, restorer, scheduler
        self._steps, self._sampler, self._eta = INFO.default_steps, INFO.samplers[0], 0.0
        self.schedule()

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Set the sampler and options. Raises InputError for invalid values and keeps the old settings."""
        eta = parse_eta(self.info.fill_options(options)["eta"])
        DiffusersSchedule(self._scheduler, sampler, steps, eta)
        self._steps, self._sampler, self._eta = steps, sampler, eta

    def schedule(self) -> DiffusersSchedule:
        """A fresh sampler."""
        return DiffusersSchedule(self._scheduler, self._sampler, self._steps, self._eta)

    @torch.inference_mode()
    def condition(self, low: Tensor) -> TinyCondition:
        """Pad [F, 3, h, w] in [0, 1] to whole coarsest tokens, and run the first stage.

        One latent cell is 2 x 2 pixels of `low`.
        """
        padded = pad_pictures(
            low,
            self.device,
            latent_channels=codec.LATENT_CHANNELS,
            pixels_per_cell=_LOW_PER_CELL,
            multiple_of=self.info.multiple_of,
        )
        # Frame by frame: a batch would not be faster, and takes more memory.
        base = torch.cat([self._restorer(frame[None]) for frame in padded.low]).clamp(-1, 1)
        return TinyCondition(
            padded.low, padded.height, padded.width, padded.latent_channels, padded.pixels_per_cell, base
        )

    @torch.inference_mode()
    def predict(self, x: Tensor, timestep: int, condition: Condition) -> Tensor:
        """Predicted clean latent of x [F, 192, h, w]."""
        cond = _own(condition)
        shown = torch.cat([x, codec.condition(cond.low, cond.base)], 1)
        context = x.new_zeros(len(x), 1, CONTEXT_WIDTH)
        out: Tensor = self._network(shown, timestep, context, return_dict=False)[0]
        return out

    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        """Pictures [F, 3, 4 h, 4 w]."""
        cond = _own(condition)
        picture = codec.decode(x0, cond.base)
        return picture[:, :, : cond.height * codec.SCALE, : cond.width * codec.SCALE] / 2 + 0.5

    def spread(self, latent: Tensor, condition: Condition | None = None) -> Tensor:
        """[F, 3, 8 h, 8 w]: the picture of a clean latent; for noise, its pixel layout.

        A space-to-depth latent can be warped only as pixels, and the residual only together with its base.
        """
        if condition is None:
            return F.pixel_shuffle(latent, codec.PATCH)
        return codec.decode(latent, _own(condition).base)

    def gather(self, spread: Tensor, condition: Condition | None = None) -> Tensor:
        """Inverse of `spread`."""
        if condition is None:
            return F.pixel_unshuffle(spread, codec.PATCH)
        return codec.encode(spread, _own(condition).base)


def load(model: VerifiedModel, device: torch.device) -> TinyBackend:
    """Load a verified folder. Raises ModelError if its files do not form a model."""
    network = load_network(UNet2DConditionModel, model)
    restorer = load_network(ResidualRestorer, model, "restorer")
    return TinyBackend(network, restorer, model.read_json("scheduler_config.json"), device)


def _own(condition: Condition) -> TinyCondition:
    """Cast a `condition` passed back by the method. Raises TypeError if another family made it."""
    if not isinstance(condition, TinyCondition):
        raise TypeError(f"the condition is a {type(condition).__name__}, made by another family")
    return condition
