"""LDM-SR's weights as CompVis names, packs and saves them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import UNet2DModel, VQModel
from torch import Tensor

from answerprint.backends.original_names import unet_modules, vae_modules

NETWORK = "model.diffusion_model."


def original(unet: UNet2DModel, codec: VQModel) -> dict[str, Tensor]:
    """The weights as CompVis names and packs them."""
    attention = [kind.startswith("Attn") for kind in unet.config.down_block_types]
    blocks = unet.config.layers_per_block
    state: dict[str, Tensor] = {}
    modules = {new: old for old, new in unet_modules(attention, blocks).items()}
    for name, tensor in unet.state_dict().items():
        state["model.diffusion_model." + placed(name, modules)] = tensor
    state = packed(state, int(unet.config.attention_head_dim))
    levels, blocks = len(codec.config.block_out_channels), codec.config.layers_per_block
    modules = {new: old for old, new in vae_modules(levels, blocks).items()} | {"quantize": "quantize"}
    for name, tensor in codec.state_dict().items():
        of_attention = "mid_block.attentions" in name and tensor.ndim == 2
        state["first_stage_model." + placed(name, modules)] = tensor[:, :, None, None] if of_attention else tensor
    return state


def placed(name: str, modules: Mapping[str, str]) -> str:
    """`name` with the longest module it begins with replaced."""
    module = max((m for m in modules if name == m or name.startswith(m + ".")), key=len)
    return modules[module] + name.removeprefix(module)


def packed(state: dict[str, Tensor], head_dim: int) -> dict[str, Tensor]:
    """Query, key and value in one convolution, head by head."""
    out: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if ".to_k." in name or ".to_v." in name:
            continue
        if ".to_q." in name:
            parts = [state[name.replace(".to_q.", f".{to}.")] for to in ("to_q", "to_k", "to_v")]
            heads = [part.reshape(-1, head_dim, *part.shape[1:]) for part in parts]
            joined = torch.stack(heads, 1).flatten(0, 2)
            out[name.replace(".to_q.", ".qkv.")] = joined[..., None] if joined.ndim == 2 else joined
        elif ".to_out.0." in name:
            out[name.replace(".to_out.0.", ".proj_out.")] = tensor[..., None] if tensor.ndim == 2 else tensor
        else:
            out[name.replace(".group_norm.", ".norm.")] = tensor
    return out


def averages(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The network's tensors of `state` under the names that their moving averages have."""
    return {
        "model_ema." + name.removeprefix("model.").replace(".", ""): tensor
        for name, tensor in state.items()
        if name.startswith(NETWORK)
    }


def save_checkpoint(path: Path, averaged: UNet2DModel, codec: VQModel, ends: tuple[float, float]) -> None:
    """Save a checkpoint whose averages are those of `averaged`; its network itself is another one.

    ends: the first and the last beta.
    """
    weights = original(averaged, codec)
    trained = {name: tensor + 1 if name.startswith(NETWORK) else tensor for name, tensor in weights.items()}
    betas = torch.linspace(ends[0] ** 0.5, ends[1] ** 0.5, 1000, dtype=torch.float64) ** 2
    schedule = {"betas": betas.float(), "alphas_cumprod": torch.cumprod(1 - betas, 0).float()}
    ema = {"model_ema.decay": torch.tensor(0.9999), "model_ema.num_updates": torch.tensor(7, dtype=torch.int32)}
    state = {**schedule, **trained, **ema, **averages(weights)}
    torch.save({"epoch": 3, "global_step": 7, "state_dict": state, "optimizer_states": [{"state": {}}]}, path)
