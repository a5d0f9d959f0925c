"""Derive configurations of diffusers' and transformers' networks from the shapes of the original tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from torch import Tensor

from answerprint.errors import ModelError

__all__ = ["Encoder", "LayerShapes", "read_encoder", "text_config", "vae_config"]

GROUPS = 32
"""Groups of every group norm; not visible in the tensors' shapes."""

LATENT_SCALE = 0.18215
"""Scaling factor of Stable Diffusion's VAE: scaled latents have about unit variance."""


@dataclass(frozen=True, slots=True)
class LayerShapes:
    """The shapes of a checkpoint's tensors, by original name."""

    what: str
    """Name of the network, for messages."""
    state: Mapping[str, Tensor]

    def __contains__(self, name: str) -> bool:
        return name in self.state

    def of(self, name: str, dims: int) -> tuple[int, ...]:
        """The shape of the tensor `name`. Raises ModelError if it is missing or does not have `dims` dimensions."""
        if name not in self.state:
            raise ModelError(f"{self.what} has no tensor {name}.", "Choose the right file, or download it again.")
        shape = tuple(self.state[name].shape)
        if len(shape) != dims:
            raise ModelError(
                f"{self.what}: unexpected shape {shape} of {name}.", "Choose the right file, or download it again."
            )
        return shape

    def count(self, pattern: str) -> int:
        """Number of consecutive tensors named `pattern`, with {} counting from 0."""
        return next(n for n in count() if pattern.format(n) not in self.state)


@dataclass(frozen=True, slots=True)
class Encoder:
    """The encoder of a UNet or a ControlNet."""

    in_channels: int
    widths: tuple[int, ...]
    """Channels at each level."""
    attention: tuple[bool, ...]
    """Whether each level has self-attention and cross-attention."""
    blocks: int
    """Residual blocks per level."""
    depth: int
    """Transformer blocks in each attention."""
    context: int
    """Width of the text embedding for cross-attention."""
    linear: bool
    """Whether tokens are projected by linear layers or by 1 x 1 convolutions."""

    def config(self, head_dim: int) -> dict[str, Any]:
        """Configuration shared by UNet2DConditionModel and ControlNetModel.

        Raises ModelError if `head_dim` does not divide the channels.
        """
        if any(width % head_dim for width in self.widths):
            raise ModelError(f"A head_dim of {head_dim} does not divide the widths {self.widths}.", "Correct head_dim.")
        return {
            "in_channels": self.in_channels,
            "block_out_channels": self.widths,
            "layers_per_block": self.blocks,
            "down_block_types": tuple("CrossAttnDownBlock2D" if a else "DownBlock2D" for a in self.attention),
            "mid_block_type": "UNetMidBlock2DCrossAttn",
            "cross_attention_dim": self.context,
            "transformer_layers_per_block": self.depth,
            # diffusers uses this name for the number of heads.
            "attention_head_dim": tuple(width // head_dim for width in self.widths),
            "use_linear_projection": self.linear,
            "norm_num_groups": GROUPS,
        }

    def unet_config(self, head_dim: int, out_channels: int) -> dict[str, Any]:
        """Configuration of the whole UNet."""
        up = tuple("CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(self.attention))
        return {**self.config(head_dim), "out_channels": out_channels, "up_block_types": up}


def read_encoder(shapes: LayerShapes) -> Encoder:
    """The encoder described by `shapes`. Raises ModelError if they describe none."""
    widths, attention, blocks = [], [], []
    n = 1
    while True:
        first = n
        while f"input_blocks.{n}.0.in_layers.2.weight" in shapes:
            n += 1
        widths.append(shapes.of(f"input_blocks.{first}.0.out_layers.3.weight", 4)[0])
        attention.append(f"input_blocks.{first}.1.proj_in.weight" in shapes)
        blocks.append(n - first)
        if f"input_blocks.{n}.0.op.weight" not in shapes:
            break
        n += 1
    if len(set(blocks)) > 1:
        raise ModelError(f"{shapes.what} has {blocks} residual blocks at its levels.", "Download the model again.")
    middle = "middle_block.1.transformer_blocks"
    projection = "middle_block.1.proj_in.weight"
    return Encoder(
        in_channels=shapes.of("input_blocks.0.0.weight", 4)[1],
        widths=tuple(widths),
        attention=tuple(attention),
        blocks=blocks[0],
        depth=shapes.count(middle + ".{}.norm1.weight"),
        context=shapes.of(f"{middle}.0.attn2.to_k.weight", 2)[1],
        linear=projection in shapes and shapes.state[projection].ndim == 2,
    )


def vae_config(shapes: LayerShapes) -> dict[str, Any]:
    """Configuration of AutoencoderKL. Raises ModelError if the shapes describe none."""
    levels = shapes.count("encoder.down.{}.block.0.conv1.weight")
    widths = tuple(shapes.of(f"encoder.down.{level}.block.0.conv2.weight", 4)[0] for level in range(levels))
    return {
        "in_channels": shapes.of("encoder.conv_in.weight", 4)[1],
        "out_channels": shapes.of("decoder.conv_out.weight", 4)[0],
        "latent_channels": shapes.of("post_quant_conv.weight", 4)[1],
        "block_out_channels": widths,
        "layers_per_block": shapes.count("encoder.down.0.block.{}.conv1.weight"),
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "norm_num_groups": GROUPS,
        "scaling_factor": LATENT_SCALE,
    }


def text_config(shapes: LayerShapes, head_dim: int) -> dict[str, Any]:
    """Configuration of CLIPTextModel without the last block, which DiffBIR skips. Raises as `vae_config`."""
    words, width = shapes.of("token_embedding.weight", 2)
    positions, _ = shapes.of("positional_embedding", 2)
    layers = shapes.count("transformer.resblocks.{}.ln_1.weight") - 1
    inner, _ = shapes.of("transformer.resblocks.0.mlp.c_fc.weight", 2)
    if layers < 1 or width % head_dim:
        raise ModelError(f"{shapes.what} has {layers + 1} blocks of {width} channels.", "Download the model again.")
    return {
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": width // head_dim,
        "max_position_embeddings": positions,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "bos_token_id": words - 2,
        "eos_token_id": words - 1,
        "pad_token_id": 0,
    }
