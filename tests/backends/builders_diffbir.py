"""DiffBIR's original checkpoints at any size: names and shapes of all tensors, and small ones with random weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTokenizer

from answerprint.backends.diffbir import load_components
from answerprint.backends.diffbir.adapter import DiffbirBackend
from answerprint.backends.diffbir.stage1 import Enlarger, FirstStage
from answerprint.backends.text import Text
from answerprint.weights.manifest import Manifest
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU
from backends.builders_text import BEGIN, END, MERGES, small_vocabulary, write_text

Shape = tuple[int, ...]
Shapes = dict[str, Shape]

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.model."

_ATTENTION_LEVELS = 3
"""Of four; the coarsest level of the network has none."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What differs between the published networks and small ones; these are the published numbers."""

    unet: Sequence[int] = (320, 640, 1280, 1280)
    """Channels at each level."""
    vae: Sequence[int] = (128, 256, 512, 512)
    text_width: int = 1024
    text_blocks: int = 24
    words: int = 49408


SMALL = Sizes(unet=(32, 32, 64, 64), vae=(32, 32, 32, 32), text_width=32, text_blocks=2, words=len(small_vocabulary()))
HEAD_DIM = 16
"""Of `SMALL`."""


def only_enlarge(task: str) -> FirstStage:
    """No first restoration."""
    return Enlarger()


def small_diffbir(
    seed: int = 0,
    *,
    version: str = "v2",
    short_side: int = 1,
    first_stage: Callable[[str], FirstStage] = only_enlarge,
) -> DiffbirBackend:
    """diffbir with random weights, and no least size."""
    base, control = small_checkpoints(seed)
    components = load_components(base, control, head_dim=HEAD_DIM)
    ends = {"bos_token": BEGIN, "eos_token": END, "unk_token": END, "pad_token": "!"}
    merges: Any = list(MERGES)  # its annotation knows no pairs, which the class wants
    text = Text(CLIPTokenizer(vocab=small_vocabulary(), merges=merges, **ends), components.text_encoder)
    return DiffbirBackend(components, text, first_stage, CPU, version=version, short_side=short_side)


def small_checkpoints(seed: int = 0) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Base and ControlNet, random; what they predict is small, for guidance multiplies its rounding errors."""
    base, control = random_weights(base_shapes(SMALL), seed), random_weights(control_shapes(SMALL), seed + 1)
    base[UNET + "out.2.weight"] *= 0.3
    return base, control


def write_diffbir(folder: Path, seed: int = 0) -> None:
    """A model folder with the original layouts as safetensors, without a first stage, sealed."""
    folder.mkdir(parents=True, exist_ok=True)
    base, control = small_checkpoints(seed)
    save_file(base, folder / "base.safetensors")
    save_file(control, folder / "control.safetensors")
    index = {"_class_name": "DiffBIR", "version": "v2", "head_dim": HEAD_DIM}
    (folder / "model_index.json").write_text(json.dumps(index))
    write_text(folder)
    shutil.rmtree(folder / "text_encoder")  # it is in the base
    write_manifest(folder, Manifest(folder.name, "diffbir", "2", "Apache-2.0", "random weights", 4, ()))


def base_shapes(sizes: Sizes) -> Shapes:
    """All tensors of the Stable Diffusion 2.1 checkpoint that belong to a network."""
    parts = {UNET: unet_shapes(sizes), VAE: vae_shapes(sizes), TEXT: text_shapes(sizes)}
    return {prefix + name: shape for prefix, part in parts.items() for name, shape in part.items()}


def unet_shapes(sizes: Sizes) -> Shapes:
    """The UNet's tensors."""
    widths, first = sizes.unet, sizes.unet[0]
    shapes, skips = _encoder(sizes, in_channels=4)
    width, n = widths[-1], 0
    for level in reversed(range(len(widths))):
        for j in range(3):
            shapes |= _residual(f"output_blocks.{n}.0", width + skips.pop(), widths[level], 4 * first)
            width = widths[level]
            attends = level < _ATTENTION_LEVELS
            if attends:
                shapes |= _transformer(f"output_blocks.{n}.1", width, sizes.text_width)
            if j == 2 and level > 0:
                shapes |= _conv(f"output_blocks.{n}.{1 + attends}.conv", width, width)
            n += 1
    return {**shapes, **_norm("out.0", first), **_conv("out.2", 4, first)}


def control_shapes(sizes: Sizes) -> Shapes:
    """The ControlNet's tensors."""
    shapes, skips = _encoder(sizes, in_channels=8)
    for i, width in enumerate(skips):
        shapes |= _conv(f"zero_convs.{i}.0", width, width, 1)
    return {**shapes, **_conv("middle_block_out.0", sizes.unet[-1], sizes.unet[-1], 1)}


def vae_shapes(sizes: Sizes) -> Shapes:
    """The VAE's tensors."""
    widths, last = sizes.vae, sizes.vae[-1]
    shapes = {**_conv("quant_conv", 8, 8, 1), **_conv("post_quant_conv", 4, 4, 1)}
    for half, (inner, outer) in {
        "encoder": ((3, widths[0]), (last, 8)),
        "decoder": ((4, last), (widths[0], 3)),
    }.items():
        shapes |= _conv(f"{half}.conv_in", inner[1], inner[0])
        shapes |= _norm(f"{half}.norm_out", outer[0])
        shapes |= _conv(f"{half}.conv_out", outer[1], outer[0])
        shapes |= _vae_residual(f"{half}.mid.block_1", last, last) | _vae_residual(f"{half}.mid.block_2", last, last)
        shapes |= _norm(f"{half}.mid.attn_1.norm", last)
        for name in ("q", "k", "v", "proj_out"):
            shapes |= _conv(f"{half}.mid.attn_1.{name}", last, last, 1)
    width = widths[0]
    for level, wide in enumerate(widths):
        for j in range(2):
            shapes |= _vae_residual(f"encoder.down.{level}.block.{j}", width if j == 0 else wide, wide)
        width = wide
        if level < len(widths) - 1:
            shapes |= _conv(f"encoder.down.{level}.downsample.conv", wide, wide)
    for level in reversed(range(len(widths))):
        for j in range(3):
            shapes |= _vae_residual(f"decoder.up.{level}.block.{j}", width, widths[level])
            width = widths[level]
        if level > 0:
            shapes |= _conv(f"decoder.up.{level}.upsample.conv", width, width)
    return shapes


def text_shapes(sizes: Sizes) -> Shapes:
    """The text encoder's tensors, those that nothing reads included."""
    width = sizes.text_width
    shapes: Shapes = {
        "positional_embedding": (77, width),
        "text_projection": (width, width),
        "logit_scale": (),
        "token_embedding.weight": (sizes.words, width),
        **_norm("ln_final", width),
    }
    for i in range(sizes.text_blocks):
        block = f"transformer.resblocks.{i}"
        shapes |= _norm(f"{block}.ln_1", width) | _norm(f"{block}.ln_2", width)
        shapes |= {f"{block}.attn.in_proj_weight": (3 * width, width), f"{block}.attn.in_proj_bias": (3 * width,)}
        shapes |= _linear(f"{block}.attn.out_proj", width, width)
        shapes |= _linear(f"{block}.mlp.c_fc", 4 * width, width) | _linear(f"{block}.mlp.c_proj", width, 4 * width)
    return shapes


def random_weights(shapes: Shapes, seed: int = 0, device: torch.device = CPU) -> dict[str, Tensor]:
    """Weights that keep the size of what passes through them, norms near one, biases small; none is zero.

    They are drawn on `device`, each kind of which draws others.
    """
    generator = torch.Generator(device).manual_seed(seed)
    out = {}
    for name, shape in shapes.items():
        drawn = torch.randn(shape, generator=generator, device=device)
        if len(shape) > 1:
            out[name] = drawn / (drawn[0].numel() ** 0.5)
        else:
            out[name] = 0.1 * drawn + (1.0 if _is_gain(name, shapes) else 0.0)
    return out


def empty_weights(shapes: Shapes) -> dict[str, Tensor]:
    """Tensors that have shapes and no memory."""
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def _is_gain(name: str, shapes: Shapes) -> bool:
    return name.endswith(".weight") and len(shapes[name]) == 1


def _encoder(sizes: Sizes, in_channels: int) -> tuple[Shapes, list[int]]:
    """Time embedding, encoder and middle, and the channels of all that the encoder hands on."""
    first = sizes.unet[0]
    shapes = _linear("time_embed.0", 4 * first, first) | _linear("time_embed.2", 4 * first, 4 * first)
    shapes |= _conv("input_blocks.0.0", first, in_channels)
    width, n, skips = first, 1, [first]
    for level, wide in enumerate(sizes.unet):
        for _ in range(2):
            shapes |= _residual(f"input_blocks.{n}.0", width, wide, 4 * first)
            if level < _ATTENTION_LEVELS:
                shapes |= _transformer(f"input_blocks.{n}.1", wide, sizes.text_width)
            width, n = wide, n + 1
            skips.append(wide)
        if level < len(sizes.unet) - 1:
            shapes |= _conv(f"input_blocks.{n}.0.op", wide, wide)
            n += 1
            skips.append(wide)
    shapes |= _residual("middle_block.0", width, width, 4 * first)
    shapes |= _transformer("middle_block.1", width, sizes.text_width)
    shapes |= _residual("middle_block.2", width, width, 4 * first)
    return shapes, skips


def _residual(name: str, inner: int, outer: int, time: int) -> Shapes:
    shapes = _norm(f"{name}.in_layers.0", inner) | _conv(f"{name}.in_layers.2", outer, inner)
    shapes |= _linear(f"{name}.emb_layers.1", outer, time)
    shapes |= _norm(f"{name}.out_layers.0", outer) | _conv(f"{name}.out_layers.3", outer, outer)
    return shapes if inner == outer else shapes | _conv(f"{name}.skip_connection", outer, inner, 1)


def _vae_residual(name: str, inner: int, outer: int) -> Shapes:
    shapes = _norm(f"{name}.norm1", inner) | _conv(f"{name}.conv1", outer, inner)
    shapes |= _norm(f"{name}.norm2", outer) | _conv(f"{name}.conv2", outer, outer)
    return shapes if inner == outer else shapes | _conv(f"{name}.nin_shortcut", outer, inner, 1)


def _transformer(name: str, width: int, context: int) -> Shapes:
    block = f"{name}.transformer_blocks.0"
    shapes = _norm(f"{name}.norm", width) | _linear(f"{name}.proj_in", width, width)
    for layer, seen in (("attn1", width), ("attn2", context)):
        shapes[f"{block}.{layer}.to_q.weight"] = (width, width)
        shapes |= {f"{block}.{layer}.{part}.weight": (width, seen) for part in ("to_k", "to_v")}
        shapes |= _linear(f"{block}.{layer}.to_out.0", width, width)
    shapes |= _linear(f"{block}.ff.net.0.proj", 8 * width, width) | _linear(f"{block}.ff.net.2", width, 4 * width)
    for i in (1, 2, 3):
        shapes |= _norm(f"{block}.norm{i}", width)
    return shapes | _linear(f"{name}.proj_out", width, width)


def _conv(name: str, outer: int, inner: int, size: int = 3) -> Shapes:
    return {f"{name}.weight": (outer, inner, size, size), f"{name}.bias": (outer,)}


def _linear(name: str, outer: int, inner: int) -> Shapes:
    return {f"{name}.weight": (outer, inner), f"{name}.bias": (outer,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
