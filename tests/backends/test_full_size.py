"""Full-size networks take every tensor of the published files, and have attention where it was published."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel, UNet2DModel
from torch import nn

from answerprint.backends.attention import HookSlot, hook_attention, self_attention_layers
from backends.builders_sd_x4 import FULL_CODEC, FULL_UNET
from backends.published import LDM_UNET, MARIGOLD_UNET, SD2_CODEC, aged
from backends.report_full_size import File, files


@pytest.fixture(scope="module")
def published() -> list[File]:
    return list(files())


def test_every_published_tensor_finds_its_place(published: list[File]) -> None:
    for file in published:
        assert file.unplaced() == "", (file.family, file.part)
        assert len(file.published) == file.tensors, (file.family, file.part)


def test_what_is_missing_or_left_over_is_found(published: list[File]) -> None:
    for file in published:
        name = next(iter(file.published))
        fewer = {other: tensor for other, tensor in file.published.items() if other != name}
        assert replace(file, published=fewer).unplaced(), (file.family, file.part)
        more = {**file.published, f"{name}.more": file.published[name]}
        assert replace(file, published=more).unplaced(), (file.family, file.part)


def test_names_of_2022_are_others() -> None:
    """In six layers of attention with four linear parts, each of which has weight and bias."""
    with torch.device("meta"):
        now = UNet2DModel(**LDM_UNET).state_dict()
    assert len(set(aged(now)) - set(now)) == 6 * 4 * 2


def _size(network: nn.Module) -> tuple[int, int]:
    """Tensors, and numbers in them."""
    state = network.state_dict()
    return len(state), sum(tensor.numel() for tensor in state.values())


def test_sd_x4_has_the_published_sizes_and_attends_at_the_coarsest_scale_alone() -> None:
    """Of fp16 files of 947 and 111 MB."""
    with torch.device("meta"):
        unet, vae = UNet2DConditionModel(**FULL_UNET), AutoencoderKL(**FULL_CODEC)
    assert _size(unet) == (687, 473_398_020)
    assert _size(vae) == (204, 55_325_927)
    layers = [layer for layer, _ in self_attention_layers(unet)]
    assert [(layer.block, layer.scale) for layer in layers] == [("down", 8)] * 2 + [("mid", 8)] + [("up", 8)] * 3


def test_marigold_has_the_published_sizes_and_attends_at_every_scale() -> None:
    """Those of Stable Diffusion 2 with a wider entry."""
    with torch.device("meta"):
        unet, codec = UNet2DConditionModel(**MARIGOLD_UNET), AutoencoderKL(**SD2_CODEC)
    entry = 4 * 320 * 3 * 3
    assert _size(unet) == (686, 865_910_724 + entry)
    assert _size(codec) == (248, 83_653_863)
    layers = hook_attention(unet, HookSlot())
    assert len(layers) == 16
    assert {(layer.block, layer.scale) for layer in layers} == {
        (block, scale) for block in ("down", "up") for scale in (1, 2, 4)
    } | {("mid", 8)}
