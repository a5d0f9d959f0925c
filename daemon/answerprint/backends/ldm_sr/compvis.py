"""Build LDM-SR's networks from the tensors of the original CompVis checkpoint.

The checkpoint has the network under `model.diffusion_model.` and the codec under `first_stage_model.`. The exponential
moving average (EMA) of the network, which the original code samples with, is under `model_ema.`, with names without
dots. The rest (schedules, losses) is training state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from diffusers import UNet2DModel, VQModel
from torch import Tensor, nn

from answerprint.backends.original_names import Modules, rename, unet_modules, vae_modules
from answerprint.errors import ModelError

__all__ = ["from_checkpoint"]

_NETWORK, _CODEC, _AVERAGE = "model.diffusion_model.", "first_stage_model.", "model_ema.diffusion_model"
_OF_TRAINING = "loss."
_GROUPS = 32
"""Groups of every group norm; not visible in the weights."""


def from_checkpoint(
    state: Mapping[str, Tensor], *, head_dim: int = 32, groups: int = _GROUPS
) -> tuple[UNet2DModel, VQModel]:
    """Network and codec, float32, for inference, from the tensors of a checkpoint by name.

    If the checkpoint has EMA weights, the network uses them, and all must be present. Sizes are read from the tensors'
    shapes, except for the width of an attention head and the groups of group norms, which default to those of the
    published model. Raises ModelError naming the first tensor that is missing or unknown.
    """
    network = {name.removeprefix(_NETWORK): t for name, t in state.items() if name.startswith(_NETWORK)}
    codec = {name.removeprefix(_CODEC): t for name, t in state.items() if name.startswith(_CODEC)}
    codec = {name: tensor for name, tensor in codec.items() if not name.startswith(_OF_TRAINING)}
    try:
        return _unet(_averaged(network, state), head_dim, groups), _vq(codec, groups)
    except (KeyError, ValueError, IndexError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip() if str(error) else type(error).__name__
        raise ModelError(
            f"The checkpoint does not contain LDM-SR's networks: {reason}", "Download the model again from its source."
        ) from error


def _averaged(network: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The EMA weights of the network; its plain weights if there are none."""
    if not any(name.startswith(_AVERAGE) for name in state):
        return network
    return {name: state[_AVERAGE + name.replace(".", "")] for name in network}


def _unet(weights: Mapping[str, Tensor], head_dim: int, groups: int) -> UNet2DModel:
    levels = list(_levels(weights))
    blocks, attention = levels[0][1], [attends for _, _, attends in levels]
    config: dict[str, Any] = {
        "in_channels": weights["input_blocks.0.0.weight"].shape[1],
        "out_channels": weights["out.2.weight"].shape[0],
        "block_out_channels": [channels for channels, _, _ in levels],
        "down_block_types": ["AttnDownBlock2D" if attends else "DownBlock2D" for attends in attention],
        "up_block_types": ["AttnUpBlock2D" if attends else "UpBlock2D" for attends in reversed(attention)],
        "layers_per_block": blocks,
        "attention_head_dim": head_dim,
        "norm_num_groups": groups,
    }
    with torch.device("meta"):
        network = UNet2DModel(**config)
    unpacked = dict(_unpacked(weights, head_dim))
    _fill(network, unpacked, unet_modules(attention, blocks))
    return network


def _levels(weights: Mapping[str, Tensor]) -> Iterator[tuple[int, int, bool]]:
    """(channels, residual blocks, has attention) of each level of the encoder."""
    blocks, n = 0, 1
    while f"input_blocks.{n}.0.in_layers.0.weight" in weights or f"input_blocks.{n}.0.op.weight" in weights:
        if f"input_blocks.{n}.0.op.weight" in weights:
            yield _level(weights, n - 1, blocks)
            blocks = -1
        blocks += 1
        n += 1
    yield _level(weights, n - 1, blocks)


def _level(weights: Mapping[str, Tensor], last: int, blocks: int) -> tuple[int, int, bool]:
    channels = weights[f"input_blocks.{last}.0.out_layers.3.weight"].shape[0]
    return channels, blocks, f"input_blocks.{last}.1.qkv.weight" in weights


def _unpacked(weights: Mapping[str, Tensor], head_dim: int) -> Iterator[tuple[str, Tensor]]:
    """`weights` with query, key and value split: they are packed head by head, in convolutions of width 1."""
    for name, tensor in weights.items():
        module, _, kind = name.rpartition(".")
        if module.endswith(".qkv"):
            heads = tensor.shape[0] // (3 * head_dim)
            parts = tensor.reshape(heads, 3, head_dim, -1).unbind(1)
            for part, to in zip(parts, ("to_q", "to_k", "to_v"), strict=True):
                flat = part.reshape(heads * head_dim, -1)
                yield f"{module.removesuffix('qkv')}{to}.{kind}", flat if kind == "weight" else flat[:, 0]
        elif module.endswith(".proj_out"):
            yield f"{module.removesuffix('proj_out')}to_out.0.{kind}", tensor.flatten(1) if kind == "weight" else tensor
        elif module.endswith(".1.norm"):
            yield f"{module.removesuffix('norm')}group_norm.{kind}", tensor
        else:
            yield name, tensor


def _vq(weights: Mapping[str, Tensor], groups: int) -> VQModel:
    levels = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.down."))
    blocks = 1 + max(int(name.split(".")[4]) for name in weights if name.startswith("encoder.down.0.block."))
    words, width = weights["quantize.embedding.weight"].shape
    with torch.device("meta"):
        codec = VQModel(
            block_out_channels=[weights[f"encoder.down.{i}.block.0.conv2.weight"].shape[0] for i in range(levels)],
            down_block_types=["DownEncoderBlock2D"] * levels,
            up_block_types=["UpDecoderBlock2D"] * levels,
            layers_per_block=blocks,
            latent_channels=weights["encoder.conv_out.weight"].shape[0],
            num_vq_embeddings=words,
            vq_embed_dim=width,
            norm_num_groups=groups,
        )
    flat = {
        name: tensor[:, :, 0, 0] if ".attn_1." in name and tensor.ndim == 4 else tensor
        for name, tensor in weights.items()
    }
    _fill(codec, flat, {**vae_modules(levels, blocks), "quantize": "quantize"})
    return codec


def _fill(network: nn.Module, weights: Mapping[str, Tensor], modules: Modules) -> None:
    """Load `weights` into `network`. Raises ValueError for unknown or missing tensors, RuntimeError for shapes."""
    placed = {}
    for name, tensor in weights.items():
        new = rename(name, modules)
        if new is None:
            raise ValueError(f"{name} is unknown")
        placed[new] = tensor.to(torch.float32, copy=True)
    missing = [name for name in network.state_dict() if name not in placed]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    network.load_state_dict(placed, strict=True, assign=True)
    network.eval().requires_grad_(False)
