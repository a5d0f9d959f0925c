"""With consistency off, sd_x4 gives what diffusers' own StableDiffusionUpscalePipeline gives for the same noise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cv2 import INTER_CUBIC, resize
from diffusers import AutoencoderKL, StableDiffusionUpscalePipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from answerprint.backends import kl
from answerprint.backends.attention import self_attention_layers
from answerprint.backends.load import load
from answerprint.backends.sd_x4.adapter import SdX4Backend
from answerprint.errors import InputError, ModelError
from answerprint.flow.opencv import DisEstimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.metrics.temporal import ReferenceMotion
from answerprint.models.seal import seal
from answerprint.temporal import sampler
from answerprint.temporal.chunks import Chunk
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.temporal.protocols import AttentionOps, Correspondence, TokenLayer, Window
from answerprint.temporal.sampler import denoise_chunk
from answerprint.temporal.stopwatch import Stopwatch
from answerprint.temporal.tokens import TokenMerger
from answerprint.worker.restore import Settings, restore_clip
from metrics.scenes import pan

from .builders import CPU, low_frames
from .builders_sd_x4 import (
    FULL_CODEC,
    FULL_UNET,
    LOW_RES_SCHEDULER,
    SCHEDULER,
    small_codec,
    small_parts,
    small_sd_x4,
    small_unet,
    write_sd_x4,
)
from .builders_text import small_text
from .contract import latent_noise, restore

SEED = 11
STEPS = 5
PROMPTED = {"prompt": "a red cat", "negative_prompt": "dog!", "guidance": "4.5", "noise_level": "130"}


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


class PipelineNoise:
    """What the pipeline draws from the global generator seeded with `SEED`, in the place of our noise.

    It takes no noise: it draws that of the source, then the start, then one batch each time a step adds some.
    """

    def __init__(self, frames: int, shape: Sequence[int]) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            self.grain = torch.randn(frames, 3, *shape[1:])
            self._drawn = [torch.randn(frames, *shape) for _ in range(STEPS + 1)]

    def __call__(self, seed: int, frame: int, step: int, shape: Sequence[int]) -> Tensor:
        return self._drawn[step + 1][frame]


@pytest.fixture(scope="module")
def pipeline(saved: Path) -> StableDiffusionUpscalePipeline:
    """diffusers' own, as it reads the folder."""
    pipeline = StableDiffusionUpscalePipeline.from_pretrained(saved, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def by_pipeline(
    pipeline: StableDiffusionUpscalePipeline, low: Tensor, options: dict[str, str], eta: float = 0.0
) -> Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        out = pipeline(
            [options.get("prompt", "")] * len(low),
            image=low,
            num_inference_steps=STEPS,
            guidance_scale=float(options.get("guidance", "9")),
            noise_level=int(options.get("noise_level", "20")),
            negative_prompt=[options.get("negative_prompt", "")] * len(low),
            eta=eta,
            output_type="np",
        ).images
    return torch.from_numpy(np.asarray(out)).permute(0, 3, 1, 2)


def ours(backend: SdX4Backend, low: Tensor, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Pictures of one chunk, by the pipeline's noise."""
    condition = backend.condition(low)
    noise = PipelineNoise(len(low), condition.latent_shape)
    monkeypatch.setattr(sampler, "base_noise", noise)
    chunk: Chunk[object] = Chunk(tuple(range(len(low))), (None,) * len(low), True)
    told = replace(condition, grain=noise.grain)
    x0, _ = denoise_chunk(backend, told, chunk, 0, None, None, per_frame(MethodOptions()), SEED, device=CPU)
    return backend.decode(x0, condition).clamp(0, 1)


def padded(backend: SdX4Backend, low: Tensor) -> Tensor:
    """`low` in [0, 1] as the network sees it."""
    return backend.condition(low).low / 2 + 0.5


@pytest.mark.parametrize(
    ("options", "eta"),
    [
        (PROMPTED, 0.0),
        (PROMPTED, 0.7),
        ({}, 0.0),
        ({"prompt": "a dog", "guidance": "1", "noise_level": "0"}, 1.0),
        ({"negative_prompt": "cat", "noise_level": "350"}, 0.0),
    ],
    ids=["prompted", "ancestral", "defaults", "no guidance", "negative prompt alone"],
)
@pytest.mark.parametrize("size", [(16, 24), (13, 18)])
def test_result_is_the_pipelines(
    folder: Path,
    pipeline: StableDiffusionUpscalePipeline,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    eta: float,
    size: tuple[int, int],
) -> None:
    backend = load("random-x4", CPU)
    assert isinstance(backend, SdX4Backend)
    backend.configure(steps=STEPS, sampler="ddim", options=options | {"eta": str(eta)})
    low = low_frames(2, *size)
    result = ours(backend, low, monkeypatch)
    theirs = by_pipeline(pipeline, padded(backend, low), options, eta)[:, :, : 4 * size[0], : 4 * size[1]]
    assert theirs.std() > 0.05 and ((theirs > 0) & (theirs < 1)).float().mean() > 0.5, "flat would prove nothing"
    assert (result - theirs).abs().max() <= 1e-4


@pytest.mark.parametrize(
    "change", [{"prompt": "dog"}, {"negative_prompt": "cat"}, {"guidance": "6"}, {"noise_level": "9"}]
)
def test_every_option_counts(change: dict[str, str]) -> None:
    backend, low = small_sd_x4(), low_frames(1, 8, 8)
    results = []
    for options in (PROMPTED, PROMPTED | change):
        backend.configure(steps=3, sampler="ddim", options=options)
        condition = backend.condition(low)
        results.append(backend.predict(latent_noise(condition), 500, condition))
    assert (results[0] - results[1]).abs().max() > 1e-3


def test_prompts_that_are_alike_cost_no_second_run() -> None:
    backend = small_sd_x4()
    assert runs(backend, {}) == runs(backend, {"prompt": "cat", "guidance": "1"}) == [1, 1, 1, 1]
    assert runs(backend, {"prompt": "cat"}) == [2, 2, 2, 2]


@pytest.mark.parametrize(("stop", "guided"), [("0", 0), ("0.1", 1), ("0.5", 2), ("0.51", 3), ("1", 4)])
def test_guidance_stops_after_its_share_of_the_steps(stop: str, guided: int) -> None:
    found = runs(small_sd_x4(), {"prompt": "cat", "guidance_stop": stop})
    assert found == [2] * guided + [1] * (4 - guided)


def runs(backend: SdX4Backend, options: dict[str, str]) -> list[int]:
    """How many groups the network saw at each of four steps."""
    backend.configure(steps=4, sampler="ddim", options=options)
    seen: list[int] = []

    def count(layer: TokenLayer, tokens: Tensor, ops: AttentionOps) -> Tensor | None:
        if layer == backend.layers[0]:
            seen.append(len(tokens))
        return None

    condition = backend.condition(low_frames(1, 8, 8))
    x = latent_noise(condition)
    backend.set_hook(count)
    for timestep in backend.schedule().timesteps:
        backend.predict(x, timestep, condition)
    backend.set_hook(None)
    return seen


@pytest.mark.parametrize(
    "options",
    [
        {"guidance": "0.5"},
        {"guidance": "nan"},
        {"guidance_stop": "1.1"},
        {"noise_level": "351"},
        {"noise_level": "-1"},
        {"noise_level": "20.5"},
        {"prompts": "cat"},
    ],
    ids=str,
)
def test_wrong_options_leave_the_old_ones(options: dict[str, str]) -> None:
    backend, low = small_sd_x4(), low_frames(1, 8, 8)
    backend.configure(steps=3, sampler="ddim", options=PROMPTED)
    condition = backend.condition(low)
    x = latent_noise(condition)
    before = backend.predict(x, 500, condition)
    with pytest.raises(InputError) as caught:
        backend.configure(steps=3, sampler="ddim", options=options)
    assert caught.value.remedy
    assert torch.equal(before, backend.predict(x, 500, backend.condition(low)))


def test_noise_of_the_source_is_one_for_all_frames_and_clips() -> None:
    backend = small_sd_x4()
    one, two = backend.condition(low_frames(3, 12, 20)), backend.condition(low_frames(1, 12, 20, seed=5))
    assert torch.equal(one.grain, two.grain.expand_as(one.grain))
    assert abs(float(one.grain.std()) - 1) < 0.1
    difference = one.noised - one.low
    assert 0 < difference.abs().mean() < 0.1


def test_window_sees_the_noise_of_its_place() -> None:
    condition = small_sd_x4().condition(low_frames(1, 24, 24))
    cropped = condition.crop(Window(4, 8, 8, 12))
    assert torch.equal(cropped.noised, condition.noised[:, :, 4:12, 8:20])


def test_both_prompts_are_merged_by_the_same_pairs() -> None:
    """One guided run with merging gives what a run for each prompt, merged by the same flow, gives."""
    backend, frames = small_sd_x4(), 3
    condition = backend.condition(low_frames(frames, 16, 24))
    x = latent_noise(condition)
    aside = Correspondence(torch.full((2, 16, 24), 4.0), torch.ones(16, 24), torch.rand(16, 24))
    method = MethodOptions(merge_max_scale=4, merge_ratio=0.7)

    def merged(prompt: str, negative_prompt: str, guidance: str) -> Tensor:
        options = {"prompt": prompt, "negative_prompt": negative_prompt, "guidance": guidance}
        backend.configure(steps=4, sampler="ddim", options=options)
        merger = TokenMerger(method, 4, frames, 1, [aside, None, aside], condition.content, Stopwatch())
        merger.begin(0, Window(0, 0, 16, 24))
        backend.set_hook(merger)
        out = backend.predict(x, 500, condition)
        backend.set_hook(None)
        return out

    u, c = merged("dog!", "dog!", "1"), merged("a red cat", "a red cat", "1")
    guided = merged("a red cat", "dog!", "4")
    assert (guided - (u + 4 * (c - u))).abs().max() <= 1e-5
    alone = backend.predict(x, 500, condition)
    assert (guided - alone).abs().max() > 1e-3, "nothing was merged"


def test_large_latents_are_decoded_in_windows_that_blend(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = small_sd_x4()
    condition = backend.condition(low_frames(2, 40, 24))
    latent = latent_noise(condition)
    whole = backend.decode(latent, condition)
    monkeypatch.setattr(kl, "_WINDOW_CELLS", 24)
    monkeypatch.setattr(kl, "_OVERLAP_CELLS", 8)
    blended = backend.decode(latent, condition)
    assert blended.shape == whole.shape
    assert not torch.equal(blended, whole)
    # What windows differ in is the mean and deviation that the decoder's normalisation takes of them.
    assert (blended - whole).abs().mean() <= 0.1 * whole.std()


def idle_weights(network: nn.Module, result: Callable[[], Tensor]) -> set[str]:
    """Names of the weights that can be changed without a change of the result."""
    base = result()
    idle = set()
    for name, weight in network.named_parameters():
        kept = weight.data.clone()
        weight.data += 0.5 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
        if (result() - base).abs().max() <= 1e-5:
            idle.add(name)
        weight.data = kept
    return idle


def test_every_weight_of_the_network_counts() -> None:
    backend = small_sd_x4()
    condition = backend.condition(low_frames(1, 8, 8))
    x = latent_noise(condition)
    assert idle_weights(backend._network, lambda: backend.predict(x, 500, condition)) == set()


def test_every_weight_of_the_decoder_counts() -> None:
    backend = small_sd_x4()
    condition = backend.condition(low_frames(1, 4, 4))
    x = latent_noise(condition)
    idle = idle_weights(backend._codec, lambda: backend.decode(x, condition))
    # Pictures are decoded only, so nothing of the encoder counts.
    unused = {n for n, _ in backend._codec.named_parameters() if n.startswith(("encoder.", "quant_conv."))}
    # Softmax ignores what is added to all keys alike.
    assert idle - unused == {"decoder.mid_block.attentions.0.to_k.bias"}
    assert unused <= idle


def test_full_size_networks_have_the_published_numbers_of_parameters() -> None:
    """Of fp16 files of 947 and 111 MB; every self-attention layer lies at the coarsest scale."""
    with torch.device("meta"):
        unet, vae = UNet2DConditionModel(**FULL_UNET), AutoencoderKL(**FULL_CODEC)
    assert (sum(p.numel() for p in unet.parameters()), len(unet.state_dict())) == (473_398_020, 687)
    assert (sum(p.numel() for p in vae.parameters()), len(vae.state_dict())) == (55_325_927, 204)
    layers = [layer for layer, _ in self_attention_layers(unet)]
    assert [(layer.block, layer.scale) for layer in layers] == [("down", 8)] * 2 + [("mid", 8)] + [("up", 8)] * 3


def test_levels_with_cross_attention_alone_give_no_layers() -> None:
    layers = small_sd_x4().layers
    assert [(layer.block, layer.scale) for layer in layers] == [("down", 4), ("mid", 4), ("up", 4), ("up", 4)]


def test_decoder_in_names_of_2022_is_read(folder: Path) -> None:
    """The published codec predates diffusers' present names of attention weights."""
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    old = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    fresh, weights = load("random-x4", CPU), load_file(path)
    for current, before in old.items():
        weights = {name.replace(current, before): tensor for name, tensor in weights.items()}
    assert sum(".query." in name for name in weights) == 4
    save_file(weights, path)
    seal(folder)
    aged = load("random-x4", CPU)
    condition = fresh.condition(low_frames(1, 8, 8))
    x = latent_noise(condition)
    assert torch.equal(fresh.decode(x, condition), aged.decode(x, condition))


def test_folder_of_another_pipeline_is_refused(folder: Path) -> None:
    index = folder / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"_class_name": "StableDiffusionPipeline"}))
    seal(folder)
    with pytest.raises(ModelError, match="StableDiffusionPipeline"):
        load("random-x4", CPU)


@pytest.mark.parametrize("name", ["low_res_scheduler/scheduler_config.json", "scheduler/scheduler_config.json"])
@pytest.mark.parametrize("change", [{"beta_schedule": "steep"}, {"beta_start": "0.1"}, {"num_train_timesteps": 40}])
def test_scheduler_that_cannot_be_made_is_a_model_error(folder: Path, name: str, change: dict[str, object]) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    seal(folder)
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
    for parts, fault in (((unet, wrong_codec), "the codec has"), ((few, vae), "levels"), ((narrow, vae), "width 8")):
        with pytest.raises(ModelError, match=fault):
            SdX4Backend(*parts, small_text(), SCHEDULER, LOW_RES_SCHEDULER, CPU)


def test_loading_leaves_the_global_generator_alone(folder: Path) -> None:
    before = torch.random.get_rng_state()
    load("random-x4", CPU)
    assert torch.equal(before, torch.random.get_rng_state())


def test_method_halves_the_warping_error_of_random_weights() -> None:
    """On a pan, with flow estimated from the pictures; per frame, the noise differs from frame to frame."""
    clip = pan(6, 40, 56, step=(1.5, -0.75))
    reference = ReferenceMotion([resize(frame, None, fx=4, fy=4, interpolation=INTER_CUBIC) for frame in clip])
    backend = small_sd_x4()
    backend.configure(steps=4, sampler="ddim", options={})

    def e_warp(method: MethodOptions) -> float:
        frames = [Frame(k, picture, None) for k, picture in enumerate(clip)]
        chunks = restore_clip(frames, backend, FlowSource(DisEstimator()), Settings(method, seed=SEED))
        return reference.warping_error([frame.picture for chunk in chunks for frame in chunk]).value

    # Random weights predict no two clean latents alike, so the warp trusts the mask alone, as the paper's does.
    method = MethodOptions(warp_tolerance=0, warp_strength=1, merge_max_scale=4)
    assert e_warp(method) <= 0.5 * e_warp(per_frame(method))


def test_result_can_be_enlarged_once_more() -> None:
    """How the paper comes to 8 and 16 times."""
    backend, low = small_sd_x4(), low_frames(1, 5, 7)
    backend.configure(steps=2, sampler="ddim", options={})
    for _ in range(2):
        condition = backend.condition(low)
        low = backend.decode(restore(backend, low, SEED, per_frame(MethodOptions())), condition).clamp(0, 1)
    assert low.shape == (1, 3, 80, 112) and low.std() > 0.05
