"""Which family a folder of weights is of, and which part a single file is: by names of classes and tensors alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from answerprint.errors import ModelError

from .header import tensor_shapes
from .likeness import Shapes, likeness
from .verify import MAX_TEXT_BYTES

__all__ = [
    "GENERATOR",
    "INDEX",
    "PARTS",
    "check_family",
    "class_name",
    "guess_family",
    "guess_part",
    "may_restore",
    "shapes_of",
]

GENERATOR = "generator"
"""The family of networks that restore by themselves, each in one file."""

INDEX = "model_index.json"

_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "StableDiffusionUpscalePipeline": "sd_x4",
        "MarigoldDepthPipeline": "marigold",
        "LDMSuperResolutionPipeline": "ldm_sr",
        "DiffBIR": "diffbir",
    }
)
"""Family by the class that model_index.json names."""

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
"""Parts of DiffBIR, by a tensor that no other part has."""

_ALSO = {"stage1/sr.safetensors": "stage1/face.safetensors"}
"""Of version 2.1 the first restoration of small pictures is a SwinIR, as that of faces is."""


def guess_family(folder: Path) -> str:
    """The family of a folder, the empty text where nothing tells it."""
    return _CLASSES.get(class_name(folder), "")


def guess_part(shapes: Shapes) -> str:
    """Which file of DiffBIR has these tensors; the empty text for none."""
    return next((part for tensor, part in PARTS.items() if tensor in shapes), "")


def may_restore(shapes: Shapes) -> bool:
    """Whether a file may be a network that restores by itself: as DiffBIR's first ones do, or of an unknown kind."""
    return guess_part(shapes).startswith("stage1/") or not likeness(shapes)


def shapes_of(weights: Path) -> Shapes:
    """Shapes of the tensors of a safetensors file. Raises ModelError."""
    try:
        return tensor_shapes(weights)
    except (ValueError, OSError) as error:
        raise ModelError(f"{weights.name} cannot be used: {error}.", "Get the file anew.") from error


def check_family(folder: Path, family: str) -> None:
    """Raise ModelError where a folder says that it is of another family, or where a part of DiffBIR is another part."""
    found = class_name(folder)
    if found and _CLASSES.get(found, family) != family:
        raise ModelError(
            f"These are files of another model: {INDEX} says {found}, which is not of the family {family!r}.",
            "Use the files that the model's makers publish.",
        )
    for name in sorted(set(PARTS.values())) if family == "diffbir" else ():
        if (folder / name).is_file():
            _check_part(folder / name, name)


def class_name(folder: Path) -> str:
    """The class that `model_index.json` names; the empty text where there is none."""
    with suppress(OSError, ValueError, RecursionError):
        path = folder / INDEX
        if path.stat().st_size <= MAX_TEXT_BYTES:
            data = json.loads(path.read_bytes())
            return str(data.get("_class_name", "")) if isinstance(data, dict) else ""
    return ""


def _check_part(path: Path, name: str) -> None:
    shapes = shapes_of(path)
    if guess_part(shapes) not in (name, _ALSO.get(name)):
        told = likeness(shapes)
        raise ModelError(
            f"{name} is not that part of DiffBIR: by its tensors it is {told or 'of no model that is known'}.",
            "Use the files that the model's makers publish.",
        )
