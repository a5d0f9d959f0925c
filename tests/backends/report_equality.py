"""With consistency off, how far results lie from those of diffusers' own pipelines for the same weights and noise.

From the folder `tests`: `python -m backends.report_equality`. Random weights; errors are max|difference| in [0, 1].
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionUpscalePipeline
from torch import Tensor

from answerprint.backends.base import Backend
from answerprint.temporal import sampler
from answerprint.temporal.chunks import Chunk
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.temporal.protocols import Condition
from answerprint.temporal.sampler import denoise_chunk
from backends.builders import CPU, low_frames, small_ldm_sr, small_pipeline
from backends.builders_marigold import NEWER, backend_of, small_marigold_pipeline
from backends.builders_sd_x4 import small_sd_x4, write_sd_x4
from tables import Row, Table, print_tables

BAR = 1e-4
SEED = 11
FRAMES = 2

Size = tuple[int, int]
"""Height and width of the source."""


@dataclass(frozen=True, slots=True)
class Results:
    """What both made of the same frames, [F, 3, H, W] in [0, 1]."""

    ours: Tensor
    theirs: Tensor
    spread: float = 0.05
    """Least standard deviation of what tells something: of pictures, which vary more than depth."""

    @property
    def error(self) -> float:
        """max|difference|"""
        return float((self.ours - self.theirs).abs().max())

    @property
    def telling(self) -> bool:
        """Flat or clipped pictures would prove nothing."""
        inside = ((self.theirs > 0) & (self.theirs < 1)).float().mean()
        return bool(self.theirs.std() > self.spread) and bool(inside > 0.5)

    @property
    def same(self) -> bool:
        """False for a difference that is not a number, too."""
        return self.telling and self.ours.shape == self.theirs.shape and self.error <= BAR


def sd_x4(options: Mapping[str, str], eta: float = 0.0, size: Size = (16, 24)) -> Results:
    """Five steps beside StableDiffusionUpscalePipeline, which is shown what the network sees: padded frames."""
    backend, pipeline, steps = small_sd_x4(), _sd_x4_pipeline(), 5
    backend.configure(steps=steps, sampler="ddim", options={**options, "eta": str(eta)})
    condition = backend.condition(low_frames(FRAMES, *size))
    # The pipeline draws from the global generator: first the grain of the source, then all the rest.
    generator = torch.Generator().manual_seed(SEED)
    condition = replace(condition, grain=torch.randn(condition.low.shape, generator=generator))
    ours = _alone(backend, condition, _draws(generator, steps, condition.latent_shape))
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        theirs = pipeline(
            [options.get("prompt", "")] * FRAMES,
            image=condition.low / 2 + 0.5,
            num_inference_steps=steps,
            guidance_scale=float(options.get("guidance", "9")),
            noise_level=int(options.get("noise_level", "20")),
            negative_prompt=[options.get("negative_prompt", "")] * FRAMES,
            eta=eta,
            output_type="np",
        ).images
    return Results(ours, _cropped(theirs, size))


def marigold(
    steps: int,
    size: Size = (24, 32),
    resolution: int | None = None,
    *,
    working_at: int = 0,
    lcm: bool = False,
    **scheduler: Any,  # noqa: ANN401
) -> Results:
    """Depth beside MarigoldDepthPipeline's; where `resolution` is None the model is `working_at` a size of its own."""
    pipeline = small_marigold_pipeline(resolution=working_at, lcm=lcm, **scheduler)
    backend, frames = backend_of(pipeline), low_frames(FRAMES, *size)
    options = {} if resolution is None else {"processing_resolution": str(resolution)}
    backend.configure(steps=steps, sampler="own", options=options)
    condition = backend.condition(frames)
    generator = torch.Generator().manual_seed(SEED)
    ours = _alone(backend, condition, _draws(generator, steps, condition.latent_shape))
    theirs: Tensor = pipeline(
        frames,
        num_inference_steps=steps,
        processing_resolution=resolution,
        batch_size=FRAMES,
        generator=torch.Generator().manual_seed(SEED),
        output_type="pt",
    ).prediction
    return Results(ours, theirs.expand(-1, 3, -1, -1), spread=0.03)


def ldm_sr(eta: float, size: Size = (16, 24)) -> Results:
    """Six steps beside LDMSuperResolutionPipeline, which is shown what the network sees: padded frames."""
    backend, pipeline, steps = small_ldm_sr(), small_pipeline(), 6
    backend.configure(steps=steps, sampler="ddim", options={"eta": str(eta)})
    condition = backend.condition(low_frames(FRAMES, *size))
    generator = torch.Generator().manual_seed(SEED)
    ours = _alone(backend, condition, _draws(generator, steps, condition.latent_shape))
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        theirs = pipeline(condition.low, num_inference_steps=steps, eta=eta, output_type="np").images
    return Results(ours, _cropped(theirs, size))


PROMPTED = {"prompt": "a red cat", "negative_prompt": "dog!", "guidance": "4.5", "noise_level": "130"}

_SD_X4: Mapping[str, tuple[Mapping[str, str], float]] = {
    "prompted": (PROMPTED, 0.0),
    "prompted, ancestral": (PROMPTED, 0.7),
    "defaults": ({}, 0.0),
    "no guidance": ({"prompt": "a dog", "guidance": "1", "noise_level": "0"}, 1.0),
    "negative prompt alone": ({"negative_prompt": "cat", "noise_level": "350"}, 0.0),
}

CASES: Mapping[str, Mapping[str, Callable[[], Results]]] = {
    "sd_x4": {
        f"{name}, {size[1]}x{size[0]}": partial(sd_x4, *told, size)
        for size in ((16, 24), (13, 18))
        for name, told in _SD_X4.items()
    },
    "marigold": {
        "v1.0, 50 steps": partial(marigold, 50),
        "v1.0, 10 steps": partial(marigold, 10),
        **{f"v1.1, {n} steps": partial(marigold, n, **NEWER) for n in (1, 2, 4)},
        "predicting noise, 5 steps": partial(marigold, 5, prediction_type="epsilon"),
        **{f"consistency model, {n} steps": partial(marigold, n, lcm=True) for n in (1, 2, 4)},
        "shrunk": partial(marigold, 2, (48, 64), 32, **NEWER),
        "enlarged": partial(marigold, 2, (12, 16), 32, **NEWER),
        "shrunk to partial cells": partial(marigold, 2, (45, 61), 36, **NEWER),
        "partial tokens": partial(marigold, 2, (29, 41), 0, **NEWER),
        "its own working size": partial(marigold, 1, working_at=40, **NEWER),
    },
    "ldm_sr": {
        f"eta {eta:g}, {size[1]}x{size[0]}": partial(ldm_sr, eta, size)
        for size in ((16, 24), (13, 18))
        for eta in (0.0, 0.7, 1.0)
    },
}
"""What is compared, by family."""


@cache
def _sd_x4_pipeline() -> StableDiffusionUpscalePipeline:
    """diffusers' own, as it reads a folder in the published layout."""
    with tempfile.TemporaryDirectory() as folder:
        write_sd_x4(Path(folder) / "random-x4")
        pipeline = StableDiffusionUpscalePipeline.from_pretrained(Path(folder) / "random-x4", local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _draws(generator: torch.Generator, steps: int, shape: Sequence[int]) -> list[Tensor]:
    """The noise of the start, then that of each step, as pipelines draw it for all frames at once."""
    return [torch.randn(FRAMES, *shape, generator=generator) for _ in range(steps + 1)]


def _alone(backend: Backend, condition: Condition, draws: Sequence[Tensor]) -> Tensor:
    """Pictures without any tie between frames, by the noise in `draws`."""
    chunk: Chunk[object] = Chunk(tuple(range(FRAMES)), (None,) * FRAMES, True)
    method = per_frame(MethodOptions())
    with _in_place_of_noise(draws):
        x0, _ = denoise_chunk(backend, condition, chunk, 0, None, None, method, SEED, device=CPU)
    return backend.decode(x0, condition).clamp(0, 1)


@contextmanager
def _in_place_of_noise(draws: Sequence[Tensor]) -> Iterator[None]:
    """Pipelines take no noise, so ours takes theirs."""

    def base_noise(seed: int, frame: int, step: int, shape: Sequence[int]) -> Tensor:
        return draws[step + 1][frame]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler, "base_noise", base_noise)
        yield


def _cropped(pictures: Any, size: Size) -> Tensor:  # noqa: ANN401 - what pipelines call numpy pictures
    """Four times `size` of pictures [F, H, W, 3]."""
    found = torch.from_numpy(np.asarray(pictures)).permute(0, 3, 1, 2)
    return found[:, :, : 4 * size[0], : 4 * size[1]]


def measure() -> Iterator[Row]:
    """Every case of every family."""
    for family, cases in CASES.items():
        for name, compare in cases.items():
            found = compare()
            yield Row((family, name, f"{found.error:.1e}", f"{BAR:.0e}"), found.same)


TABLE = Table("Consistency off against diffusers' own pipelines", ("family", "case", "error", "bar"), measure)

if __name__ == "__main__":
    sys.exit(print_tables(TABLE))
