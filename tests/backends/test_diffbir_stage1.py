"""The first restoration: its three networks from their original layouts, and DiffBIR behind them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from answerprint.backends.diffbir import stage1
from answerprint.backends.diffbir.stage1 import Enlarger, StageOne, load_first_stage
from answerprint.backends.load import load
from answerprint.errors import ModelError
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU, low_frames
from backends.builders_diffbir import small_diffbir, write_diffbir
from backends.contract import restore
from vision import needs_vision, spandrel

# SwinIR of spandrel calls torch.meshgrid as it was called once.
pytestmark = pytest.mark.filterwarnings("ignore:torch.meshgrid:UserWarning")

StateDict = dict[str, Tensor]

WIDTH, GROWTH, BLOCKS = 8, 32, 2
"""Of the small BSRNet; the published one has 64, 32 and 23, and spandrel takes 32 for granted."""


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(5)


def bsrnet() -> StateDict:
    """A small BSRNet, with the names that its file has."""
    state: StateDict = {}

    def conv(name: str, outer: int, inner: int) -> None:
        state[f"{name}.weight"] = torch.randn(outer, inner, 3, 3) * (0.5 / inner) ** 0.5
        state[f"{name}.bias"] = 0.1 * torch.randn(outer)

    conv("conv_first", WIDTH, 3)
    for i in range(BLOCKS):
        for j in (1, 2, 3):
            for k in range(5):
                conv(f"RRDB_trunk.{i}.RDB{j}.conv{k + 1}", GROWTH if k < 4 else WIDTH, WIDTH + k * GROWTH)
    for name in ("trunk_conv", "upconv1", "upconv2", "HRconv"):
        conv(name, WIDTH, WIDTH)
    conv("conv_last", 3, WIDTH)
    return state


def by_bsrnet(state: StateDict, x: Tensor) -> Tensor:
    """What a BSRNet computes (RRDBNet of Wang et al. 2018, ESRGAN), written out."""

    def conv(name: str, z: Tensor) -> Tensor:
        return F.conv2d(z, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    def active(name: str, z: Tensor) -> Tensor:
        return F.leaky_relu(conv(name, z), 0.2)

    def dense(name: str, z: Tensor) -> Tensor:
        seen = [z]
        for k in range(1, 5):
            seen.append(active(f"{name}.conv{k}", torch.cat(seen, 1)))
        return z + 0.2 * conv(f"{name}.conv5", torch.cat(seen, 1))

    first = z = conv("conv_first", x)
    for i in range(BLOCKS):
        inner = z
        for j in (1, 2, 3):
            inner = dense(f"RRDB_trunk.{i}.RDB{j}", inner)
        z = z + 0.2 * inner
    z = first + conv("trunk_conv", z)
    for name in ("upconv1", "upconv2"):
        z = active(name, F.interpolate(z, scale_factor=2, mode="nearest"))
    return conv("conv_last", active("HRconv", z)).clamp(0, 1)


def scunet() -> StateDict:
    """A small SCUNet: one block at each of its seven places, where the published one has four."""
    spandrel()
    kind = importlib.import_module("spandrel.architectures.SCUNet").SCUNet
    state: StateDict = kind(in_nc=3, config=[1] * 7, dim=64, drop_path_rate=0.0).state_dict()
    return state


def swinir() -> StateDict:
    """A small SwinIR on pixels unshuffled by 8, whose first convolution stands behind the unshuffling."""
    spandrel()
    kind = importlib.import_module("spandrel.architectures.SwinIR").SwinIR
    state: StateDict = kind(
        img_size=64, in_chans=3, embed_dim=12, depths=[2, 2], num_heads=[2, 2], window_size=8, mlp_ratio=2.0,
        upscale=8, upsampler="nearest+conv", start_unshuffle=8,
    ).state_dict()  # fmt: skip
    return {name.replace("conv_first.", "conv_first.1."): tensor for name, tensor in state.items()}


NETWORKS: dict[str, tuple[Callable[[], StateDict], int]] = {
    "sr": (bsrnet, 4),
    "denoise": (scunet, 1),
    "face": (swinir, 1),
}


@needs_vision
def test_bsrnet_computes_what_its_definition_says() -> None:
    spandrel()
    state, picture = bsrnet(), low_frames(1, 12, 18)
    stage = load_first_stage(state, CPU)
    ours, theirs = stage(picture, 4), by_bsrnet(state, picture)
    assert theirs.std() > 0.05
    assert (ours - theirs).abs().max() <= 1e-5


@needs_vision
@pytest.mark.parametrize("task", NETWORKS)
def test_network_of_every_task_is_known_by_its_layout(task: str) -> None:
    spandrel()
    make, factor = NETWORKS[task]
    stage = load_first_stage(make(), CPU)
    assert isinstance(stage, StageOne) and stage.factor == factor
    picture = low_frames(1, 42, 50)
    for scale in (1, 2, 4):
        restored = stage(picture, scale)
        assert restored.shape == (1, 3, 42 * scale, 50 * scale)
        assert 0 <= restored.min() <= restored.max() <= 1 and not restored.is_inference()


@needs_vision
@pytest.mark.parametrize("task", NETWORKS)
def test_second_stage_is_told_what_the_first_restored(task: str) -> None:
    spandrel()
    make, factor = NETWORKS[task]
    stage = load_first_stage(make(), CPU)
    backend = small_diffbir(first_stage={task: stage}.__getitem__)
    backend.configure(steps=2, sampler="ddpm-spaced", options={"task": task})
    low = low_frames(2, 16, 24)
    condition = backend.condition(low)
    for k in range(2):
        assert torch.equal(condition.picture[k : k + 1], stage(low[k : k + 1], factor))
    latent = restore(backend, low, 3, per_frame(MethodOptions()))
    picture = backend.decode(latent, condition)
    assert picture.shape == (2, 3, 16 * factor, 24 * factor) and bool(picture.isfinite().all())

    backend.configure(steps=2, sampler="ddpm-spaced", options={"task": task, "stage1": "none"})
    assert not torch.equal(backend.condition(low).latent, condition.latent)


@needs_vision
def test_files_of_a_model_folder_are_read_when_their_task_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spandrel()
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    folder = tmp_path / "models" / "random-x4"
    write_diffbir(folder)
    (folder / "stage1").mkdir()
    save_file(bsrnet(), folder / "stage1" / "sr.safetensors")
    save_file({"weight": torch.zeros(3)}, folder / "stage1" / "face.safetensors")
    write_manifest(folder)
    backend = load("random-x4", CPU)
    backend.configure(steps=2, sampler="ddim", options={})
    with pytest.raises(ModelError, match="do not belong to a known network") as caught:
        backend.configure(steps=2, sampler="ddim", options={"task": "face"})
    assert "stage1=none" in caught.value.remedy


@needs_vision
def test_weights_that_make_no_network_are_a_model_error() -> None:
    spandrel()
    for damage in ({"conv_last.weight": torch.zeros(3, 5, 3, 3)}, {"trunk_conv.bias": torch.zeros(2)}):
        with pytest.raises(ModelError) as caught:
            load_first_stage(bsrnet() | damage, CPU)
        assert caught.value.remedy


def test_without_spandrel_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(ModelError, match="spandrel and torchvision") as caught:
        load_first_stage(bsrnet(), CPU)
    assert "stage1=none" in caught.value.remedy


def test_large_pictures_are_restored_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network sees no more than a window at once; with what reaches less far than the overlap nothing shows."""
    seen = []

    def network(part: Tensor) -> Tensor:
        seen.append(part.shape[2:])
        return F.interpolate(F.avg_pool2d(part, 3, 1, 1, count_include_pad=False), scale_factor=2, mode="nearest")

    stage, picture = StageOne(network, 2), low_frames(1, 40, 60)
    whole = stage(picture, 2)
    monkeypatch.setattr(stage1, "_WINDOW_PX", 24)
    monkeypatch.setattr(stage1, "_OVERLAP_PX", 16)
    parted = stage(picture, 2)
    assert set(seen[1:]) == {(24, 24)}
    # Weights begin at 1/17 on the borders of windows, where alone they see less.
    assert (parted - whole).abs().max() <= 0.1 and (parted - whole).abs().mean() <= 1e-2


def test_enlarging_alone_keeps_values_in_range() -> None:
    picture = (low_frames(1, 9, 13) > 0.5).float()
    large = Enlarger()(picture, 4)
    assert large.shape == (1, 3, 36, 52) and large.min() >= 0 and large.max() <= 1
    assert torch.equal(Enlarger()(picture, 1), picture)
