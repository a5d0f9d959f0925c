"""One-step generators draw what their makers' programs draw, whatever form the weights came in."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor

from answerprint.backends.catalogue import find_model
from answerprint.backends.generator import network
from answerprint.backends.generator.adapter import WEIGHTS, GeneratorBackend
from answerprint.backends.generator.layouts import own_config, renamed
from answerprint.backends.generator.network import GeneratorNetwork, RRDBNetwork
from answerprint.backends.load import load
from answerprint.errors import InputError, ModelError
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.temporal.tiling import plan_windows
from answerprint.weights.packaged.package import folder_of
from answerprint.weights.published_models import known_models
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU, low_frames
from backends.builders_generator import COMPACT, RRDB, RRDB_X2, small_generator, small_network, write_generator
from backends.by_ncnn import draw
from backends.contract import restore
from backends.influence import without_influence

PACKAGED = sorted(name for name, model in known_models().items() if model.package is not None)
CONFIGS = {"rrdb": RRDB, "rrdb x2": RRDB_X2, "rrdb x1": {**RRDB, "scale": 1}, "compact": COMPACT}


def restored(backend: GeneratorBackend, low: Tensor) -> Tensor:
    """Pictures of `low`, frame by frame."""
    return backend.decode(restore(backend, low, 0, per_frame(MethodOptions())), backend.condition(low))


def photographs() -> list[Tensor]:
    """Two crops [3, 32, 48] in [0, 1]."""
    pictures = (data.chelsea()[100:132, 150:198], data.coffee()[180:212, 300:348])
    return [torch.from_numpy(each.copy()).permute(2, 0, 1).float() / 255 for each in pictures]


@pytest.mark.skipif(importlib.util.find_spec("ncnn") is None, reason="ncnn, of the extra dev, is not installed")
@pytest.mark.parametrize("name", PACKAGED)
def test_model_from_the_package_draws_what_ncnn_draws(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    package = known_models()[name].package
    assert package is not None
    place = folder_of(package)
    assert place is not None
    backend = load(name, CPU)
    assert isinstance(backend, GeneratorBackend)
    for low in photographs():
        wanted = draw(place / package.files[0].name, place / package.files[1].name, low)
        assert wanted.std() > 0.05
        assert (restored(backend, low[None])[0] - wanted).abs().max() <= 0.02 / 255


def test_rrdb_computes_what_its_papers_say() -> None:
    """ESRGAN (Wang et al. 2018), Fig. 4 and Sec. 3.1, written out; beta is .2."""
    state = small_network().state_dict()

    def conv(name: str, x: Tensor) -> Tensor:
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    def dense(name: str, x: Tensor) -> Tensor:
        seen = [x]
        for k in range(1, 5):
            seen.append(F.leaky_relu(conv(f"{name}.conv{k}", torch.cat(seen, 1)), 0.2))
        return x + 0.2 * conv(f"{name}.conv5", torch.cat(seen, 1))

    low = low_frames(1, 9, 13)
    first = x = conv("conv_first", low)
    for block in range(RRDB["blocks"]):
        inner = x
        for k in (1, 2, 3):
            inner = dense(f"body.{block}.rdb{k}", inner)
        x = x + 0.2 * inner
    x = first + conv("conv_body", x)
    for name in ("conv_up1", "conv_up2"):
        x = F.leaky_relu(conv(name, F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
    wanted = conv("conv_last", F.leaky_relu(conv("conv_hr", x), 0.2))
    assert wanted.std() > 0.05
    assert (restored(small_generator(), low) - wanted).abs().max() <= 1e-5


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_tensor_counts(config: dict[str, Any]) -> None:
    net, low = small_network(config), low_frames(1, 8, 12)
    assert without_influence(net, lambda: net(low)) == set()


def old_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As ESRGAN of 2018 and BSRNet have them."""
    new = {"conv_body": "trunk_conv", "body.": "RRDB_trunk.", ".rdb": ".RDB", "conv_up": "upconv", "conv_hr": "HRconv"}
    return {_replaced(name, new): tensor for name, tensor in state.items()}


def oldest_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As the first files of ESRGAN have them: modules in a row."""
    row = {"conv_first": 0, "conv_up1": 3, "conv_up2": 6, "conv_hr": 8, "conv_last": 10}
    new = {name: f"model.{number}" for name, number in row.items()}
    new |= {"conv_body": f"model.1.sub.{RRDB['blocks']}", "body.": "model.1.sub.", ".rdb": ".RDB"}
    inner = {f"conv{k}.": f"conv{k}.0." for k in range(1, 6)}
    return {_replaced(name, new | inner if "rdb" in name else new): tensor for name, tensor in state.items()}


def _replaced(name: str, new: Mapping[str, str]) -> str:
    for old, now in new.items():
        name = name.replace(old, now)
    return name


@pytest.mark.parametrize("write", [dict, old_names, oldest_names])
def test_names_of_every_time_lead_to_the_same_network(
    write: Callable[[Mapping[str, Tensor]], dict[str, Tensor]],
) -> None:
    state = small_network().state_dict()
    written = write(state)
    assert (written.keys() == state.keys()) == (write is dict)
    found = renamed(written)
    assert found.keys() == state.keys() and all(torch.equal(found[name], state[name]) for name in state)
    assert own_config(found) == RRDB


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_network_of_ours_is_told_by_its_tensors(config: dict[str, Any]) -> None:
    state = small_network(config).state_dict()
    assert own_config(state) == config
    GeneratorNetwork.from_config(own_config(state) or {}).load_state_dict(state)
    last = list(state)[-1]
    assert own_config({name: tensor for name, tensor in state.items() if name != last}) is None
    assert own_config(state | {"more": torch.zeros(1)}) is None


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_tiles_draw_what_the_whole_draws_but_for_their_rims(config: dict[str, Any]) -> None:
    """A tile is exact as far from its rim as the network sees: 20 pixels of the size at which one block works."""
    backend = small_generator({**config, "blocks": 1} if "blocks" in config else config)
    multiple = backend.info.multiple_of
    reach = 20 * multiple
    tile, height, width = 2 * reach + 16, 3 * reach + 32, 2 * reach + 24
    condition = backend.condition(low_frames(1, height, width))
    noise = torch.zeros(1, *condition.latent_shape)
    whole = backend.predict(noise, 0, condition)
    parts = plan_windows(height, width, tile, 8, multiple)
    assert len(parts) > 2
    for part in parts:
        rows, columns = slice(part.top, part.top + part.height), slice(part.left, part.left + part.width)
        own, there = backend.predict(noise[:, :, rows, columns], 0, condition.crop(part)), whole[:, :, rows, columns]
        top, left = (reach if at else 0 for at in (part.top, part.left))
        bottom = part.height - (reach if part.top + part.height < height else 0)
        right = part.width - (reach if part.left + part.width < width else 0)
        assert (own - there)[:, :, top:bottom, left:right].abs().max() <= 1e-5
        assert (own - there).abs().max() > 1e-4, "a rim shows, or the test looks at nothing"


@pytest.mark.parametrize("cells", [40 * 8, 40 * 13, 40 * 60])
def test_bands_in_which_features_are_enlarged_do_not_show(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame is one band by itself; smaller ones see as far beyond their rims as the convolutions need."""
    net, low = small_network(), low_frames(1, 61, 40)
    whole, seen = net(low), []
    assert isinstance(net, RRDBNetwork)
    net.conv_hr.register_forward_hook(lambda module, given, drawn: seen.append(drawn.shape[2] // 4))
    monkeypatch.setattr(network, "_BAND_CELLS", cells)
    assert (net(low) - whole).abs().max() <= 1e-6
    assert len(seen) == -(-61 // (cells // 40)) > 1 and max(seen) <= cells // 40 + 4


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (2, 8192)])
def test_the_smallest_and_the_widest_frames_are_drawn(config: dict[str, Any], size: tuple[int, int]) -> None:
    backend = small_generator(config)
    picture = restored(backend, low_frames(2, *size))
    assert picture.shape == (2, 3, backend.info.scale * size[0], backend.info.scale * size[1])
    assert bool(picture.isfinite().all())


def test_values_that_are_no_numbers_become_black_and_spread_no_further() -> None:
    low = low_frames(1, 12, 12)
    black = low.clone()
    low[0, :, 3, 4], black[0, :, 3, 4] = float("nan"), 0.0
    backend = small_generator()
    assert torch.equal(restored(backend, low), restored(backend, black))


def test_sixteen_bits_draw_nearly_the_same_and_thirty_two_again_the_very_same() -> None:
    backend, low = small_generator(COMPACT), low_frames(1, 16, 16)
    exact = restored(backend, low)
    backend.configure(steps=1, sampler="one-step", options={"precision": "bf16"})
    rounded = restored(backend, low)
    assert rounded.dtype == torch.float32 and 0 < (rounded - exact).abs().max() <= 0.05
    backend.configure(steps=1, sampler="one-step", options={"precision": "fp32"})
    assert torch.equal(restored(backend, low), exact)


def test_more_than_one_step_is_refused() -> None:
    for steps, sampler in ((2, "one-step"), (1, "ddim")):
        with pytest.raises(InputError) as caught:
            small_generator().configure(steps=steps, sampler=sampler, options={})
        assert caught.value.remedy


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_the_catalogue_knows_the_scale_of_each_model(
    scale: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent reckons sizes and memory by the entry, before any network is loaded."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    write_generator(tmp_path / "models" / "mine", {**COMPACT, "scale": scale})
    told, loaded = find_model("mine").info, load("mine", CPU).info
    assert told == loaded
    assert (told.scale, told.latent_factor, told.latent_channels) == (scale, scale, 3 * scale**2)


def test_weights_that_are_no_numbers_are_refused_when_they_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file, save_file

    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    folder = tmp_path / "models" / "mine"
    write_generator(folder)
    state = load_file(folder / WEIGHTS)
    state["conv_hr.bias"][3] = float("nan")
    save_file(state, folder / WEIGHTS)
    write_manifest(folder)
    with pytest.raises(ModelError, match=r"NaN or infinite values in conv_hr\.bias") as caught:
        load("mine", CPU)
    assert caught.value.remedy


@pytest.mark.parametrize("config", ['{"kind": "odd"}', '{"kind": "rrdb", "width": 3}', "{}", '{"kind": "compact"}'])
def test_a_configuration_of_another_network_is_refused(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    write_generator(tmp_path / "models" / "mine")
    (tmp_path / "models" / "mine" / "config.json").write_text(config)
    write_manifest(tmp_path / "models" / "mine")
    with pytest.raises(ModelError) as caught:
        load("mine", CPU)
    assert caught.value.remedy
