"""What the default model and settings promise of the picture, on clips small enough for every run of the tests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from skimage import data

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import DEFAULT_MODELS, RestoreRequest
from answerprint.backends.base import Backend
from answerprint.backends.load import load
from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.frames.frame import Picture
from answerprint.metrics.degradations import resize
from answerprint.metrics.picture import detail_energy, psnr
from answerprint.pipeline.choices import resolve
from answerprint.pipeline.restore_clip import ClipSettings, restore_clip

WIDTH, HEIGHT, FRAMES = 48, 36, 8


@pytest.fixture(scope="module")
def backend() -> Backend:
    return load(DEFAULT_MODELS["standard"], torch.device("cpu"))


def restore(backend: Backend, low: list[Picture], **settings: object) -> list[Picture]:
    """The clip, as a job without settings of its own makes it."""
    choices = resolve(RestoreRequest.from_json({"input": "in", "output": "out", **settings}), backend.info)
    frames = (Frame(k, picture, None) for k, picture in enumerate(low))
    flow = FlowSource(get_estimator("dis"))
    return [f.picture for chunk in restore_clip(frames, backend, flow, ClipSettings(choices.method)) for f in chunk]


def cat() -> Picture:
    """A photograph that no training saw, [4 HEIGHT, 4 WIDTH, 3] in [0, 1]."""
    return np.asarray(data.chelsea()[60 : 60 + 4 * HEIGHT, 110 : 110 + 4 * WIDTH], np.float32) / np.float32(255)


def still(sigma: float, frames: int = FRAMES) -> list[Picture]:
    """The photograph, shrunk, in frames that differ by noise of `sigma` (0..255) alone."""
    low = resize(cat(), WIDTH, HEIGHT, "area")
    rng = np.random.default_rng(3)
    return [
        (low + np.float32(sigma / 255) * rng.standard_normal(low.shape, np.float32)).clip(0, 1) for _ in range(frames)
    ]


def flicker(clip: list[Picture]) -> float:
    """Mean absolute change from frame to frame, 0..255."""
    return float(np.mean([255 * np.abs(a - b).mean() for a, b in pairwise(clip)]))


def test_black_comes_back_black(backend: Backend) -> None:
    black = [np.zeros((HEIGHT, WIDTH, 3), np.float32)] * 3
    assert max(float(np.abs(p).max()) for p in restore(backend, black)) <= 0.2 / 255


@pytest.mark.parametrize("sigma", [2.0, 10.0])
def test_a_static_shot_is_still(backend: Backend, sigma: float) -> None:
    low = still(sigma)
    assert flicker(restore(backend, low)) <= 0.3 * flicker(low)


def test_noise_goes_and_detail_comes(backend: Backend) -> None:
    low = still(8.0)
    restored = restore(backend, low)
    assert flicker(restored) < 0.2 * flicker(low)
    fine = [detail_energy(p) for p in restored]
    assert min(fine) > 2 * detail_energy(resize(still(0.0)[0], 4 * WIDTH, 4 * HEIGHT, "bicubic"))


def test_the_keyframe_is_as_sharp_as_its_neighbours(backend: Backend) -> None:
    fine = [detail_energy(p) for p in restore(backend, still(2.0))]
    assert fine[4] / np.mean([fine[k] for k in (2, 3, 5, 6)]) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_clip_shorter_than_a_chunk_is_restored_whole(backend: Backend, frames: int) -> None:
    restored = restore(backend, still(2.0, frames))
    assert [p.shape for p in restored] == [(4 * HEIGHT, 4 * WIDTH, 3)] * frames
    assert min(psnr(p, cat()) for p in restored) > 20


def test_a_flash_stays_in_its_frame(backend: Backend) -> None:
    low = still(2.0)
    low[3] = np.ones_like(low[3])
    restored = restore(backend, low)
    assert float(restored[3].mean()) > 0.97
    others = [restored[k] for k in range(FRAMES) if k != 3]
    assert min(psnr(p, cat()) for p in others) > 20


def test_nothing_but_noise_gives_pictures_of_its_mean(backend: Backend) -> None:
    rng = np.random.default_rng(4)
    restored = restore(backend, [rng.random((HEIGHT, WIDTH, 3), np.float32) for _ in range(FRAMES)])
    assert np.isfinite(restored).all()
    assert float(np.mean(restored)) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 200)])
def test_frames_of_any_size_are_restored(backend: Backend, size: tuple[int, int]) -> None:
    low = [np.full((*size, 3), 0.25 + 0.01 * k, np.float32) for k in range(3)]
    restored = restore(backend, low)
    assert {p.shape for p in restored} == {(4 * size[0], 4 * size[1], 3)}
    assert float(np.abs(restored[1] - 0.26).max()) < 0.1


def test_values_that_are_no_numbers_stay_where_they_are(backend: Backend) -> None:
    low = still(2.0, 3)
    low[1][10, 10, 0] = np.nan
    low[1][20, 30] = np.inf
    restored = restore(backend, low)
    assert np.isfinite(restored[0]).all()
    assert np.isfinite(restored[2]).all()
    assert min(psnr(restored[k], cat()) for k in (0, 2)) > 20


@pytest.mark.parametrize("quality", DEFAULT_MODELS)
def test_quality_chooses_the_model_where_none_is_named(quality: str) -> None:
    request = RestoreRequest(ClipRef("in"), "out", options={"quality": quality, "preset": "detail"})
    assert (request.model, request.options) == (DEFAULT_MODELS[quality], {"preset": "detail"})
    assert RestoreRequest.from_json(request.to_json()) == request
    named = RestoreRequest(ClipRef("in"), "out", model="tiny-x4", options={"quality": quality})
    assert (named.model, named.options) == ("tiny-x4", {"quality": quality})
