"""What a file of weights looks like, for people: told by names and shapes of its tensors alone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

__all__ = ["Shapes", "likeness", "likenesses"]

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of each tensor by its name."""

_ORIGINAL_FIRST = "input_blocks.0.0.weight"
_CHECKPOINT = "model.diffusion_model."
_CODEBOOK = "quantize.embedding.weight"

_TEXTS = {768: " 1.x", 1024: " 2.x", 2048: " XL"}
"""Of Stable Diffusion: the version, by the width of the texts that its network reads."""
_NETWORKS = {
    5: "Stable Diffusion for depth to picture",
    6: "LDM-SR",
    7: "the SD x4 upscaler",
    8: "Marigold",
    9: "Stable Diffusion for inpainting",
}
"""Whose network it is, by the channels that it takes."""

_PARTS = {
    "RRDB_trunk.0.RDB1.conv1.weight": "BSRNet, a first restoration of DiffBIR",
    "body.0.rdb1.conv1.weight": "an ESRGAN, as the first restoration of DiffBIR is one",
    "m_head.0.weight": "SCUNet, a first restoration of DiffBIR",
    "layers.0.residual_group.blocks.0.attn.qkv.weight": "SwinIR, a first restoration of DiffBIR",
    "zero_convs.0.0.weight": "DiffBIR's ControlNet",
    "control_model.zero_convs.0.0.weight": "a ControlNet in its original form",
    "controlnet_cond_embedding.conv_in.weight": "a ControlNet of diffusers",
}
"""By a tensor that nothing else has."""


def likeness(shapes: Shapes) -> str:
    """What the tensors look like, such as "the network of Stable Diffusion 1.x"; the empty text for what is unknown."""
    if any(".lora_" in name or name.startswith("lora_") or ".lora." in name for name in shapes):
        return "a LoRA, which is only what was added to another model"
    if told := next((told for name, told in _PARTS.items() if name in shapes), ""):
        return told
    if _CHECKPOINT + _ORIGINAL_FIRST in shapes:
        return _checkpoint(shapes)
    if "conv_in.weight" in shapes and "time_embedding.linear_1.weight" in shapes:
        return f"the network of {_network(shapes, 'conv_in.weight')}"
    if "decoder.conv_in.weight" in shapes:
        return _codec(shapes)
    return _text_encoder(shapes)


def likenesses(parts: Mapping[str, Shapes]) -> str:
    """What several files look like, by their names, in one clause; the empty text where none is known."""
    return ", ".join(f"{name} is {told}" for name, shapes in parts.items() if (told := likeness(shapes)))


def _checkpoint(shapes: Shapes) -> str:
    if f"first_stage_model.{_CODEBOOK}" in shapes:
        return "the original checkpoint of LDM-SR"
    return f"an original checkpoint of {_network(shapes, _CHECKPOINT + _ORIGINAL_FIRST)}"


def _network(shapes: Shapes, first: str) -> str:
    channels = _side(shapes, first, 1)
    if channels != 4:
        return _NETWORKS.get(channels, f"a model that takes {channels} channels")
    widths = (_side(shapes, name, 1) for name in shapes if name.endswith("attn2.to_k.weight"))
    return f"Stable Diffusion{_TEXTS.get(next(widths, 0), '')}"


def _codec(shapes: Shapes) -> str:
    levels = next(n for n in count() if f"encoder.down_blocks.{n}.resnets.0.conv1.weight" not in shapes)
    channels, cell = _side(shapes, "decoder.conv_in.weight", 1), 2 ** max(0, levels - 1)
    kind = "a VQ codec" if _CODEBOOK in shapes else "an autoencoder"
    return f"{kind} whose latent has {channels} channels, in cells of {cell} x {cell} pixels"


def _text_encoder(shapes: Shapes) -> str:
    for prefix in ("", "text_model."):
        if width := _side(shapes, f"{prefix}embeddings.token_embedding.weight", 1):
            return f"CLIP's text encoder of width {width}"
    return ""


def _side(shapes: Shapes, name: str, axis: int) -> int:
    """Length along an axis; 0 where the tensor is not there, or has no such axis."""
    shape = shapes.get(name, ())
    return shape[axis] if len(shape) > axis else 0
