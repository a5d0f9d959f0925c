"""Interfaces that the method depends on: a model's network, codec and scheduler, and the motion between frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor

__all__ = [
    "AttentionOps",
    "Block",
    "Condition",
    "Correspondence",
    "Denoiser",
    "MotionSource",
    "Schedule",
    "TokenHook",
    "TokenLayer",
    "Window",
]

Block = Literal["down", "mid", "up"]


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Where the points of one frame are in another; all fields on one grid that spans the whole picture."""

    flow: Tensor
    """[2, h, w] float32: x then y displacement from this frame into the other, in cells of this grid."""
    valid: Tensor
    """[h, w] float32, V: 1 where the point is visible in the other frame, 0 where it is occluded or outside."""
    confidence: Tensor
    """[h, w] float32 in (0, 1], sigma of Eq. 5."""


class MotionSource(Protocol):
    """Motion between two frames, given by absolute source index."""

    def flow(self, source: int, target: int) -> Tensor:
        """Only the flow of `between`, which is cheaper."""
        ...

    def between(self, source: int, target: int) -> Correspondence:
        """Correspondence on frame `source`'s grid, pointing into frame `target`."""
        ...

    def likeness(self, frames: Sequence[int]) -> Sequence[float]:
        """For each of `frames`, its similarity to all the others; larger is better, ties allowed."""
        ...


@dataclass(frozen=True, slots=True)
class TokenLayer:
    """One self-attention layer of a network."""

    name: str
    block: Block
    scale: int
    """Latent cells per token, along each axis."""


class AttentionOps(Protocol):
    """The parts of one attention layer, so that the method can decide which tokens attend to which."""

    def project(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value, each [B, heads, N, d], of `tokens` [B, N, C]."""
        ...

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """softmax(q k^T / sqrt(d)) v as [B, heads, N, d]."""
        ...

    def output(self, heads: Tensor) -> Tensor:
        """[B, N, C] from `heads` [B, heads, N, d]: the layer's output projection."""
        ...


class TokenHook(Protocol):
    """Called in place of a self-attention layer."""

    def __call__(self, layer: TokenLayer, tokens: Tensor, ops: AttentionOps) -> Tensor | None:
        """Attention output [B, A, C] for `tokens` [B, A, C]; None runs the model's own code."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the latent grid, in cells."""

    top: int
    left: int
    height: int
    width: int


class Condition(Protocol):
    """A model's conditioning on a batch of frames."""

    @property
    def frames(self) -> int:
        """Number of frames."""
        ...

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one frame's latent, padding included."""
        ...

    @property
    def content(self) -> tuple[float, float]:
        """Height and width, in latent cells, of the picture without padding; may be fractional."""
        ...

    def select(self, frames: Sequence[int]) -> Condition:
        """The condition of some of the frames, by position in the batch."""
        ...

    def crop(self, window: Window) -> Condition:
        """The condition of a rectangle of the latent grid."""
        ...


class Schedule(Protocol):
    """A sampler: n timesteps and the update between them, driven by predicted clean latents."""

    @property
    def timesteps(self) -> Sequence[int]:
        """The timesteps t, most noise first."""
        ...

    @property
    def stochastic(self) -> bool:
        """Whether `step` uses fresh noise."""
        ...

    @property
    def from_noise(self) -> bool:
        """Whether `start` uses the values of `noise`."""
        ...

    def start(self, noise: Tensor) -> Tensor:
        """The first x_t from standard normal `noise`."""
        ...

    def model_input(self, x: Tensor, i: int) -> Tensor:
        """The network's input for x at step i."""
        ...

    def x0(self, output: Tensor, x: Tensor, i: int) -> Tensor:
        """Predicted clean latent from the network's `output` at step i, by the model's parametrisation."""
        ...

    def step(self, x0: Tensor, x: Tensor, i: int, noise: Tensor | None) -> Tensor:
        """x at step i + 1; `noise` is standard normal, for stochastic samplers."""
        ...


class Denoiser(Protocol):
    """The interface of a model to the method."""

    @property
    def layers(self) -> Sequence[TokenLayer]:
        """Its self-attention layers, in execution order."""
        ...

    def schedule(self) -> Schedule:
        """A fresh sampler for one chunk."""
        ...

    def predict(self, x: Tensor, timestep: int, condition: Condition) -> Tensor:
        """The network's output [F, C, h, w] for x [F, C, h, w]; the caller may write into it."""
        ...

    def spread(self, latent: Tensor, condition: Condition | None = None) -> Tensor:
        """`latent` [F, C, h, w] as [F, c, H, W], in which moving cells moves the picture.

        With `condition`, `latent` is a clean latent; if it encodes a residual, the result represents the full picture.
        Without `condition`, `latent` is noise.
        """
        ...

    def gather(self, spread: Tensor, condition: Condition | None = None) -> Tensor:
        """Inverse of `spread`, with the same `condition`."""
        ...

    def set_hook(self, hook: TokenHook | None) -> None:
        """Route all self-attention layers through `hook`, or back to the model's own code."""
        ...


StepCallback = Callable[[int, int], None]
"""Called after each step with (steps done, steps in all) of the chunk."""
