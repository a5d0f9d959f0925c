"""With consistency off, marigold gives what diffusers' own MarigoldDepthPipeline gives for the same noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, MarigoldDepthPipeline, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from answerprint.backends.attention import HookSlot, install
from answerprint.backends.depth import DepthLook
from answerprint.backends.load import load
from answerprint.backends.marigold.adapter import MarigoldBackend
from answerprint.backends.marigold.info import INFO
from answerprint.errors import InputError, ModelError
from answerprint.models.seal import seal
from answerprint.temporal import sampler
from answerprint.temporal.options import MethodOptions, per_frame

from .builders import CPU, low_frames
from .builders_marigold import (
    NEWER,
    backend_of,
    save_marigold,
    small_marigold,
    small_marigold_pipeline,
)
from .contract import latent_noise, restore

SEED = 11


class PipelineNoise:
    """The noise that the pipeline draws from a generator seeded with `SEED`, in the place of ours."""

    def __init__(self, frames: int, steps: int, shape: Sequence[int]) -> None:
        generator = torch.Generator().manual_seed(SEED)
        self._drawn = [torch.randn(frames, *shape, generator=generator) for _ in range(steps + 1)]

    def __call__(self, seed: int, frame: int, step: int, shape: Sequence[int]) -> Tensor:
        return self._drawn[step + 1][frame]


def by_pipeline(pipeline: MarigoldDepthPipeline, frames: Tensor, steps: int, resolution: int | None = None) -> Tensor:
    """Depth [F, 1, H, W]."""
    found: Tensor = pipeline(
        frames,
        num_inference_steps=steps,
        processing_resolution=resolution,
        batch_size=len(frames),
        generator=torch.Generator().manual_seed(SEED),
        output_type="pt",
    ).prediction
    return found


def by_backend(backend: MarigoldBackend, frames: Tensor, steps: int, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Depth [F, 3, H, W], without any tie between frames."""
    condition = backend.condition(frames)
    monkeypatch.setattr(sampler, "base_noise", PipelineNoise(len(frames), steps, condition.latent_shape))
    return depth_of(backend, frames)


def depth_of(backend: MarigoldBackend, frames: Tensor) -> Tensor:
    """Depth [F, 3, H, W] without any tie between frames."""
    return backend.decode(restore(backend, frames, SEED, per_frame(MethodOptions())), backend.condition(frames))


def assert_same(ours: Tensor, theirs: Tensor) -> None:
    assert theirs.std() > 0.03, "depth without content would prove nothing"
    assert ours.shape == (len(theirs), 3, *theirs.shape[2:])
    assert (ours - theirs).abs().max() <= 1e-4


@pytest.mark.parametrize(
    ("steps", "scheduler"),
    [(50, {}), (10, {}), (1, NEWER), (2, NEWER), (4, NEWER), (5, {"prediction_type": "epsilon"})],
    ids=["v1.0", "v1.0 in 10", "v1.1 in 1", "v1.1 in 2", "v1.1 in 4", "predicting noise"],
)
def test_result_is_the_pipelines(steps: int, scheduler: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = small_marigold_pipeline(**scheduler)
    backend, frames = backend_of(pipeline), low_frames(2, 24, 32)
    backend.configure(steps=steps, sampler="own", options={})
    assert_same(by_backend(backend, frames, steps, monkeypatch), by_pipeline(pipeline, frames, steps))


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_result_of_the_consistency_model_is_the_pipelines(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = small_marigold_pipeline(lcm=True)
    backend, frames = backend_of(pipeline), low_frames(2, 24, 32)
    backend.configure(steps=steps, sampler="own", options={})
    assert_same(by_backend(backend, frames, steps, monkeypatch), by_pipeline(pipeline, frames, steps))


@pytest.mark.parametrize(("size", "resolution"), [((48, 64), 32), ((12, 16), 32), ((45, 61), 36), ((29, 41), 0)])
def test_working_size_is_the_pipelines(size: tuple[int, int], resolution: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrunk, enlarged, and what fills neither cells nor tokens."""
    pipeline = small_marigold_pipeline(**NEWER)
    backend, frames = backend_of(pipeline), low_frames(2, *size)
    backend.configure(steps=2, sampler="own", options={"processing_resolution": str(resolution)})
    assert_same(by_backend(backend, frames, 2, monkeypatch), by_pipeline(pipeline, frames, 2, resolution))


def test_default_working_size_is_the_models_own(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = small_marigold_pipeline(resolution=40, **NEWER)
    backend, frames = backend_of(pipeline), low_frames(1, 24, 32)
    backend.configure(steps=1, sampler="own", options={})
    assert_same(by_backend(backend, frames, 1, monkeypatch), by_pipeline(pipeline, frames, 1))
    assert backend.info.working_size(32, 24, {}) == (40, 30)


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
    with pytest.raises(InputError, match="lcm cannot take 51 steps"):
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
    seal(folder)
    with pytest.raises(ModelError, match=other):
        load("random-depth", CPU)


def test_parts_that_do_not_fit_are_refused() -> None:
    pipeline = small_marigold_pipeline()
    pipeline.vae.register_to_config(latent_channels=3)
    with pytest.raises(ModelError, match="do not make a Marigold model"):
        backend_of(pipeline)
    pipeline = small_marigold_pipeline()
    pipeline.unet.register_to_config(cross_attention_dim=24)
    with pytest.raises(ModelError, match="do not fit"):
        backend_of(pipeline)


def without_influence(part: nn.Module, depth: Callable[[], Tensor]) -> set[str]:
    """Names of the tensors of `part` that can be changed, one at a time, without changing `depth()` but by rounding."""
    before, without = depth(), set()
    for name, weight in part.named_parameters():
        kept = weight.data.clone()
        # Not by a factor or a summand alone: normalisation undoes either in some places.
        weight.data.mul_(1.5).add_(0.1 * torch.arange(kept.numel()).view_as(kept).remainder(3))
        if (depth() - before).abs().max() < 4e-6:
            without.add(name)
        weight.data.copy_(kept)
    return without


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
    encoder = small_marigold_pipeline().text_encoder
    frames = low_frames(1, 8, 12)

    def depth() -> Tensor:
        pipeline = small_marigold_pipeline(**NEWER)
        pipeline.text_encoder = encoder
        backend = backend_of(pipeline)
        backend.configure(steps=1, sampler="own", options={})
        return depth_of(backend, frames)

    assert without_influence(encoder, depth) == keys_biases(encoder)


PUBLISHED_UNET: dict[str, Any] = {
    "in_channels": 8,
    "attention_head_dim": (5, 10, 20, 20),
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
    "sample_size": 96,
}
"""Stable Diffusion 2's network with a wider entry; the rest is diffusers' default."""

PUBLISHED_CODEC: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "latent_channels": 4,
    "layers_per_block": 2,
    "sample_size": 768,
}

PUBLISHED_TEXT: dict[str, Any] = {
    "vocab_size": 49408,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
    "hidden_act": "gelu",
    "projection_dim": 512,
}


def size_of(network: nn.Module) -> tuple[int, int]:
    """Tensors, and numbers in them."""
    return len(network.state_dict()), sum(tensor.numel() for tensor in network.state_dict().values())


def test_full_size_networks_have_the_published_tensors() -> None:
    """686 and 248 are the counts of Stable Diffusion's own files; its text encoder joins query, key and value."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(**PUBLISHED_UNET)
        codec = AutoencoderKL(**PUBLISHED_CODEC)
        text = CLIPTextModel(CLIPTextConfig.from_dict(PUBLISHED_TEXT))
    entry = 4 * 320 * 3 * 3
    assert size_of(unet) == (686, 865_910_724 + entry)
    assert size_of(codec) == (248, 83_653_863)
    # 23 layers of 16 tensors, two embeddings and the norm at the end.
    assert len(text.state_dict()) == 23 * 16 + 4
    slot = HookSlot()
    layers = install(unet, slot)
    assert len(layers) == 16
    assert {(layer.block, layer.scale) for layer in layers} == {
        (block, scale) for block in ("down", "up") for scale in (1, 2, 4)
    } | {("mid", 8)}
