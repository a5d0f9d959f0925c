"""What families of diffusers' networks have in common: a condition that is a latent, and layers behind one hook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import torch
from torch import Tensor, nn

from answerprint.temporal.protocols import Condition, TokenHook, TokenLayer, Window
from answerprint.temporal.stopwatch import Stopwatch

from .attention import HookSlot, install
from .offload import offload_networks

__all__ = ["HookedNetworks", "LatentCondition", "of_latent"]


@dataclass(frozen=True, slots=True)
class LatentCondition:
    """Encoded frames; a family adds what else its network is told, and what leads back to the source."""

    latent: Tensor
    """[F, C, h, w] float32, scaled as the network knows latents; padding included."""
    picture: Tensor
    """[F, 3, H, W] float32 in [0, 1]: what was encoded, without padding; a crop goes on speaking of the whole."""
    factor: int
    """Pixels per latent cell, along each axis."""

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.latent)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one latent, padding included."""
        _, channels, height, width = self.latent.shape
        return channels, height, width

    @property
    def content(self) -> tuple[float, float]:
        """Cells of picture, without padding."""
        height, width = self.picture.shape[2:]
        return height / self.factor, width / self.factor

    def select(self, frames: Sequence[int]) -> Self:
        """Some of the frames, by position."""
        chosen = list(frames)
        return replace(self, latent=self.latent[chosen], picture=self.picture[chosen])

    def crop(self, window: Window) -> Self:
        """A rectangle of the latent grid."""
        rows = slice(window.top, window.top + window.height)
        columns = slice(window.left, window.left + window.width)
        return replace(self, latent=self.latent[:, :, rows, columns])


_Told = TypeVar("_Told", bound=LatentCondition)


def of_latent(condition: Condition, kind: type[_Told]) -> _Told:
    """`condition`, which a model gets back from the method; raises TypeError when another family made it."""
    if not isinstance(condition, kind):
        raise TypeError(f"the condition is a {type(condition).__name__}, made by another family")
    return condition


class HookedNetworks:
    """The networks of a model on their device, ready for inference, the first one's self-attention behind a hook.

    The latent's cells lie where the picture's pixels do, so it warps as a picture does: a family whose latent does not
    has a `spread` and `gather` of its own.
    """

    def __init__(self, network: nn.Module, *others: nn.Module, device: torch.device) -> None:
        self.device = device
        memory = torch.channels_last if device.type == "cpu" else torch.contiguous_format
        network.to(device, memory_format=memory)  # type: ignore[call-overload]
        for each in (network, *others):
            each.to(device).eval().requires_grad_(False)
        self._networks = (network, *others)
        self._slot = HookSlot()
        self._layers: Sequence[TokenLayer] = install(network, self._slot)

    @property
    def layers(self) -> Sequence[TokenLayer]:
        """The self-attention layers, in the order in which they run."""
        return self._layers

    def spread(self, latent: Tensor, condition: object = None) -> Tensor:
        """The latent itself."""
        return latent

    def gather(self, spread: Tensor, condition: object = None) -> Tensor:
        """Inverse of `spread`."""
        return spread

    def set_hook(self, hook: TokenHook | None) -> None:
        """Route self-attention through `hook`."""
        self._slot.hook = hook

    def time(self, watch: Stopwatch | None) -> None:
        """Count the time of self-attention."""
        self._slot.watch = watch

    def offload(self) -> None:
        """Keep the weights in the computer's memory while they are not used."""
        offload_networks(self._networks, self.device)
