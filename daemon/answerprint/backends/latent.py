"""What families of diffusers' networks have in common: a condition that is a latent, and layers behind one hook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn

from answerprint.backends.attention import HookSlot, hook_attention
from answerprint.backends.network_state import (
    Weights,
    compile_network,
    compiler_failure,
    dtype_for,
    offload_networks,
    uncompile_network,
)
from answerprint.backends.precision import Running
from answerprint.temporal.protocols import Condition, TokenHook, TokenLayer, Window
from answerprint.temporal.stopwatch import Stopwatch

__all__ = ["HookedNetworks", "LatentCondition"]


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


class HookedNetworks:
    """The networks of a model on their device, ready for inference, with self-attention behind a hook.

    Those that denoise compute in the precision that was set; everything around them, the codec too, in float32.
    The latent's cells lie where the picture's pixels do, so it warps as a picture does: a family whose latent does not
    has a `spread` and `gather` of its own.
    """

    def __init__(
        self,
        *denoisers: nn.Module,
        device: torch.device,
        others: Sequence[nn.Module] = (),
        running: Running | None = None,
        half_is_equal: bool = False,
    ) -> None:
        """`denoisers` run at each step, the UNet with the layers last; `others` before and after, such as a codec.

        `half_is_equal` is the family's, of `BackendInfo`.
        """
        self.device = device
        for each in (*denoisers, *others):
            each.eval().requires_grad_(False)
            if device.type == "cpu":
                # Measured on one core: codecs take 3 to 7 % less time so, tiny-x4's restorer 18 %.
                each.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for each in others:
            each.to(device)
        self._notices: list[str] = []
        self._running = running or Running()
        self._denoisers, self._others = denoisers, others
        self._half_is_equal = half_is_equal
        self._weights = Weights(denoisers, device, self._dtype_for(self._running))
        self._slot = HookSlot()
        self._layers: Sequence[TokenLayer] = hook_attention(denoisers[-1], self._slot)

    @property
    def layers(self) -> Sequence[TokenLayer]:
        """The self-attention layers, in the order in which they run."""
        return self._layers

    @property
    def dtype(self) -> torch.dtype:
        """Number type that the networks that denoise compute in."""
        return self._weights.dtype

    def cast(self, dtype: torch.dtype) -> None:
        """Compute in `dtype` from now on."""
        self._weights.cast(dtype)

    @property
    def weights_bytes(self) -> int:
        """Memory that all weights take."""
        return sum(each.nbytes for network in (*self._denoisers, *self._others) for each in network.parameters())

    def set_running(self, running: Running) -> None:
        """Set precision and compiling; a network that cannot be compiled runs as it is, and a notice says so."""
        self.cast(self._dtype_for(running))
        if running.compiled == self._running.compiled:
            return
        self._running = running
        if not running.compiled:
            self._uncompile()
        elif failure := next(filter(None, map(compile_network, self._denoisers)), ""):
            self._do_without_compiler(failure)

    def _dtype_for(self, running: Running) -> torch.dtype:
        return dtype_for(running.precision, self.device, half_is_equal=self._half_is_equal)

    def denoise(self, run: Callable[..., Tensor], *told: Tensor) -> Tensor:
        """run(*told) in float32, computed in the networks' own precision: the one place where it begins and ends."""
        cast = [each.to(self.dtype) for each in told]
        try:
            return run(*cast).float()
        except RuntimeError as error:
            failure = compiler_failure(error)
            if not failure:
                raise
        self._do_without_compiler(failure)
        return run(*cast).float()

    def _uncompile(self) -> None:
        for each in self._denoisers:
            uncompile_network(each)

    def _do_without_compiler(self, reason: str) -> None:
        self._uncompile()
        self._notices.append(f"The network could not be compiled and runs as it is ({reason}).")

    def spread(self, latent: Tensor, condition: Condition | None = None) -> Tensor:
        """The latent itself."""
        return latent

    def gather(self, spread: Tensor, condition: Condition | None = None) -> Tensor:
        """Inverse of `spread`."""
        return spread

    def set_hook(self, hook: TokenHook | None) -> None:
        """Route self-attention through `hook`."""
        self._slot.hook = hook

    def time(self, watch: Stopwatch | None) -> None:
        """Count the time of self-attention."""
        self._slot.watch = watch

    def take_notices(self) -> list[str]:
        """What the user should know, each once."""
        said, self._notices = self._notices, []
        return said

    def offload(self) -> None:
        """Keep the weights in the computer's memory while they are not used; a compiled network cannot."""
        self._uncompile()
        offload_networks((*self._denoisers, *self._others), self.device)
