"""Every tensor of DiffBIR's original files finds its place, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from answerprint.backends.diffbir import load_components
from answerprint.backends.diffbir.components import Components
from answerprint.errors import ModelError
from backends.builders_diffbir import (
    TEXT,
    UNET,
    VAE,
    Sizes,
    base_shapes,
    control_shapes,
    empty_weights,
    text_shapes,
    unet_shapes,
    vae_shapes,
)
from backends.influence import ROUNDING, gradients
from backends.report_diffbir import HEAD_DIM, checkpoint, predict, recorded, recorded_components, told

RECORDED = Sizes(unet=(64, 128, 64, 64), vae=(64, 128, 64, 64), text_width=32, text_blocks=3, words=1024)

ATTENTION = (True, True, True, False)
"""Levels that have it."""


def without_influence(network: nn.Module, originals: Mapping[str, Tensor], compute: Callable[[], Tensor]) -> list[str]:
    """Names of original tensors that are not in the memory of `network`, or do not count in `compute()`."""
    held = list(network.parameters())
    found = gradients(held, compute)
    counting = {
        each.untyped_storage().data_ptr()
        for each, gradient in zip(held, found, strict=True)
        if gradient > ROUNDING * max(found)
    }
    return [name for name, tensor in originals.items() if tensor.untyped_storage().data_ptr() not in counting]


class Sharing:
    """The recorded networks, with their tensors in hand."""

    def __init__(self) -> None:
        self.base, self.control = checkpoint("base_sd.npz"), checkpoint("control.npz")
        self.components = load_components(self.base, self.control, head_dim=HEAD_DIM)
        io = recorded()
        # Two cells across at the coarsest level: with one, attention would have nothing to choose from.
        self.x, self.condition = (io[name][:1, :, :8, :16] for name in ("x_t", "cond_latent"))
        self.t, self.text = io["timesteps"][:1], io["context"][:1]
        self.picture, self.tokens = io["image"][:1, :, :32, :32], io["clip_tokens"]

    def of(self, prefix: str, inside: str = "") -> dict[str, Tensor]:
        """The tensors of the base checkpoint under `prefix` that belong to `inside`."""
        return {name: t for name, t in self.base.items() if name.startswith(prefix + inside)}


@pytest.fixture(scope="module")
def shared() -> Sharing:
    return Sharing()


@torch.no_grad()
def test_every_tensor_of_the_unet_has_influence(shared: Sharing) -> None:
    c, s = shared.components, shared
    down, middle = c.controlnet(s.x, s.t, s.text, s.condition, return_dict=False)
    residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}

    def compute() -> Tensor:
        out: Tensor = c.unet(s.x, s.t, s.text, return_dict=False, **residuals)[0]
        return out

    state = {name.removeprefix(UNET): tensor for name, tensor in s.of(UNET).items()}
    assert len(state) == 686
    assert without_influence(c.unet, state, compute) == []


@torch.no_grad()
def test_every_tensor_of_the_controlnet_has_influence(shared: Sharing) -> None:
    c, s = shared.components, shared

    def compute() -> Tensor:
        down, middle = c.controlnet(s.x, s.t, s.text, s.condition, return_dict=False)
        return torch.cat([(part / part.norm()).flatten() for part in (*down, middle)])

    first = "input_blocks.0.0.weight"
    state = {name: tensor for name, tensor in s.control.items() if name != first}
    assert len(state) == 323
    assert without_influence(c.controlnet, state, compute) == []
    # The one tensor that is not shared: diffusers has it in two.
    other = load_components(s.base, {**s.control, first: s.control[first].flip(0)}, head_dim=HEAD_DIM)
    a, b = (predict(each, s.x, s.t, s.text, s.condition, 1.0) for each in (c, other))
    assert (a - b).norm() >= 1e-4 * a.norm()


@torch.no_grad()
def test_every_tensor_of_the_vae_has_influence(shared: Sharing) -> None:
    """But for the bias of attention's keys, which softmax takes out: it adds the same to all that it compares."""
    vae, s = shared.components.vae, shared
    for half, outer, compute in (
        ("encoder.", "quant_conv.", lambda: vae.encode(s.picture).latent_dist.parameters),
        ("decoder.", "post_quant_conv.", lambda: vae.decode(s.x[:, :, :4, :4]).sample),
    ):
        bias = f"{VAE}{half}mid.attn_1.k.bias"
        assert without_influence(vae, s.of(VAE, half) | s.of(VAE, outer), compute) == [bias]
        attention = getattr(vae, half[:-1]).mid_block.attentions[0]
        assert torch.equal(attention.to_k.bias, s.base[bias])


@torch.no_grad()
def test_every_tensor_of_the_text_encoder_has_influence(shared: Sharing) -> None:
    """But for those of the last block, and for what follows it: they are not read."""
    encoder, s = shared.components.text_encoder, shared
    state = s.of(TEXT)
    assert len(state) == 42
    unread = {name for name in state if name.startswith(TEXT + "transformer.resblocks.2.")}
    unread |= {TEXT + "text_projection", TEXT + "logit_scale"}
    read = {name: tensor for name, tensor in state.items() if name not in unread}
    assert without_influence(encoder, read, lambda: encoder(s.tokens)[0]) == []
    # The middle third of the packed bias is the keys', which softmax takes out.
    own = encoder.state_dict()
    for i in range(2):
        packed = state[f"{TEXT}transformer.resblocks.{i}.attn.in_proj_bias"]
        assert torch.equal(own[f"encoder.layers.{i}.self_attn.k_proj.bias"], packed.chunk(3)[1])


def test_names_and_shapes_that_tests_build_are_the_recorded_ones() -> None:
    ignored = ("betas", "alphas_cumprod")
    base = {name: tuple(t.shape) for name, t in checkpoint("base_sd.npz").items() if name not in ignored}
    control = {name: tuple(t.shape) for name, t in checkpoint("control.npz").items()}
    assert base_shapes(RECORDED) == base and control_shapes(RECORDED) == control


def test_full_size_networks_take_every_published_tensor() -> None:
    """Counts and millions of parameters as published; tensors without memory."""
    full = Sizes()
    counts = [len(shapes(full)) for shapes in (unet_shapes, vae_shapes, text_shapes, control_shapes)]
    assert counts == [686, 248, 294, 324]
    c = load_components(empty_weights(base_shapes(full)), empty_weights(control_shapes(full)))
    millions = {
        name: sum(p.numel() for p in network.parameters()) / 1e6
        for name, network in (("unet", c.unet), ("controlnet", c.controlnet), ("vae", c.vae))
    }
    assert millions == pytest.approx({"unet": 865.9, "controlnet": 363.2, "vae": 83.65}, abs=0.05)
    assert c.unet.config.attention_head_dim == (5, 10, 20, 20) == c.controlnet.config.attention_head_dim
    sizes = told("config.json")["full_size_original"]
    assert c.text_encoder.config.num_attention_heads == sizes["text"]["heads"]
    assert c.text_encoder.config.num_hidden_layers == sizes["text"]["layers"] - 1
    assert c.unet.config.cross_attention_dim == sizes["context_dim"]


def test_wrappings_and_extras_of_training_are_taken_off() -> None:
    plain = recorded_components()
    base, control = checkpoint("base_sd.npz"), checkpoint("control.npz")
    extras = {"model_ema.decay": torch.ones(()), "sqrt_alphas_cumprod": torch.ones(1000)}
    wrapped_base: dict[str, Any] = {"state_dict": base | extras, "global_step": 9}
    wrapped_control: dict[str, Any] = {"state_dict": {f"module.{name}": t for name, t in control.items()}}
    wrapped = load_components(wrapped_base, wrapped_control, head_dim=HEAD_DIM)
    assert _equal(plain, wrapped)


def _equal(a: Components, b: Components) -> bool:
    def tensors(c: Components) -> Iterator[Tensor]:
        for network in (c.unet, c.controlnet, c.vae, c.text_encoder):
            yield from network.state_dict().values()

    return all(torch.equal(x, y) for x, y in zip(tensors(a), tensors(b), strict=True))


@pytest.mark.parametrize(
    "name",
    [
        UNET + "middle_block.1.proj_out.bias",
        VAE + "decoder.mid.attn_1.q.weight",
        TEXT + "transformer.resblocks.1.attn.in_proj_weight",
        TEXT + "positional_embedding",
        "zero_convs.11.0.weight",
        "input_blocks.0.0.weight",
    ],
)
def test_missing_tensor_is_named_as_the_file_names_it(name: str) -> None:
    base, control = empty_weights(base_shapes(RECORDED)), empty_weights(control_shapes(RECORDED))
    (base if name in base else control).pop(name)
    with pytest.raises(ModelError) as caught:
        load_components(base, control, head_dim=HEAD_DIM)
    shown = name.removeprefix(UNET).removeprefix(VAE).removeprefix(TEXT)
    assert shown in caught.value.message and caught.value.remedy


@pytest.mark.parametrize(
    "name",
    [
        UNET + "label_emb.0.weight",
        UNET + "input_blocks.1.0.in_layers.1.weight",
        VAE + "encoder.down.3.downsample.conv.weight",
        TEXT + "transformer.resblocks.0.attn.bias_k",
        "input_hint_block.0.weight",
    ],
)
def test_unknown_tensor_is_named(name: str) -> None:
    base, control = empty_weights(base_shapes(RECORDED)), empty_weights(control_shapes(RECORDED))
    (base if name.startswith((UNET, VAE, TEXT)) else control)[name] = torch.empty(3, device="meta")
    shown = name.removeprefix(UNET).removeprefix(VAE).removeprefix(TEXT)
    with pytest.raises(ModelError, match=shown):
        load_components(base, control, head_dim=HEAD_DIM)


def test_tensor_of_another_shape_is_named() -> None:
    base, control = empty_weights(base_shapes(RECORDED)), empty_weights(control_shapes(RECORDED))
    base[UNET + "output_blocks.4.0.emb_layers.1.bias"] = torch.empty(63, device="meta")
    with pytest.raises(ModelError, match=r"output_blocks\.4\.0\.emb_layers\.1\.bias \(63,\)"):
        load_components(base, control, head_dim=HEAD_DIM)


def test_files_that_were_mixed_up_are_told() -> None:
    base, control = empty_weights(base_shapes(RECORDED)), empty_weights(control_shapes(RECORDED))
    for wrong in ((control, base), (base, base), ({}, control), (base, {})):
        with pytest.raises(ModelError):
            load_components(*wrong, head_dim=HEAD_DIM)


def test_head_width_that_does_not_fit_is_told() -> None:
    base, control = empty_weights(base_shapes(RECORDED)), empty_weights(control_shapes(RECORDED))
    with pytest.raises(ModelError, match="head_dim of 24"):
        load_components(base, control, head_dim=24)
    # 64 fits the UNet's channels here, and not the text's 32.
    with pytest.raises(ModelError, match="text encoder"):
        load_components(base, control)


def test_loading_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    recorded_components()
    assert torch.equal(before, torch.random.get_rng_state())
