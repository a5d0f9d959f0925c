"""DiffBIR as a whole: what the networks are told, how prompts and the first restoration guide, what comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from answerprint.backends import kl
from answerprint.backends.colour import fix_colour, low_band
from answerprint.backends.diffbir import load_components
from answerprint.backends.diffbir.adapter import DiffbirBackend
from answerprint.backends.diffbir.fidelity import smoothness
from answerprint.backends.diffbir.info import INFO
from answerprint.backends.diffbir.spaced import SCHEDULERS, SpacedSchedule, alphas_cumprod, spaced_timesteps
from answerprint.backends.kl import in_windows
from answerprint.backends.load import load
from answerprint.errors import InputError, ModelError
from answerprint.temporal.noise import base_noise
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.temporal.sampler import START
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU, low_frames
from backends.builders_diffbir import HEAD_DIM, small_checkpoints, small_diffbir, write_diffbir
from backends.contract import MIXED, latent_noise, restore
from backends.report_diffbir import predict

SEED = 11
PROMPTED = {"prompt": "a red cat", "negative_prompt": "dog!", "guidance": "4.5"}
UNPROMPTED = {"guidance": "1"}


def configured(backend: DiffbirBackend, **options: str) -> None:
    """Four steps of the published sampler, without a first network."""
    backend.configure(steps=4, sampler=INFO.samplers[0], options={"stage1": "none", **options})


@pytest.fixture(scope="module")
def backend() -> DiffbirBackend:
    """Shared: a test that uses it configures it first."""
    return small_diffbir()


def test_result_is_that_of_the_published_way_written_out(backend: DiffbirBackend) -> None:
    """Bicubic in place of the first network; the networks are called one frame and one prompt at a time."""
    configured(backend, **PROMPTED)
    low = low_frames(2, 13, 18)
    ours = backend.decode(restore(backend, low, SEED, per_frame(MethodOptions())), backend.condition(low))

    parts = load_components(*small_checkpoints(), head_dim=HEAD_DIM)
    text = {name: backend._text.encode([PROMPTED[name]], CPU) for name in ("prompt", "negative_prompt")}
    schedule = SpacedSchedule(SCHEDULERS["v2"], 4)
    for k in range(2):
        picture = torch.nn.functional.interpolate(low[k : k + 1], scale_factor=4, mode="bicubic", antialias=True)
        picture = picture.clamp(0, 1)
        padded = torch.zeros(1, 3, 64, 128)
        padded[:, :, :52, :72] = picture
        with torch.no_grad():
            condition = parts.vae.encode(padded * 2 - 1).latent_dist.mean * 0.18215
            x = base_noise(SEED, k, START, (4, 8, 16))[None]
            for i, t in enumerate(schedule.timesteps):
                told = predict(parts, x, t, text["prompt"], condition, 1.0)
                untold = predict(parts, x, t, text["negative_prompt"], condition, 1.0)
                x0 = schedule.x0(untold + 4.5 * (told - untold), x, i)
                x = schedule.step(x0, x, i, base_noise(SEED, k, i, (4, 8, 16))[None])
            drawn = parts.vae.decode(x / 0.18215).sample[:, :, :52, :72] / 2 + 0.5
        theirs = fix_colour(drawn, picture)
        assert theirs.std() > 0.05
        assert (ours[k : k + 1] - theirs).abs().max() <= 1e-4


def test_prompts_guide_until_the_share_of_steps_that_was_asked_for(backend: DiffbirBackend) -> None:
    configured(backend, **UNPROMPTED)
    condition = backend.condition(low_frames(1, 12, 20))
    x = latent_noise(condition)
    alone = [backend.predict(x, t, condition) for t in backend.schedule().timesteps]
    for share, guided in (("1", 4), ("0.5", 2), ("0.3", 2), ("0", 0)):
        configured(backend, negative_prompt="a red cat", guidance_stop=share)
        steps = [backend.predict(x, t, condition) for t in backend.schedule().timesteps]
        assert [not torch.equal(a, b) for a, b in zip(steps, alone, strict=True)] == [True] * guided + [False] * (
            4 - guided
        )


def test_both_prompts_have_a_say(backend: DiffbirBackend) -> None:
    configured(backend)
    condition = backend.condition(low_frames(1, 12, 20))
    x = latent_noise(condition)

    def told(**options: str) -> Tensor:
        configured(backend, **options)
        return backend.predict(x, MIXED, condition)

    usual = told()
    assert not torch.equal(usual, told(prompt="cat"))
    assert not torch.equal(usual, told(negative_prompt="cat"))
    assert not torch.equal(usual, told(guidance="2"))
    # Alike prompts leave nothing to guide by, however strongly.
    assert torch.equal(told(prompt="cat", negative_prompt="cat", guidance="9"), told(prompt="cat", guidance="1"))


def test_control_layers_merge_as_up_blocks_and_run_first(backend: DiffbirBackend) -> None:
    control = [layer for layer in backend.layers if layer.name.startswith("controlnet.")]
    assert list(backend.layers[: len(control)]) == control
    assert [(layer.block, layer.scale) for layer in control] == [("up", s) for s in (1, 1, 2, 2, 4, 4)] + [("mid", 8)]
    own = [layer for layer in backend.layers if layer not in control]
    assert [(layer.block, layer.scale) for layer in own] == [
        *(("down", s) for s in (1, 1, 2, 2, 4, 4)),
        ("mid", 8),
        *(("up", s) for s in (4, 4, 4, 2, 2, 2, 1, 1, 1)),
    ]


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        ({}, 4),
        ({"task": "denoise"}, 1),
        ({"task": "face"}, 1),
        ({"enlarge": "2"}, 2),
        ({"task": "face", "enlarge": "3"}, 3),
        ({"enlarge": "1"}, 1),
    ],
)
def test_scale_follows_task_and_wish(backend: DiffbirBackend, options: dict[str, str], scale: int) -> None:
    configured(backend, **options)
    low = low_frames(1, 16, 24)
    condition = backend.condition(low)
    assert backend.info.scale == scale
    assert condition.content == (2 * scale, 3 * scale)
    assert backend.decode(latent_noise(condition), condition).shape == (1, 3, 16 * scale, 24 * scale)


def test_small_pictures_are_worked_on_at_the_least_size() -> None:
    backend = small_diffbir(short_side=64)
    configured(backend)
    condition = backend.condition(low_frames(1, 8, 12))
    assert condition.content == (8, 12), "64 x 96 pixels"
    assert backend.decode(latent_noise(condition), condition).shape == (1, 3, 32, 48)
    assert backend.condition(low_frames(1, 16, 24)).content == (8, 12)
    assert backend.condition(low_frames(1, 17, 24)).content == (8.5, 12), "large enough as it is"


def test_result_has_the_colours_of_the_first_restoration(backend: DiffbirBackend) -> None:
    configured(backend)
    condition = backend.condition(low_frames(1, 24, 32))
    drawn = backend.decode(latent_noise(condition), condition)
    # Low bands of high bands are not quite zero; without the fix these two differ by 0.5 on average.
    assert (low_band(drawn) - low_band(low_band(condition.picture))).abs().mean() <= 0.05
    assert (drawn - condition.picture).abs().mean() > 0.1


def test_fidelity_draws_clean_latents_to_the_first_restoration() -> None:
    for version in ("v2", "v2.1"):
        backend = small_diffbir(version=version)
        configured(backend, **UNPROMPTED)
        condition = backend.condition(low_frames(2, 16, 24) * 0.1)
        x, steps = latent_noise(condition), backend.schedule()

        def clean(i: int) -> Tensor:
            return steps.x0(backend.predict(x, steps.timesteps[i], condition), x, i)  # noqa: B023 - called at once

        free = [clean(i) for i in range(4)]
        for fidelity in (0.4, 1.0):
            configured(backend, fidelity=str(fidelity), **UNPROMPTED)
            for i, x0 in enumerate(free):
                wanted = x0 - fidelity * condition.smooth * (x0 - condition.latent)
                assert (clean(i) - wanted).abs().max() <= 1e-4 * x0.abs().max(), (version, i)


def test_smoothness_is_one_on_plain_ground_and_less_on_edges() -> None:
    picture = torch.full((1, 3, 16, 24), 0.3)
    assert torch.equal(smoothness(picture, 8), torch.ones(1, 1, 2, 3))
    picture[:, :, :8, 4:8] = 0.9
    weight = smoothness(picture, 8)[0, 0]
    assert 0 < weight[0, 0] < weight[0, 1] < 1 and weight[1, 2] == 1
    assert smoothness(low_frames(1, 16, 16), 8).max() < 0.1


def test_v21_predicts_velocity_from_pure_noise() -> None:
    """Its last abar is exactly zero: the first step has nothing but the network's own word."""
    abar = alphas_cumprod(SCHEDULERS["v2.1"])
    assert abar[-1] == 0 and abar[0] == alphas_cumprod(SCHEDULERS["v2"])[0]
    theirs = DDIMScheduler.from_config(SCHEDULERS["v2.1"]).alphas_cumprod
    assert (abar - theirs).abs().max() <= 1e-6
    schedule = SpacedSchedule(SCHEDULERS["v2.1"], 3)
    x, v, noise = (torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(k)) for k in range(3))
    assert torch.equal(schedule.x0(v, x, 0), -v)
    assert bool(schedule.step(-v, x, 0, noise).isfinite().all())


def test_timesteps_are_spaced_by_adding_the_stride_up() -> None:
    """At 21 steps the sum of 13 strides lies on the other side of a half than their product."""
    assert spaced_timesteps(21, 1000)[-4:] == [849, 899, 949, 999]
    assert all(len(set(spaced_timesteps(n, 1000))) == n for n in (1, 2, 7, 250, 1000))


def test_steps_that_cannot_be_taken_are_refused() -> None:
    for steps in (0, 1001):
        with pytest.raises(InputError, match=str(steps)):
            SpacedSchedule(SCHEDULERS["v2"], steps)


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_windows_of_what_looks_at_single_cells_change_nothing(factor: int) -> None:
    x = low_frames(1, 30, 45)

    def run(part: Tensor) -> Tensor:
        return part.repeat_interleave(factor, 2).repeat_interleave(factor, 3) * 3

    assert (in_windows(x, run, factor, 16, 4) - run(x)).abs().max() <= 1e-6
    assert torch.equal(in_windows(x, run, factor, 0, 0), run(x))


def test_large_pictures_are_coded_in_windows(backend: DiffbirBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = low_band(low_frames(1, 128, 192))
    with torch.no_grad():
        whole = kl.encode(backend._vae, picture)
        monkeypatch.setattr(kl, "_WINDOW_CELLS", 12)
        monkeypatch.setattr(kl, "_OVERLAP_CELLS", 4)
        parted = kl.encode(backend._vae, picture)
        assert parted.shape == whole.shape and not torch.equal(parted, whole)
        assert kl.decode(backend._vae, parted).shape == picture.shape


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's model folder."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    write_diffbir(tmp_path / "models" / "random-x4")
    return tmp_path / "models" / "random-x4"


def test_folder_of_original_files_is_read(folder: Path) -> None:
    before = torch.random.get_rng_state()
    loaded, built = load("random-x4", CPU), small_diffbir(short_side=512)
    assert torch.equal(before, torch.random.get_rng_state())
    results = []
    for each in (loaded, built):
        each.configure(steps=4, sampler="ddim", options={"stage1": "none", **PROMPTED})
        condition = each.condition(low_frames(1, 16, 16))
        assert condition.latent_shape == (4, 64, 64)
        results.append(each.predict(latent_noise(condition), MIXED, condition))
    # Not bit for bit: kernels differ with how tensors lie in memory.
    assert (results[0] - results[1]).abs().max() <= 1e-5


def test_missing_first_stage_is_told_and_leaves_the_old_settings(folder: Path) -> None:
    loaded = load("random-x4", CPU)
    loaded.configure(steps=3, sampler="ddim", options={"stage1": "none"})
    with pytest.raises(ModelError, match=r"stage1/denoise\.safetensors") as caught:
        loaded.configure(steps=9, sampler="ddim", options={"task": "denoise"})
    assert caught.value.remedy
    assert len(loaded.schedule().timesteps) == 3 and loaded.info.scale == 4


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"_class_name": "StableDiffusionPipeline"}, "contains a StableDiffusionPipeline"),
        ({"version": "v7"}, "Unknown DiffBIR version v7"),
        ({"head_dim": "wide"}, "head_dim"),
        ({"head_dim": 24}, "head_dim of 24"),
    ],
)
def test_index_that_says_something_else_is_refused(folder: Path, change: dict[str, object], fault: str) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    write_manifest(folder)
    with pytest.raises(ModelError, match=fault):
        load("random-x4", CPU)
