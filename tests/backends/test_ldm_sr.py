"""ldm_sr: its defaults, its codec, and its folder, which is refused in words where it is not as published."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from answerprint.backends.ldm_sr import codec
from answerprint.backends.ldm_sr.adapter import LdmSrBackend
from answerprint.backends.load import load
from answerprint.errors import ModelError
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.temporal.protocols import Window
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU, LDM_SCHEDULER, low_frames, small_codec, small_ldm_sr, small_unet
from backends.contract import MIXED, latent_noise, restore
from backends.published import aged


@pytest.fixture
def folder(saved_pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's model folder, as diffusers' pipeline writes it."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    return Path(shutil.copytree(saved_pipeline, tmp_path / "models" / "random-x4"))


def test_folder_is_read(folder: Path) -> None:
    results = []
    for each in (load("random-x4", CPU), small_ldm_sr()):
        condition = each.condition(low_frames(1, 8, 8))
        x = latent_noise(condition)
        results.append((each.predict(x, MIXED, condition), each.decode(x, condition)))
    # Not bit for bit: kernels differ with how tensors lie in memory.
    assert all((ours - theirs).abs().max() <= 1e-5 for ours, theirs in zip(*results, strict=True))


def test_ddpm_is_ddim_with_eta_one() -> None:
    backend, low = small_ldm_sr(), low_frames(1, 16, 16)
    results = []
    for name, options in (("ddpm", {}), ("ddim", {"eta": "1"})):
        backend.configure(steps=6, sampler=name, options=options)
        results.append(restore(backend, low, 11, per_frame(MethodOptions())))
    assert torch.equal(*results)


def test_defaults_are_the_papers_fifty_deterministic_steps() -> None:
    schedule = small_ldm_sr().schedule()
    assert len(schedule.timesteps) == 50 and not schedule.stochastic


def test_crop_of_a_condition_is_the_condition_of_the_cropped_picture() -> None:
    backend, low = small_ldm_sr(), low_frames(1, 24, 24)
    window = Window(4, 8, 8, 12)
    cropped, alone = backend.condition(low).crop(window), backend.condition(low[:, :, 4:12, 8:20])
    x = latent_noise(alone)
    # Not bit for bit: kernels differ with the layout of what they are given.
    assert (backend.predict(x, 500, cropped) - backend.predict(x, 500, alone)).abs().max() <= 1e-5


def test_quantising_in_blocks_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = small_ldm_sr()
    condition = backend.condition(low_frames(1, 40, 24))
    latent = latent_noise(condition)
    whole = backend.decode(latent, condition)
    monkeypatch.setattr(codec, "_CELLS_AT_ONCE", 100)
    assert torch.equal(backend.decode(latent, condition), whole)


def test_latents_are_quantised() -> None:
    """A nudge that moves no cell to another code word changes nothing."""
    backend = small_ldm_sr()
    condition = backend.condition(low_frames(1, 8, 8))
    words = backend._codec.quantize.embedding.weight
    chosen = torch.randint(len(words), (64,), generator=torch.Generator().manual_seed(0))
    latent = words[chosen].T.reshape(1, 3, 8, 8)
    nudged = latent + 0.01 * latent_noise(condition)
    assert (backend.decode(latent, condition) - backend.decode(nudged, condition)).abs().max() <= 1e-5


def test_weights_in_names_of_2022_are_read(folder: Path) -> None:
    """The published LDM-SR predates diffusers' present names of attention weights."""
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    renamed = aged(weights)
    assert set(renamed) != set(weights)
    fresh = load("random-x4", CPU)
    save_file(renamed, path)
    write_manifest(folder)
    old = load("random-x4", CPU)
    condition = fresh.condition(low_frames(1, 8, 8))
    x = latent_noise(condition)
    assert torch.equal(fresh.predict(x, 9, condition), old.predict(x, 9, condition))


def test_folder_of_another_pipeline_is_refused(folder: Path) -> None:
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("LDMSuperResolutionPipeline", "StableDiffusionPipeline"))
    write_manifest(folder)
    with pytest.raises(ModelError, match="StableDiffusionPipeline"):
        load("random-x4", CPU)


def test_network_and_codec_that_do_not_fit_are_refused() -> None:
    unet = small_unet()
    wrong = small_codec()
    wrong.register_to_config(latent_channels=4)
    with pytest.raises(ModelError, match="do not form an LDM-SR model"):
        LdmSrBackend(unet, wrong, LDM_SCHEDULER, CPU)


def test_weights_of_another_network_are_a_model_error(folder: Path) -> None:
    vqvae = (folder / "vqvae" / "diffusion_pytorch_model.safetensors").read_bytes()
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(vqvae)
    write_manifest(folder)
    with pytest.raises(ModelError, match="do not form a network"):
        load("random-x4", CPU)


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"block_out_channels": 5}', '{"down_block_types": ["Nothing"]}', "[" * 9999]
)
def test_configuration_that_describes_no_network_is_a_model_error(folder: Path, text: str) -> None:
    (folder / "unet" / "config.json").write_text(text)
    write_manifest(folder)
    with pytest.raises(ModelError):
        load("random-x4", CPU)


def test_loading_leaves_the_global_generator_alone(folder: Path) -> None:
    before = torch.random.get_rng_state()
    load("random-x4", CPU)
    assert torch.equal(before, torch.random.get_rng_state())
