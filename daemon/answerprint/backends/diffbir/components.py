"""Build diffusers and transformers networks from the tensors of the original checkpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from answerprint.backends.diffbir.sizes import LayerShapes, read_encoder, text_config, vae_config
from answerprint.backends.original_names import (
    Modules,
    controlnet_modules,
    rename,
    text_modules,
    unet_modules,
    vae_modules,
)
from answerprint.errors import ModelError

__all__ = ["BASE_PARTS", "Components", "build"]

StateDict = Mapping[str, Tensor]

BASE_PARTS = {
    "unet": "model.diffusion_model.",
    "vae": "first_stage_model.",
    "text": "cond_stage_model.model.",
}
"""Name prefixes of the networks in a Stable Diffusion 2.1 checkpoint."""

_WRONG_FILE = "Choose the right file, or download it again from its source."
_SHOWN = 5
"""Maximum number of names in a message."""

_PACKED = re.compile(r"\.in_proj_(weight|bias)$")
_PARTED = re.compile(r"\.[qkv]_proj\.(weight|bias)$")


@dataclass(frozen=True, slots=True)
class Components:
    """The networks of DiffBIR's second stage, called as diffusers calls them."""

    unet: UNet2DConditionModel
    """Predicts noise (v2) or velocity (v2.1) from x_t [B, 4, h, w], t, text and the ControlNet's residuals."""
    controlnet: ControlNetModel
    """Its `controlnet_cond` is the condition latent [B, 4, h, w], scaled as x_t is."""
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    """Its last hidden state [B, 77, C] is the penultimate block's output after the final norm."""


def build(base: StateDict, control: StateDict, *, head_dim: int) -> Components:
    """See `load_components`."""
    base, control = _unwrapped(base), _unwrapped(control)
    parts = {part: _under(prefix, base) for part, prefix in BASE_PARTS.items()}
    for part, prefix in BASE_PARTS.items():
        if not parts[part]:
            raise ModelError(f"The base checkpoint has no tensors under {prefix}.", _WRONG_FILE)
    return Components(
        unet=_unet(parts["unet"], head_dim),
        controlnet=_controlnet(control, head_dim),
        vae=_vae(parts["vae"]),
        text_encoder=_text_encoder(parts["text"], head_dim),
    )


def _unet(state: StateDict, head_dim: int) -> UNet2DConditionModel:
    shapes = LayerShapes("The UNet", state)
    encoder = read_encoder(shapes)
    config = encoder.unet_config(head_dim, shapes.of("out.2.weight", 4)[0])
    with torch.device("meta"):
        network = UNet2DConditionModel(**config)
    return _filled(network, state, unet_modules(encoder.attention, encoder.blocks), shapes.what)


def _controlnet(state: StateDict, head_dim: int) -> ControlNetModel:
    """The original's first convolution takes latent and condition concatenated; diffusers' has two convolutions."""
    shapes = LayerShapes("The ControlNet", state)
    encoder = read_encoder(shapes)
    if encoder.in_channels % 2:
        raise ModelError(f"{shapes.what} has {encoder.in_channels} input channels, not two latents.", _WRONG_FILE)
    half = encoder.in_channels // 2
    config = encoder.config(head_dim) | {"in_channels": half, "conditioning_channels": half}
    with torch.device("meta"):
        # Dummy channels: the condition's embedding is replaced on the next line.
        network = ControlNetModel(**config, conditioning_embedding_out_channels=(16,))
        network.controlnet_cond_embedding = nn.Conv2d(half, encoder.widths[0], 3, padding=1, bias=False)
    weight = "input_blocks.0.0.weight"
    parted = {**state, weight: state[weight][:, :half], "condition.weight": state[weight][:, half:]}
    modules = {**controlnet_modules(encoder.attention, encoder.blocks), "condition": "controlnet_cond_embedding"}
    return _filled(network, parted, modules, shapes.what)


def _vae(state: StateDict) -> AutoencoderKL:
    shapes = LayerShapes("The VAE", state)
    config = vae_config(shapes)
    with torch.device("meta"):
        network = AutoencoderKL(**config)
    modules = vae_modules(len(config["block_out_channels"]), config["layers_per_block"])
    return _filled(network, state, modules, shapes.what)


def _text_encoder(state: StateDict, head_dim: int) -> CLIPTextModel:
    """The last block and the projection to the image space are unused, so they are left out."""
    shapes = LayerShapes("The text encoder", state)
    config = text_config(shapes, head_dim)
    layers = config["num_hidden_layers"]
    unread = ("text_projection", "logit_scale", f"transformer.resblocks.{layers}.")
    parted: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if name.startswith(unread):
            continue
        if _PACKED.search(name):
            for part, rows in zip("qkv", tensor.chunk(3), strict=True):
                parted[_PACKED.sub(rf".{part}_proj.\1", name)] = rows
        else:
            parted[name] = tensor
    with torch.device("meta"):
        network = CLIPTextModel(CLIPTextConfig(**config))
    _filled(network, parted, text_modules(layers), shapes.what)
    # Positions 0..76 are not weights, so they are not loaded.
    network.embeddings.register_buffer(
        "position_ids", torch.arange(config["max_position_embeddings"])[None], persistent=False
    )
    return network


def _unwrapped(state: Mapping[str, Any]) -> StateDict:
    """The tensors, without wrappers of the training code."""
    while isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def _under(prefix: str, state: StateDict) -> StateDict:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _filled(network: Any, state: StateDict, modules: Modules, what: str) -> Any:  # noqa: ANN401 - diffusers has no types
    """Fill `network`, created on the meta device, with the tensors of `state`, for inference."""
    network.load_state_dict(_translated(state, network.state_dict(), modules, what), strict=True, assign=True)
    return network.eval().requires_grad_(False)


def _translated(state: StateDict, wanted: StateDict, modules: Modules, what: str) -> dict[str, Tensor]:
    """`state` in float32, with the names and shapes of `wanted`. Raises ModelError for mismatches."""
    found: dict[str, Tensor] = {}
    unknown, unfit = [], []
    for name, tensor in state.items():
        new = rename(name, modules)
        if new is None or new not in wanted:
            unknown.append(name)
            continue
        shape = wanted[new].shape
        if tensor.ndim == 4 and len(shape) == 2 and tensor.shape[2:] == (1, 1):
            tensor = tensor[:, :, 0, 0]  # diffusers has linear layers where the original has 1 x 1 convolutions
        if tensor.shape != shape:
            unfit.append(f"{name} {tuple(tensor.shape)}")
        found[new] = tensor.to(torch.float32).contiguous()
    original = {new: name for name, new in modules.items()}
    missing = sorted({_original(name, original) for name in wanted if name not in found})
    for names, fault in ((missing, "lacks"), (unknown, "has unknown tensors:"), (unfit, "has tensors of odd shape:")):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            raise ModelError(f"{what} {fault} {', '.join(names[:_SHOWN])}{more}.", _WRONG_FILE)
    return found


def _original(name: str, modules: Modules) -> str:
    """The original name of the network's tensor `name`."""
    return _PARTED.sub(r".in_proj_\1", rename(name, modules) or name)
