"""The files of diffusers' layout, made of CompVis' one checkpoint once that is a safetensors file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from answerprint.backends.ldm_sr.compvis import from_checkpoint
from answerprint.errors import ModelError

__all__ = ["arrange"]

_WEIGHTS = "diffusion_pytorch_model.safetensors"
_ROUNDING = 1e-5
"""Relative error of betas that are kept in single precision."""


def arrange(checkpoint: Path, folder: Path) -> None:
    """Write the networks' weights into `folder`, which has the configurations that belong to them.

    What no tensor's shape tells is taken from the configurations. Raises ModelError where the checkpoint does not hold
    LDM-SR's networks, or was trained with another noise schedule than the configurations say, and OSError.
    """
    config = _read(folder / "unet" / "config.json")
    state = load_file(checkpoint)
    _check_schedule(state, _read(folder / "scheduler" / "scheduler_config.json"))
    networks = from_checkpoint(state, head_dim=config["attention_head_dim"], groups=config["norm_num_groups"])
    for part, network in zip(("unet", "vqvae"), networks, strict=True):
        weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
        save_file(weights, folder / part / _WEIGHTS, metadata={"format": "pt"})


def _check_schedule(state: dict[str, Tensor], told: dict[str, Any]) -> None:
    """Hold the ends of the schedule that the checkpoint keeps against those that are told."""
    betas = state.get("betas")
    if betas is None:
        return
    ends = (float(betas[0]), float(betas[-1])) if betas.ndim == 1 and len(betas) else (0.0, 0.0)
    wanted = (told["beta_start"], told["beta_end"])
    if any(abs(found - end) > _ROUNDING * end for found, end in zip(ends, wanted, strict=True)):
        raise ModelError(
            f"The checkpoint was trained with betas from {ends[0]:g} to {ends[1]:g}, and the published model from "
            f"{wanted[0]:g} to {wanted[1]:g}: it is another one.",
            "Import it as a folder that diffusers saved, which holds the schedule.",
        )


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_bytes())
    return data
