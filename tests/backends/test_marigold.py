"""marigold: its working size and options, its folder, and that every weight counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from answerprint.backends.depth import DepthLook
from answerprint.backends.load import load
from answerprint.backends.marigold.adapter import MarigoldBackend
from answerprint.backends.marigold.info import INFO
from answerprint.errors import InputError, ModelError
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU, low_frames
from backends.builders_marigold import NEWER, backend_of, save_marigold, small_marigold, small_marigold_pipeline
from backends.contract import latent_noise, restore
from backends.influence import without_influence

SEED = 11


def depth_of(backend: MarigoldBackend, frames: Tensor) -> Tensor:
    """Depth [F, 3, H, W] without any tie between frames."""
    return backend.decode(restore(backend, frames, SEED, per_frame(MethodOptions())), backend.condition(frames))


def test_default_working_size_is_the_models_own() -> None:
    assert backend_of(small_marigold_pipeline(resolution=40)).info.working_size(32, 24, {}) == (40, 30)


def test_published_defaults() -> None:
    assert INFO.working_size(1920, 1080, {}) == (768, 432)
    assert INFO.working_size(1920, 1080, {"processing_resolution": "0"}) == (1920, 1080)
    schedule = small_marigold().schedule()
    assert len(schedule.timesteps) == INFO.default_steps == 4


def test_depth_of_many_pixels_beside_one_is_found() -> None:
    backend = small_marigold()
    backend.configure(steps=1, sampler="own", options={"processing_resolution": "16"})
    frames = low_frames(1, 1, 100)
    condition = backend.condition(frames)
    assert backend.decode(latent_noise(condition), condition).shape == (1, 3, 1, 100)


def test_options_are_checked() -> None:
    backend = small_marigold()
    for options in ({"processing_resolution": "-1"}, {"range": "week"}, {"colour_map": "pink"}):
        with pytest.raises(InputError):
            backend.configure(steps=1, sampler="own", options=options)
    with pytest.raises(InputError, match="lcm does not support 51 steps"):
        backend.configure(steps=51, sampler="lcm", options={})
    backend.configure(steps=1, sampler="own", options={"range": "chunk", "colour_map": "turbo"})
    assert backend.look == DepthLook("chunk", "turbo")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's model folder, as published ones are."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    path = tmp_path / "models" / "random-depth"
    save_marigold(path, resolution=32)
    return path


def test_folder_is_read(folder: Path) -> None:
    loaded, frames = load("random-depth", CPU), low_frames(1, 24, 32)
    assert isinstance(loaded, MarigoldBackend)
    assert torch.equal(depth_of(loaded, frames), depth_of(backend_of(small_marigold_pipeline(resolution=32)), frames))


@pytest.mark.parametrize("other", ["MarigoldNormalsPipeline", "StableDiffusionPipeline"])
def test_folder_of_another_pipeline_is_refused(folder: Path, other: str) -> None:
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("MarigoldDepthPipeline", other))
    write_manifest(folder)
    with pytest.raises(ModelError, match=other):
        load("random-depth", CPU)


def test_parts_that_do_not_fit_are_refused() -> None:
    pipeline = small_marigold_pipeline()
    pipeline.vae.register_to_config(latent_channels=3)
    with pytest.raises(ModelError, match="do not form a Marigold model"):
        backend_of(pipeline)
    pipeline = small_marigold_pipeline()
    pipeline.unet.register_to_config(cross_attention_dim=24)
    with pytest.raises(ModelError, match="do not match"):
        backend_of(pipeline)


def keys_biases(part: nn.Module) -> set[str]:
    """These shift all scores of a query alike, which softmax does not feel."""
    return {name for name, _ in part.named_parameters() if name.endswith(("to_k.bias", "k_proj.bias"))}


def test_every_tensor_of_network_and_codec_has_its_influence() -> None:
    pipeline = small_marigold_pipeline(**NEWER)
    backend, frames = backend_of(pipeline), low_frames(1, 8, 12)
    backend.configure(steps=1, sampler="own", options={})
    assert without_influence(pipeline.unet, lambda: depth_of(backend, frames)) == set()
    assert without_influence(pipeline.vae, lambda: depth_of(backend, frames)) == keys_biases(pipeline.vae)


def test_every_tensor_of_the_text_encoder_has_its_influence() -> None:
    """The empty prompt is encoded when a model is loaded."""
    pipeline, frames = small_marigold_pipeline(**NEWER), low_frames(1, 8, 12)

    def depth() -> Tensor:
        backend = backend_of(pipeline)
        backend.configure(steps=1, sampler="own", options={})
        return depth_of(backend, frames)

    assert without_influence(pipeline.text_encoder, depth) == keys_biases(pipeline.text_encoder)
