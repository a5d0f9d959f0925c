"""Common parts of families with diffusers networks: latent conditioning, and self-attention behind one hook."""

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
    """Encoded frames; families extend it with further conditioning."""

    latent: Tensor
    """[F, C, h, w] float32, scaled for the network; padding included."""
    picture: Tensor
    """[F, 3, H, W] float32 in [0, 1]: the encoded picture without padding; a crop keeps the whole."""
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
        """Height and width in cells, without padding."""
        height, width = self.picture.shape[2:]
        return height / self.factor, width / self.factor

    def select(self, frames: Sequence[int]) -> Self:
        """Some of the frames, by position; not a copy if they follow each other."""
        first, count = frames[0], len(frames)
        chosen = slice(first, first + count) if [*frames] == [*range(first, first + count)] else [*frames]
        return replace(self, latent=self.latent[chosen], picture=self.picture[chosen])

    def crop(self, window: Window) -> Self:
        """A rectangle of the latent grid."""
        rows = slice(window.top, window.top + window.height)
        columns = slice(window.left, window.left + window.width)
        return replace(self, latent=self.latent[:, :, rows, columns])


class HookedNetworks:
    """The networks of a model on their device, ready for inference, with self-attention behind a hook.

    Denoising networks run in the configured precision; everything else, including the codec, in float32. By default
    latents warp like pictures; a family whose latents do not overrides `spread` and `gather`.
    """

    def __init__(
        self,
        *denoisers: nn.Module,
        device: torch.device,
        others: Sequence[nn.Module] = (),
        running: Running | None = None,
        half_is_equal: bool = False,
    ) -> None:
        """`denoisers` run at each step, the UNet with the hooked layers last; `others`, such as a codec, do not.

        `half_is_equal`: see `BackendInfo`.
        """
        self.device = device
        for each in (*denoisers, *others):
            each.eval().requires_grad_(False)
            if device.type == "cpu":
                # Measured on one core: codecs are 3 to 7 % faster, tiny-x4's restorer 18 %.
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
        """The self-attention layers, in execution order."""
        return self._layers

    @property
    def dtype(self) -> torch.dtype:
        """Number type of the denoising networks."""
        return self._weights.dtype

    def cast(self, dtype: torch.dtype) -> None:
        """Switch the denoising networks to `dtype`."""
        self._weights.cast(dtype)

    @property
    def weights_bytes(self) -> int:
        """Bytes of all weights."""
        return sum(each.nbytes for network in (*self._denoisers, *self._others) for each in network.parameters())

    def set_running(self, running: Running) -> None:
        """Set precision and compilation; if compilation fails, the network runs uncompiled, with a notice."""
        self.cast(self._dtype_for(running))
        if running.compiled == self._running.compiled:
            return
        self._running = running
        if not running.compiled:
            self._uncompile()
        elif failure := next(filter(None, map(compile_network, self._denoisers)), ""):
            self._run_uncompiled(failure)

    def _dtype_for(self, running: Running) -> torch.dtype:
        return dtype_for(running.precision, self.device, half_is_equal=self._half_is_equal)

    def denoise(self, run: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """run(*inputs), computed in the networks' precision; the result is float32."""
        cast = [each.to(self.dtype) for each in inputs]
        try:
            return run(*cast).float()
        except RuntimeError as error:
            failure = compiler_failure(error)
            if not failure:
                raise
        self._run_uncompiled(failure)
        return run(*cast).float()

    def _uncompile(self) -> None:
        for each in self._denoisers:
            uncompile_network(each)

    def _run_uncompiled(self, reason: str) -> None:
        self._uncompile()
        self._notices.append(f"Could not compile the network; it runs uncompiled ({reason}).")

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
        """Time self-attention in `watch`."""
        self._slot.watch = watch

    def take_notices(self) -> list[str]:
        """Return and clear the messages to the user."""
        notices, self._notices = self._notices, []
        return notices

    def offload(self) -> None:
        """Keep unused weights in the computer's memory; turns compilation off."""
        self._uncompile()
        offload_networks((*self._denoisers, *self._others), self.device)
