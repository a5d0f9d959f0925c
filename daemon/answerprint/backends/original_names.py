"""Module names of original checkpoints in diffusers' and transformers' networks.

A table maps module names, original to new; a tensor is renamed by the longest module name that its name begins with.
Modules with the same names inside, such as transformer blocks, need one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["Modules", "controlnet_modules", "rename", "text_modules", "unet_modules", "vae_modules"]

Modules = Mapping[str, str]
"""Module names by original module name."""

_RESIDUAL = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_VAE_RESIDUAL = {
    "norm1": "norm1",
    "conv1": "conv1",
    "norm2": "norm2",
    "conv2": "conv2",
    "nin_shortcut": "conv_shortcut",
}
_VAE_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
_TEXT_BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.q_proj": "self_attn.q_proj",
    "attn.k_proj": "self_attn.k_proj",
    "attn.v_proj": "self_attn.v_proj",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


def rename(name: str, modules: Modules) -> str | None:
    """The new name of the tensor `name`; None if it is in no module of the table."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        module = modules.get(".".join(parts[:end]))
        if module is not None:
            return ".".join([module, *parts[end:]])
    return None


def unet_modules(attention: Sequence[bool], blocks: int) -> Modules:
    """The UNet's modules, with `blocks` residual blocks per level and self-attention at the levels of `attention`."""
    last = len(attention) - 1
    modules = dict(_encoder_modules(attention, blocks))
    modules |= {"out.0": "conv_norm_out", "out.2": "conv_out"}
    n = 0
    for up, attends in enumerate(reversed(attention)):
        for j in range(blocks + 1):
            modules |= _inside(_RESIDUAL, f"output_blocks.{n}.0", f"up_blocks.{up}.resnets.{j}")
            if attends:
                modules[f"output_blocks.{n}.1"] = f"up_blocks.{up}.attentions.{j}"
            n += 1
        if up < last:
            # The upsampler is the last module of its level's last block.
            modules[f"output_blocks.{n - 1}.{2 if attends else 1}.conv"] = f"up_blocks.{up}.upsamplers.0.conv"
    return modules


def controlnet_modules(attention: Sequence[bool], blocks: int) -> Modules:
    """The ControlNet's modules: the UNet's encoder, and a convolution for each of its outputs."""
    modules = dict(_encoder_modules(attention, blocks))
    outputs = 1 + len(attention) * blocks + len(attention) - 1
    modules |= {f"zero_convs.{i}.0": f"controlnet_down_blocks.{i}" for i in range(outputs)}
    modules["middle_block_out.0"] = "controlnet_mid_block"
    return modules


def vae_modules(levels: int, blocks: int) -> Modules:
    """The VAE's modules, with `blocks` residual blocks per level in the encoder and one more in the decoder."""
    modules = {"quant_conv": "quant_conv", "post_quant_conv": "post_quant_conv"}
    for half in ("encoder", "decoder"):
        modules |= {f"{half}.{name}": f"{half}.{name}" for name in ("conv_in", "conv_out")}
        modules[f"{half}.norm_out"] = f"{half}.conv_norm_out"
        modules |= _inside(_VAE_RESIDUAL, f"{half}.mid.block_1", f"{half}.mid_block.resnets.0")
        modules |= _inside(_VAE_ATTENTION, f"{half}.mid.attn_1", f"{half}.mid_block.attentions.0")
        modules |= _inside(_VAE_RESIDUAL, f"{half}.mid.block_2", f"{half}.mid_block.resnets.1")
    for level in range(levels):
        down, up = f"encoder.down_blocks.{level}", f"decoder.up_blocks.{levels - 1 - level}"
        for j in range(blocks):
            modules |= _inside(_VAE_RESIDUAL, f"encoder.down.{level}.block.{j}", f"{down}.resnets.{j}")
        for j in range(blocks + 1):
            modules |= _inside(_VAE_RESIDUAL, f"decoder.up.{level}.block.{j}", f"{up}.resnets.{j}")
        modules[f"encoder.down.{level}.downsample.conv"] = f"{down}.downsamplers.0.conv"
        modules[f"decoder.up.{level}.upsample.conv"] = f"{up}.upsamplers.0.conv"
    return modules


def text_modules(layers: int) -> Modules:
    """The text encoder's modules; packed query, key and value must be split beforehand."""
    modules = {
        "token_embedding": "embeddings.token_embedding",
        "positional_embedding": "embeddings.position_embedding.weight",
        "ln_final": "final_layer_norm",
    }
    for i in range(layers):
        modules |= _inside(_TEXT_BLOCK, f"transformer.resblocks.{i}", f"encoder.layers.{i}")
    return modules


def _encoder_modules(attention: Sequence[bool], blocks: int) -> Modules:
    """Modules shared by UNet and ControlNet: time embedding, encoder and middle block."""
    modules = {
        "time_embed.0": "time_embedding.linear_1",
        "time_embed.2": "time_embedding.linear_2",
        "input_blocks.0.0": "conv_in",
        "middle_block.1": "mid_block.attentions.0",
    }
    modules |= _inside(_RESIDUAL, "middle_block.0", "mid_block.resnets.0")
    modules |= _inside(_RESIDUAL, "middle_block.2", "mid_block.resnets.1")
    n = 1
    for level, attends in enumerate(attention):
        for j in range(blocks):
            modules |= _inside(_RESIDUAL, f"input_blocks.{n}.0", f"down_blocks.{level}.resnets.{j}")
            if attends:
                modules[f"input_blocks.{n}.1"] = f"down_blocks.{level}.attentions.{j}"
            n += 1
        modules[f"input_blocks.{n}.0.op"] = f"down_blocks.{level}.downsamplers.0.conv"
        n += 1
    return modules


def _inside(names: Mapping[str, str], original: str, new: str) -> dict[str, str]:
    """`names`, prefixed by the module `original` and its new name `new`."""
    return {f"{original}.{theirs}": f"{new}.{ours}" for theirs, ours in names.items()}
