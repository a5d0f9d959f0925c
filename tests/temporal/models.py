"""Small models that the method can drive: tiny-x4's network with random weights, and one that knows the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from answerprint.backends.tiny.adapter import TinyBackend
from answerprint.backends.tiny.network import NETWORK_CONFIG, SCHEDULER_CONFIG
from answerprint.backends.tiny.restorer import ResidualRestorer
from answerprint.temporal.chunks import Chunk
from answerprint.temporal.options import MethodOptions
from answerprint.temporal.protocols import Condition, MotionSource, TokenHook, TokenLayer, Window
from answerprint.temporal.sampler import CarriedState, ChunkMotion

__all__ = ["CPU", "PLAIN", "Latents", "Oracle", "bytes_held", "chunk_of", "motion_of", "small_backend"]

CPU = torch.device("cpu")

PLAIN = MethodOptions(
    consistency=True,
    chunk=4,
    keyframe="middle",
    noise="flow",
    fusion="off",
    warp=True,
    warp_stage=(0.0, 0.5),
    warp_global=True,
    warp_local=True,
    warp_strength=1.0,
    warp_source="key",
    warp_mask="hard",
    warp_tolerance=0.0,
    warp_carry="after",
    warp_sampling="bicubic",
    back_projection=0.0,
    merge=True,
    merge_stage=(0.0, 1.0),
    merge_ratio=0.9,
    merge_ratio_end=0.0,
    merge_delta=1.0,
    merge_alignment=0.5,
    match_down="flow",
    match_mid="none",
    match_up="cosine",
    merge_max_scale=2,
    spatial=True,
    spatial_radius=0.0,
    window=3,
    centre="own",
    refresh=4,
    unmerge="replace",
    attention="bounded",
)
"""Every choice written out, so that promises do not follow defaults."""


def small_backend(steps: int = 4, sampler: str = "ddim") -> TinyBackend:
    """tiny-x4 with a network of 32 and 64 channels and the same random weights at each call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = {**NETWORK_CONFIG, "block_out_channels": (32, 64), "attention_head_dim": (2, 4)}
        network = UNet2DConditionModel(**config)
        restorer = ResidualRestorer(channels=8, blocks=1, scale=4)
    backend = TinyBackend(network, restorer, SCHEDULER_CONFIG, CPU)
    backend.configure(steps=steps, sampler=sampler, options={})
    return backend


@dataclass(frozen=True, slots=True)
class Latents:
    """Condition that is the clean latent itself."""

    latent: Tensor
    """[F, C, h, w]."""
    content: tuple[float, float]

    @property
    def frames(self) -> int:
        return len(self.latent)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        _, channels, height, width = self.latent.shape
        return channels, height, width

    def select(self, frames: Sequence[int]) -> Latents:
        return replace(self, latent=self.latent[list(frames)])

    def crop(self, window: Window) -> Latents:
        rows, columns = slice(window.top, window.top + window.height), slice(window.left, window.left + window.width)
        return replace(self, latent=self.latent[..., rows, columns])


@dataclass(frozen=True, slots=True)
class _Straight:
    """Schedule whose x at the next step is the clean latent, plus noise where it is stochastic."""

    steps: int
    stochastic: bool

    @property
    def timesteps(self) -> Sequence[int]:
        return list(range(self.steps, 0, -1))

    @property
    def from_noise(self) -> bool:
        return True

    def start(self, noise: Tensor) -> Tensor:
        return noise

    def model_input(self, x: Tensor, i: int) -> Tensor:
        return x

    def x0(self, output: Tensor, x: Tensor, i: int) -> Tensor:
        return output

    def step(self, x0: Tensor, x: Tensor, i: int, noise: Tensor | None) -> Tensor:
        return x0 if noise is None else x0 + noise


def _answer(x: Tensor, condition: Latents) -> Tensor:
    return condition.latent


def _echo(x: Tensor, condition: Latents) -> Tensor:
    return x


@dataclass(slots=True)
class Oracle:
    """Model that predicts `function` of x and its condition; no attention, latents are pictures."""

    function: Callable[[Tensor, Latents], Tensor] = _answer
    steps: int = 1
    stochastic: bool = False

    @classmethod
    def echo(cls, steps: int = 1, *, stochastic: bool = False) -> Oracle:
        """One whose result is the sum of the noise that it was given."""
        return cls(_echo, steps, stochastic)

    @property
    def layers(self) -> Sequence[TokenLayer]:
        return []

    def schedule(self) -> _Straight:
        return _Straight(self.steps, self.stochastic)

    def predict(self, x: Tensor, timestep: int, condition: Condition) -> Tensor:
        assert isinstance(condition, Latents)
        return self.function(x, condition).clone()

    def spread(self, latent: Tensor, condition: Condition | None = None) -> Tensor:
        return latent

    def gather(self, spread: Tensor, condition: Condition | None = None) -> Tensor:
        return spread

    def set_hook(self, hook: TokenHook | None) -> None:
        """There is nothing to hook."""


def chunk_of(frames: Sequence[int], *, opens_shot: bool = True) -> Chunk[object]:
    """A chunk of these absolute frames."""
    return Chunk(tuple(frames), (None,) * len(frames), opens_shot)


def motion_of(source: MotionSource, frames: Sequence[int], key: int, previous: int | None = None) -> ChunkMotion:
    """All motion that a chunk can ask for."""
    here = frames[key]
    return ChunkMotion(
        [None if f == here else source.between(f, here) for f in frames],
        [None if f == here else source.between(here, f) for f in frames],
        None if previous is None else source.between(here, previous),
    )


def bytes_held(carry: CarriedState) -> int:
    """Memory that a carry keeps alive, views counted as what they are views of."""
    return sum(t.untyped_storage().nbytes() for t in (*carry.x0.values(), *carry.noise.values()))
