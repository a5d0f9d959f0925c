"""Restoration networks of others: told by their tensors alone, driven as our own are, refused where that cannot be."""

from __future__ import annotations

import importlib
import json
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from answerprint.backends.base import Backend
from answerprint.backends.fit import arrange_files, check
from answerprint.backends.generator.adapter import CONFIG, WEIGHTS, GeneratorBackend
from answerprint.backends.generator.foreign import ForeignNetwork
from answerprint.backends.load import load
from answerprint.errors import InputError, ModelError
from answerprint.weights.importing.import_model import import_model
from answerprint.weights.manifest import Manifest
from answerprint.weights.verify import verify_model
from backends.builders import CPU, low_frames
from backends.builders_generator import COMPACT, RRDB, RRDB_X2, small_network
from backends.contract import BackendContract
from vision import needs_vision, spandrel
from weights.place import convert

pytestmark = needs_vision

StateDict = dict[str, Tensor]


def made(architecture: str, **arguments: Any) -> StateDict:  # noqa: ANN401 - whatever the class takes
    """The tensors of a network of spandrel's, random; spandrel itself tells later what it is by nothing else."""
    spandrel()
    kind = getattr(importlib.import_module(f"spandrel.architectures.{architecture}"), architecture)
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(3)
        state: StateDict = kind(**arguments).state_dict()
    return state


def swinir() -> StateDict:
    """A small one that enlarges twice."""
    return made(
        "SwinIR", img_size=32, in_chans=3, embed_dim=12, depths=[2], num_heads=[2], window_size=8, mlp_ratio=2.0,
        upscale=2, upsampler="pixelshuffledirect",
    )  # fmt: skip


NETWORKS: dict[str, tuple[Callable[[], StateDict], int, str]] = {
    "x1": (lambda: made("DnCNN", in_nc=3, out_nc=3, nc=8, nb=4), 1, "DnCNN"),
    "x2": (swinir, 2, "SwinIR"),
    "x2, ESRGAN": (lambda: made("ESRGAN", num_filters=8, num_blocks=1, scale=2), 2, "ESRGAN"),
    "x3": (lambda: made("OmniSR", num_feat=16, res_num=1, block_num=1, up_scale=3, window_size=8), 3, "OmniSR"),
    "x4": (lambda: made("SPAN", num_in_ch=3, num_out_ch=3, feature_channels=8, upscale=4), 4, "SPAN"),
}


def fit(folder: Path, family: str, scale: int, cancelled: threading.Event, original: str = "") -> None:
    """`fit_in_child`, in this process: a child would not find spandrel, for it lies in a folder of the tests."""
    if original:
        arrange_files(folder, family, original)
    check(folder, family, scale)


def imported(state: StateDict, models: Path, name: str = "mine") -> Manifest:
    """The model that a user's checkpoint becomes."""
    source = models.parent / f"{name}.pth"
    torch.save({"params_ema": state}, source)
    said = Manifest(name, "", "1", "not said", f"imported from {source.name}", 0, ())
    return import_model([source], models, said, scales={"generator": 0}, convert=convert, fit=fit)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_checkpoint_becomes_a_model_that_draws_what_spandrel_draws(kind: str, models: Path) -> None:
    make, scale, about = NETWORKS[kind]
    state = make()
    sealed = imported(state, models)
    assert (sealed.family, sealed.scale) == ("generator", scale)
    assert sealed.summary.startswith(about) and "imported from mine.pth" in sealed.summary
    verify_model(models / "mine")
    config = json.loads((models / "mine" / CONFIG).read_text())
    assert (config["kind"], config["scale"]) == ("spandrel", scale)
    kept = load_file(models / "mine" / WEIGHTS)
    assert kept.keys() == state.keys() and all(torch.equal(kept[name], state[name]) for name in state)

    backend, low = load("mine", CPU), low_frames(2, 21, 30)
    condition = backend.condition(low)
    drawn = backend.decode(backend.predict(torch.zeros(2, *condition.latent_shape), 0, condition), condition)
    network = spandrel().ModelLoader().load_from_state_dict(state)
    network.eval()
    for k in range(2):
        assert (drawn[k] - network(low[k : k + 1])[0]).abs().max() <= 1e-5
    assert drawn.shape == (2, 3, scale * 21, scale * 30) and drawn.std() > 0.01


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_smallest_frames_are_drawn(kind: str) -> None:
    backend = GeneratorBackend(ForeignNetwork(NETWORKS[kind][0]()), CPU)
    condition = backend.condition(low_frames(1, 1, 1))
    drawn = backend.decode(backend.predict(torch.zeros(1, *condition.latent_shape), 0, condition), condition)
    assert drawn.shape[2:] == (backend.info.scale,) * 2 and bool(drawn.isfinite().all())


@pytest.mark.parametrize("config", [RRDB, RRDB_X2, {**RRDB, "scale": 1}, COMPACT])
def test_our_networks_draw_what_spandrel_draws_with_the_same_tensors(config: dict[str, Any], models: Path) -> None:
    """And they are imported as ours, so that nobody needs spandrel for them."""
    config = {**config, "growth": 32} if "growth" in config else config  # which spandrel takes for granted
    network, low = small_network(config), low_frames(1, 16, 24)
    theirs = spandrel().ModelLoader().load_from_state_dict(dict(network.state_dict()))
    theirs.eval()
    assert theirs.scale == config["scale"]
    assert (network(low).clamp(0, 1) - theirs(low)).abs().max() <= 1e-5
    sealed = imported(dict(network.state_dict()), models)
    assert sealed.scale == config["scale"]
    assert json.loads((models / "mine" / CONFIG).read_text())["kind"] == config["kind"]


REFUSED: dict[str, tuple[Callable[[], StateDict], str]] = {
    "a classifier": (
        lambda: {"conv1.weight": torch.ones(8, 3, 7, 7), "fc.weight": torch.ones(10, 8), "fc.bias": torch.ones(10)},
        "known restoration network",
    ),
    "an odd scale": (lambda: made("ESRGAN", num_filters=8, num_blocks=1, scale=8), "a scale of 8"),
    "grey": (lambda: made("ESRGAN", in_nc=1, out_nc=1, num_filters=8, num_blocks=1), "1 input and 1 output channels"),
    "with alpha": (lambda: made("ESRGAN", in_nc=4, out_nc=4, num_filters=8, num_blocks=1), "4 input and 4 output"),
    "not numbers": (
        lambda: {**small_network().state_dict(), "conv_hr.bias": torch.full((8,), float("inf"))},
        "NaN or infinite values in conv_hr.bias",
    ),
    "a part missing": (
        lambda: {k: v for k, v in swinir().items() if "layers.0.residual_group.blocks.1.mlp" not in k},
        "known restoration network",
    ),
    "of another shape": (
        lambda: {**swinir(), "conv_first.weight": torch.ones(7, 3, 3, 3)}, "known restoration network",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_network_of_the_wrong_kind_is_refused_with_what_it_is(kind: str, models: Path) -> None:
    make, said = REFUSED[kind]
    spandrel()
    with pytest.raises(ModelError, match=said.replace(".", r"\.")) as caught:
        imported(make(), models)
    assert caught.value.remedy and "\n" not in caught.value.message
    assert [path.name for path in models.iterdir()] == [".partial"]


def test_inpainting_needs_more_than_a_picture() -> None:
    with pytest.raises(ModelError, match="for Inpainting"):
        ForeignNetwork(made("LaMa"))


def test_single_precision_is_all_that_is_offered(models: Path) -> None:
    backend = GeneratorBackend(ForeignNetwork(swinir()), CPU)
    backend.configure(steps=1, sampler="one-step", options={"precision": "fp32"})
    with pytest.raises(InputError, match="32 bits") as caught:
        backend.configure(steps=1, sampler="one-step", options={"precision": "bf16"})
    assert caught.value.remedy


def test_half_a_files_numbers_are_computed_with_in_single_precision(models: Path) -> None:
    imported({name: each.half() if each.is_floating_point() else each for name, each in swinir().items()}, models)
    backend = load("mine", CPU)
    condition = backend.condition(low_frames(1, 8, 8))
    assert backend.predict(torch.zeros(1, *condition.latent_shape), 0, condition).dtype == torch.float32


def test_damaged_files_of_a_model_are_a_model_error(models: Path) -> None:
    from answerprint.weights.write_manifest import write_manifest

    imported(swinir(), models)
    save_file({"odd": torch.ones(2)}, models / "mine" / WEIGHTS)
    write_manifest(models / "mine")
    with pytest.raises(ModelError) as caught:
        load("mine", CPU)
    assert caught.value.remedy


def test_without_spandrel_the_remedy_is_told(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = swinir()
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(ModelError, match="spandrel and torchvision") as caught:
        imported(state, models)
    assert "pip install spandrel torchvision" in caught.value.remedy


@pytest.fixture(scope="module")
def backend() -> Backend:
    """A network of attention in windows."""
    return GeneratorBackend(ForeignNetwork(swinir()), CPU)


class TestForeignBackend(BackendContract):
    """It keeps every promise of a backend."""
