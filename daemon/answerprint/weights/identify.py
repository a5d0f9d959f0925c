"""Identify the family of a model folder, the part of a single file, and describe weights to users.

Only class names and the names and shapes of tensors are used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import MappingProxyType

from answerprint.errors import ModelError
from answerprint.weights.header import tensor_shapes
from answerprint.weights.verify import MAX_TEXT_BYTES

__all__ = [
    "GENERATOR",
    "INDEX",
    "PARTS",
    "Shapes",
    "check_family",
    "class_name",
    "guess_family",
    "guess_part",
    "likeness",
    "likenesses",
    "may_restore",
    "shapes_of",
]

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes of tensors by name."""

_ORIGINAL_FIRST = "input_blocks.0.0.weight"
_CHECKPOINT = "model.diffusion_model."
_CODEBOOK = "quantize.embedding.weight"

_TEXTS = {768: " 1.x", 1024: " 2.x", 2048: " XL"}
"""Version of Stable Diffusion by the width of its text embedding."""
_NETWORKS = {
    5: "Stable Diffusion depth-to-image",
    6: "LDM-SR",
    7: "the SD x4 upscaler",
    8: "Marigold",
    9: "Stable Diffusion inpainting",
}
"""Model by the input channels of its UNet."""

_PARTS = {
    "RRDB_trunk.0.RDB1.conv1.weight": "BSRNet, a first stage of DiffBIR",
    "body.0.rdb1.conv1.weight": "an ESRGAN network, such as a first stage of DiffBIR",
    "m_head.0.weight": "SCUNet, a first stage of DiffBIR",
    "layers.0.residual_group.blocks.0.attn.qkv.weight": "SwinIR, a first stage of DiffBIR",
    "zero_convs.0.0.weight": "DiffBIR's ControlNet",
    "control_model.zero_convs.0.0.weight": "a ControlNet in the original format",
    "controlnet_cond_embedding.conv_in.weight": "a ControlNet of diffusers",
}
"""Descriptions by the name of a unique tensor."""


def likeness(shapes: Shapes) -> str:
    """What the tensors look like, such as "the network of Stable Diffusion 1.x"; empty if unknown."""
    if any(".lora_" in name or name.startswith("lora_") or ".lora." in name for name in shapes):
        return "a LoRA, which is only an addition to another model"
    if part := next((part for name, part in _PARTS.items() if name in shapes), ""):
        return part
    if _CHECKPOINT + _ORIGINAL_FIRST in shapes:
        return _checkpoint(shapes)
    if "conv_in.weight" in shapes and "time_embedding.linear_1.weight" in shapes:
        return f"the network of {_network(shapes, 'conv_in.weight')}"
    if "decoder.conv_in.weight" in shapes:
        return _codec(shapes)
    return _text_encoder(shapes)


def likenesses(parts: Mapping[str, Shapes]) -> str:
    """What several files look like, by file name, in one clause; empty if none is known."""
    return ", ".join(f"{name} is {found}" for name, shapes in parts.items() if (found := likeness(shapes)))


def _checkpoint(shapes: Shapes) -> str:
    if f"first_stage_model.{_CODEBOOK}" in shapes:
        return "the original checkpoint of LDM-SR"
    return f"an original checkpoint of {_network(shapes, _CHECKPOINT + _ORIGINAL_FIRST)}"


def _network(shapes: Shapes, first: str) -> str:
    channels = _side(shapes, first, 1)
    if channels != 4:
        return _NETWORKS.get(channels, f"a model with {channels} input channels")
    widths = (_side(shapes, name, 1) for name in shapes if name.endswith("attn2.to_k.weight"))
    return f"Stable Diffusion{_TEXTS.get(next(widths, 0), '')}"


def _codec(shapes: Shapes) -> str:
    levels = next(n for n in count() if f"encoder.down_blocks.{n}.resnets.0.conv1.weight" not in shapes)
    channels, cell = _side(shapes, "decoder.conv_in.weight", 1), 2 ** max(0, levels - 1)
    kind = "a VQ codec" if _CODEBOOK in shapes else "an autoencoder"
    return f"{kind} with {channels} latent channels and cells of {cell} x {cell} pixels"


def _text_encoder(shapes: Shapes) -> str:
    for prefix in ("", "text_model."):
        if width := _side(shapes, f"{prefix}embeddings.token_embedding.weight", 1):
            return f"CLIP's text encoder of width {width}"
    return ""


def _side(shapes: Shapes, name: str, axis: int) -> int:
    """Size along an axis; 0 if the tensor or the axis does not exist."""
    shape = shapes.get(name, ())
    return shape[axis] if len(shape) > axis else 0


GENERATOR = "generator"
"""The family of single-file restoration networks."""

INDEX = "model_index.json"

_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "StableDiffusionUpscalePipeline": "sd_x4",
        "MarigoldDepthPipeline": "marigold",
        "LDMSuperResolutionPipeline": "ldm_sr",
        "DiffBIR": "diffbir",
    }
)
"""Family by the class name in model_index.json."""

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "model.diffusion_model.input_blocks.0.0.weight": "base.safetensors",
        "zero_convs.0.0.weight": "control.safetensors",
        "RRDB_trunk.0.RDB1.conv1.weight": "stage1/sr.safetensors",
        "body.0.rdb1.conv1.weight": "stage1/sr.safetensors",
        "m_head.0.weight": "stage1/denoise.safetensors",
        "layers.0.residual_group.blocks.0.attn.qkv.weight": "stage1/face.safetensors",
    }
)
"""Parts of DiffBIR by a tensor that no other part has."""

_ALSO = {"stage1/sr.safetensors": "stage1/face.safetensors"}
"""In version 2.1 the first stage of super-resolution is a SwinIR, like that of faces."""


def guess_family(folder: Path) -> str:
    """The family of a folder; empty if unknown."""
    return _CLASSES.get(class_name(folder), "")


def guess_part(shapes: Shapes) -> str:
    """The DiffBIR file that has these tensors; empty if none."""
    return next((part for tensor, part in PARTS.items() if tensor in shapes), "")


def may_restore(shapes: Shapes) -> bool:
    """Whether a file may be a restoration network on its own: a first stage of DiffBIR, or an unknown network."""
    return guess_part(shapes).startswith("stage1/") or not likeness(shapes)


def shapes_of(weights: Path) -> Shapes:
    """Shapes of the tensors of a safetensors file. Raises ModelError."""
    try:
        return tensor_shapes(weights)
    except (ValueError, OSError) as error:
        raise ModelError(f"Cannot use {weights.name}: {error}.", "Download the file again.") from error


def check_family(folder: Path, family: str) -> None:
    """Raise ModelError if a folder's index names another family, or if a part of DiffBIR is another part."""
    found = class_name(folder)
    if found and _CLASSES.get(found, family) != family:
        raise ModelError(
            f"These files belong to another model: {INDEX} names {found}, which is not of the family {family!r}.",
            "Use the files published by the model's authors.",
        )
    for name in sorted(set(PARTS.values())) if family == "diffbir" else ():
        if (folder / name).is_file():
            _check_part(folder / name, name)


def class_name(folder: Path) -> str:
    """The class name in `model_index.json`; empty if there is none."""
    with suppress(OSError, ValueError, RecursionError):
        path = folder / INDEX
        if path.stat().st_size <= MAX_TEXT_BYTES:
            data = json.loads(path.read_bytes())
            return str(data.get("_class_name", "")) if isinstance(data, dict) else ""
    return ""


def _check_part(path: Path, name: str) -> None:
    shapes = shapes_of(path)
    if guess_part(shapes) not in (name, _ALSO.get(name)):
        raise ModelError(
            f"{name} is not that part of DiffBIR: by its tensors it is {likeness(shapes) or 'unknown'}.",
            "Use the files published by the model's authors.",
        )
