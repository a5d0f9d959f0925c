"""sd_x4's folder is read as it was published, and refused in words where it is not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from answerprint.backends.load import load
from answerprint.backends.sd_x4.adapter import SdX4Backend
from answerprint.errors import InputError, ModelError
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU, low_frames
from backends.builders_sd_x4 import (
    LOW_RES_SCHEDULER,
    SCHEDULER,
    small_codec,
    small_parts,
    small_sd_x4,
    small_unet,
    write_sd_x4,
)
from backends.builders_text import small_text
from backends.contract import MIXED, latent_noise
from backends.published import aged


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of random weights; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("saved") / "random-x4"
    write_sd_x4(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's model folder in the published layout."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    return Path(shutil.copytree(saved, tmp_path / "models" / "random-x4"))


def test_folder_is_read(folder: Path) -> None:
    results = []
    for each in (load("random-x4", CPU), small_sd_x4()):
        each.configure(steps=3, sampler="ddim", options={"prompt": "cat"})
        condition = each.condition(low_frames(1, 8, 8))
        x = latent_noise(condition)
        results.append((each.predict(x, MIXED, condition), each.decode(x, condition)))
    # Not bit for bit: kernels differ with how tensors lie in memory.
    assert all((ours - theirs).abs().max() <= 1e-5 for ours, theirs in zip(*results, strict=True))


def test_decoder_in_names_of_2022_is_read(folder: Path) -> None:
    """The published codec predates diffusers' present names of attention weights."""
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    fresh, weights = load("random-x4", CPU), aged(load_file(path))
    assert sum(".query." in name for name in weights) == 4
    save_file(weights, path)
    write_manifest(folder)
    old = load("random-x4", CPU)
    condition = fresh.condition(low_frames(1, 8, 8))
    x = latent_noise(condition)
    assert torch.equal(fresh.decode(x, condition), old.decode(x, condition))


def test_folder_of_another_pipeline_is_refused(folder: Path) -> None:
    index = folder / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"_class_name": "StableDiffusionPipeline"}))
    write_manifest(folder)
    with pytest.raises(ModelError, match="StableDiffusionPipeline"):
        load("random-x4", CPU)


@pytest.mark.parametrize("name", ["low_res_scheduler/scheduler_config.json", "scheduler/scheduler_config.json"])
@pytest.mark.parametrize("change", [{"beta_schedule": "steep"}, {"beta_start": "0.1"}, {"num_train_timesteps": 40}])
def test_scheduler_that_cannot_be_made_is_a_model_error(folder: Path, name: str, change: dict[str, object]) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    write_manifest(folder)
    with pytest.raises((ModelError, InputError)) as caught:
        load("random-x4", CPU)
    assert caught.value.remedy


def test_parts_that_do_not_fit_are_refused() -> None:
    unet, vae = small_parts()
    wrong_codec = small_codec()
    wrong_codec.register_to_config(latent_channels=3)
    few, narrow = small_unet(), small_unet()
    few.register_to_config(num_class_embeds=None)
    narrow.register_to_config(cross_attention_dim=8)
    for parts, fault in (((unet, wrong_codec), "the codec 3"), ((few, vae), "levels"), ((narrow, vae), "width 8")):
        with pytest.raises(ModelError, match=fault):
            SdX4Backend(*parts, small_text(), SCHEDULER, LOW_RES_SCHEDULER, CPU)


def test_loading_leaves_the_global_generator_alone(folder: Path) -> None:
    before = torch.random.get_rng_state()
    load("random-x4", CPU)
    assert torch.equal(before, torch.random.get_rng_state())
