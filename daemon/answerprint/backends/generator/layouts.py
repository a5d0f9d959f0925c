"""Identify state dicts of Real-ESRGAN's networks by names and shapes, and rename their tensors to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

__all__ = ["own_config", "renamed"]

_OLD_NAMES: tuple[Mapping[str, str], ...] = (
    # ESRGAN of 2018, and BSRNet
    {
        r"RRDB_trunk\.(\d+)\.RDB([123])\.conv": r"body.\1.rdb\2.conv",
        r"trunk_conv\.": "conv_body.",
        r"upconv([12])\.": r"conv_up\1.",
        r"HRconv\.": "conv_hr.",
        r"(conv_first|conv_last)\.": r"\1.",
    },
    # the first files of ESRGAN, with a scale of 4: a sequence of unnamed modules
    {
        r"model\.1\.sub\.(\d+)\.RDB([123])\.conv([1-5])\.0\.": r"body.\1.rdb\2.conv\3.",
        r"model\.1\.sub\.\d+\.(?=weight|bias)": "conv_body.",
        r"model\.0\.": "conv_first.",
        r"model\.3\.": "conv_up1.",
        r"model\.6\.": "conv_up2.",
        r"model\.8\.": "conv_hr.",
        r"model\.10\.": "conv_last.",
    },
)
"""Old name prefixes and their current names."""


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`state` with current names if it is an older ESRGAN file; any other state unchanged."""
    for names in _OLD_NAMES:
        new = {_renamed(name, names): tensor for name, tensor in state.items()}
        if "" not in new and len(new) == len(state):
            return new
    return dict(state)


def own_config(state: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """The configuration of the built-in network with these tensors; None if there is none."""
    return _rrdb(state) or _compact(state)


def _renamed(name: str, names: Mapping[str, str]) -> str:
    """The current name; empty if no prefix matches."""
    for old, new in names.items():
        if match := re.match(old, name):
            return match.expand(new) + name[match.end() :]
    return ""


def _rrdb(state: Mapping[str, Tensor]) -> dict[str, Any] | None:
    first, growing = _shape(state, "conv_first.weight"), _shape(state, "body.0.rdb1.conv1.weight")
    scale = {3: 4, 12: 2, 48: 1}.get(first[1], 0)
    if not scale or not growing[0]:
        return None
    blocks = len({name.split(".")[1] for name in state if name.startswith("body.")})
    config = {"kind": "rrdb", "scale": scale, "features": first[0], "growth": growing[0], "blocks": blocks}
    convolutions = 15 * blocks + 6
    return config if len(state) == 2 * convolutions and _shape(state, "conv_last.weight")[0] == 3 else None


def _compact(state: Mapping[str, Tensor]) -> dict[str, Any] | None:
    first = _shape(state, "body.0.weight")
    convolutions = len(state) // 3 - 1  # weight, bias and slopes of each, and of the first
    scale = {3 * scale**2: scale for scale in (1, 2, 3, 4)}.get(_shape(state, f"body.{2 * convolutions + 2}.weight")[0])
    if first[1] != 3 or scale is None or len(state) != 3 * convolutions + 5:
        return None
    return {"kind": "compact", "scale": scale, "features": first[0], "convolutions": convolutions}


def _shape(state: Mapping[str, Tensor], name: str) -> tuple[int, int]:
    """Output and input channels of a convolution; zeros if there is none of that name."""
    tensor = state.get(name)
    return (tensor.shape[0], tensor.shape[1]) if tensor is not None and tensor.ndim == 4 else (0, 0)
