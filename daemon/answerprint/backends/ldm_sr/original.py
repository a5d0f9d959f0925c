"""Convert CompVis' single checkpoint, as a safetensors file, to diffusers' layout."""

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
"""Relative error of betas stored in single precision."""


def arrange(checkpoint: Path, folder: Path) -> None:
    """Write the networks' weights into `folder`, which already has their configurations.

    Sizes that no tensor's shape shows come from the configurations. Raises ModelError if the checkpoint does not
    contain LDM-SR's networks or was trained with another noise schedule than configured, and OSError.
    """
    config = _read(folder / "unet" / "config.json")
    state = load_file(checkpoint)
    _check_schedule(state, _read(folder / "scheduler" / "scheduler_config.json"))
    networks = from_checkpoint(state, head_dim=config["attention_head_dim"], groups=config["norm_num_groups"])
    for part, network in zip(("unet", "vqvae"), networks, strict=True):
        weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
        save_file(weights, folder / part / _WEIGHTS, metadata={"format": "pt"})


def _check_schedule(state: dict[str, Tensor], config: dict[str, Any]) -> None:
    """Compare the ends of the checkpoint's noise schedule with the configuration's."""
    betas = state.get("betas")
    if betas is None:
        return
    ends = (float(betas[0]), float(betas[-1])) if betas.ndim == 1 and len(betas) else (0.0, 0.0)
    wanted = (config["beta_start"], config["beta_end"])
    if any(abs(found - end) > _ROUNDING * end for found, end in zip(ends, wanted, strict=True)):
        raise ModelError(
            f"The checkpoint was trained with betas from {ends[0]:g} to {ends[1]:g}, the published model from "
            f"{wanted[0]:g} to {wanted[1]:g}: it is another model.",
            "Import it as a folder saved by diffusers, which contains the schedule.",
        )


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_bytes())
    return data
