"""How far DiffBIR's networks, sampler and colour fix lie from what the original computed.

From the folder `tests`: `python -m backends.report_diffbir`. Errors are max|difference| / max|original|; accepted is
what the README beside the recorded values accepts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from answerprint.backends.colour import fix_colour, low_band
from answerprint.backends.diffbir import load_components
from answerprint.backends.diffbir.components import Components
from answerprint.backends.diffbir.spaced import SCHEDULERS, SpacedSchedule
from tables import Row, Table, print_tables

GOLDENS = Path(__file__).parents[1] / "goldens" / "diffbir"
HEAD_DIM = 16
"""Of the recorded networks, which are small."""


@dataclass(frozen=True, slots=True)
class Output:
    """One recorded output."""

    name: str
    error: float
    accept: float

    @property
    def fits(self) -> bool:
        """False for a difference that is not a number, too."""
        return self.error <= self.accept


def checkpoint(name: str) -> dict[str, Tensor]:
    """The recorded tensors of a checkpoint, float32."""
    with np.load(GOLDENS / name) as arrays:
        return {key: torch.from_numpy(arrays[key]).float() for key in arrays.files}


def recorded_components() -> Components:
    """The networks that the recordings were made with."""
    return load_components(checkpoint("base_sd.npz"), checkpoint("control.npz"), head_dim=HEAD_DIM)


def recorded() -> dict[str, Tensor]:
    """The recorded inputs and outputs."""
    return dict(load_file(GOLDENS / "io.safetensors"))


def told(name: str) -> dict[str, Any]:
    """A recorded JSON object."""
    data: dict[str, Any] = json.loads((GOLDENS / name).read_text())
    return data


def predict(c: Components, x: Tensor, t: Tensor | int, text: Tensor, condition: Tensor, strength: float) -> Tensor:
    """The UNet's output under control of `strength`; without the ControlNet where that is 0."""
    if strength == 0:
        alone: Tensor = c.unet(x, t, text, return_dict=False)[0]
        return alone
    down, middle = c.controlnet(x, t, text, condition, conditioning_scale=strength, return_dict=False)
    out: Tensor = c.unet(
        x, t, text, down_block_additional_residuals=down, mid_block_additional_residual=middle, return_dict=False
    )[0]
    return out


@torch.no_grad()
def measure() -> Iterator[Output]:
    """Every recorded output, against ours."""
    io = recorded()
    components = recorded_components()
    yield from _networks(components, io)
    yield from _sampler(io)
    yield Output("traj_out", _error(_trajectory(components, io), io["traj_out"]), 5e-5)
    yield from _wavelet()


def _networks(c: Components, io: dict[str, Tensor]) -> Iterator[Output]:
    posterior = c.vae.encode(io["image"]).latent_dist
    yield Output("vae_mean", _error(posterior.mean, io["vae_mean"]), 2e-5)
    yield Output("vae_logvar", _error(posterior.logvar, io["vae_logvar"]), 2e-5)
    scale = c.vae.config.scaling_factor
    yield Output("vae_mean_scaled", _error(posterior.mean * scale, io["vae_mean_scaled"]), 2e-5)
    yield Output("vae_decoded", _error(c.vae.decode(io["vae_z"] / scale).sample, io["vae_decoded"]), 2e-5)
    yield Output("clip_out", _error(c.text_encoder(io["clip_tokens"])[0], io["clip_out"]), 1e-5)

    x, t, condition = io["x_t"], io["timesteps"], io["cond_latent"]
    down, middle = c.controlnet(x, t, io["context"], condition, return_dict=False)
    for i, residual in enumerate([*down, middle]):
        yield Output(f"control_{i:02d}", _error(residual, io[f"control_{i:02d}"]), 2e-5)
    for name, strength, accept in (
        ("eps_control", 1.0, 2e-5),
        ("eps_control_half", 0.5, 2e-5),
        ("eps_nocontrol", 0.0, 1e-5),
    ):
        yield Output(name, _error(predict(c, x, t, io["context"], condition, strength), io[name]), accept)
    told = predict(c, x, t, io["context"], condition, 1.0)
    untold = predict(c, x, t, io["uncond_context"], condition, 1.0)
    yield Output("eps_uncond", _error(untold, io["eps_uncond"]), 2e-5)
    yield Output("eps_cfg4", _error(torch.lerp(untold, told, 4.0), io["eps_cfg4"]), 3e-5)


def _sampler(io: dict[str, Tensor]) -> Iterator[Output]:
    schedule = SpacedSchedule(SCHEDULERS["v2"], 50)
    for name, about in told("sampler.json")["ancestral_step"]["outputs"].items():
        i = 49 - about["index"]
        x0 = schedule.x0(io["step_eps"], io["step_x_t"], i)
        yield Output(about["x0"], _error(x0, io[about["x0"]]), 1e-6)
        yield Output(name, _error(schedule.step(x0, io["step_x_t"], i, io["step_noise"]), io[name]), 1e-6)


def _trajectory(c: Components, io: dict[str, Tensor]) -> Tensor:
    """Four steps, guided by text at 4."""
    schedule = SpacedSchedule(SCHEDULERS["v2"], 4)
    x = schedule.start(io["traj_x_T"])
    for i, t in enumerate(schedule.timesteps):
        told, untold = (predict(c, x, t, io[text], io["cond_latent"], 1.0) for text in ("context", "uncond_context"))
        x = schedule.step(schedule.x0(torch.lerp(untold, told, 4.0), x, i), x, i, io["traj_noise"][i])
    return x


def _wavelet() -> Iterator[Output]:
    w = load_file(GOLDENS / "wavelet.safetensors")
    ours: dict[str, Callable[[], Tensor]] = {
        "output": lambda: fix_colour(w["sample"], w["style"]),
        "sample_low": lambda: low_band(w["sample"]),
        "sample_high": lambda: w["sample"] - low_band(w["sample"]),
        "style_low": lambda: low_band(w["style"]),
    }
    for name, compute in ours.items():
        yield Output(f"wavelet {name}", _error(compute(), w[name]), 2e-6)


def _error(ours: Tensor, original: Tensor) -> float:
    """max|difference| / max|original|."""
    return float((ours - original).abs().max() / original.abs().max())


def _rows() -> Iterator[Row]:
    for output in measure():
        yield Row((output.name, f"{output.error:.1e}", f"{output.accept:.0e}"), output.fits)


TABLE = Table(
    "DiffBIR against recorded outputs of the original network", ("output", "error, relative", "accepted"), _rows
)

if __name__ == "__main__":
    sys.exit(print_tables(TABLE))
