"""ldm_sr's networks have the published sizes, and are read from the names of either publication."""

from __future__ import annotations

import pytest
import torch
from diffusers import UNet2DModel, VQModel
from torch import nn

from answerprint.backends.attention import HookSlot, hook_attention
from answerprint.backends.ldm_sr.compvis import from_checkpoint
from answerprint.errors import ModelError
from backends.builders import small_codec, small_unet
from backends.builders_compvis import averages, original
from backends.published import LDM_CODEC, LDM_UNET

HEAD_DIM = 8


def published() -> tuple[UNet2DModel, VQModel]:
    """Full-size networks without memory."""
    with torch.device("meta"):
        return UNet2DModel(**LDM_UNET), VQModel(**LDM_CODEC)


def small() -> tuple[UNet2DModel, VQModel]:
    """Random weights, the same at each call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return small_unet().eval(), small_codec().eval()


def size_of(network: nn.Module) -> tuple[int, int]:
    """Tensors, and numbers in them."""
    state = network.state_dict()
    return len(state), sum(tensor.numel() for tensor in state.values())


def test_full_size_networks_have_the_published_sizes() -> None:
    unet, codec = published()
    assert size_of(unet) == (330, 113_622_563)
    assert size_of(codec) == (205, 55_322_782)
    layers = hook_attention(unet, HookSlot())
    assert [(layer.block, layer.scale) for layer in layers] == [("down", 8)] * 2 + [("mid", 8)] + [("up", 8)] * 3


def test_every_tensor_of_the_original_checkpoint_is_mapped_and_none_is_left_over() -> None:
    unet, codec = published()
    state = original(unet, codec)
    # Three tensors of each of six attention layers, weight and bias, are one there.
    assert len(state) == 330 + 205 - 6 * 2 * 2
    for name in (
        "model.diffusion_model.time_embed.2.bias",
        "model.diffusion_model.input_blocks.10.1.qkv.weight",
        "model.diffusion_model.middle_block.1.proj_out.weight",
        "model.diffusion_model.output_blocks.2.2.conv.weight",
        "model.diffusion_model.output_blocks.5.1.conv.weight",
        "model.diffusion_model.out.2.weight",
        "first_stage_model.encoder.down.1.downsample.conv.weight",
        "first_stage_model.decoder.up.2.block.2.conv1.weight",
        "first_stage_model.decoder.mid.attn_1.proj_out.weight",
        "first_stage_model.quantize.embedding.weight",
    ):
        assert name in state
    again = from_checkpoint({name: tensor.to("meta") for name, tensor in state.items()})
    for network, other in zip((unet, codec), again, strict=True):
        assert {n: t.shape for n, t in network.state_dict().items()} == {
            n: t.shape for n, t in other.state_dict().items()
        }


def test_weights_in_original_names_give_the_same_networks() -> None:
    unet, codec = small()
    training = {"model_ema.decay": torch.ones(()), "first_stage_model.loss.logvar": torch.ones(1)}
    found = from_checkpoint(original(unet, codec) | training, head_dim=HEAD_DIM, groups=8)
    for network, other in zip((unet, codec), found, strict=True):
        assert network.state_dict().keys() == other.state_dict().keys()
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, other.state_dict()[name]), name
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 6, 16, 16, generator=generator)
    with torch.no_grad():
        assert torch.equal(unet(x, 500).sample, found[0](x, 500).sample)
        assert torch.equal(codec.decode(x[:, :3]).sample, found[1].decode(x[:, :3]).sample)


def test_the_averages_are_taken_where_there_are_some_and_then_all_of_them() -> None:
    unet, codec = small()
    state = original(unet, codec)
    spoiled = {name: tensor + 1 if name.startswith("model.diff") else tensor for name, tensor in state.items()}
    found, _ = from_checkpoint(spoiled | averages(state), head_dim=HEAD_DIM, groups=8)
    for name, tensor in unet.state_dict().items():
        assert torch.equal(tensor, found.state_dict()[name]), name
    partial = averages(state)
    gone = "model_ema.diffusion_modelout2bias"
    del partial[gone]
    with pytest.raises(ModelError, match=gone):
        from_checkpoint(spoiled | partial, head_dim=HEAD_DIM, groups=8)


def test_packed_attention_is_what_the_original_computes() -> None:
    """CompVis' attention: one convolution gives, for each head in turn, its queries, keys and values."""
    unet, codec = small()
    attention = unet.mid_block.attentions[0]
    state = original(unet, codec)
    prefix = "model.diffusion_model.middle_block.1."
    weight, bias = state[prefix + "qkv.weight"], state[prefix + "qkv.bias"]
    h = torch.randn(2, weight.shape[1], 12, generator=torch.Generator().manual_seed(0))
    normed = nn.functional.group_norm(h, 8, state[prefix + "norm.weight"], state[prefix + "norm.bias"], 1e-5)
    packed_heads = nn.functional.conv1d(normed, weight, bias).reshape(-1, 3 * HEAD_DIM, 12)
    q, k, v = packed_heads.tensor_split(3, dim=1)
    share = torch.softmax(torch.einsum("bct,bcs->bts", q, k) / HEAD_DIM**0.5, -1)
    out = torch.einsum("bts,bcs->bct", share, v).reshape(h.shape)
    expected = h + nn.functional.conv1d(out, state[prefix + "proj_out.weight"], state[prefix + "proj_out.bias"])
    with torch.no_grad():
        assert (attention(h[..., None])[..., 0] - expected).abs().max() <= 1e-5


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model.diffusion_model.out.2.weight", r"out\.2\.weight"),
        ("model.diffusion_model.middle_block.0.in_layers.2.bias", r"mid_block\.resnets\.0\.conv1\.bias is missing"),
        ("first_stage_model.quantize.embedding.weight", r"quantize\.embedding\.weight"),
    ],
)
def test_a_missing_tensor_is_named(name: str, said: str) -> None:
    state = original(*small())
    del state[name]
    with pytest.raises(ModelError, match=said):
        from_checkpoint(state, head_dim=HEAD_DIM, groups=8)


def test_an_unknown_tensor_is_named() -> None:
    state = original(*small()) | {"model.diffusion_model.control.weight": torch.ones(1)}
    with pytest.raises(ModelError, match=r"control\.weight is unknown"):
        from_checkpoint(state, head_dim=HEAD_DIM, groups=8)


def test_another_models_checkpoint_is_refused() -> None:
    with pytest.raises(ModelError):
        from_checkpoint({"conv.weight": torch.ones(1)})
